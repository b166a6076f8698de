"""Let a batch pass that was held back, once a person has looked at it and says that it is right.

Data flow: ``hub.loads`` (which batch waits, and why) -> an :class:`Approval` -> the landed batch
through the ordinary staging, checks and commit, no source asked -> ``hub.approvals``. What
stands against the batch now and did not when the person looked still holds it back.

Run it alone: ``hub approve PROVINCE/SYSTEM/DATASET``, which only shows what waits.

What does not belong here: why a batch is held back (``settle``), printing (``cli``).
"""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hub.again import landed, load_again
from hub.errors import ConfigurationError
from hub.load import Context, Outcome
from warehouse import loads
from warehouse.approvals import Approval


@dataclass(frozen=True)
class Waiting:
    """A batch that is held back."""

    name: str
    """``province/system/dataset``, or ``schema/table`` of a derived table."""
    batch: str
    since: datetime
    objections: tuple[tuple[str, str], ...]
    """Guard and sentence of each."""
    would: dict[str, int]
    """Rows that it would insert, update, delete, refuse."""


def waiting(context: Context, name: str | None = None) -> list[Waiting]:
    """Return the batches that are held back, the newest last; of one dataset if it is named."""
    if not context.lake.exists:
        return []
    connection = context.lake.reader()
    try:
        found = [_waiting(row) for row in loads.waiting(connection)]
    finally:
        connection.close()
    return [one for one in found if name in (None, one.name)]


def _waiting(row: dict[str, Any]) -> Waiting:
    told = json.loads(row["held"])
    return Waiting(
        f"{row['_source']}/{row['dataset']}",
        row["batch"],
        row["ended_at"],
        tuple((one["guard"], one["what"]) for one in told["objections"]),
        told["would"],
    )


def chosen(context: Context, name: str, batch: str | None) -> Waiting:
    """Return the batch of a dataset that a person means: the newest, or by the begin of its name.

    Raises:
        ConfigurationError: There is no such dataset; nothing of it waits, or not this batch: it
            moved on meanwhile.
    """
    found = waiting(context, name)
    if not found:
        if name not in context.catalog.derived:
            context.catalog.dataset(name)  # a misspelt name is told as such
        raise ConfigurationError(
            "nothing of this dataset is held back",
            where=name,
            next_step="`hub status` shows what is; a batch that waited is out of date once a later "
            "one was loaded",
        )
    fitting = [one for one in found if one.batch.startswith(batch or "")]
    if not fitting:
        raise ConfigurationError(
            f"batch {batch} is not held back",
            where=name,
            next_step=f"choose among: {', '.join(one.batch for one in found)}",
        )
    return fitting[-1]


def approve(context: Context, one: Waiting, reason: str) -> list[Outcome]:
    """Load a batch that waits, in spite of what held it back.

    Args:
        context: The deployment.
        one: What :func:`chosen` returned and the person saw.
        reason: Why the data is right, in the person's words.

    Returns:
        What became of it, and of the derived tables it feeds. If the first has an error, nothing
        moved and nothing was recorded as approved.

    Raises:
        ConfigurationError: The dataset is not defined any more, or landing has not the batch.
        TransientError: A sync of the system is under way.
    """
    guards = frozenset(guard for guard, _ in one.objections)
    word = Approval(one.batch, guards, who(), reason, datetime.now(UTC))
    batch = None
    if one.name not in context.catalog.derived:
        batch = landed(context, one.name, one.batch)
        if batch is None:
            raise ConfigurationError(
                f"landing has batch {one.batch} no more",
                where=one.name,
                next_step=f"`hub sync {one.name}` pulls it anew; look at that one",
            )
    return load_again(replace(context, approval=word), one.name, batch)


def who() -> str:
    """Return the user of the operating system, by the process and not by a variable."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without an entry
        return f"uid {os.getuid()}"
