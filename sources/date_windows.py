"""A list that can only be asked for by windows of time, which split when one is too large.

Data flow: the pull's window, or ``start`` until now -> windows of ``days`` -> each read by the
``inner`` paging, its rows landed -> the next. A window is too large when the source claims
(or sends) as many rows as its cap, or refuses it with one of the answers that the definition
lists; it is then read as two halves, down to one ``step``.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``rest``.

What does not belong here: names of the two parameters and how they write a moment: those are
the dataset's own, since incremental pulls use them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from hub.errors import ProviderError
from sources.client import StatusError
from sources.paging import Kept, Page
from sources.paging_kinds import ListPaging, NoPaging, Step, Walk
from sources.rest_page import CodeError
from sources.spec import Strict

_STEPS = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
_AHEAD = timedelta(days=1)


class DateWindows(Strict):
    """The paging kind ``date_windows``."""

    kind: Literal["date_windows"]
    start: date
    """First day of the first pull."""
    days: Annotated[int, Field(ge=1)] = 31
    """Length of the windows that are tried first."""
    step: Literal["day", "hour", "minute", "second"]
    """How finely the source reads the two moments; no window is shorter."""
    until_included: bool
    """Whether a row of the very moment of the end is in the window."""
    cap: Annotated[int, Field(ge=1)] | None = None
    """Rows that the source gives at most: as many or more mean that some may be missing."""
    refusals: tuple[str, ...] = ()
    """HTTP statuses or codes of the envelope by which the source calls a window too large."""
    inner: ListPaging = NoPaging(kind="none")

    def spans(self, since: datetime | None, until: datetime | None, now: datetime) -> list[Span]:
        """Return the windows to begin with; the last one reaches a day beyond ``now``.

        The oldest comes first: a row that changes meanwhile moves to a window still to be read.
        """
        step = _STEPS[self.step]
        first = _floor(since or datetime.combine(self.start, datetime.min.time()), step)
        end = _floor((until or now + _AHEAD) + step - timedelta(microseconds=1), step)
        length = timedelta(days=self.days)
        return list(_cut(first, end, length))

    def read(self, walk: ListOfWindows, spans: list[Span]) -> list[int | None]:
        """Read every window and return what the source claimed for each."""
        step = _STEPS[self.step]
        waiting = list(reversed(spans))
        claims: list[int | None] = []
        while waiting:
            span = waiting.pop()
            last = span.end - step if self.until_included else span.end
            kept, ask = walk.open(span, last)
            try:
                self.inner.read(Walk(self._watched(ask, kept), kept, walk.each))
            except (_TooLargeError, StatusError, CodeError) as error:
                if not self._splits(error, kept):
                    raise
                if span.end - span.start <= step:
                    raise ProviderError(
                        f"the window of one {self.step} from {span.start} is still too large",
                        where=walk.name,
                        next_step="ask the provider for paging, or set a finer fetch.paging.step",
                    ) from None
                waiting += reversed(span.halves(step))
                continue
            claims.append(kept.finish())
        return claims

    def _watched(self, ask: Callable[[Step], Page], kept: Kept) -> Callable[[Step], Page]:
        """Return ``ask``, raising before anything lands if the first page shows too many rows."""
        alone = isinstance(self.inner, NoPaging)

        def watched(step: Step) -> Page:
            page = ask(step)
            rows = max(page.total or 0, len(page.records) if alone else 0)
            if self.cap is not None and kept.last is None and rows >= self.cap:
                raise _TooLargeError("the window is too large")
            return page

        return watched

    def _splits(self, error: ProviderError, kept: Kept) -> bool:
        """Say whether the error calls the window too large, and its halves may be read instead.

        Once rows of it have landed, only a key keeps them from landing twice.
        """
        if isinstance(error, StatusError):
            named = str(error.answer.status) in self.refusals
        else:
            named = not isinstance(error, CodeError) or error.code in self.refusals
        return named and (kept.rows == 0 or self.inner.key is not None)


class _TooLargeError(ProviderError):
    """A first page claims as many rows as the cap; never seen outside."""


@dataclass(frozen=True)
class Span:
    """A window of time; the end is not part of it."""

    start: datetime
    end: datetime

    def halves(self, step: timedelta) -> list[Span]:
        """Return two windows, the older first, cut at a whole step."""
        steps = (self.end - self.start) // step
        middle = self.start + step * max(1, steps // 2)
        return [Span(self.start, middle), Span(middle, self.end)]


@dataclass(frozen=True)
class ListOfWindows:
    """What the kind is given: how to open the list of one window."""

    name: str
    open: Callable[[Span, datetime], tuple[Kept, Callable[[Step], Page]]]
    """Takes window and the moment to name as its end."""
    each: Callable[..., None]


def _cut(first: datetime, end: datetime, length: timedelta) -> Iterator[Span]:
    """Yield windows of a length that cover all from first to end."""
    while first < end:
        last = min(first + length, end)
        yield Span(first, last)
        first = last


def _floor(moment: datetime, step: timedelta) -> datetime:
    """Return the last whole step at or before a moment, counted from midnight."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // step * step
