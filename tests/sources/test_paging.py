"""Lists that move while they are read: every row that stays comes once, or a typed error."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hub.errors import HubError, ProviderError, TransientError
from sources.date_windows import DateWindows, ListOfWindows, Span
from sources.links import target
from sources.overlap import Numbers
from sources.paging import Kept, Page
from sources.paging_kinds import ListPaging, Step, Walk
from sources.record_keys import Field, Keys, tag
from sources.transport import Answer

KIND: TypeAdapter[Any] = TypeAdapter(ListPaging)
Change = tuple[bool, float]


def answer(**headers: str) -> Answer:
    return Answer(200, b"", "http://a/rows", "http://a/rows", "", "", headers, None, None, None)


@dataclass
class Moving:
    """A list in which rows come and go before each request but the first."""

    held: list[int]
    changes: list[list[Change]] = field(default_factory=list)
    cap: int = 1000
    counts: bool = True
    asked: int = 0
    landed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:  # noqa: D105 - two sets follow from the list
        self.stayed = set(self.held)
        self.ever = set(self.held)
        self.fresh = 10_000

    def move(self) -> None:
        """Make the next changes."""
        for comes, where in self.changes.pop(0) if self.asked and self.changes else []:
            place = int(where * len(self.held))
            if comes:
                self.held.insert(place, self.fresh)
                self.ever.add(self.fresh)
                self.fresh += 1
            elif self.held:
                self.stayed.discard(self.held.pop(min(place, len(self.held) - 1)))
        self.asked += 1

    def page(self, number: int, ids: Iterable[int], outer: dict[str, Any] | None = None) -> Page:
        records = [msgspec.Raw(json.dumps({"id": id_, "x": "a"}).encode()) for id_ in ids]
        total = len(self.held) if self.counts else None
        raw = (
            {name: msgspec.Raw(json.dumps(value).encode()) for name, value in outer.items()}
            if outer
            else {}
        )
        return Page(number, records, total, answer(), raw)

    def by_offset(self, step: Step) -> Page:
        self.move()
        start, size = int(step.params["offset"]), min(int(step.params["limit"]), self.cap)
        return self.page(step.number, self.held[start : start + size])

    def by_number(self, step: Step) -> Page:
        self.move()
        size = min(int(step.params["pageSize"]), self.cap)
        start = (int(step.params["page"]) - 1) * size
        return self.page(step.number, self.held[start : start + size])

    def behind(self, size: int) -> Callable[[Step], Page]:
        """Return an ask that answers rows whose id is greater, sorted, with a cursor."""

        def ask(step: Step) -> Page:
            self.move()
            last = int(step.params.get("after", -1))
            ids = sorted(id_ for id_ in self.held if id_ > last)[:size]
            return self.page(step.number, ids, {"next": str(ids[-1]) if ids else None})

        return ask

    def read(self, kind: dict[str, Any], ask: Callable[[Step], Page], most: int = 300) -> Kept:
        paging = KIND.validate_python(kind)
        kept = Kept("thu", most, self.land, paging.keys())
        paging.read(Walk(ask, kept, one_by_one))
        kept.finish()
        return kept

    def land(self, _: Page, records: list[msgspec.Raw]) -> None:
        self.landed += [json.loads(bytes(record))["id"] for record in records]

    def require_whole(self) -> None:
        assert len(self.landed) == len(set(self.landed))
        assert self.stayed <= set(self.landed) <= self.ever


def one_by_one(ask: Callable[[Any], Any], items: Iterable[Any], keep: Callable[[Any], Any]) -> None:
    for item in items:
        keep(ask(item))


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


@dataclass
class Archive:
    """A source that gives at most so many rows of a window, and says so or refuses it."""

    times: list[datetime]
    cap: int
    included: bool

    def __post_init__(self) -> None:  # noqa: D105 - it begins empty
        self.landed: list[str] = []
        self.asked: list[tuple[datetime, datetime]] = []

    def open(self, span: Span, last: datetime) -> tuple[Kept, Callable[[Step], Page]]:
        def ask(step: Step) -> Page:
            self.asked.append((span.start, last))
            found = [
                index
                for index, time in enumerate(self.times)
                if span.start <= time < last or (self.included and time == last)
            ]
            records = [msgspec.Raw(json.dumps({"id": str(index)}).encode()) for index in found]
            return Page(step.number, records[: self.cap], None, answer())

        return Kept("thu", 99, self.land), ask

    def land(self, _: Page, records: list[msgspec.Raw]) -> None:
        self.landed += [json.loads(bytes(record))["id"] for record in records]


NOW = datetime(2026, 3, 1, 8, 30)  # noqa: DTZ001 - Vietnam time


def windows(**more: Any) -> DateWindows:
    fixed = {"kind": "date_windows", "start": date(2026, 1, 1), "step": "second"}
    return DateWindows.model_validate({**fixed, "until_included": False, "days": 20, **more})


@settings(max_examples=150, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 59 * 24 * 3600), max_size=40, unique=True),
    cap=st.integers(2, 9),
    included=st.booleans(),
)
def test_windows_split_until_each_row_came_once(
    seconds: list[int], cap: int, *, included: bool
) -> None:
    first = datetime(2026, 1, 1)  # noqa: DTZ001 - Vietnam time
    archive = Archive([first + timedelta(seconds=s) for s in seconds], cap, included)
    paging = windows(cap=cap, until_included=included)
    paging.read(ListOfWindows("thu", archive.open, one_by_one), paging.spans(None, None, NOW))
    assert sorted(archive.landed, key=int) == [str(index) for index in range(len(seconds))]


@settings(max_examples=150, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 59 * 24 * 3600), min_size=1, max_size=30, unique=True),
    cap=st.integers(2, 6),
    touched=st.lists(st.integers(0, 29), max_size=30),
)
def test_rows_that_change_while_windows_are_read_are_not_lost(
    seconds: list[int], cap: int, touched: list[int]
) -> None:
    first = datetime(2026, 1, 1)  # noqa: DTZ001 - Vietnam time
    archive = Archive([first + timedelta(seconds=s) for s in seconds], cap, included=False)
    changed: set[str] = set()

    def opened(span: Span, last: datetime) -> tuple[Kept, Callable[[Step], Page]]:
        if touched:
            index = touched.pop() % len(seconds)
            changed.add(str(index))
            archive.times[index] = NOW + timedelta(seconds=len(archive.asked) + 1)
        return archive.open(span, last)

    paging = windows(cap=cap)
    paging.read(ListOfWindows("thu", opened, one_by_one), paging.spans(None, None, NOW))
    every = {str(index) for index in range(len(seconds))}
    assert set(archive.landed) == every
    assert all(archive.landed.count(id_) == 1 for id_ in every - changed)


def test_a_window_that_cannot_split_further_is_named() -> None:
    archive = Archive([datetime(2026, 1, 5, 7)] * 9, 5, included=False)  # noqa: DTZ001 - Vietnam time
    paging = windows(cap=5, step="hour")
    with pytest.raises(ProviderError, match="one hour from 2026-01-05 07:00:00 is still too large"):
        paging.read(ListOfWindows("thu", archive.open, one_by_one), paging.spans(None, None, NOW))


def test_windows_cover_what_was_asked_for_and_no_gap() -> None:
    spans = windows(step="day").spans(None, None, NOW)
    assert [span.start for span in spans[1:]] == [span.end for span in spans[:-1]]
    assert (spans[0].start, spans[-1].end) == (datetime(2026, 1, 1), datetime(2026, 3, 3))  # noqa: DTZ001 - Vietnam time
    since, until = datetime(2026, 2, 1, 13, 7), datetime(2026, 2, 2)  # noqa: DTZ001 - Vietnam time
    (span,) = windows(step="day").spans(since, until, NOW)
    assert (span.start, span.end) == (datetime(2026, 2, 1), datetime(2026, 2, 2))  # noqa: DTZ001 - Vietnam time


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("</a?p=2>; rel=next", "/a?p=2"),
        ('<b>; rel="prev", <c,d>; title="x, <y>; rel=next"; rel="NEXT last"', "c,d"),
        ('<a>;rel="prev" , <b> ; Rel = "next"', "b"),
        ('<a>; rel="prev"; rel="next"', None),
        ('<a>; rel=next; anchor="#x"', None),
        ("<a>", None),
        ("rel=next", None),
        ("", None),
    ],
)
def test_the_link_header_is_read_as_the_rfc_says(header: str, wanted: str | None) -> None:
    assert target(header) == wanted


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='<>;=," \\relnxt', max_size=200))
def test_no_link_header_hangs_or_crashes(header: str) -> None:
    found = target(header)
    assert found is None or found in header


values = st.text(max_size=8) | st.integers()
names = st.text(
    st.characters(exclude_characters='"\\', exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(values, st.text(max_size=5)), max_size=8))
def test_a_field_is_read_by_its_bytes(pairs: list[tuple[str | int, str]]) -> None:
    records = [json.dumps({"z": other, "a": {"b": value}}).encode() for value, other in pairs]
    assert Field("a.b").texts(records) == [str(value) for value, _ in pairs]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,ab1n\\ ', max_size=40).map(str.encode))
def test_no_record_gives_anything_but_a_key_or_a_typed_error(record: bytes) -> None:
    with contextlib.suppress(ProviderError):
        Field("a")([record])
    with contextlib.suppress(ProviderError):
        tag([record], "a", "1")


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.text(max_size=4), values, max_size=4),
    names,
    st.text(max_size=6),
)
def test_a_parents_id_is_written_into_any_row(row: dict[str, Any], name: str, value: str) -> None:
    record = json.dumps(row).encode()
    if name in row:
        with pytest.raises(ProviderError, match="already have a field"):
            tag([record], name, value)
        return
    (tagged,) = tag([record], name, value)
    assert json.loads(tagged) == {name: value, **row}


def test_keys_of_several_fields_do_not_run_together() -> None:
    keys = Keys("a", "b")
    raw = [msgspec.Raw(b'{"a":1,"b":12}'), msgspec.Raw(b'{"a":11,"b":2}')]
    assert len(keys.fresh(raw, keys.of(raw))) == len(keys) == 2
