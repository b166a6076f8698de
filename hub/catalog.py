"""The definitions on disk: every source system and contract, each loaded or named as broken.

Data flow: ``assets/<province>/<system>/defs.yaml`` and ``assets/contracts/*.odcs.yaml`` ->
:class:`Catalog`. A broken file spoils only what depends on it: its error is kept beside the good
ones, so that one system's mistake does not stop another's sync.

Run it alone: ``python -m hub.catalog`` lists what is defined and what is wrong.

What does not belong here: Dagster (``components`` builds on this), the environment's values.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from checks.contract import Contract, load_contract
from hub.errors import ConfigurationError, HubError
from sources.pull import check_spec
from sources.spec import DatasetSpec, SystemSpec

COMPONENT = "hub.components.SourceSystem"


@dataclass
class Catalog:
    """What is defined: systems by name, contracts by file stem, errors by place."""

    systems: dict[str, SystemSpec] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    errors: dict[str, HubError] = field(default_factory=dict)
    """System name or contract stem -> why it could not be loaded."""

    def contract(self, dataset: DatasetSpec) -> Contract:
        """Return a dataset's contract.

        Raises:
            ConfigurationError: It is missing or broken.
        """
        if dataset.contract in self.contracts:
            return self.contracts[dataset.contract]
        broken = self.errors.get(dataset.contract)
        if broken is not None:
            raise broken
        raise ConfigurationError(
            f"there is no contract {dataset.contract}.odcs.yaml",
            where=f"dataset {dataset.name}",
            next_step="write it in assets/contracts/",
        )

    def select(self, selection: list[str]) -> list[tuple[SystemSpec, tuple[DatasetSpec, ...]]]:
        """Return the systems and datasets that a selection names; all if it is empty.

        Args:
            selection: ``province``, ``province/system`` or ``province/system/dataset`` each.

        Raises:
            ConfigurationError: A name fits nothing.
        """
        chosen: dict[str, list[DatasetSpec]] = {}
        for wanted in selection or sorted(self.systems):
            found = [
                (system.name, dataset)
                for system in self.systems.values()
                for dataset in system.datasets
                if wanted in {system.province, system.name, f"{system.name}/{dataset.name}"}
            ]
            if not found and wanted not in self.errors:
                known = ", ".join(sorted(self.systems))
                raise ConfigurationError(
                    f"nothing is called '{wanted}'", next_step=f"choose among: {known}"
                )
            for name, dataset in found:
                if dataset not in chosen.setdefault(name, []):
                    chosen[name].append(dataset)
        return [(self.systems[name], tuple(datasets)) for name, datasets in chosen.items()]


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
            catalog.systems[name] = load_system(path, name)
        except HubError as error:
            catalog.errors[name] = error
    return catalog


def load_system(path: Path, name: str) -> SystemSpec:
    """Load one ``defs.yaml``.

    Raises:
        ConfigurationError: It is no YAML, no source system, or its name is not its folder's.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigurationError(
            f"not valid YAML: {getattr(error, 'problem', None) or 'not UTF-8'}",
            where=f"{path}{line}",
            next_step="correct the file; `hub check` shows the place",
        ) from error
    spec = parse_system(document, where=str(path))
    if spec.name != name:
        raise ConfigurationError(
            f"the system is called {spec.name} but lies in {name}",
            where=str(path),
            next_step="make `name` and folder agree",
        )
    return spec


def parse_system(document: Any, *, where: str) -> SystemSpec:  # noqa: ANN401 - parsed YAML
    """Validate a parsed ``defs.yaml``, options of the kind included."""
    if not isinstance(document, dict) or document.get("type") != COMPONENT:
        raise ConfigurationError(
            f"not a source system: expected `type: {COMPONENT}`", where=where,
            next_step="see docs/add-a-source.md",
        )
    try:
        spec = SystemSpec.model_validate(document.get("attributes"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "attributes"
        raise ConfigurationError(
            f"{place}: {first['msg']}", where=where,
            next_step=f"correct it ({error.error_count()} problem(s) in this file)",
        ) from error
    check_spec(spec)
    return spec


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
