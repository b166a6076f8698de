"""How a source hands out a long list: one small model per kind, chosen by ``paging: {kind: ...}``.

Data flow: a definition's ``paging`` -> one of these models -> its ``read`` asks for page after
page through a :class:`Walk` and hands them to ``sources.paging.Kept``. Nothing is guessed from
an answer: a source whose paging is not said is not read.

A list may move while it is read. ``page`` and ``offset`` read it with overlapping pages by its
``key`` (``sources.overlap``), or the definition promises that it ``stands_still``. ``keyset``
does not mind. The others go where the source points: their cursor must be a place in the list,
not a count of rows; with a ``key`` rows that come twice are kept once.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``rest``.

What does not belong here: windows of time (``sources.date_windows``), envelopes, HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urljoin

from pydantic import BeforeValidator, Field, model_validator

from hub.errors import ProviderError
from sources import links, payload
from sources.context import PullContext
from sources.overlap import Numbers, Offsets, Slice, overlapping
from sources.paging import (
    Each,
    Kept,
    Land,
    Page,
    claim,
    lander,
    read_numbered,
    read_offsets,
    repeated,
    same_rows,
)
from sources.record_keys import Field as RecordField
from sources.record_keys import Keys, Order
from sources.spec import Strict

Parameters = Mapping[str, str | int]


@dataclass(frozen=True)
class Step:
    """What one page is asked for by."""

    number: int
    params: Parameters = field(default_factory=dict)
    address: str = ""
    """Instead of path and parameters: where the source says the page is."""
    bare: bool = False
    """Whether the list's own parameters are left out."""


@dataclass(frozen=True)
class Walk:
    """What a paging kind is given to read one list."""

    ask: Callable[[Step], Page]
    kept: Kept
    each: Each
    """Asks for several pages, in threads where that is allowed."""


def _as_tuple(value: Any) -> Any:  # noqa: ANN401 - raw YAML
    """Let ``key: id`` stand for ``key: [id]``."""
    return (value,) if isinstance(value, str) else value


FieldPath = Annotated[str, Field(pattern=r'^[^"\\\x00-\x1f]+$')]
"""Dotted path of a record's field; the decoder knows no names with quotes or backslashes."""
Key = Annotated[
    tuple[FieldPath, ...] | None,
    BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...] | None),
]
"""Paths of the fields by which a record is told from all others."""


class Paging(Strict):
    """What all kinds have in common."""

    key: Key = None
    joined: ClassVar[bool] = False
    """Whether nothing but places joins the pages, so that a list that moved cannot be gone on with
    (``Journal.join``)."""

    def keys(self) -> Keys | None:
        """Return a memory for the keys of one list, if rows are told apart by a key."""
        return Keys(*self.key) if self.key else None

    def read(self, walk: Walk) -> None:
        """Ask for every page."""
        raise NotImplementedError


class Movable(Paging):
    """A kind that counts rows, so that a list which moves needs a key."""

    stands_still: bool = False
    """The definition's promise that no row comes or goes while the list is read."""
    copies: bool = False
    """Whether rows may share a key, as where a source sends some twice; they stand side by side."""

    def keys(self) -> Keys | None:
        """Return a memory for the keys of one list."""
        return Keys(*self.key, copies=self.copies) if self.key else None

    @model_validator(mode="after")
    def _says_how(self) -> Movable:
        """Either is needed; both contradict each other."""
        if bool(self.key) == self.stands_still:
            msg = "say `key` (rows may come and go while pages are read) or `stands_still: true`"
            raise ValueError(msg)
        if self.copies and not self.key:
            msg = "`copies` needs `key`"
            raise ValueError(msg)
        return self


class NoPaging(Paging):
    """The whole list in one answer."""

    kind: Literal["none"]

    def read(self, walk: Walk) -> None:
        """Ask once."""
        walk.kept.add(walk.ask(Step(1)))


