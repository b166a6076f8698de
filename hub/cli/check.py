"""``hub check``: is everything there that a night needs, and if not, what and how to set it.

Data flow: definitions, contracts and the environment -> one line for each thing that is missing or
broken. Nothing is asked of any source.

Run it alone: ``hub check``.

What does not belong here: whether a source answers (``hub sync`` says that).
"""

from __future__ import annotations

import sys

import typer


def check() -> None:
    """Check definitions, contracts and environment; exit code 1 if anything is missing."""
    from hub.catalog import load_catalog
    from hub.errors import HubError
    from hub.settings import Settings
    from sources.pull import missing_environment

    settings = Settings()
    catalog = load_catalog(settings.assets_dir)
    environment = settings.environment()
    problems = [f"broken    {name}: {error}" for name, error in catalog.errors.items()]
    for system in catalog.systems.values():
        problems += [
            f"missing   {system.name}: set {name} (or {name}_FILE), in the environment or in the "
            "file that HUB_ENV names"
            for name in missing_environment(system, environment)
        ]
    for owner, stem in [
        *((f"{s.name}/{d.name}", d.contract) for s in catalog.systems.values() for d in s.datasets),
        *((d.name, d.contract) for d in catalog.derived.values()),
    ]:
        try:
            catalog.contract_named(stem)
        except HubError as error:
            problems.append(f"broken    {owner}: {error}")
    for derived in catalog.derived.values():
        problems += [
            f"broken    {derived.name}: no dataset fills its input {table}"
            for table in derived.inputs
            if not catalog.feeding(table)
        ]
    datasets = sum(len(system.datasets) for system in catalog.systems.values())
    sys.stdout.write(
        f"{len(catalog.systems)} systems, {datasets} datasets, {len(catalog.derived)} derived "
        f"tables, {len(catalog.contracts)} contracts in {settings.assets_dir}\n"
    )
    for problem in dict.fromkeys(problems):
        sys.stdout.write(problem + "\n")
    sys.stdout.write("all is there\n" if not problems else f"{len(problems)} problem(s)\n")
    raise typer.Exit(1 if problems else 0)
