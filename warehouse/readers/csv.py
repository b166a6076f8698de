"""CSV and TSV files -> ``stg.main.tho``, read by DuckDB itself.

Data flow: bytes -> UTF-8 with one kind of line end (``encodings``) -> the header is read here and
compared with the definition's fields (``headers``) -> DuckDB reads all columns as text -> the
wanted ones by name. Nothing is guessed: delimiter, header row and encoding
are the definition's. A line with too few or too many cells becomes a row without any cell, which
the contract's required columns reject: cells that have slipped would be worse than none.

DuckDB loses every row, without a word, if line ends are not what it takes them for, as with a
spreadsheet's CSV whose cells hold line breaks of their own. So a file with several kinds of line
end, or in another encoding than UTF-8, is read from a copy that has one.

Notes under the table are left out if the definition names a ``key``: lines at the end in which
the key's cell is blank and at most one cell is filled. A lone cell that is one word may be half
a row (a file cut in the middle), so it stays, as a row without cells.

Run it alone: ``pytest tests/warehouse/readers/test_csv.py``.

What does not belong here: spreadsheets (``xlsx``), repairing cells.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TextIO

import duckdb
from pydantic import Field

from hub.errors import ProviderError
from sources.landing import LandedFile
from warehouse.lake import quote
from warehouse.readers.encodings import Encoding, detected, text_of
from warehouse.readers.headers import TableOptions, joined, places, shared
from warehouse.readers.options import READ_ERRORS, checked

_FILLED = "(trim(coalesce(c{}, '')) <> '')::INT"
_SLIPPED = ("MISSING COLUMNS", "TOO MANY COLUMNS")


class Options(TableOptions):
    """How the file is written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Comma in a CSV, tab in a TSV, if none is given."""
    header_row: Annotated[int, Field(ge=1)] = 1
    """Line of the header (of two: the upper one), from 1; lines above it are a title."""
    encoding: Encoding = "utf-8"


@dataclass(frozen=True)
class _Table:
    """A file as DuckDB gets it: UTF-8, one kind of line end, the header's last row first."""

    path: Path
    line_end: str
    names: list[str]
    before: int
    """Lines of the landed file above the header's last row."""
    end: int
    """Lines of the landed file down to the header's last row."""
    more: bool
    """Whether anything but blanks follows."""


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
    chosen = _chosen(files, options)
    columns = "".join(f', "{field}" VARCHAR' for field in fields)
    connection.execute(
        f"CREATE OR REPLACE TABLE stg.main.tho (_row BIGINT, _file VARCHAR, _line BIGINT{columns})"
    )
    for file in files:
        try:
            with _prepared(batch_path / file.name, chosen) as table:
                _append(connection, table, fields, chosen, file.name)
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None


def names(
    _connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    options: Mapping[str, Any],
) -> list[str]:
    """Return the names that the headers of all files have in common; errors as :func:`read`."""
    chosen = _chosen(files, options)
    headers = []
    for file in files:
        try:
            with _prepared(batch_path / file.name, chosen) as table:
                headers.append(table.names)
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None
    return shared(headers)


def _chosen(files: Sequence[LandedFile], options: Mapping[str, Any]) -> Options:
    """Return the options, with the delimiter that is usual for the medium if none is given."""
    chosen = checked(Options, options)
    if chosen.delimiter is not None:
        return chosen
    usual = "\t" if any(file.media == "tsv" for file in files) else ","
    return chosen.model_copy(update={"delimiter": usual})


@contextmanager
def _prepared(path: Path, options: Options) -> Iterator[_Table]:
    """Yield the file itself where DuckDB can read it as it is, else a copy."""
    data = path.read_bytes()
    encoding = detected(data) if options.encoding == "detect" else options.encoding
    if encoding != "utf-8":
        data = text_of(data, options.encoding).encode()
    pairs = data.count(b"\r\n")
    alone = {"\r\n": pairs, "\n": data.count(b"\n") - pairs, "\r": data.count(b"\r") - pairs}
    kinds = [line_end for line_end, count in alone.items() if count]
    # DuckDB's `skip` counts records, a person who looks for the header counts lines.
    on_top = options.header_row == options.header_rows == 1
    if len(kinds) <= 1 and encoding == "utf-8" and on_top and options.key is None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield _table(file, options, path, kinds[0] if kinds else "\n")
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        text = text_of(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), "utf-8")
        table = _table(io.StringIO(text, newline=""), options, copy, "\n")
        lines = text.split("\n")
        if options.key is not None:
            _drop_notes(lines, table, options)
        copy.write_text("\n".join(lines[table.before :]), encoding="utf-8", newline="")
        yield replace(table, more=any(line.strip() for line in lines[table.end :]))


