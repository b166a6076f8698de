"""A look at a dataset before it is loaded: what comes, how it is read, what would be refused.

Data flow: definition -> a pull that stops after some rows, into a scratch folder -> the same
staging and the same marks as a night -> :class:`Preview`. Nothing is written to landing or to the
warehouse; rules that look values up read the lake if there is one.

Run it alone: ``hub preview PROVINCE/SYSTEM/DATASET``.

What does not belong here: printing (``cli``), Great Expectations (the marks say which row breaks
which rule, and a look should not cost its import).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from checks.contract import Column, Contract
from checks.quarantine import mark
from hub.load import Context
from sources.context import Warn, unheard
from sources.landing import LandedBatch, Landing, Position
from sources.pull import pull
from sources.spec import DatasetSpec, SystemSpec
from warehouse import stage
from warehouse.lake import connect

MASK = "***"
_GUESSES = (
    ("thoi_diem", r"[0-9]{14}|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{5,8}.*"),
    ("so_nguyen", "-?[0-9]+"),
    ("so_thap_phan", r"-?[0-9]{1,3}(?:\.[0-9]{3})*,[0-9]+|-?[0-9]+\.[0-9]+"),
    ("ngay", r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}"),
    ("dung_sai", "(?i)true|false|x|có|không"),
)
"""Form -> what nearly all cells of such a column look like; the first that fits. A guess for
people, never for loads."""
_NEARLY = 0.95


@dataclass(frozen=True)
class Field:
    """One column of the contract, as this source fills it."""

    column: str
    source: str
    """Field of the source; blank if the definition maps none."""
    sql_type: str
    form: str
    looks_like: str
    """Form that most cells have; blank for text."""
    filled: int
    """Cells that say something."""
    untyped: int
    """Cells that say something and cannot be read as the contract's type."""
    repaired: int


@dataclass(frozen=True)
class Preview:
    """What a sample shows."""

    records: int
    fields: list[Field]
    broken: list[tuple[str, int, str]]
    """Rule, rows that break it, reason in Vietnamese."""
    refused: int
    names: list[str]
    rows: list[tuple[Any, ...]]
    """First rows as they would be loaded, personal columns masked."""
    warnings: list[str]
    """What somebody must read: a state secret came by, and was not looked at."""


def preview(context: Context, system: SystemSpec, dataset: DatasetSpec, rows: int) -> Preview:
    """Pull a sample and say what would become of it.

    Args:
        context: The deployment.
        system: The source system.
        dataset: The dataset of it.
        rows: So many records are enough; a source that sends pages may send a page more.

    Raises:
        HubError: What a night would stop at too.
    """
    contract = context.catalog.contract(dataset)
    warnings: list[str] = []
    with sampled(context, system, dataset, rows, warnings.append) as (connection, batch):
        records = stage.stage(connection, batch, dataset, contract)
        counts = mark(connection, "stg.main.hang", contract)
        return Preview(
            records=records,
            fields=[_field(connection, c, dataset) for c in contract.columns],
            broken=_broken(contract, counts),
            refused=refused(connection),
            names=[column.name for column in contract.columns],
            rows=_first(connection, contract, rows),
            warnings=warnings,
        )


@contextmanager
def sampled(
    context: Context,
    system: SystemSpec,
    dataset: DatasetSpec,
    rows: int,
    warn: Warn = unheard,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, LandedBatch]]:
    """Pull a sample into a scratch folder; yield it beside a connection with ``stg`` attached.

    Everything is removed at the end. Arguments and errors are those of :func:`preview`;
    ``warn`` takes the sentences of the pull that somebody must read.
    """
    with TemporaryDirectory(prefix="hub-preview-") as scratch:
        batch = pull(
            system,
            dataset,
            position=Position(),
            landing=Landing(Path(scratch) / "landing"),
            environment=context.settings.environment(),
            sample=rows,
            warn=warn,
        )
        connection = context.lake.reader() if context.lake.exists else connect()
        connection.execute("USE memory")
        try:
            with stage.attached(connection, Path(scratch), "preview"):
                yield connection, batch
        finally:
            connection.close()


def _broken(contract: Contract, counts: dict[str, int]) -> list[tuple[str, int, str]]:
    reasons = {rule.name: rule.reason for rule in contract.rules}
    found = [(name, count, reasons.get(name, "")) for name, count in counts.items() if count]
    return sorted(found, key=lambda item: -item[1])


def refused(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many rows the marks refuse."""
    found = connection.execute("SELECT count(*) FROM stg.main.vi_pham").fetchone()
    return int(found[0]) if found else 0


def _first(
    connection: duckdb.DuckDBPyConnection, contract: Contract, rows: int
) -> list[tuple[Any, ...]]:
    shown = ", ".join(
        column.name
        if column.classification == "none"
        else f"CASE WHEN {column.name} IS NOT NULL THEN '{MASK}' END AS {column.name}"
        for column in contract.columns
    )
    return connection.execute(
        f"SELECT {shown} FROM stg.main.hang WHERE _row NOT IN (SELECT _row FROM stg.main.vi_pham) "
        f"ORDER BY _row LIMIT {rows:d}"
    ).fetchall()


def _field(connection: duckdb.DuckDBPyConnection, column: Column, dataset: DatasetSpec) -> Field:
    """Count how one column is filled, in one scan of its cells."""
    spec = dataset.columns.get(column.name)
    if spec is None:
        return Field(column.name, "", column.sql_type, column.form, "", 0, 0, 0)
    text = f'trim(t."{spec.source}")'
    likes = ", ".join(
        f"count(*) FILTER (regexp_full_match({text}, '{pattern}'))" for _, pattern in _GUESSES
    )
    found = connection.execute(
        f"""SELECT count(*) FILTER ({text} <> ''),
            count(*) FILTER ({text} <> '' AND h.{column.name} IS NULL),
            count(*) FILTER (len(list_filter(h._repairs, lambda r:
                starts_with(r, '{column.name}:'))) > 0), {likes}
        FROM stg.main.tho t JOIN stg.main.hang h USING (_row)"""
    ).fetchone()
    filled, untyped, repaired, *hits = (int(value) for value in found or ())
    enough = max(1, _NEARLY * filled)
    guesses = zip(_GUESSES, hits, strict=True)
    guess = next((form for (form, _), hit in guesses if hit >= enough), "")
    return Field(
        column.name, spec.source, column.sql_type, column.form, guess, filled, untyped, repaired
    )
