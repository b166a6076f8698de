"""A source system as Dagster sees it: one asset per dataset, four checks each, below the system.

Data flow: :class:`~sources.spec.SystemSpec` and contracts -> asset definitions whose bodies call
:func:`hub.land.land` and :func:`hub.load.load`. The system itself is an external asset, so that
the graph shows where rows come from. Validation happens before the write (design section 3), so
the checks report and never block; a dataset that could not be brought up to date fails its step.

Checks: at most four a dataset (seconds per asset with 0, 4, 7 checks: 0.04, 0.12, 0.21). All are
yielded before any raise, since a declared check that is not yielded stays "planned" for ever.

What does not belong here: reading definitions (``catalog``), schedules (``automation``).
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as an object.

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from checks.contract import Contract
from hub.catalog import Catalog, DerivedSpec, load_catalog
from hub.derive import Input, derive
from hub.errors import DataError, HubError
from hub.held import HeldBackError
from hub.land import land
from hub.load import Context, Outcome, Pulled, load
from hub.settings import Settings
from hub.system_lock import system_lock
from sources.spec import DatasetSpec, SystemSpec
from warehouse.ledger import Ledger

DIMENSIONS = {
    "schema_volume": "Columns are there and the number of rows is plausible",
    "completeness_conformity": "Required cells are filled and cells have their form",
    "uniqueness_consistency": "Keys are unique and columns agree with each other",
    "timeliness": "The dataset was brought up to date within its deadline",
}
RESOURCE = "night"
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
EXPECTATIONS = dg.TableSchema(
    columns=[
        dg.TableColumn("rows", "int", "rows that break the rule"),
        dg.TableColumn("result", "string", "these rows were refused, or only noted; or passed"),
        dg.TableColumn("reason", "string", "the contract's sentence on such a row"),
        dg.TableColumn("rule", "string", "its name in the contract"),
    ]
)


class Night:
    """What the assets of a run share: the deployment, and pulls that were made already.

    ``hub sync`` lands all systems at once before it starts a run for each, and hands the pulls
    in here together with the lock it holds; a run started by the schedule makes its own.
    """

    def __init__(
        self,
        context: Context | None = None,
        landed: dict[tuple[str, str], Pulled] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """Keep what the starter of the run has already; everything else is loaded when needed."""
        self._context = context
        self._landed = landed or {}
        self._ledger = ledger
        self.outcomes: list[Outcome] = []
        self.stale: list[Input] = []

    @property
    def context(self) -> Context:
        """The deployment; read from disk in the run, so that a long-lived daemon is not stale."""
        if self._context is None:
            settings = Settings()
            self._context = Context.of(settings, load_catalog(settings.assets_dir))
        return self._context

    def bring_up_to_date(self, system: str, dataset: str, run: str) -> Outcome:
        """Pull one dataset, unless that was done, and load it."""
        spec = self.context.catalog.systems[system]
        chosen = spec.dataset(dataset)
        pulled = self._landed.get((system, dataset))
        if pulled is not None:
            outcome = load(self.context, spec, chosen, pulled, run=run, ledger=self._ledger)
        else:
            outcome = self._pull_and_load(spec, chosen, run)
        self.outcomes.append(outcome)
        return outcome

    def compute(self, spec: DerivedSpec, run: str) -> tuple[Outcome, list[Input]]:
        """Compute one derived table if its inputs changed."""
        outcome, stale = derive(self.context, spec, run=run)
        self.outcomes.append(outcome)
        self.stale += stale
        return outcome, stale

    def _pull_and_load(self, system: SystemSpec, dataset: DatasetSpec, run: str) -> Outcome:
        try:
            with system_lock(self.context.settings, system.name):
                pulled = land(self.context, system, [dataset], lambda *_: None)[dataset.name]
                return load(self.context, system, dataset, pulled, run=run)
        except HubError as error:  # the lock was not to be had
            return load(
                self.context, system, dataset, Pulled(error, datetime.now(UTC), 0.0), run=run
            )


def system_definitions(system: SystemSpec, catalog: Catalog) -> dg.Definitions:
    """Return the assets of one source system."""
    outside = dg.AssetSpec(
        key=[system.province, system.system],
        description=said(system.title, system.description),
        group_name=system.province,
        owners=[system.owner],
        kinds={system.kind},
        metadata={"address": f"${system.base_url.env}" if system.base_url else "on this machine"},
    )
    assets = [_dataset_asset(system, dataset, catalog) for dataset in system.datasets]
    return dg.Definitions(assets=[outside, *assets])


def asset_key(system: str, dataset: str) -> dg.AssetKey:
    """Return the Dagster key of a dataset."""
    return dg.AssetKey([*system.split("/"), dataset])


def _dataset_asset(
    system: SystemSpec, dataset: DatasetSpec, catalog: Catalog
) -> dg.AssetsDefinition:
    key = asset_key(system.name, dataset.name)
    try:
        good = catalog.contract(dataset)
        contract: Contract | None = good
        described = described_by(good)
    except HubError as error:
        # A broken contract must not take the code location, and with it the province, down.
        contract, described = None, Described(f"Broken contract. {error}")

    @dg.asset(
        key=key,
        deps=[dg.AssetKey([system.province, system.system])],
        group_name=system.province,
        owners=[system.owner],
        kinds={system.kind, "duckdb"},
        check_specs=[
            dg.AssetCheckSpec(name=name, asset=key, description=text)
            for name, text in DIMENSIONS.items()
        ],
        required_resource_keys={RESOURCE},
        op_tags={"hub/system": system.name},
        description=described.description,
        tags=described.tags,
        metadata=described.metadata,
        freshness_policy=described.freshness_policy,
    )
    def brought_up_to_date(context: dg.AssetExecutionContext) -> Iterator[Any]:
        night: Night = getattr(context.resources, RESOURCE)
        outcome = night.bring_up_to_date(system.name, dataset.name, context.run.run_id)
        for sentence in outcome.warnings:
            context.log.warning(sentence)
        yield from check_results(key, outcome, contract)
        raise_failure(outcome)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata=run_metadata(outcome),
            data_version=dg.DataVersion(outcome.record.previous_batch or "none")
            if outcome.record.status == "unchanged"
            else dg.DataVersion(outcome.record.batch or "none"),
        )

    return brought_up_to_date


def raise_failure(outcome: Outcome) -> None:
    """Fail the step for good if the dataset has an error: the client has retried already."""
    if outcome.error is not None:
        raise dg.Failure(
            description=str(outcome.error),
            metadata={
                "whose": outcome.error.whose,
                "next step": outcome.error.next_step,
                **_attention(outcome),
            },
            allow_retries=False,
        )


@dataclass(frozen=True)
class Described:
    """What the UI says of a table."""

    description: str
    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    freshness_policy: dg.FreshnessPolicy | None = None


def said(label: str, description: str) -> str:
    """Join a label and what is said of it, without saying the same thing twice.

    Plain text: the catalog page shows the first line as it is, Markdown signs and all.
    """
    if label.lower() in description.lower():
        return description
    return f"{label}. {description}" if description else label


def described_by(contract: Contract) -> Described:
    """Return what the UI says of a table: description, columns, personal data, deadline."""
    columns = [
        dg.TableColumn(
            name=column.name,
            type=column.sql_type,
            description=said(column.label, column.description),
            constraints=dg.TableColumnConstraints(nullable=not column.required, unique=False),
            tags={}
            if column.classification == "none"
            else {"personal_data": column.classification},
        )
        for column in contract.columns
    ]
    hours = contract.freshness_hours
    return Described(
        description=said(contract.title, contract.description),
        tags={"phan_loai": contract.classification, "schema": contract.schema},
        metadata={
            "dagster/column_schema": dg.TableSchema(columns=columns),
            "dagster/table_name": contract.table,
            "contract": f"{contract.id} {contract.version}",
        },
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=hours))
        if hours
        else None,
    )


def run_metadata(outcome: Outcome) -> dict[str, Any]:
    """Return the figures that the UI draws over time."""
    record = outcome.record
    return {
        # What the table holds, not what came: an incremental pull of 13 rows is not a table of 13.
        "dagster/row_count": outcome.rows,
        "in_quarantine": outcome.quarantined,
        "fetched": record.fetched,
        "inserted": record.inserted,
        "updated": record.updated,
        "deleted": record.deleted,
        "rejected": record.rejected,
        "repaired": record.repaired,
        "resumed_answers": outcome.resumed,
        "seconds": round(record.seconds, 3),
        "status": record.status,
        "batch": record.batch or "",
        **_attention(outcome),
    }


def _attention(outcome: Outcome) -> dict[str, Any]:
    """Return what somebody must read, where there is any."""
    return {"attention": "\n".join(outcome.warnings)} if outcome.warnings else {}


def check_results(
    key: dg.AssetKey, outcome: Outcome, contract: Contract | None
) -> Iterator[dg.AssetCheckResult]:
    """Yield one result per dimension, on an unchanged or failed night the last known one."""
    timely = _with_rules(_timeliness(outcome, contract), outcome.checks.get("timeliness"))
    for name in DIMENSIONS:
        found = timely if name == "timeliness" else outcome.checks.get(name)
        if found is None:
            found = {"success": outcome.error is None, "reason": "nothing was checked yet"}
        broken = not found["success"] and found.get("severity") == "error"
        refused = broken and name != "timeliness"
        # A few refused rows beside thousands of good ones must not look like a batch held back.
        grave = broken and (name == "timeliness" or isinstance(outcome.error, DataError))
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=bool(found["success"]),
            severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
            description=str(found.get("reason", "")),
            metadata={
                **(_figures(found, outcome) if "rules" in found else _rest(found)),
                **({"command": f"hub rejects {'/'.join(key.path)}"} if refused else {}),
            },
        )


def _with_rules(timely: dict[str, Any], found: Mapping[str, Any] | None) -> dict[str, Any]:
    """Add what the contract's own rules of this group say: how new the newest rows are."""
    if found is None or found["success"]:
        return timely
    grave = "error" in {f["severity"] for f in (timely, found) if not f["success"]}
    return timely | {
        "success": False,
        "severity": "error" if grave else "warn",
        "reason": f"{timely['reason']}; {found['reason']}",
    }


