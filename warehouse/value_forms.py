"""Forms of cells that become numbers, marks, dates and times, as SQL.

Data flow: a contract column and its definition -> :data:`TYPES` -> :class:`Typed`: what the
column's texts ordinarily look like and how they are read, and how any other text is read that
cannot be mistaken for the ordinary form. Which form that is, contract and definition say per
column; no cell decides for itself.

Run it alone: ``python -m warehouse.normalise ngay DATE '18/11/ 2022' %Y/%m/%d %d/%m/%Y``.

What does not belong here: cleaning of the text before it is read (``text_forms``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checks.contract import Column
from hub.errors import ConfigurationError
from sources.spec import ColumnSpec
from warehouse.text_forms import DASHES, among, let, listed, matches, part


@dataclass(frozen=True, slots=True)
class Typed:
    """How a column that is no text is read; each function takes and returns SQL."""

    usual: Callable[[str], str]
    """Whether a text is written as the column's texts ordinarily are."""
    ordinary: Callable[[str], str]
    """Value of such a text (or of an empty one)."""
    mended: Callable[[str], str]
    """Value of any cleaned text; NULL if it cannot be one."""
    repair: str


_THOUSANDS = r"-?(?:[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)"
_ENGLISH = r"-?[1-9][0-9]{0,2}"
_VIETNAMESE = "replace(replace({0}, '.', ''), ',', '.')"


def _number(column: Column, usual: str, ordinary: str, others: Sequence[tuple[str, str]]) -> Typed:
    """Return a reader of numbers: the ordinary form, then forms that cannot be mistaken for it.

    Args:
        column: The contract's column.
        usual: Pattern of the ordinary form.
        ordinary: How that is rewritten for a cast (``{0}`` is the text).
        others: Further patterns and rewritings, tried in order.
    """

    def cast(text: str, rewriting: str) -> str:
        return f"TRY_CAST({rewriting.format(text)} AS {column.sql_type})"

    cases = " ".join(
        f"WHEN {matches('n', pattern)} THEN {cast('n', rewriting)}"
        for pattern, rewriting in [(usual, ordinary), *others]
    )

    def mended(cleaned: str) -> str:
        bare = f"regexp_replace(translate({cleaned}, '{DASHES} ', '{'-' * len(DASHES)}'), '%$', '')"
        return let("n", bare, f"CASE {cases} END")

    return Typed(
        usual=lambda text: matches(text, usual),
        ordinary=lambda text: cast(text, ordinary),
        mended=mended,
        repair="number_form",
    )


def _so_nguyen(column: Column, _: ColumnSpec) -> Typed:
    """Whole number: dots part thousands. Decimals are allowed if they are zeros."""
    others = [
        (_THOUSANDS + ",0{1,2}", _VIETNAMESE.format("regexp_replace({0}, ',0+$', '')")),
        (r"-?[0-9]+\.0+", "regexp_replace({0}, '\\.0+$', '')"),
        (
            _ENGLISH + r"(?:,[0-9]{3})+(?:\.0+)?",
            "replace(regexp_replace({0}, '\\.0+$', ''), ',', '')",
        ),
    ]
    return _number(column, _THOUSANDS, _VIETNAMESE, others)


def _so_thap_phan(column: Column, _: ColumnSpec) -> Typed:
    """Number: dots part thousands, a comma the decimals. What cannot be that is a machine's."""
    others = [
        (r"-?[0-9]+\.[0-9]+", "{0}"),
        (_ENGLISH + r"(?:(?:,[0-9]{3})+\.[0-9]+|(?:,[0-9]{3}){2,})", "replace({0}, ',', '')"),
    ]
    return _number(column, _THOUSANDS + "(?:,[0-9]+)?", _VIETNAMESE, others)


