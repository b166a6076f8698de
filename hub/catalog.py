"""The definitions on disk: every source system and contract, each loaded or named as broken.

Data flow: ``assets/<province>/<system>/defs.yaml``, ``assets/<schema>/<table>/defs.yaml`` and
``assets/contracts/*.odcs.yaml`` -> :class:`Catalog`. A broken file spoils only what depends on it:
its error is kept beside the good ones, so that one system's mistake does not stop another's sync.

Run it alone: ``python -m hub.catalog`` lists what is defined and what is wrong.

What does not belong here: Dagster (``components`` builds on this), the environment's values.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checks.contract import Contract, load_contract
from hub.errors import ConfigurationError, HubError
from sources.kinds import check_spec, kind_module
from sources.spec import DatasetSpec, SystemSpec, faults

SOURCE_SYSTEM = "hub.components.SourceSystem"
DERIVED_TABLE = "hub.components.DerivedTable"


class DerivedSpec(BaseModel):
    """One derived table, as its ``defs.yaml`` says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")]
    """``<schema>/<table>``, the folder of the definition."""
    title: str
    description: str = ""
    owner: str
    contract: str
    sql: str
    """File beside the definition: one SELECT whose columns are the contract's."""
    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    """Tables it reads, as ``schema.table``."""
    optional_inputs: tuple[str, ...] = ()
    """Tables that it reads if they are there, and finds empty if nobody ever supplied them."""


@dataclass
class Catalog:
    """What is defined: systems and derived tables by name, contracts by file stem."""

    systems: dict[str, SystemSpec] = field(default_factory=dict)
    derived: dict[str, DerivedSpec] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    errors: dict[str, HubError] = field(default_factory=dict)
    """Name or contract stem -> why it could not be loaded."""

    def contract(self, dataset: DatasetSpec) -> Contract:
        """Return a dataset's contract.

        Raises:
            ConfigurationError: It is missing or broken, or the dataset does not fill it.
        """
        contract = self.contract_named(dataset.contract)
        unknown = sorted(set(dataset.columns) - {column.name for column in contract.columns})
        unfilled = [
            c.name for c in contract.columns if c.required and c.name not in dataset.columns
        ]
        if not dataset.columns:
            raise ConfigurationError(
                f"dataset {dataset.name} maps no columns",
                next_step="`hub contract draft` proposes them; put them into defs.yaml",
            )
        if unknown:
            raise ConfigurationError(
                f"the definition maps columns that contract {contract.id} lacks: "
                f"{', '.join(unknown)}",
                next_step=f"add them to {contract.path} or remove them from defs.yaml",
            )
        if unfilled:
            raise ConfigurationError(
                f"the definition does not map what contract {contract.id} requires: "
                f"{', '.join(unfilled)}",
                next_step="map them under `columns` in defs.yaml",
            )
        _require_parents_key(dataset, contract)
        return contract

    def dataset(self, name: str) -> tuple[SystemSpec, DatasetSpec]:
        """Return a dataset by its whole name, ``province/system/dataset``.

        Raises:
            ConfigurationError: There is none, or its definition is broken.
        """
        source, _, short = name.rpartition("/")
        if source in self.errors:
            raise self.errors[source]
        system = self.systems.get(source)
        for dataset in system.datasets if system else ():
            if system and dataset.name == short:
                return system, dataset
        known = [f"{s.name}/{d.name}" for s in self.systems.values() for d in s.datasets]
        raise ConfigurationError(
            f"there is no dataset '{name}'", next_step=f"choose among: {', '.join(known)}"
        )

    def contract_named(self, stem: str) -> Contract:
        """Return the contract in ``assets/contracts/<stem>.odcs.yaml``.

        Raises:
            ConfigurationError: It is missing or broken.
        """
        if stem in self.contracts:
            return self.contracts[stem]
        broken = self.errors.get(stem)
        if broken is not None:
            raise broken
        raise ConfigurationError(
            f"there is no contract {stem}.odcs.yaml",
            next_step=f"write it in assets/contracts/, or let `hub contract draft DATASET "
            f"--output assets/contracts/{stem}.odcs.yaml` begin it",
        )

    def feeding(self, table: str) -> list[tuple[str, float | None]]:
        """Return the datasets that fill a table, each with its freshness deadline in hours."""
        return [
            (f"{system.name}/{dataset.name}", self.contracts[dataset.contract].freshness_hours)
            for system in self.systems.values()
            for dataset in system.datasets
            if dataset.contract in self.contracts
            and self.contracts[dataset.contract].table == table
        ]

    def select(self, selection: list[str]) -> Selection:
        """Return the systems, datasets and derived tables that a selection names.

        Args:
            selection: ``province``, ``province/system`` or ``province/system/dataset`` each, or
                ``schema/table`` of a derived table; everything if it is empty.

        Raises:
            ConfigurationError: A name fits nothing.
        """
        chosen = Selection()
        for wanted in selection or [*self.systems, *self.derived, *self.errors]:
            found = [
                (system.name, dataset)
                for system in self.systems.values()
                for dataset in system.datasets
                if wanted in {system.province, system.name, f"{system.name}/{dataset.name}"}
            ]
            derived = [d for d in self.derived.values() if wanted in {d.name, d.name.split("/")[0]}]
            broken = [
                name
                for name in self.errors
                if "/" in name
                and (wanted in {name, name.split("/")[0]} or wanted.startswith(f"{name}/"))
            ]
            if selection and not (found or derived or broken):
                known = ", ".join(sorted([*self.systems, *self.derived]))
                raise ConfigurationError(
                    f"nothing is called '{wanted}'", next_step=f"choose among: {known}"
                )
            for name, dataset in found:
                if dataset not in chosen.datasets.setdefault(name, []):
                    chosen.datasets[name].append(dataset)
            chosen.derived += [d for d in derived if d not in chosen.derived]
            chosen.broken += [n for n in broken if n not in chosen.broken]
        return chosen


