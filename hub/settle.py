"""From staged rows to a commit: mark the bad ones, compare, check, move what changed.

Data flow: ``stg.main.hang`` -> marks of ``checks.quarantine`` -> comparison with the lake -> Great
Expectations -> commit. Datasets that were pulled and tables that were derived both end here, so
nothing reaches a shared table by another way.

Great Expectations is imported only when a batch really changes something: the import costs 5 s and
230 MB, and most datasets do not change on most nights.

What does not belong here: how rows came into staging.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from checks.contract import Contract
from checks.quarantine import mark
from checks.report import Report, renewed
from hub.errors import DataError, HubError
from warehouse import diff, loads
from warehouse.commit import commit
from warehouse.lake import Lake
from warehouse.loads import LoadRecord
from warehouse.past import freshness, past


class HeldBackError(DataError):
    """Too many rows break the contract; the checks of the batch say which rules."""

    def __init__(
        self,
        what: str,
        *,
        record: LoadRecord,
        checks: Mapping[str, dict[str, Any]],
        next_step: str,
    ) -> None:
        """Keep what was found beside the sentence."""
        super().__init__(what, where=f"{record.source}/{record.dataset}", next_step=next_step)
        self.record = record
        self.checks = checks
        self.document: Mapping[str, Any] | None = None


FEW = 20
"""Bad rows that never hold a batch back, unless the contract's threshold is zero: two of the
thirteen dossiers that changed in an hour say nothing about the source."""


@dataclass(frozen=True)
class Settled:
    """What became of a staged batch: the record, and what the checks say by dimension."""

    record: LoadRecord
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: HubError | None = None
    document: Mapping[str, Any] | None = None
    """Great Expectations' own result, if it ran: what its pages are made of."""


def settle(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    base: LoadRecord,
    *,
    whole: bool,
    cursor: str | None = None,
    asked: datetime | None = None,
    replaced_by: str | None = None,
    tombstones: bool = False,
) -> Settled:
    """Check the staged rows and commit what changed.

    Args:
        lake: The lake attached to the connection.
        connection: Has ``lake`` and ``stg`` attached; ``tho`` and ``hang`` are filled.
        contract: What the rows must keep.
        base: The load record so far.
        whole: The rows are all the source has; keys it does not name have vanished.
        cursor: Column whose newest accepted value is the next pull's starting point.
        asked: When the source was first asked for this batch; needed with ``cursor``.
        replaced_by: As for ``diff.compare``.
        tombstones: As for ``diff.compare``.

    Raises:
        DataError: The batch is held back: too few rows, too many bad ones, too many that vanish.
        TransientError: Another sync moved the dataset on meanwhile.
    """
    if whole and base.fetched < contract.fewest_rows:
        raise _too_few(contract, base)
    mark(connection, "stg.main.hang", contract)
    difference = diff.compare(
        connection, contract, source=base.source, dataset=base.dataset, whole=whole,
        replaced_by=replaced_by,
        tombstones=tombstones,
    )  # fmt: skip
    record = replace(
        base,
        status=loads.UNCHANGED,
        inserted=difference.inserted,
        updated=difference.updated,
        unchanged=difference.unchanged,
        deleted=difference.deleted,
        rejected=difference.rejected,
        repaired=difference.repaired,
        duplicates=difference.duplicates,
    )
    if difference.nothing:
        return Settled(record, last_checks(connection, base, contract))
    from checks.validate import validate  # noqa: PLC0415 - imports Great Expectations

    earlier = past(connection, contract, source=base.source, dataset=base.dataset, whole=whole)
    report = validate(connection, "stg.main.hang", contract, earlier)
    checks = report.by_dimension()
    try:
        _hold_back_a_rotten_batch(connection, contract, record, checks)
        _hold_back_what_breaks_a_rule_of_its_own(contract, record, report)
    except HeldBackError as error:
        error.document = report.document
        raise
    record = replace(
        record,
        status=loads.LOADED,
        cursor_after=_cursor(
            connection,
            cursor,
            asked,
            record.cursor_before,
            of_parents=replaced_by is not None,
            tombstones=tombstones,
        ),
        ended_at=datetime.now(UTC),
        checks=json.dumps(checks, ensure_ascii=False),
    )
    commit(lake, connection, contract, record)
    return Settled(record, checks, document=report.document)


