"""The list of messages of a document axis: entries, windows of days, errors inside a 200.

Data flow: the answer of ``syncReceivedEdocList`` -> :func:`entries`, counted -> those that
:func:`is_within` keeps; :func:`days` cuts a window of time into what one call may ask for.
Facts: facts.md 2.7.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``edxml``.

What does not belong here: asking, and the messages themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from hub.errors import ConfigurationError, ProviderError
from sources import payload
from sources.auth import WRONG_KEY
from sources.context import PullContext
from sources.landing import Window
from sources.transport import Answer

_MOMENT = "%Y/%m/%d %H:%M:%S"
_NOTED = ("docId", "createdTime", "updatedTime", "from", "to", "status")


@dataclass(frozen=True)
class Entry:
    """One message of the list."""

    doc_id: str
    note: dict[str, str]
    """The facts that the table needs beside the message itself."""


def days(start: date, window: Window, now: datetime, most: int) -> Iterator[tuple[date, date]]:
    """Yield spans of at most ``most`` days, both ends included, that cover a window of time."""
    first = window.since.date() if window.since else start
    # `until` is not included: if it is midnight, the day before is the last.
    end = (window.until - timedelta(microseconds=1) if window.until else now).date()
    while first <= end:
        last = min(first + timedelta(days=most - 1), end)
        yield first, last
        first = last + timedelta(days=1)


def entries(pull: PullContext[Any], answer: Answer) -> list[Entry]:
    """Read one list; raises unless it holds as many entries as it counts."""
    outer = payload.envelope(answer.body)
    require_success(pull, outer)
    raw = payload.records(outer, "data")
    claimed = payload.count(outer, "count")
    if claimed != len(raw):
        raise ProviderError(
            f"the list counts {claimed} messages and names {len(raw)}",
            next_step="shorten fetch.window_days: the axis may cap its lists",
        )
    return [_entry(item, number) for number, item in enumerate(raw, 1)]


def is_within(window: Window, entry: Entry) -> bool:
    """Say whether an entry is in the window; the days asked for are coarser than moments.

    An entry of the very second of the start is taken: another of that second may have come
    after the last pull listed it. One whose time cannot be read is taken too.
    """
    try:
        moment = datetime.strptime(entry.note.get("updatedTime", "").strip(), _MOMENT)  # noqa: DTZ007 - Vietnam time
    except ValueError:
        return True
    since, until = window.since, window.until
    return (since is None or moment >= since) and (until is None or moment < until)


def require_success(pull: PullContext[Any], outer: payload.Envelope) -> None:
    """Raise if the axis says that it failed; a wrong key is a matter of configuration."""
    if payload.text(outer, "success") == "true":
        return
    code = payload.text(outer, "errorCode")
    said = payload.text(outer, "message") or payload.text(outer, "errorDesc")
    what = pull.quote(f"success: false, errorCode {code or 'none'}{': ' + said if said else ''}")
    if code == WRONG_KEY:
        names = ", ".join(pull.client.auth.names)
        raise ConfigurationError(what, next_step=f"check the values of {names}")
    raise ProviderError(what, next_step="ask the keeper of the axis; nothing was loaded")


def _entry(raw: msgspec.Raw, number: int) -> Entry:
    """Read one entry; only its docId is needed, so only that is required."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ProviderError(f"entry {number} of the list has the wrong shape: {error}") from None
    note = {key: str(found[key]) for key in _NOTED if found.get(key) is not None}
    if not note.get("docId"):
        raise ProviderError(f"entry {number} of the list has no docId")
    return Entry(note["docId"], note)
