"""What the checks found, as counts: for the load record, the four checks in the UI, the terminal.

Data flow: ``validate`` -> :class:`Report` -> :meth:`Report.by_dimension`, plain JSON-ready values
that say per group how many rows broke which rule and why, in Vietnamese. No value of any row is
in it.

Run it alone: ``pytest tests/checks/test_report.py``.

What does not belong here: running checks, Great Expectations, Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from checks.model import Dimension, Severity

_NAMED = 5  # rules named in one sentence; the table beside it has all


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule."""

    rule: str
    dimension: Dimension
    severity: Severity
    success: bool
    evaluated: int
    """Rows looked at."""
    unexpected: int
    """Rows that break it. For ``key.unique`` all rows of a key that stands more than once, also
    those that quarantine passes over as identical or superseded."""
    reason: str
    """The contract's sentence about a row that breaks it."""
    skipped: str | None = None
    """Why the rule did not run, if it did not."""
    found: str | None = None
    """What was found and what the bounds are, of a rule about the whole batch."""
    of_batch: bool = False
    """Whether the rule is about the batch and not about its rows."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all rules of a contract."""

    results: tuple[RuleResult, ...]
    document: Mapping[str, Any] = field(default_factory=dict)
    """Great Expectations' own result as JSON-ready values, from which Data Docs are made."""

    @property
    def success(self) -> bool:
        """Whether no row breaks any rule."""
        return all(result.success for result in self.results)

    def by_dimension(self) -> dict[str, dict[str, Any]]:
        """Return each of the four groups as plain values, groups without rules included."""
        return {name: self._group(name) for name in get_args(Dimension)}

    def _group(self, dimension: Dimension) -> dict[str, Any]:
        results = [result for result in self.results if result.dimension == dimension]
        failed = [result for result in results if not result.success]
        failed.sort(key=lambda result: (result.severity != "error", -result.unexpected))
        hard = any(result.severity == "error" for result in failed)
        return {
            "success": not failed,
            "severity": "error" if hard or not failed else "warn",
            "reason": _sentence(results, failed),
            "rules_checked": sum(1 for result in results if result.skipped is None),
            "rules_failed": len(failed),
            "rows": max((result.evaluated for result in results), default=0),
            "rules": [_entry(result) for result in results],
        }


def renewed(
    checks: Mapping[str, dict[str, Any]], results: Iterable[RuleResult]
) -> dict[str, dict[str, Any]]:
    """Put later results in place of those of the same rules in what :meth:`by_dimension` gave."""
    later = {result.rule: result for result in results}
    found = dict(checks)
    for dimension in {result.dimension for result in later.values()} & found.keys():
        group = Report(
            tuple(
                later.get(entry["rule"]) or _result(entry, dimension)
                for entry in found[dimension]["rules"]
            )
        )
        found[dimension] = group.by_dimension()[dimension] | {"rows": found[dimension]["rows"]}
    return found


def _result(entry: Mapping[str, Any], dimension: Dimension) -> RuleResult:
    """Return the result that an entry was made of."""
    found = entry.get("found")
    return RuleResult(
        rule=entry["rule"],
        dimension=dimension,
        severity=entry["severity"],
        success=entry["success"],
        evaluated=entry["evaluated"],
        unexpected=entry["unexpected"],
        reason=entry["reason"].removesuffix(f" ({found})"),
        skipped=entry["reason"] if entry.get("skipped") else None,
        found=found,
    )


def _sentence(results: list[RuleResult], failed: list[RuleResult]) -> str:
    if not results:
        return "Hợp đồng dữ liệu không có quy tắc nào thuộc nhóm này"
    checked = sum(1 for result in results if result.skipped is None)
    if not checked:
        return "Chưa kiểm tra quy tắc nào"
    if not failed:
        return f"Đạt cả {checked} quy tắc đã kiểm tra"
    named = "; ".join(_named(result) for result in failed[:_NAMED])
    more = f"; và {len(failed) - _NAMED} quy tắc khác" if len(failed) > _NAMED else ""
    return f"{len(failed)} trên {checked} quy tắc không đạt: {named}{more}"


def _named(result: RuleResult) -> str:
    return f"{result.reason} ({result.found or f'{result.unexpected} dòng'})"


def _entry(result: RuleResult) -> dict[str, Any]:
    return {
        "rule": result.rule,
        "severity": result.severity,
        "success": result.success,
        "evaluated": result.evaluated,
        "unexpected": result.unexpected,
        "reason": result.skipped or (_named(result) if result.found else result.reason),
        "skipped": result.skipped is not None,
        "found": result.found,
    }
