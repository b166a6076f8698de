"""Lists of messages, whichever axis they come from: entries, windows of days, what is in a window.

Data flow: the items of a list -> :func:`entry`, which finds the few facts under the names that
the axes have for them -> those that :func:`is_within` keeps; :func:`days` cuts a window of time
into what one call may ask for. Facts: facts.md 2.6, 2.7.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``edxml``.

What does not belong here: asking (``edoc_lgsp``, ``edoc_vxp``), and the messages themselves.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from hub.errors import ProviderError
from sources.context import PullContext
from sources.landing import Window

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_DAY = len("2026-10-01")
_NOTED = {
    "docId": ("docId", "docid", "DocId", "senderDocId"),
    "createdTime": ("createdTime", "created_time", "sentTime"),
    "updatedTime": ("updatedTime", "updated_time", "receivedTime"),
    "from": ("from", "fromCode"),
    "to": ("to", "toCode"),
    "status": ("status", "sendStatus"),
}
"""Fact -> names that the axes have for it (LGSP, VXP, VXP's list of what was sent)."""


@dataclass(frozen=True)
class Entry:
    """One message of the list."""

    doc_id: str
    note: dict[str, str]
    """The facts that the table needs beside the message itself."""
    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    """All that the list says of it."""


@dataclass(frozen=True)
class Message:
    """One message as it came."""

    body: bytes
    url: str
    """Redacted."""
    status: int
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the axis says of it beside it."""
    loose: int = 0
    """Attachments that came beside it and not in it, as edXML has them."""


class Axis(Protocol):
    """A transport: a module that lists, fetches and acknowledges messages."""

    def listing(self, pull: PullContext[Any]) -> list[Entry]:
        """Return what the axis lists for the pull's window; it may list more."""

    def fetch(
        self, pull: PullContext[Any], entry: Entry, keep: Callable[[Message], bool]
    ) -> Message:
        """Fetch one message; runs in several threads. ``keep``: as in ``PullContext.ask``."""

    def acknowledge(self, pull: PullContext[Any], doc_id: str) -> None:
        """Tell the axis that the receiver has a message; telling it twice does no harm."""


def days(start: date, window: Window, now: datetime, most: int) -> Iterator[tuple[date, date]]:
    """Yield spans of at most ``most`` days, both ends included, that cover a window of time."""
    first = window.since.date() if window.since else start
    # `until` is not included: if it is midnight, the day before is the last.
    end = (window.until - timedelta(microseconds=1) if window.until else now).date()
    while first <= end:
        last = min(first + timedelta(days=most - 1), end)
        yield first, last
        first = last + timedelta(days=1)


def entry(raw: msgspec.Raw, number: int) -> Entry:
    """Read one item of a list; only its id is needed, so only that is required."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ProviderError(f"entry {number} of the list has the wrong shape: {error}") from None
    note = {
        fact: str(found[name])
        for fact, names in _NOTED.items()
        for name in reversed(names)
        if found.get(name) is not None
    }
    if not note.get("docId"):
        raise ProviderError(f"entry {number} of the list has no docId")
    return Entry(note["docId"], note, found)


def decoded(text: str) -> bytes:
    """Return a message from its base64; one that is XML already is taken as it is."""
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise ProviderError(
            "the message inside the JSON is no base64",
            next_step="ask the keeper of the axis; nothing was loaded",
        ) from None


def is_within(window: Window, listed: Entry) -> bool:
    """Say whether an entry is in the window; the days asked for are coarser than moments.

    An entry of the very second of the start is taken: another of that second may have come
    after the last pull listed it. One whose time cannot be read is taken too.
    """
    text = listed.note.get("updatedTime", "").strip().replace("/", "-")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(_VIETNAM).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return True
    if len(text) <= _DAY:
        return True  # a day alone says too little
    since, until = window.since, window.until
    return (since is None or moment >= since) and (until is None or moment < until)
