"""The document axis of a province (LGSP): lists by windows of days, messages as edXML.

Data flow: ``GET /v1/syncReceivedEdocList`` for each window of days -> entries, counted ->
``GET /v1/getEdoc`` for each, which answers with the message itself or with JSON that has it in
``data.edxml``. Errors are ``success: false`` in a 200. Facts: facts.md 2.7.

Run it alone: ``python -m sources.pull assets/yen_bai/van_ban/defs.yaml trang_thai data/try``.

What does not belong here: what becomes of a message (``sources.edxml``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hub.errors import ConfigurationError, ProviderError
from sources import payload
from sources.auth import WRONG_KEY
from sources.client import JSON
from sources.context import PullContext
from sources.edoc_list import Entry, Message, days, decoded, entry
from sources.transport import Answer

LIST, DOCUMENT, STATUS = "/v1/syncReceivedEdocList", "/v1/getEdoc", "/v1/updateStatus"
_DAY = "%Y/%m/%d"
_SAID = ("edocCode", "edocAbstract", "secret", "doMat")
"""What the JSON around a message says of it and may be a mark."""
_PAYLOAD = b"ContentTransferEncoded"
"""Element that holds an attachment inside a message."""


def listing(pull: PullContext[Any]) -> list[Entry]:
    """List the window of the pull, window of days by window of days."""
    options = pull.fetch
    listed: list[Entry] = []
    for first, last in days(options.start, pull.window, pull.now, options.window_days):
        listed += pull.ask(
            options.list_path or LIST,
            lambda answer: _entries(pull, answer),
            what=f"list of {first} to {last}",
            params={
                "messageType": options.message_type,
                "fromDate": first.strftime(_DAY),
                "toDate": last.strftime(_DAY),
            },
            now=True,  # it quotes the subjects of what may not be kept
        )
    return listed


def fetch(pull: PullContext[Any], listed: Entry, keep: Callable[[Message], bool]) -> Message:
    """Fetch one message."""

    def read(answer: Answer) -> Message:
        if answer.body.removeprefix(payload.BOM).lstrip().startswith(b"{"):
            outer = payload.envelope(answer.body)
            _require_success(pull, outer)
            return _unwrapped(outer, answer)
        require_message(answer.body)
        return Message(answer.body, answer.url, answer.status)

    return pull.ask(
        pull.fetch.document_path or DOCUMENT,
        read,
        what=f"docId {pull.quote(listed.doc_id)}",
        params={"docId": listed.doc_id},
        accept="*/*",
        keep=keep,
    )


def acknowledge(pull: PullContext[Any], doc_id: str) -> None:
    """Set a message of the hub's own queue to ``done``."""
    pull.ask(
        pull.fetch.status_path or STATUS,
        lambda answer: _require_success(pull, payload.envelope(answer.body)),
        what=f"acknowledging docId {pull.quote(doc_id)}",
        headers={"Content-Type": JSON},
        body=msgspec.json.encode({"docId": doc_id, "status": "done"}),
        now=True,
    )


def _unwrapped(outer: payload.Envelope, answer: Answer) -> Message:
    """Take a message out of the JSON around it."""
    text = payload.text(outer, "data.edxml")
    if not text:
        raise ProviderError("JSON instead of edXML")
    body = decoded(text)
    require_message(body)
    beside = payload.value(outer, "data.attachments")
    loose = len(beside) if isinstance(beside, list) and _PAYLOAD not in body else 0
    fields = {name: payload.text(outer, f"data.{name}") for name in _SAID}
    return Message(body, answer.url, answer.status, fields, loose)


def require_message(body: bytes) -> None:
    """Raise if a body is clearly no XML; junk before the XML is left to the parser."""
    kind = payload.sniff(body)
    if kind not in {"", "XML"}:
        wrong = payload.TruncatedError if kind == payload.EMPTY else ProviderError
        raise wrong(f"{kind} instead of edXML")


def _entries(pull: PullContext[Any], answer: Answer) -> list[Entry]:
    """Read one list; raises unless it holds as many entries as it counts."""
    outer = payload.envelope(answer.body)
    _require_success(pull, outer)
    raw = payload.records(outer, "data")
    claimed = payload.count(outer, "count")
    if claimed != len(raw):
        raise ProviderError(
            f"the list counts {claimed} messages and names {len(raw)}",
            next_step="shorten fetch.window_days: the axis may cap its lists",
        )
    return [entry(item, number) for number, item in enumerate(raw, 1)]


def _require_success(pull: PullContext[Any], outer: payload.Envelope) -> None:
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
