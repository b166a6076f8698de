"""Telling an axis that the hub has its messages, once they are safe; only where the hub must.

Data flow: the last committed batch (``pull.previous``) -> its messages that are addressed to the
hub's own agency -> ``updateStatus done`` for each -> a small ledger beside landing, so that no
night says it again.

It happens at the beginning of the next pull, not at the end of this one: a message that was
acknowledged is gone from the hub's queue, and a crash between acknowledging and committing would
lose it. What is acknowledged here was committed before this pull began.

``updateStatus`` belongs to the recipient (facts.md 2.6). A hub that only reads never calls it, and
that is the default; a hub that is a registered node of the axis, with a system id and an agency
code of its own, may (``acknowledge``, ``organ_ids``). Messages that were held back as state
secrets are never acknowledged: that is for the officer to settle.

Run it alone: ``pytest tests/sources/test_edoc_receipts.py``.

What does not belong here: the request itself (``edoc_lgsp``, ``edoc_vxp``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from hub.errors import ConfigurationError, ProviderError
from sources.context import PullContext
from sources.disk import sync, writing
from sources.edoc_list import Axis, Entry
from sources.safe_xml import options
from sources.spec import HmacAuth, LoginAuth, SystemSpec

FOLDER = "acknowledged"
"""Name of the folder beside landing."""
ADDRESSED = "addressed"
"""Fact beside a landed message: it is addressed to the hub's own agency."""
_SYSTEM_ID = "x-systemid"


class Ledger(msgspec.Struct, frozen=True):
    """What has been acknowledged of a dataset."""

    batch: str
    """The newest batch whose messages were all asked to be acknowledged."""
    refused: list[str] = []
    """Ids that the axis would not take; they are tried again."""


def require_own_system(system: SystemSpec) -> None:
    """Raise ``ConfigurationError`` unless the hub has a system id of its own to speak with."""
    auth = system.auth
    if isinstance(auth, HmacAuth) or (
        isinstance(auth, LoginAuth) and _SYSTEM_ID in {name.lower() for name in auth.extra_headers}
    ):
        return
    raise ConfigurationError(
        "`acknowledge` needs credentials with the hub's own system id",
        where=system.name,
        next_step="use auth kind hmac, or login_token with extra_headers X-SystemId",
    )


def send(pull: PullContext[Any], axis: Axis) -> None:
    """Acknowledge what the last committed batch holds, unless that was done before."""
    require_own_system(pull.system)
    path = pull.beside(FOLDER) / pull.system.name / f"{pull.dataset.name}.json"
    ledger = _read(path)
    previous = pull.previous
    wanted = list(ledger.refused)
    if previous is not None and previous.id != ledger.batch:
        wanted += [file.note["docId"] for file in previous.manifest.files if ADDRESSED in file.note]
    elif not wanted:
        return
    refused: list[tuple[str, str]] = []

    def ask(doc_id: str) -> tuple[str, str] | None:
        try:
            axis.acknowledge(pull, doc_id)
        except ProviderError as error:
            return doc_id, error.what
        return None

    def keep(answer: tuple[str, str] | None) -> None:
        if answer is not None:
            refused.append(answer)

    pull.each(ask, dict.fromkeys(wanted), keep)
    _write(path, Ledger(previous.id if previous else ledger.batch, [one for one, _ in refused]))
    if refused:
        doc_id, why = refused[0]
        pull.warn(
            f"the axis does not take the acknowledgement of {len(refused)} of {len(wanted)} "
            f"messages (docId {pull.quote(doc_id)}: {why}); they are loaded, and are tried again"
        )


def is_addressed(body: bytes, listed: Entry, own: Sequence[str]) -> bool:
    """Say whether a message is addressed to one of the hub's own agency codes.

    The message itself counts. One without ``To``, as status messages are, is the list's to say; a
    message that cannot be read is nobody's.
    """
    body = body[max(body.find(b"<?xml"), 0) :]
    try:
        root = etree.fromstring(body, etree.XMLParser(**options(body)))
    except (etree.XMLSyntaxError, ValueError):
        return False
    header = next(root.iter("{*}MessageHeader"), None)
    receivers = [
        (organ.text or "").strip()
        for to in ([] if header is None else header.iterchildren("{*}To"))
        for organ in to.iterchildren("{*}OrganId")
    ]
    if not receivers:
        receivers = [code.strip() for code in listed.note.get("to", "").split(";")]
    return not set(own).isdisjoint(receivers)


def _read(path: Path) -> Ledger:
    """Return the ledger; one that is not there, or damaged, says that nothing was done."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Ledger)
    except (OSError, msgspec.MsgspecError):
        return Ledger("")


def _write(path: Path, ledger: Ledger) -> None:
    """Replace the ledger, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(msgspec.json.encode(ledger))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        sync(path.parent)
