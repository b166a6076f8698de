"""One dataset's night: stage what was landed, check it, commit it, and say what happened.

Data flow (design section 3): source -> :func:`hub.land.land` (network, any thread) -> :func:`load`
(this machine only, one thread) -> :class:`Outcome`. The Dagster assets and ``hub sync`` both call
these two; there is no other way into the warehouse. A failed dataset ends as an outcome with
an error and a record in ``hub.loads``, never as an exception that takes its neighbours along.

Run it alone: ``hub sync PROVINCE/SYSTEM/DATASET``.

What does not belong here: Dagster (``components``), several systems at once (``sync``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from checks.contract import Contract
from hub import data_docs
from hub.catalog import Catalog
from hub.drift import judge
from hub.errors import HubError, unforeseen
from hub.fingerprint import fingerprint
from hub.held import HeldBackError
from hub.settings import Settings
from hub.settle import Settled, last_checks, settle
from sources.landing import LandedBatch
from sources.spec import DatasetSpec, SystemSpec
from warehouse import loads, stage, tables
from warehouse.approvals import Approval
from warehouse.drift import encode
from warehouse.lake import Lake
from warehouse.ledger import Ledger
from warehouse.loads import LoadRecord
from warehouse.replay import replay
from warehouse.suppression import Suppression, personal, take_out

Progress = Callable[[str, int, int | None], None]
"""Called with dataset name, rows fetched so far, and the total the source claims if it does."""


@dataclass(frozen=True)
class Span:
    """What is asked for by hand instead of what is new."""

    since: datetime | None = None
    """Begin of a backfill's window; None for an open end."""
    until: datetime | None = None
    whole: bool = False
    """Everything, to be compared: a reconciliation."""

    @property
    def backfill(self) -> bool:
        """Whether only a window is asked for, so that the cursor stays where it is."""
        return self.since is not None or self.until is not None


@dataclass(frozen=True)
class Context:
    """What every step of a night needs to know."""

    settings: Settings
    catalog: Catalog
    lake: Lake
    span: Span = Span()
    approval: Approval | None = None
    """A person's word that one batch, which was held back, may pass."""
    again: tuple[LandedBatch, ...] = ()
    """Batches of one dataset, the oldest first, that are to be loaded again as if they were one."""
    beside: tuple[Contract, ...] = ()
    """Contracts of all that is loaded in this run: the first of them makes the tables of all."""

    @classmethod
    def of(cls, settings: Settings, catalog: Catalog, span: Span | None = None) -> Context:
        """Build the context of a deployment."""
        return cls(settings, catalog, Lake(settings.lake, settings.memory), span or Span())


@dataclass(frozen=True)
class Pulled:
    """What a pull ended with: a landed batch or the error that prevented it, and its seconds."""

    result: LandedBatch | HubError
    started_at: datetime
    seconds: float
    warnings: tuple[str, ...] = ()
    """What somebody must read although it stopped nothing: a state secret that came by."""


@dataclass(frozen=True)
class Outcome:
    """What became of one dataset."""

    record: LoadRecord
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Dimension -> what ``checks`` says of it, or said when the data last changed."""
    error: HubError | None = None
    last_good: datetime | None = None
    """End of the last sync that brought the dataset up to date, this one included."""
    rows: int = 0
    """Rows that the table holds of this source now; an incremental pull brings only some."""
    quarantined: int = 0
    """Refused records that the source has not mended yet."""
    resumed: int = 0
    """Answers of the source that an earlier pull had, which was cut off."""
    warnings: tuple[str, ...] = ()
    """Sentences of the pull that somebody must read, one line each."""
    page: str | None = None
    """Where Great Expectations' page about the dataset is, if the checks ever ran."""


def load(
    context: Context,
    system: SystemSpec,
    dataset: DatasetSpec,
    pulled: Pulled,
    *,
    run: str,
    ledger: Ledger | None = None,
) -> Outcome:
    """Stage, check and commit what was pulled, and record what happened.

    Args:
        context: The deployment.
        system: The source system.
        dataset: The dataset of it.
        pulled: What :func:`land` returned for it.
        run: Dagster's run id, kept in ``hub.loads``.
        ledger: The system's records, if more of its datasets are loaded; written by the caller.
    """
    if ledger is None:
        with Ledger(context.lake, system.name) as own:
            return load(context, system, dataset, pulled, run=run, ledger=own)
    clock = time.monotonic()
    connection = context.lake.writer()
    base = LoadRecord(
        run=run,
        source=system.name,
        dataset=dataset.name,
        table_name="",
        status=loads.FAILED,
        started_at=pulled.started_at,
        ended_at=pulled.started_at,
    )
    before = ledger.last_good(connection, dataset.name)
    last_good = before["ended_at"] if before else None
    try:
        base = replace(base, table_name=context.catalog.contract(dataset).table)
        settled = _load(context, connection, dataset, base, pulled.result, before=before)
    except Exception as caught:  # noqa: BLE001 - one dataset's trouble must stay its own
        settled = failed(connection, base, caught)
    record = replace(
        settled.record,
        ended_at=datetime.now(UTC),
        seconds=pulled.seconds + time.monotonic() - clock,
    )
    if record.status != loads.LOADED:
        ledger.keep(connection, record)
    if settled.document is not None:
        data_docs.keep(context.settings, record, settled.document)
    rows, quarantined = ledger.held(connection, record)
    connection.close()
    if record.status != loads.FAILED:
        last_good = record.ended_at
    batch = pulled.result
    return Outcome(
        record,
        settled.checks,
        settled.error,
        last_good,
        rows,
        quarantined,
        resumed=0 if isinstance(batch, HubError) else batch.manifest.resumed,
        warnings=(*pulled.warnings, *settled.warnings),
        page=data_docs.page(context.settings, record) if settled.checks else None,
    )