def _so_may(column: Column, _: ColumnSpec) -> Typed:
    """Number as machines write it: a dot parts the decimals, nothing parts thousands."""
    grouped = (_ENGLISH + r"(?:\.[0-9]{3})+", _VIETNAMESE)
    if not column.sql_type.startswith(("DECIMAL", "DOUBLE")):
        zeros = (r"-?[0-9]+[.,]0{1,2}", "regexp_replace({0}, '[.,]0+$', '')")
        return _number(column, "-?[0-9]+", "{0}", [zeros, grouped])
    others = [
        ("-?[0-9]+,[0-9]+", _VIETNAMESE),
        (_ENGLISH + r"(?:,[0-9]{3})+\.[0-9]+", "replace({0}, ',', '')"),
        (_ENGLISH + r"(?:(?:\.[0-9]{3}){2,}|(?:\.[0-9]{3})+,[0-9]+)", _VIETNAMESE),
    ]
    return _number(column, r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", "{0}", others)


def _so_kem_chu(column: Column, _: ColumnSpec) -> Typed:
    """Number among words: ``gần 1.200 hồ sơ``, ``hơn 83,92%``.

    Further columns of the forms ``muc_so`` and ``don_vi_so`` keep the words.
    """
    plain = _THOUSANDS + "(?:,[0-9]+)?"

    def cast(text: str) -> str:
        return f"TRY_CAST({_VIETNAMESE.format(text)} AS {column.sql_type})"

    def mended(cleaned: str) -> str:
        dashed = f"translate({cleaned}, '{DASHES}', '{'-' * len(DASHES)}')"
        return let("q", part(dashed, 2), f"CASE WHEN q <> '' THEN {cast('q')} END")

    return Typed(
        usual=lambda text: matches(text, plain), ordinary=cast, mended=mended, repair="in_words"
    )


def _dung_sai(_column: Column, _: ColumnSpec) -> Typed:
    """Yes or no: words and digits of machines, ticks of people."""
    ticks = among("lower(b)", ["x", "✓", "✔", "☑", "có", "true", "1"])
    crosses = among("lower(b)", ["✗", "✘", "☐", "không", "false", "0"])
    body = f"CASE WHEN {ticks} THEN TRUE WHEN {crosses} THEN FALSE END"
    return Typed(
        usual=lambda text: among(text, ["1", "0", "true", "false"]),
        ordinary=lambda text: f"TRY_CAST({text} AS BOOLEAN)",
        mended=lambda cleaned: let("b", cleaned, body),
        repair="tick",
    )


_ISO = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,9})?)?)?"
_VIETNAM = "INTERVAL 7 HOUR"  # no daylight saving since 1975, so no zone data is needed
_SPECIAL: dict[str, tuple[tuple[str, str], ...]] = {
    "iso": (
        (_ISO, "TRY_CAST({0} AS TIMESTAMP)"),
        (
            _ISO + "(?:Z|[+-][0-9]{2}:?[0-9]{2})",
            "make_timestamp(epoch_us(TRY_CAST({0} AS TIMESTAMPTZ))) + " + _VIETNAM,
        ),
    ),
    "epoch_ms": (("[0-9]{12,13}", "make_timestamp(TRY_CAST({0} AS BIGINT) * 1000) + " + _VIETNAM),),
    "excel_serial": (
        (
            r"[0-9]{5}(?:\.[0-9]+)?",
            "TIMESTAMP '1899-12-30' + to_seconds(round(TRY_CAST({0} AS DOUBLE) * 86400))",
        ),
    ),
}
"""Token -> patterns, and the SQL that reads a text of that pattern as Vietnam's wall time."""
_DIGITS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "y": 2}


def _moment(column: Column, spec: ColumnSpec) -> Typed:
    """Date or time of day: the source's first format is ordinary, its others are repaired."""
    first, *rest = spec.dates or ("iso",)
    usual = _shape(first, column, strict=True)
    if first == "iso":
        usual = "[0-9]{4}-[0-9]{2}-[0-9]{2}" + (
            "" if column.sql_type == "DATE" else "[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
        )

    def typed(moment: str) -> str:
        return moment if column.sql_type == "TIMESTAMP" else f"CAST({moment} AS {column.sql_type})"

    def read(text: str, form: str) -> str:
        special = _SPECIAL.get(form)
        return special[0][1].format(text) if special else f"try_strptime({text}, {listed([form])})"

    formats = [form for form in (first, *rest) if form not in _SPECIAL]
    cases = [
        f"WHEN {matches('d', _shape(form, column, strict=False))} THEN {read('d', form)}"
        for form in formats
    ] + [
        f"WHEN {matches('d', pattern)} THEN {sql.format('d')}"
        for form in (first, *rest)
        for pattern, sql in _SPECIAL.get(form, ())
    ]

    def mended(cleaned: str) -> str:
        tight = f"regexp_replace({cleaned}, ' ?([/.:-]) ?', '\\1', 'g')"
        return typed(let("d", tight, f"CASE {' '.join(cases)} END"))

    return Typed(
        usual=lambda text: matches(text, usual),
        ordinary=lambda text: typed(read(text, first)),
        mended=mended,
        repair="date_form",
    )


def _shape(form: str, column: Column, *, strict: bool) -> str:
    """Return the pattern of a strptime format; days, months and hours may lack their zero."""
    if form in _SPECIAL:
        return _SPECIAL[form][0][0]
    pattern, follows = "", False
    for match in re.finditer(r"%(.)|([^%]+)", form):
        directive, literal = match.groups()
        if literal is not None:
            pattern += re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", literal)
            follows = False
            continue
        if directive not in _DIGITS:
            raise ConfigurationError(
                f"date format {form} of column {column.name} uses %{directive}",
                where="definition",
                next_step="use %Y %m %d %H %M %S, or one of " + ", ".join(_SPECIAL),
            )
        # Two directives side by side can only be told apart by their full width.
        run = form[match.end() :].startswith("%") or follows
        follows = True
        loose = not strict and not run and directive not in "Yy"
        pattern += "[0-9]{1,2}" if loose else f"[0-9]{{{_DIGITS[directive]}}}"
    return pattern


TYPES: dict[str, Callable[[Column, ColumnSpec], Typed]] = {
    "ngay": _moment,
    "thoi_diem": _moment,
    "so_nguyen": _so_nguyen,
    "so_thap_phan": _so_thap_phan,
    "so_may": _so_may,
    "so_kem_chu": _so_kem_chu,
    "dung_sai": _dung_sai,
}
