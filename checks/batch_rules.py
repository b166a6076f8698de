"""Rules about a whole batch: its volume, the mean of a column, how new its newest date is.

Data flow: a contract's entry -> :class:`~checks.model.BatchRule` (arguments checked here) -> when
a batch is checked, :func:`fit` turns it into an expectation of Great Expectations' own, with bounds
from :class:`~checks.model.Past`, which the warehouse has computed from earlier loads. Such a rule
is judged only where the batch is all that the source has: a part says nothing of the whole.

Its result names what was found (a count, a mean, a date), so a column with personal data can have
none.

Run it alone: ``pytest tests/checks/test_batch_rules.py``.

What does not belong here: earlier loads (``warehouse.past``), what becomes of the batch (``hub``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from checks.forms import base_type
from checks.kinds import NUMBERS, RuleMistake
from checks.model import (
    BatchKind,
    BatchRule,
    Column,
    Contract,
    Dimension,
    Expectation,
    Past,
    Severity,
)
from checks.report import RuleResult

_MOST_LOADS = 100
_PART = "Chưa kiểm tra: lô này không phải toàn bộ dữ liệu của nguồn"
_FIRST = "Chưa kiểm tra: chưa có lần nạp trước để so sánh"


@dataclass(frozen=True)
class Fitted:
    """A rule ready to run on a batch: the expectation, and the bounds in words."""

    rule: BatchRule
    expectation: Expectation
    bounds: str


@dataclass(frozen=True)
class _BatchKind:
    """A kind of rule about a batch."""

    kind: BatchKind
    expectation: str
    allowed: frozenset[str]
    of_column: bool
    check: Callable[[Column | None, Mapping[str, Any]], None]
    fit: Callable[[BatchRule, Past], Fitted | str]


def _positive(arguments: Mapping[str, Any]) -> None:
    for key, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise RuleMistake(f"`{key}` is `{value}`", "write a number above 0", key)


def _check_volume(_: Column | None, arguments: Mapping[str, Any]) -> None:
    _positive(arguments)
    loads, low, high = (arguments.get(k) for k in ("loads", "min_share", "max_share"))
    if loads is not None and (not isinstance(loads, int) or loads > _MOST_LOADS):
        raise RuleMistake(f"`loads` is `{loads}`", f"write 1 to {_MOST_LOADS}", "loads")
    if low is None and high is None:
        raise RuleMistake("a volume without bounds", "give min_share, max_share or both")
    if low is not None and low > 1:
        raise RuleMistake(f"min_share is {low}, which no ordinary night has", "give 1 or less",
                          "min_share")  # fmt: skip
    if high is not None and high < 1:
        raise RuleMistake(f"max_share is {high}, which every ordinary night has", "give 1 or more",
                          "max_share")  # fmt: skip


def _check_mean(column: Column | None, arguments: Mapping[str, Any]) -> None:
    _positive(arguments)
    if not arguments:
        raise RuleMistake("a mean without bounds", "give share, difference or both")
    if column is None or base_type(column.sql_type) not in NUMBERS:
        raise RuleMistake("a mean of what is no number", "state it under a number column")


def _check_freshness(column: Column | None, arguments: Mapping[str, Any]) -> None:
    _positive(arguments)
    if "days" not in arguments:
        raise RuleMistake("freshness without an age", "give days")
    if column is None or base_type(column.sql_type) not in {"DATE", "TIMESTAMP"}:
        raise RuleMistake("the freshness of what is no date", "state it under a DATE or TIMESTAMP")


def _fit_volume(rule: BatchRule, past: Past) -> Fitted | str:
    """Bound the rows by shares of the median of the last good whole loads."""
    rows = past.rows[: int(rule.arguments.get("loads", 7))]
    if not rows:
        return _FIRST
    usual = median(rows)
    kwargs: dict[str, Any] = {}
    if (low := rule.arguments.get("min_share")) is not None:
        kwargs["min_value"] = int(-(-usual * low // 1))  # rounded up
    if (high := rule.arguments.get("max_share")) is not None:
        kwargs["max_value"] = int(usual * high)
    span = f"{kwargs.get('min_value', 0)} đến {kwargs.get('max_value', 'không giới hạn')}"
    bounds = f"mức cho phép {span}; trung vị {usual:g} của {len(rows)} lần nạp gần nhất"
    return Fitted(rule, Expectation(VOLUME, kwargs), bounds)


def _fit_mean(rule: BatchRule, past: Past) -> Fitted | str:
    """Bound the mean by its distance from the mean of the rows that the table holds now."""
    now = past.means.get(rule.column or "")
    if now is None:
        return _FIRST
    share, difference = (rule.arguments.get(key, 0) for key in ("share", "difference"))
    distance = max(abs(now) * share, difference)
    kwargs = {"column": rule.column, "min_value": now - distance, "max_value": now + distance}
    bounds = f"mức cho phép {now - distance:.6g} đến {now + distance:.6g}"
    return Fitted(rule, Expectation(_MEAN, kwargs), f"{bounds}; hiện nay {now:.6g}")


def _fit_freshness(rule: BatchRule, past: Past) -> Fitted:
    """The newest value must not be older than so many days at the moment of the check."""
    oldest = past.now - timedelta(days=rule.arguments["days"])
    # A day is as new as its last moment, so the day of the limit itself will do.
    least = oldest.replace(hour=0, minute=0, second=0, microsecond=0)
    bounds = f"phải từ ngày {least:%Y-%m-%d}"
    return Fitted(rule, Expectation(_FRESH, {"column": rule.column, "min_value": least}), bounds)


VOLUME = "expect_table_row_count_to_be_between"
_MEAN = "expect_column_mean_to_be_between"
_FRESH = "expect_column_max_to_be_between"
BATCH_KINDS: dict[str, _BatchKind] = {
    kind.kind: kind
    for kind in (
        _BatchKind("volume", VOLUME, frozenset({"loads", "min_share", "max_share"}),
                   of_column=False, check=_check_volume, fit=_fit_volume),
        _BatchKind("mean", _MEAN, frozenset({"share", "difference"}),
                   of_column=True, check=_check_mean, fit=_fit_mean),
        _BatchKind("freshness", _FRESH, frozenset({"days"}),
                   of_column=True, check=_check_freshness, fit=_fit_freshness),
    )
}  # fmt: skip
"""Name of the rule in ``quality`` -> what it is."""


def batch_rule(
    column: Column | None,
    name: str,
    arguments: Mapping[str, Any],
    *,
    dimension: Dimension,
    severity: Severity,
    reason: str,
) -> BatchRule:
    """Build a rule that a contract states for a batch; ``name`` is one of :data:`BATCH_KINDS`.

    Raises:
        RuleMistake: The arguments or the column do not fit.
    """
    kind = BATCH_KINDS[name]
    if unknown := sorted(set(arguments) - kind.allowed):
        known = ", ".join(sorted(kind.allowed))
        raise RuleMistake(f"rule {name} has no argument `{unknown[0]}`", f"it takes {known}",
                          unknown[0])  # fmt: skip
    kind.check(column, arguments)
    if column is not None and column.classification != "none":
        raise RuleMistake(
            f"rule {name} would tell a value of column {column.name}, which holds personal data",
            "state it for another column",
        )
    return BatchRule(
        name=f"{column.name}.{name}" if column else name,
        kind=kind.kind,
        dimension=dimension,
        severity=severity,
        column=column.name if column else None,
        reason=reason,
        arguments=dict(arguments),
    )


def aged(rule: BatchRule, newest: date | None, rows: int, now: datetime) -> RuleResult:
    """Judge the freshness of a table that no batch has changed: it ages all the same.

    Args:
        rule: A rule of kind ``freshness``.
        newest: Newest value of its column in the table; None if there is none.
        rows: Rows of the table.
        now: Naive Vietnam time.
    """
    fitted = _fit_freshness(rule, Past((), {}, whole=True, now=now))
    least = fitted.expectation.kwargs["min_value"]
    moment = newest if newest is None or isinstance(newest, datetime) else _midnight(newest)
    return RuleResult(
        rule=rule.name,
        dimension=rule.dimension,
        severity=rule.severity,
        success=moment is None or moment >= least,
        evaluated=rows,
        unexpected=0,
        reason=rule.reason,
        found=f"{newest or 'không có giá trị'}; {fitted.bounds}",
        of_batch=True,
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - Vietnam time, as the columns are


def fit(contract: Contract, past: Past | None) -> tuple[list[Fitted], list[tuple[BatchRule, str]]]:
    """Fit a contract's batch rules to a batch.

    Returns:
        What can be judged, and what cannot, with the reason in Vietnamese.
    """
    fitted: list[Fitted] = []
    skipped: list[tuple[BatchRule, str]] = []
    for rule in contract.batch_rules:
        found = _PART if past is None or not past.whole else BATCH_KINDS[rule.kind].fit(rule, past)
        if isinstance(found, str):
            skipped.append((rule, found))
        else:
            fitted.append(found)
    return fitted, skipped