def _rest(found: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in found.items() if k not in {"success", "severity", "reason"}}


def _figures(found: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Return what a check shows of its rules. The page sorts by name: figures before the table."""
    rules = found["rules"]
    if not rules:
        return {}
    return {
        "as_of": _as_of(outcome),
        "broken_rules": found["rules_failed"],
        "checked_rows": found["rows"],
        "checked_rules": found["rules_checked"],
        **_page(outcome),
        # Broken rules first: of thirty, one is why somebody opens this page.
        "expectations": dg.TableMetadataValue(
            records=[_shown(rule) for rule in sorted(rules, key=_worst_first)],
            schema=EXPECTATIONS,
        ),
    }


def _page(outcome: Outcome) -> dict[str, Any]:
    """Return the link to Great Expectations' page about the dataset."""
    if outcome.page is None:
        return {}
    is_address = outcome.page.startswith(("http://", "https://"))
    link = dg.MetadataValue.url if is_address else dg.MetadataValue.path
    return {"data_docs": link(outcome.page)}


def _as_of(outcome: Outcome) -> str:
    if isinstance(outcome.error, HeldBackError):
        return "the batch that is held back"
    if outcome.record.status == "loaded":
        return "this load"
    return f"the last load; this time: {outcome.record.status}"


def _worst_first(rule: Mapping[str, Any]) -> tuple[bool, bool, int]:
    return rule["success"], not rule["success"] and rule["severity"] != "error", -rule["unexpected"]


def _shown(rule: Mapping[str, Any]) -> dg.TableRecord:
    if rule["success"]:
        result = "passed" if rule["evaluated"] else "not checked"
    else:
        result = "refused" if rule["severity"] == "error" else "noted"
    return dg.TableRecord(
        {
            "rows": rule["unexpected"],
            "result": result,
            "reason": rule["reason"],
            "rule": rule["rule"],
        }
    )


def _timeliness(outcome: Outcome, contract: Contract | None) -> dict[str, Any]:
    hours = contract.freshness_hours if contract else None
    found: dict[str, Any] = {"deadline_hours": hours or 0.0}
    if outcome.error is not None:
        found |= {"whose": outcome.error.whose, "next_step": outcome.error.next_step}
    if outcome.last_good is None:
        return {
            **found,
            "success": False,
            "severity": "error",
            "reason": "never brought up to date",
        }
    age = (outcome.record.ended_at - outcome.last_good) / timedelta(hours=1)
    late = hours is not None and age > hours
    # In Vietnam time like everything the hub prints; a record of this process has UTC.
    reason = f"last good sync {outcome.last_good.astimezone(VIETNAM):%Y-%m-%d %H:%M}"
    if outcome.error is not None:
        reason += f"; this time: {outcome.error.what}"
    return {
        **found,
        "success": outcome.error is None and not late,
        "severity": "error" if late else "warn",
        "reason": reason,
        "age_hours": round(age, 2),
    }
