"""Load a dataset again from landing, after its contract or its definition changed.

Data flow: ``hub.loads`` (which batches were loaded, in order) -> those from the newest whole one
on -> one virtual batch (``warehouse.replay``) through the ordinary settling. The table is then what
it would be had the contract been so when they came: records that are good now leave quarantine as
resolved, rows that it would have refused go there and out of the table. No source is asked, and the
next pull starts where it would have started.

Run it alone: ``hub reload PROVINCE/SYSTEM/DATASET``.

What does not belong here: derived tables (``hub sync`` computes them when their contract changed).
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from hub.again import landed, load_again
from hub.approve import who
from hub.errors import ConfigurationError
from hub.load import Context, Outcome
from sources.landing import LandedBatch
from warehouse import loads
from warehouse.approvals import Approval

_GOOD = """SELECT batch, bool_or(whole), min(started_at), min(seq) FROM lake.hub.loads
    WHERE _source = ? AND dataset = ? AND status IN ('loaded', 'unchanged')
    AND batch IS NOT NULL AND NOT coalesce(reloaded, false) GROUP BY batch ORDER BY min(seq)"""


def reload(
    context: Context, name: str, *, batch: str | None = None, reason: str | None = None
) -> list[Outcome]:
    """Load again what a dataset's batches say.

    Args:
        context: The deployment.
        name: ``province/system/dataset``.
        batch: Begin with this batch (its first letters will do) instead of the newest whole one.
        reason: Lets pass what held the last attempt back, and is kept like an approval's.

    Returns:
        What became of it, and of the derived tables it feeds.

    Raises:
        ConfigurationError: There is no such dataset, it was never loaded, or landing lacks a batch.
        TransientError: A sync of the system is under way.
    """
    batches = chosen(context, name, batch)
    context = replace(context, again=tuple(batches))
    if reason is not None:
        context = replace(context, approval=_word(context, name, reason))
    return load_again(context, name, batches[-1])


def chosen(context: Context, name: str, batch: str | None) -> list[LandedBatch]:
    """Return the batches to load again, the oldest first; errors as :func:`reload`."""
    system, dataset = context.catalog.dataset(name)
    rows = []
    if context.lake.exists:
        connection = context.lake.writer()  # a lake of an earlier version is widened by it
        rows = connection.execute(_GOOD, [system.name, dataset.name]).fetchall()
        connection.close()
    if not rows:
        raise ConfigurationError(
            "this dataset was never loaded", where=name, next_step=f"`hub sync {name}`"
        )
    if batch is None:
        first = max((n for n, (_, whole, *_) in enumerate(rows) if whole), default=0)
    else:
        fitting = [n for n, (known, *_) in enumerate(rows) if known.startswith(batch)]
        if not fitting:
            raise ConfigurationError(
                f"batch {batch} was never loaded",
                where=name,
                next_step=f'`hub query "select batch, started_at from hub.loads where _source = '
                f"'{system.name}' and dataset = '{dataset.name}'\"` lists them",
            )
        first = fitting[-1]
    return [_landed(context, name, known, at) for known, _, at, _ in rows[first:]]


def _landed(context: Context, name: str, batch: str, at: datetime) -> LandedBatch:
    found = landed(context, name, batch)
    if found is None:
        raise ConfigurationError(
            f"landing has batch {batch} of {at:%Y-%m-%d} no more",
            where=name,
            next_step=f"`hub sync --whole {name}` asks the source for everything; or begin with a "
            "later batch: --batch",
        )
    return found


def _word(context: Context, name: str, reason: str) -> Approval:
    """Return a word for what the last attempt was held back by, and for nothing else."""
    source, _, dataset = name.rpartition("/")
    connection = context.lake.reader()
    held = [
        row
        for row in loads.waiting(connection, reloaded=True)
        if (row["_source"], row["dataset"]) == (source, dataset)
    ]
    connection.close()
    if not held:
        raise ConfigurationError(
            "no reload of this dataset was held back",
            where=name,
            next_step="leave --reason away, and see whether one is needed",
        )
    told = json.loads(held[-1]["held"])
    guards = frozenset(one["guard"] for one in told["objections"])
    return Approval(held[-1]["batch"], guards, who(), reason, datetime.now(UTC))
