"""One list of a JSON API as a definition describes it, and how all of it is read.

Data flow: :class:`Listing` (path, parameters, envelope, paging) -> :func:`read` builds each
request, by query or JSON body, and lets the paging kind walk through the pages; rows go to the
``land`` function given, claims come back.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``rest``.

What does not belong here: lists of lists (``sources.rest``), credentials.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from pydantic import Field, field_validator, model_validator

from hub.errors import ConfigurationError
from sources.client import Call
from sources.context import PullContext
from sources.date_windows import DateWindows, ListOfWindows, Span
from sources.paging import Kept, Land, Page, same_rows
from sources.paging_kinds import (
    LinkPaging,
    ListKinds,
    NextUrlPaging,
    Parameters,
    Step,
    TokenPaging,
    Walk,
)
from sources.record_keys import Keys
from sources.rest_page import Success, read_page
from sources.spec import Strict

_VIETNAM = "Asia/Ho_Chi_Minh"

Paging = Annotated[ListKinds | DateWindows, Field(discriminator="kind")]


class Listing(Strict):
    """Where a list is, how it is asked for and what its pages look like."""

    path: str
    method: Literal["GET", "POST"] = "GET"
    """POST only where it reads, as some portals want it (facts.md 3.1, 3.3)."""
    params: dict[str, str] = Field(default_factory=dict)
    """Fixed query parameters."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Fixed headers that are no secret (``messagetype: edoc``)."""
    body: dict[str, Any] | None = None
    """Fixed part of a POST's JSON body."""
    parameters_in: Literal["query", "body"] | None = None
    """Where paging and time go; a POST's into its body, at dotted paths, unless said."""
    records: str
    """Dotted path of the rows; blank if the answer itself is the list."""
    total: str | None = None
    """Dotted path of the number of rows, compared with what came."""
    total_header: str | None = None
    """Or the response header that holds it (``X-Total-Count``)."""
    success: Success | None = None
    paging: Paging
    max_pages: Annotated[int, Field(ge=1)] = 20_000
    since_parameter: str | None = None
    until_parameter: str | None = None
    time_format: str = "%Y%m%d%H%M%S"
    """strftime format, or ``epoch`` (seconds) or ``epoch_ms``."""
    time_zone: str = _VIETNAM
    """Zone in which the source reads the two moments."""

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, name: str) -> str:
        """A zone that is not known would be found out at night."""
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            msg = "no time zone of that name"
            raise ValueError(msg) from None
        return name

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Options that exclude or need each other."""
        paging = self.paging
        pages = paging.inner if isinstance(paging, DateWindows) else paging
        by_body = isinstance(pages, NextUrlPaging | TokenPaging)
        faults = {
            "`body` and `parameters_in: body` need method POST": self.method == "GET"
            and (self.body is not None or self.parameters_in == "body"),
            "`records: ''` leaves no envelope for `total`, `success` or the next page": not (
                self.records
            )
            and (self.total is not None or self.success is not None or by_body),
            "say `total` or `total_header`, not both": bool(self.total and self.total_header),
            "paging kinds that follow an address need method GET": self.method == "POST"
            and isinstance(pages, NextUrlPaging | LinkPaging),
            "paging kind date_windows needs `since_parameter` and `until_parameter`": isinstance(
                paging, DateWindows
            )
            and not (self.since_parameter and self.until_parameter),
        }
        wrong = [fault for fault, is_so in faults.items() if is_so]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def windows(self) -> tuple[bool, bool]:
        """Whether the source can be asked for rows since, and until, a moment."""
        return self.since_parameter is not None, self.until_parameter is not None

    def between(self, since: datetime | None, until: datetime | None) -> dict[str, str | int]:
        """Return the parameters of a window of time, given in Vietnam time."""
        asked = ((self.since_parameter, since), (self.until_parameter, until))
        return {name: self._moment(moment) for name, moment in asked if name and moment}

    def _moment(self, moment: datetime) -> str | int:
        """Return a moment as the source writes it."""
        there = moment.replace(tzinfo=ZoneInfo(_VIETNAM)).astimezone(ZoneInfo(self.time_zone))
        if self.time_format == "epoch":
            return int(there.timestamp())
        if self.time_format == "epoch_ms":
            return int(there.timestamp() * 1000)
        return there.strftime(self.time_format)


@dataclass(frozen=True)
class Reading:
    """One reading of a list: the pull, the list, and where its rows go."""

    pull: PullContext[Any]
    listing: Listing
    land: Land
    each: Callable[..., None]
    label: str = ""
    """What tells this list from its neighbours in messages (``parent 17``)."""

    @property
    def name(self) -> str:
        """The list's name in messages."""
        return f"{self.pull.name} {self.label}".strip()

    def all(self) -> list[int | None]:
        """Read the whole list; return what the source claimed, for each part of it."""
        listing, window = self.listing, self.pull.window
        paging = listing.paging
        if isinstance(paging, DateWindows):
            return self._windows(paging)
        if paging.joined:
            self.pull.journal.join(same_rows)
        kept = Kept(self.name, listing.max_pages, self.land, paging.keys())
        asked = listing.between(window.since, window.until)
        paging.read(Walk(lambda step: self.ask(step, asked), kept, self.each))
        return [kept.finish()]

    def ask(self, step: Step, asked: Parameters, label: str = "") -> Page:
        """Ask for one page; ``asked`` are the parameters of a window of time."""
        listing = self.listing
        what = " ".join(filter(None, [self.name, label, f"page {step.number}"]))
        moving = {**({} if step.bare else asked), **step.params}
        params = {} if step.bare or step.address else dict(listing.params)
        headers, body = dict(listing.headers), None
        if listing.method == "POST":
            headers.setdefault("Content-Type", "application/json")
            fixed = {} if step.bare else listing.body or {}
            by_query = listing.parameters_in == "query"
            body = msgspec.json.encode(fixed if by_query else _with(fixed, moving))
            moving = moving if by_query else {}
        if not step.address:
            params.update({name: str(value) for name, value in moving.items()})
        call = Call(
            step.address or listing.path,
            what,
            params=params,
            method=listing.method,
            headers=headers,
            body=body,
        )
        return self.pull.request(
            call,
            lambda answer: read_page(
                listing, step.number, answer, self.pull.quote, listing.total_header
            ),
        )

    def _windows(self, paging: DateWindows) -> list[int | None]:
        """Read windows of time one after the other; a copy of a row in two of them is kept once."""
        window = self.pull.window
        spans = paging.spans(window.since, window.until, self.pull.now)
        if len(spans) > self.listing.max_pages:
            raise ConfigurationError(
                f"{len(spans)} windows, and fetch.max_pages is {self.listing.max_pages}",
                where=self.name,
                next_step="raise fetch.paging.days or fetch.max_pages",
            )
        if paging.inner.joined:
            self.pull.journal.join(same_rows)
        copies = _Copies(paging.inner.key, self.land)

        def begin(span: Span, last: datetime) -> tuple[Kept, Callable[[Step], Page]]:
            label = f"{span.start:%Y-%m-%dT%H:%M:%S}/{last:%Y-%m-%dT%H:%M:%S}"
            asked = self.listing.between(span.start, last)
            keys = paging.inner.keys()
            kept = Kept(f"{self.name} {label}", self.listing.max_pages, copies.land, keys)
            return kept, lambda step: self.ask(step, asked, label)

        claims = paging.read(ListOfWindows(self.name, begin, self.each), spans)
        return [*claims, None] if copies.dropped else claims


