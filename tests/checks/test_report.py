"""Counts become one plain entry per group of checks, with a Vietnamese sentence.

Data flow: invented results -> ``Report.by_dimension``.

Run it alone: ``pytest tests/checks/test_report.py``.

What does not belong here: running checks.
"""

from __future__ import annotations

import json
from dataclasses import replace

from checks.model import Dimension, Severity
from checks.report import Report, RuleResult, renewed


def result(
    rule: str,
    unexpected: int,
    *,
    severity: Severity = "error",
    dimension: Dimension = "completeness_conformity",
    skipped: str | None = None,
) -> RuleResult:
    return RuleResult(
        rule=rule,
        dimension=dimension,
        severity=severity,
        success=unexpected == 0,
        evaluated=10,
        unexpected=unexpected,
        reason=f"Sai {rule}",
        skipped=skipped,
    )


def test_a_group_names_what_failed_worst_first() -> None:
    report = Report(
        (
            result("a.required", 0),
            result("b.pattern", 9, severity="warn"),
            result("c.range", 1),
            result("d.range", 2),
            result("key.unique", 0, dimension="uniqueness_consistency"),
        )
    )
    groups = report.by_dimension()
    assert json.loads(json.dumps(groups)) == groups
    assert list(groups) == [
        "schema_volume",
        "completeness_conformity",
        "uniqueness_consistency",
        "timeliness",
    ]
    bad = groups["completeness_conformity"]
    assert not bad["success"]
    assert bad["severity"] == "error"
    assert bad["reason"] == (
        "3 trên 4 quy tắc không đạt: Sai d.range (2 dòng); Sai c.range (1 dòng); "
        "Sai b.pattern (9 dòng)"
    )
    assert (bad["rules_checked"], bad["rules_failed"], bad["rows"]) == (4, 3, 10)
    assert bad["rules"][1] == {
        "rule": "b.pattern",
        "severity": "warn",
        "success": False,
        "evaluated": 10,
        "unexpected": 9,
        "reason": "Sai b.pattern",
        "skipped": False,
        "found": None,
    }
    good = groups["uniqueness_consistency"]
    assert good["success"]
    assert good["reason"] == "Đạt cả 1 quy tắc đã kiểm tra"
    assert groups["timeliness"]["success"]
    assert groups["timeliness"]["rules"] == []
    assert not report.success


def test_warnings_alone_are_no_error() -> None:
    group = Report((result("a.pattern", 3, severity="warn"),)).by_dimension()
    assert not group["completeness_conformity"]["success"]
    assert group["completeness_conformity"]["severity"] == "warn"


def test_a_long_list_is_cut() -> None:
    report = Report(tuple(result(f"c{number}.range", number) for number in range(1, 9)))
    reason = report.by_dimension()["completeness_conformity"]["reason"]
    assert reason.endswith("và 3 quy tắc khác")


def test_a_rule_that_did_not_run_says_why_and_is_not_counted() -> None:
    group = Report((result("a.reference", 0, skipped="Chưa kiểm tra"),)).by_dimension()[
        "completeness_conformity"
    ]
    assert group["rules_checked"] == 0
    assert group["rules"][0]["reason"] == "Chưa kiểm tra"
    assert group["reason"] == "Chưa kiểm tra quy tắc nào"


def test_a_later_result_takes_the_place_of_its_rule_and_nothing_else() -> None:
    report = Report(
        (
            result("a.required", 2),
            result("b.pattern", 0, skipped="Chưa kiểm tra"),
            replace(result("volume", 0), success=False, found="3; mức cho phép 4"),
            replace(result("c.freshness", 0), found="2026-01-02; phải từ ngày 2026-01-01"),
        )
    )
    before = report.by_dimension()
    same = renewed(before, [])
    assert same == before
    old = replace(result("c.freshness", 0), success=False, found="cũ")
    after = renewed(before, [old])["completeness_conformity"]
    assert after["rules"][:3] == before["completeness_conformity"]["rules"][:3]
    assert (after["rules_failed"], after["rules_checked"], after["rows"]) == (3, 3, 10)
    assert after["reason"] == (
        "3 trên 3 quy tắc không đạt: Sai a.required (2 dòng); Sai volume (3; mức cho phép 4); "
        "Sai c.freshness (cũ)"
    )
