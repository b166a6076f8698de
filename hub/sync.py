"""A night in one process: every system's pull at once, each system's run as soon as it has landed.

Data flow: selection -> one thread per system lands its datasets under the system's lock -> this
thread starts a Dagster run in process for each system in the order they finish -> the derived
tables in a second phase. A portal that stalls to its deadline therefore delays no other system's
commit, and the UI shows the same runs and figures as on a scheduled night.

Dagster is imported here while the first pages are under way: it costs 2-3 s.

Run it alone: ``hub sync``.

What does not belong here: printing (``cli``), a dataset's own way (``load``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub import data_docs
from hub.errors import ConfigurationError, HubError
from hub.land import land
from hub.load import Context, Outcome, Pulled
from hub.system_lock import system_lock
from sources.session import left_out
from sources.spec import DatasetSpec, SystemSpec
from warehouse import loads

if TYPE_CHECKING:
    from hub.catalog import DerivedSpec
    from hub.derive import Input

Progress = Callable[[str, int, int | None], None]
"""Called with ``system/dataset``, rows so far, total claimed."""


@dataclass
class Report:
    """What a sync did."""

    outcomes: list[Outcome] = field(default_factory=list)
    stale: list[Input] = field(default_factory=list)
    waiting: dict[str, list[str]] = field(default_factory=dict)
    """Derived tables that nobody named and whose input tables, listed, were never filled."""
    broken: dict[str, HubError] = field(default_factory=dict)
    """Definitions that could not be loaded at all."""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether anything that was asked for is not up to date."""
        return bool(self.broken) or any(outcome.error for outcome in self.outcomes)


def sync(
    context: Context,
    selection: list[str],
    *,
    progress: Progress,
    finished: Callable[[Outcome], None],
) -> Report:
    """Bring everything that is selected up to date.

    Args:
        context: The deployment.
        selection: Names as :meth:`hub.catalog.Catalog.select` takes them.
        progress: Called from the pulling threads.
        finished: Called in this thread for each dataset.

    Raises:
        ConfigurationError: The selection names something that does not exist.
    """
    clock = time.monotonic()
    chosen = context.catalog.select(selection)
    report = Report(broken={name: context.catalog.errors[name] for name in chosen.broken})
    systems = [
        (context.catalog.systems[name], _fitting(context, sets))
        for name, sets in chosen.datasets.items()
        if _fitting(context, sets) and not _left_out(context, name, selection)
    ]
    if context.span.backfill and not systems:
        raise ConfigurationError(
            "a backfill needs a dataset that can be asked for a window of time",
            next_step="name an incremental dataset, or leave --since and --until away",
        )
    with ThreadPoolExecutor(max_workers=max(1, len(systems))) as pool:
        pulls = [pool.submit(_land_locked, context, *each, progress) for each in systems]
        from hub import runs  # noqa: PLC0415 - imports Dagster, while the pulls are under way

        with runs.instance(context.settings) as instance:
            for future in as_completed(pulls):
                system, landed, lock = future.result()
                try:
                    outcomes = runs.load_system(instance, context, system, landed)
                finally:
                    if lock is not None:
                        lock.__exit__(None, None, None)
                _note(report, outcomes, finished)
            following, report.waiting = fed(context, chosen.derived, report.outcomes)
            outcomes, report.stale = runs.derive_tables(
                instance, context, [*chosen.derived, *following]
            )
            _note(report, outcomes, finished)
    data_docs.rebuild(context.settings)
    report.seconds = time.monotonic() - clock
    return report


def fed(
    context: Context, chosen: list[DerivedSpec], outcomes: list[Outcome]
) -> tuple[list[DerivedSpec], dict[str, list[str]]]:
    """Return the tables that nobody named and whose inputs have just changed.

    Returns:
        Those that can be computed, and those that wait for tables which were never filled: the
        first night of one system is no failure because another was not asked yet.
    """
    loaded = {
        f"{outcome.record.source}/{outcome.record.dataset}"
        for outcome in outcomes
        if outcome.record.status == loads.LOADED
    }
    following = [
        derived
        for derived in context.catalog.derived.values()
        if derived not in chosen
        and any(name in loaded for t in derived.inputs for name, _ in context.catalog.feeding(t))
    ]
    if not following:
        return [], {}
    from hub.derive import awaited  # noqa: PLC0415 - for nights that load something

    with closing(context.lake.reader()) as connection:
        missing = {spec.name: list(awaited(context, connection, spec)) for spec in following}
    ready = [spec for spec in following if not missing[spec.name]]
    return ready, {name: tables for name, tables in missing.items() if tables}


def _left_out(context: Context, name: str, selection: list[str]) -> bool:
    """Return whether a system is optional, not supplied, and not asked for by name."""
    named = any(wanted.startswith(name) for wanted in selection)
    system = context.catalog.systems[name]
    return not named and left_out(system, context.settings.environment())


def _fitting(context: Context, datasets: list[DatasetSpec]) -> list[DatasetSpec]:
    """Leave out of a backfill what can only be pulled whole."""
    if not context.span.backfill:
        return datasets
    return [dataset for dataset in datasets if dataset.mode == "incremental"]


def _note(report: Report, outcomes: list[Outcome], finished: Callable[[Outcome], None]) -> None:
    for outcome in outcomes:
        report.outcomes.append(outcome)
        finished(outcome)


def _land_locked(
    context: Context, system: SystemSpec, datasets: list[DatasetSpec], progress: Progress
) -> tuple[SystemSpec, dict[str, Pulled], AbstractContextManager[object] | None]:
    """Take the system's lock and land; the lock goes along and is freed after the commit."""
    lock = system_lock(context.settings, system.name)
    try:
        lock.__enter__()
    except HubError as error:
        failed = Pulled(error, datetime.now(UTC), 0.0)
        return system, {dataset.name: failed for dataset in datasets}, None
    try:
        landed = land(
            context,
            system,
            datasets,
            lambda name, rows, total: progress(f"{system.name}/{name}", rows, total),
        )
    except BaseException:
        lock.__exit__(None, None, None)
        raise
    return system, landed, lock
