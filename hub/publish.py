"""What of a deployment is published, and where: masked files for agencies that only want files.

Data flow: contracts, titles of systems, settings -> :func:`publish`, once a night or by hand ->
``data/publish/current``. A table whose contract is broken is left out, since nobody can say which
of its columns are personal; that is told, and is a failure of the command.

Run it alone: ``hub publish``.

What does not belong here: how files are made (``warehouse.publish``), when (``publish_assets``).
"""

from __future__ import annotations

from datetime import timedelta

import duckdb

from hub.catalog import Catalog
from hub.errors import unforeseen
from hub.settings import Settings
from hub.system_lock import publish_lock
from warehouse.lake import Lake
from warehouse.publish.build import Done, Plan
from warehouse.publish.build import publish as build

NOT_PUBLISHED = (
    "{} is not published: its contract is broken or unlike the table "
    "-> look at `hub check` and `hub status`"
)


def publish(settings: Settings, catalog: Catalog) -> Done:
    """Bring the published files up to date; nothing is written if nothing changed.

    Raises:
        ConfigurationError: Nothing was loaded yet, or the disk is full.
        TransientError: Another process is publishing.
        InternalError: DuckDB failed, on memory perhaps; what was published before stays.
    """
    titles = {system.name: system.title for system in catalog.systems.values()}
    plan = Plan(
        contracts=list(catalog.contracts.values()),
        titles=titles,
        licence=settings.publish_license,
        grace=timedelta(hours=settings.longest_read_hours),
    )
    with publish_lock(settings):
        try:
            return build(Lake(settings.lake, settings.memory), settings.publish, plan)
        except duckdb.Error as error:
            raise unforeseen(error) from None  # its text may quote a row


def left_out(catalog: Catalog, done: Done) -> list[str]:
    """Return what agencies do not get for a fault: broken contracts, tables unlike their own."""
    return sorted([*(name for name in catalog.errors if "/" not in name), *done.left_out])
