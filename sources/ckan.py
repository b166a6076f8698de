"""A CKAN catalog (or DKAN): one resource of a package, from its datastore or as a file.

Data flow: ``package_show`` -> the resource by format, name and position (ids change when a
file is uploaded again) -> ``datastore_search`` by offset, each page beginning where the rows
that really came end (catalogs cap ``limit`` in silence), or the file itself. Facts: facts.md
section 6.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``ckan``.

What does not belong here: reading CSV or XLSX; ``warehouse`` does, with the ``reader`` options.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hub.errors import ProviderError
from sources import ckan_action, download, filetypes, payload
from sources.ckan_package import Resource, choose, resources
from sources.context import PullContext
from sources.paging import Page, offsets
from sources.spec import Strict
from sources.transport import Answer

NEEDS_ADDRESS = True


class Fetch(Strict):
    """Options of a dataset."""

    package: str
    resource: Resource
    action_path: str = "/api/3/action"
    page_size: Annotated[int, Field(ge=1, le=32_000)] = 10_000
    max_pages: Annotated[int, Field(ge=1)] = 20_000
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the file's reader in ``warehouse``."""


def land(pull: PullContext[Fetch]) -> None:
    """Land the resource."""
    options = pull.fetch
    params = {"id": options.package}
    offered = ckan_action.call(pull, "package_show", params, resources, what="catalog")
    resource = choose(offered, options.resource, options.package)
    if options.resource.access == "file":
        _land_file(pull, resource)
        return
    fixed = {"resource_id": str(resource.get("id")), "limit": str(options.page_size)}

    def ask(number: int, offset: int) -> Page:
        # Without an order the pages of a table may overlap.
        params = {**fixed, "offset": str(offset), "sort": "_id"}
        return ckan_action.call(
            pull,
            "datastore_search",
            params,
            lambda outer, answer: _page(number, outer, answer),
            what=f"page {number}",
        )

    offsets(pull, ask, options.max_pages)


def _land_file(pull: PullContext[Fetch], resource: dict[str, Any]) -> None:
    """Land the file a resource points at; the client refuses one on another host."""
    media: filetypes.Table = "xlsx" if pull.fetch.resource.format == "XLSX" else "csv"
    url = str(resource.get("url") or "")
    if not url:
        raise ProviderError(f"a resource of package {pull.fetch.package} has no address")

    download.land_file(
        pull,
        url,
        media=media,
        suffix=f".{media}",
        require=lambda body: filetypes.require(media, body),
    )
    pull.progress(1, 1)


def _page(number: int, outer: payload.Envelope, answer: Answer) -> Page:
    """Read one page; a total that CKAN only estimates is no claim."""
    estimated = payload.text(outer, "result.total_was_estimated") == "true"
    total = None if estimated else payload.count(outer, "result.total")
    return Page(number, payload.records(outer, "result.records"), total, answer)
