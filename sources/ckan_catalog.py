"""A whole CKAN catalog (or DKAN): one row for each package, as the catalog describes it.

Data flow: by ``search``, ``package_search`` sorted by id, in pages that overlap, with the
definition's filters and the window as ``metadata_modified:[... TO *]``; by ``list``, for DKAN and
others without a search, ``package_list`` and ``package_show`` of each (the list that comes with
its resources is sorted by the time of change, so that rows move in it) -> :func:`row`: the neutral
form (``sources.dataset_entry``) and beside it, as ``package``, the package's JSON as it came.

A search answers from an index, and an index that is empty, half built or down is not an empty
catalog: its count is first compared with ``package_list``, which the database answers. A token that
CKAN does not know is ignored without a word, and the anonymous view looks just like a complete one:
where a token is configured, ``organization_list_for_user`` has to show that somebody is known.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``ckan``.

What does not belong here: the data of a package (``sources.ckan``).
"""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote
from weakref import WeakSet

import msgspec
from pydantic import Field, model_validator

from hub.errors import ConfigurationError, ProviderError, TransientError
from sources import ckan_action, payload
from sources.client import Client
from sources.context import PullContext
from sources.dataset_entry import Distribution, Entry, joined, line, moment, text, utc
from sources.landing import Window
from sources.paging import Page, lander
from sources.paging_kinds import OffsetPaging, Step, read_list
from sources.spec import ApiKeyAuth, Strict
from sources.transport import Answer

_INDEXED = 0.9
"""Least share of the listed packages that must be found: a few come and go at any moment."""
_FILE_ROWS = 500
"""Packages that were asked for one by one and go into one file."""
_known: WeakSet[Client] = WeakSet()
"""Clients whose token was seen to be known: one question a session is enough."""


class Catalog(Strict):
    """Which packages of the catalog."""

    by: Literal["search", "list"] = "search"
    """``list`` asks for each package on its own: slower, and the only way where no search is."""
    q: str | None = None
    fq: str | None = None
    """Solr filter, as CKAN takes it: ``res_format:CSV``."""
    organization: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] | None = None
    """Name of one organisation, as its address has it."""
    include_private: bool = False
    """Whether private packages come too that the token's account may read."""
    page_size: Annotated[int, Field(ge=2, le=1000)] = 500

    @model_validator(mode="after")
    def _filters_need_a_search(self) -> Self:
        """A list cannot be filtered."""
        if self.by == "list" and (self.q or self.fq or self.organization or self.include_private):
            msg = "q, fq, organization and include_private need `by: search`"
            raise ValueError(msg)
        return self

    def parameters(self, window: Window) -> dict[str, str]:
        """Return the fixed parameters of the search for a window of time."""
        filters = []
        if self.fq:
            filters.append(f"+({self.fq})")
        if self.organization:
            filters.append(f'+organization:"{self.organization}"')
        if window.since or window.until:
            since = utc(window.since) if window.since else "*"
            # The end of a window is not part of it; Solr writes that as a brace.
            until = f"{utc(window.until)}}}" if window.until else "*]"
            filters.append(f"+metadata_modified:[{since} TO {until}")
        asked = {"q": self.q, "fq": " ".join(filters)}
        private = {"include_private": "true"} if self.include_private else {}
        return {name: value for name, value in asked.items() if value} | private


def land(pull: PullContext[Any], catalog: Catalog) -> None:
    """Land every package."""
    _require_known(pull, catalog)
    if catalog.by == "list":
        _land_listed(pull)
    else:
        _require_index(pull)
        _land_found(pull, catalog)


def row(record: msgspec.Raw | bytes, base_url: str) -> bytes:
    """Return a package as it is landed; raises ``ProviderError`` if it is no package."""
    try:
        package = msgspec.json.decode(record)
    except (msgspec.MsgspecError, RecursionError):
        raise ProviderError("a package of the catalog is not whole JSON") from None
    identifier = text(package.get("id")) if isinstance(package, dict) else None
    if identifier is None:
        raise ProviderError("a package of the catalog has no `id`")
    return line(_entry(package, identifier, base_url), package=record)


def _entry(package: dict[str, Any], identifier: str, base_url: str) -> Entry:
    """Return the neutral form; CKAN writes times in UTC and names no zone."""
    name = text(package.get("name"))
    entry = Entry(
        identifier,
        title=text(package.get("title")) or name,
        description=text(package.get("notes")),
        publisher=_named(package.get("organization")) or text(package.get("author")),
        modified=moment(text(package.get("metadata_modified")), UTC),
        issued=moment(text(package.get("metadata_created")), UTC),
        landing_page=f"{base_url}/dataset/{quote(name or identifier, safe='')}",
        keywords=joined(map(_named, _items(package.get("tags")))),
        themes=joined(map(_named, _items(package.get("groups")))),
        license=text(package.get("license_id")) or text(package.get("license_title")),
        frequency=text(package.get("frequency")),
    )
    entry.offer(
        [
            Distribution(
                url=text(resource.get("url")),
                title=text(resource.get("name")),
                format=(text(resource.get("format")) or "").strip(" .").upper() or None,
                media_type=text(resource.get("mimetype")),
                bytes=text(resource.get("size")),
                modified=moment(text(resource.get("last_modified")), UTC),
            )
            for resource in _items(package.get("resources"))
        ]
    )
    return entry


