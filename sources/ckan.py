"""A CKAN catalog (or DKAN): one resource of a package, from its datastore or as a file.

Data flow: ``package_show`` -> the resource by format, name and position (ids change when a
file is uploaded again) -> ``datastore_search`` sorted by its key, in pages that overlap
(``sources.overlap``: rows may come and go meanwhile, and catalogs cap ``limit`` in silence) ->
``package_show`` once more, since a table that is loaded anew numbers its rows anew; or the file
itself. Facts: facts.md section 6.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``ckan``.

What does not belong here: reading CSV or XLSX; ``warehouse`` does, with the ``reader`` options.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hub.errors import ProviderError, TransientError
from sources import ckan_action, download, filetypes, payload
from sources.ckan_package import Resource, choose, resources
from sources.context import PullContext
from sources.paging import Page
from sources.paging_kinds import FieldPath, OffsetPaging, Step, read_list
from sources.spec import Strict
from sources.transport import Answer

NEEDS_ADDRESS = True
_UPLOAD = ("id", "last_modified", "hash")
"""What changes in a resource when its file is uploaded again."""


class Fetch(Strict):
    """Options of a dataset."""

    package: str
    resource: Resource
    action_path: str = "/api/3/action"
    key: FieldPath = "_id"
    """Field of the datastore's rows that no two share; they are sorted by it. CKAN numbers rows by
    ``_id``, which stays when others come and go."""
    page_size: Annotated[int, Field(ge=2, le=32_000)] = 10_000
    max_pages: Annotated[int, Field(ge=1)] = 20_000
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the file's reader in ``warehouse``."""


def land(pull: PullContext[Fetch]) -> None:
    """Land the resource."""
    resource = _resource(pull)
    if pull.fetch.resource.access == "file":
        _land_file(pull, resource)
    else:
        _land_table(pull, resource)


def _resource(pull: PullContext[Fetch]) -> dict[str, Any]:
    """Ask which resource it is tonight."""
    options = pull.fetch
    params = {"id": options.package}
    offered = ckan_action.call(pull, "package_show", params, resources, what="catalog")
    return choose(offered, options.resource, options.package)


def _land_table(pull: PullContext[Fetch], resource: dict[str, Any]) -> None:
    """Land the rows of a datastore table."""
    options = pull.fetch
    fixed = {"resource_id": str(resource.get("id")), "sort": options.key}

    def ask(step: Step) -> Page:
        params = {**fixed, **{name: str(value) for name, value in step.params.items()}}
        return ckan_action.call(
            pull,
            "datastore_search",
            params,
            lambda outer, answer: _page(step.number, outer, answer),
            what=f"page {step.number}",
        )

    paging = OffsetPaging(kind="offset", key=(options.key,), page_size=options.page_size)
    read_list(pull, paging, ask, options.max_pages)
    after = _resource(pull)
    if any(resource.get(field) != after.get(field) for field in _UPLOAD):
        raise TransientError(
            "the resource was uploaded again while its table was read",
            where=pull.name,
            next_step="run it again, at a quieter hour if it happens often",
        )


def _land_file(pull: PullContext[Fetch], resource: dict[str, Any]) -> None:
    """Land the file a resource points at; the client refuses one on another host."""
    media: filetypes.Table = "xlsx" if pull.fetch.resource.format == "XLSX" else "csv"
    url = str(resource.get("url") or "")
    if not url:
        raise ProviderError(f"a resource of package {pull.fetch.package} has no address")

    def records(body: bytes) -> list[tuple[str, bytes]]:
        filetypes.require(media, body)
        return [("", body)]

    download.land_file(pull, url, records, media=media)
    pull.progress(1, 1)


def _page(number: int, outer: payload.Envelope, answer: Answer) -> Page:
    """Read one page; a total that CKAN only estimates is no claim."""
    estimated = payload.text(outer, "result.total_was_estimated") == "true"
    total = None if estimated else payload.count(outer, "result.total")
    return Page(number, payload.records(outer, "result.records"), total, answer)
