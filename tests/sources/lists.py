"""A list in memory whose rows come and go between requests: what paging kinds are tried on.

Data flow: a test makes a :class:`Moving` with the changes it wants, reads it by a paging kind, and
asks whether every row that stayed came once.

What does not belong here: HTTP; ``faults.py`` answers over it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pydantic import TypeAdapter

from sources.paging import Kept, Page
from sources.paging_kinds import ListPaging, Step, Walk
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
