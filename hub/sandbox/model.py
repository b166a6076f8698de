"""What the sandbox's datasets have in common: rows as served, rows as they are in truth, and dirt.

Data flow: a generator (``procedures``, ``documents``, ``crops``, ``catalogs``) makes clean
:class:`Row` objects; ``planting`` replaces a few by spoilt ones; the apps serve ``Row.cells`` and
``truth`` reports the rest. Dossiers are too many for an object each: ``dossiers`` keeps their
encoded bytes and uses only :class:`Planted` from here.

Run it alone: ``python -m hub.sandbox.model`` prints the sandbox's calendar.

What does not belong here: any one dataset's fields.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Literal

VIETNAM = timezone(timedelta(hours=7))
DAY_ZERO = datetime(2026, 10, 1)  # noqa: DTZ001 - every date of the sandbox is naive Vietnam time

Cells = dict[str, str]
Truth = dict[str, str | None]
Outcome = Literal["repair", "reject"]


@dataclass(frozen=True, slots=True)
class Planted:
    """One piece of dirt in one row: what was done, and what must become of it."""

    kind: str
    cites: str
    outcome: Outcome
    key: Truth
    """Key columns as they would be stored; a missing key is ``None``."""
    column: str
    """Contract column; empty where no cell is repaired (a copy, junk before a file)."""
    expected: str | None
    """Stored text after the repair; ``None`` for a repaired placeholder and for every reject."""
    rule: str | None
    """Rule that rejects the row; ``None`` for a repair."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its cells as the source serves them, and what the warehouse should hold.

    ``truth`` is ``None`` for a record that must not be loaded: one to be rejected, or a copy.
    """

    cells: Cells
    truth: Truth | None
    dirt: Planted | None = None
    copy: bool = False
    """An identical copy or a superseded version: neither loaded nor rejected."""

    @property
    def plain(self) -> bool:
        """Whether the row is clean and the only one of its key: days change only such rows."""
        return self.dirt is None and not self.copy


@dataclass(slots=True)
class Table:
    """A dataset small enough to keep as rows."""

    name: str
    """``<province>/<system>/<dataset>``."""
    rows: list[Row] = field(default_factory=list)
    notes: list[Planted] = field(default_factory=list)
    """Dirt of the whole file rather than of one row: a BOM, notes under the table."""


def stream(*parts: object) -> Random:
    """Return a random stream of its own for these parts: the same parts, the same draws."""
    return Random("/".join(str(part) for part in parts))


def day_of(day: int) -> datetime:
    """Return midnight of the sandbox's day ``day``."""
    return DAY_ZERO + timedelta(days=day)


def share(total: int, scale: int, *, least: int) -> int:
    """Scale a dataset that is not the dossiers: mildly, so that small sandboxes keep their dirt."""
    factor: float = min(1.0, (scale / 200_000) ** 0.3)
    return max(least, round(total * factor))


if __name__ == "__main__":
    for number in range(3):
        sys.stdout.write(f"day {number}: {day_of(number):%Y-%m-%d}\n")
