"""Runs a contract's rules as a Great Expectations suite on the DuckDB staging table.

Data flow: contract -> rules that fit the table (:mod:`checks.staging`) -> one suite in an
ephemeral context -> GX computes all counts in a few aggregate queries through
:mod:`checks.dialect`, on the caller's own connection -> :class:`Report`.

No value of a row may leave the table (design promise 11), and three things see to that: the
result format asks for counts, with no sample values; an error of the database becomes a
sentence that names the rule and not the value; GX logs nothing meanwhile, since its log quotes
such errors. Nothing is sent anywhere either: analytics are off and no context is kept.

Importing this module imports Great Expectations (5 s, 230 MB); import it only when a batch has
changed something.

Run it alone: ``pytest tests/checks/test_validate.py`` (it needs a staged batch).

What does not belong here: deciding what happens to bad rows (``quarantine``, ``hub``).
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from checks.batch_rules import Fitted, fit
from checks.dialect import lent
from checks.lazy_imports import put_off
from checks.model import BatchRule, Contract, Expectation, Past, Rule
from checks.report import Report, RuleResult
from checks.staging import apply, refusal

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read by GX when it is imported
with put_off(), warnings.catch_warnings():
    warnings.simplefilter("ignore")  # GX imports deprecated modules; nobody here can mend that
    import great_expectations as gx
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    import checks.expectations
    import checks.identifier_expectations  # noqa: F401 - these two register what they hold

__all__ = ["Report", "RuleResult", "validate"]

_COUNTS_ONLY = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
    "return_unexpected_index_query": False,
}
_SEVERITIES = {"error": FailureSeverity.CRITICAL, "warn": FailureSeverity.WARNING}
_one_at_a_time = threading.Lock()
"""GX keeps the current context in a global."""


def validate(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    past: Past | None = None,
) -> Report:
    """Count, per rule, the rows of a typed staging table that break it; judge the whole batch.

    Args:
        connection: Has the staging file attached, and the lake if the contract has references.
            GX reads on cursors of it, which do not see what the caller has not committed.
        table: The typed staging table, as ``stg.main.hang``.
        contract: The rules.
        past: Earlier loads, by which rules about the whole batch are judged; None: they are not.

    Returns:
        One result per rule of the contract that fits the table, in the contract's order; then
        those of the batch.

    Raises:
        ConfigurationError: A row rule fails on these rows, for example in a cast.
        InternalError: Great Expectations gave no answer.
    """
    applied = apply(connection, table, contract)
    fitted, unfit = fit(contract, past)
    try:
        with _one_at_a_time, quiet(), lent(connection) as url:
            document = _run(url, table, contract, applied.rules, fitted)
        results = _results(document, applied.rules, fitted)
    except Exception as error:  # noqa: BLE001 - GX wraps the database's errors in many types
        trouble = type(error).__name__
    else:
        unrun: list[tuple[Rule | BatchRule, str]] = [*applied.skipped, *unfit]
        skipped = [_result(rule, 0, 0, skipped=why) for rule, why in unrun]
        return Report((*results, *skipped), document)
    # Raised outside the handler: the cause's text may quote a value, so it goes no further.
    raise refusal(connection, table, contract, applied.rules, trouble)


def _run(
    url: str,
    table: str,
    contract: Contract,
    rules: Sequence[Rule],
    fitted: Sequence[Fitted],
) -> dict[str, Any]:
    """Let Great Expectations run the rules; return its result as JSON-ready values."""
    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
            store_backend_defaults=InMemoryStoreBackendDefaults(),
        ),
    )
    source = context.data_sources.add_sql("hub", connection_string=url, create_temp_table=False)
    asset = source.add_table_asset(contract.name, table_name=table)
    batch = asset.add_batch_definition_whole_table("batch").get_batch()
    suite = ExpectationSuite(
        name=f"{contract.table} {contract.version}",
        expectations=[
            *(_configured(rule, rule.expectation) for rule in rules),
            *(_configured(each.rule, each.expectation) for each in fitted),
        ],
    )
    result = batch.validate(suite, result_format=_COUNTS_ONLY)
    document: dict[str, Any] = result.to_json_dict()  # type: ignore[no-untyped-call]
    return document


def _configured(rule: Rule | BatchRule, expectation: Expectation) -> Any:  # noqa: ANN401 - GX's
    """Return the expectation as Great Expectations has it, under the rule's name."""
    return ExpectationConfiguration(
        type=expectation.type,
        kwargs=dict(expectation.kwargs),
        meta={"rule": rule.name, "reason": rule.reason},
        description=f"{rule.name}: {rule.reason}",  # what the pages say instead of the arguments
        severity=_SEVERITIES[rule.severity],
    ).to_domain_obj()


def _results(
    document: dict[str, Any], rules: Sequence[Rule], fitted: Sequence[Fitted]
) -> list[RuleResult]:
    """Read the counts; GX orders its results as it likes, so they are found by rule name.

    What a rule's limit allows is no failure. GX's own result is told so too: its pages must not
    contradict the check.
    """
    entries = {entry["expectation_config"]["meta"]["rule"]: entry for entry in document["results"]}
    results, rows = [], 0
    for rule in rules:
        counts = entries[rule.name]["result"]
        rows = int(counts["element_count"])
        # A sum over no row at all is NULL.
        result = _result(rule, rows, int(counts["unexpected_count"] or 0))
        entries[rule.name]["success"] = result.success
        results.append(result)
    for batch in fitted:
        entry = entries[batch.rule.name]
        found = _told(entry["result"].get("observed_value"))
        # A batch without any row has no mean and no newest date, and so breaks no rule on them.
        kept = bool(entry["success"]) or found is None
        entry["success"] = kept
        told = f"{found or 'không có giá trị'}; {batch.bounds}"
        results.append(_result(batch.rule, rows, 0, success=kept, found=told))
    good = sum(bool(entry["success"]) for entry in entries.values())
    document["success"] = good == len(entries)
    document["statistics"] = {
        "evaluated_expectations": len(entries),
        "successful_expectations": good,
        "unsuccessful_expectations": len(entries) - good,
        "success_percent": 100 * good / len(entries),
    }
    return results


def _told(value: object) -> str | None:
    """Write a count, a mean or a date for people."""
    if value is None:
        return None
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("T", " ")


def _result(
    rule: Rule | BatchRule,
    evaluated: int,
    unexpected: int,
    *,
    success: bool | None = None,
    skipped: str | None = None,
    found: str | None = None,
) -> RuleResult:
    limit = rule.limit if isinstance(rule, Rule) else None
    if success is None:
        # A refused row is told of even within the limit: somebody must mend it.
        spared = limit if rule.severity == "warn" else None
        success = not unexpected or (spared is not None and spared.allows(unexpected, evaluated))
    return RuleResult(
        rule=rule.name,
        dimension=rule.dimension,
        severity=rule.severity,
        success=success,
        evaluated=evaluated,
        unexpected=unexpected,
        reason=rule.reason,
        skipped=skipped,
        found=found,
        of_batch=isinstance(rule, BatchRule),
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence GX's warnings and its log, which quotes the database's errors with their values."""
    log = logging.getLogger("great_expectations")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
