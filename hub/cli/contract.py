"""``hub contract``: its commands, and among them ``draft``, a first contract from a sample.

Run it alone: ``hub contract draft lao_cai/dich_vu_cong/thu_tuc --rows 200``.

What does not belong here: the drafting itself (``hub.drafting``), the export beside it
(``hub.cli.contract_export``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.contract_export import export
from hub.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="Contracts: what a table holds and must keep to.")


@app.callback()
def contract() -> None:
    """Contracts: what a table holds and must keep to."""


@app.command()
def draft(
    dataset: Annotated[str, typer.Argument(help="province/system/dataset")],
    rows: Annotated[int, typer.Option(min=1, help="Records to look at")] = 500,
    output: Annotated[Path | None, typer.Option(help="File to write; else it is printed")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite that file")] = False,
    fill: Annotated[
        bool, typer.Option("--fill", help="Put the columns into defs.yaml if it says `columns: {}`")
    ] = False,
) -> None:
    """Propose a contract and the definition's columns for a dataset; loads nothing."""
    from hub.catalog import load_catalog
    from hub.drafting.draft import draft as propose
    from hub.drafting.fill import fill as put
    from hub.load import Context
    from hub.settings import Settings

    if fill and output is None:
        raise typer.BadParameter("--fill needs --output")
    if output is not None and output.exists() and not force:
        raise ConfigurationError(
            f"{output} is there already", next_step="choose another --output, or add --force"
        )
    settings = Settings()
    catalog = load_catalog(settings.assets_dir)
    system, chosen = catalog.dataset(dataset)
    proposed = propose(Context.of(settings, catalog), system, chosen, rows)
    if output is None:
        block = "".join(f"# {line}\n" for line in proposed.columns.splitlines())
        sys.stdout.write(f"{proposed.contract}# For the dataset in defs.yaml:\n{block}")
        return
    try:
        output.write_text(proposed.contract, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{output} cannot be written: {error.strerror}", next_step="choose another --output"
        ) from None
    sys.stdout.write(
        f"# {output}: {proposed.rows} rows looked at, {proposed.refused} would be refused.\n"
    )
    if fill:
        definition = settings.assets_dir / system.name / "defs.yaml"
        put(definition, chosen.name, proposed.columns)
        sys.stdout.write(f"# {definition}: {len(proposed.columns.splitlines()) - 1} columns\n")
    else:
        sys.stdout.write(
            "# Put this under the dataset in defs.yaml, in place of its `columns`:\n"
            f"{proposed.columns}"
        )


app.command()(export)
