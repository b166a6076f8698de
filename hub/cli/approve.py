"""``hub approve``: show why a batch is held back, and let it pass.

Run it alone: ``hub approve lao_cai/dich_vu_cong/ho_so`` shows; ``--reason`` does.

What does not belong here: loading it (``hub.approve``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.load import Outcome


def approve(
    dataset: Annotated[str, typer.Argument(help="province/system/dataset")],
    batch: Annotated[
        str | None, typer.Option(help="Which batch, if several wait; its first letters will do")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why the data is right; without it nothing is done")
    ] = None,
) -> None:
    """Let one batch pass that was held back; it is recorded who said so, when and why."""
    from hub.approve import approve as let_pass
    from hub.approve import chosen
    from hub.catalog import load_catalog
    from hub.load import Context
    from hub.settings import Settings

    settings = Settings()
    context = Context.of(settings, load_catalog(settings.assets_dir))
    one = chosen(context, dataset, batch)
    say(f"batch {one.batch}, held back since {one.since:%Y-%m-%d %H:%M}:")
    for _, what in one.objections:
        say(f"  {what}")
    moves = ", ".join(f"{count:,} {name}" for name, count in one.would.items())
    say(f"it would make: {moves}")
    if reason is None:
        say(f"nothing was done; `hub approve {dataset} --reason ...` lets it pass")
        return
    if not reason.strip():
        raise typer.BadParameter("--reason wants words: somebody will read them")
    finish(let_pass(context, one, reason.strip()))


def finish(outcomes: Iterable[Outcome]) -> None:
    """Print what became of each dataset; leave with 1 if one failed."""
    failed = False
    for outcome in outcomes:
        record = outcome.record
        counts = ", ".join(
            f"{getattr(record, name):,} {name}"
            for name in ("inserted", "updated", "deleted", "rejected")
        )
        say(f"{record.status:>9}  {record.source}/{record.dataset}: {counts}")
        for sentence in outcome.warnings:
            say(f"attention  {sentence}")
        if outcome.error is not None:
            failed = True
            say(f"failed  {outcome.error}")
    raise typer.Exit(1 if failed else 0)


def say(text: str) -> None:
    """Print one line as it is."""
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