def _append(
    connection: duckdb.DuckDBPyConnection,
    table: _Table,
    fields: Sequence[str],
    options: Options,
    name: str,
) -> None:
    """Add the rows of one file."""
    key = [] if options.key is None or options.key in fields else [options.key]
    found = places(table.names, [*fields, *key])
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(table.names)))
    cells = "".join(f", c{found[field]}" for field in fields)
    wanted, number = "TRUE", "place"
    if options.titles:
        number = "row_number() OVER (ORDER BY place)"
        filled = ", ".join(_FILLED.format(place) for place in range(len(table.names)))
        wanted = f"{_FILLED.format(found[options.key or fields[0]])} + list_sum([{filled}]) > 1"
    _drop_rejects(connection)
    try:
        added = connection.execute(
            f"""INSERT INTO stg.main.tho
            SELECT done.n + {number}, $name,
                place + {table.end}{cells}
            FROM (SELECT row_number() OVER () AS place, *
                  FROM read_csv('{quote(table.path)}', auto_detect = false, header = true,
                      skip = 0, delim = $delimiter, new_line = $line_end,
                      quote = '"', escape = '"', columns = {{{columns}}},
                      ignore_errors = true, store_rejects = true, rejects_limit = 0,
                      rejects_table = 'csv_rejects', rejects_scan = 'csv_reject_scans')),
                 (SELECT count(*) AS n FROM stg.main.tho) done
            WHERE {wanted}""",
            {
                "name": name,
                "delimiter": options.delimiter,
                # DuckDB takes the escapes, not the characters.
                "line_end": table.line_end.replace("\r", "\\r").replace("\n", "\\n"),
            },
        ).fetchone()
        slipped = _keep_slipped(connection, name, table.before)
    except READ_ERRORS as error:
        raise ProviderError(
            f"the file cannot be read as CSV ({type(error).__name__})",
            next_step="check delimiter and encoding in the definition, quotes in the file",
        ) from None
    finally:
        _drop_rejects(connection)
    if table.more and not slipped and not (added and added[0]):
        raise ProviderError(
            "lines follow the header, but DuckDB finds no row in them",
            next_step="check delimiter and quotes; ask the provider to write the file again",
        )


def _keep_slipped(connection: duckdb.DuckDBPyConnection, name: str, before: int) -> int:
    """Add a row without cells for each line that has the wrong number of them."""
    wrong = connection.execute(
        "SELECT min(line), any_value(error_type), count(DISTINCT line) FROM csv_rejects "
        f"WHERE error_type::VARCHAR NOT IN {_SLIPPED} OR csv_line IS NULL"
    ).fetchone()
    if wrong and wrong[2]:
        raise ProviderError(
            f"line {wrong[0] + before} of the CSV cannot be read ({str(wrong[1]).lower()})",
            next_step="check quotes and encoding of the file; ask the provider to write it again",
        )
    added = connection.execute(
        """INSERT INTO stg.main.tho (_row, _file, _line)
        SELECT (SELECT count(*) FROM stg.main.tho) + row_number() OVER (ORDER BY line), $1,
            line + $2
        FROM (SELECT DISTINCT line FROM csv_rejects)""",
        [name, before],
    ).fetchone()
    return int(added[0]) if added else 0


def _drop_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("csv_rejects", "csv_reject_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _table(file: TextIO, options: Options, path: Path, line_end: str) -> _Table:
    """Read the header's names."""
    try:
        for _ in range(options.header_row - 1):
            next(file, "")
        reader = csv.reader(file, delimiter=options.delimiter or ",", strict=True)
        rows, ends = [], [0]
        for _ in range(options.header_rows):
            rows.append(next(reader, []))
            ends.append(reader.line_num)
        more = any(not line.isspace() for line in file)
    except UnicodeError:
        raise ProviderError(
            f"the file is not {options.encoding}",
            next_step="open it in an editor that tells the encoding; set `encoding` in the "
            "definition",
        ) from None
    except csv.Error as error:
        raise ProviderError(
            f"the header of the CSV cannot be read ({error})",
            next_step="check delimiter and header_row in the definition",
        ) from None
    above = options.header_row - 1
    return _Table(path, line_end, joined(rows), above + ends[-2], above + ends[-1], more)


def _drop_notes(lines: list[str], table: _Table, options: Options) -> None:
    """Take the notes under the table out of a file's lines.

    From the end, line by line. A line with an odd number of quotes opens or closes a cell of
    several lines, so nothing above it is taken for a note: no cell is cut.
    """
    key = options.key or ""
    place = places(table.names, [key])[key]
    while len(lines) > table.end and _is_note(lines[-1], place, options):
        lines.pop()


def _is_note(line: str, key: int, options: Options) -> bool:
    """Say whether a line is blank or has no key and one filled cell at most."""
    if line.count('"') % 2:
        return False
    cells = next(csv.reader([line], delimiter=options.delimiter or ","), [])
    filled = [cell for cell in cells if cell.strip()]
    if len(cells) == 1 and filled and key > 0:
        return len(filled[0].split()) > 1
    return len(filled) <= 1 and not (len(cells) > key and cells[key].strip())
