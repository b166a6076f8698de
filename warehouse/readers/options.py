"""What the readers share: their options checked, their rows stored.

Data flow: ``reader:`` of a definition's ``fetch`` -> :func:`checked` -> a reader's own model;
rows that a reader made in Python -> :func:`store` -> Arrow -> ``stg.main.tho``.

Run it alone: ``pytest tests/warehouse/readers``.

What does not belong here: what any one reader's options are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from hub.errors import ConfigurationError
from sources.spec import Strict

Options = TypeVar("Options", bound=Strict)

READ_ERRORS = (duckdb.InvalidInputException, duckdb.DataError, duckdb.IOException)
"""What DuckDB raises for a file that it cannot read; anything else is a mistake of the hub."""

_AT_ONCE = 20_000
"""Rows that are held in Python; an XML file may have millions."""

Record = tuple[str, int, Mapping[str, str | None]]
"""Landed file, line in it (from 1), source field -> text."""


def checked(model: type[Options], options: Mapping[str, Any]) -> Options:
    """Return a reader's options as its model; raises ``ConfigurationError``."""
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"reader option `{name}`: {first['msg']}",
            where="definition",
            next_step="options are " + ", ".join(model.model_fields),
        ) from None


def store(
    connection: duckdb.DuckDBPyConnection, fields: Sequence[str], records: Iterable[Record]
) -> None:
    """Make ``stg.main.tho`` of rows that a reader made in Python, some thousands at a time."""
    source = iter(records)
    rows = list(islice(source, _AT_ONCE))
    begin, done = "CREATE OR REPLACE TABLE stg.main.tho AS", 0
    while rows or not done:
        connection.register("read_rows", _table(fields, rows, done))
        try:
            connection.execute(f"{begin} SELECT * FROM read_rows")
        finally:
            connection.unregister("read_rows")
        if not rows:
            return
        begin, done = "INSERT INTO stg.main.tho", done + len(rows)
        rows = list(islice(source, _AT_ONCE))


def _table(fields: Sequence[str], rows: Sequence[Record], done: int) -> pa.Table:
    """Return rows as Arrow, numbered on from those that are stored already."""
    return pa.table(
        [
            pa.array(range(done + 1, done + len(rows) + 1), pa.int64()),
            pa.array([file for file, _, _ in rows], pa.string()),
            pa.array([line for _, line, _ in rows], pa.int64()),
            *(
                pa.array([cells.get(field) for _, _, cells in rows], pa.string())
                for field in fields
            ),
        ],
        names=["_row", "_file", "_line", *fields],
    )
