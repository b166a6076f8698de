"""CSV files -> ``stg.main.tho``, read by DuckDB itself.

Data flow: the header is read here and compared with the definition's fields -> DuckDB reads all
columns as text -> the wanted ones by name. Nothing is guessed: delimiter, header row and encoding
are the definition's. A line with too few or too many cells becomes a row without any cell, which
the contract's required columns reject: cells that have slipped would be worse than none.

DuckDB loses every row, without a word, if line ends are not what it takes them for, as with a
spreadsheet's CSV whose cells hold line breaks of their own. So a file with several kinds of line
end, or in another encoding than UTF-8, is read from a copy that has one.

Run it alone: ``pytest tests/warehouse/readers/test_csv.py``.

What does not belong here: spreadsheets (``xlsx``), repairing cells.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import duckdb
from pydantic import Field

from hub.errors import ProviderError
from sources.landing import LandedFile
from sources.spec import Strict
from warehouse.lake import quote
from warehouse.readers.options import READ_ERRORS, checked, matched, same

_SLIPPED = ("MISSING COLUMNS", "TOO MANY COLUMNS")


class Options(Strict):
    """How the file is written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
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
            with _uniform(batch_path / file.name, chosen) as (path, line_end):
                _append(connection, path, fields, chosen, name=file.name, line_end=line_end)
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None


@contextmanager
def _uniform(path: Path, options: Options) -> Iterator[tuple[Path, str]]:
    """Yield a UTF-8 file with one kind of line end, and which; a copy, where need be."""
    data = path.read_bytes()
    if options.encoding != "utf-8":
        try:
            data = data.decode(options.encoding).encode()
        except UnicodeError:
            raise _not_encoded(options) from None
    pairs = data.count(b"\r\n")
    alone = {"\r\n": pairs, "\n": data.count(b"\n") - pairs, "\r": data.count(b"\r") - pairs}
    kinds = [line_end for line_end, count in alone.items() if count]
    if len(kinds) <= 1 and options.encoding == "utf-8":
        yield path, kinds[0] if kinds else "\n"
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        yield copy, "\n"


def _append(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    fields: Sequence[str],
    options: Options,
    *,
    name: str,
    line_end: str,
) -> None:
    """Add the rows of one file."""
    names, more = _header(path, options)
    places = matched(names, fields)
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(names)))
    cells = "".join(f", c{places[field]}" for field in fields)
    _drop_rejects(connection)
    try:
        added = connection.execute(
            f"""INSERT INTO stg.main.tho
            SELECT done.n + place, $name, place + {options.header_row}{cells}
            FROM (SELECT row_number() OVER () AS place, *
                  FROM read_csv('{quote(path)}', auto_detect = false, header = true,
                      skip = {options.header_row - 1}, delim = $delimiter, new_line = $line_end,
                      quote = '"', escape = '"', columns = {{{columns}}},
                      ignore_errors = true, store_rejects = true, rejects_limit = 0,
                      rejects_table = 'csv_rejects', rejects_scan = 'csv_reject_scans')),
                 (SELECT count(*) AS n FROM stg.main.tho) done""",
            {
                "name": name,
                "delimiter": options.delimiter,
                # DuckDB takes the escapes, not the characters.
                "line_end": line_end.replace("\r", "\\r").replace("\n", "\\n"),
            },
        ).fetchone()
        slipped = _keep_slipped(connection, name)
    except READ_ERRORS as error:
        raise ProviderError(
            f"the file cannot be read as CSV ({type(error).__name__})",
            next_step="check delimiter and encoding in the definition, quotes in the file",
        ) from None
    finally:
        _drop_rejects(connection)
    if more and not slipped and not (added and added[0]):
        raise ProviderError(
            "lines follow the header, but DuckDB finds no row in them",
            next_step="check delimiter and quotes; ask the provider to write the file again",
        )


def _keep_slipped(connection: duckdb.DuckDBPyConnection, name: str) -> int:
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
    added = connection.execute(
        """INSERT INTO stg.main.tho (_row, _file, _line)
        SELECT (SELECT count(*) FROM stg.main.tho) + row_number() OVER (ORDER BY line), $1, line
        FROM (SELECT DISTINCT line FROM csv_rejects)""",
        [name],
    ).fetchone()
    return int(added[0]) if added else 0


def _drop_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("csv_rejects", "csv_reject_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _header(path: Path, options: Options) -> tuple[list[str], bool]:
    """Return the header's names, and whether anything but blanks follows it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for _ in range(options.header_row - 1):
                next(file, "")
            header = next(csv.reader(file, delimiter=options.delimiter, strict=True), [])
            more = any(not line.isspace() for line in file)
    except UnicodeError:
        raise _not_encoded(options) from None
    except csv.Error as error:
        raise ProviderError(
            f"the header of the CSV cannot be read ({error})",
            next_step="check delimiter and header_row in the definition",
        ) from None
    return [same(name) for name in header], more


def _not_encoded(options: Options) -> ProviderError:
    return ProviderError(
        f"the file is not {options.encoding}",
        next_step="open it in an editor that tells the encoding; set `encoding` in the definition",
    )
