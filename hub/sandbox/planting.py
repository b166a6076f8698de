"""Put the dirt into the clean province, one kind to a row, and keep the ledger of it.

Data flow: the tables of ``dirt_*`` -> rows that can carry a kind, in a random order of the seed's
own -> spoilt rows in their places (copies and twins at the end), and for each a
:class:`~hub.sandbox.model.Planted` in the :class:`Ledger` that ``truth`` reports. A row carries one
kind at most and no later day changes it, so what must become of it is never in doubt.

Run it alone: ``python -m hub.sandbox.planting`` prints how many rows each dataset's dirt has.

What does not belong here: the kinds of dirt, what spoils a cell.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from hub.sandbox.dirt import Kind, every
from hub.sandbox.documents import Axis
from hub.sandbox.dossiers import Book, Entry, decode, encode
from hub.sandbox.model import Cells, Planted, Row, Table, Truth, day_of, stream
from hub.sandbox.shapes import DOCUMENTS, DOSSIERS, SHAPES, STATUSES, Shape

Place = TypeVar("Place")

SMALL = 1_000
"""Below so many dossiers every kind has one row, so that most rows stay clean."""
CANDIDATES = 6_000
DAILY = ("double_blanks", "thirteenth_month")
"""Kinds that each further day's new dossiers carry once."""


SECRETS = (("Secret", "Mật"), ("Subject", "MẬT: "), ("SphereOfPromulgation", "TUYET MAT"))
"""Elements by which a document was, or may be, marked as a state secret, and what they say: such
a document must not travel on the axis at all (facts 2.6)."""


@dataclass(slots=True)
class Ledger:
    """What was planted, and what becomes of each spoilt dossier."""

    planted: dict[str, list[Planted]] = field(default_factory=dict)
    """Dataset -> its dirt."""
    fates: dict[int, Truth | None] = field(default_factory=dict)
    """Serial of a spoilt dossier -> what is stored of it; ``None`` if it is not loaded."""
    copies: set[int] = field(default_factory=set)
    """Serials of dossiers that are copies or older versions."""
    clean: set[int] = field(default_factory=set)
    """Serials of the clean dossiers that those are copies or versions of."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Id of a document that is marked as a state secret -> words of it that must be nowhere."""

    @property
    def kept(self) -> frozenset[int]:
        """Serials that no day may change."""
        return frozenset(self.fates.keys() | self.copies | self.clean)


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A spoilt record."""

    cells: Cells
    stored: Truth | None
    twin: Cells | None
    """The copy, the older version or the conflicting record beside it."""
    planted: Planted


def spoil(kind: Kind, shape: Shape, cells: Cells) -> Spoilt | None:
    """Spoil a clean record; return ``None`` if it cannot carry this kind."""
    if kind.fits and not kind.fits(cells):
        return None
    truth = shape.truth(cells)
    if kind.way == "cell":
        return _spoil_cells(kind, shape, cells, truth)
    twin = None
    if kind.way != "flaw":
        twin = cells | (kind.change(cells) if kind.change else {})
        if kind.change and twin == cells:
            return None
    key: Truth = {column: truth[column] for column in shape.key}
    planted = Planted(
        kind.name,
        kind.cites,
        kind.outcome,
        key,
        kind.column if kind.rule else "",
        None,
        kind.rule,
    )
    return Spoilt(cells, truth if kind.outcome == "repair" else None, twin, planted)


def _spoil_cells(kind: Kind, shape: Shape, cells: Cells, truth: Truth) -> Spoilt | None:
    """Write one cell, or a few, differently."""
    if kind.change:
        written = kind.change(cells)
    else:
        name = shape.field_of(kind.column)
        if not kind.spoil or not (cells[name] or kind.empty):
            return None
        written = {name: kind.spoil(cells[name])}
    dirty = cells | written
    if dirty == cells:
        return None
    stored = dict(truth)
    if kind.stored:
        stored[kind.column] = kind.stored(truth[kind.column])
    key: Truth = {column: stored[column] for column in shape.key}
    expected = None
    if kind.rule is None:
        expected = stored[kind.column]
    elif kind.column in key:
        text = dirty[shape.field_of(kind.column)]
        key[kind.column] = None if kind.rule.endswith(".required") else text
    planted = Planted(kind.name, kind.cites, kind.outcome, key, kind.column, expected, kind.rule)
    return Spoilt(dirty, None if kind.rule else stored, None, planted)


def plant(seed: int, scale: int, book: Book, axis: Axis, tables: dict[str, Table]) -> Ledger:
    """Spoil day 0 and return the ledger.

    Raises:
        RuntimeError: The sandbox is too small: no row can carry some kind.
    """
    ledger = Ledger()
    for name, kinds in every().items():
        rng = stream(seed, scale, "dirt", name)
        if name == DOSSIERS.name:
            count = len(book.entries)
            order = rng.sample(range(count), min(count, CANDIDATES))
            _plant_dossiers(_wanted(kinds, scale), [book.entries[i] for i in order], book, ledger)
        elif name in (DOCUMENTS.name, STATUSES.name):
            order = rng.sample(range(len(axis.messages)), len(axis.messages))
            _plant_messages(_wanted(kinds, scale), order, axis, SHAPES[name], ledger)
        else:
            order = rng.sample(range(len(tables[name].rows)), len(tables[name].rows))
            _plant_table(_wanted(kinds, scale), order, tables[name], ledger)
    _plant_secrets(stream(seed, scale, "secrets"), axis, ledger)
    return ledger


def plant_day(seed: int, scale: int, day: int, book: Book, ledger: Ledger) -> int:
    """Spoil two of a day's new dossiers; return how many of them must be rejected."""
    kinds = {kind.name: kind for kind in every()[DOSSIERS.name]}
    stamp = f"{day_of(day):%Y%m%d}"
    low, high = book.window(f"{stamp}000000", f"{stamp}999999")
    fresh = [
        entry
        for entry in book.entries[low:high]
        if decode(entry)["NgayNopHoSo"].startswith(stamp) and entry[2] not in ledger.kept
    ]
    stream(seed, scale, "dirt", DOSSIERS.name, day).shuffle(fresh)
    chosen = [kinds[name] for name in DAILY]
    _plant_dossiers(chosen, fresh, book, ledger)
    return sum(kind.outcome == "reject" for kind in chosen)


