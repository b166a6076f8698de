"""edXML messages of a document axis, listed by time, fetched one by one; state secrets held back.

Data flow: the list of the transport (``sources.edoc_lgsp``, ``sources.edoc_vxp``) for the pull's
window -> each message, in a few threads -> one that is marked as a state secret
(``sources.edoc_marks``) goes no further than a note about it (``sources.held``); any other lands
as a file, with the list entry's facts beside it.

The hub is a reader: nothing here calls ``updateStatus``, which would take a document out of its
recipient's queue, unless the definition says that the hub is a node of its own
(``sources.edoc_receipts``).

Run it alone: ``python -m sources.pull assets/yen_bai/van_ban/defs.yaml trang_thai data/try``.

What does not belong here: parsing edXML; ``warehouse`` does.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sources import edoc_lgsp, edoc_receipts, edoc_vxp
from sources.context import PullContext
from sources.edoc_list import Axis, Entry, Message, is_within
from sources.edoc_marks import Mark, mark_in_entry, mark_in_message
from sources.held import FOLDER, Held
from sources.spec import Strict

NEEDS_ADDRESS = True
NEEDS_OFFICER = True

_AXES: dict[str, Axis] = {"lgsp": edoc_lgsp, "vxp": edoc_vxp}


class Fetch(Strict):
    """Options of a dataset."""

    transport: Literal["lgsp", "vxp"] = "lgsp"
    message_type: Literal["edoc", "status"]
    start: date
    """First day of the first pull: the axis cannot be asked for everything."""
    window_days: Annotated[int, Field(ge=1)] = 31
    """Most days that an LGSP axis lists in one answer."""
    list: Literal["received", "sent"] = "received"
    """Which of its two lists a VXP axis is asked for."""
    list_path: str | None = None
    """Instead of the transport's usual path; so for the two below."""
    document_path: str | None = None
    status_path: str | None = None
    acknowledge: bool = False
    """Tell the axis ``done`` for messages to the hub's own agency, once they are committed. Only
    for a hub that is a registered node: it takes them out of that agency's queue."""
    organ_ids: tuple[str, ...] = ()
    """The hub's own agency codes, for ``acknowledge``."""
    ordinary_marks: tuple[str, ...] = ()
    """What this source writes into its field for the level of secrecy if there is none, beside
    the usual ``0`` and ``Thường``. Anything else there holds the message back."""
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the messages' reader in ``warehouse``."""

    @property
    def windows(self) -> tuple[bool, bool]:
        """Rows can be asked for since, and until, a moment."""
        return True, True

    @model_validator(mode="after")
    def _only_its_own(self) -> Self:
        """Acknowledging without knowing one's own code would empty another's queue."""
        if self.acknowledge and not self.organ_ids:
            msg = "`acknowledge` needs `organ_ids`, the hub's own agency codes"
            raise ValueError(msg)
        if self.list == "sent" and (self.transport != "vxp" or self.acknowledge):
            msg = "`list: sent` is for transport vxp, and is not acknowledged"
            raise ValueError(msg)
        return self


def land(pull: PullContext[Fetch]) -> None:
    """Land every message of the window that may be kept."""
    held = _Holder(pull)
    try:
        _land(pull, _AXES[pull.fetch.transport], held)
    finally:
        held.report()  # also of a pull that failed


def _land(pull: PullContext[Fetch], axis: Axis, held: _Holder) -> None:
    """Acknowledge what is safe, then list, fetch and land."""
    if pull.fetch.acknowledge:
        edoc_receipts.send(pull, axis)
    wanted = [entry for entry in axis.listing(pull) if is_within(pull.window, entry)]
    done = loose = 0

    def fetch(entry: Entry) -> tuple[Entry, Message | None, Mark | None]:
        """Fetch a message unless the list says enough; runs in several threads."""
        mark = held.marked(entry, None)
        if mark is not None:
            return entry, None, mark
        judged: list[Mark | None] = []

        def keep(message: Message) -> bool:
            """The journal lies on the disk like the batch, and a secret must not."""
            judged.append(held.marked(entry, message))
            return judged[-1] is None

        message = axis.fetch(pull, entry, keep)
        # What an earlier pull had is judged anew: a mark that is known now was not then, perhaps.
        return entry, message, judged[-1] if judged else held.marked(entry, message)

    def keep(fetched: tuple[Entry, Message | None, Mark | None]) -> None:
        nonlocal done, loose
        entry, message, mark = fetched
        done += 1
        pull.progress(done, len(wanted))
        if mark is not None or message is None:
            held.hold(entry, message, mark)
            return
        loose += message.loose
        pull.batch.file(
            message.body,
            suffix=".xml",
            media="edxml",
            url=message.url,
            status=message.status,
            rows=1,
            note={**entry.note, **_addressed(pull, entry, message)},
        )

    pull.progress(0, len(wanted))
    pull.batch.claim(len(wanted))
    pull.each(fetch, wanted, keep)
    if loose:
        pull.warn(f"{loose} attachments came beside their messages and were not kept")


class _Holder:
    """What is held back in this pull."""

    def __init__(self, pull: PullContext[Fetch]) -> None:
        """Begin with none."""
        self._pull = pull
        self._held = Held(pull.beside(FOLDER), pull.system.name, pull.dataset.name)

    def marked(self, entry: Entry, message: Message | None) -> Mark | None:
        """Return the mark for which a message is held; None if there is none or it is released."""
        ordinary = self._pull.fetch.ordinary_marks
        body = None if message is None else message.body
        mark = (
            mark_in_entry(entry.fields, ordinary)
            if message is None
            else mark_in_entry(message.fields, ordinary) or mark_in_message(message.body, ordinary)
        )
        return None if mark and self._held.is_released(entry.doc_id, body) else mark

    def hold(self, entry: Entry, message: Message | None, mark: Mark | None) -> None:
        """Note a message, and let go of it."""
        if mark is not None:
            body = None if message is None else message.body
            sender = entry.note.get("from", "")
            moment = self._pull.now.isoformat(sep=" ", timespec="seconds")
            self._held.note(entry.doc_id, sender, mark, body, moment)
            self._pull.batch.hold()

    def report(self) -> None:
        """Have the officer told."""
        line = self._held.report(self._pull.system.classified_officer)
        if line is not None:
            self._pull.warn(line)


def _addressed(pull: PullContext[Fetch], entry: Entry, message: Message) -> dict[str, str]:
    """Return the fact that a message is the hub's own to acknowledge, where that is wanted."""
    options = pull.fetch
    ours = options.acknowledge and edoc_receipts.is_addressed(
        message.body, entry, options.organ_ids
    )
    return {edoc_receipts.ADDRESSED: "1"} if ours else {}
