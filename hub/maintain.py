"""Maintenance of a whole deployment: the lake, landing, attachments, leftovers, Dagster's runs.

Data flow: settings (what is kept, how long) -> ``warehouse.maintenance`` and ``warehouse.cleanup``
-> :class:`Line` for each thing done, which the command prints and the assets show. Nothing here
disturbs a reader, and a sync waits for one table's compaction at most; landing of a system that is
being pulled right now is passed over until the next time.

Run it alone: ``hub maintain --dry-run``.

What does not belong here: schedules (``maintenance_assets``), erasing a person (``erase``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hub.catalog import Catalog
from hub.errors import TransientError
from hub.settings import Settings
from hub.system_lock import publish_lock, system_lock
from warehouse import cleanup, history, maintenance
from warehouse.lake import Lake
from warehouse.publish.generations import Generations

if TYPE_CHECKING:
    import dagster as dg

PATIENCE = 1.0
"""Seconds that clean-up waits for a system's lock before it passes the system over."""


@dataclass(frozen=True)
class Line:
    """One thing that was done, or would be."""

    what: str
    where: str
    count: int


Noted = Callable[[Line], None]


def policy(settings: Settings) -> maintenance.Policy:
    """Return how long the lake keeps things."""
    grace = timedelta(hours=settings.longest_read_hours)
    kept = max(timedelta(days=settings.keep_snapshots_days), grace)
    return maintenance.Policy(snapshots=kept, grace=grace)


def maintain_lake(settings: Settings, catalog: Catalog, *, dry_run: bool, noted: Noted) -> None:
    """End history as contracts say; flush, compact, expire, clean up, vacuum."""
    lake = Lake(settings.lake)
    if lake.exists:
        connection = lake.writer()
        try:
            for contract in catalog.contracts.values():
                ended = history.purge(
                    lake, connection, contract, datetime.now(UTC), dry_run=dry_run
                )
                if ended:
                    noted(Line("purged_versions", contract.table, ended))
        finally:
            connection.close()
    keys = {contract.table: contract.key for contract in catalog.contracts.values()}
    maintenance.maintain(
        lake,
        keys,
        policy(settings),
        dry_run=dry_run,
        noted=lambda done: noted(Line(done.step, done.table, done.count)),
    )


def clean_up(settings: Settings, *, dry_run: bool, noted: Noted) -> None:
    """Remove old batches, leftovers of dead processes, and attachments that nothing names."""
    now = datetime.now(UTC)
    lake = Lake(settings.lake)
    if lake.exists:
        connection = lake.writer()
        before = cleanup.age(settings.keep_landing_days, now)
        try:
            for system, dataset in cleanup.datasets_in(settings.landing):
                try:
                    with _without_syncs(settings, system):
                        old = cleanup.clean_landing(
                            connection, settings.landing, system, dataset,
                            before=before, dry_run=dry_run,
                        )  # fmt: skip
                except TransientError:
                    noted(Line("passed_over_while_syncing", f"{system}/{dataset}", 0))
                    continue
                if old:
                    noted(Line("removed_batches", f"{system}/{dataset}", len(old)))
            wanted = now - timedelta(hours=settings.longest_read_hours)
            nobodys = cleanup.unnamed_attachments(connection, settings.data_dir, before=wanted)
        finally:
            connection.close()
        for path in nobodys:
            if not dry_run:
                path.unlink(missing_ok=True)
        noted(Line("removed_attachments", "", len(nobodys)))
    old_journals = cleanup.age(settings.keep_journals_days, now)
    left = list(cleanup.leftovers(settings.landing, settings.staging, before=old_journals))
    for path in left:
        if not dry_run:
            cleanup.remove(path)
    noted(Line("removed_leftovers", "", len(left)))
    _sweep_published(settings, now, dry_run=dry_run, noted=noted)


def _sweep_published(settings: Settings, now: datetime, *, dry_run: bool, noted: Noted) -> None:
    """Remove published generations that nobody reads any more, unless one is being made."""
    if not settings.publish.exists():
        return
    grace = timedelta(hours=settings.longest_read_hours)
    try:
        with publish_lock(settings.model_copy(update={"lock_timeout": PATIENCE})):
            swept = Generations(settings.publish).sweep(grace, now, dry_run=dry_run)
    except TransientError:
        noted(Line("passed_over_while_publishing", "publish", 0))
    else:
        noted(Line("removed_generations", "publish", swept))


@contextmanager
def _without_syncs(settings: Settings, system: str) -> Iterator[None]:
    """Keep syncs of a system away, unless one is under way; raises ``TransientError`` then."""
    impatient = settings.model_copy(update={"lock_timeout": PATIENCE})
    with system_lock(impatient, system):
        yield


def clean_runs(
    settings: Settings, instance: dg.DagsterInstance, *, dry_run: bool, noted: Noted
) -> None:
    """Remove old runs from Dagster's storage, but none that an asset's present state comes from."""
    import dagster as dg  # noqa: PLC0415 - 2 s; the other parts do without it

    before = cleanup.age(settings.keep_runs_days, datetime.now(UTC))
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = {
        record.dagster_run.run_id
        for record in instance.get_run_records(dg.RunsFilter(statuses=ended, created_before=before))
    }
    old -= _present(instance)
    for run in old:
        if not dry_run:
            instance.delete_run(run)
            # SQLite storage has a file for each run, whose rows are gone now.
            for file in (settings.dagster_home / "history" / "runs").glob(f"{run}.db*"):
                file.unlink(missing_ok=True)
    noted(Line("removed_runs", "", len(old)))


def _present(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs that what the pages show of an asset comes from."""
    runs = set()
    for record in instance.get_asset_records():
        entry = record.asset_entry
        for last in (
            entry.last_materialization_record,
            entry.last_observation_record,
        ):
            if last is not None:
                runs.add(last.event_log_entry.run_id)
        if entry.last_run_id:
            runs.add(entry.last_run_id)
    return runs


def size_report(settings: Settings) -> list[Line]:
    """Return bytes by place and, for tables, rows, files and deleted rows."""
    lake, lines = Lake(settings.lake), []
    if lake.exists:
        connection = lake.reader()
        for stored in maintenance.sizes(connection):
            lines += [
                Line("bytes", stored.table, stored.bytes),
                Line("rows", stored.table, stored.rows - stored.deleted + stored.inlined),
                Line("files", stored.table, stored.files),
                Line("deleted_rows", stored.table, stored.deleted),
            ]
        connection.close()
        lines.append(Line("bytes", "catalog", maintenance.catalog_bytes(lake)))
    for name in (
        "lake/files", "landing", "attachments", "held", "staging", "dagster", "publish", "backups",
    ):  # fmt: skip
        files, total = cleanup.folder_bytes(settings.data_dir / name)
        lines += [Line("bytes", name, total), Line("files", name, files)]
    journals = list(settings.landing.glob("*/*/*/.journal*"))
    lines.append(Line("bytes", "journals", sum(path.stat().st_size for path in journals)))
    return lines
