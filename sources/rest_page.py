"""Read one page of a JSON API: did the request succeed, which rows came, how many are there.

Data flow: an answer and the dataset's :class:`Shape` -> :func:`read_page` -> a
``sources.paging.Page`` with the records' own bytes. An error inside a 200 is an error.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``rest``.

What does not belong here: asking, and where the next page is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hub.errors import ProviderError
from sources import payload
from sources.client import ExpiredError
from sources.paging import Page
from sources.spec import Strict
from sources.transport import Answer


class CodeError(ProviderError):
    """The envelope of a 200 says that the request failed; ``code`` is the source's word."""

    def __init__(self, what: str, *, code: str, next_step: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(what, next_step=next_step)
        self.code = code


class Success(Strict):
    """Where the envelope says whether the request succeeded."""

    path: str = "error_code"
    values: tuple[str, ...] = ("00",)
    message: str = "error_message"
    expired: tuple[str, ...] = ()
    """Values that mean that token or session has ended: it is renewed once, as on a 401."""


class Shape(Protocol):
    """What a kind's options say about its answers; ``Fetch`` of ``portal`` and ``rest``."""

    @property
    def records(self) -> str:
        """Dotted path of the rows; blank if the answer itself is the list."""

    @property
    def total(self) -> str | None:
        """Dotted path of the number of rows."""

    @property
    def success(self) -> Success | None:
        """The rule by which an answer is a success."""


def read_page(
    shape: Shape,
    number: int,
    answer: Answer,
    quote: Callable[[str], str],
    header: str | None = None,
) -> Page:
    """Read one page; raises if the envelope says that the request failed.

    Args:
        shape: Where things stand.
        number: The page's number, for messages.
        answer: What came.
        quote: Makes a source's own words fit for an error message.
        header: Name of a response header that holds the number of rows.
    """
    if shape.records:
        outer, rows = payload.split(answer.body, shape.records)
        if shape.success:
            _require_success(shape.success, outer, quote)
        records = payload.records(outer, shape.records) if rows is None else rows
    else:
        outer, records = {}, payload.array(answer.body)
    total = payload.count(outer, shape.total) if shape.total else None
    if header is not None:
        total = _from_header(answer, header)
    return Page(number, records, total, answer, outer)


def _require_success(rule: Success, outer: payload.Envelope, quote: Callable[[str], str]) -> None:
    """Raise if the envelope says that the request failed."""
    code = payload.text(outer, rule.path)
    if code in rule.values:
        return
    reason = quote(payload.text(outer, rule.message)) or "no reason given"
    what = f"{rule.path} {quote(code)!r} in a 200: {reason}"
    if code in rule.expired:
        raise ExpiredError(what, next_step="ask the provider; nothing was loaded")
    raise CodeError(what, code=code, next_step="ask the provider; nothing was loaded")


def _from_header(answer: Answer, name: str) -> int:
    """Return the number of rows that a header claims."""
    value = answer.headers.get(name, "").strip()
    if not (value.isascii() and value.isdigit()):
        raise ProviderError(f"the header {name} should be the number of rows and is no number")
    return int(value)
