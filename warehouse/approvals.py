"""A person's word that one batch which was held back is right: who, when, why, and for what.

Data flow: ``hub.approve`` makes an :class:`Approval` for the batch that is waiting -> the ordinary
settling lets exactly what it names pass -> ``commit`` writes it into ``hub.approvals`` in the same
transaction as the rows. So an approval that led to nothing is not there, and none works twice: the
batch that it names is then the dataset's position.

Run it alone: ``hub query "from hub.approvals"``.

What does not belong here: what holds a batch back (``hub.held``), finding what waits (``loads``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.loads import LoadRecord


@dataclass(frozen=True)
class Approval:
    """Lets one batch pass, once."""

    batch: str
    """Digest of the batch that was looked at; another night's batch has another."""
    guards: frozenset[str]
    """What held it back; anything that was not known then still does."""
    by: str
    """User of the operating system."""
    reason: str
    at: datetime

    def covers(self, batch: str | None, guard: str) -> bool:
        """Say whether this guard may be passed over for this batch."""
        return batch == self.batch and guard in self.guards


INSERT = """INSERT INTO lake.hub.approvals (approved_at, approved_by, reason, _source, dataset,
    table_name, batch, guards, inserted, updated, deleted, rejected, run)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def values(approval: Approval, load: LoadRecord) -> list[Any]:
    """Return the parameters of :data:`INSERT`: the word given, and what became of it."""
    return [
        approval.at, approval.by, approval.reason, load.source, load.dataset, load.table_name,
        approval.batch, sorted(approval.guards), load.inserted, load.updated, load.deleted,
        load.rejected, load.run,
    ]  # fmt: skip
