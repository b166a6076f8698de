"""Several landed batches staged as the one batch that says what they say one after the other.

Data flow: batch by batch ``stage`` and the marks, as on the nights on which they came -> what each
leaves of those before it (``stg.main.gop_*``: accepted rows, open rejects, ends, parents) -> the
tables that ``diff`` compares. So a reload is one comparison and one commit: the history gets no
version that goes back and comes again, and a crash leaves the old state or the new one.

What a night does with a row is repeated here in the same order: an accepted row replaces its
predecessor, a refused one does not, a key that a full snapshot no longer names goes, a refused
record leaves quarantine when its key comes again.

Run it alone: ``pytest tests/hub/test_reload.py``.

What does not belong here: which batches (``hub.reload``), judging (``checks``), committing.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from checks.contract import Contract
from checks.quarantine import mark
from sources.landing import LandedBatch
from sources.spec import DatasetSpec
from warehouse.diff import not_late, same_key, seen_whole
from warehouse.readers.batch import forget
from warehouse.stage import rows_of, stage
from warehouse.suppression import Suppression, take_out

_TABLES = ("hang", "tho", "vi_pham", "xoa", "cha")


def replay(
    connection: duckdb.DuckDBPyConnection,
    batches: Sequence[LandedBatch],
    dataset: DatasetSpec,
    contract: Contract,
    erased: Suppression | None = None,
) -> int:
    """Stage batches as one, marked; the oldest first.

    Persons of the suppression list are taken out of each before it is marked.

    Returns:
        The rows in ``stg.main.hang``: what is accepted in the end, and what is refused.

    Raises:
        ConfigurationError: As ``stage`` and ``mark`` do.
        ProviderError: A file does not hold what its definition says.
    """
    offset = 0
    for number, batch in enumerate(batches):
        rows = stage(connection, batch, dataset, contract)
        if erased is not None:
            take_out(connection, erased, contract, batch)
        mark(connection, "stg.main.hang", contract)
        if number == 0:
            _begin(connection, dataset)
        _fold(connection, contract, dataset, whole=batch.manifest.whole, offset=offset)
        offset += rows
    _end(connection, dataset)
    return rows_of(connection)


def _kept(dataset: DatasetSpec) -> list[str]:
    """Return the staging tables that this dataset has."""
    absent = {"xoa"} if dataset.tombstone is None else set()
    absent |= set() if dataset.of_parent else {"cha"}
    return [name for name in _TABLES if name not in absent]


def _begin(connection: duckdb.DuckDBPyConnection, dataset: DatasetSpec) -> None:
    for name in _kept(dataset):
        connection.execute(
            f"CREATE OR REPLACE TABLE stg.main.gop_{name} AS FROM stg.main.{name} LIMIT 0"
        )


def _fold(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    dataset: DatasetSpec,
    *,
    whole: bool,
    offset: int,
) -> None:
    """Let one staged and marked batch do to what is gathered what a night does to the lake."""
    tombstones = dataset.tombstone is not None
    both = " AND ".join(f"g.{name} IS NOT DISTINCT FROM n.{name}" for name in contract.key)
    keys = ", ".join(contract.key)
    named = f"SELECT {keys} FROM stg.main.hang"
    if tombstones:
        named += f" UNION ALL SELECT {keys} FROM stg.main.xoa"
    open_rejects = "_row IN (SELECT _row FROM stg.main.gop_vi_pham)"
    sound = (
        "_row NOT IN (SELECT _row FROM stg.main.vi_pham) "
        "AND _row NOT IN (SELECT _row FROM stg.main.bo_qua)"
    )
    gone = seen_whole(whole=whole, replaced_by=dataset.replaced_by)
    if tombstones:
        ended = not_late(contract, "x", "t", whole=whole)
        gone += f" OR EXISTS (SELECT 1 FROM stg.main.xoa x WHERE {same_key(contract, 'x', 't')}"
        gone += f" AND {ended})"
    seen_again = "true" if whole else f"EXISTS (SELECT 1 FROM ({named}) n WHERE {both})"
    newer = not_late(contract, "h", "t", whole=whole)
    statements = [
        f"DELETE FROM stg.main.gop_hang g WHERE {open_rejects} AND {seen_again}",
        (
            f"DELETE FROM stg.main.gop_hang t WHERE NOT {open_rejects} AND ({gone}) AND NOT EXISTS "
            f"(SELECT 1 FROM stg.main.hang h WHERE {same_key(contract, 'h', 't')})"
        ),
        (
            f"DELETE FROM stg.main.gop_hang t WHERE NOT {open_rejects} AND EXISTS (SELECT 1 FROM "
            f"stg.main.hang h WHERE {sound} AND {same_key(contract, 'h', 't')} AND {newer})"
        ),
        "DELETE FROM stg.main.gop_vi_pham WHERE _row NOT IN (SELECT _row FROM stg.main.gop_hang)",
        "DELETE FROM stg.main.gop_tho WHERE _row NOT IN (SELECT _row FROM stg.main.gop_vi_pham)",
        (
            f"INSERT INTO stg.main.gop_hang BY NAME SELECT * REPLACE (_row + {offset} AS _row) "
            f"FROM stg.main.hang h WHERE {sound} AND NOT EXISTS (SELECT 1 FROM stg.main.gop_hang t "
            f"WHERE NOT t.{open_rejects} AND {same_key(contract, 'h', 't')})"
        ),
        *(
            f"INSERT INTO stg.main.gop_{name} BY NAME SELECT * REPLACE (_row + {offset} AS _row) "
            f"FROM stg.main.{name} WHERE _row IN (SELECT _row FROM stg.main.vi_pham)"
            for name in ("hang", "tho", "vi_pham")
        ),
    ]
    if tombstones:
        statements += [
            f"DELETE FROM stg.main.gop_xoa g WHERE EXISTS (SELECT 1 FROM ({named}) n WHERE {both})",
            (
                f"INSERT INTO stg.main.gop_xoa BY NAME SELECT * REPLACE (_row + {offset} AS _row) "
                "FROM stg.main.xoa"
            ),
        ]
    if dataset.of_parent:
        statements.append("INSERT INTO stg.main.gop_cha BY NAME FROM stg.main.cha")
    for statement in statements:
        connection.execute(statement)


def _end(connection: duckdb.DuckDBPyConnection, dataset: DatasetSpec) -> None:
    """Put what was gathered where a single batch would stand."""
    forget(connection)
    for name in _kept(dataset):
        forget(connection, name)
        connection.execute(f"ALTER TABLE stg.main.gop_{name} RENAME TO {name}")
    connection.execute("DELETE FROM stg.main.bo_qua")
