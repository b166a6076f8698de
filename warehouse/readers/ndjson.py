"""Pages of JSON objects, one a line -> ``stg.main.tho``, read by DuckDB itself.

Data flow: all pages of a batch in one ``read_json`` with explicit text columns, so nothing is
guessed: nested values stay JSON text, long integers keep their digits. :func:`read` copies the
cells into a table; :func:`view` leaves them in the batch, which never changes. A line that cannot
be read (half an object, a list, a NUL) becomes a row without any cell, which the contract's
required columns reject; it does not take the batch along. Lines are counted against the manifest,
so none is lost in silence.

Run it alone: ``pytest tests/warehouse/readers/test_ndjson.py``.

What does not belong here: other formats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from hub.errors import InternalError, ProviderError
from sources.landing import LandedFile
from sources.payload import BOM
from warehouse.lake import quote
from warehouse.readers.nested import NestedOptions, children_names, explode
from warehouse.readers.options import READ_ERRORS, checked

LARGEST = 16 << 20
"""Bytes of a record that DuckDB takes by default. Its buffers are twice the largest record that may
come, for each thread and file: pages of 5 MB need no more than that for each."""


class Options(NestedOptions):
    """None but the list within each record, if that is what is wanted."""


def read(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Fill ``stg.main.tho``.

    Raises:
        ProviderError: DuckDB cannot read a page at all, as when a record exceeds 16 MiB.
        InternalError: Rows were lost on the way from the page to the table.
    """
    chosen = checked(Options, options)
    with TemporaryDirectory() as folder:
        pages = _pages(batch_path, files, Path(folder))
        read_pages(connection, pages, fields, chosen, where=str(batch_path))


