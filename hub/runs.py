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

import dagster as dg

from hub.automation import JOB
from hub.catalog import DerivedSpec
from hub.derive import Input
from hub.derived_assets import derived_definitions
from hub.load import Context, Outcome, Pulled
from hub.settings import ROOT, Settings
from hub.source_assets import RESOURCE, Night, system_definitions
from sources.spec import SystemSpec

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
    night = Night(context, {(system.name, name): pulled for name, pulled in landed.items()})
    keys = [dg.AssetKey([*system.name.split("/"), name]) for name in landed]
    _run(opened, system_definitions(system, context.catalog), keys, night, system.name)
    return night.outcomes


def derive_tables(
    opened: dg.DagsterInstance, context: Context, derived: list[DerivedSpec]
) -> tuple[list[Outcome], list[Input]]:
    """Run the derived tables; returns what became of them and which inputs are stale."""
    night = Night(context)
    if derived:
        definitions = dg.Definitions.merge(
            *(derived_definitions(spec, context.catalog) for spec in derived)
        )
        keys = [dg.AssetKey(spec.name.split("/")) for spec in derived]
        _run(opened, definitions, keys, night, "derived")
    return night.outcomes, night.stale


def _run(
    opened: dg.DagsterInstance,
    definitions: dg.Definitions,
    keys: list[dg.AssetKey],
    night: Night,
    label: str,
) -> None:
    job = dg.define_asset_job(JOB, selection=keys)
    whole = dg.Definitions.merge(
        definitions,
        dg.Definitions(jobs=[job], resources={RESOURCE: night}, executor=dg.in_process_executor),
    )
    whole.resolve_job_def(JOB).execute_in_process(
        run_config=QUIET, instance=opened, raise_on_error=False, tags={"hub/system": label}
    )
