"""The published files as an asset of their own, made every night after syncs and maintenance.

Data flow: the clock -> one small run -> :func:`hub.publish.publish`, which writes nothing if
nothing changed -> metadata: rows, bytes, snapshot, path, masked columns; never a value.

Run it alone: ``hub publish``.

What does not belong here: the files (``publish``), other schedules (``automation``).
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as an object.

import dagster as dg

from hub.automation import every_night
from hub.catalog import load_catalog
from hub.publish import NOT_PUBLISHED, left_out, publish
from hub.settings import Settings

GROUP = "xuat_ban"
KEY = dg.AssetKey([GROUP, "tep"])
JOB = "nightly_publish"
CRON = "0 5 * * *"
"""After the pulls and maintenance, before the offices open."""


@dg.asset(
    key=KEY,
    group_name=GROUP,
    kinds={"duckdb", "parquet"},
    description="Masked files for agencies: one DuckDB file, Parquet with data packages, contracts",
)
def published_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Publish what changed since the last time."""
    settings = Settings()
    catalog = load_catalog(settings.assets_dir)
    done = publish(settings, catalog)
    missing = left_out(catalog, done)
    for name in missing:
        context.log.warning(NOT_PUBLISHED.format(name))
    tables = done.manifest.tables
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(done.generation),
            "changed": done.changed,
            "snapshot": done.manifest.snapshot,
            "tables": len(tables),
            "tables_written": len(done.renewed),
            "rows": sum(table.rows for table in tables),
            "parquet_bytes": sum(table.bytes for table in tables),
            "masked_columns": sum(len(table.masked) for table in tables),
            "left_out": missing,
        }
    )


def definitions() -> dg.Definitions:
    """Return the asset, its job and the schedule that starts it once a night."""
    told = "05:00 in Viet Nam: masked files for agencies, if anything changed"
    return every_night(JOB, CRON, told, [published_files])
