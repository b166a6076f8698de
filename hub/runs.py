"""Dagster runs inside this process, recorded where the Dagster UI will find them.

Data flow: landed pulls -> a job over one system's assets, executed in process -> the outcomes that
its assets left behind. The definitions are built from the catalog, not by loading the whole code
location, so that a broken definition elsewhere cannot stop this one.

What does not belong here: threads and locks (``sync``), asset bodies (``source_assets``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import dagster as dg

from hub.automation import JOB
from hub.catalog import DerivedSpec
from hub.derive import Input
from hub.derived_assets import derived_definitions
from hub.errors import HubError, InternalError, unforeseen
from hub.load import Context, Outcome, Pulled, not_done
from hub.settings import ROOT, Settings
from hub.source_assets import RESOURCE, Night, system_definitions
from sources.landing import LandedBatch
from sources.spec import SystemSpec
from warehouse import loads
from warehouse.ledger import Ledger

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own log goes to its event log; the terminal shows the hub's words."""


def prepare_home(settings: Settings) -> None:
    """Put our ``dagster.yaml`` (no telemetry, retention, run limits) into Dagster's home."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "hub" / "dagster.yaml", settings.dagster_home / "dagster.yaml")


@contextmanager
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's storage in the data folder."""
    prepare_home(settings)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as opened:
        yield opened


def load_system(
    opened: dg.DagsterInstance, context: Context, system: SystemSpec, landed: dict[str, Pulled]
) -> list[Outcome]:
    """Run the assets of one system over pulls that were made already."""
    names = [f"{system.name}/{name}" for name in landed]
    arrived = {name for name, pulled in landed.items() if isinstance(pulled.result, LandedBatch)}
    context = _together(context, [d.contract for d in system.datasets if d.name in arrived])
    ledger = Ledger(context.lake, system.name)
    night = Night(context, {(system.name, name): p for name, p in landed.items()}, ledger)
    try:
        with ledger:
            _run(opened, system_definitions(system, context.catalog), names, night, system.name)
    except Exception as error:  # noqa: BLE001 - a full disk; what did not change is not on record
        trouble = error if isinstance(error, HubError) else unforeseen(error)
        night.outcomes = [
            replace(o, error=trouble) if o.record.status == loads.UNCHANGED else o
            for o in night.outcomes
        ]
    return night.outcomes


def derive_tables(
    opened: dg.DagsterInstance, context: Context, derived: list[DerivedSpec]
) -> tuple[list[Outcome], list[Input]]:
    """Run the derived tables; returns what became of them and which inputs are stale."""
    night = Night(_together(context, [spec.contract for spec in derived]))
    if derived:
        definitions = dg.Definitions.merge(
            *(derived_definitions(spec, context.catalog) for spec in derived)
        )
        _run(opened, definitions, [spec.name for spec in derived], night, "derived")
    return night.outcomes, night.stale


def _together(context: Context, stems: list[str]) -> Context:
    """Have the tables of these contracts made in one commit; a broken one is told in its turn."""
    known = context.catalog.contracts
    return replace(context, beside=tuple(known[stem] for stem in stems if stem in known))


def _run(
    opened: dg.DagsterInstance,
    definitions: dg.Definitions,
    names: list[str],
    night: Night,
    label: str,
) -> None:
    """Run the assets of these names; one that Dagster itself kept from ending is an outcome too."""
    try:
        trouble = _execute(opened, definitions, names, night, label)
    except Exception as error:  # noqa: BLE001 - Dagster's storage may be locked, full, damaged
        trouble = unforeseen(error)
    done = {f"{outcome.record.source}/{outcome.record.dataset}" for outcome in night.outcomes}
    missing = trouble or InternalError("Dagster left this dataset out of its run")
    night.outcomes += [not_done(name, missing) for name in names if name not in done]
    if trouble and not any(outcome.error for outcome in night.outcomes):
        # The rows are in; what could not be written is what the UI would show of it.
        night.outcomes[-1] = replace(night.outcomes[-1], error=trouble)


def _execute(
    opened: dg.DagsterInstance,
    definitions: dg.Definitions,
    names: list[str],
    night: Night,
    label: str,
) -> HubError | None:
    """Run the assets in this process; returns what Dagster itself had to complain of."""
    job = dg.define_asset_job(JOB, selection=[dg.AssetKey(name.split("/")) for name in names])
    whole = dg.Definitions.merge(
        definitions,
        dg.Definitions(jobs=[job], resources={RESOURCE: night}, executor=dg.in_process_executor),
    )
    ended = whole.resolve_job_def(JOB).execute_in_process(
        run_config=QUIET, instance=opened, raise_on_error=False, tags={"hub/system": label}
    )
    if ended.success:
        return None
    causes = {
        failed.step_failure_data.error.cls_name
        for failed in ended.filter_events(lambda event: event.is_step_failure)
        if failed.step_failure_data.error
    }
    return InternalError(
        f"Dagster calls the run failed ({', '.join(sorted(filter(None, causes))) or 'no reason'})",
        next_step=f"look at run {ended.run_id} in the Dagster pages, and report it",
    )
