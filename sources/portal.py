"""A public-service portal: numbered pages of records in an envelope that may carry an error.

Data flow: ``land`` asks for pages and hands them to ``sources.paging``, which lands the records
as they came. Exchange shape: facts.md 3.1 (``error_code`` inside a 200, totals written as
text); every name in it is an option, since vendors differ. It is the short form of kind
``rest`` with ``paging: {kind: page}``, and shares its reading of pages: with a ``key`` they
overlap, and every row that stays in the list comes. Without one they are read in threads, and a
list that is seen to shrink is an error.

Run it alone: ``python -m sources.pull assets/lao_cai/dich_vu_cong/defs.yaml thu_tuc data/try``.

What does not belong here: what a dossier is; this reads any numbered pages of JSON records.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from sources.context import PullContext
from sources.paging import Page, numbered
from sources.paging_kinds import LEAST_PAGE, Key, PagePaging, Step, read_list
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
    key: Key = None
    """Path, or paths, of the fields by which a record is told from all others."""
    copies: bool = False
    """Whether records may share a key, as where a portal sends some twice; they stand side by side,
    as in a list that is sorted by it."""
    max_pages: Annotated[int, Field(ge=1)] = 20_000
    since_parameter: str | None = None
    until_parameter: str | None = None
    time_format: str = "%Y%m%d%H%M%S"
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the reader in ``warehouse``: the list within each record (docs/sources.md)."""

    @model_validator(mode="after")
    def _can_overlap(self) -> Self:
        """Pages overlap by changing their size a little."""
        if self.copies and not self.key:
            msg = "`copies` needs `key`"
            raise ValueError(msg)
        if self.key and self.page_size < LEAST_PAGE:
            msg = f"`key` needs `page_size` of {LEAST_PAGE} or more"
            raise ValueError(msg)
        return self

    def overlapping(self) -> PagePaging:
        """Return the paging of a list with a key."""
        return PagePaging(
            kind="page",
            key=self.key,
            copies=self.copies,
            page_parameter=self.page_parameter,
            size_parameter=self.size_parameter,
            first_page=self.first_page,
            page_size=self.page_size,
        )

    @property
    def windows(self) -> tuple[bool, bool]:
        """Whether the source can be asked for rows since, and until, a moment."""
        return self.since_parameter is not None, self.until_parameter is not None


def land(pull: PullContext[Fetch]) -> None:
    """Land every page."""
    options, window = pull.fetch, pull.window
    fixed = dict(options.params)
    if window.since and options.since_parameter:
        fixed[options.since_parameter] = window.since.strftime(options.time_format)
    if window.until and options.until_parameter:
        fixed[options.until_parameter] = window.until.strftime(options.time_format)

    def ask(step: Step) -> Page:
        params = {**fixed, **{name: str(value) for name, value in step.params.items()}}
        return pull.ask(
            options.path,
            lambda answer: read_page(options, step.number, answer, pull.quote),
            what=f"page {step.number}",
            params=params,
        )

    def ask_number(number: int) -> Page:
        place = {options.page_parameter: number, options.size_parameter: options.page_size}
        return ask(Step(number, place))

    if options.key:
        read_list(pull, options.overlapping(), ask, options.max_pages)
    else:
        numbered(pull, ask_number, options.first_page, options.max_pages)
