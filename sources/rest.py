"""Any JSON API: a list by its path, read by the paging that the definition names; or its children.

Data flow: ``land`` reads the list (``sources.rest_list``) into the batch. With ``parent``, the
parent list is read first, for its ids only; then the dataset's own list is asked for once for
each of them, in the system's threads, with ``{id}`` in path, parameters or body standing for
the id, which is also written into each child row. Nothing about an API is guessed: what is not
said in the definition is an error before anything is asked.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``rest``.

What does not belong here: what a row means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import quote

import msgspec
from pydantic import Field, model_validator

from hub.errors import ProviderError
from sources.client import StatusError
from sources.context import PullContext
from sources.date_windows import DateWindows
from sources.ndjson import lines
from sources.paging import Land, Page, lander, repeated
from sources.paging_kinds import FieldPath
from sources.record_keys import Field as RecordField
from sources.record_keys import tag
from sources.rest_list import Listing, Reading

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item

NEEDS_ADDRESS = True
_ID = "{id}"
_FILE_ROWS = 5000
"""Children's pages are often a few rows; so many go into one file."""


class Parent(Listing):
    """A list whose records each have a list of children."""

    id: FieldPath
    """Path of the parent's id in its record."""
    into: FieldPath
    """Name of the field in which each child row gets it."""
    most: Annotated[int, Field(ge=1)] = 100_000
    """Parents believed, at most."""
    childless: tuple[int, ...] = ()
    """HTTP statuses by which the source says that a parent has no children (404)."""


class Fetch(Listing):
    """Options of a dataset."""

    parent: Parent | None = None
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the reader in ``warehouse``: the list within each record (docs/sources.md)."""

    @model_validator(mode="after")
    def _names_the_id(self) -> Self:
        """Children are asked for by their parent's id."""
        named = any(_ID in text for text in _texts([self.path, self.params, self.body]))
        if named != (self.parent is not None):
            msg = f"`parent` and {_ID} in path, params or body go together"
            raise ValueError(msg)
        return self

    @property
    def windows(self) -> tuple[bool, bool]:
        """Whether children, or else their parents, can be asked for by time."""
        own = super().windows
        parents = self.parent.windows if self.parent else own
        return own[0] or parents[0], own[1] or parents[1]


def land(pull: PullContext[Fetch]) -> None:
    """Land the list, or the children of all its parents."""
    parent = pull.fetch.parent
    if parent is None:
        whole = not isinstance(pull.fetch.paging, DateWindows)
        claims = Reading(pull, pull.fetch, lander(pull, whole=whole), pull.each).all()
    else:
        claims = _children(pull, parent)
    known = [claim for claim in claims if claim is not None]
    if len(known) == len(claims):
        pull.batch.claim(sum(known))


def _children(pull: PullContext[Fetch], parent: Parent) -> list[int | None]:
    """Land the children of all parents, in the parents' order; return what was claimed for each."""
    ids: dict[str, None] = {}
    field = RecordField(parent.id)

    def take(_: Page, records: list[msgspec.Raw]) -> None:
        before = len(ids)
        ids.update(dict.fromkeys(field.texts(records)))
        if records and len(ids) == before:
            raise repeated()
        if len(ids) > parent.most:
            raise ProviderError(
                f"more than {parent.most} parents",
                next_step="narrow fetch.parent by its params, or raise fetch.parent.most",
            )

    Reading(pull, parent, take, pull.each, "parents").all()
    claims: list[int | None] = []
    files = _Files(lander(pull, whole=False))

    def keep(family: _Family) -> None:
        claims.extend(family.claims)
        for page, records in family.pages:
            files.add(page, records)

    pull.each(lambda id_: _family(pull, parent, id_), ids, keep)
    files.flush()
    return claims


class _Family:
    """The children of one parent."""

    def __init__(self, parent: Parent, id_: str) -> None:
        """Begin without any."""
        self.claims: list[int | None] = []
        self.pages: list[tuple[Page, list[Any]]] = []
        self._parent = parent
        self._id = id_
        self._seen: set[bytes] = set()

    def land(self, page: Page, records: list[msgspec.Raw]) -> None:
        """Keep a page's rows with the parent's id in them; a page that came before raises."""
        if records:
            data = lines(records)
            if data in self._seen:
                raise repeated()
            self._seen.add(data)
            self.pages.append((page, tag(records, self._parent.into, self._id)))


def _family(pull: PullContext[Fetch], parent: Parent, id_: str) -> _Family:
    """Read one parent's children; runs in several threads."""
    shown = pull.quote(id_)
    if id_ in {"", ".", ".."}:
        raise ProviderError(f"a parent's id is {shown!r}, which no path can hold")
    options = pull.fetch
    listing = options.model_copy(
        update={
            "path": options.path.replace(_ID, quote(id_, safe="")),
            "params": _filled(options.params, id_),
            "body": _filled(options.body, id_),
        }
    )
    family = _Family(parent, id_)
    try:
        family.claims = Reading(pull, listing, family.land, _one_by_one, f"parent {shown}").all()
    except StatusError as error:
        if error.answer.status not in parent.childless or family.pages:
            raise
        family.claims = [0]
    return family


class _Files:
    """Gathers small pages into files of some thousand rows; the first page's address stands."""

    def __init__(self, land: Land) -> None:
        """Begin with none."""
        self._land = land
        self._page: Page | None = None
        self._records: list[Any] = []

    def add(self, page: Page, records: list[Any]) -> None:
        """Take a page."""
        self._page = self._page or page
        self._records += records
        if len(self._records) >= _FILE_ROWS:
            self.flush()

    def flush(self) -> None:
        """Land what was gathered."""
        if self._page is not None:
            self._land(self._page, self._records)
        self._page, self._records = None, []


def _one_by_one(ask: Callable[[I], T], items: Iterable[I], keep: Callable[[T], Any]) -> None:
    """Ask without threads of its own: the parents already fill the system's."""
    for item in items:
        keep(ask(item))


def _filled(value: Any, id_: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value with the id in place of its mark, however deep."""
    if isinstance(value, str):
        return value.replace(_ID, id_)
    if isinstance(value, dict):
        return {name: _filled(inner, id_) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, id_) for inner in value]
    return value


def _texts(value: Any) -> Iterable[str]:  # noqa: ANN401 - any JSON value
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
