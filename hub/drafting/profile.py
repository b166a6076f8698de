"""What DuckDB counts in the cells of each source field of a sample.

Data flow: ``stg.main.tho`` -> ``stg.main.sach`` (every cell cleaned as free text) -> one scan a
column -> :class:`Profile`. Python sees counts, never a cell.

Run it alone: ``pytest tests/hub/drafting``.

What does not belong here: what the counts mean (``judge``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from checks.contract import Column
from hub.drafting import names
from hub.drafting.known import KNOWN, Known
from sources.spec import ColumnSpec
from warehouse import normalise
from warehouse.text_forms import QUANTITY

DATES = (
    "%d/%m/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%Y%m%d%H%M%S", "iso", "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S", "%d-%m-%Y", "%d.%m.%Y", "%Y%m%d", "epoch_ms", "excel_serial",
)  # fmt: skip
"""How dates are written (domain notes 6), the likeliest first. None with the month before the
day: no cell of a Vietnamese column may be read so."""
BARE = ("%Y%m%d", "epoch_ms", "excel_serial")
"""Those that a plain number may look like."""

_COUNTED = {
    "json": "starts_with(c, '{') OR starts_with(c, '[')",
    "list": "starts_with(c, '[')",
    "leading_zero": "regexp_full_match(c, '0[0-9]+')",
    "long": "regexp_full_match(c, '[0-9]{16,}')",
    "number": r"regexp_full_match(c, '-?[0-9][0-9., ]*%?')",
    "grouped": r"regexp_full_match(c, '-?[1-9][0-9]{0,2}(?:\.[0-9]{3})+')",
    "comma": r"regexp_full_match(c, '-?[0-9.]*[0-9],[0-9]+ ?%?')",
    "sure_comma": r"regexp_full_match(c, '-?[0-9.]*[0-9],(?:[0-9]{1,2}|[0-9]{4,}) ?%?')",
    "english": r"regexp_full_match(c, '-?[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}(?:\.[0-9]+)?')",
    "point": r"regexp_full_match(c, '-?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?')",
    "sure_point": (
        r"regexp_full_match(c, '-?(?:[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,})|(?:0|[0-9]{4,})\.[0-9]+)')"
    ),
    "worded": f"regexp_full_match(lower(c), '{QUANTITY}')",
    "percent": "ends_with(c, '%')",
    "word_flag": "lower(c) IN ('true', 'false', 'x', '✓', '✔', '☑', '☐', '✗', '✘', 'có', 'không')",
    "digit_flag": "c IN ('0', '1')",
    "short_digits": "regexp_full_match(c, '[0-9]{1,2}')",
    "printable": "regexp_full_match(c, '[!-~]+')",
    "coded": "regexp_full_match(c, '[A-Z0-9._/-]*[0-9][A-Z0-9._/-]*')",
    "dated": "regexp_full_match(c, '[0-9]{14}|[0-9]{1,4} ?[-/.] ?[0-9]{1,2} ?[-/.] ?[0-9]{1,4}.*')",
}  # fmt: skip
"""What is counted of a cleaned cell ``c``."""
_MEASURED = {
    "longest": "max(length(c))",
    "words": "CAST(coalesce(avg(length(c) - length(replace(c, ' ', '')) + 1), 0) AS INT)",
    "decimals": r"max(length(regexp_extract(c, '[.,]([0-9]*[1-9])0* ?%?$', 1)))",
    "distinct": "count(DISTINCT c)",
}


@dataclass(frozen=True)
class Profile:
    """What the cells of one field look like."""

    column: str
    rows: int
    filled: int
    """Cells that say something."""
    counts: Mapping[str, int]
    """Of :data:`_COUNTED` and :data:`_MEASURED`."""
    fits: Mapping[str, int]
    """Identifier that the column may hold -> cells that have its pattern."""
    dates: Mapping[str, int]
    """Form of a date -> cells that can be read so."""
    inner: tuple[str, ...]
    """Names within JSON cells, unaccented."""


def clean(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str]) -> None:
    """Make ``stg.main.sach``: the cells of every field, cleaned as free text.

    Args:
        connection: Has the staging file attached.
        columns: Column -> source field.
    """
    cells = "".join(
        f", {normalise.expressions(as_column(name), ColumnSpec(source=field), _raw(field)).clean} "
        f"AS {name}"
        for name, field in columns.items()
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE stg.main.sach AS SELECT _row{cells} FROM stg.main.tho t"
    )


def profile(connection: duckdb.DuckDBPyConnection, column: str) -> Profile:
    """Count one column of ``stg.main.sach``: cheap tests first, then what they leave possible."""
    looks = {f"looks {k.what}": f"count(*) FILTER ({k.looks})" for k in KNOWN}
    tests = {name: f"count(*) FILTER ({test})" for name, test in _COUNTED.items()}
    first = {"rows": "count(*)", "filled": "count(c)", **tests, **_MEASURED, **looks}
    counts = _counted(connection, column, first)
    looked = _part(counts, "looks ")
    fits = {
        f"fits {kind.what}": _fits(kind)
        for kind in KNOWN
        if kind.may_be(column, counts["filled"], looked)
    }
    dates = {
        f"date {form}": f"count({date_value(form, 'c')})"
        for form in DATES
        if counts["dated"] or names.is_date(column)
    }
    more = _counted(connection, column, {**fits, **dates})
    return Profile(
        column, counts["rows"], counts["filled"],
        counts={name: counts[name] for name in (*_COUNTED, *_MEASURED)},
        fits=_part(more, "fits "), dates=_part(more, "date "),
        inner=_inner(connection, column) if counts["json"] else (),
    )  # fmt: skip


def _counted(
    connection: duckdb.DuckDBPyConnection, column: str, measures: Mapping[str, str]
) -> dict[str, int]:
    """Return what each expression over ``c`` counts in one scan."""
    if not measures:
        return {}
    found = connection.execute(
        f"SELECT {', '.join(measures.values())} FROM (SELECT {column} AS c FROM stg.main.sach)"
    ).fetchone()
    return {name: int(value or 0) for name, value in zip(measures, found or (), strict=True)}


def count_typed(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    candidates: Sequence[tuple[Column, ColumnSpec]],
) -> list[int]:
    """Return how many cells of a column each candidate's normaliser reads."""
    values = {
        str(number): f"count({normalise.expressions(wanted, spec, 'c').value})"
        for number, (wanted, spec) in enumerate(candidates)
    }
    return list(_counted(connection, column, values).values())


