"""Pages of records: asked for in order or in threads, kept in order, counted, guarded.

Data flow: a kind gives a function that asks for one page; a walk (:func:`numbered`
here, those of ``sources.paging_kinds``) asks until everything the source claims has come and
hands each page to :class:`Kept`, which lands it and judges at the end. A list that
shrinks, repeats a page, stops early or never ends is an error: rows are never lost without a
word. With a key, rows that come twice because the list moved are kept once.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT``.

What does not belong here: how a page is asked for and what its envelope looks like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import msgspec

from hub.errors import ProviderError, TransientError
from sources.context import PullContext
from sources.journal import NotKeptError
from sources.ndjson import Lines, lines
from sources.payload import Envelope
from sources.record_keys import Keys
from sources.transport import Answer

_REPEATS = 3
"""So often may a page without a new row come: once or twice it is a list that moved."""
_LATER = "run it again, at a quieter hour if it happens often"
_KEY = "if there are fields that no two rows share"


@dataclass(frozen=True)
class Page:
    """One page as it came."""

    number: int
    records: list[msgspec.Raw]
    total: int | None
    """Rows that the source claims in all, if it does."""
    answer: Answer
    outer: Envelope = field(default_factory=dict)
    """The envelope, for the kinds that find the next page in it."""
    ready: Lines | None = None
    """The records as they will be written, if a thread has made that already."""


Land = Callable[[Page, list[Any]], None]
"""Takes the records of a page that are to be kept, as raw JSON or bytes."""


class Kept:
    """The pages of one list so far."""

    def __init__(
        self,
        name: str,
        most: int,
        land: Land,
        keys: Keys | None = None,
    ) -> None:
        """Begin with none; ``most`` pages are believed, ``land`` takes the records to keep."""
        self.name = name
        self.rows = 0
        """Different rows, if there is a key; rows otherwise."""
        self.moved = False
        """Whether a walk saw rows move to other places while it read."""
        self.covering = False
        """Whether the walk sees every row that stays in the list, however others come and go."""
        self.last: Page | None = None
        self.pages = 0
        self.size = 0
        """Rows of the first page: a source that caps the page size in silence counts by its own."""
        self._most = most
        self._land = land
        self.keys = keys
        self._totals: list[int] = []
        self._stale: Counter[int] = Counter()

    def add(self, page: Page, keys: list[bytes] | None = None, known: int | None = None) -> int:
        """Land a page and return how many of its rows are new; called in the order of the pages.

        Args:
            page: As it came.
            keys: Its rows' keys, if the caller had a look at them already.
            known: How many of its first rows are known and all others new, if the caller can tell.
        """
        self.pages += 1
        self.require_fewer(self.pages)
        records = page.records
        self.size = self.size or len(records)
        try:
            if self.keys is not None and records:
                keys = self.keys.of(records) if keys is None else keys
                if known is None:
                    records = self.keys.fresh(records, keys)
                else:
                    records = records[known:]
                    self.keys.see(keys)
                if not records:
                    self._require_progress(keys)
            self._land(page, records)
        except ProviderError as error:
            raise error.at(f"{self.name} page {page.number}") from None
        self.last = page
        self.rows += len(records)
        if page.total is not None:
            self._totals.append(page.total)
        return len(records)

    @property
    def total(self) -> int | None:
        """What the source claimed last."""
        return self._totals[-1] if self._totals else None

    @property
    def has_moved(self) -> bool:
        """Whether the list changed while it was read, as far as can be seen."""
        return self.moved or len(set(self._totals)) > 1

    def more(self) -> bool:
        """Say whether another page may hold rows."""
        if self.last is None or not self.last.records:
            return False
        return self.last.total is None or self.rows < self.last.total

    def require_rows(self, page: Page) -> None:
        """Raise if the first page is empty although the source claims rows."""
        if not page.records:
            raise ProviderError(
                f"the source says it has {page.total} rows, and this page is empty",
                where=f"{self.name} page {page.number}",
                next_step="nothing was loaded; ask the provider if it is so again tomorrow",
            )

    def require_fewer(self, pages: int) -> None:
        """Raise if the source has more pages than the definition believes."""
        if pages > self._most:
            raise ProviderError(
                f"{pages} pages or more, and the definition believes at most {self._most}",
                where=self.name,
                next_step="raise fetch.page_size or fetch.max_pages if the source is that large",
            )

    def require_still(self) -> None:
        """Raise if a list without a key grew: new rows in front would push old ones twice."""
        if len(set(self._totals)) > 1:
            raise TransientError(
                f"the list went from {self._totals[0]} to {self._totals[-1]} rows while read, "
                "and the definition says that it stands still",
                where=self.name,
                next_step="give fetch.paging.key instead, by which rows are told apart",
            )

    def finish(self) -> int | None:
        """Compare with the claim; return it if all of it came, None if there is none to compare.

        A list with a key that moved is believed if no fewer rows came than it ever claimed at
        its smallest. If it shrank, that is enough only for a walk that is ``covering``.
        """
        if not self._totals:
            return None
        claimed, least = self._totals[-1], min(self._totals)
        # From page to page, not only from first to last: a list that grew by one and lost one
        # ends as long as it began. Pages fetched by threads are compared in their own order,
        # since an earlier page fetched later is the same danger.
        fall = next(((a, b) for a, b in pairwise(self._totals) if b < a), None)
        if self.keys is not None and self.has_moved and (self.covering or fall is None):
            if self.rows < least:
                raise TransientError(
                    f"the list moved while read: {self.rows} rows came and it claims {claimed}",
                    where=self.name,
                    next_step=_LATER,
                )
            return claimed if claimed == self.rows else None
        if fall is not None:
            # Rows that leave the list move all later ones forward, some of them across the edge
            # of a page that was already read: the count may fit and a row be missing.
            raise TransientError(
                f"the list shrank from {fall[0]} to {fall[1]} rows while read",
                where=self.name,
                next_step=_LATER
                if self.keys is not None
                else f"{_LATER}; or say fetch.key, {_KEY}",
            )
        if claimed != self.rows:
            raise ProviderError(
                f"the source says it has {claimed} rows and sent {self.rows}",
                where=self.name,
                next_step="nothing was loaded; ask the provider if it is so again tomorrow",
            )
        return claimed

    def _require_progress(self, keys: list[bytes]) -> None:
        """Raise if this page, in which nothing is new, came again and again."""
        page = hash(tuple(keys))
        self._stale[page] += 1
        if self._stale[page] >= _REPEATS:
            raise repeated()


def repeated() -> ProviderError:
    """Return the error for a source that sends what it sent before."""
    return ProviderError(
        "the source repeats itself: rows that came before came again",
        next_step="check the paging options; the source seems to ignore the page asked for",
    )


def lander(pull: PullContext[Any], *, whole: bool = True) -> Land:
    """Return the function that writes records into the pull's batch and tells the progress.

    ``whole`` says that a page's total is that of the pull, not of one part of it.
    """
    done = 0

    def land(page: Page, records: list[Any]) -> None:
        nonlocal done
        answer = page.answer
        pull.batch.page(
            page.ready if page.ready is not None and records is page.records else records,
            url=answer.url,
            status=answer.status,
            etag=answer.etag,
            last_modified=answer.last_modified,
        )
        done += len(records)
        pull.progress(done, page.total if whole else None)

    return land


def numbered(pull: PullContext[Any], ask: Callable[[int], Page], first: int, most: int) -> None:
    """Land pages 1, 2, 3 ...; in threads as far as the first page's total reaches."""
    kept = Kept(pull.name, most, lander(pull))
    pull.journal.join(same_rows)
    # Of a pull that was cut off the pages up to the first gap: behind it rows may have moved.
    with suppress(NotKeptError), pull.journal.only_kept():
        while kept.last is None or kept.more():
            kept.add(ask(first + kept.pages))
    pull.journal.drop_rest()
    read_numbered(kept, ask, first, pull.each)
    claim(pull, kept)


