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

from checks.dialect import lent
from checks.model import Contract, Rule
from checks.report import Report, RuleResult
from checks.staging import apply, refusal

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read by GX when it is imported
with warnings.catch_warnings():
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


def validate(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> Report:
    """Count, per rule, the rows of a typed staging table that break it.

    Args:
        connection: Has the staging file attached, and the lake if the contract has references.
            GX reads on cursors of it, which do not see what the caller has not committed.
        table: The typed staging table, as ``stg.main.hang``.
        contract: The rules.

    Returns:
        One result per rule of the contract that fits the table, in the contract's order.

    Raises:
        ConfigurationError: A row rule fails on these rows, for example in a cast.
        InternalError: Great Expectations gave no answer.
    """
    applied = apply(connection, table, contract)
    try:
        with _one_at_a_time, _quiet(), lent(connection) as url:
            document = _run(url, table, contract, applied.rules)
        results = _results(document, applied.rules)
    except Exception as error:  # noqa: BLE001 - GX wraps the database's errors in many types
        trouble = type(error).__name__
    else:
        skipped = [_result(rule, 0, 0, skipped=why) for rule, why in applied.skipped]
        return Report((*results, *skipped), document)
    # Raised outside the handler: the cause's text may quote a value, so it goes no further.
    raise refusal(connection, table, contract, applied.rules, trouble)


def _run(url: str, table: str, contract: Contract, rules: Sequence[Rule]) -> dict[str, Any]:
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
            ExpectationConfiguration(
                type=rule.expectation.type,
                kwargs=dict(rule.expectation.kwargs),
                meta={"rule": rule.name, "reason": rule.reason},
                severity=_SEVERITIES[rule.severity],
            ).to_domain_obj()
            for rule in rules
        ],
    )
    result = batch.validate(suite, result_format=_COUNTS_ONLY)
    document: dict[str, Any] = result.to_json_dict()  # type: ignore[no-untyped-call]
    return document


def _results(document: dict[str, Any], rules: Sequence[Rule]) -> list[RuleResult]:
    """Read the counts; GX orders its results as it likes, so they are found by rule name."""
    counts = {
        entry["expectation_config"]["meta"]["rule"]: entry["result"]
        for entry in document["results"]
    }
    return [
        _result(
            rule,
            int(counts[rule.name]["element_count"]),
            # A sum over no row at all is NULL.
            int(counts[rule.name]["unexpected_count"] or 0),
        )
        for rule in rules
    ]


def _result(rule: Rule, evaluated: int, unexpected: int, skipped: str | None = None) -> RuleResult:
    return RuleResult(
        rule=rule.name,
        dimension=rule.dimension,
        severity=rule.severity,
        success=unexpected == 0,
        evaluated=evaluated,
        unexpected=unexpected,
        reason=rule.reason,
        skipped=skipped,
    )


@contextmanager
def _quiet() -> Iterator[None]:
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
