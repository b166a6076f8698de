"""Lists in which rows share a key: a portal sends some dossiers twice, alike or contradicting."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.errors import HubError, ProviderError
from sources.paging import Page
from sources.record_keys import Keys
from tests.sources.lists import KIND, Change, Moving, answer


@dataclass
class Doubled(Moving):
    """Rows are numbers: the tens are the key. ``50, 50`` are copies, ``50, 51`` twins."""

    def move(self) -> None:
        for comes, where in self.changes.pop(0) if self.asked and self.changes else []:
            place = int(where * len(self.held))
            if not comes:
                if self.held:
                    self.stayed.discard(self.held.pop(min(place, len(self.held) - 1)))
                continue
            while 0 < place < len(self.held) and self.key(place - 1) == self.key(place):
                place += 1  # a row that comes does not stand between those of another key
            self.held.insert(place, self.fresh * 10)
            self.ever.add(self.fresh * 10)
            self.fresh += 1
        self.asked += 1

    def key(self, place: int) -> int:
        return self.held[place] // 10

    def page(self, number: int, ids: Iterable[int], outer: dict[str, Any] | None = None) -> Page:
        del outer
        records = [
            msgspec.Raw(json.dumps({"id": row // 10, "x": row % 10}).encode()) for row in ids
        ]
        return Page(number, records, len(self.held) if self.counts else None, answer())

    def land(self, _: Page, records: list[msgspec.Raw]) -> None:
        for record in records:
            row = json.loads(bytes(record))
            self.landed.append(row["id"] * 10 + row["x"])

    def require_whole(self) -> None:
        assert self.stayed <= set(self.landed) <= self.ever


doubles = st.lists(st.sampled_from([(0,), (0, 0), (0, 1)]), max_size=60)
changes = st.lists(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=4), max_size=20)
NUMBERED = {"kind": "page", "key": "id", "copies": True}
BY_OFFSET = {"kind": "offset", "key": "id", "copies": True}


def rows(shapes: list[tuple[int, ...]]) -> list[int]:
    return [number * 10 + rest for number, shape in enumerate(shapes) for rest in shape]


@settings(max_examples=600, deadline=None)
@given(
    shapes=doubles, size=st.integers(2, 9), cap=st.integers(1, 9), moves=changes,
    counts=st.booleans(),
)  # fmt: skip
def test_offsets_with_copies_survive_any_change(
    shapes: list[tuple[int, ...]], size: int, cap: int, moves: list[list[Change]], *, counts: bool
) -> None:
    source = Doubled(rows(shapes), list(moves), cap, counts)
    try:
        source.read({**BY_OFFSET, "page_size": size}, source.by_offset)
    except HubError:
        return
    source.require_whole()


@settings(max_examples=400, deadline=None)
@given(
    shapes=doubles, size=st.integers(20, 30), cap=st.integers(1, 40), moves=changes,
    counts=st.booleans(),
)  # fmt: skip
def test_numbered_pages_with_copies_survive_any_change(
    shapes: list[tuple[int, ...]], size: int, cap: int, moves: list[list[Change]], *, counts: bool
) -> None:
    source = Doubled(rows(shapes), list(moves), cap, counts)
    try:
        source.read({**NUMBERED, "page_size": size}, source.by_number)
    except HubError:
        return
    source.require_whole()


@settings(max_examples=200, deadline=None)
@given(shapes=doubles, size=st.integers(20, 40), cap=st.integers(12, 50), counts=st.booleans())
@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_list_that_stands_still_is_read_row_by_row(
    kind: str, shapes: list[tuple[int, ...]], size: int, cap: int, *, counts: bool
) -> None:
    held = rows(shapes)
    source = Doubled(list(held), cap=cap, counts=counts)
    ask = source.by_offset if kind == "offset" else source.by_number
    source.read({"kind": kind, "key": "id", "copies": True, "page_size": size}, ask)
    assert source.landed == held


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_single_change_anywhere_is_no_error(kind: str, *, counts: bool) -> None:
    """One row that comes or goes is no reason to refuse a list, twins at every edge included."""
    held = [number * 10 + twin for number in range(30) for twin in (0, 1)]
    for comes in (True, False):
        for place in range(61):
            source = Doubled(list(held), [[(comes, place / 61)]], counts=counts)
            ask = source.by_offset if kind == "offset" else source.by_number
            source.read({"kind": kind, "key": "id", "copies": True, "page_size": 21}, ask)
            source.require_whole()


def test_rows_of_one_key_that_stand_apart_are_no_copies() -> None:
    records = [msgspec.Raw(b'{"id":%d}' % number) for number in (1, 2, 1)]
    with pytest.raises(ProviderError, match="do not stand side by side"):
        Keys("id", copies=True).of(records)
    with pytest.raises(ProviderError, match="is no key"):
        Keys("id").of([records[0], records[0]])


def test_copies_need_a_key() -> None:
    with pytest.raises(ValidationError, match="`copies` needs `key`"):
        KIND.validate_python({"kind": "page", "stands_still": True, "copies": True})
