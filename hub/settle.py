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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from checks.contract import Contract
from checks.quarantine import mark
from checks.report import Report, renewed
from hub.errors import HubError
from hub.held import Found, HeldBackError, Objection
from warehouse import diff, loads
from warehouse.approvals import Approval
from warehouse.commit import commit
from warehouse.lake import Lake
from warehouse.loads import LoadRecord
from warehouse.past import freshness, past

FEW = 20
"""Bad rows that never hold a batch back, unless the contract's threshold is zero: two of the
thirteen dossiers that changed in an hour say nothing about the source."""


@dataclass(frozen=True)
class Settled:
    """What became of a staged batch: the record, and what the checks say by dimension."""

    record: LoadRecord
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: HubError | None = None
    warnings: tuple[str, ...] = ()
    """What somebody must read although it stopped nothing: the source sends a new field."""
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
    approval: Approval | None = None,
    judged_again: Sequence[str] = (),
    found: Found | None = None,
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
        approval: A person's word for one batch: what it names does not hold that batch back.
        judged_again: Batches that are loaded again; ``hang`` holds them together, marked.
        found: What was found in the batch already: the objections count, the warnings go along.

    Raises:
        HeldBackError: Too few rows, too many bad ones, too many that vanish, a rule broken.
        TransientError: Another sync moved the dataset on meanwhile.
    """
    if not judged_again:
        mark(connection, "stg.main.hang", contract)
    difference = diff.compare(
        connection, contract, source=base.source, dataset=base.dataset, whole=whole,
        replaced_by=replaced_by,
        tombstones=tombstones,
        judged_again=judged_again,
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
        late=difference.late,
    )
    found = found or Found()
    objections = [*found.objections, *_before_checks(connection, contract, record)]
    if difference.nothing and not objections:
        return Settled(record, last_checks(connection, base, contract), warnings=found.warnings)
    from checks.validate import validate  # noqa: PLC0415 - imports Great Expectations

    # How much comes in a night, and how new it is, says nothing of what came long ago.
    of_a_night = whole and not judged_again
    earlier = past(connection, contract, source=base.source, dataset=base.dataset, whole=of_a_night)
    report = validate(connection, "stg.main.hang", contract, earlier)
    checks = report.by_dimension()
    objections += _after_checks(connection, contract, record, report)
    granted = approval if approval is not None and approval.batch == record.batch else None
    if any(granted is None or not granted.covers(record.batch, o.guard) for o in objections):
        name = f"{record.source}/{record.dataset}"
        command = "reload" if judged_again else "approve"
        remedy = f"`hub {command} {name} --reason ...` lets this batch pass"
        raise HeldBackError(
            objections, record=record, checks=checks, remedy=remedy,
            warnings=found.warnings, document=report.document,
        )  # fmt: skip
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
    commit(lake, connection, contract, record, approval=granted if objections else None)
    return Settled(record, checks, warnings=found.warnings, document=report.document)


def last_checks(
    connection: duckdb.DuckDBPyConnection,
    base: LoadRecord,
    contract: Contract | None = None,
    *,
    before: Mapping[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return what the checks said when the dataset last changed.

    With the contract the freshness of its rows is judged anew: a source that sends the same every
    night is up to date and yet grows old. ``before`` is a record of it that the caller has.
    """
    said = before["checked"] if before else loads.checked(connection, base.source, base.dataset)
    if not said:
        return {}
    checks = dict(json.loads(said))
    return renewed(checks, freshness(connection, contract, base.source)) if contract else checks


def _before_checks(
    connection: duckdb.DuckDBPyConnection, contract: Contract, load: LoadRecord
) -> Iterator[Objection]:
    """Yield what speaks against a batch by its number of rows alone."""
    if load.whole and load.fetched < contract.fewest_rows:
        # To a token that it does not know, many a source answers with what anybody may see.
        yield Objection(
            "too_few",
            f"the source sent {load.fetched} rows, and contract {contract.id} expects "
            f"{contract.fewest_rows} or more",
            "does the source still know the hub's credentials? if it has shrunk, lower "
            f"fewestRows in {contract.path.name}",
        )
    if why := diff.shrinking(connection, contract, load.source, load.deleted):
        yield Objection("shrink", why, "ask the provider whether the rows were really removed")


def _after_checks(
    connection: duckdb.DuckDBPyConnection, contract: Contract, load: LoadRecord, report: Report
) -> Iterator[Objection]:
    """Yield what the marks and the checks say against the batch as a whole."""
    allowed = contract.reject_threshold * load.fetched
    if contract.reject_threshold > 0:
        allowed = max(allowed, FEW)
    if load.rejected > allowed:
        worst = connection.execute(
            "SELECT rule, count(*) FROM (SELECT unnest(rules) AS rule FROM stg.main.vi_pham) "
            "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"
        ).fetchall()
        yield Objection(
            "rejects",
            f"{load.rejected} of {load.fetched} rows break the contract, more than "
            f"{contract.reject_threshold:.0%} ({', '.join(f'{rule}: {n}' for rule, n in worst)})",
            f"look at landing batch {load.batch} with the provider, or at the contract",
        )
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
        yield Objection(
            f"rule {result.rule}",
            what,
            f"look at landing batch {load.batch} with the provider; if the rule is wrong, change "
            f"the bounds of the rule in {contract.path.name}",
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
