"""The listing of one folder of a document store -> its entries: WebDAV's XML or a page of links.

Data flow: the answer to ``PROPFIND`` with depth 1 (RFC 4918, section 9.1) -> :func:`multistatus`,
or the page that Apache, nginx or others make of a folder -> :func:`links`; both give
:class:`Entry` for what lies directly in the folder. Whatever a listing says, an entry is one
name below the folder that was asked for: nothing can lead out of it, or round in a circle.

Times become Vietnam time without zone. Those of a page of links have no zone and are taken for
Vietnam's; sizes there are kept only if they are whole bytes.

Run it alone: ``pytest tests/sources/test_webdav.py``.

What does not belong here: asking.
"""

from __future__ import annotations

import email.utils
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import unquote, urljoin, urlsplit
from zoneinfo import ZoneInfo

from lxml import etree, html

from hub.errors import ProviderError
from sources.payload import EMPTY, TruncatedError, require_utf8, sniff
from sources.safe_xml import name, parse, text

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
Place = tuple[str, ...]
"""A folder or file of the host: its names, decoded."""

_DAV = "{DAV:}"
_ISO = re.compile(r"\b(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)")
_NGINX = re.compile(r"\b(\d\d-[A-Z][a-z]{2}-\d{4}) (\d\d:\d\d(?::\d\d)?)")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - shorter
_NO_NAME = re.compile(r"[/\x00-\x1f\x7f]")
_BYTES = re.compile(r"\s(\d{1,15})\s*$")


@dataclass(frozen=True)
class Entry:
    """A file or a folder that lies directly in a folder."""

    place: Place
    is_folder: bool
    size: int | None = None
    modified: datetime | None = None
    etag: str | None = None
    media: str | None = None


def place_of(path: str) -> Place:
    """Return the decoded names of a path; raises ``ProviderError`` if one is no name."""
    names = tuple(unquote(part) for part in path.split("/") if part)
    if any(part in {".", ".."} or _NO_NAME.search(part) for part in names):
        raise ProviderError(
            "a listing holds a name that no file may have (dots, a slash or control characters)"
        )
    return names


def multistatus(body: bytes, folder: Place) -> list[Entry]:
    """Read a WebDAV listing; raises ``ProviderError`` if it is none or leads elsewhere."""
    root = parse(body)
    if root.tag != f"{_DAV}multistatus":
        raise ProviderError(
            f"the XML is no WebDAV listing but <{name(root)[:40]}>",
            next_step="check base_url and fetch.path; is WebDAV switched on there?",
        )
    found: dict[Place, Entry] = {}
    for response in root.findall(f"{_DAV}response"):
        address = text(response.find(f"{_DAV}href"))
        # Behind a proxy the host of an address may be one that only the server knows.
        place = place_of(_path(address))
        if place == folder:
            continue
        if place[:-1] != folder:
            raise ProviderError(
                "the listing names an entry that does not lie in the folder",
                next_step="is a proxy changing paths? base_url must be as the server sees it",
            )
        found[place] = _entry(response, place)
    if not root.findall(f"{_DAV}response"):
        raise ProviderError("the listing does not even hold the folder itself")
    return list(found.values())


def links(body: bytes, address: str, folder: Place, marker: re.Pattern[str]) -> list[Entry]:
    """Read a page of links.

    Raises:
        ProviderError: The page lacks the words that a listing has (a login page has links too).
    """
    kind = sniff(body)
    if kind == EMPTY:
        raise TruncatedError(f"{EMPTY} instead of a listing")
    require_utf8(body)
    try:
        page = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise ProviderError("the answer is no page of links") from None
    if not marker.search(text(page)):
        raise ProviderError(
            f"the page ({kind or 'no HTML'}) has none of the words of a listing",
            next_step="open the address in a browser; set fetch.marker to words of the listing",
        )
    found: dict[Place, Entry] = {}
    for link in page.iter("a"):
        entry = _linked(link, address, folder)
        if entry is not None:
            found.setdefault(entry.place, entry)
    return list(found.values())


def http_date(written: str | None) -> datetime | None:
    """Return the moment of an HTTP date, Vietnam time without zone; ``None`` if it is none."""
    try:
        moment = email.utils.parsedate_to_datetime(written or "")
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(VIETNAM).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):
        return None


def _path(address: str) -> str:
    """Return the path of an address."""
    try:
        return urlsplit(address).path
    except ValueError:
        raise ProviderError("the listing holds an address that is none") from None


def _entry(response: etree._Element, place: Place) -> Entry:
    """Read one member of a WebDAV listing."""
    for status in response.iter(f"{_DAV}propstat"):
        properties = status.find(f"{_DAV}prop")
        if properties is None or " 200" not in text(status.find(f"{_DAV}status")):
            continue
        size = text(properties.find(f"{_DAV}getcontentlength"))
        return Entry(
            place,
            is_folder=properties.find(f"{_DAV}resourcetype/{_DAV}collection") is not None,
            size=int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None,  # noqa: PLR2004 - a petabyte
            modified=http_date(text(properties.find(f"{_DAV}getlastmodified"))),
            etag=text(properties.find(f"{_DAV}getetag")) or None,
            media=text(properties.find(f"{_DAV}getcontenttype")) or None,
        )
    raise ProviderError(
        "the server lists an entry and does not say what it is",
        next_step="ask the provider whether the hub's account may read all of the folder",
    )


def _linked(link: etree._Element, address: str, folder: Place) -> Entry | None:
    """Return the entry behind a link; ``None`` for ways to sort, to go up or to leave."""
    try:
        target = urlsplit(urljoin(address, link.get("href", "")))
        here = urlsplit(address)
    except ValueError:
        return None
    if (target.scheme, target.netloc) != (here.scheme, here.netloc) or target.query:
        return None
    try:
        place = place_of(target.path)
    except ProviderError:
        return None
    if not place or place[:-1] != folder:
        return None
    if target.path.endswith("/"):
        return Entry(place, is_folder=True)
    row = next(link.iterancestors("tr"), None)
    beside = " ".join(row.itertext()) if row is not None else link.tail or ""  # type: ignore[arg-type]
    size = _BYTES.search(beside.partition("\n")[0] if row is None else beside)
    entry = Entry(place, is_folder=False, size=int(size[1]) if size else None)
    return replace(entry, modified=_written(beside))


def _written(beside: str) -> datetime | None:
    """Return the time that stands beside a link."""
    iso, nginx = _ISO.search(beside), _NGINX.search(beside)
    try:
        if iso:
            return datetime.fromisoformat(f"{iso[1]} {iso[2]}")
        if nginx:
            day, month, year = nginx[1].split("-")
            number = _MONTHS.index(month) + 1
            return datetime.fromisoformat(f"{year}-{number:02}-{day} {nginx[2]}")
    except ValueError:
        return None
    return None
