"""A batch as a whole is held against the loads before it, and a rule's limit spares a few rows.

Data flow: the small contract with further rules -> ``validate`` with what is known of earlier loads
-> results.

Run it alone: ``pytest tests/checks/test_batch_rules.py``.

What does not belong here: what becomes of the batch (``tests/hub/test_held_back.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from checks.batch_rules import fit
from checks.model import Limit, Past
from checks.quarantine import mark
from checks.report import RuleResult
from checks.validate import validate
from tests.checks.contracts import CONTRACT, changed, contract, stated
from tests.checks.staged import GOOD, fill, staging

NOW = datetime(2026, 1, 10, 12)  # noqa: DTZ001 - Vietnam time, as the columns are
PAST = Past(rows=(100, 8, 12, 10), means={"le_phi": 5.0}, whole=True, now=NOW)

RULES = changed(
    "    quality:\n      - name: row.nhan_truoc_tra",
    "    quality:\n"
    + stated("volume", "expect_table_row_count_to_be_between", "loads: 3, min_share: 0.5", 6)
    + stated(
        "unique.chu_va_ngay", "expect_columns_to_be_unique", "columns: [chu_ho_so, ngay_nhan]", 6
    )
    + "      - name: row.nhan_truoc_tra",
)
RULES = changed(
    "              kwargs: {min_value: 0}\n",
    "              kwargs: {min_value: 0}\n"
    + stated("mean", "expect_column_mean_to_be_between", "share: 0.2, difference: 0.5"),
    RULES,
)
RULES = changed(
    "        description: Lúc cập nhật (last change)\n        logicalType: timestamp\n"
    "        physicalType: TIMESTAMP\n",
    "        description: Lúc cập nhật (last change)\n        logicalType: timestamp\n"
    "        physicalType: TIMESTAMP\n        quality:\n"
    + stated("freshness", "expect_column_max_to_be_between", "days: 7"),
    RULES,
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with staging(tmp_path_factory.mktemp("staging")) as opened:
        yield opened


def judged(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    rows: list[dict[str, Any]],
    past: Past | None = PAST,
    text: str = RULES,
) -> dict[str, RuleResult]:
    small = contract(folder, text)
    fill(connection, small, [{"ma": f"A{n}", **row} for n, row in enumerate(rows)])
    return {r.rule: r for r in validate(connection, "stg.main.hang", small, past).results}


def rows(count: int, **other: Any) -> list[dict[str, Any]]:
    return [GOOD | {"ma": f"A{n}", "chu_ho_so": f"Lò Văn {n}", **other} for n in range(count)]


def test_a_batch_like_those_before_it_passes(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    found = judged(connection, tmp_path, rows(6))
    assert all(found[name].success for name in ("volume", "le_phi.mean", "cap_nhat.freshness"))
    assert found["volume"].found == (
        "6; mức cho phép 6 đến không giới hạn; trung vị 12 của 3 lần nạp gần nhất"
    )
    assert not any(result.skipped for result in found.values() if result.of_batch)


def test_what_is_out_of_bounds_is_told_with_its_bounds(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    old = datetime(2026, 1, 2, 23, 59)  # noqa: DTZ001 - Vietnam time, as the columns are
    found = judged(connection, tmp_path, rows(5, le_phi=Decimal("6.1"), cap_nhat=old))
    told = {name: found[name].found for name in ("volume", "le_phi.mean", "cap_nhat.freshness")}
    assert not any(found[name].success for name in told)
    assert told == {
        "volume": "5; mức cho phép 6 đến không giới hạn; trung vị 12 của 3 lần nạp gần nhất",
        "le_phi.mean": "6.1; mức cho phép 4 đến 6; hiện nay 5",
        "cap_nhat.freshness": "2026-01-02 23:59:00; phải từ ngày 2026-01-03",
    }
    day = datetime(2026, 1, 3)  # noqa: DTZ001 - Vietnam time, as the columns are
    assert judged(connection, tmp_path, rows(6, cap_nhat=day))["cap_nhat.freshness"].success


@pytest.mark.parametrize(
    ("past", "why"),
    [
        (None, "không phải toàn bộ"),
        (replace(PAST, whole=False), "không phải toàn bộ"),
        (replace(PAST, rows=(), means={}), "chưa có lần nạp trước"),
    ],
)
def test_without_a_whole_batch_or_a_past_nothing_is_judged(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, past: Past | None, why: str
) -> None:
    found = judged(connection, tmp_path, rows(1, le_phi=Decimal(99)), past)
    assert why in str(found["volume"].skipped)
    assert why in str(found["le_phi.mean"].skipped)
    assert found["volume"].success


def test_a_batch_without_rows_has_no_mean_and_no_newest_date(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    found = judged(connection, tmp_path, [])
    assert not found["volume"].success
    assert found["le_phi.mean"].success
    assert found["cap_nhat.freshness"].success


def test_two_records_that_agree_where_none_may(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drawn = [
        *rows(2),
        GOOD | {"ma": "B1", "chu_ho_so": "Lò Văn 0"},  # agrees with A0
        GOOD | {"ma": "B2", "chu_ho_so": None},
        GOOD | {"ma": "B3", "chu_ho_so": None},  # nothing agrees with nothing
        rows(2)[1],  # a copy of A1
    ]
    small = contract(tmp_path, RULES)
    fill(connection, small, drawn)
    report = validate(connection, "stg.main.hang", small, PAST)
    assert {r.rule: r.unexpected for r in report.results}["unique.chu_va_ngay"] == 2
    assert mark(connection, "stg.main.hang", small)["unique.chu_va_ngay"] == 2
    marked = connection.execute("SELECT _row FROM stg.main.vi_pham ORDER BY 1").fetchall()
    assert marked == [(1,), (3,)]


LIMIT = "            mustBeLessOrEqualTo: {}\n            unit: {}\n"
_WARN = "            description: Họ tên quá ngắn hoặc quá dài\n"


@pytest.mark.parametrize(
    ("amount", "unit", "good"),
    [(2, "rows", True), (1, "rows", False), (20, "percent", True), (19.9, "percent", False)],
)
def test_a_warning_counts_as_failed_only_beyond_its_limit(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, amount: float, unit: str, *, good: bool
) -> None:
    text = changed(_WARN, _WARN + LIMIT.format(amount, unit))
    drawn = rows(8) + [GOOD | {"ma": f"B{n}", "chu_ho_so": "A"} for n in range(2)]
    found = judged(connection, tmp_path, drawn, None, text)["chu_ho_so.length"]
    assert (found.unexpected, found.success) == (2, good)


def test_a_limit_in_percent_always_spares_a_few_rows_unless_it_is_none() -> None:
    assert Limit(5, "percent").allows(20, 100, few=20)
    assert not Limit(5, "percent").allows(21, 100, few=20)
    assert not Limit(0, "percent").allows(1, 100, few=20)
    assert not Limit(3, "rows").allows(4, 100, few=20)


def test_the_results_of_a_limit_and_of_great_expectations_do_not_contradict_each_other(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    small = contract(tmp_path, changed(_WARN, _WARN + LIMIT.format(5, "rows"), CONTRACT))
    fill(connection, small, [GOOD | {"chu_ho_so": "A"}])
    report = validate(connection, "stg.main.hang", small)
    assert report.document["success"] is report.success is True


def test_bounds_come_from_so_many_loads_as_the_contract_says(tmp_path: Path) -> None:
    small = contract(tmp_path, changed("loads: 3, min_share: 0.5", "max_share: 1.5", RULES))
    fitted, skipped = fit(small, PAST)
    assert not skipped
    volume = next(each for each in fitted if each.rule.kind == "volume")
    assert volume.expectation.kwargs == {"max_value": 16}  # half as much again as 11
