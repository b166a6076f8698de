"""SQL that cleans and types one cell: by the contract's form, a whole column at a time.

Data flow: a contract column, what the source's definition says about it, and the SQL of the raw
text -> :func:`expressions` -> SQL of the cleaned text, of the typed value and of each repair,
which ``stage`` puts into one ``SELECT`` (:func:`flags` makes its ``_repairs``). DuckDB does all
of it; Python sees no row.

Order of cleaning: characters without width, NFC, blanks, Đ look-alikes, apostrophes, what the
form alone allows, placeholders. How a number or a date is written is decided per column by
contract and definition, never per cell: ``1.837`` in a Vietnamese column is 1837, always.

Most cells need none of it. ``Cell.unusual`` is a cheap test that finds those which do; the others
are taken as they are. It may suspect a clean cell (that costs time), it never passes a dirty one.

Run it alone: ``python -m warehouse.normalise so_thap_phan 'DECIMAL(18,3)' '1.837,5'`` prints the
cleaned text, the value and the repairs.

What does not belong here: mojibake (``mojibake``: it needs to see strings), rules (``checks``),
reading files (``readers``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from checks.contract import Column
from hub.errors import ConfigurationError, HubError
from sources.spec import ColumnSpec
from warehouse.text_forms import (
    PLACEHOLDERS,
    TEXTS,
    Repairs,
    among,
    common,
    listed,
    matches,
    one_placement,
)
from warehouse.value_forms import TYPES, Typed


@dataclass(frozen=True, slots=True)
class Cell:
    """SQL expressions of one cell; all of them may stand in one ``SELECT`` over the raw table."""

    clean: str
    """The cleaned text, NULL where it is blank or a placeholder."""
    value: str
    """The value in the contract's type, NULL where the text cannot be one."""
    tests: Repairs
    """Repair -> condition (never NULL) that tells whether it was made, where ``unusual`` holds."""
    unusual: str
    """A cheap condition (never NULL): where it is false, nothing was repaired."""
    test: str
    """What ``unusual`` stands for, if it is the name of a column that holds it."""


def expressions(column: Column, spec: ColumnSpec, raw: str, flag: str | None = None) -> Cell:
    """Return the SQL that cleans and types a cell.

    Args:
        column: The contract's column: its type and its form.
        spec: How this source writes the column: date formats, codes.
        raw: SQL of the raw text.
        flag: Column that will hold ``Cell.test``: clean text, value and repairs all ask for it,
            and DuckDB would test the text again for each (1 M rows of 20 cells: 1 s each time).

    Raises:
        ConfigurationError: The form is unknown, or a date format cannot be used.
    """
    if column.form == "json":
        text = f"nullif(nullif(trim({raw}), ''), 'null')"
        value = text if column.sql_type == "VARCHAR" else f"TRY_CAST({text} AS JSON)"
        return Cell(text, value, [], "FALSE", "FALSE")
    placeholders = sorted(PLACEHOLDERS - {code.lower() for code in spec.codes})
    repairs, text = common(raw)
    typed: Typed | None = None
    # A source's word for a code ("Đang xử lý") has blanks that the code's own form would take out.
    form = "van_ban" if spec.codes and column.sql_type == "VARCHAR" else column.form
    if form in TEXTS:
        usual, own = TEXTS[form]
        more, text = own(text)
        repairs += more
        blank = among(f"lower({raw})", placeholders)
        short = f"CASE WHEN length({raw}) < 14 THEN {blank} ELSE FALSE END"
        test = f"NOT {matches(raw, usual)} OR {short}"
    elif form in TYPES:
        typed = TYPES[form](column, spec)
        test = f"NOT ({typed.usual(raw)})"
    else:
        raise ConfigurationError(
            f"unknown form {column.form} of column {column.name}",
            where="contract",
            next_step="use one of " + ", ".join([*TEXTS, *TYPES, "json"]),
        )
    # CASE, not AND: in a select list DuckDB evaluates every part of an AND for every row.
    test = f"CASE WHEN {raw} <> '' THEN {test} ELSE FALSE END"
    unusual = flag or test
    placeholder = among(f"lower({text})", placeholders)
    cleaned = f"CASE WHEN {placeholder} THEN NULL ELSE nullif({text}, '') END"
    clean = f"CASE WHEN {unusual} THEN {cleaned} ELSE nullif({raw}, '') END"
    repairs.append(("placeholder", placeholder))
    value = clean
    if typed is not None:
        mended = typed.mended(cleaned)
        value = f"CASE WHEN {unusual} THEN {mended} ELSE {typed.ordinary(raw)} END"
        rewritten = f"CASE WHEN {typed.usual(cleaned)} THEN FALSE ELSE ({mended}) IS NOT NULL END"
        repairs.append((typed.repair, rewritten))
    if spec.unlisted == "blank" and column.sql_type != "VARCHAR":
        raise ConfigurationError(
            f"column {column.name} is no text, so `unlisted: blank` would hide what cannot be read",
            where="definition",
            next_step="leave it out: a text that is neither a listed code nor a value is refused",
        )
    if spec.codes:
        value = _coded(column, spec, clean, value)
    conditions: dict[str, list[str]] = {}
    for name, condition in repairs:
        conditions.setdefault(name, []).append(f"({condition})")
    return Cell(
        clean=clean,
        value=value,
        tests=[
            (name, f"coalesce({' OR '.join(tests)}, FALSE)") for name, tests in conditions.items()
        ],
        unusual=unusual,
        test=test,
    )


