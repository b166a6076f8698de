"""A collection of an OGC API - Features (OGC 17-069, Part 1): pages of GeoJSON, by next links.

Data flow: ``/collections/{id}/items?limit=...`` -> the features' own bytes -> a page of a batch
-> the ``next`` link, until there is none. ``numberMatched`` is the total claimed; where it is not
given, ``numberReturned`` is compared page by page. A feature is landed as it came, its geometry
and its properties JSON text; with ``flat: true`` the properties become fields of the row, the
values' bytes untouched, beside ``_id`` and ``_geometry``.

A window of time is asked for by ``datetime``, whose ends are both included and which compares
with whatever time the collection calls its own; features without one always come.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind
``ogc_features``.

What does not belong here: what a geometry means.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urljoin
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field

from hub.errors import ProviderError
from sources import payload
from sources.context import PullContext
from sources.landing import Window
from sources.paging import Kept, Page, claim, lander, read_offsets, same_rows
from sources.spec import Strict
from sources.transport import Answer

NEEDS_ADDRESS = True
GEOJSON = "application/geo+json, application/json;q=0.9"
_OPEN = ".."
_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class Fetch(Strict):
    """Options of a dataset."""

    collection: Annotated[str, Field(min_length=1)]
    params: dict[str, str] = Field(default_factory=dict)
    """Fixed query parameters: ``bbox``, a property's value, ``crs``."""
    flat: bool = False
    page_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    max_pages: Annotated[int, Field(ge=1)] = 20_000

    @property
    def windows(self) -> tuple[bool, bool]:
        """Features can be asked for since, and until, a moment."""
        return True, True


class _Feature(msgspec.Struct):
    """What is looked at in a feature; its members stay raw."""

    properties: msgspec.Raw
    geometry: msgspec.Raw = msgspec.Raw(b"null")
    id: msgspec.Raw = msgspec.Raw(b"null")


_features = msgspec.json.Decoder(list[_Feature])


def land(pull: PullContext[Fetch]) -> None:
    """Land every feature."""
    options = pull.fetch
    first = {**options.params, "limit": str(options.page_size)}
    interval = _interval(pull.window)
    if interval:
        first["datetime"] = interval
    path = f"/collections/{quote(options.collection, safe='')}/items"
    following: str | None = path
    asked: set[str] = set()
    last: Page | None = None

    def ask(number: int, _: int) -> Page:
        nonlocal following, last
        if following is None and last is not None:
            # The links end here; if the total says otherwise, the batch will not be sealed.
            return Page(number, [], last.total, last.answer)
        url = following or path
        if url in asked:
            raise ProviderError(
                "the links go round in a circle",
                where=f"{pull.name} page {number}",
                next_step="ask the provider: its next links lead back to an earlier page",
            )
        asked.add(url)
        last, following = pull.ask(
            url,
            lambda answer: _page(options, number, answer),
            what=f"page {number}",
            params=first if url == path else {},
            accept=GEOJSON,
        )
        return last

    kept = Kept(pull.name, options.max_pages, lander(pull))
    pull.journal.join(lambda one, other: same_rows(one[0], other[0]))
    read_offsets(kept, ask)
    claim(pull, kept)
    if following is not None and last is not None:
        # The total is reached and a link is left: some servers give one to an empty page.
        total = last.total
        if ask(0, 0).records:
            raise ProviderError(
                f"the source says it has {total} features, and its links lead to more",
                where=pull.name,
                next_step="run it again; if it stays so, numberMatched is wrong: ask the provider",
            )


def _page(options: Fetch, number: int, answer: Answer) -> tuple[Page, str | None]:
    """Read one page; returns it with the address of the next one."""
    outer = payload.envelope(answer.body)
    kind = payload.text(outer, "type")
    if kind != "FeatureCollection":
        raise ProviderError(
            "the answer is no FeatureCollection",
            next_step="is fetch.collection a collection of features, and base_url the API's root?",
        )
    raw = payload.records(outer, "features")
    total = payload.count(outer, "numberMatched") if "numberMatched" in outer else None
    if total is None and "numberReturned" in outer:
        # Where both are given the total guards the list, and servers get this one wrong:
        # pygeoapi's TinyDB provider says the page's size on the last page too.
        returned = payload.count(outer, "numberReturned")
        if returned != len(raw):
            raise ProviderError(f"numberReturned says {returned} features and {len(raw)} came")
    records: list[Any] = _flat(outer) if options.flat and raw else list(raw)
    return Page(number, records, total, answer), _next(outer, answer)


def _flat(outer: payload.Envelope) -> list[bytes]:
    """Return a JSON object per feature: id, geometry and each property, their bytes untouched."""
    try:
        features: list[_Feature] = _features.decode(outer["features"])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ProviderError(f"a feature has the wrong shape: {error}") from None
    return [
        b'{"_id":%b,"_geometry":%b%b'
        % (bytes(feature.id), bytes(feature.geometry), _members(bytes(feature.properties)))
        for feature in features
    ]


def _members(properties: bytes) -> bytes:
    """Return what follows an object's first members: the properties, or the closing brace."""
    if properties == b"null":
        return b"}"
    if not properties.startswith(b"{"):
        raise ProviderError("the properties of a feature are no JSON object")
    inside = properties[1:].lstrip()
    return b"}" if inside == b"}" else b"," + inside


def _next(outer: payload.Envelope, answer: Answer) -> str | None:
    """Return the whole address behind the link with relation ``next``."""
    links = payload.value(outer, "links") if "links" in outer else None
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("rel") != "next":
            continue
        if link.get("type") != "text/html":
            address = link.get("href")
            if not isinstance(address, str) or not address:
                raise ProviderError("the next link has no address")
            try:
                return urljoin(answer.address, address)
            except ValueError:
                raise ProviderError("the next link is no address") from None
    return None


def _interval(window: Window) -> str:
    """Return a window as RFC 3339 interval in UTC, open ends as dots; blank for everything."""
    if window.since is None and window.until is None:
        return ""
    return f"{_instant(window.since)}/{_instant(window.until)}"


def _instant(moment: datetime | None) -> str:
    """Return a moment of Vietnam time in UTC."""
    if moment is None:
        return _OPEN
    moment = moment.replace(tzinfo=_VIETNAM).astimezone(UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
