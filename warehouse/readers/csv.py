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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import duckdb
from pydantic import Field

from hub.errors import ProviderError
from sources.landing import LandedFile
from warehouse.lake import quote
from warehouse.readers.encodings import Encoding, detected, text_of
from warehouse.readers.headers import TableOptions, joined, places
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
class _Header:
    names: list[str]
    before: int
    """Lines above the header's last row."""
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
    chosen = checked(Options, options)
    if chosen.delimiter is None:
        usual = "\t" if any(file.media == "tsv" for file in files) else ","
        chosen = chosen.model_copy(update={"delimiter": usual})
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
    encoding = detected(data) if options.encoding == "detect" else options.encoding
    if encoding != "utf-8":
        data = text_of(data, options.encoding).encode()
    pairs = data.count(b"\r\n")
    alone = {"\r\n": pairs, "\n": data.count(b"\n") - pairs, "\r": data.count(b"\r") - pairs}
    kinds = [line_end for line_end, count in alone.items() if count]
    if len(kinds) <= 1 and encoding == "utf-8" and options.key is None:
        yield path, kinds[0] if kinds else "\n"
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        if options.key is not None:
            _without_notes(copy, options)
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
    header = _header(path, options)
    key = [] if options.key is None or options.key in fields else [options.key]
    found = places(header.names, [*fields, *key])
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(header.names)))
    cells = "".join(f", c{found[field]}" for field in fields)
    wanted = "TRUE"
    if options.titles:
        filled = ", ".join(_FILLED.format(place) for place in range(len(header.names)))
        wanted = f"{_FILLED.format(found[options.key or fields[0]])} + list_sum([{filled}]) > 1"
    _drop_rejects(connection)
    try:
        added = connection.execute(
            f"""INSERT INTO stg.main.tho
            SELECT done.n + row_number() OVER (ORDER BY place), $name,
                place + {header.before + 1}{cells}
            FROM (SELECT row_number() OVER () AS place, *
                  FROM read_csv('{quote(path)}', auto_detect = false, header = true,
                      skip = {header.before}, delim = $delimiter, new_line = $line_end,
                      quote = '"', escape = '"', columns = {{{columns}}},
                      ignore_errors = true, store_rejects = true, rejects_limit = 0,
                      rejects_table = 'csv_rejects', rejects_scan = 'csv_reject_scans')),
                 (SELECT count(*) AS n FROM stg.main.tho) done
            WHERE {wanted}""",
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
    if header.more and not slipped and not (added and added[0]):
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


def _header(path: Path, options: Options) -> _Header:
    """Read the header's names."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for _ in range(options.header_row - 1):
                next(file, "")
            reader = csv.reader(file, delimiter=options.delimiter or ",", strict=True)
            above = 0
            rows = []
            for _ in range(options.header_rows):
                above = reader.line_num
                rows.append(next(reader, []))
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
    return _Header(joined(rows), options.header_row - 1 + above, more)


def _without_notes(path: Path, options: Options) -> None:
    """Take the notes under the table out of a copy that has one kind of line end.

    From the end, line by line. A line with an odd number of quotes opens or closes a cell of
    several lines, so nothing above it is taken for a note: no cell is cut.
    """
    header = _header(path, options)
    place = places(header.names, [options.key or ""])[options.key or ""]
    lines = path.read_text(encoding="utf-8").split("\n")
    # One line of the header at least stays, however it is written.
    while len(lines) > header.before + 1 and _is_note(lines[-1], place, options):
        lines.pop()
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")


def _is_note(line: str, key: int, options: Options) -> bool:
    """Say whether a line is blank or has no key and one filled cell at most."""
    if line.count('"') % 2:
        return False
    cells = next(csv.reader([line], delimiter=options.delimiter or ","), [])
    filled = [cell for cell in cells if cell.strip()]
    if len(cells) == 1 and filled and key > 0:
        return len(filled[0].split()) > 1
    return len(filled) <= 1 and not (len(cells) > key and cells[key].strip())
