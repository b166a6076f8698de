"""CSV files -> ``stg.main.tho``, read by DuckDB itself.

Data flow: the header is read here and compared with the definition's fields -> DuckDB reads all
columns as text -> the wanted ones by name. Nothing is guessed: delimiter, header row and encoding
are the definition's. A line with too few or too many cells becomes a row without any cell, which
the contract's required columns reject: cells that have slipped would be worse than none.

Run it alone: ``pytest tests/warehouse/readers/test_csv.py``.

What does not belong here: spreadsheets (``xlsx``), repairing cells.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
from pydantic import Field

from hub.errors import ProviderError
from sources.landing import LandedFile
from sources.spec import Strict
from warehouse.lake import quote
from warehouse.readers.options import checked, matched, same

_HEAD = 2**20
"""Bytes in which the header must end."""
_SLIPPED = ("MISSING COLUMNS", "TOO MANY COLUMNS")


class Options(Strict):
    """How the file is written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    header_row: Annotated[int, Field(ge=1)] = 1
    """Line of the header, from 1; lines above it are a title."""
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"


def read(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Fill ``stg.main.tho``.

    Raises:
        ProviderError: The header lacks a field, or the file cannot be read as a whole.
    """
    chosen = checked(Options, options)
    columns = "".join(f', "{field}" VARCHAR' for field in fields)
    connection.execute(
        f"CREATE OR REPLACE TABLE stg.main.tho (_row BIGINT, _file VARCHAR, _line BIGINT{columns})"
    )
    for file in files:
        try:
            _append(connection, batch_path / file.name, file.name, fields, chosen)
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None


def _append(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    fields: Sequence[str],
    options: Options,
) -> None:
    """Add the rows of one file."""
    names = _header(path, options)
    places = matched(names, fields)
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(names)))
    cells = "".join(f", c{places[field]}" for field in fields)
    _drop_rejects(connection)
    try:
        connection.execute(
            f"""INSERT INTO stg.main.tho
            SELECT done.n + place, $name, place + {options.header_row}{cells}
            FROM (SELECT row_number() OVER () AS place, *
                  FROM read_csv('{quote(path)}', auto_detect = false, header = true,
                      skip = {options.header_row - 1}, delim = $delimiter, quote = $quote,
                      escape = $quote, encoding = $encoding, columns = {{{columns}}},
                      ignore_errors = true, store_rejects = true, rejects_limit = 0,
                      rejects_table = 'csv_rejects', rejects_scan = 'csv_reject_scans')),
                 (SELECT count(*) AS n FROM stg.main.tho) done""",
            {
                "name": name,
                "delimiter": options.delimiter,
                "quote": options.quote,
                "encoding": options.encoding,
            },
        )
        _keep_slipped(connection, name)
    except (duckdb.DataError, duckdb.ProgrammingError, duckdb.IOException) as error:
        raise ProviderError(
            f"the file cannot be read as CSV ({type(error).__name__})",
            next_step="check delimiter and encoding in the definition, line ends in the file",
        ) from None
    finally:
        _drop_rejects(connection)


def _keep_slipped(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Add a row without cells for each line that has the wrong number of them."""
    wrong = connection.execute(
        "SELECT min(line), any_value(error_type), count(DISTINCT line) FROM csv_rejects "
        f"WHERE error_type::VARCHAR NOT IN {_SLIPPED} OR csv_line IS NULL"
    ).fetchone()
    if wrong and wrong[2]:
        raise ProviderError(
            f"line {wrong[0]} of the CSV cannot be read ({str(wrong[1]).lower()})",
            next_step="check quotes and encoding of the file; ask the provider to write it again",
        )
    connection.execute(
        """INSERT INTO stg.main.tho (_row, _file, _line)
        SELECT (SELECT count(*) FROM stg.main.tho) + row_number() OVER (ORDER BY line), $1, line
        FROM (SELECT DISTINCT line FROM csv_rejects)""",
        [name],
    )


def _drop_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("csv_rejects", "csv_reject_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _header(path: Path, options: Options) -> list[str]:
    """Return the header's names."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    try:
        # Cut off at a line's end: the last character may be only half there.
        text = head.decode(options.encoding, "strict" if len(head) < _HEAD else "ignore")
        lines = text.splitlines(keepends=True)[options.header_row - 1 :]
        header = next(csv.reader(lines, delimiter=options.delimiter, strict=True), [])
    except (UnicodeError, csv.Error, TypeError) as error:
        raise ProviderError(
            f"the header of the CSV cannot be read ({type(error).__name__})",
            next_step=f"is the file really {options.encoding}? Set `encoding` in the definition",
        ) from None
    return [same(name) for name in header]
