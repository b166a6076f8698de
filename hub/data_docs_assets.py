"""The pages of the checks as an asset of their own, built after the night's syncs.

Data flow: the clock -> one small run -> :func:`hub.data_docs.rebuild`, which does nothing where
nothing was checked. ``hub sync`` builds them at its own end.

What does not belong here: the pages (``data_docs``), other schedules (``automation``).
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as an object.

import dagster as dg

from hub.automation import every_night
from hub.data_docs import rebuild, site
from hub.settings import Settings

CRON = "30 5 * * *"
KEY = dg.AssetKey(["hub", "data_docs"])


@dg.asset(
    key=KEY,
    group_name="hub",
    kinds={"html"},
    description="Pages of Great Expectations about the last checks of every dataset; counts only",
)
def data_docs() -> dg.MaterializeResult[None]:
    """Build the pages if anything was checked since."""
    settings = Settings()
    built = rebuild(settings)
    return dg.MaterializeResult(
        metadata={"built": built, "begin": dg.MetadataValue.path(site(settings) / "index.html")}
    )


def definitions() -> dg.Definitions:
    """Return the asset and the schedule that brings it up to date once a night."""
    told = "05:30 in Viet Nam, when the night's syncs are over"
    return every_night("nightly_data_docs", CRON, told, [data_docs])
