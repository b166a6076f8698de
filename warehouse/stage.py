"""Staging: a landed batch becomes two tables in a DuckDB file of its own, untyped and typed.

Data flow: landed files -> reader of their media -> ``stg.main.tho`` (text as it came) -> cleaning
and typing by the contract, one expression per column -> ``stg.main.hang``. If a text in it looks
misread (``_nghi``), mojibake is repaired in ``tho`` and ``hang`` made again. DuckDB does all of it
column by column; Python sees no row. Where typing fails the value is NULL and the cleaned text
stays in ``<column>__raw``, so that the type rule can reject the row.

Staging lies in real files, not in temp tables: temp tables belong to one connection, and Great
Expectations reads through cursors of their own (design section 4). Cells that can be read again
where they lie (``view_batch``) are typed into a Parquet file, of which ``hang`` is a view: of a
million rows of 20 cells that is 1.3 s of work, a table of DuckDB's own 6 s.

What does not belong here: rules (``checks``), the lake, how cells are cleaned (``normalise``).
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import duckdb

from checks.contract import Contract
from hub.errors import ConfigurationError
from sources.disk import is_running
from sources.landing import LandedBatch
from sources.spec import DatasetSpec
from warehouse import mojibake, normalise
from warehouse.lake import quote
from warehouse.readers import ndjson
from warehouse.readers.batch import copy_table, forget, is_view, view_batch
from warehouse.readers.options import READ_ERRORS

_numbers = count()
GROUP_ROWS = 61_440
"""Rows of a Parquet row group of the typed rows; each thread holds one while it writes."""


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, folder: Path, batch: str) -> Iterator[None]:
    """Attach a fresh staging file as ``stg`` and remove it at the end.

    Its name carries the process, so that what a killed one left is found and removed here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("*.duckdb*"):
        pid = leftover.name.split(".")[1]
        if pid == str(os.getpid()) or not is_running(pid):
            leftover.unlink(missing_ok=True)
    file = folder / f"{batch}.{os.getpid()}.duckdb"
    connection.execute(f"ATTACH '{quote(file)}' AS stg")
    try:
        yield
    finally:
        connection.execute("DETACH stg")
        for written in folder.glob(f"{file.name}*"):
            written.unlink()


def stage(
    connection: duckdb.DuckDBPyConnection,
    batch: LandedBatch,
    dataset: DatasetSpec,
    contract: Contract,
) -> int:
    """Make ``stg.main.tho`` and ``stg.main.hang`` from a landed batch.

    Returns:
        The number of records read.

    Raises:
        ConfigurationError: The definition maps a column that the contract does not have.
        ProviderError: A file does not hold what its definition says.
    """
    unknown = sorted(set(dataset.columns) - {column.name for column in contract.columns})
    if unknown:
        raise ConfigurationError(
            f"the definition maps columns that contract {contract.id} lacks: {', '.join(unknown)}",
            where=f"{batch.manifest.system}/{dataset.name}",
            next_step=f"add them to {contract.path} or remove them from defs.yaml",
        )
    if of_parent := dataset.of_parent:
        # A batch without any file has no reader that would make it.
        columns = ", ".join(f'"{field}" VARCHAR' for field in of_parent)
        connection.execute(f"CREATE OR REPLACE TABLE stg.main.cha ({columns})")
    fields = sorted({spec.source for spec in dataset.columns.values()} | _says_deleted(dataset))
    options = dataset.fetch.get("reader", {})
    promised = view_batch(connection, batch, fields, options)
    rows = _type(connection, batch, dataset, contract, promised=promised)
    if _misread(connection):
        copy_table(connection, "tho")
        mended = mojibake.repair(connection, "stg.main.tho", sorted(_suspects(dataset, contract)))
        forget(connection, "hang")
        connection.execute(
            f"CREATE TABLE stg.main.hang AS {typed_sql(dataset, contract, mended=mended)}"
        )
    if dataset.of_parent:
        connection.execute(_parents_sql(dataset, contract))
    if dataset.tombstone is not None:
        _take_out_tombstones(connection, contract)
    return rows