class _Copies:
    """Lets a row through once, though two windows may hold it: one ends where the next begins.

    A row that changed meanwhile has other bytes, and both versions pass: which one is newer, the
    contract knows (its version column), and staging keeps that one.
    """

    def __init__(self, key: tuple[str, ...] | None, land: Land) -> None:
        """Without a key every row passes."""
        self.dropped = False
        self._keys = Keys(*key) if key else None
        self._land = land
        self._seen: set[bytes] = set()

    def land(self, page: Page, records: list[msgspec.Raw]) -> None:
        """Land what was not landed before, byte for byte."""
        if self._keys is not None:
            new = []
            for record in records:
                digest = hashlib.blake2b(record, digest_size=16).digest()
                if digest not in self._seen:
                    self._seen.add(digest)
                    new.append(record)
            self.dropped = self.dropped or len(new) < len(records)
            records = new
        self._land(page, records)


def _with(body: Mapping[str, Any], values: Parameters) -> dict[str, Any]:
    """Return a JSON body with values set at dotted paths."""
    whole = copy.deepcopy(dict(body))
    for path, value in values.items():
        *parents, last = path.split(".")
        inner = whole
        for name in parents:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise ConfigurationError(
                    f"fetch.body has a plain value at `{name}`, where `{path}` should go"
                )
        inner[last] = value
    return whole
