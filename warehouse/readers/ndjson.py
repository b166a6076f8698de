"""Pages of JSON objects, one a line -> ``stg.main.tho``, read by DuckDB itself.

Data flow: all pages of a batch in one ``read_json`` with explicit text columns, so nothing is
guessed: nested values stay JSON text, long integers keep their digits. A line that cannot be read
(half an object, a list, a NUL) becomes a row without any cell, which the contract's required
columns reject; it does not take the batch along. Lines are counted against the manifest, so none
is lost in silence.

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
    before = [0, *accumulate(page.rows for page in pages)]
    places = ", ".join(
        f"('{quote(page.path)}', '{quote(page.name)}', {first})"
        for page, first in zip(pages, before, strict=False)
    )
    listed = ", ".join(f"'{quote(page.path)}'" for page in pages)
    columns = ", ".join(f"'{quote(field)}': 'VARCHAR'" for field in fields)
    cells = "".join(f', r."{field}"' for field in fields)
    try:
        connection.execute(
            f"""CREATE OR REPLACE TABLE stg.main.tho AS
            SELECT r._row, p.file AS _file, r._row - p.before AS _line{cells}
            FROM (SELECT row_number() OVER () AS _row, *
                  FROM read_json([{listed}], format = 'newline_delimited', filename = '_path',
                      ignore_errors = true, columns = {{{columns}}})) r
            LEFT JOIN (VALUES {places}) p(path, file, before) ON p.path = r._path"""
        )
    except READ_ERRORS as error:
        raise _unreadable(error, where) from None
    found = connection.execute("SELECT count(*) FROM stg.main.tho").fetchone()
    if found is None or found[0] != before[-1]:
        raise InternalError(
            f"{found and found[0]} rows came from pages of {before[-1]} records",
            where=where,
            next_step="report it; the batch was not loaded",
        )


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
        raise _unreadable(error, where) from None
    return [str(name) for (name,) in found]


def _pages(batch_path: Path, files: Sequence[LandedFile], folder: Path) -> list[Page]:
    """Return the files of a batch as pages; those that somebody else wrote are copied tidily."""
    return [
        Page(batch_path / file.name, file.name, file.rows)
        if file.rows is not None
        else _tidy(batch_path / file.name, file.name, folder / f"{number}.ndjson")
        for number, file in enumerate(files)
    ]


def _unreadable(error: Exception, where: str) -> ProviderError:
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
