"""Load what landing holds already: a Dagster run as on any night, and nothing is asked of a source.

Data flow: a dataset and what was landed of it -> the same assets, checks and commit as in
``hub sync`` -> the derived tables that it feeds. So the Dagster pages show an approval or a reload
like any other load.

Run it alone: ``hub approve`` and ``hub reload``.

What does not belong here: which batch, and why (``approve``, ``reload``).
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime

from hub.load import Context, Outcome, Pulled
from hub.sync import fed
from hub.system_lock import system_lock
from sources.landing import LandedBatch, Landing


def load_again(context: Context, name: str, batch: LandedBatch | None) -> list[Outcome]:
    """Load a landed batch of a dataset, or compute a derived table, and what follows from it.

    Args:
        context: The deployment, with what is special this time (an approval, a reload).
        name: ``province/system/dataset``, or ``schema/table`` of a derived table.
        batch: What was landed; None for a derived table.

    Returns:
        The dataset's own outcome first, then those of the derived tables.

    Raises:
        ConfigurationError: There is no such dataset.
        TransientError: A sync of the system is under way and did not end in time.
    """
    from hub import runs  # noqa: PLC0415 - imports Dagster

    derived = context.catalog.derived.get(name)
    found = None if derived else context.catalog.dataset(name)
    lock = system_lock(context.settings, found[0].name) if found else nullcontext()
    with runs.instance(context.settings) as instance:
        outcomes: list[Outcome] = []
        if derived:
            outcomes, _ = runs.derive_tables(instance, context, [derived])
        elif found and batch is not None:
            system, dataset = found
            with lock:
                pulled = Pulled(batch, datetime.now(UTC), 0.0)
                outcomes = runs.load_system(instance, context, system, {dataset.name: pulled})
        following, _ = fed(context, [derived] if derived else [], outcomes)
        more, _ = runs.derive_tables(instance, context, following)
    return [*outcomes, *more]


def landed(context: Context, name: str, batch: str) -> LandedBatch | None:
    """Return a batch of a dataset if landing has it, whole."""
    system, dataset = context.catalog.dataset(name)
    return Landing(context.settings.landing).find(system.name, dataset.name, batch)
