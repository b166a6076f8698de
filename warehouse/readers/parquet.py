"""Parquet files -> ``stg.main.tho``, read by DuckDB itself.

Data flow: the file's columns and their types -> compared with the definition's fields
(``headers``) -> one SQL expression per column that writes its values as text -> rows, counted
against the file's own number of them.

How values are written, so that the contract types them as it types any text: whole numbers
without ``.0``, others in full where 18 places after the point are enough; ``true``, ``false``;
dates ``2026-09-01``; times ``2026-09-01 08:30:00``, those with a zone as Vietnam time without
it; lists and structures as JSON; bytes as UTF-8 text if they are that, else in hexadecimal.

Run it alone: ``pytest tests/warehouse/readers/test_parquet.py``.

What does not belong here: partitioned folders, files elsewhere than on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from hub.errors import ProviderError
from sources.landing import LandedFile
from sources.spec import Strict
from warehouse.lake import quote
from warehouse.readers.headers import places, same, shared
from warehouse.readers.options import checked

_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")


class Options(Strict):
    """None: a Parquet file says everything itself."""


def read(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Fill ``stg.main.tho``.

    Raises:
        ProviderError: A file is damaged, or lacks a field.
    """
    checked(Options, options)
    columns = "".join(f', "{field}" VARCHAR' for field in fields)
    connection.execute(
        f"CREATE OR REPLACE TABLE stg.main.tho (_row BIGINT, _file VARCHAR, _line BIGINT{columns})"
    )
    for file in files:
        try:
            _append(connection, batch_path / file.name, fields, file.name)
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None
        except duckdb.Error as error:
            # Whatever it is: for damage within a file DuckDB has no class of its own.
            raise _unreadable(error, f"{batch_path.name}/{file.name}") from None


def names(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    options: Mapping[str, Any],
) -> list[str]:
    """Return the columns that all files have in common; errors as :func:`read`."""
    checked(Options, options)
    headers = []
    for file in files:
        try:
            described = _described(connection, batch_path / file.name)
        except duckdb.Error as error:
            raise _unreadable(error, f"{batch_path.name}/{file.name}") from None
        headers.append([same(column) for column, _ in described])
    return shared(headers)


def _described(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    """Return name and type of each column of a file."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {_source(path)}").fetchall()
    return [(str(column[0]), str(column[1])) for column in described][:-1]


def _source(path: Path) -> str:
    return f"read_parquet('{quote(path)}', hive_partitioning = false, file_row_number = true)"


def _unreadable(error: Exception, where: str) -> ProviderError:
    return ProviderError(
        f"the file cannot be read as Parquet ({type(error).__name__})",
        where=where,
        next_step="ask the provider to write the file again",
    )


def _append(
    connection: duckdb.DuckDBPyConnection, path: Path, fields: Sequence[str], name: str
) -> None:
    """Add the rows of one file."""
    source = _source(path)
    types = _described(connection, path)
    found = places([same(column) for column, _ in types], fields)
    cells = "".join(f", {_text(*types[found[field]])}" for field in fields)
    claimed = connection.execute(
        f"SELECT num_rows FROM parquet_file_metadata('{quote(path)}')"
    ).fetchone()
    added = connection.execute(
        f"""INSERT INTO stg.main.tho
        SELECT done.n + file_row_number + 1, $name, file_row_number + 1{cells}
        FROM {source}, (SELECT count(*) AS n FROM stg.main.tho) done""",
        {"name": name},
    ).fetchone()
    if not (added and claimed and added[0] == claimed[0]):
        raise ProviderError(
            f"the Parquet file says it has {claimed and claimed[0]} rows and gives "
            f"{added and added[0]}",
            next_step="ask the provider to write the file again",
        )


def _text(column: str, kind: str) -> str:
    """Return SQL that writes a column's values as text."""
    cell = '"' + column.replace('"', '""') + '"'
    if kind in {"DOUBLE", "FLOAT"}:
        small = f"rtrim(format('{{:.18f}}', {cell}), '0')"
        return (
            f"CASE WHEN {cell} = trunc({cell}) AND abs({cell}) < 1e18 "
            f"THEN {cell}::BIGINT::VARCHAR "
            f"WHEN abs({cell}) < 1e-4 AND TRY_CAST({small} AS {kind}) = {cell} "
            f"THEN {small} ELSE {cell}::VARCHAR END"
        )
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"({cell} AT TIME ZONE 'Asia/Ho_Chi_Minh')::VARCHAR"
    if kind == "BLOB":
        return f"coalesce(try(decode({cell})), lower(hex({cell})))"
    if kind.endswith("]") or kind.startswith(_NESTED):
        return f"to_json({cell})::VARCHAR"
    return f"{cell}::VARCHAR"
