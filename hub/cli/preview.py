"""``hub preview``: the first rows of a dataset as they would be loaded; writes nothing.

Run it alone: ``hub preview lao_cai/dich_vu_cong/thu_tuc --rows 50``.

What does not belong here: the look itself (``hub.preview``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from hub.preview import Preview

SHOWN = 5
"""Rows printed; the figures are over all that came."""


def preview(
    dataset: Annotated[str, typer.Argument(help="province/system/dataset")],
    rows: Annotated[int, typer.Option(min=1, help="Records to look at")] = 200,
) -> None:
    """Look at a dataset without loading it: first rows, types found, what would be refused."""
    from hub.catalog import load_catalog
    from hub.load import Context
    from hub.preview import preview as look
    from hub.settings import Settings

    settings = Settings()
    catalog = load_catalog(settings.assets_dir)
    system, chosen = catalog.dataset(dataset)
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, 120))
    _print(console, dataset, look(Context.of(settings, catalog), system, chosen, rows))


def _print(console: Console, dataset: str, seen: Preview) -> None:
    console.print(
        f"{dataset}: {seen.records:,} records looked at, {seen.refused:,} would be refused; "
        "nothing was written",
        style="bold", highlight=False,
    )  # fmt: skip
    for sentence in seen.warnings:
        console.print(f"attention: {sentence}", style="bold yellow", markup=False, soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("column", "from", "type", "form", "looks like"):
        table.add_column(heading, overflow="fold")
    for heading in ("filled", "unreadable", "repaired"):
        table.add_column(heading, justify="right", no_wrap=True)
    for field in seen.fields:
        table.add_row(
            field.column, Text(field.source or "-"), field.sql_type, field.form,
            "" if field.looks_like == field.form else field.looks_like,
            f"{field.filled:,}", f"{field.untyped:,}", f"{field.repaired:,}",
            style="red" if field.untyped else "",
        )  # fmt: skip
    console.print(table)
    for rule, count, reason in seen.broken:
        console.print(f"{count:>6,}  {rule}: {reason}", markup=False, highlight=False)
    for number, row in enumerate(seen.rows[:SHOWN], start=1):
        console.print(f"row {number}", style="bold")
        for name, value in zip(seen.names, row, strict=True):
            if value is not None:
                line = f"  {name:<28}{value}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)