def _too_few(contract: Contract, load: LoadRecord) -> HeldBackError:
    """Return the error for a source that shows only a part of itself.

    To a token that it does not know, many a source answers with what anybody may see.
    """
    return HeldBackError(
        f"the source sent {load.fetched} rows, and contract {contract.id} expects "
        f"{contract.fewest_rows} or more; the batch is held back",
        record=load,
        checks={},
        next_step="does the source still know the hub's credentials? if it has shrunk, lower "
        f"fewestRows in {contract.path.name}",
    )


def last_checks(
    connection: duckdb.DuckDBPyConnection, base: LoadRecord, contract: Contract | None = None
) -> dict[str, dict[str, Any]]:
    """Return what the checks said when the dataset last changed.

    With the contract the freshness of its rows is judged anew: a source that sends the same every
    night is up to date and yet grows old.
    """
    last = loads.latest(connection, status=loads.LOADED).get((base.source, base.dataset))
    if not last or not last["checks"]:
        return {}
    checks = dict(json.loads(last["checks"]))
    return renewed(checks, freshness(connection, contract, base.source)) if contract else checks


def _hold_back_a_rotten_batch(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    load: LoadRecord,
    checks: Mapping[str, dict[str, Any]],
) -> None:
    allowed = contract.reject_threshold * load.fetched
    if contract.reject_threshold > 0:
        allowed = max(allowed, FEW)
    if load.rejected <= allowed:
        return
    worst = connection.execute(
        "SELECT rule, count(*) FROM (SELECT unnest(rules) AS rule FROM stg.main.vi_pham) "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"
    ).fetchall()
    raise HeldBackError(
        f"{load.rejected} of {load.fetched} rows break the contract, more than "
        f"{contract.reject_threshold:.0%} ({', '.join(f'{rule}: {n}' for rule, n in worst)}); "
        "the batch is held back",
        record=load,
        checks=checks,
        next_step=f"look at landing batch {load.batch} with the provider, or at the contract",
    )


def _hold_back_what_breaks_a_rule_of_its_own(
    contract: Contract, load: LoadRecord, report: Report
) -> None:
    """Hold a batch back for a rule about the whole batch, or for a rule's own limit of rows."""
    for result in report.results:
        if result.severity != "error" or result.skipped is not None:
            continue
        limit = None if result.of_batch else contract.rule(result.rule).limit
        if result.of_batch and not result.success:
            what = f"the batch as a whole breaks rule {result.rule} ({result.found})"
        elif limit and not limit.allows(result.unexpected, result.evaluated, few=FEW):
            what = (
                f"{result.unexpected} of {result.evaluated} rows break rule {result.rule}, more "
                f"than its limit of {limit}"
            )
        else:
            continue
        raise HeldBackError(
            f"{what}; the batch is held back",
            record=load,
            checks=report.by_dimension(),
            next_step=f"look at landing batch {load.batch} with the provider; if the data is right,"
            f" change the bounds of the rule in {contract.path.name}",
        )


def _cursor(
    connection: duckdb.DuckDBPyConnection,
    column: str | None,
    asked: datetime | None,
    before: str | None,
    *,
    of_parents: bool = False,
    tombstones: bool = False,
) -> str | None:
    """Return the starting point of the next pull: the newest accepted change before this one.

    A row that changed while the list was read may stand on a page that was read already: a
    starting point behind it would pass it over until everything is compared again. A rejected
    row's time is not to be trusted either, and one dated 2926 would end every later pull. Where
    the rows are children, their parents' times count, also of those that have no child; and what
    was deleted counts by when.
    """
    if column is None or asked is None:
        return before
    rows = (
        f"SELECT {column} FROM stg.main.cha"
        if of_parents
        else f"SELECT {column} FROM stg.main.hang "
        "WHERE _row NOT IN (SELECT _row FROM stg.main.vi_pham)"
    )
    if tombstones:
        rows += f" UNION ALL SELECT {column} FROM stg.main.xoa"
    found = connection.execute(
        f"SELECT strftime(max({column}), '%Y-%m-%dT%H:%M:%S') FROM ({rows}) "
        f"WHERE {column} <= ?::TIMESTAMPTZ::TIMESTAMP",  # Vietnam time, as the session is
        [asked],
    ).fetchone()
    return max(filter(None, (before, found[0] if found else None)), default=None)
