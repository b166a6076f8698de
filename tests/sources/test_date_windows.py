"""Windows of time: no gap, halved when too large, no row lost that changes meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ProviderError
from sources.date_windows import DateWindows, ListOfWindows, Span
from sources.paging import Kept, Page
from sources.paging_kinds import Step
from tests.sources.lists import answer, one_by_one


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
