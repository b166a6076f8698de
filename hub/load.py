"""One dataset's night: land it, stage it, check it, commit it, and say what happened.

Data flow (design section 3): source -> :func:`land` (network, any thread) -> :func:`load` (this
machine only, one thread) -> :class:`Outcome`. The Dagster assets and ``hub sync`` both call these
two functions; there is no other way into the warehouse. A failed dataset ends as an outcome with
an error and a record in ``hub.loads``, never as an exception that takes its neighbours along.

Run it alone: ``hub sync PROVINCE/SYSTEM/DATASET``.

What does not belong here: Dagster (``components``), several systems at once (``sync``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from checks.contract import Contract
from hub.catalog import Catalog
from hub.errors import HubError, TransientError
from hub.settings import Settings
from hub.settle import Settled, last_checks, settle
from sources.landing import LandedBatch, Landing, Position
from sources.pull import Session, open_session, pull
from sources.spec import DatasetSpec, SystemSpec
from warehouse import loads, stage, tables
from warehouse.lake import Lake
from warehouse.loads import LoadRecord

Progress = Callable[[str, int, int | None], None]
"""Called with dataset name, rows fetched so far, and the total the source claims if it does."""


@dataclass(frozen=True)
class Span:
    """A backfill window asked for by hand; open ends are None."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Context:
    """What every step of a night needs to know."""

    settings: Settings
    catalog: Catalog
    lake: Lake
    span: Span = Span()

    @classmethod
    def of(cls, settings: Settings, catalog: Catalog, span: Span | None = None) -> Context:
        """Build the context of a deployment."""
        return cls(settings, catalog, Lake(settings.lake), span or Span())


@dataclass(frozen=True)
class Pulled:
    """What a pull ended with: a landed batch or the error that prevented it, and its seconds."""

    result: LandedBatch | HubError
    started_at: datetime
    seconds: float


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


def system_lock(settings: Settings, system: str) -> AbstractContextManager[object]:
    """Return the lock that keeps two syncs of one system apart; a crash releases it."""
    settings.locks.mkdir(parents=True, exist_ok=True)
    name = system.replace("/", "__") + ".lock"
    return _Waiting(
        FileLock(settings.locks / name, timeout=settings.lock_timeout, thread_local=False), system
    )


class _Waiting:
    """A file lock whose time-out is an error of ours."""

    def __init__(self, lock: FileLock, system: str) -> None:
        self.lock, self.system = lock, system

    def __enter__(self) -> object:
        try:
            return self.lock.acquire()
        except Timeout as error:
            raise TransientError(
                "another sync of this system is still running",
                where=self.system,
                next_step="wait for it, or raise HUB_LOCK_TIMEOUT",
            ) from error

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def land(
    context: Context, system: SystemSpec, datasets: Iterable[DatasetSpec], progress: Progress
) -> dict[str, Pulled]:
    """Pull datasets of one system, one after the other, into landing.

    Returns:
        Dataset name -> batch or error. An error of one does not stop the next, except that
        a system which cannot be opened at all fails all of them.
    """
    landed: dict[str, Pulled] = {}
    bounded = _bounded(system, context)
    environment = context.settings.environment()
    session: Session | None = None
    for dataset in datasets:
        started_at, clock = datetime.now(UTC), time.monotonic()
        result: LandedBatch | HubError
        try:
            context.catalog.contract(dataset)
            if session is None:
                session = open_session(bounded, environment)
            result = pull(
                bounded,
                dataset,
                position=_position(context.lake, system, dataset),
                landing=Landing(context.settings.landing),
                environment=environment,
                session=session,
                since=context.span.since,
                until=context.span.until,
                progress=partial(progress, dataset.name),
            )
        except HubError as error:
            result = error.at(f"{system.name}/{dataset.name}")
        landed[dataset.name] = Pulled(result, started_at, time.monotonic() - clock)
    if session is not None:
        session.close()
    return landed


def _bounded(system: SystemSpec, context: Context) -> SystemSpec:
    """Apply the deployment's own upper bound on the pull of a dataset."""
    bound = context.settings.dataset_deadline
    if bound is None or bound >= system.limits.dataset_deadline:
        return system
    limits = system.limits.model_copy(update={"dataset_deadline": bound})
    return system.model_copy(update={"limits": limits})


def _position(lake: Lake, system: SystemSpec, dataset: DatasetSpec) -> Position:
    if not lake.exists:
        return Position()
    connection = lake.writer()
    try:
        return loads.position(connection, system.name, dataset.name)
    finally:
        connection.close()


def load(
    context: Context, system: SystemSpec, dataset: DatasetSpec, pulled: Pulled, *, run: str
) -> Outcome:
    """Stage, check and commit what was pulled, and record what happened.

    Args:
        context: The deployment.
        system: The source system.
        dataset: The dataset of it.
        pulled: What :func:`land` returned for it.
        run: Dagster's run id, kept in ``hub.loads``.
    """
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
    before = loads.latest(connection, status="good").get((system.name, dataset.name))
    last_good = before["ended_at"] if before else None
    error: HubError | None = None
    try:
        base = replace(base, table_name=context.catalog.contract(dataset).table)
        if isinstance(pulled.result, HubError):
            raise pulled.result
        settled = _load(context, connection, dataset, base, pulled.result)
    except HubError as caught:
        error = caught.at(f"{system.name}/{dataset.name}")
        settled = Settled(replace(base, error=str(error)), last_checks(connection, base))
    record = replace(
        settled.record,
        ended_at=datetime.now(UTC),
        seconds=pulled.seconds + time.monotonic() - clock,
    )
    if record.status != loads.LOADED:
        loads.record(context.lake, connection, record)
    rows, quarantined = loads.held(connection, record)
    connection.close()
    if record.status != loads.FAILED:
        last_good = record.ended_at
    return Outcome(record, settled.checks, error, last_good, rows, quarantined)


def _load(
    context: Context,
    connection: duckdb.DuckDBPyConnection,
    dataset: DatasetSpec,
    base: LoadRecord,
    batch: LandedBatch,
) -> Settled:
    manifest = batch.manifest
    contract = context.catalog.contract(dataset)
    base = replace(
        base,
        batch=manifest.batch,
        previous_batch=manifest.previous_batch,
        content_sha256=manifest.content_sha256,
        cursor_before=manifest.cursor_before,
        cursor_after=manifest.cursor_before,
        claimed=manifest.claimed,
    )
    with staged_in(context, connection, contract, manifest.batch):
        base = replace(base, fetched=stage.stage(connection, batch, dataset, contract))
        return settle(
            context.lake,
            connection,
            contract,
            base,
            whole=dataset.mode == "full" and not manifest.backfill,
            cursor=None if manifest.backfill else dataset.cursor,
        )


@contextmanager
def staged_in(
    context: Context, connection: duckdb.DuckDBPyConnection, contract: Contract, batch: str
) -> Iterator[None]:
    """Attach a staging file for a batch, with the contract's tables there to compare with."""
    with context.lake.lock():
        tables.ensure(connection, contract)
    with stage.attached(connection, context.settings.staging / f"{batch}.duckdb"):
        yield