def not_done(name: str, error: HubError) -> Outcome:
    """Return the outcome of a dataset that was not even begun; ``name`` is its whole name."""
    source, _, dataset = name.rpartition("/")
    now = datetime.now(UTC)
    error = type(error)(error.what, where=name, next_step=error.next_step)
    record = LoadRecord(
        run="", source=source, dataset=dataset, table_name="", status=loads.FAILED,
        started_at=now, ended_at=now, error=str(error),
    )  # fmt: skip
    return Outcome(record, error=error)


def failed(connection: duckdb.DuckDBPyConnection, base: LoadRecord, caught: Exception) -> Settled:
    """Return what becomes of a dataset that an exception stopped: nothing moved, and why."""
    error = caught if isinstance(caught, HubError) else unforeseen(caught)
    error = error.at(f"{base.source}/{base.dataset}")
    if isinstance(error, HeldBackError):
        # What is wrong with this batch is what somebody must look at, not what was right before.
        record = replace(
            error.record, status=loads.FAILED, error=str(error), held=error.as_json(),
            inserted=0, updated=0, deleted=0, unchanged=0, late=0,
        )  # fmt: skip
        return Settled(record, dict(error.checks), error, error.warnings, error.document)
    return Settled(replace(base, error=str(error)), last_checks(connection, base), error)


def _load(
    context: Context,
    connection: duckdb.DuckDBPyConnection,
    dataset: DatasetSpec,
    base: LoadRecord,
    batch: LandedBatch | HubError,
    *,
    before: dict[str, Any] | None,
) -> Settled:
    if isinstance(batch, HubError):
        raise batch
    if context.again:
        return _load_again(context, connection, dataset, base, before)
    manifest = batch.manifest
    contract = context.catalog.contract(dataset)
    seen = fingerprint(connection, contract, dataset, manifest)
    base = replace(
        base,
        batch=manifest.batch,
        previous_batch=manifest.previous_batch,
        content_sha256=manifest.content_sha256,
        cursor_before=manifest.cursor_before,
        cursor_after=manifest.cursor_before,
        claimed=manifest.claimed,
        fingerprint=seen,
        whole=manifest.whole,
    )
    # A batch may hold an erased person again although nothing else changed: it must be looked at.
    erased = _erased(context, contract)
    if before is not None and before["fingerprint"] == seen and erased is None:
        checks = last_checks(connection, base, contract, before=before)
        return Settled(same_again(base, before), checks)
    with staged_in(context, connection, contract, manifest.batch):
        fetched = stage.stage(connection, batch, dataset, contract)
        if erased is not None:
            fetched -= take_out(connection, erased, contract, batch)
        drift = judge(connection, contract, dataset, batch, before)
        base = replace(base, fetched=fetched, seen=encode(drift.seen))
        return settle(
            context.lake,
            connection,
            contract,
            base,
            whole=manifest.whole,
            cursor=None if manifest.backfill else dataset.cursor,
            asked=datetime.fromisoformat(manifest.started_at),
            replaced_by=dataset.replaced_by,
            tombstones=dataset.tombstone is not None,
            approval=context.approval,
            found=drift,
        )


def _erased(context: Context, contract: Contract) -> Suppression | None:
    """Return whom a batch may hold although they were erased; None if nobody."""
    erased = Suppression(context.settings.suppression)
    return erased if personal(contract) and erased.hashes() else None


def _load_again(
    context: Context,
    connection: duckdb.DuckDBPyConnection,
    dataset: DatasetSpec,
    base: LoadRecord,
    before: dict[str, Any] | None,
) -> Settled:
    """Load batches again; where the next pull starts stays as it is."""
    contract = context.catalog.contract(dataset)
    position = loads.position(connection, base.source, base.dataset)
    newest = context.again[-1].manifest
    base = replace(
        base,
        batch=position.batch,
        previous_batch=position.batch,
        content_sha256=newest.content_sha256,
        cursor_before=position.cursor,
        cursor_after=position.cursor,
        fingerprint=fingerprint(connection, contract, dataset, newest),
        reloaded=True,
        seen=before["seen"] if before else None,
    )
    with staged_in(context, connection, contract, f"again-{newest.batch}"):
        erased = _erased(context, contract)
        fetched = replay(connection, context.again, dataset, contract, erased)
        return settle(
            context.lake,
            connection,
            contract,
            replace(base, fetched=fetched),
            whole=context.again[0].manifest.whole,
            replaced_by=dataset.replaced_by,
            tombstones=dataset.tombstone is not None,
            approval=context.approval,
            judged_again=[batch.id for batch in context.again],
        )


def same_again(base: LoadRecord, before: dict[str, Any]) -> LoadRecord:
    """Return the record of a batch that says what the last one said, under the same rules."""
    same = {name: before[name] for name in ("fetched", "rejected", "repaired", "duplicates")}
    kept = same["fetched"] - same["rejected"] - same["duplicates"]
    seen = before["seen"]
    return replace(base, status=loads.UNCHANGED, unchanged=kept, seen=seen, **same)


@contextmanager
def staged_in(
    context: Context, connection: duckdb.DuckDBPyConnection, contract: Contract, batch: str
) -> Iterator[None]:
    """Attach a staging file for a batch, with the contract's tables there to compare with."""
    with context.lake.lock():
        tables.ensure(connection, contract, context.beside)
    with stage.attached(connection, context.settings.staging, batch):
        yield
