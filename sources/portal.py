"""A public-service portal: numbered pages of records in an envelope that may carry an error.

Data flow: ``land`` asks for pages and hands them to ``sources.paging``, which lands the records
as they came. Exchange shape: facts.md 3.1 (``error_code`` inside a 200, totals written as
text); every name in it is an option, since vendors differ.

Run it alone: ``python -m sources.pull assets/lao_cai/dich_vu_cong/defs.yaml thu_tuc data/try``.

What does not belong here: what a dossier is; this reads any numbered pages of JSON records.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hub.errors import ProviderError
from sources import payload
from sources.context import PullContext
from sources.paging import Page, numbered
from sources.spec import Strict
from sources.transport import Answer

NEEDS_ADDRESS = True


class Success(Strict):
    """Where the envelope says whether the request succeeded."""

    path: str = "error_code"
    values: tuple[str, ...] = ("00",)
    message: str = "error_message"


class Fetch(Strict):
    """Options of a dataset."""

    path: str
    params: dict[str, str] = Field(default_factory=dict)
    """Fixed query parameters."""
    records: str = "result"
    total: str | None = "total"
    """Where the number of rows stands; a source without one is read until a page is empty."""
    success: Success | None = Success()
    page_parameter: str = "page"
    size_parameter: str = "pageSize"
    first_page: int = 1
    page_size: Annotated[int, Field(ge=1)] = 1000
    max_pages: Annotated[int, Field(ge=1)] = 20_000
    since_parameter: str | None = None
    until_parameter: str | None = None
    time_format: str = "%Y%m%d%H%M%S"

    @property
    def windows(self) -> tuple[bool, bool]:
        """Whether the source can be asked for rows since, and until, a moment."""
        return self.since_parameter is not None, self.until_parameter is not None


def land(pull: PullContext[Fetch]) -> None:
    """Land every page."""
    options, window = pull.fetch, pull.window
    fixed = {**options.params, options.size_parameter: str(options.page_size)}
    if window.since and options.since_parameter:
        fixed[options.since_parameter] = window.since.strftime(options.time_format)
    if window.until and options.until_parameter:
        fixed[options.until_parameter] = window.until.strftime(options.time_format)

    def ask(number: int) -> Page:
        params = {**fixed, options.page_parameter: str(number)}
        return pull.ask(
            options.path,
            lambda answer: _page(pull, number, answer),
            what=f"page {number}",
            params=params,
        )

    numbered(pull, ask, options.first_page, options.max_pages)


def _page(pull: PullContext[Fetch], number: int, answer: Answer) -> Page:
    """Read one page; raises if the envelope says that the request failed."""
    options = pull.fetch
    outer = payload.envelope(answer.body)
    rule = options.success
    code = payload.text(outer, rule.path) if rule else ""
    if rule and code not in rule.values:
        reason = pull.quote(payload.text(outer, rule.message)) or "no reason given"
        raise ProviderError(
            f"{rule.path} {pull.quote(code)!r} in a 200: {reason}",
            next_step="ask the provider; nothing was loaded",
        )
    total = payload.count(outer, options.total) if options.total else None
    return Page(number, payload.records(outer, options.records), total, answer)