def date_value(form: str, cell: str) -> str:
    """Return SQL that reads a cell as a time by one form only."""
    moment = as_column("x", "TIMESTAMP", "thoi_diem")
    return normalise.expressions(moment, ColumnSpec(source="x", dates=(form,)), cell).value


def as_column(name: str, sql_type: str = "VARCHAR", form: str = "van_ban") -> Column:
    """Return a column of which only type and form matter."""
    return Column(name, "", "", sql_type, form, required=False, classification="none", key=False)


def _fits(known: Known) -> str:
    wanted = as_column("x", form=known.form)
    value = normalise.expressions(wanted, ColumnSpec(source="x"), "c").value
    return f"count(*) FILTER (regexp_full_match({value}, '{known.pattern()}'))"


def _part(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {k.removeprefix(prefix): n for k, n in counts.items() if k.startswith(prefix)}


def _inner(connection: duckdb.DuckDBPyConnection, column: str) -> tuple[str, ...]:
    """Return the names of the fields within JSON cells, at any depth."""
    found = connection.execute(
        f"""SELECT DISTINCT unnest(regexp_extract_all({column}, '"([^"\\\\]{{1,60}})"\\s*:', 1))
        FROM stg.main.sach"""
    ).fetchall()
    return tuple(sorted(names.unaccented(str(name)) for (name,) in found))


def _raw(field: str) -> str:
    return f't."{field}"'
