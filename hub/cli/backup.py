"""``hub backup`` and ``hub restore``: the whole data folder, while syncs run.

Run it alone: ``hub backup /mnt/backups``, ``hub restore /mnt/backups/hub-... /srv/new-data``.

What does not belong here: how a backup is made (``warehouse.backup``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def backup(
    target: Annotated[Path, typer.Argument(help="Folder that holds the backups")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Only remove backups that may not be kept any longer")
    ] = False,
) -> None:
    """Back up warehouse, landing, attachments and Dagster's storage as of this moment."""
    from hub.settings import Settings
    from warehouse import backup as backups

    settings, console = Settings(), Console()
    if not prune:
        keep = timedelta(days=settings.keep_backups_days)
        made = backups.back_up(settings.data_dir, target, keep=keep)
        manifest = backups.read_manifest(made)
        size = sum(file.bytes for file in manifest.files)
        _line(console, f"{made}: {len(manifest.files):,} files, {size:,} bytes")
        _line(console, f"it may be kept until {manifest.keep_until}; --prune removes it then")
        return
    for removed in backups.prune(target, datetime.now(UTC)):
        _line(console, f"removed {removed}")


def restore(
    taken: Annotated[Path, typer.Argument(metavar="BACKUP", help="Folder of one backup")],
    data: Annotated[Path, typer.Argument(metavar="DATA_DIR", help="New or empty folder")],
) -> None:
    """Restore a backup into an empty folder; persons erased since are taken out again."""
    from hub.catalog import load_catalog
    from hub.erase import restored
    from hub.settings import Settings

    settings, console = Settings(), Console()
    manifest, removed = restored(settings, load_catalog(settings.assets_dir), taken, data)
    _line(console, f"{data}: as of {manifest.taken_at}, snapshot {manifest.snapshot}")
    for place, count in removed.items():
        _line(console, f"taken out again: {count:,} in {place}")


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
