"""An OAI-PMH 2.0 repository: records of a set, by resumption tokens, deleted ones included.

Data flow: ``ListRecords`` with prefix, set and ``from``/``until`` -> each record as a JSON object
(``sources.oai_record``) -> a page of a batch -> the resumption token, until it is empty.
``completeListSize`` is the total claimed. ``noRecordsMatch`` is an empty list. A token that the
repository no longer knows (``badResumptionToken``) makes the whole list be read again, once.

The times of a window are asked for in the repository's own grain (``Identify``), days or seconds
in UTC; both ends are included. Deleted records come as rows whose ``status`` is ``deleted``.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``oai_pmh``.

What does not belong here: what a record's fields mean.
Standard: Open Archives Initiative, Protocol for Metadata Harvesting 2.0, sections 2.7, 3.5, 3.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field

from hub.errors import ConfigurationError, ProviderError, TransientError
from sources.context import PullContext
from sources.ndjson import lines
from sources.oai_record import BAD_TOKEN, OaiError, has_seconds, listed
from sources.spec import Strict
from sources.transport import Answer

NEEDS_ADDRESS = True
_XML = "text/xml, application/xml;q=0.9"
_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_OURS = {"badArgument", "cannotDisseminateFormat", "noSetHierarchy"}
T = TypeVar("T")


class Fetch(Strict):
    """Options of a dataset."""

    path: str = ""
    """Where the repository answers, below ``base_url``."""
    prefix: str = "oai_dc"
    """``metadataPrefix``."""
    set: str | None = None
    separator: str | None = "; "
    """Between several values of one field; without one (null), fields are JSON lists."""
    exact_size: bool = True
    """Whether ``completeListSize`` is believed; the standard lets it be an estimate."""
    max_pages: Annotated[int, Field(ge=1)] = 20_000

    @property
    def windows(self) -> tuple[bool, bool]:
        """Records can be asked for since, and until, a moment."""
        return True, True


class _StaleTokenError(Exception):
    """The repository no longer knows its own token."""


@dataclass
class _Read:
    """What has come so far of one reading of the list."""

    rows: int = 0
    pages: int = 0
    sizes: tuple[int, ...] = ()


def land(pull: PullContext[Fetch]) -> None:
    """Land every record."""
    first = _first(pull)
    try:
        read = _read(pull, first)
    except _StaleTokenError:
        pull.start_over()
        try:
            read = _read(pull, first)
        except _StaleTokenError:
            raise ProviderError(
                "the repository forgets its resumption tokens before the list ends",
                where=pull.name,
                next_step="ask the provider to keep them longer, or harvest set by set",
            ) from None
    if read.sizes and pull.fetch.exact_size:
        if min(read.sizes) < read.sizes[0]:
            raise TransientError(
                f"the list shrank from {read.sizes[0]} to {min(read.sizes)} records while read",
                where=pull.name,
                next_step="run it again; fetch.exact_size: false if the sizes are estimates",
            )
        pull.batch.claim(read.sizes[-1])


def _first(pull: PullContext[Fetch]) -> dict[str, str]:
    """Return the arguments of the first request."""
    options, window = pull.fetch, pull.window
    arguments = {"verb": "ListRecords", "metadataPrefix": options.prefix}
    if options.set is not None:
        arguments["set"] = options.set
    if window.since is not None or window.until is not None:
        asked = {"verb": "Identify"}
        by_day = not _ask(pull, asked, "identification", lambda answer: has_seconds(answer.body))
        if window.since is not None:
            arguments["from"] = _stamp(window.since, by_day=by_day)
        if window.until is not None:
            arguments["until"] = _stamp(window.until, by_day=by_day)
    return arguments


def _read(pull: PullContext[Fetch], arguments: Mapping[str, str]) -> _Read:
    """Land the list from its beginning to its end."""
    read, tokens = _Read(), set[str]()
    pull.journal.join(_same)
    while True:
        read.pages += 1
        where = f"page {read.pages}"
        if read.pages > pull.fetch.max_pages:
            raise ProviderError(
                f"more than {pull.fetch.max_pages} pages, which is all the definition believes",
                where=pull.name,
                next_step="raise fetch.max_pages if the repository is that large",
            )
        page, answer = _ask(
            pull,
            arguments,
            where,
            lambda answer: (listed(answer.body, pull.fetch.separator), answer),
        )
        try:
            pull.batch.page(page.records, url=answer.url, status=answer.status)
        except ProviderError as error:
            raise error.at(f"{pull.name} {where}") from None
        read.rows += len(page.records)
        if page.size is not None:
            read.sizes += (page.size,)
        pull.progress(read.rows, page.size)
        if not page.token:
            return read
        if page.token in tokens:
            raise ProviderError(
                "the resumption tokens go round in a circle",
                where=f"{pull.name} {where}",
                next_step="ask the provider: a token came a second time",
            )
        tokens.add(page.token)
        arguments = {"verb": "ListRecords", "resumptionToken": page.token}


def _same(one: object, other: object) -> bool:
    """Say whether two answers list the same records; an error of the protocol is none of them."""
    return (
        isinstance(one, tuple)
        and isinstance(other, tuple)
        and lines(one[0].records) == lines(other[0].records)
    )


def _ask(
    pull: PullContext[Fetch],
    arguments: Mapping[str, str],
    what: str,
    read: Callable[[Answer], T],
) -> T:
    """Ask, and say whose an error of the protocol is."""

    def parse(answer: Answer) -> T | OaiError:
        try:
            return read(answer)
        except OaiError as error:
            return error

    found = pull.ask(pull.fetch.path, parse, what=what, params=arguments, accept=_XML)
    if not isinstance(found, OaiError):
        return found
    if found.code == BAD_TOKEN and "resumptionToken" in arguments:
        raise _StaleTokenError
    kind = ConfigurationError if found.code in _OURS else ProviderError
    said = f": {pull.quote(found.sentence)}" if found.sentence else ""
    raise kind(
        f"the repository refuses ({pull.quote(found.code)}{said})",
        where=f"{pull.name} {what}",
        next_step="compare fetch.prefix and fetch.set with ListMetadataFormats and ListSets"
        if kind is ConfigurationError
        else "ask the provider; nothing was loaded",
    )


def _stamp(moment: datetime, *, by_day: bool) -> str:
    """Return a moment of Vietnam time in UTC, as coarse as the repository wants it."""
    moment = moment.replace(tzinfo=_VIETNAM).astimezone(UTC)
    return moment.strftime("%Y-%m-%d" if by_day else "%Y-%m-%dT%H:%M:%SZ")
