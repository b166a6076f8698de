"""``hub reload``: load a dataset again from landing after its contract or definition changed.

Run it alone: ``hub reload lao_cai/dich_vu_cong/ho_so``.

What does not belong here: which batches, and how (``hub.reload``).
"""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.approve import finish


def reload(
    dataset: Annotated[str, typer.Argument(help="province/system/dataset")],
    batch: Annotated[
        str | None,
        typer.Option(help="Begin with this batch; default: the newest that held everything"),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why what held the last attempt back is right")
    ] = None,
) -> None:
    """Load again what landing holds; the source is not asked and the cursor stays."""
    from hub.catalog import load_catalog
    from hub.load import Context
    from hub.reload import reload as load_again
    from hub.settings import Settings

    settings = Settings()
    context = Context.of(settings, load_catalog(settings.assets_dir))
    if reason is not None and not reason.strip():
        raise typer.BadParameter("--reason wants words: somebody will read them")
    finish(load_again(context, dataset, batch=batch, reason=reason))
