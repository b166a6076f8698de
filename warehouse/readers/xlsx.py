"""Workbooks -> ``stg.main.tho``: the one table of a sheet that people made for people.

Data flow: the sheet's cells (``workbook``) -> the header row is where the definition says, or the
first that has all its fields -> rows below it, wanted columns by name (title rows above and
spacer columns between do no harm) -> notes under the table and blank rows are left out -> text.

A note is a row under the table whose ``key`` cell (the first mapped field, if none is named) is
blank and which has at most one wanted cell; a blank key within the table is kept, so that the
contract can reject the row.

Numbers become text without ``.0``, with the decimal sign that the column's texts have; a date
cell is written as the definition says. What a person typed as text stays as typed.

Run it alone: ``python -m warehouse.readers.xlsx book.xlsx 4`` prints the header in row 4.

XLS, the format before 2007, is read the same way.

What does not belong here: several tables in one sheet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
from pydantic import Field

from hub.errors import ProviderError
from sources.landing import LandedFile
from warehouse.readers.headers import TableOptions, count_known, joined, places, same, shared
from warehouse.readers.options import Record, checked, store
from warehouse.readers.workbook import sheet

_SEARCHED = 50
"""Rows in which the header is looked for."""


class Options(TableOptions):
    """Where the table stands, and how cells that are no text are written."""

    sheet: str | None = None
    """Name of the sheet; the first, if none is given."""
    header_row: Annotated[int, Field(ge=1)] | None = None
    """Row of the header (of two: the upper one), from 1; searched by the fields' names, if none
    is given."""
    decimal: Literal[".", ","] = "."
    date_format: str = "%Y-%m-%d"


def read(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Fill ``stg.main.tho``.

    Raises:
        ProviderError: A file is no workbook, or its header lacks a field.
    """
    chosen = checked(Options, options)
    records: list[Record] = []
    for file in files:
        try:
            rows = sheet(batch_path / file.name, chosen.sheet)
            records += [(file.name, *row) for row in _table(rows, fields, chosen)]
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None
    store(connection, fields, records)


def names(
    _connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    options: Mapping[str, Any],
) -> list[str]:
    """Return the names that the headers of all files have in common.

    Without ``header_row`` it is the first of the rows with the most filled cells: titles and
    notes are a merged cell, and no row of a table has more cells than its header.

    Raises:
        ProviderError: A file is no workbook.
    """
    chosen = checked(Options, options)
    headers = []
    for file in files:
        try:
            rows = sheet(batch_path / file.name, chosen.sheet)
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None
        found = chosen.header_row - 1 if chosen.header_row else _fullest(rows)
        headers.append(joined(rows[found : found + chosen.header_rows] or [[]]))
    return shared(headers)


def _fullest(rows: Sequence[Sequence[Any]]) -> int:
    """Return the place of the first of the rows with the most filled cells, from 0."""
    filled = [sum(bool(str(cell).strip()) for cell in row) for row in rows[:_SEARCHED]]
    return filled.index(max(filled)) if filled else 0


def _table(
    rows: Sequence[Sequence[Any]], fields: Sequence[str], options: Options
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield line and cells of the table's rows."""
    header = _header(rows, fields, options)
    names = joined(rows[header : header + options.header_rows] or [[]])
    key = options.key or (fields[0] if fields else "")
    found = places(names, [*fields, *([] if key in fields or not key else [key])])
    first = header + options.header_rows
    body = [
        {field: _text(row[place], options) for field, place in found.items()}
        for row in rows[first:]
    ]
    while body and _is_blank(body[-1][key]) and _filled(body[-1], fields) <= 1:
        body.pop()
    for place, cells in enumerate(body, first):
        if options.titles and _is_blank(cells[key]) and _is_title(rows[place]):
            continue
        if _filled(cells, fields):
            yield place + 1, dict(cells)


def _is_title(row: Sequence[Any]) -> bool:
    """Say whether one cell of a row is filled at most, wanted or not."""
    return sum(bool(str(cell).strip()) for cell in row) <= 1


def _filled(cells: Mapping[str, str | None], fields: Sequence[str]) -> int:
    """Count the wanted cells that hold something."""
    return sum(not _is_blank(cells[field]) for field in fields)


def _header(rows: Sequence[Sequence[Any]], fields: Sequence[str], options: Options) -> int:
    """Return the header's place, from 0; if none has all fields, the one that has most."""
    if options.header_row is not None:
        return options.header_row - 1
    hits = [
        count_known(joined(rows[place : place + options.header_rows]), fields)
        for place in range(min(len(rows), _SEARCHED))
    ]
    return hits.index(max(hits)) if hits else 0


def _text(cell: object, options: Options) -> str | None:
    """Return a cell as the text a person would have typed; typed text stays as it is."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return _number(cell).replace(".", options.decimal)
    if isinstance(cell, date):
        clock = cell.time() if isinstance(cell, datetime) else time(0)
        at = "" if clock == time(0) else f" {clock:%H:%M:%S}"
        return cell.strftime(options.date_format) + at
    return None if cell is None or cell == "" else str(cell)


def _number(cell: float) -> str:
    """Write a number in full: no exponent, and no ``.0`` after a whole one."""
    exact = Decimal(repr(cell))
    if not exact.is_finite():
        return str(cell)
    return format(exact.to_integral_value() if exact == exact.to_integral_value() else exact, "f")


def _is_blank(text: str | None) -> bool:
    return text is None or not text.strip()


def main() -> int:
    """Print the names in a header row."""
    rows = sheet(Path(sys.argv[1]))
    sys.stdout.writelines(f"{same(cell)}\n" for cell in rows[int(sys.argv[2]) - 1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