def _type(
    connection: duckdb.DuckDBPyConnection,
    batch: LandedBatch,
    dataset: DatasetSpec,
    contract: Contract,
    *,
    promised: int | None,
) -> int:
    """Make ``stg.main.hang`` for the first time; returns its rows.

    ``promised`` is the number of rows of a ``tho`` that is a view (``view_batch``). Its bare
    cells are read in threads, and a row's number is its place in the file.
    """
    forget(connection, "hang")
    if promised is None:
        connection.execute(f"CREATE TABLE stg.main.hang AS {typed_sql(dataset, contract)}")
        return rows_of(connection)
    file = quote(_new_file(connection))
    try:
        connection.execute(
            f"COPY ({typed_sql(dataset, contract, source='stg.main.o')}) TO '{file}' "
            f"(FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE {GROUP_ROWS})"
        )
    except READ_ERRORS as error:
        raise ndjson.unreadable(error, str(batch.path)) from None
    connection.execute(
        f"""CREATE OR REPLACE VIEW stg.main.hang_goc AS
        SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _row
        FROM read_parquet('{file}', file_row_number = true)"""
    )
    connection.execute("CREATE VIEW stg.main.hang AS FROM stg.main.hang_goc")
    rows = rows_of(connection)
    ndjson.require(rows, promised, str(batch.path))
    return rows


