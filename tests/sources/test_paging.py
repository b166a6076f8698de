"""Lists that move while they are read: every row that stays comes once, or a typed error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.errors import HubError, ProviderError, TransientError
from sources.overlap import Numbers
from sources.paging import Page
from sources.paging_kinds import Step
from tests.sources.lists import KIND, Change, Moving

OFFSET = {"kind": "offset", "key": "id"}
PAGE = {"kind": "page", "key": "id"}
changes = st.lists(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=4), max_size=20)


@settings(max_examples=400, deadline=None)
@given(
    count=st.integers(0, 40),
    size=st.integers(2, 9),
    cap=st.integers(1, 9),
    moves=changes,
    counts=st.booleans(),
)
def test_offsets_with_a_key_survive_any_change(
    count: int, size: int, cap: int, moves: list[list[Change]], *, counts: bool
) -> None:
    source = Moving(list(range(count)), list(moves), cap, counts)
    try:
        source.read({**OFFSET, "page_size": size}, source.by_offset)
    except HubError:
        return
    source.require_whole()


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(0, 150),
    size=st.integers(20, 30),
    cap=st.integers(1, 40),
    moves=changes,
    counts=st.booleans(),
)
def test_numbered_pages_with_a_key_survive_any_change(
    count: int, size: int, cap: int, moves: list[list[Change]], *, counts: bool
) -> None:
    source = Moving(list(range(count)), list(moves), cap, counts)
    try:
        source.read({**PAGE, "page_size": size}, source.by_number)
    except HubError:
        return
    source.require_whole()


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(0, 30), size=st.integers(1, 6), moves=changes, counts=st.booleans(),
    kind=st.sampled_from(["keyset", "token"]),
)  # fmt: skip
def test_places_in_the_list_survive_any_change(
    count: int, size: int, moves: list[list[Change]], kind: str, *, counts: bool
) -> None:
    source = Moving(list(range(count)), list(moves), counts=counts)
    kinds = {
        "keyset": {"kind": "keyset", "parameter": "after", "field": "id"},
        "token": {"kind": "token", "parameter": "after", "path": "next", "key": "id"},
    }
    try:
        source.read(kinds[kind], source.behind(size))
    except HubError:
        assert kind == "token" or counts  # a count may contradict what came, and both be right
        return
    source.require_whole()


@settings(max_examples=150, deadline=None)
@given(count=st.integers(0, 60), size=st.integers(1, 9), cap=st.integers(1, 9))
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_list_that_stands_still_is_read_whole(
    kind: str, count: int, size: int, cap: int, *, counts: bool
) -> None:
    source = Moving(list(range(count)), cap=cap, counts=counts)
    ask = source.by_offset if kind == "offset" else source.by_number
    source.read({"kind": kind, "stands_still": True, "page_size": max(size, 2)}, ask)
    assert source.landed == list(range(count))


@settings(max_examples=150, deadline=None)
@given(count=st.integers(0, 400), size=st.integers(20, 40), cap=st.integers(12, 50))
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_key_costs_a_still_list_nothing_but_some_requests(
    kind: str, count: int, size: int, cap: int, *, counts: bool
) -> None:
    source = Moving(list(range(count)), cap=cap, counts=counts)
    ask = source.by_offset if kind == "offset" else source.by_number
    source.read({"kind": kind, "key": "id", "page_size": size}, ask)
    assert source.landed == list(range(count))
    assert source.asked <= 3 + 2 * (count // min(size, cap))


def test_a_tiny_page_that_changes_behind_an_unchanged_total_is_not_the_whole() -> None:
    """As many rows came as the list claims, though one of them is gone and another was not read."""
    source = Moving([1, 2, 3, 4], [[(False, 0.0)], [(True, 0.0)]], cap=3)
    with pytest.raises(ProviderError, match="beyond row 20"):
        source.read({**PAGE, "page_size": 20}, source.by_number)


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_single_change_anywhere_is_no_error(kind: str, *, counts: bool) -> None:
    """The properties above allow a refusal; one row that comes or goes is no reason for one."""
    for comes in (True, False):
        for place in range(61):
            for request in range(5):
                still: list[list[Change]] = [[(comes, place / 61)]]
                source = Moving(list(range(61)), counts=counts)
                asked = source.by_offset if kind == "offset" else source.by_number

                def ask(
                    step: Step, source: Moving = source, asked: Callable[[Step], Page] = asked,
                    request: int = request, still: list[list[Change]] = still,
                ) -> Page:  # fmt: skip
                    if source.asked == request + 1:
                        source.changes += still
                        still.clear()
                    return asked(step)

                source.read({"kind": kind, "key": "id", "page_size": 20}, ask)
                source.require_whole()


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize(("kind", "size"), [("offset", 5), ("page", 20)])
def test_rows_that_leave_in_number_pass_none_over(kind: str, size: int, *, counts: bool) -> None:
    """As many rows in front of the place go as a page holds: stepping back finds the others."""
    for gone in range(1, 2 * size):
        moves: list[Change] = [(False, 0.0)] * gone
        source = Moving(list(range(8 * size)), [[], moves], counts=counts)
        ask = source.by_offset if kind == "offset" else source.by_number
        source.read({"kind": kind, "key": "id", "page_size": size}, ask)
        source.require_whole()


def test_a_list_of_a_few_rows_may_move_too() -> None:
    """What lay behind the first row is in front of its place when the next answer is cut."""
    source = Moving([0, 1, 2], [[(False, 0.0), (False, 0.0)]], cap=1, counts=False)
    source.read({**OFFSET, "page_size": 2}, source.by_offset)
    assert source.landed == [0, 2]


def test_rows_added_in_front_come_in_a_second_pass() -> None:
    source = Moving(list(range(20)), [[(True, 0.0)] * 3])
    source.read({**OFFSET, "page_size": 5}, source.by_offset)
    assert sorted(source.landed) == sorted(source.held)


def test_a_source_that_hides_rows_of_a_page_is_read_to_its_end() -> None:
    """Some take rows that a reader may not see out of a page after cutting it."""
    source = Moving(list(range(40)), counts=False)

    def ask(step: Step) -> Page:
        start, size = int(step.params["offset"]), int(step.params["limit"])
        return source.page(
            step.number, [n for n in source.held[start : start + size] if n % 9 != 4]
        )

    source.read({**OFFSET, "page_size": 4}, ask)
    assert source.landed == [n for n in range(40) if n % 9 != 4]


def test_rows_that_leave_are_noticed_behind_an_unchanged_total() -> None:
    """The case that counting cannot see: one row goes, another comes, a third is passed over."""
    source = Moving([1, 2, 3, 4, 5, 6])
    plain = Moving([1, 2, 3, 4, 5, 6])

    def swap(of: Moving, step: Step) -> Page:
        if of.asked == 1:
            of.held = [2, 3, 4, 5, 6, 7]
            of.stayed, of.ever = {2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6, 7}
        return of.by_offset(step)

    plain.read(
        {"kind": "offset", "stands_still": True, "page_size": 2}, lambda step: swap(plain, step)
    )
    assert 3 not in plain.landed  # what a definition risks that promises too much
    source.read({**OFFSET, "page_size": 2}, lambda step: swap(source, step))
    source.require_whole()
    assert source.landed.count(3) == 1


@pytest.mark.parametrize("comes", [True, False])
def test_a_list_that_should_stand_still_and_moves_is_refused(*, comes: bool) -> None:
    source = Moving(list(range(9)), [[(comes, 0.0)]])
    with pytest.raises(TransientError, match="list went from 9 to"):
        source.read({"kind": "offset", "stands_still": True, "page_size": 2}, source.by_offset)


@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_source_that_ignores_the_place_is_caught_by_its_keys(kind: str) -> None:
    source = Moving(list(range(100)), counts=False)
    with pytest.raises(ProviderError, match=r"repeats itself|not heed the page size"):
        source.read(
            {"kind": kind, "key": "id", "page_size": 20},
            lambda step: source.page(step.number, range(20)),
        )


def test_a_source_that_changes_the_page_size_by_itself_is_caught() -> None:
    """It knows 20 and takes 10 for any other: some pages would be too short, and seem the last."""
    source = Moving(list(range(100)), counts=False)

    def ask(step: Step) -> Page:
        size = 20 if step.params["pageSize"] == 20 else 10
        start = (int(step.params["page"]) - 1) * size
        return source.page(step.number, source.held[start : start + size])

    with pytest.raises(ProviderError, match="page size"):
        source.read({**PAGE, "page_size": 20}, ask)


@pytest.mark.parametrize("size", range(12, 60))
def test_numbered_pages_can_overlap_everywhere(size: int) -> None:
    for start in range(1, 4000, 7):
        found = Numbers.fit(start, size)
        assert found.start % found.size == 0
        assert found.size <= size
        assert found.start <= start
        assert found.start + found.size > start + 1


def test_a_key_that_is_none_is_refused() -> None:
    source = Moving([1, 1, 2])
    with pytest.raises(ProviderError, match="`id` is no key") as caught:
        source.read({**OFFSET, "page_size": 5}, source.by_offset)
    assert caught.value.where == "thu page 1"
    with pytest.raises(ProviderError, match="a row has no `nowhere"):
        source.read({**OFFSET, "key": "nowhere.at"}, source.by_offset)


def test_a_keyset_from_a_list_in_no_order_is_refused() -> None:
    source = Moving([3, 1, 2])
    with pytest.raises(ProviderError, match="not sorted by `id`"):
        source.read(
            {"kind": "keyset", "field": "id"}, lambda step: source.page(step.number, [3, 1, 2])
        )


def test_a_keyset_source_that_ignores_the_place_is_caught() -> None:
    source = Moving([1, 2, 3], counts=False)
    with pytest.raises(ProviderError, match="repeats itself"):
        source.read(
            {"kind": "keyset", "field": "id"}, lambda step: source.page(step.number, [1, 2, 3])
        )


def test_a_keyset_source_that_means_from_is_read_whole() -> None:
    source = Moving(list(range(10)))

    def ask(step: Step) -> Page:
        last = int(step.params.get("lastId", 0))
        return source.page(step.number, [id_ for id_ in source.held if id_ >= last][:3])

    source.read({"kind": "keyset", "field": "id"}, ask)
    assert source.landed == list(range(10))


def test_a_cursor_seen_before_is_a_loop() -> None:
    source = Moving([1], counts=False)
    ids = iter(range(99))
    tokens = iter(["a", "b", "c", "a", "b"])
    with pytest.raises(ProviderError, match="repeats itself") as caught:
        source.read(
            {"kind": "token", "parameter": "t", "path": "next"},
            lambda step: source.page(step.number, [next(ids)], {"next": next(tokens)}),
        )
    assert caught.value.where == "thu page 4"


@pytest.mark.parametrize("bad", [[], {}, True, 1.5])
def test_a_cursor_that_is_none_is_named(bad: object) -> None:
    source = Moving([1])
    with pytest.raises(ProviderError, match="`next` should lead to the next page"):
        source.read(
            {"kind": "token", "parameter": "t", "path": "next"},
            lambda step: source.page(step.number, [1], {"next": bad}),
        )


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ({"kind": "offset"}, "say `key`"),
        ({"kind": "page", "key": "id", "stands_still": True}, "say `key`"),
        ({"kind": "page", "key": "id", "page_size": 10}, "`page_size` of 20 or more"),
        ({"kind": "page", "key": "id", "size_parameter": None}, "needs `size_parameter`"),
        ({"kind": "guess"}, "does not match any"),
        ({}, "discriminator"),
    ],
)
def test_a_paging_that_is_not_said_is_refused(kind: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        KIND.validate_python(kind)
