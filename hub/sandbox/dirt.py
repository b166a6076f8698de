"""What a kind of dirt is. The kinds themselves are tables of data in ``dirt_*``.

Data flow: :data:`hub.sandbox.dirt_portal.KINDS` and its neighbours -> ``planting``. Each kind
cites the paragraph of the domain notes (``facts``) that says such dirt occurs, says whether it can
be repaired or the row must be rejected, and by which rule of the contract, and how many rows have
it: a number that does not depend on the sandbox's size (one row each below 1,000 dossiers).

Run it alone: ``python -m hub.sandbox.dirt`` lists every kind.

What does not belong here: rows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hub.sandbox.model import Cells, Outcome
from hub.sandbox.spoil import Spoil

Way = Literal[
    "cell",  # one cell, or a few, written differently
    "copy",  # the record once more
    "older",  # an older version of the record beside it
    "conflict",  # another record of the same key and time
    "flaw",  # the message as a file
]
Change = Callable[[Cells], Cells]
"""Cells of a clean record -> the cells that are to be written differently."""
Stored = Callable[[str | None], str | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dirt in one column of one dataset."""

    name: str
    column: str
    """Contract column; of a row rule, the column that was spoilt."""
    spoil: Spoil | None
    """How the column's cell is spoilt."""
    cites: str
    count: int = 1
    rule: str | None = None
    """Rule that rejects the row; without one the row is repaired."""
    stored: Stored | None = None
    """What the repaired column holds, from what it would hold of the clean cell; default: that."""
    change: Change | None = None
    """Instead of ``spoil``: cells to write; or for ``older`` and ``conflict`` what differs."""
    fits: Callable[[Cells], bool] | None = None
    """Which rows can carry it."""
    way: Way = "cell"
    empty: bool = False
    """Whether an empty cell may be spoilt too."""

    @property
    def outcome(self) -> Outcome:
        """Whether the row is loaded."""
        return "reject" if self.rule else "repair"


def cell_is(field: str, *values: str) -> Callable[[Cells], bool]:
    """Make a test: the cell is one of these."""
    return lambda cells: cells[field] in values


def has(*fields: str) -> Callable[[Cells], bool]:
    """Make a test: none of these cells is empty."""
    return lambda cells: all(cells[field] for field in fields)


def every() -> dict[str, tuple[Kind, ...]]:
    """Return all kinds by dataset."""
    from hub.sandbox import dirt_axis, dirt_catalog, dirt_portal  # noqa: PLC0415 - they import Kind

    return {**dirt_portal.KINDS, **dirt_axis.KINDS, **dirt_catalog.KINDS}


if __name__ == "__main__":
    for dataset, kinds in every().items():
        for kind in kinds:
            line = (dataset, kind.name, kind.column, kind.outcome, kind.rule or "", kind.cites)
            sys.stdout.write("  ".join(line) + f"  x{kind.count}\n")
