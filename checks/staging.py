"""Fits a contract's rules to one staging table, and turns DuckDB's refusals into named rules.

Data flow: a connection with the staging file (and the lake) attached + a contract ->
:class:`Applied`: the rules that can run on that table, and those left out with the reason.
``quarantine`` and ``validate`` both start here, so that they judge the same rules.

Run it alone: ``pytest tests/checks/test_quarantine.py`` (it needs a connection).

What does not belong here: running rules on all rows, Great Expectations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import duckdb

from checks.model import STAGED, Contract, Rule
from checks.rules import staged
from hub.errors import ConfigurationError, HubError, InternalError

_NOT_LOADED = "Chưa kiểm tra: bảng tham chiếu chưa có dữ liệu"


@dataclass(frozen=True)
class Applied:
    """Rules that run on a staging table, and rules that cannot, with the reason in Vietnamese."""

    rules: tuple[Rule, ...]
    skipped: tuple[tuple[Rule, str], ...]


def apply(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> Applied:
    """Choose the rules for a staging table.

    A reference into a table that is not loaded yet is left out: on the first night, or while
    the reference data's own source is down, it would refuse every row.

    Raises:
        InternalError: The table lacks a column of the contract.
    """
    present = _columns(connection, table)
    if missing := [c.name for c in contract.columns if c.name not in present]:
        raise InternalError(
            f"the staging table lacks columns {', '.join(missing)}",
            where=contract.table,
            next_step="report it; staging makes one column per contract column",
        )
    rules, skipped = [], []
    for rule in staged(contract, present):
        if rule.reference is None or _filled(connection, rule):
            violation = rule.violation
            if rule.kind == "compound":  # only there: a condition's own text may hold anything
                violation = violation.replace(STAGED, table)
            rules.append(replace(rule, violation=violation))
        else:
            skipped.append((rule, _NOT_LOADED))
    return Applied(tuple(rules), tuple(skipped))


def refusal(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    rules: Iterable[Rule],
    trouble: str,
) -> HubError:
    """Name the rule that DuckDB cannot run on these rows; ``trouble`` is the error's class.

    DuckDB's own sentence is not passed on: it quotes the value that it could not convert.
    """
    for rule in rules:
        try:
            connection.execute(f"SELECT count_if({rule.violation}) FROM {table}").fetchone()
        except duckdb.BinderException:
            continue  # the window of key.unique cannot stand inside count_if
        except duckdb.Error as error:
            return ConfigurationError(
                f"rule {rule.name} fails on this batch's rows ({type(error).__name__})",
                where=str(contract.path),
                next_step="write the condition so that it is NULL where a value cannot be "
                "converted, as with try_cast and try_strptime",
            )
    return InternalError(
        f"the checks cannot run on the staging table ({trouble})",
        where=contract.table,
        next_step="report it with the contract's version",
    )


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    connection.execute(f"SELECT * FROM {table} LIMIT 0")
    return {str(column[0]) for column in connection.description or ()}


def _filled(connection: duckdb.DuckDBPyConnection, rule: Rule) -> bool:
    """Say whether a rule's reference table is there and holds a value."""
    assert rule.reference is not None  # noqa: S101 - the caller has asked
    column, table = rule.reference.column, rule.reference.table
    try:
        found = connection.execute(
            f"SELECT 1 FROM {table} AS ref WHERE ref.{column} IS NOT NULL LIMIT 1"
        ).fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        return False
    return found is not None
