"""``hub maintain``: keep the warehouse fast and small, by hand what the schedule does at night.

Run it alone: ``hub maintain --dry-run``.

What does not belong here: what maintenance does (``hub.maintain``).
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console


def maintain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing")
    ] = False,
    sizes: Annotated[
        bool, typer.Option("--sizes", help="Only say how large everything is")
    ] = False,
) -> None:
    """Compact the lake, expire old snapshots, remove what nothing will ask for again."""
    from hub.catalog import load_catalog
    from hub.maintain import Line, clean_runs, clean_up, maintain_lake, size_report
    from hub.settings import Settings

    console = Console()

    def noted(line: Line) -> None:
        where = f"  {line.where}" if line.where else ""
        text = f"{line.count:>16,}  {line.what.replace('_', ' ')}{where}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    settings = Settings()
    if not sizes:
        maintain_lake(settings, load_catalog(settings.assets_dir), dry_run=dry_run, noted=noted)
        clean_up(settings, dry_run=dry_run, noted=noted)
        if settings.dagster_home.exists():
            from hub.runs import instance

            with instance(settings) as opened:
                clean_runs(settings, opened, dry_run=dry_run, noted=noted)
    for line in size_report(settings) if sizes else ():
        noted(line)
    if dry_run:
        console.print("all this would be done; nothing was", style="dim")
