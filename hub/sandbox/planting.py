"""Put the dirt into the clean province, one kind to a row, and keep the ledger of it.

Run it alone: ``python -m hub.sandbox.planting`` prints the ledger's counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.sandbox.documents import Axis
from hub.sandbox.dossiers import Book
from hub.sandbox.model import Planted, Table, Truth


@dataclass(slots=True)
class Ledger:
    """What was planted, and what becomes of each spoilt dossier."""

    planted: dict[str, list[Planted]] = field(default_factory=dict)
    """Dataset -> its dirt."""
    fates: dict[int, Truth | None] = field(default_factory=dict)
    """Serial of a spoilt dossier -> what is stored of it; ``None`` if it is not loaded."""
    copies: set[int] = field(default_factory=set)
    """Serials of dossiers that are copies or superseded versions."""
    clean: set[int] = field(default_factory=set)
    """Serials of clean dossiers that dirt refers to: they must not change either."""

    @property
    def kept(self) -> frozenset[int]:
        """Serials that no day may change."""
        return frozenset(self.fates.keys() | self.copies | self.clean)


def plant(seed: int, scale: int, book: Book, axis: Axis, tables: dict[str, Table]) -> Ledger:
    """Spoil day 0."""
    del seed, scale, book, axis, tables
    return Ledger()


def plant_day(seed: int, scale: int, day: int, book: Book, ledger: Ledger, new: list[int]) -> None:
    """Spoil a few of a day's new dossiers."""
    del seed, scale, day, book, ledger, new
