"""Maintenance as Dagster shows it: four assets of the group ``bao_tri`` and their nightly schedule.

Data flow: the clock, after the night's pulls -> ``hub.maintain`` -> metadata of the asset, so that
the pages draw how sizes grow.

Run it alone: ``hub maintain`` does the same without Dagster's pages.

What does not belong here: what maintenance does.
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as an object.

from collections import Counter
from collections.abc import Callable

import dagster as dg

from hub.automation import every_night
from hub.catalog import load_catalog
from hub.maintain import Line, clean_runs, clean_up, maintain_lake, size_report
from hub.settings import Settings

GROUP = "bao_tri"
JOB = "nightly_maintenance"
CRON = "30 4 * * *"
"""After the pulls, before the offices open."""


def maintenance_definitions() -> dg.Definitions:
    """Return the assets, their job and its schedule."""
    assets = [
        _asset("kho", "Flush, compact and expire in the lake; vacuum its catalog.", _lake),
        _asset("tep", "Remove old batches, leftovers and attachments that nothing names.", _files),
        _asset("lan_chay", "Remove old runs from Dagster's own storage.", _runs),
        _asset("dung_luong", "How large everything is.", _sizes, after=("kho", "tep", "lan_chay")),
    ]
    return every_night(JOB, CRON, "04:30 in Viet Nam: keep the warehouse fast and small", assets)


def _asset(
    name: str,
    description: str,
    work: Callable[[dg.DagsterInstance], list[Line]],
    *,
    after: tuple[str, ...] = (),
) -> dg.AssetsDefinition:
    @dg.asset(
        key=[GROUP, name],
        deps=[dg.AssetKey([GROUP, other]) for other in after],
        group_name=GROUP,
        kinds={"duckdb"},
        description=description,
    )
    def maintained(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        figures: Counter[str] = Counter()
        for line in work(context.instance):
            figures[f"{line.where}: {line.what}" if line.where else line.what] += line.count
        return dg.MaterializeResult(metadata=dict(figures))

    return maintained


def _lake(_: dg.DagsterInstance) -> list[Line]:
    settings, lines = Settings(), list[Line]()
    maintain_lake(settings, load_catalog(settings.assets_dir), dry_run=False, noted=lines.append)
    return lines


def _files(_: dg.DagsterInstance) -> list[Line]:
    lines: list[Line] = []
    clean_up(Settings(), dry_run=False, noted=lines.append)
    return lines


def _runs(instance: dg.DagsterInstance) -> list[Line]:
    lines: list[Line] = []
    clean_runs(Settings(), instance, dry_run=False, noted=lines.append)
    return lines


def _sizes(_: dg.DagsterInstance) -> list[Line]:
    return size_report(Settings())