def rows_of(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the rows of ``stg.main.hang``."""
    counted = connection.execute("SELECT count(*) FROM stg.main.hang").fetchone()
    return int(counted[0]) if counted else 0


def _new_file(connection: duckdb.DuckDBPyConnection) -> Path:
    """Return where the typed rows go, which :func:`attached` removes; the last ones' file is gone.

    Never the same name again: DuckDB may remember what it read of a file.
    """
    found = connection.execute(
        "SELECT path FROM duckdb_databases() WHERE database_name = 'stg'"
    ).fetchone()
    assert found is not None  # noqa: S101 - whoever stages has attached it
    staging = Path(str(found[0]))
    for earlier in staging.parent.glob(f"{staging.name}.*.parquet"):
        earlier.unlink()
    return staging.with_name(f"{staging.name}.{next(_numbers)}.parquet")


def _misread(connection: duckdb.DuckDBPyConnection) -> bool:
    """Say whether any row of ``hang`` has a text that looks misread."""
    found = connection.execute("SELECT bool_or(_nghi) FROM stg.main.hang").fetchone()
    return bool(found and found[0])


def _says_deleted(dataset: DatasetSpec) -> set[str]:
    """Return the field in which a record says that it was deleted, if there is one."""
    return set() if dataset.tombstone is None else {dataset.tombstone.field}


def _take_out_tombstones(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Move what the source deleted (``_bia``) from ``hang`` to ``stg.main.xoa``.

    A batch may hold a record and its end, or its end and its return: the newest by the contract's
    version column counts, or, where one of them has no version, the last that came. A tombstone
    whose key cannot be read stays in ``hang``, where the contract refuses it.
    """
    keys = ", ".join(contract.key)
    known = " AND ".join(f"{name} IS NOT NULL" for name in contract.key)
    connection.execute(
        f"""CREATE OR REPLACE TABLE stg.main.bia AS
        SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY
            CASE WHEN versions = records THEN version END DESC NULLS LAST, _row DESC) AS age
        FROM (SELECT _row, {keys}, {contract.version_column or "NULL"} AS version, _bia,
                count(version) OVER same_key AS versions, count(*) OVER same_key AS records
            FROM stg.main.hang SEMI JOIN (SELECT {keys} FROM stg.main.hang WHERE _bia)
                USING ({keys}) WHERE {known}
            WINDOW same_key AS (PARTITION BY {keys}))"""
    )
    connection.execute(
        """CREATE OR REPLACE TABLE stg.main.xoa AS SELECT * FROM stg.main.hang
        WHERE _row IN (SELECT _row FROM stg.main.bia WHERE _bia AND age = 1)"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TABLE stg.main.ra AS SELECT _row FROM stg.main.bia
        WHERE _bia OR ({keys}) IN (SELECT ({keys}) FROM stg.main.xoa)"""
    )
    gone = "_row IN (FROM stg.main.ra)"
    if is_view(connection, "hang"):
        connection.execute(
            f"CREATE OR REPLACE VIEW stg.main.hang AS FROM stg.main.hang_goc WHERE NOT {gone}"
        )
    else:
        connection.execute(f"DELETE FROM stg.main.hang WHERE {gone}")


def _parents_sql(dataset: DatasetSpec, contract: Contract) -> str:
    """Return the SQL that types what the records say in whose lists the rows stand.

    ``stg.main.cha`` then has a column for each of the contract's that comes from the record.
    """
    of_parent = dataset.of_parent
    values = ", ".join(
        f"{normalise.expressions(column, spec, _cell(spec.source)).value} AS {column.name}"
        for column in contract.columns
        if (spec := dataset.columns.get(column.name)) and spec.source in of_parent
    )
    return f"CREATE OR REPLACE TABLE stg.main.cha AS SELECT {values} FROM stg.main.cha t"


def _cell(field: str) -> str:
    return f't."{field}"'


def typed_sql(
    dataset: DatasetSpec,
    contract: Contract,
    *,
    source: str = "stg.main.tho",
    mended: Container[str] = (),
) -> str:
    """Return the ``SELECT`` of what ``stg.main.hang`` holds; what costs most is paid once a cell.

    From the inside: is a cell written unusually (``?column``); its value (``=column``), which is
    repaired only if it is; the text of a cell that has no value (``column__raw``), the repairs;
    and the content hash.

    Args:
        dataset: Which source field is which column.
        contract: The columns wanted, with type and form.
        source: ``tho``, or ``o``, which has the same cells but no ``_row``.
        mended: Source fields in which mojibake was repaired just now.
    """
    tests, values, kept, raws, others = [], [], [], [], []
    cells: dict[str, normalise.Cell] = {}
    for column in contract.columns:
        spec = dataset.columns.get(column.name)
        if spec is None:
            kept.append(f"NULL::{column.sql_type} AS {column.name}")
            continue
        cell = normalise.expressions(column, spec, _cell(spec.source), f't."?{column.name}"')
        value = f't."={column.name}"'
        tests.append(f'{cell.test} AS "?{column.name}"')
        values.append(f'{cell.value} AS "={column.name}"')
        if spec.blank is not None and column.is_text:
            kept.append(f"coalesce({value}, '{quote(spec.blank)}') AS {column.name}")
            others.append(f"CASE WHEN {value} IS NULL THEN '{column.name}:blank_cell' END")
        else:
            kept.append(f"{value} AS {column.name}")
        lost = f"CASE WHEN {value} IS NULL THEN {cell.clean} END"
        if spec.unlisted == "blank":
            others.append(f"CASE WHEN {lost} IS NOT NULL THEN '{column.name}:unlisted_code' END")
        elif not column.is_text or spec.codes:
            raws.append(f"{lost} AS {column.raw}")
        cells[column.name] = cell
        if column.is_text and spec.source in mended:
            was_mended = (
                "t._row IN (SELECT m._row FROM stg.main.mojibake m "
                f"WHERE m.\"column\" = '{quote(spec.source)}')"
            )
            others.append(f"CASE WHEN {was_mended} THEN '{column.name}:mojibake' END")
    repairs = normalise.flags(cells, others)
    row = ["t._row"] if source == "stg.main.tho" else []
    if (tombstone := dataset.tombstone) is not None:
        dead = ", ".join(f"'{quote(value)}'" for value in tombstone.values)
        kept.append(f"coalesce(trim({_cell(tombstone.field)}) IN ({dead}), false) AS _bia")
    suspects = " OR ".join(_suspects(dataset, contract).values())
    return f"""SELECT *, {content_hash(contract, repairs=True)} AS _hash
        FROM (SELECT {", ".join([*row, *kept, *raws, "t._nghi"])}, {repairs} AS _repairs
              FROM (SELECT {", ".join(["*", *values])}
                    FROM (SELECT *, {suspects or "FALSE"} AS _nghi
                          FROM (SELECT {", ".join(["*", *tests])} FROM {source} t) t) t) t)"""


def _suspects(dataset: DatasetSpec, contract: Contract) -> dict[str, str]:
    """Return the source fields whose words are kept, and SQL of whether a text looks misread.

    A text that is written as its column's ordinarily are does not, so few are looked at.
    """
    found: dict[str, str] = {}
    for column in contract.columns:
        if column.sql_type == "VARCHAR" and (spec := dataset.columns.get(column.name)):
            suspect = mojibake.suspect(_cell(spec.source))
            if column.form != "json":
                suspect = f'CASE WHEN t."?{column.name}" THEN {suspect} ELSE FALSE END'
            found[spec.source] = suspect
    return found


def content_hash(contract: Contract, *, repairs: bool = False) -> str:
    """Return SQL for the 64-bit content hash of a typed row.

    MD5 of the values as text: stable across DuckDB versions, which ``hash()`` is not, and the hash
    is stored. It only tells versions of one key apart, so 64 bits are enough. With ``repairs`` a
    cell that the source has mended counts as a change even if the stored value stays.
    """
    parts = [f"coalesce({column.name}::VARCHAR, chr(1))" for column in contract.columns]
    if repairs:
        parts.append("coalesce(_repairs::VARCHAR, '')")
    return f"md5_number_lower(concat_ws(chr(31), {', '.join(parts)}))"
