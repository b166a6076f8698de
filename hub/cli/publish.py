"""``hub publish``: make the masked files for agencies, by hand what the schedule does at night.

Run it alone: ``hub publish``.

What does not belong here: what is published, and how (``hub.publish``, ``warehouse.publish``).
"""

from __future__ import annotations

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def publish() -> None:
    """Publish the shared tables, masked, as DuckDB and Parquet files; nothing if none changed."""
    from hub.catalog import load_catalog
    from hub.publish import NOT_PUBLISHED, left_out
    from hub.publish import publish as bring_up_to_date
    from hub.settings import Settings

    settings, console = Settings(), Console()
    catalog = load_catalog(settings.assets_dir)
    done = bring_up_to_date(settings, catalog)
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1))
    shown.add_column("table", no_wrap=True)
    for name in ("rows", "bytes"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("masked columns", overflow="fold")  # nobody should guess which they are
    shown.add_column("")
    for table in done.manifest.tables:
        renewed = "written" if table.name in done.renewed else ""
        row = (table.name, f"{table.rows:,}", f"{table.bytes:,}", ", ".join(table.masked), renewed)
        shown.add_row(*row)
    console.print(shown)
    what = f"snapshot {done.manifest.snapshot}"
    line = f"published {what} in" if done.changed else f"unchanged since {what}; still in"
    for text in (f"{line} {done.generation}", f"agencies read {settings.publish / 'current'}"):
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    missing = left_out(catalog, done)
    for name in missing:
        typer.echo(f"hub: {NOT_PUBLISHED.format(name)}", err=True)
    if missing:
        raise typer.Exit(1)
