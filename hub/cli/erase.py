"""``hub erase``: remove a person on request, or record why not.

Run it alone: ``hub erase --dry-run --id 012345678901``.

What does not belong here: the removal (``hub.erase``). No identifier is ever printed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console


def erase(  # noqa: PLR0917 - typer hands options over by name
    identifier: Annotated[
        list[str] | None, typer.Option("--id", help="A number: CCCD, phone, ...; may be repeated")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Whole name, together with --born")] = None,
    born: Annotated[str | None, typer.Option(help="Birth date such as 1990-02-01")] = None,
    request: Annotated[str, typer.Option(help="Number of the request on paper")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept in the certificate")] = "",
    refused: Annotated[
        str | None,
        typer.Option(help="Refuse for a statutory retention; the legal basis. Removes nothing"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would go, and remove nothing")
    ] = False,
) -> None:
    """Erase a person everywhere and keep them from coming back; writes a certificate."""
    from hub import erase as erasing
    from hub.catalog import load_catalog
    from hub.settings import Settings
    from warehouse.person import Person

    if not dry_run and not (request and reason):
        raise typer.BadParameter("say --request and --reason; or --dry-run to count only")
    settings, console = Settings(), Console()
    asked = erasing.Request(request, reason)
    if refused is not None:
        erasing.refuse(settings, asked, refused)
        console.print("refused; recorded in data/erasures")
        return
    if (name is None) != (born is None):
        raise typer.BadParameter("--name and --born belong together")
    try:
        day = datetime.fromisoformat(born).date() if born else None
    except ValueError as error:
        raise typer.BadParameter("--born wants a day such as 1990-02-01") from error
    person = Person.of(identifier or (), [(name, day)] if name and day else ())
    removed = erasing.erase(
        settings, load_catalog(settings.assets_dir), person, asked, dry_run=dry_run
    )
    for place, count in removed.items():
        console.print(f"{count:>10,}  {place}", highlight=False, markup=False)
    if not removed:
        console.print("nothing of this person was found")
    if dry_run:
        console.print("nothing was removed", style="dim")
    else:
        console.print("erased; the certificate lies in data/erasures", style="bold")
