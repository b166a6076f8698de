"""A provincial document axis (LGSP transport): edXML messages listed by date, fetched one by one.

Data flow: ``syncReceivedEdocList`` for windows of days from the definition's ``start`` (or the
cursor) to today -> ``getEdoc`` for each entry, in a few threads -> one file per message, with
the list entry's facts beside it. Facts: facts.md 2.7; errors are ``success: false`` in a 200.

The hub is a reader: nothing here calls ``updateStatus``, which would take a document out of
its recipient's queue.

Run it alone: ``python -m sources.pull assets/yen_bai/van_ban/defs.yaml trang_thai data/try``.

What does not belong here: parsing edXML; ``warehouse`` does.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from hub.errors import ProviderError
from sources import payload
from sources.context import PullContext
from sources.edoc_list import Entry, days, entries, is_within, require_success
from sources.spec import Strict
from sources.transport import Answer

NEEDS_ADDRESS = True
_DAY = "%Y/%m/%d"


class Fetch(Strict):
    """Options of a dataset."""

    message_type: Literal["edoc", "status"]
    start: date
    """First day of the first pull: the axis cannot be asked for everything."""
    window_days: Annotated[int, Field(ge=1)] = 31
    """Most days that the axis lists in one answer."""
    list_path: str = "/v1/syncReceivedEdocList"
    document_path: str = "/v1/getEdoc"

    @property
    def windows(self) -> tuple[bool, bool]:
        """Rows can be asked for since, and until, a moment."""
        return True, True


def land(pull: PullContext[Fetch]) -> None:
    """Land every message of the window."""
    options, window = pull.fetch, pull.window
    listed: list[Entry] = []
    for first, last in days(options.start, window, pull.now, options.window_days):
        params = {
            "messageType": options.message_type,
            "fromDate": first.strftime(_DAY),
            "toDate": last.strftime(_DAY),
        }
        listed += pull.ask(
            options.list_path,
            lambda answer: entries(pull, answer),
            what=f"list of {first} to {last}",
            params=params,
        )
    wanted = [entry for entry in listed if is_within(window, entry)]
    done = 0

    def keep(fetched: tuple[Entry, Answer]) -> None:
        nonlocal done
        entry, answer = fetched
        pull.batch.file(
            answer.body,
            suffix=".xml",
            media="edxml",
            url=answer.url,
            status=answer.status,
            rows=1,
            note=entry.note,
        )
        done += 1
        pull.progress(done, len(wanted))

    pull.progress(0, len(wanted))
    pull.batch.claim(len(wanted))
    pull.each(lambda entry: _document(pull, entry), wanted, keep)


def _document(pull: PullContext[Fetch], entry: Entry) -> tuple[Entry, Answer]:
    """Fetch one message; runs in several threads."""

    def read(answer: Answer) -> Answer:
        if answer.body.removeprefix(payload.BOM).lstrip().startswith(b"{"):
            require_success(pull, payload.envelope(answer.body))
            raise ProviderError("JSON instead of edXML")
        kind = payload.sniff(answer.body)
        if kind not in {"", "XML"}:  # junk before the XML is left to the parser
            wrong = payload.TruncatedError if kind == payload.EMPTY else ProviderError
            raise wrong(f"{kind} instead of edXML")
        return answer

    what = f"docId {pull.quote(entry.doc_id)}"
    params = {"docId": entry.doc_id}
    return entry, pull.ask(pull.fetch.document_path, read, what=what, params=params, accept="*/*")
