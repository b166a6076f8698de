"""One cell through the normaliser, for tests.

What does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import duckdb

from checks.contract import Column
from sources.spec import ColumnSpec
from warehouse import normalise


class Cleaned(NamedTuple):
    """What became of a text."""

    clean: str | None
    value: Any
    repairs: list[str]


@cache
def _sql(
    form: str, sql_type: str, dates: tuple[str, ...], codes: tuple[tuple[str, str], ...]
) -> str:
    column = Column("x", "x", "x", sql_type, form, required=False, classification="none", key=False)
    spec = ColumnSpec(source="x", dates=dates, codes=dict(codes))
    cell = normalise.expressions(column, spec, 't."x"')
    return (
        f"SELECT {cell.clean}, {cell.value}, {normalise.flags({'x': cell})}, {cell.unusual}, "
        f"[{', '.join(test for _, test in cell.tests) or 'FALSE'}] "
        'FROM (SELECT unnest(?::VARCHAR[]) AS "x") t'
    )


_CONNECTION = duckdb.connect(config={"threads": 1})


def clean_all(
    texts: Sequence[str | None],
    form: str,
    sql_type: str = "VARCHAR",
    *,
    dates: Sequence[str] = (),
    codes: dict[str, str] | None = None,
) -> list[Cleaned]:
    """Clean texts of one column."""
    sql = _sql(form, sql_type, tuple(dates), tuple((codes or {}).items()))
    rows = _CONNECTION.execute(sql, [list(texts)]).fetchall()
    cleaned = []
    for clean, value, flags, unusual, conditions in rows:
        # The cheap test overlooks none: where it is false, no repair's own condition holds.
        assert unusual or not any(conditions)
        assert bool(flags) == (unusual and any(conditions))
        names = [flag.removeprefix("x:") for flag in flags or []]
        cleaned.append(Cleaned(clean, value, names))
    return cleaned


def clean(
    text: str | None,
    form: str,
    sql_type: str = "VARCHAR",
    *,
    dates: Sequence[str] = (),
    codes: dict[str, str] | None = None,
) -> Cleaned:
    """Clean one text."""
    return clean_all([text], form, sql_type, dates=dates, codes=codes)[0]
