"""SQL that cleans and types one cell: by the contract's form, a whole column at a time.

Data flow: a contract column, what the source's definition says about it, and the SQL of the raw
text -> :func:`expressions` -> SQL of the cleaned text, of the typed value and of each repair,
which ``stage`` puts into one ``SELECT``. No row is seen by Python and no function of Python is
called by DuckDB.

Order of cleaning (what cannot be seen first, what only this form allows last): zero-width
characters, NFC, blanks, Đ look-alikes, apostrophes, the form's own repairs, placeholders.

Most cells need none of it. A cheap test, ``Cell.unusual``, finds those that do; the others are
taken as they are, which makes 200,000 rows of 28 columns cost about a second instead of ten.
The test may suspect a clean cell (that costs time), but it never passes a dirty one.

Run it alone: ``python -m warehouse.normalise so_thap_phan '1.837,5'`` prints value and repairs.

What does not belong here: mojibake (``mojibake``, which needs to see strings), rules
(``checks``), reading files (``readers``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checks.contract import Column
from hub.errors import ConfigurationError
from sources.spec import ColumnSpec
from warehouse import moments

Repairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Cell:
    """SQL expressions of one cell; all of them may stand in one ``SELECT`` over the raw table."""

    clean: str
    """The cleaned text, NULL where it is blank or a placeholder."""
    value: str
    """The value in the contract's type, NULL where the text cannot be one."""
    repairs: Repairs
    """What was repaired, and a condition (never NULL) that is true where it was."""
    unusual: str
    """A cheap condition, never NULL: where it is false, nothing was repaired."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A form in the making: the text so far and what was repaired on the way."""

    sql: str
    repairs: Repairs


def expressions(column: Column, spec: ColumnSpec, raw: str) -> Cell:
    """Return the SQL that cleans and types a cell.

    Args:
        column: The contract's column: its type and its form.
        spec: How this source writes the column: date formats, codes.
        raw: SQL of the raw text.

    Raises:
        ConfigurationError: The form is unknown, or a date format cannot be read.
    """
    form = column.form
    if form == "json":
        return _json(column, raw)
    if form in _TEXT_FORMS:
        usual, shape = _TEXT_FORMS[form]
        typed: _Typed | None = None
    elif form in _TYPED_FORMS:
        typed = _TYPED_FORMS[form](column, spec)
        usual, shape = typed.usual, None
    else:
        raise ConfigurationError(
            f"column {column.name} has the unknown form {form}",
            where="contract",
            next_step="use one of " + ", ".join([*_TEXT_FORMS, *_TYPED_FORMS, "json"]),
        )
    unusual = f"coalesce({raw} <> '' AND NOT ({usual(raw)}), FALSE)"
    text = _common(raw)
    if shape is not None:
        own = shape(text.sql)
        text = _Text(own.sql, [*text.repairs, *own.repairs])
    placeholder = f"lower({text.sql}) IN ({_PLACEHOLDERS})"
    heavy = f"CASE WHEN {placeholder} THEN NULL ELSE nullif({text.sql}, '') END"
    clean = f"CASE WHEN {unusual} THEN {heavy} ELSE nullif({raw}, '') END"
    repairs = [*text.repairs, ("placeholder", placeholder)]
    if typed is None:
        value = clean
    else:
        mended = typed.repaired(heavy)
        value = f"CASE WHEN {unusual} THEN {mended} ELSE {typed.ordinary(raw)} END"
        repairs.append(
            (typed.repair, f"coalesce(NOT ({usual(heavy)}) AND ({mended}) IS NOT NULL, FALSE)")
        )
    if spec.codes:
        value = _coded(column, spec, clean, value)
    guarded = [
        (
            name,
            f"{unusual} AND coalesce({' OR '.join(f'({c})' for n, c in repairs if n == name)}, FALSE)",
        )
        for name in dict.fromkeys(name for name, _ in repairs)
    ]
    return Cell(clean, value, guarded, unusual)


# Text ---------------------------------------------------------------------------------------

_LETTERS = "À-ÃÈ-ÊÌÍÒ-ÕÙÚÝà-ãè-êìíò-õùúýĂăĐđĨĩŨũƠơƯưẠ-ỹ"
_SEEN = rf"!-~{_LETTERS}–—“”…°²³×½•"
"""Characters that no cleaning changes in free text; all of them are stable under NFC."""
_ZERO_WIDTH = r"[\x{ad}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{feff}]+"
_BLANKS = (
    r"[\x00-\x20\x7f-\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"
)
_DASHES = "–—―−‐‑‒"
_PLACEHOLDERS = ", ".join(
    f"'{text}'"
    for text in (
        "-", "--", "---", "–", "—", "...", "…", "null", "(null)", "none", "n/a", "undefined",
        "chưa cập nhật", "không có",
    )
)  # fmt: skip
_LIKELY_PLACEHOLDERS = (
    "'-', '--', '---', '...', '…', '–', '—', 'null', 'NULL', 'Null', '(null)', 'none', 'None', "
    "'NONE', 'n/a', 'N/A', 'undefined', 'chưa cập nhật', 'Chưa cập nhật', 'CHƯA CẬP NHẬT', "
    "'không có', 'Không có', 'KHÔNG CÓ'"
)


def _common(raw: str) -> _Text:
    """Clean what no form wants to keep."""
    visible = f"regexp_replace({raw}, '{_ZERO_WIDTH}', '', 'g')"
    composed = f"nfc_normalize({visible})"
    spaced = f"trim(regexp_replace({composed}, '{_BLANKS}', ' ', 'g'))"
    crossed = f"translate({spaced}, 'ÐðƉɖ', 'ĐđĐđ')"
    straight = f"translate({crossed}, '’‘ʼ‛', '''''''''')"
    return _Text(
        straight,
        [
            ("nfc", f"{composed} <> {visible}"),
            ("blanks", f"{visible} <> {raw} OR {spaced} <> {composed}"),
            ("d_lookalike", f"{crossed} <> {spaced}"),
            ("apostrophe", f"{straight} <> {crossed}"),
        ],
    )
