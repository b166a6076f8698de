"""A derived table as Dagster sees it: an asset above the datasets that feed it.

Data flow: :class:`~hub.catalog.DerivedSpec` -> an asset whose body calls :func:`hub.derive.derive`.
It runs in a phase of its own after the systems: in one run, an asset with one failed input would
be skipped (tested), and a portal that is down must delay nobody's indicator.

What does not belong here: computing (``derive``), the SQL (``assets/``).
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as an object.

from collections.abc import Iterator
from typing import Any

import dagster as dg

from checks.contract import Contract
from hub.catalog import Catalog, DerivedSpec
from hub.errors import HubError
from hub.source_assets import (
    DIMENSIONS,
    RESOURCE,
    Described,
    Night,
    check_results,
    described_by,
    raise_failure,
    run_metadata,
)

WHEN_INPUTS_CHANGED = (
    dg.AutomationCondition.eager()
    # The last good data of an input is enough: one that was never loaded must not block the rest.
    .without(~dg.AutomationCondition.any_deps_missing())
    .with_label("an input changed")
)


def derived_definitions(spec: DerivedSpec, catalog: Catalog) -> dg.Definitions:
    """Return the asset of one derived table."""
    key = dg.AssetKey(spec.name.split("/"))
    feeding = [name for table in spec.inputs for name, _ in catalog.feeding(table)]
    try:
        good = catalog.contract_named(spec.contract)
        contract: Contract | None = good
        described = described_by(good)
    except HubError as error:
        contract, described = None, Described(f"Broken contract. {error}")

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(name.split("/")) for name in feeding],
        group_name=spec.name.split("/")[0],
        owners=[spec.owner],
        kinds={"sql", "duckdb"},
        check_specs=[
            dg.AssetCheckSpec(name=name, asset=key, description=text)
            for name, text in DIMENSIONS.items()
        ],
        required_resource_keys={RESOURCE},
        automation_condition=WHEN_INPUTS_CHANGED,
        description=described.description,
        tags=described.tags,
        metadata={**described.metadata, "inputs": ", ".join(spec.inputs), "sql": spec.sql},
        freshness_policy=described.freshness_policy,
    )
    def computed(context: dg.AssetExecutionContext) -> Iterator[Any]:
        night: Night = getattr(context.resources, RESOURCE)
        outcome, stale = night.compute(spec, context.run.run_id)
        yield from check_results(key, outcome, contract)
        raise_failure(outcome)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                **run_metadata(outcome),
                "stale_inputs": "; ".join(f"{i.name}: {i.stale}" for i in stale) or "none",
            },
            data_version=dg.DataVersion(outcome.record.batch or "none"),
        )

    return dg.Definitions(assets=[computed])