class PagePaging(Movable):
    """Numbered pages."""

    kind: Literal["page"]
    page_parameter: str = "page"
    size_parameter: str | None = "pageSize"
    first_page: int = 1
    page_size: Annotated[int, Field(ge=1)] = 1000

    @model_validator(mode="after")
    def _can_overlap(self) -> PagePaging:
        """Pages overlap by changing their size a little."""
        if self.key and (self.size_parameter is None or self.page_size < LEAST_PAGE):
            msg = f"`key` needs `size_parameter`, and `page_size` of {LEAST_PAGE} or more"
            raise ValueError(msg)
        return self

    def read(self, walk: Walk) -> None:
        """Ask for numbers; in threads if the list stands still."""
        if walk.kept.keys is None:
            read_numbered(
                walk.kept,
                lambda number: walk.ask(Step(number, self._params(number, self.page_size))),
                self.first_page,
                walk.each,
            )
            walk.kept.require_still()
            return

        def ask(number: int, wanted: Slice) -> Page:
            page = self.first_page + wanted.start // wanted.size
            return walk.ask(Step(number, self._params(page, wanted.size)))

        overlapping(walk.kept, walk.kept.keys, ask, self.page_size, Numbers)

    def _params(self, number: int, size: int) -> Parameters:
        """Return the parameters of a page."""
        sized = {self.size_parameter: size} if self.size_parameter else {}
        return {self.page_parameter: number, **sized}


LEAST_PAGE = 20
"""Rows that a numbered page must be asked for if pages are to overlap."""


class OffsetPaging(Movable):
    """So many rows, from so many on."""

    kind: Literal["offset"]
    offset_parameter: str = "offset"
    size_parameter: str = "limit"
    page_size: Annotated[int, Field(ge=2)] = 1000

    def read(self, walk: Walk) -> None:
        """Ask for offsets, one page after the other."""

        def ask(number: int, wanted: Slice) -> Page:
            params = {self.offset_parameter: wanted.start, self.size_parameter: wanted.size}
            return walk.ask(Step(number, params))

        if walk.kept.keys is not None:
            overlapping(walk.kept, walk.kept.keys, ask, self.page_size, Offsets)
            return
        read_offsets(walk.kept, lambda number, start: ask(number, Slice(start, self.page_size)))
        walk.kept.require_still()


class KeysetPaging(Paging):
    """Rows behind the last one: its key goes into the next request (facts.md 3.3, ``lastId``)."""

    kind: Literal["keyset"]
    parameter: str = "lastId"
    field: FieldPath
    """Path of the record's field; the list is sorted by it and no two rows have the same."""
    start: str | None = None
    """Value for the first page; without one the parameter is left out."""
    size_parameter: str | None = None
    page_size: Annotated[int, Field(ge=2)] = 200

    def keys(self) -> Keys:
        """Tell rows apart by the field itself, unless the definition says more."""
        return Keys(*(self.key or (self.field,)))

    def read(self, walk: Walk) -> None:
        """Ask on from the last row until a page brings nothing new."""
        self._read(walk)
        kept = walk.kept
        # One row may go and another come behind an unchanged total: rows told apart by their
        # key are then more than it claims, and none too many.
        kept.moved = kept.total is not None and kept.rows > kept.total

    def _read(self, walk: Walk) -> None:
        """Ask for page after page."""
        walk.kept.covering = True
        sized: Parameters = {self.size_parameter: self.page_size} if self.size_parameter else {}
        read, order = RecordField(self.field), Order(self.field)
        number, last = 1, self.start
        while True:
            behind = {} if last is None else {self.parameter: last}
            page = walk.ask(Step(number, {**sized, **behind}))
            fresh = walk.kept.add(page)
            where = f"{walk.kept.name} page {page.number}"
            if not page.records:
                return
            try:
                values = read.texts(page.records)
                # A source that means "from" rather than "behind" ends with its last row alone.
                if not fresh and (len(values) > 1 or values[0] != last):
                    raise repeated()
                order.require(values)
            except ProviderError as error:
                raise error.at(where) from None
            if not fresh:
                return
            number, last = number + 1, values[-1]


