"""Read a list by position although rows come and go meanwhile: each page overlaps the one before.

Data flow: :func:`overlapping` asks for the rows from a position on, one row before the place
where the last page ended. If a row known already is on the page, nothing lies between what was
read and this page; if none is, rows left the list and others moved forward past the edge, and
the walk steps back until it meets what it knows. The rule holds as long as rows keep their
order among themselves: sort by something that never changes, not by the time of change.

Where a source sends some rows twice, its list has no key in the strict sense. With ``copies`` rows
may share one as long as they stand side by side, as they do in a list that is sorted by it: then
a page that begins with the very row that ended the last one brings only new rows behind it, and
where rows moved, those of the last key count as not read yet. A row may land twice for that, or a
copy of it be left out, byte for byte the same; no row is passed over.

Run it alone: ``python -c "from sources.overlap import Numbers; print(Numbers.fit(999, 1000))"``

What does not belong here: names of parameters (``sources.paging_kinds``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub.errors import ProviderError
from sources.paging import Kept, Page
from sources.record_keys import Keys

_PASSES = 2
"""A list that moved and claims more rows than came is read a second time from its start."""


@dataclass(frozen=True)
class Slice:
    """Where a page begins, and how many rows are asked for."""

    start: int
    size: int


class Offsets:
    """A source that can be asked for any slice."""

    least = 2
    """Rows a page must have for the next one to overlap it and still go on."""
    is_sure = True
    """Whether a short page is the end; a size that changes might not be heeded."""

    @staticmethod
    def fit(start: int, size: int) -> Slice:
        """Return the slice to ask for."""
        return Slice(start, size)

    @staticmethod
    def beyond(rows: int, size: int) -> Slice:
        """Return a slice that is empty if the list has no more than so many rows."""
        return Slice(rows, size)


class Numbers(Offsets):
    """A source with numbered pages: they overlap if their size changes from page to page."""

    least = 12  # below it some positions can be reached by no size: tried for all up to 20,000
    is_sure = False

    @staticmethod
    def fit(start: int, size: int) -> Slice:
        """Return the slice at or before ``start`` that is a numbered page and reaches furthest."""
        best = Slice(0, size if start == 0 else 0)
        for smaller in range(size, max(1, size // 2) - 1, -1):
            begin = start // smaller * smaller
            if begin + smaller > best.start + best.size:
                best = Slice(begin, smaller)
            if begin == start:
                break
        return best

    @staticmethod
    def beyond(rows: int, size: int) -> Slice:
        """Return the first numbered page behind so many rows."""
        return Slice(-(-rows // size) * size, size)


AskSlice = Callable[[int, Slice], Page]
"""Asks for the n-th page of the walk."""


def overlapping(
    kept: Kept, keys: Keys, ask: AskSlice, size: int, slices: type[Offsets] = Offsets
) -> None:
    """Land a list by position; ``slices`` says which slices its source can be asked for."""
    kept.covering = True
    walk = _Walk(kept, keys, ask, slices)
    for _ in range(_PASSES):
        walk.through(size)
        if not kept.has_moved or kept.total is None or kept.rows >= kept.total:
            return


class _Walk:
    """One or two passes over a list."""

    def __init__(self, kept: Kept, keys: Keys, ask: AskSlice, slices: type[Offsets]) -> None:
        """Begin at the first page."""
        self._kept = kept
        self._keys = keys
        self._ask = ask
        self._slices = slices
        self._number = 0
        self._edge: bytes | None = None
        """Key of the last page's last row."""
        self._last = b""
        """That row itself."""
        self._open: dict[bytes, set[bytes]] = {}
        """With copies: keys whose rows ended a page, so that more may lie behind; their rows."""

    def through(self, asked: int) -> None:
        """Read from the first row to the last."""
        page = self._page(Slice(0, asked))
        self._keep(page, self._of(page), None)
        # A source that caps the page size in silence gives as many rows as it ever will.
        size = len(page.records)
        while size < self._slices.least and not self._is_complete():
            # Too few to overlap: nothing must lie behind them, and after that they must still be
            # all there is in front, or rows moved forward between the two answers.
            self._require_end(self._slices.beyond(size, asked))
            page = self._page(Slice(0, asked))
            size = len(page.records)
            if not self._keep(page, self._of(page), None):
                return
            self._kept.moved = True
        back = end = size
        while not self._is_complete():
            wanted = self._slices.fit(max(0, end - 1), size)
            page = self._page(wanted)
            keys = self._of(page)
            came, place = len(keys), end - 1 - wanted.start
            if wanted.start > 0 and not self._hangs_together(page, keys, place):
                # Rows left the list before this place: step back, ever further.
                self._kept.moved = True
                end, back = wanted.start - back, back * 2
                continue
            back = size
            fresh = self._keep(page, keys, place)
            end = wanted.start + came
            if came < wanted.size and not fresh:
                break
        if not self._slices.is_sure and self._kept.total is None:
            self._require_end(self._slices.beyond(end, size))

    def _page(self, wanted: Slice) -> Page:
        """Ask for a slice."""
        self._number += 1
        self._kept.require_fewer(self._number)
        page = self._ask(self._number, wanted)
        if len(page.records) > wanted.size:
            raise ProviderError(
                f"the source sent {len(page.records)} rows where {wanted.size} were asked for",
                where=self._kept.name,
                next_step="it does not heed the page size; use another paging kind",
            )
        return page

    def _of(self, page: Page) -> list[bytes]:
        """Return the keys of a page."""
        try:
            return self._keys.of(page.records) if page.records else []
        except ProviderError as error:
            raise error.at(f"{self._kept.name} page {page.number}") from None

    def _stands(self, page: Page, keys: list[bytes], place: int) -> bool:
        """Say whether the last row read is where it should be in this page."""
        if keys[place : place + 1] != [self._edge]:
            return False
        return not self._keys.copies or bytes(page.records[place]) == self._last

    def _hangs_together(self, page: Page, keys: list[bytes], place: int) -> bool:
        """Say whether nothing lies between what was read and this page."""
        if not self._keys.copies:
            return self._keys.knows_any(keys)
        if self._stands(page, keys, place):
            return True
        # Of the rows of such a key some may lie between: they prove nothing.
        return self._keys.knows_any([key for key in keys if key not in self._open])

    def _reopen(self, page: Page, keys: list[bytes]) -> None:
        """Have rows land although others of their key came; the same again are no loss."""
        for key, record in zip(keys, page.records, strict=True):
            if key in self._open and bytes(record) not in self._open[key]:
                self._keys.reopen(key)

    def _close(self, page: Page, keys: list[bytes], *, known: bool) -> None:
        """Note whose rows end this page, and whose were seen to end within it."""
        last = keys[-1]
        if last in self._open or not known:
            ending = page.records[keys.index(last) :]
            self._open.setdefault(last, set()).update(map(bytes, ending))
        for key in self._open.keys() & set(keys) - {last}:
            del self._open[key]

    def _keep(self, page: Page, keys: list[bytes], place: int | None) -> int:
        """Land a page that hangs together with the ones before; note if its rows moved.

        Args:
            page: As it came.
            keys: Its rows' keys.
            place: Where in it the last row of the page before should be.
        """
        if place is not None and not self._stands(page, keys, place):
            self._kept.moved = True
        by_place = self._keys.copies and place is not None and not self._kept.has_moved
        if self._keys.copies and not by_place:
            self._reopen(page, keys)
        known = bool(keys) and self._keys.knows_any(keys[-1:])
        fresh = self._kept.add(page, keys, place + 1 if by_place and place is not None else None)
        self._edge = keys[-1] if keys else None
        self._last = bytes(page.records[-1]) if keys else b""
        if self._keys.copies and keys:
            self._close(page, keys, known=known)
        return fresh

    def _require_end(self, beyond: Slice) -> None:
        """Raise if rows come from where there should be none: the page size is not what it seems.

        A list that grew just now is refused too; the next run will find it longer.
        """
        page = self._page(beyond)
        if page.records:
            raise ProviderError(
                f"rows came from beyond row {beyond.start}, where the list seemed to end",
                where=self._kept.name,
                next_step="run it again; if it stays, the source does not heed the page size: "
                "set fetch.page_size to what it really gives, or use another paging kind",
            )

    def _is_complete(self) -> bool:
        """Say whether every row that the source claims has come, and none moved."""
        kept = self._kept
        return kept.total is not None and not kept.has_moved and kept.rows >= kept.total