def view(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> int | None:
    """Make ``stg.main.tho`` a view over the pages, and ``stg.main.o`` one of the bare cells.

    A million records of 20 cells are 5 s to copy and 1 s to read, and most are read once: by the
    ``SELECT`` that types them. That one takes ``o``, since numbering the rows keeps DuckDB from
    reading in threads; ``tho`` has the numbers and serves the few rows that are refused.

    Returns:
        The rows that must be there, for the caller to count; None, and nothing is made, where the
        rows are not the records themselves or the pages are not the hub's own.
    """
    if checked(Options, options).explode is not None or not files:
        return None
    pages = [Page(batch_path / f.name, f.name, f.rows) for f in files if f.rows is not None]
    if len(pages) < len(files):
        return None
    connection.execute(f"CREATE OR REPLACE VIEW stg.main.o AS FROM {_read_json(pages, fields)}")
    connection.execute(f"CREATE OR REPLACE VIEW stg.main.tho AS {_numbered(pages, fields)}")
    return sum(page.rows for page in pages)


def names(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    options: Mapping[str, Any],
) -> list[str]:
    """Return the fields that the objects have; errors as :func:`read`."""
    chosen = checked(Options, options)
    with TemporaryDirectory() as folder:
        pages = _pages(batch_path, files, Path(folder))
        return names_in(connection, pages, chosen, where=str(batch_path))


@dataclass(frozen=True)
class Page:
    """A file of one object a line, each line with its end, none blank."""

    path: Path
    name: str
    """As the batch calls it."""
    rows: int


def read_pages(
    connection: duckdb.DuckDBPyConnection,
    pages: Sequence[Page],
    fields: Sequence[str],
    nested: NestedOptions,
    *,
    where: str,
) -> None:
    """Fill ``stg.main.tho`` from pages, or from a list in each record; errors as :func:`read`."""
    if nested.explode is None:
        _read_records(connection, pages, fields, where=where)
        return
    _read_records(connection, pages, (*nested.of_record, nested.explode), where=where)
    explode(connection, fields, nested)


def _read_records(
    connection: duckdb.DuckDBPyConnection,
    pages: Sequence[Page],
    fields: Sequence[str],
    *,
    where: str,
) -> None:
    """Fill ``stg.main.tho`` from the records' own fields."""
    try:
        connection.execute(f"CREATE OR REPLACE TABLE stg.main.tho AS {_numbered(pages, fields)}")
    except READ_ERRORS as error:
        raise unreadable(error, where) from None
    found = connection.execute("SELECT count(*) FROM stg.main.tho").fetchone()
    require(found[0] if found else 0, sum(page.rows for page in pages), where)


def require(rows: int, promised: int, where: str) -> None:
    """Raise ``InternalError`` if rows were lost on the way from the pages to a table."""
    if rows != promised:
        raise InternalError(
            f"{rows} rows came from pages of {promised} records",
            where=where,
            next_step="report it; the batch was not loaded",
        )


def _read_json(pages: Sequence[Page], fields: Sequence[str], more: str = "") -> str:
    """Return the table function that reads the cells as text."""
    listed = ", ".join(f"'{quote(page.path)}'" for page in pages)
    columns = ", ".join(f"'{quote(field)}': 'VARCHAR'" for field in fields)
    largest = min(LARGEST, max((page.path.stat().st_size for page in pages), default=LARGEST))
    return (
        f"read_json([{listed}], format = 'newline_delimited', ignore_errors = true, "
        f"maximum_object_size = {largest}, columns = {{{columns}}}{more})"
    )


def _numbered(pages: Sequence[Page], fields: Sequence[str]) -> str:
    """Return the SQL of all rows with their number and the place where each stands."""
    before = [0, *accumulate(page.rows for page in pages)]
    places = ", ".join(
        f"('{quote(page.path)}', '{quote(page.name)}', {first})"
        for page, first in zip(pages, before, strict=False)
    )
    cells = "".join(f', r."{field}"' for field in fields)
    return f"""SELECT r._row, p.file AS _file, r._row - p.before AS _line{cells}
        FROM (SELECT row_number() OVER () AS _row, *
              FROM {_read_json(pages, fields, ", filename = '_path'")}) r
        LEFT JOIN (VALUES {places}) p(path, file, before) ON p.path = r._path"""


def names_in(
    connection: duckdb.DuckDBPyConnection,
    pages: Sequence[Page],
    nested: NestedOptions,
    *,
    where: str,
) -> list[str]:
    """Return the fields of all objects in pages, each once, in the order in which they come."""
    if nested.explode is not None:
        _read_records(connection, pages, (*nested.of_record, nested.explode), where=where)
        return children_names(connection, nested)
    listed = ", ".join(f"'{quote(page.path)}'" for page in pages)
    try:
        found = connection.execute(
            f"""SELECT name FROM (
                SELECT n, unnest(json_keys(json)) AS name,
                    generate_subscripts(json_keys(json), 1) AS place
                FROM (SELECT row_number() OVER () AS n, json FROM read_json_objects(
                    [{listed}], format = 'newline_delimited', ignore_errors = true)))
            GROUP BY name ORDER BY min(n), min(place)"""
        ).fetchall()
    except READ_ERRORS as error:
        raise unreadable(error, where) from None
    return [str(name) for (name,) in found]


def _pages(batch_path: Path, files: Sequence[LandedFile], folder: Path) -> list[Page]:
    """Return the files of a batch as pages; those that somebody else wrote are copied tidily."""
    return [
        Page(batch_path / file.name, file.name, file.rows)
        if file.rows is not None
        else _tidy(batch_path / file.name, file.name, folder / f"{number}.ndjson")
        for number, file in enumerate(files)
    ]


def unreadable(error: Exception, where: str) -> ProviderError:
    """Return the error for pages that DuckDB cannot read."""
    return ProviderError(
        f"a page of JSON objects cannot be read ({type(error).__name__})",
        where=where,
        next_step="look for a record larger than 16 MiB; ask the provider what it is",
    )


def _tidy(path: Path, name: str, copy: Path) -> Page:
    """Return a file that somebody else wrote as a page: no mark, no blank line, no lost end.

    A line that is no object becomes an empty one, so that it is a row without cells; DuckDB would
    pass over some of them. So a file that was cut in the middle is seen.
    """
    data = path.read_bytes().removeprefix(BOM)
    found = [line for line in data.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
    copy.write_bytes(
        b"".join((line if line.lstrip().startswith(b"{") else b"{}") + b"\n" for line in found)
    )
    return Page(copy, name, len(found))
