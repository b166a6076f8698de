"""Pages of records: asked for in order or in threads, kept in order, counted, guarded.

Data flow: a kind gives a function that asks for one page; :func:`numbered` and :func:`offsets`
ask until everything the source claims has come, land each page and tell the batch the claim.
A list that grows meanwhile is read on; one that shrinks, repeats a page, stops early or never
ends is an error: rows are never lost without a word.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT``.

What does not belong here: how a page is asked for and what its envelope looks like.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from hub.errors import ProviderError, TransientError
from sources.context import PullContext
from sources.transport import Answer


@dataclass(frozen=True)
class Page:
    """One page as it came."""

    number: int
    records: list[msgspec.Raw]
    total: int | None
    """Rows that the source claims in all, if it does."""
    answer: Answer


def numbered(pull: PullContext[Any], ask: Callable[[int], Page], first: int, most: int) -> None:
    """Land pages 1, 2, 3 ...; in threads as far as the first page's total reaches."""
    kept = _Kept(pull, most)
    page = ask(first)
    kept.add(page)
    number = first
    if page.total is not None and len(page.records) < page.total:
        kept.require_rows(page)
        # A source that caps the page size in silence counts its pages by its own size.
        pages = -(-page.total // len(page.records))
        kept.require_fewer(pages)
        number += pages - 1
        pull.each(ask, range(first + 1, number + 1), kept.add)
    # Rows may have been added meanwhile; and a source without a total is read to its end.
    while kept.more():
        number += 1
        kept.add(ask(number))
    kept.claim()


def offsets(pull: PullContext[Any], ask: Callable[[int, int], Page], most: int) -> None:
    """Land pages by offset, each beginning where the rows that really came end."""
    kept = _Kept(pull, most)
    number, offset = 1, 0
    while True:
        page = ask(number, offset)
        kept.add(page)
        offset += len(page.records)
        number += 1
        if not kept.more():
            break
    kept.claim()


class _Kept:
    """The pages landed so far."""

    def __init__(self, pull: PullContext[Any], most: int) -> None:
        """Begin with none; ``most`` pages are believed."""
        self._pull = pull
        self._most = most
        self._totals: list[int] = []
        self._rows = 0
        self._pages = 0
        self._last: Page | None = None

    def add(self, page: Page) -> None:
        """Land a page; called in the order of the pages."""
        self._pages += 1
        self.require_fewer(self._pages)
        answer = page.answer
        try:
            self._pull.batch.page(
                page.records,
                url=answer.url,
                status=answer.status,
                etag=answer.etag,
                last_modified=answer.last_modified,
            )
        except ProviderError as error:
            raise error.at(f"{self._pull.name} page {page.number}") from None
        self._last = page
        self._rows += len(page.records)
        if page.total is not None:
            self._totals.append(page.total)
        self._pull.progress(self._rows, page.total)

    def more(self) -> bool:
        """Say whether another page may hold rows."""
        if self._last is None or not self._last.records:
            return False
        return self._last.total is None or self._rows < self._last.total

    def require_rows(self, page: Page) -> None:
        """Raise if the first page is empty although the source claims rows."""
        if not page.records:
            raise ProviderError(
                f"the source says it has {page.total} rows, and this page is empty",
                where=f"{self._pull.name} page {page.number}",
                next_step="nothing was loaded; ask the provider if it is so again tomorrow",
            )

    def require_fewer(self, pages: int) -> None:
        """Raise if the source has more pages than the definition believes."""
        if pages > self._most:
            raise ProviderError(
                f"{pages} pages or more, and the definition believes at most {self._most}",
                where=self._pull.name,
                next_step="raise fetch.page_size or fetch.max_pages if the source is that large",
            )

    def claim(self) -> None:
        """Tell the batch how many rows there should be, by the last page's word."""
        if not self._totals:
            return
        if min(self._totals) < self._totals[0]:
            # Rows that leave the list move all later ones forward, some of them across the edge
            # of a page that was already read: the count may fit and a row be missing.
            raise TransientError(
                f"the list shrank from {self._totals[0]} to {min(self._totals)} rows while read",
                where=self._pull.name,
                next_step="run it again, at a quieter hour if it happens often",
            )
        self._pull.batch.claim(self._totals[-1])
