"""What earlier loads say of a dataset, for the rules that hold a batch against them.

Data flow: ``hub.loads`` and the live table of one source -> :class:`~checks.model.Past` ->
``checks.batch_rules`` computes bounds from it. Nothing is read where the contract has no such rule.

Run it alone: ``pytest tests/hub/test_settle.py -k batch`` (it needs a lake).

What does not belong here: the rules (``checks.batch_rules``).
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb

from checks.batch_rules import aged
from checks.contract import Contract
from checks.model import Past
from checks.report import RuleResult

_LOADS = 100
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def past(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    source: str,
    dataset: str,
    whole: bool,
) -> Past | None:
    """Return what the contract's batch rules are judged by; None if it has none.

    Args:
        connection: Has the lake attached.
        contract: The dataset's contract; its table exists.
        source: ``province/system``; the means are of this source's rows alone.
        dataset: Name of the dataset in the source.
        whole: Whether the batch that is to be judged is all that the source has.
    """
    if not contract.batch_rules:
        return None
    rows = connection.execute(
        f"SELECT fetched FROM lake.hub.loads WHERE _source = ? AND dataset = ? AND whole "
        f"AND status IN ('loaded', 'unchanged') ORDER BY seq DESC LIMIT {_LOADS}",
        [source, dataset],
    ).fetchall()
    columns = [str(rule.column) for rule in contract.batch_rules if rule.kind == "mean"]
    means: dict[str, float] = {}
    if columns and whole:
        select = ", ".join(f"avg({name})::DOUBLE" for name in columns)
        found = connection.execute(
            f"SELECT {select} FROM lake.{contract.table} WHERE _source = ?", [source]
        ).fetchone()
        means = {
            name: mean for name, mean in zip(columns, found or (), strict=True) if mean is not None
        }
    now = datetime.now(_ZONE).replace(tzinfo=None)  # columns are naive Vietnam time
    return Past(tuple(int(n) for (n,) in rows), means, whole=whole, now=now)


def freshness(
    connection: duckdb.DuckDBPyConnection, contract: Contract, source: str
) -> list[RuleResult]:
    """Judge how new a source's rows in the live table are; nothing is read without such a rule."""
    rules = [rule for rule in contract.batch_rules if rule.kind == "freshness"]
    if not rules:
        return []
    select = ", ".join(f"max({rule.column})" for rule in rules)
    found = connection.execute(
        f"SELECT count(*), {select} FROM lake.{contract.table} WHERE _source = ?", [source]
    ).fetchone()
    now = datetime.now(_ZONE).replace(tzinfo=None)
    rows, *newest = found or (0, *[None] * len(rules))
    return [aged(rule, value, rows, now) for rule, value in zip(rules, newest, strict=True)]
