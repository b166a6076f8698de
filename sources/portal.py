"""A public-service portal: numbered pages of records in an envelope that may carry an error.

Data flow: ``land`` asks for pages and hands them to ``sources.paging``, which lands the records
as they came. Exchange shape: facts.md 3.1 (``error_code`` inside a 200, totals written as
text); every name in it is an option, since vendors differ. It is the short form of kind
``rest`` with ``paging: {kind: page}``, and shares its reading of pages.

Run it alone: ``python -m sources.pull assets/lao_cai/dich_vu_cong/defs.yaml thu_tuc data/try``.

What does not belong here: what a dossier is; this reads any numbered pages of JSON records.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sources.context import PullContext
from sources.paging import Page, numbered
from sources.rest_page import Success, read_page
from sources.spec import Strict

NEEDS_ADDRESS = True


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
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the reader in ``warehouse``: the list within each record (docs/sources.md)."""

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
            lambda answer: read_page(options, number, answer, pull.quote),
            what=f"page {number}",
            params=params,
        )

    numbered(pull, ask, options.first_page, options.max_pages)
