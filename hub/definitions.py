"""The code location: everything in ``assets/`` as Dagster definitions, plus when it runs.

Data flow: ``dg.load_from_defs_folder`` turns each ``defs.yaml`` into assets; ``automation`` adds
the schedule. It loads with no secret set, without a network and without Great Expectations
(design promise 7), because Dagster loads it often.

Run it alone: ``dagster definitions validate -w workspace.yaml``.

What does not belong here: definitions of single systems (they are YAML in ``assets/``).
"""

from __future__ import annotations

import dagster as dg

from hub.automation import nightly
from hub.components import catalog
from hub.data_docs_assets import definitions as data_docs
from hub.maintenance_assets import maintenance_definitions
from hub.publish_assets import definitions as published_files
from hub.settings import ROOT, Settings
from hub.source_assets import RESOURCE, Night


@dg.definitions
def defs() -> dg.Definitions:
    """Return the whole code location."""
    systems = list(catalog(Settings().assets_dir).systems.values())
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=ROOT),
        nightly(systems),
        maintenance_definitions(),
        data_docs(),
        published_files(),
        dg.Definitions(resources={RESOURCE: Night()}, executor=dg.in_process_executor),
    )