def flags(cells: Mapping[str, Cell], others: Sequence[str] = ()) -> str:
    """Return SQL of a row's repairs as VARCHAR[], NULL where there were none.

    Args:
        cells: Column name -> its cell.
        others: SQL of further flags (VARCHAR, NULL where there is none), found elsewhere.
    """
    found = [
        f"CASE WHEN {cell.unusual} THEN ["
        + ", ".join(f"CASE WHEN {test} THEN '{column}:{name}' END" for name, test in cell.tests)
        + "] END"
        for column, cell in cells.items()
        if cell.tests
    ]
    found += [f"[{flag}]" for flag in others]
    # One test per row decides for all columns; a clean row pays no more than that.
    tests = [cell.unusual for cell in cells.values()] + [f"{flag} IS NOT NULL" for flag in others]
    flat = f"list_filter(flatten([{', '.join(found)}]), lambda flag: flag IS NOT NULL)"
    some = f"list_transform([{flat}], lambda found: CASE WHEN len(found) > 0 THEN found END)[1]"
    return f"CASE WHEN {' OR '.join(tests) or 'FALSE'} THEN {some} END"


def _coded(column: Column, spec: ColumnSpec, clean: str, value: str) -> str:
    """Map the source's codes; in a text column a code that is not listed has no value.

    Words are compared in small letters and wherever their tone stands.
    """
    cases = " ".join(
        f"WHEN {one_placement(listed([theirs]))} THEN {listed([ours])}"
        for theirs, ours in spec.codes.items()
    )
    mapped = f"CASE {one_placement(clean)} {cases} END"
    if column.sql_type == "VARCHAR":
        return mapped
    return f"coalesce(TRY_CAST({mapped} AS {column.sql_type}), {value})"


def main() -> int:
    """Print what becomes of one text."""
    form, sql_type, text, *dates = sys.argv[1:]
    column = Column("x", "x", "x", sql_type, form, required=False, classification="none", key=False)
    try:
        cell = expressions(column, ColumnSpec(source="x", dates=tuple(dates)), "t.x")
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found = duckdb.connect().execute(
        f"SELECT {cell.clean}, {cell.value}, {flags({'x': cell})} FROM (SELECT $1 AS x) t", [text]
    )
    sys.stdout.write(f"{found.fetchone()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