def _require_parents_key(dataset: DatasetSpec, contract: Contract) -> None:
    """Raise unless rows that stand in lists of records have the record's key, and its cursor."""
    of_parent = dataset.of_parent
    if of_parent and dataset.replaced_by not in contract.key:
        raise ConfigurationError(
            f"the rows stand in lists of records told apart by {of_parent[0]}, which is not part "
            f"of the key of contract {contract.id}",
            next_step="map it to a column and mark that column as primaryKey",
        )
    if of_parent and dataset.cursor and dataset.columns[dataset.cursor].source not in of_parent:
        raise ConfigurationError(
            f"cursor {dataset.cursor} is a field within the lists, but it is the records that are "
            "asked for by time",
            next_step="map it from a field of the record, named under fetch.reader.keep",
        )


@dataclass
class Selection:
    """Part of a catalog: datasets by system, derived tables, and names that cannot be loaded."""

    datasets: dict[str, list[DatasetSpec]] = field(default_factory=dict)
    derived: list[DerivedSpec] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def load_catalog(assets: Path) -> Catalog:
    """Load every definition and contract below a folder; never raises for a broken file."""
    catalog = Catalog()
    for path in sorted((assets / "contracts").glob("*.odcs.yaml")):
        stem = path.name.removesuffix(".odcs.yaml")
        try:
            catalog.contracts[stem] = load_contract(path)
        except HubError as error:
            catalog.errors[stem] = error
    for path in sorted(assets.glob("*/*/defs.yaml")):
        name = path.parent.relative_to(assets).as_posix()
        try:
            spec = load_definition(path, name)
        except HubError as error:
            catalog.errors[name] = error
            continue
        if isinstance(spec, SystemSpec):
            catalog.systems[name] = spec
        else:
            catalog.derived[name] = spec
    return catalog


def load_definition(path: Path, name: str) -> SystemSpec | DerivedSpec:
    """Load one ``defs.yaml``.

    Raises:
        ConfigurationError: It is no YAML, not of a known type, or its name is not its folder's.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigurationError(
            f"not valid YAML: {getattr(error, 'problem', None) or 'not UTF-8'}",
            where=f"{path}{line}",
            next_step="correct the file there",
        ) from error
    models: dict[object, type[SystemSpec | DerivedSpec]] = {
        SOURCE_SYSTEM: SystemSpec,
        DERIVED_TABLE: DerivedSpec,
    }
    kind = document.get("type") if isinstance(document, dict) else None
    model = models.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise ConfigurationError(
            f"`type` must be one of {', '.join(str(known) for known in models)}",
            where=str(path),
            next_step="take another defs.yaml as a model",
        )
    try:
        spec = model.model_validate(document.get("attributes"))
    except ValidationError as error:
        found = [*faults(error), *_fetch_faults(document.get("attributes"))]
        raise ConfigurationError(
            "; ".join(found), where=str(path), next_step="fill in or correct each there"
        ) from error
    if spec.name != name:
        raise ConfigurationError(
            f"it is called {spec.name} but lies in {name}",
            where=str(path),
            next_step="make `name` and folder agree",
        )
    if isinstance(spec, SystemSpec):
        check_spec(spec)
    return spec


def _fetch_faults(attributes: object) -> list[str]:
    """Return what is wrong with the options of a broken definition's datasets, if it has any.

    They are checked after the definition; who fills in a scaffold wants to hear all at once.
    """
    try:
        kind, datasets = attributes["kind"], attributes["datasets"]  # type: ignore[index]  # or not
        module = kind_module(kind)
        fetches = [dataset.get("fetch", {}) for dataset in datasets]
    except (TypeError, KeyError, AttributeError, HubError):
        return []
    found = []
    for number, fetch in enumerate(fetches):
        try:
            module.Fetch.model_validate(fetch)
        except ValidationError as error:
            found += faults(error, "datasets", str(number), "fetch")
    return found


def main() -> None:
    """List what is defined and what is wrong."""
    from hub.settings import Settings  # noqa: PLC0415 - only the command needs it

    catalog = load_catalog(Settings().assets_dir)
    for system in catalog.systems.values():
        for dataset in system.datasets:
            sys.stdout.write(f"{system.name}/{dataset.name}\t{dataset.mode}\t{dataset.contract}\n")
    for place, error in catalog.errors.items():
        sys.stdout.write(f"{place}\t{error}\n")


if __name__ == "__main__":
    main()
