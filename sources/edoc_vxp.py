"""The Government Office's exchange axis (VXP): what waits for a node, and its messages as base64.

Data flow: ``POST /getReceivedEdocList`` (or ``/getSentEdocList``) -> entries -> ``POST /getEdoc``
for each. What is asked for stands in headers (``servicetype``, ``messagetype``, ``docId``) and in
a JSON body; the answer is ``{status, ErrorCode, ErrorDesc, data}``, where anything but ``OK`` and
``0`` is a failure. Each request is signed (auth kind ``hmac``). Facts: facts.md 2.6.

The list is a queue, not an archive: what its receiver has acknowledged is no longer in it. So
what it does not name has not vanished.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with ``fetch: {transport: vxp}``.

What does not belong here: the signature (``sources.auth``), what becomes of a message
(``sources.edxml``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hub.errors import ProviderError
from sources import payload
from sources.client import JSON
from sources.context import PullContext
from sources.edoc_lgsp import require_message
from sources.edoc_list import Entry, Message, decoded, entry
from sources.transport import Answer

RECEIVED, SENT = "/getReceivedEdocList", "/getSentEdocList"
DOCUMENT, STATUS = "/getEdoc", "/updateStatus"
_SERVICE = "eDoc"


def listing(pull: PullContext[Any]) -> list[Entry]:
    """List what waits for the hub's own node, or what the node has sent."""
    pull.batch.leave_the_rest()
    options = pull.fetch
    kind = {"servicetype": _SERVICE, "messagetype": options.message_type}

    def read(answer: Answer) -> list[Entry]:
        raw = payload.records(_opened(pull, answer), "data")
        return [entry(item, number) for number, item in enumerate(raw, 1)]

    return pull.ask(
        options.list_path or (SENT if options.list == "sent" else RECEIVED),
        read,
        what=f"list of {options.list} messages",
        headers={"Content-Type": JSON, **kind},
        body=msgspec.json.encode(kind),
        now=True,  # it quotes the subjects of what may not be kept
    )


def fetch(pull: PullContext[Any], listed: Entry, keep: Callable[[Message], bool]) -> Message:
    """Fetch one message and take it out of its base64."""

    def read(answer: Answer) -> Message:
        text = payload.text(_opened(pull, answer), "data")
        body = decoded(text)
        require_message(body)
        return Message(body, answer.url, answer.status)

    shown = pull.quote(listed.doc_id)
    return pull.ask(
        pull.fetch.document_path or DOCUMENT,
        read,
        what=f"docId {shown}",
        headers=_headers(pull, listed.doc_id),
        body=msgspec.json.encode({"docId": listed.doc_id}),
        keep=keep,
    )


def acknowledge(pull: PullContext[Any], doc_id: str) -> None:
    """Set a message of the hub's own queue to ``done``."""
    pull.ask(
        pull.fetch.status_path or STATUS,
        lambda answer: _opened(pull, answer),
        what=f"acknowledging docId {pull.quote(doc_id)}",
        headers=_headers(pull, doc_id),
        body=msgspec.json.encode({"status": "done", "docid": doc_id}),
        now=True,
    )


def _headers(pull: PullContext[Any], doc_id: str) -> dict[str, str]:
    """Return the headers of a request for one message; raises if its id fits into none."""
    if not doc_id.isprintable():
        raise ProviderError(
            "a docId has signs that no header can hold",
            next_step="ask the keeper of the axis; nothing was loaded",
        )
    return {
        "Content-Type": JSON,
        "servicetype": _SERVICE,
        "messagetype": pull.fetch.message_type,
        "docId": doc_id.encode().decode("latin-1"),  # the bytes of UTF-8, as they are
    }


def _opened(pull: PullContext[Any], answer: Answer) -> payload.Envelope:
    """Return the envelope; raises if the axis says that it failed."""
    outer = payload.envelope(answer.body)
    status, code = payload.text(outer, "status"), payload.text(outer, "ErrorCode")
    if status == "OK" and code == "0":
        return outer
    said = payload.text(outer, "ErrorDesc")
    raise ProviderError(
        pull.quote(
            f"status {status or 'none'}, ErrorCode {code or 'none'}{': ' + said if said else ''}"
        ),
        next_step="ask the keeper of the axis; nothing was loaded",
    )
