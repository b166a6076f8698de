"""``hub contract export``: tables unmasked, with their contracts, for datacontract-cli.

Run it alone: ``hub contract export --all --to DIR``.

What does not belong here: the export itself (``hub.contract_export``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def export(
    to: Annotated[Path, typer.Option(help="New or empty folder that nobody else may read")],
    selection: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", help="province/system/dataset, or a part of it"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every contract that there is")] = False,
) -> None:
    """Write tables UNMASKED, each with its contract for `datacontract test`."""
    from hub import contract_export
    from hub.catalog import load_catalog
    from hub.load import Context
    from hub.settings import Settings

    if every == bool(selection):
        raise typer.BadParameter("name datasets, or give --all")
    settings = Settings()
    catalog = load_catalog(settings.assets_dir)
    contracts = contract_export.chosen(catalog, selection or [])
    done = contract_export.export(Context.of(settings, catalog), contracts, to)
    for table, rows in done.rows.items():
        sys.stdout.write(f"{table}\t{rows}\n")
    for table in done.missing:
        sys.stderr.write(f"left out: {table}, into which nothing was loaded yet\n")
    sys.stderr.write(
        f"{to} holds personal data in the clear, as of snapshot {done.snapshot}; remove it when "
        "the test is done\n"
    )