def same_rows(one: Page, other: Page) -> bool:
    """Say whether two pages hold the same rows, byte for byte."""
    return lines(one.records) == lines(other.records)


Each = Callable[[Callable[[int], Page], Iterable[int], Callable[[Page], Any]], None]
"""Asks for several pages, in threads or not, and hands them on in order."""


def read_numbered(kept: Kept, ask: Callable[[int], Page], first: int, each: Each) -> None:
    """Ask for numbered pages until all rows that the source claims have come."""
    if kept.last is None:
        page = ask(first)
        kept.add(page)
        if page.total:
            kept.require_rows(page)
    if kept.total is not None and kept.more():
        # A source that caps the page size in silence counts its pages by its own size.
        pages = -(-kept.total // kept.size)
        kept.require_fewer(pages)
        each(lambda number: _ready(ask(number)), range(first + kept.pages, first + pages), kept.add)
    # Rows may have been added meanwhile; and a source without a total is read to its end.
    while kept.more():
        kept.add(ask(first + kept.pages))


def _ready(page: Page) -> Page:
    """Make a page's lines in the thread that asked for it: the one that lands pages has no time.

    It did this for all of them, and a million rows came in 6 s instead of 4.
    """
    try:
        return replace(page, ready=Lines.of(page.records))
    except ProviderError:
        return page  # whoever lands it makes them again, and knows what to say


def read_offsets(kept: Kept, ask: Callable[[int, int], Page]) -> None:
    """Ask for pages by offset until all rows that the source claims have come."""
    while kept.last is None or kept.more():
        kept.add(ask(kept.pages + 1, kept.rows))


def claim(pull: PullContext[Any], kept: Kept) -> None:
    """Judge a list that was read to its end; tell the batch how many rows there should be."""
    claimed = kept.finish()
    if claimed is not None:
        pull.batch.claim(claimed)
