"""What the Dagster pages are given to show of an outcome: checks, reasons, rows, times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from hub.errors import TransientError
from hub.load import Outcome
from hub.source_assets import DIMENSIONS, check_results, run_metadata, said
from warehouse.loads import LoadRecord

KEY = dg.AssetKey(["lao_cai", "dich_vu_cong", "ho_so"])
NOW = datetime(2026, 10, 1, 18, 30, tzinfo=UTC)
RECORD = LoadRecord(
    run="r", source="lao_cai/dich_vu_cong", dataset="ho_so", table_name="dung_chung.ho_so",
    status="loaded", batch="b", fetched=13, inserted=3, updated=8, rejected=2,
    started_at=NOW, ended_at=NOW,
)  # fmt: skip


def rule(name: str, unexpected: int, severity: str = "error", evaluated: int = 13) -> Any:
    return {"rule": name, "severity": severity, "success": unexpected == 0,
            "evaluated": evaluated, "unexpected": unexpected, "reason": f"về {name}"}  # fmt: skip


CHECKS = {
    "completeness_conformity": {
        "success": False, "severity": "error", "reason": "3 trên 5 quy tắc không đạt",
        "rules_checked": 4, "rules_failed": 3, "rows": 13,
        "rules": [rule("a", 0), rule("b", 1), rule("c", 4, "warn"), rule("d", 2),
                  rule("e", 0, evaluated=0)],
    },
    "schema_volume": {
        "success": True, "severity": "error", "reason": "không có quy tắc",
        "rules_checked": 0, "rules_failed": 0, "rows": 0, "rules": [],
    },
}  # fmt: skip


def results(outcome: Outcome) -> dict[str | None, dg.AssetCheckResult]:
    return {found.check_name: found for found in check_results(KEY, outcome, None)}


def shown(outcome: Outcome, name: str) -> dict[str, Any]:
    return {key: value.value for key, value in results(outcome)[name].metadata.items()}


def test_each_check_leads_to_the_page_of_the_dataset() -> None:
    name = "completeness_conformity"
    outcome = Outcome(RECORD, CHECKS, None, NOW, page="/data/docs/site/lao_cai/ho_so.html")
    assert results(outcome)[name].metadata["data_docs"] == dg.MetadataValue.path(str(outcome.page))
    served = replace(outcome, page="https://kho.example/lao_cai/ho_so.html")
    assert results(served)[name].metadata["data_docs"] == dg.MetadataValue.url(str(served.page))
    assert "data_docs" not in results(replace(outcome, page=None))[name].metadata


def test_how_new_the_newest_rows_are_is_part_of_timeliness() -> None:
    stale = {"success": False, "severity": "warn", "reason": "Dữ liệu cũ", "rules": []}
    outcome = Outcome(RECORD, {"timeliness": stale}, None, NOW)
    timely = results(outcome)["timeliness"]
    assert not timely.passed
    assert str(timely.description).endswith("; Dữ liệu cũ")
    assert results(Outcome(RECORD, {}, None, NOW))["timeliness"].passed


def test_broken_rules_stand_first_and_the_command_names_the_rows() -> None:
    outcome = Outcome(RECORD, CHECKS, None, NOW)
    metadata = shown(outcome, "completeness_conformity")
    table = results(outcome)["completeness_conformity"].metadata["expectations"]
    assert isinstance(table, dg.TableMetadataValue)
    rows = [record.data for record in table.records]
    assert [(row["rule"], row["rows"], row["result"]) for row in rows] == [
        ("d", 2, "refused"), ("b", 1, "refused"), ("c", 4, "noted"),
        ("a", 0, "passed"), ("e", 0, "not checked"),
    ]  # fmt: skip
    assert [column.name for column in table.schema.columns] == list(rows[0])
    assert metadata["command"] == "hub rejects lao_cai/dich_vu_cong/ho_so"
    assert metadata["as_of"] == "this load"
    assert (metadata["broken_rules"], metadata["checked_rows"]) == (3, 13)


def test_every_declared_check_is_yielded_and_an_empty_one_shows_no_zeros() -> None:
    outcome = Outcome(RECORD, CHECKS, None, NOW)
    assert set(results(outcome)) == set(DIMENSIONS)
    assert shown(outcome, "schema_volume") == {}
    assert shown(outcome, "uniqueness_consistency") == {}


@pytest.mark.parametrize("status", ["unchanged", "failed"])
def test_an_older_verdict_is_called_so(status: str) -> None:
    outcome = Outcome(replace(RECORD, status=status), CHECKS, None, NOW)
    said_of = shown(outcome, "completeness_conformity")["as_of"]
    assert said_of == f"the last load; this time: {status}"


def test_a_failed_night_says_whose_it_is_and_what_to_do_in_vietnam_time() -> None:
    error = TransientError("the connection broke", next_step="run it again later")
    good = NOW - timedelta(hours=2)
    outcome = Outcome(replace(RECORD, status="failed"), CHECKS, error, good)
    timeliness = results(outcome)["timeliness"]
    assert not timeliness.passed
    assert timeliness.description == (
        "last good sync 2026-10-01 23:30; this time: the connection broke"
    )
    metadata = shown(outcome, "timeliness")
    assert (metadata["whose"], metadata["next_step"]) == ("network", "run it again later")
    assert "command" not in metadata


def test_the_row_count_is_what_the_table_holds() -> None:
    metadata = run_metadata(Outcome(RECORD, CHECKS, None, NOW, rows=1449, quarantined=57))
    assert metadata["dagster/row_count"] == 1449
    assert metadata["in_quarantine"] == 57
    assert metadata["fetched"] == 13


@pytest.mark.parametrize(
    ("label", "description", "expected"),
    [("Lĩnh vực", "Tên lĩnh vực của thủ tục", "Tên lĩnh vực của thủ tục"),
     ("Chủ hồ sơ", "Họ tên người nộp", "Chủ hồ sơ. Họ tên người nộp"),
     ("Ghi chú", "", "Ghi chú")],
)  # fmt: skip
def test_nothing_is_said_twice(label: str, description: str, expected: str) -> None:
    assert said(label, description) == expected
