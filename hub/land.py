"""A system's pulls: its datasets, one after the other, from the source into landing.

Data flow: a definition and what ``hub.loads`` says of where each dataset's pulls ended ->
``sources.pull`` -> a sealed batch or a typed error for each dataset (:class:`hub.load.Pulled`). May
run in any thread: nothing but the network, landing and that one question is touched.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` pulls without a warehouse.

What does not belong here: staging and everything after it (``load``), several systems at once
(``sync``).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from hub.errors import HubError, TransientError, unforeseen
from hub.load import Context, Progress, Pulled
from sources.landing import LandedBatch, Landing
from sources.pull import pull
from sources.session import Session, open_session
from sources.spec import DatasetSpec, SystemSpec
from warehouse import loads
from warehouse.lake import Lake


def land(
    context: Context, system: SystemSpec, datasets: Iterable[DatasetSpec], progress: Progress
) -> dict[str, Pulled]:
    """Pull datasets of one system, one after the other, into landing.

    Returns:
        Dataset name -> batch or error. An error of one does not stop the next, except that a
        system which cannot be opened, or answers nothing at all until the first dataset's
        deadline, fails all of them: a portal that is down costs a night one deadline, not six.
    """
    landed: dict[str, Pulled] = {}
    bounded = _bounded(system, context)
    environment = context.settings.environment()
    session: Session | None = None
    standings: dict[str, loads.Standing] | None = None  # nobody else loads this system meanwhile
    outage: TransientError | None = None
    for dataset in datasets:
        started_at, clock = datetime.now(UTC), time.monotonic()
        result: LandedBatch | HubError
        warnings: list[str] = []
        if outage is not None:
            landed[dataset.name] = Pulled(outage, started_at, 0.0)
            continue
        try:
            context.catalog.contract(dataset)
            if standings is None:
                standings = _standings(context.lake, system)
            standing = standings.get(dataset.name, loads.Standing())
            if session is None:
                session = open_session(bounded, environment)
            result = pull(
                bounded,
                dataset,
                position=standing.position,
                landing=Landing(context.settings.landing),
                environment=environment,
                session=session,
                since=context.span.since,
                until=context.span.until,
                whole=context.span.whole or _is_due(dataset, standing.last_whole, started_at),
                progress=partial(progress, dataset.name),
                warn=warnings.append,
            )
        except HubError as error:
            result = error.at(f"{system.name}/{dataset.name}")
            if isinstance(error, TransientError) and session is not None and session.out:
                error.where, outage = system.name, error
        except Exception as error:  # noqa: BLE001 - one dataset's trouble must stay its own
            result = unforeseen(error).at(f"{system.name}/{dataset.name}")
        seconds = time.monotonic() - clock
        landed[dataset.name] = Pulled(result, started_at, seconds, tuple(warnings))
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


def _standings(lake: Lake, system: SystemSpec) -> dict[str, loads.Standing]:
    """Return where the next pull of each dataset starts, and when everything was last compared."""
    if not lake.exists:
        return {}
    connection = lake.writer()
    try:
        return loads.standings(connection, system.name)
    finally:
        connection.close()


def _is_due(dataset: DatasetSpec, last_whole: datetime | None, now: datetime) -> bool:
    """Whether an incremental dataset must be pulled whole tonight; nights vary by some hours."""
    if dataset.reconcile_days is None:
        return False
    return last_whole is None or now - last_whole > timedelta(days=dataset.reconcile_days, hours=-6)
