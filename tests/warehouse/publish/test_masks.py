"""No mask lets a value through, whatever the column is; what a mask leaves has its stated type."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.forms import LOGICAL_TYPES
from checks.model import Column
from warehouse.publish.masks import EMPTY, MARK, MARKED, YEAR, mask_of

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "VARCHAR": st.text("0123456789@. ĐạịAn'\"*"),
    "DATE": st.dates(),
    "TIMESTAMP": st.datetimes(),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "DOUBLE": st.floats(allow_nan=False),
    "BOOLEAN": st.booleans(),
}


def column(classification: str, sql_type: str = "VARCHAR") -> Column:
    """Return a column of that classification, known or not."""
    return Column(
        name="o", label="Ô", description="Ô (cell)", sql_type=sql_type, form="van_ban",
        required=False, classification=classification, key=False,  # type: ignore[arg-type]  # any
    )  # fmt: skip


def masked(classification: str, sql_type: str, value: Any) -> Any:
    """Return what the mask makes of a value, after it proved to have its type."""
    mask = mask_of(column(classification, sql_type))
    assert mask is not None
    found = duckdb.execute(
        f"SELECT o, typeof(o) FROM (SELECT {mask.of(column(classification, sql_type))} AS o "
        f"FROM (SELECT ?::{sql_type} AS o))",
        [value],
    ).fetchone()
    assert found is not None
    assert found[1] == mask.type_of(column(classification, sql_type))
    return found[0]


@settings(deadline=None)
@given(st.data(), st.sampled_from(sorted(VALUES)))
def test_a_basic_value_leaves_that_it_was_there_or_its_year(data: Any, sql_type: str) -> None:
    value = data.draw(st.none() | VALUES[sql_type])
    left = masked("basic", sql_type, value)
    if value is None or sql_type not in {"VARCHAR", "DATE", "TIMESTAMP"}:
        assert left is None
    elif isinstance(value, date | datetime):
        assert left == value.year
    else:
        assert left == MARK


@settings(deadline=None)
@given(st.data(), st.sampled_from(sorted(VALUES)), st.sampled_from(["", "NONE", "cao", "Basic"]))
def test_a_sensitive_or_unknown_value_leaves_nothing(
    data: Any, sql_type: str, classification: str
) -> None:
    value = data.draw(VALUES[sql_type])
    assert masked("sensitive", sql_type, value) is None
    assert masked(classification, sql_type, value) is None


@pytest.mark.parametrize("sql_type", [*LOGICAL_TYPES, "DECIMAL(18,2)"])
def test_every_type_has_a_mask_and_only_what_is_no_personal_data_has_none(sql_type: str) -> None:
    assert mask_of(column("none", sql_type)) is None
    assert mask_of(column("basic", sql_type)) in {EMPTY, MARKED, YEAR}
    assert mask_of(column("sensitive", sql_type)) is EMPTY
    assert mask_of(column("", sql_type)) is EMPTY