def _wanted(kinds: Iterable[Kind], scale: int) -> Iterator[Kind]:
    """Yield each kind as often as it is to be planted, the choosy ones first."""
    for kind in sorted(kinds, key=lambda kind: kind.fits is None):
        for _ in range(1 if scale < SMALL else kind.count):
            yield kind


def _take(
    kind: Kind, shape: Shape, places: list[Place], read: Callable[[Place], Cells]
) -> tuple[Place, Spoilt]:
    """Take the first place whose record can carry a kind out of the list, and spoil the record."""
    for index, place in enumerate(places):
        spoilt = spoil(kind, shape, read(place))
        if spoilt:
            del places[index]
            return place, spoilt
    msg = f"no row of {shape.name} can carry {kind.name}: the sandbox is too small"
    raise RuntimeError(msg)


def _plant_dossiers(
    kinds: Iterable[Kind], candidates: list[Entry], book: Book, ledger: Ledger
) -> None:
    gone: set[int] = set()
    added: list[Entry] = []
    planted = ledger.planted.setdefault(DOSSIERS.name, [])
    for kind in kinds:
        entry, spoilt = _take(kind, DOSSIERS, candidates, decode)
        planted.append(spoilt.planted)
        stamp, number, serial, _ = entry
        if kind.way == "cell":
            gone.add(serial)
            added.append((stamp, number, serial, encode(spoilt.cells)))
            ledger.fates[serial] = spoilt.stored
            continue
        if spoilt.twin is None:
            continue
        twin = book.serial()
        added.append((spoilt.twin["NgayCapNhat"], number, twin, encode(spoilt.twin)))
        if kind.way == "conflict":
            ledger.fates[serial] = ledger.fates[twin] = None
            planted.append(spoilt.planted)
        else:
            ledger.copies.add(twin)
            ledger.clean.add(serial)
    book.settle(gone, added)


def _plant_messages(
    kinds: Iterable[Kind], order: list[int], axis: Axis, shape: Shape, ledger: Ledger
) -> None:
    wanted = "edoc" if shape is DOCUMENTS else "status"
    places = [message for message in (axis.messages[i] for i in order) if message.kind == wanted]
    planted = ledger.planted.setdefault(shape.name, [])
    for kind in kinds:
        message, spoilt = _take(kind, shape, places, lambda message: message.cells)
        planted.append(spoilt.planted)
        message.dirt = spoilt.planted
        message.stored = spoilt.stored
        if kind.way == "flaw":
            message.flaw = kind.name.removeprefix("status_")
        else:
            message.fields = {name: spoilt.cells[name] for name in message.fields}


def _plant_secrets(rng: Random, axis: Axis, ledger: Ledger) -> None:
    """Mark a few clean documents, and put words into each that can be searched for."""
    clean = [m for m in axis.messages if m.kind == "edoc" and m.plain]
    for mark, message in zip(SECRETS, rng.sample(clean, len(SECRETS)), strict=True):
        words = f"mật danh {rng.randrange(10**9):09d}"
        message.secret = mark
        before = mark[1] if mark[0] == "Subject" else ""
        subject = f"{before}{message.fields['subject']}, {words}"
        message.fields = message.fields | {"subject": subject}
        ledger.secrets[message.doc_id] = words


def _plant_table(kinds: Iterable[Kind], order: list[int], table: Table, ledger: Ledger) -> None:
    planted = ledger.planted.setdefault(table.name, [])
    twins: list[Row] = []
    rows = table.rows
    for kind in kinds:
        place, spoilt = _take(kind, SHAPES[table.name], order, lambda place: rows[place].cells)
        planted.append(spoilt.planted)
        rows[place] = Row(spoilt.cells, spoilt.stored, spoilt.planted)
        if spoilt.twin is not None:
            if kind.way == "conflict":
                planted.append(spoilt.planted)
            twins.append(Row(spoilt.twin, None, spoilt.planted, copy=kind.way != "conflict"))
    rows += twins


def main() -> None:
    """Print how many rows each dataset's dirt has."""
    for name, kinds in every().items():
        repaired = sum(kind.count for kind in kinds if kind.outcome == "repair")
        rejected = sum(kind.count for kind in kinds if kind.outcome == "reject")
        sys.stdout.write(f"{name}: {len(kinds)} kinds, {repaired} repaired, {rejected} rejected\n")


if __name__ == "__main__":
    main()
