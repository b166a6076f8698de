"""``hub check``: is everything there that a night needs, and if not, what and how to set it.

Data flow: definitions, contracts, the environment and the lake's reference data -> one line for
each thing that is missing or broken, and notes that are no fault. Nothing is asked of any source.

Run it alone: ``hub check``.

What does not belong here: whether a source answers (``hub sync`` says that).
"""

from __future__ import annotations

import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hub.catalog import Catalog


def check() -> None:
    """Check definitions, contracts and environment; exit code 1 if anything is missing."""
    from hub.catalog import load_catalog
    from hub.settings import Settings

    settings = Settings()
    environment = settings.environment()
    catalog = load_catalog(settings.assets_dir)
    datasets = sum(len(system.datasets) for system in catalog.systems.values())
    sys.stdout.write(
        f"systems: {len(catalog.systems)}, datasets: {datasets}, derived tables: "
        f"{len(catalog.derived)}, contracts: {len(catalog.contracts)} in {settings.assets_dir}\n"
    )
    problems = [
        *(f"broken    {name}: {error}" for name, error in catalog.errors.items()),
        *_unset(catalog, environment),
        *_contracts(catalog),
        *_derived(catalog, settings.assets_dir),
    ]
    notes = [
        f"note      {name} is optional and not supplied" for name in _left_out(catalog, environment)
    ]
    faults, known = _reference_data(settings.lake)
    problems += [f"broken    danh_muc.mau_thuan_don_vi: {fault}" for fault in faults]
    for note in (*notes, *(f"note      {note}" for note in known)):
        sys.stdout.write(note + "\n")
    if not (catalog.systems or problems):
        remedy = "write <province>/<system>/defs.yaml there, or correct HUB_ASSETS_DIR"
        problems = [f"missing   no system is defined in {settings.assets_dir}: {remedy}"]
    for problem in problems:
        sys.stdout.write(problem + "\n")
    if not problems:
        sys.stdout.write("all is there\n")
        return
    sys.stdout.write(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}\n")
    raise typer.Exit(1)


def _unset(catalog: Catalog, environment: dict[str, str]) -> list[str]:
    """Name the variables that systems need and nobody has set."""
    from sources.session import left_out, missing_environment

    found = []
    for system in catalog.systems.values():
        if left_out(system, environment):
            continue
        for name in missing_environment(system, environment):
            file = environment.get(f"{name}_FILE")
            remedy = (
                f"{name}_FILE names {file}, which is empty or cannot be read"
                if file
                else f"set {name} (or {name}_FILE), in the environment or in the file that "
                "HUB_ENV names"
            )
            found.append(f"missing   {system.name}: {remedy}")
    return found


def _left_out(catalog: Catalog, environment: dict[str, str]) -> list[str]:
    """Name the optional systems that nobody has supplied, with the variables that would."""
    from sources.session import left_out, missing_environment

    return [
        f"{system.name} ({', '.join(missing_environment(system, environment))})"
        for system in catalog.systems.values()
        if left_out(system, environment)
    ]


def _reference_data(lake_folder: Path) -> tuple[list[str], list[str]]:
    """Return faults and notes of the reference data, as far as it was loaded."""
    from hub import reference_data
    from hub.cli.sync import VIETNAM
    from warehouse.lake import Lake

    lake = Lake(lake_folder)
    if not lake.exists:
        return [], []
    connection = lake.reader()
    today = datetime.now(VIETNAM).date()
    return reference_data.faults(connection), reference_data.notes(connection, today)


def _contracts(catalog: Catalog) -> list[str]:
    """Name the datasets without a contract that they fill; a broken one has its own line."""
    from hub.errors import HubError

    named = [
        *(
            (f"{s.name}/{d.name}", d.contract, partial(catalog.contract, d))
            for s in catalog.systems.values()
            for d in s.datasets
        ),
        *(
            (d.name, d.contract, partial(catalog.contract_named, d.contract))
            for d in catalog.derived.values()
        ),
    ]
    found = []
    for owner, stem, load in named:
        if stem in catalog.errors:
            continue
        try:
            load()
        except HubError as error:
            found.append(f"broken    {owner}: {error}")
    return found


def _derived(catalog: Catalog, assets: Path) -> list[str]:
    """Name what derived tables lack: their SQL file, or a dataset that fills an input."""
    found = []
    for derived in catalog.derived.values():
        file = assets / derived.name / derived.sql
        if not file.is_file():
            found.append(f"missing   {derived.name}: its SQL, {file}")
        hint = ", or what fills it is broken" if catalog.errors else ""
        found += [
            f"broken    {derived.name}: no dataset fills its input {table}{hint}"
            for table in (*derived.inputs, *derived.optional_inputs)
            if not catalog.feeding(table)
        ]
    return found
