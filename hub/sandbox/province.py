"""The whole province on one day, and its way to the next.

Data flow: seed and scale -> every dataset as of day 0, with its dirt -> :meth:`Province.move`
brings it to day N by living through each day between. The same seed, scale and day always give the
same bytes, and a record that no day touched keeps its bytes. The apps read from here at each
request, so moving a running province is seen at once; moving back means living it again from the
start.

Run it alone: ``python -m hub.sandbox.province`` prints sizes and changes of three days.

What does not belong here: HTTP, what a record looks like.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from hub.sandbox import catalogs, crops, packages, planting, procedures
from hub.sandbox.documents import Axis
from hub.sandbox.dossiers import Book
from hub.sandbox.model import Row, Table, stream
from hub.sandbox.shapes import (
    CROPS,
    DOCUMENTS,
    DOSSIERS,
    HERITAGE,
    OFFICERS,
    ORGANIC,
    PACKAGES,
    PRICES,
    PROCEDURES,
    SHAPES,
    STATUSES,
    TOURISM,
)

ADVANCES = {
    PROCEDURES.name: procedures.advance,
    CROPS.name: crops.advance_harvests,
    ORGANIC.name: crops.advance_organic,
    PRICES.name: catalogs.advance_prices,
    TOURISM.name: catalogs.advance_tourism,
    OFFICERS.name: catalogs.advance_officers,
    PACKAGES.name: packages.advance,
}
"""Heritage is missing on purpose: a dataset that never changes shows what costs nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the last day did to a dataset, counted in records."""

    new: int = 0
    changed: int = 0
    deleted: int = 0
    rejected: int = 0
    """Of the new ones, those that must be rejected."""


class Province:
    """Every dataset of the sandbox."""

    book: Book
    axis: Axis
    tables: dict[str, Table]
    ledger: planting.Ledger

    def __init__(self, seed: int, scale: int, day: int = 0) -> None:
        """Build day 0 and move to ``day``."""
        self.seed = seed
        self.scale = scale
        self.day = 0
        self.changes: dict[str, Change] = {}
        self._begin()
        self.move(day)

    def move(self, day: int) -> None:
        """Be the province of that day.

        Raises:
            ValueError: The day lies before day 0.
        """
        if day < 0:
            msg = "the sandbox begins on day 0"
            raise ValueError(msg)
        if day < self.day:
            self._begin()
        while self.day < day:
            self.day += 1
            self._advance()

    def withdraw(self, count: int) -> list[str]:
        """Delete clean dossiers without notice, as a clerk does; return their numbers."""
        rng = stream(self.seed, self.scale, "withdraw", self.day, len(self.book.entries))
        kept = self.ledger.kept
        places = rng.sample(range(len(self.book.entries)), len(self.book.entries))
        chosen = [e for e in (self.book.entries[i] for i in places) if e[2] not in kept][:count]
        self.book.settle({serial for _, _, serial, _ in chosen}, [])
        return sorted(number for _, number, _, _ in chosen)

    def _begin(self) -> None:
        """Make day 0: clean first, then spoilt."""
        seed, scale = self.seed, self.scale
        self.day = 0
        self.changes = {}
        listed = procedures.build(seed, scale)
        made = [
            listed,
            crops.harvests(seed, scale),
            crops.organic(seed, scale),
            *(build(seed, scale) for build in catalogs.BUILDERS),
            packages.build(seed, scale),
        ]
        self.tables = {table.name: table for table in made}
        self.book = Book(seed, scale, procedures.catalog(listed, scale))
        self.axis = Axis(seed, scale)
        self.ledger = planting.plant(seed, scale, self.book, self.axis, self.tables)

    def _advance(self) -> None:
        """Live one day."""
        seed, scale, day = self.seed, self.scale, self.day
        for name, advance in ADVANCES.items():
            table = self.tables[name]
            before = _by_identity(table)
            advance(table, seed, scale, day)
            self.changes[name] = _compare(before, _by_identity(table))
        new, changed = self.book.advance(day, self.ledger.kept)
        spoilt = planting.plant_day(seed, scale, day, self.book, self.ledger)
        self.changes[DOSSIERS.name] = Change(len(new), len(changed), rejected=spoilt)
        fresh, touched = self.axis.advance(day)
        edocs = {message.doc_id for message in self.axis.messages if message.kind == "edoc"}
        for shape, edoc in ((DOCUMENTS, True), (STATUSES, False)):
            self.changes[shape.name] = Change(
                sum((doc_id in edocs) is edoc for doc_id in fresh),
                sum((doc_id in edocs) is edoc for doc_id in touched),
            )
        self.changes[HERITAGE.name] = Change()


def _by_identity(table: Table) -> dict[tuple[str, ...], Row]:
    """Index the rows that a day may touch by their key."""
    shape = SHAPES[table.name]
    fields = [shape.field_of(column) for column in shape.key]
    return {tuple(row.cells[name] for name in fields): row for row in table.rows if row.plain}


def _compare(before: dict[tuple[str, ...], Row], after: dict[tuple[str, ...], Row]) -> Change:
    return Change(
        len(after.keys() - before.keys()),
        sum(before[key].cells != after[key].cells for key in after.keys() & before.keys()),
        len(before.keys() - after.keys()),
    )


if __name__ == "__main__":
    province = Province(1, 2_000)
    for number in range(3):
        province.move(number)
        sys.stdout.write(
            f"day {number}: {len(province.book.entries)} dossiers {province.changes}\n"
        )