def _items(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    """Return the objects of a list, if it is one."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _named(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return what people call an organisation, a group or a tag."""
    if not isinstance(value, dict):
        return None
    return next(
        filter(None, (text(value.get(key)) for key in ("title", "display_name", "name"))), None
    )


def _land_found(pull: PullContext[Any], catalog: Catalog) -> None:
    """Land what the search finds."""
    fixed = {**catalog.parameters(pull.window), "sort": "id asc"}
    write = lander(pull)
    base_url = _shown(pull)

    def ask(step: Step) -> Page:
        params = {**fixed, **{name: str(value) for name, value in step.params.items()}}
        return ckan_action.call(
            pull,
            "package_search",
            params,
            lambda outer, answer: Page(
                step.number,
                payload.records(outer, "result.results"),
                payload.count(outer, "result.count"),
                answer,
            ),
            what=f"page {step.number}",
        )

    def keep(page: Page, records: list[msgspec.Raw]) -> None:
        write(page, [row(record, base_url) for record in records])

    paging = OffsetPaging(
        kind="offset",
        key=("id",),
        offset_parameter="start",
        size_parameter="rows",
        page_size=catalog.page_size,
    )
    read_list(pull, paging, ask, pull.fetch.max_pages, keep)


def _land_listed(pull: PullContext[Any]) -> None:
    """Land every package that the catalog lists; one deleted meanwhile is none any more."""
    names = _listed(pull)
    waiting: list[bytes] = []
    base_url = _shown(pull)
    shown = 0

    def ask(name: str) -> tuple[msgspec.Raw, Answer] | None:
        what = f"package {pull.quote(name)}"
        try:
            return ckan_action.call(pull, "package_show", {"id": name}, _package, what=what)
        except ckan_action.MissingError:
            return None

    def keep(found: tuple[msgspec.Raw, Answer] | None) -> None:
        nonlocal shown
        if found is None:
            return
        record, answer = found
        waiting.append(row(record, base_url))
        shown += 1
        pull.progress(shown, len(names))
        if len(waiting) == _FILE_ROWS:
            flush(answer.url)

    def flush(url: str) -> None:
        pull.batch.page(waiting, url=url)
        waiting.clear()

    pull.each(ask, names, keep)
    flush(f"{base_url}{pull.fetch.action_path}/package_show")
    if shown < len(names) * _INDEXED:
        raise ProviderError(
            f"the catalog lists {len(names)} packages and knows {shown} of them when asked",
            where=pull.name,
            next_step="nothing was loaded; ask the provider if it is so again tomorrow",
        )


def _shown(pull: PullContext[Any]) -> str:
    """Return the catalog's address as people may see it: it becomes part of rows."""
    return pull.client.redactor.url(pull.client.base_url)


def _package(outer: payload.Envelope, answer: Answer) -> tuple[msgspec.Raw, Answer]:
    """Return the package as it came; DKAN wraps it in a list."""
    raw = outer["result"] if "result" in outer else msgspec.Raw(b"null")
    if bytes(memoryview(raw)[:1]) != b"[":
        return raw, answer
    wrapped = payload.records(outer, "result")
    if len(wrapped) != 1:
        raise ProviderError(f"package_show answers with {len(wrapped)} packages instead of one")
    return wrapped[0], answer


def _listed(pull: PullContext[Any]) -> list[str]:
    """Return the names of all public packages, from the catalog's database."""

    def read(outer: payload.Envelope, _: Answer) -> list[str]:
        names = payload.value(outer, "result")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ProviderError("package_list is no list of names")
        return list(dict.fromkeys(names))

    return ckan_action.call(pull, "package_list", {}, read, what="list of packages")


def _require_index(pull: PullContext[Any]) -> None:
    """Raise if the search knows far fewer packages than the catalog lists."""
    indexed = ckan_action.call(
        pull,
        "package_search",
        {"rows": "0"},
        lambda outer, _: payload.count(outer, "result.count"),
        what="count",
        now=True,
    )
    listed = len(_listed(pull))
    if indexed < listed * _INDEXED:
        raise TransientError(
            f"the search index is incomplete: it holds {indexed} of {listed} listed packages",
            where=pull.name,
            next_step="run it again later; ask the provider to rebuild the index if it lasts",
        )


def _require_known(pull: PullContext[Any], catalog: Catalog) -> None:
    """Raise if the catalog takes the holder of the token for an anonymous reader."""
    names = ", ".join(pull.client.auth.names)
    if catalog.include_private and not names:
        raise ConfigurationError(
            "private packages are only shown to somebody",
            where=pull.name,
            next_step="give the definition a token (auth: {kind: api_key})",
        )
    has_token = catalog.include_private or isinstance(pull.system.auth, ApiKeyAuth)
    if not has_token or pull.client in _known:
        return
    organisations = ckan_action.call(
        pull,
        "organization_list_for_user",
        {"permission": "read"},
        lambda outer, _: payload.records(outer, "result"),
        what="account",
        now=True,
    )
    if not organisations:
        raise ConfigurationError(
            "to the catalog, the token's account may read no organisation's packages: it ignores "
            "the token, or the account is a member of none",
            where=pull.name,
            next_step=f"check the value of {names}, and whether its account is a member",
        )
    _known.add(pull.client)
