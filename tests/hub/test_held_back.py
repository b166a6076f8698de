"""A batch that breaks a rule about the whole batch, or a rule's own limit, moves nothing.

Data flow: rows of the small contract -> ``hub.settle.settle`` on a real lake -> what is in it then.

Run it alone: ``pytest tests/hub/test_held_back.py``.

What does not belong here: the bounds themselves (``tests/checks/test_batch_rules.py``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from checks.contract import load_contract
from hub.held import HeldBackError
from hub.settle import Settled, last_checks, settle
from tests.checks.contracts import CONTRACT, changed, stated, write
from tests.warehouse.nights import DATASET, SOURCE, Warehouse, row
from warehouse import loads, tables
from warehouse.stage import attached

VOLUME = stated("volume", "expect_table_row_count_to_be_between", "min_share: 0.9", 6)
_SET = "            description: Trạng thái không có trong danh mục\n"
LIMITED = changed(_SET, f"{_SET}            mustBeLessOrEqualTo: 1\n", CONTRACT)


def with_rule(rule: str) -> str:
    at = "    quality:\n      - name: row.nhan_truoc_tra"
    return changed(at, f"    quality:\n{rule}      - name: row.nhan_truoc_tra")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse.at(tmp_path)


def night(warehouse: Warehouse, rows: list[dict[str, Any]]) -> Settled:
    """Settle rows as all that the source has."""
    warehouse.batches += 1
    connection = warehouse.lake.writer()
    with warehouse.lake.lock():
        tables.ensure(connection, warehouse.contract)
    before = loads.position(connection, SOURCE, DATASET)
    now = datetime.now(UTC)
    base = loads.LoadRecord(
        run="test", source=SOURCE, dataset=DATASET, table_name=warehouse.contract.table,
        status=loads.FAILED, batch=f"b{warehouse.batches}", previous_batch=before.batch,
        fetched=len(rows), started_at=now, ended_at=now, whole=True,
    )  # fmt: skip
    try:
        with attached(connection, warehouse.scratch, str(warehouse.batches)):
            warehouse._stage(connection, rows)
            return settle(warehouse.lake, connection, warehouse.contract, base, whole=True)
    finally:
        connection.close()


def use(warehouse: Warehouse, text: str) -> None:
    warehouse.contract = load_contract(write(warehouse.contract.path.parent, text))


def rows(count: int, **other: Any) -> list[dict[str, Any]]:
    return [row(f"A{n}", **other) for n in range(count)]


def test_a_batch_much_smaller_than_those_before_is_held_back(warehouse: Warehouse) -> None:
    use(warehouse, with_rule(VOLUME))
    night(warehouse, rows(20))
    night(warehouse, rows(20, chu="Bình"))
    with pytest.raises(HeldBackError, match=r"rule volume \(17; mức cho phép 18 đến") as caught:
        night(warehouse, rows(17, chu="Chi"))
    assert "volume" in str(caught.value.checks)
    assert "change the bounds of the rule in ho_so_nho.odcs.yaml" in caught.value.next_step
    assert set(warehouse.live().values()) == {"Bình"}
    settled = night(warehouse, rows(19, chu="Chi"))
    assert settled.record.status == loads.LOADED
    assert len(warehouse.live()) == 19


def test_a_warning_about_the_batch_only_reports(warehouse: Warehouse) -> None:
    use(warehouse, with_rule(VOLUME.replace("severity: error", "severity: warn")))
    night(warehouse, rows(20))
    settled = night(warehouse, rows(17, chu="Chi"))
    group = settled.checks["uniqueness_consistency"]
    assert (group["success"], group["severity"]) == (False, "warn")
    assert "Sai volume (17; mức cho phép 18" in group["reason"]
    assert len(warehouse.live()) == 17


def test_the_mean_is_held_against_the_rows_that_are_there_now(warehouse: Warehouse) -> None:
    mean = stated("mean", "expect_column_mean_to_be_between", "share: 0.1")
    at = "              kwargs: {min_value: 0}\n"
    use(warehouse, changed(at, f"{at}{mean}"))
    night(warehouse, rows(4, le_phi="100"))
    with pytest.raises(HeldBackError, match=r"le_phi\.mean \(111; mức cho phép 90 đến 110"):
        night(warehouse, rows(4, le_phi="111"))
    assert night(warehouse, rows(4, le_phi="109")).record.updated == 4


def test_rows_beyond_a_rules_own_limit_hold_the_batch_back(warehouse: Warehouse) -> None:
    use(warehouse, LIMITED)
    good = rows(30)
    settled = night(warehouse, [*good, row("B1", trang_thai="7")])
    assert settled.record.rejected == 1
    assert len(warehouse.live()) == 30
    bad = [row(f"B{n}", trang_thai="7") for n in range(2)]
    with pytest.raises(
        HeldBackError, match=r"2 of 32 rows break rule trang_thai\.in_set, more than its limit of 1"
    ):
        night(warehouse, [*good[:-1], replace_owner(good[-1]), *bad])
    assert "Khác" not in warehouse.live().values()


def replace_owner(cells: dict[str, Any]) -> dict[str, Any]:
    return {**cells, "chu_ho_so": "Khác"}


def test_a_table_that_nobody_changes_grows_old(warehouse: Warehouse) -> None:
    fresh = stated("freshness", "expect_column_max_to_be_between", "days: 30", severity="warn",
                   dimension="timeliness")  # fmt: skip
    at = "        description: Ngày (day)\n        logicalType: date\n        physicalType: DATE\n"
    use(warehouse, changed(f"{at}      - name: chu_ho_so", f"{at}        quality:\n{fresh}"
                           "      - name: chu_ho_so"))  # fmt: skip
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    due = rows(3, ngay_tra=f"{today}")
    assert night(warehouse, due).checks["timeliness"]["success"]
    connection = warehouse.lake.writer()
    with warehouse.lake.lock():
        connection.execute(f"UPDATE lake.{warehouse.contract.table} SET ngay_tra = ngay_tra - 31")
    base = loads.LoadRecord(
        run="test", source=SOURCE, dataset=DATASET, table_name=warehouse.contract.table,
        status=loads.UNCHANGED, started_at=datetime.now(UTC), ended_at=datetime.now(UTC),
    )  # fmt: skip
    found = last_checks(connection, base, warehouse.contract)["timeliness"]
    assert (found["success"], found["severity"], found["rules_failed"]) == (False, "warn", 1)
    assert f"Sai freshness ({today - timedelta(days=31)}; phải từ ngày" in found["reason"]
    assert last_checks(connection, base)["timeliness"]["success"]
    connection.close()
