"""What the readers share: their options checked, their rows stored.

Data flow: ``reader:`` of a definition's ``fetch`` -> :func:`checked` -> a reader's own model;
rows that a reader made in Python -> :func:`store` -> Arrow -> ``stg.main.tho``.

Run it alone: ``pytest tests/warehouse/readers``.

What does not belong here: what any one reader's options are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from hub.errors import ConfigurationError, ProviderError
from sources.spec import Strict

Options = TypeVar("Options", bound=Strict)

READ_ERRORS = (duckdb.InvalidInputException, duckdb.DataError, duckdb.IOException)
"""What DuckDB raises for a file that it cannot read; anything else is a mistake of the hub."""

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
    """Make ``stg.main.tho`` of rows that a reader made in Python."""
    rows = list(records)
    table = pa.table(
        [
            pa.array(range(1, len(rows) + 1), pa.int64()),
            pa.array([file for file, _, _ in rows], pa.string()),
            pa.array([line for _, line, _ in rows], pa.int64()),
            *(
                pa.array([cells.get(field) for _, _, cells in rows], pa.string())
                for field in fields
            ),
        ],
        names=["_row", "_file", "_line", *fields],
    )
    connection.register("read_rows", table)
    try:
        connection.execute("CREATE OR REPLACE TABLE stg.main.tho AS SELECT * FROM read_rows")
    finally:
        connection.unregister("read_rows")


def same(name: object) -> str:
    """Return a header's name without what differs from file to file: blanks, form of letters."""
    return " ".join(unicodedata.normalize("NFC", str(name).replace("\ufeff", "")).split())


def matched(names: Sequence[str], fields: Sequence[str]) -> dict[str, int]:
    """Return each field's place in a header (of :func:`same` names).

    Raises:
        ProviderError: A field is missing, or stands there twice.
    """
    wanted = {field: same(field) for field in fields}
    missing = sorted(field for field, name in wanted.items() if name not in names)
    twice = sorted(field for field, name in wanted.items() if names.count(name) > 1)
    if missing or twice:
        known = set(wanted.values())
        extra = [name[:40] for name in names if name and name not in known]
        raise ProviderError(
            "the header is not as defined"
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; twice: {', '.join(twice)}" if twice else "")
            + f"; not known: {', '.join(extra[:20]) or 'none'}",
            next_step="compare `columns` of the definition with the file; was a column renamed?",
        )
    return {field: names.index(name) for field, name in wanted.items()}
