"""A CKAN catalog (or DKAN): one resource of a package, or what the catalog says of all packages.

Data flow: with ``catalog``, see ``sources.ckan_catalog``. Otherwise ``package_show`` -> the
resource by format, name and position (ids change when a file is uploaded again) ->
``datastore_search`` sorted by its key, in pages that overlap (``sources.overlap``: rows may come
and go meanwhile, and catalogs cap ``limit`` in silence) -> ``package_show`` once more, since a
table that is loaded anew numbers its rows anew; or the file itself. Facts: facts.md section 6.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``ckan``.

What does not belong here: reading CSV or XLSX; ``warehouse`` does, with the ``reader`` options.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from hub.errors import ProviderError, TransientError
from sources import ckan_action, ckan_catalog, download, filetypes, payload
from sources.ckan_catalog import Catalog
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

    package: str | None = None
    """Name of the package one of whose resources is read."""
    resource: Resource | None = None
    catalog: Catalog | None = None
    """Instead of both: a row for each package of the catalog."""
    action_path: str = "/api/3/action"
    key: FieldPath = "_id"
    """Field of the datastore's rows that no two share; they are sorted by it. CKAN numbers rows by
    ``_id``, which stays when others come and go."""
    page_size: Annotated[int, Field(ge=2, le=32_000)] = 10_000
    max_pages: Annotated[int, Field(ge=1)] = 20_000
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the file's reader in ``warehouse``."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        """A resource needs its package."""
        if (self.package is None) != (self.resource is None) or (
            (self.package is None) == (self.catalog is None)
        ):
            msg = "say `package` and `resource`, or `catalog`"
            raise ValueError(msg)
        return self

    @property
    def windows(self) -> tuple[bool, bool]:
        """Packages can be asked for since, and until, a moment, where they can be searched."""
        searched = self.catalog is not None and self.catalog.by == "search"
        return searched, searched


def land(pull: PullContext[Fetch]) -> None:
    """Land the packages, or the resource."""
    options = pull.fetch
    if options.catalog is not None:
        ckan_catalog.land(pull, options.catalog)
    elif options.package is not None and options.resource is not None:
        find = partial(_find, pull, options.package, options.resource)
        if options.resource.access == "file":
            _land_file(pull, find(), options.resource)
        else:
            _land_table(pull, find)


def _find(pull: PullContext[Fetch], package: str, wanted: Resource) -> dict[str, Any]:
    """Ask which resource it is at this moment."""
    params = {"id": package}
    offered = ckan_action.call(pull, "package_show", params, resources, what="catalog")
    return choose(offered, wanted, package)


def _land_table(pull: PullContext[Fetch], find: Callable[[], dict[str, Any]]) -> None:
    """Land the rows of a datastore table."""
    options, resource = pull.fetch, find()
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
    after = find()
    if any(resource.get(field) != after.get(field) for field in _UPLOAD):
        raise TransientError(
            "the resource was uploaded again while its table was read",
            where=pull.name,
            next_step="run it again, at a quieter hour if it happens often",
        )


def _land_file(pull: PullContext[Fetch], resource: dict[str, Any], wanted: Resource) -> None:
    """Land the file a resource points at; the client refuses one on another host."""
    media: filetypes.Table = "xlsx" if wanted.format == "XLSX" else "csv"
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