class Cursor(Paging):
    """A kind in which each page says where the next one is; many sources mean a row's number."""

    joined = True

    def read(self, walk: Walk) -> None:
        """Follow until no page is next; a place seen before is a loop."""
        step: Step | None = Step(1, self._first())
        seen: set[str] = set()
        while step is not None:
            page = walk.ask(step)
            walk.kept.add(page)
            where = f"{walk.kept.name} page {page.number}"
            try:
                following = self._next(page)
            except ProviderError as error:
                raise error.at(where) from None
            if following in seen:
                raise repeated().at(where)
            seen.add(following)
            step = self._step(page.number + 1, following) if following else None

    def _first(self) -> Parameters:
        """Return the parameters of the first page."""
        return {}

    def _next(self, page: Page) -> str:
        """Return what leads to the next page; blank if this is the last."""
        raise NotImplementedError

    def _step(self, number: int, following: str) -> Step:
        """Return how the next page is asked for: at an address, in most kinds."""
        return Step(number, address=following)


class NextUrlPaging(Cursor):
    """The address of the next page in the body."""

    kind: Literal["next_url"]
    path: str = "next"

    def _next(self, page: Page) -> str:
        """Read it; relative ones are relative to this page."""
        return _joined(page, _small(page, self.path))


class LinkPaging(Cursor):
    """The address of the next page in the ``Link`` header (RFC 8288)."""

    kind: Literal["link_header"]
    relation: str = "next"

    def _next(self, page: Page) -> str:
        """Read it; relative ones are relative to this page."""
        header = page.answer.headers.get("Link", "")
        return _joined(page, links.target(header, self.relation) or "")


class TokenPaging(Cursor):
    """A resumption token in the body, which goes into a parameter of the next request."""

    kind: Literal["token"]
    path: str
    parameter: str
    token_only: bool = False
    """Whether the list's own parameters are left out beside it, as OAI-PMH wants."""
    size_parameter: str | None = None
    page_size: Annotated[int, Field(ge=1)] = 1000

    def _first(self) -> Parameters:
        """Return the page size, if it is said."""
        return {self.size_parameter: self.page_size} if self.size_parameter else {}

    def _next(self, page: Page) -> str:
        """Read the token."""
        return _small(page, self.path)

    def _step(self, number: int, following: str) -> Step:
        """Put the token beside the page size, or alone."""
        beside = {} if self.token_only else self._first()
        return Step(number, {**beside, self.parameter: following}, bare=self.token_only)


ListKinds = (
    NoPaging | PagePaging | OffsetPaging | KeysetPaging | NextUrlPaging | LinkPaging | TokenPaging
)
ListPaging = Annotated[ListKinds, Field(discriminator="kind")]


def read_list(
    pull: PullContext[Any],
    paging: Paging,
    ask: Callable[[Step], Page],
    most: int,
    land: Land | None = None,
) -> None:
    """Read one whole list; for the kinds whose paging is not the definition's to choose.

    Args:
        pull: What is pulled.
        paging: How the list is handed out.
        ask: Asks for one page.
        most: Pages believed.
        land: Takes the records to keep; into the batch as they came, if not given.
    """
    kept = Kept(pull.name, most, land or lander(pull), paging.keys())
    if paging.joined:
        pull.journal.join(same_rows)
    paging.read(Walk(ask, kept, pull.each))
    claim(pull, kept)


def _small(page: Page, path: str) -> str:
    """Return the text or number at a path of the envelope; null, false and blank are no page."""
    value = payload.value(page.outer, path)
    if value is None or value is False:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ProviderError(f"`{path}` should lead to the next page and is neither text nor number")


def _joined(page: Page, reference: str) -> str:
    """Return a reference as a whole URL."""
    try:
        return urljoin(page.answer.address, reference) if reference else ""
    except ValueError:
        raise ProviderError("the address of the next page is none") from None
