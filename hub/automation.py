"""When things run: the nightly schedule and the automation of derived tables.

Data flow: the clock -> one run request per source system (so that one portal's trouble stays its
own) -> when a system's tables changed, the tables derived from them. Cron for pulls, because a
night must be predictable; conditions only for what is computed from rows already here.

What does not belong here: what a run does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from hub.settings import Settings
from hub.source_assets import asset_key
from sources.session import left_out
from sources.spec import SystemSpec

CRON = "0 1 * * *"
TIMEZONE = "Asia/Ho_Chi_Minh"
JOB = "nightly_sync"


def every_night(
    job: str,
    cron: str,
    description: str,
    assets: Sequence[dg.AssetsDefinition],
) -> dg.Definitions:
    """Return assets with the job over them and the schedule that starts it, which is on."""
    keys = [key for asset in assets for key in asset.keys]
    defined = dg.define_asset_job(job, selection=keys, tags={"hub/system": assets[0].key.path[0]})
    schedule = dg.ScheduleDefinition(
        name=job,
        job=defined,
        cron_schedule=cron,
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )
    return dg.Definitions(assets=assets, jobs=[defined], schedules=[schedule])


def nightly(systems: list[SystemSpec]) -> dg.Definitions:
    """Return the job over all source datasets and the schedule that starts one run per system.

    An optional system that is not supplied gets no run: it would only fail.
    """
    keys = {
        system.name: [asset_key(system.name, dataset.name) for dataset in system.datasets]
        for system in systems
    }
    job = dg.define_asset_job(
        JOB,
        selection=[key for of_system in keys.values() for key in of_system],
        description="Pull every source system; the schedule starts one run for each.",
    )

    @dg.schedule(
        name=JOB,
        job=job,
        cron_schedule=CRON,
        execution_timezone=TIMEZONE,
        # Off after every deployment would mean a night that nobody notices is missing.
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="01:00 in Viet Nam, one run per source system",
    )
    def nightly_sync(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        night = f"{context.scheduled_execution_time:%Y-%m-%d}"
        environment = Settings().environment()
        absent = {system.name for system in systems if left_out(system, environment)}
        for name, selection in keys.items():
            if name in absent:
                continue
            yield dg.RunRequest(
                run_key=f"{night}:{name}", asset_selection=selection, tags={"hub/system": name}
            )

    # The sensor that Dagster makes by itself is off until somebody switches it on in the UI.
    when_inputs_changed = dg.AutomationConditionSensorDefinition(
        "derive_when_inputs_changed",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=60,
    )
    return dg.Definitions(jobs=[job], schedules=[nightly_sync], sensors=[when_inputs_changed])
