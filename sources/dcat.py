"""A DCAT catalog: ``data.json`` (DCAT-US 1.1), or DCAT-AP as JSON-LD, Turtle or RDF/XML.

Data flow: the document, or page after page by ``hydra:next`` or the ``Link`` header -> each dataset
in the neutral form of ``sources.dataset_entry``, whichever of the four the catalog speaks -> a page
of a batch. A dataset of ``data.json`` keeps its own JSON beside it, as ``dataset``; RDF has no
bytes of one dataset. Nothing that a catalog points at is fetched but its next page, which must lie
on a host that the definition allows.

The parsers see no network: a JSON-LD context by address is refused unless the definition gives one
in its place, RDF/XML may bring no document type (``sources.safe_xml``).

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``dcat``.

What does not belong here: RDF (``sources.dcat_rdf``, loaded only when there is some to read).
Standards: W3C Data Catalog Vocabulary 3; DCAT-US Schema 1.1 (resources.data.gov).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field

from hub.errors import ProviderError
from sources import dcat_us, payload
from sources.context import PullContext
from sources.paging import Page
from sources.paging_kinds import LinkPaging, NextUrlPaging, NoPaging, Paging, Step, read_list
from sources.spec import Strict
from sources.transport import Answer

NEEDS_ADDRESS = True
Format = Literal["dcat_us", "json_ld", "turtle", "rdf_xml"]
_ACCEPT: Mapping[Format, str] = {
    "dcat_us": "application/json",
    "json_ld": "application/ld+json, application/json;q=0.9",
    "turtle": "text/turtle",
    "rdf_xml": "application/rdf+xml, application/xml;q=0.9",
}
_KEY = ("identifier",)


class Fetch(Strict):
    """Options of a dataset."""

    path: str
    """Where the catalog is: ``/data.json``, ``/catalog.xml``."""
    format: Format
    params: dict[str, str] = Field(default_factory=dict)
    """Fixed query parameters."""
    pages: Literal["hydra", "link_header"] | None = None
    """Where a page names the next one, if the catalog has several."""
    context: dict[str, Any] | None = None
    """JSON-LD context to use in the place of those that the document names by address."""
    max_pages: Annotated[int, Field(ge=1)] = 20_000


def land(pull: PullContext[Fetch]) -> None:
    """Land every dataset of the catalog."""
    options = pull.fetch

    def ask(step: Step) -> Page:
        return pull.ask(
            step.address or options.path,
            lambda answer: _page(options, step.number, answer),
            what=f"page {step.number}",
            params={} if step.address else options.params,
            accept=_ACCEPT[options.format],
        )

    paging: Paging = NoPaging(kind="none")
    if options.pages == "hydra":
        paging = NextUrlPaging(kind="next_url", key=_KEY)
    elif options.pages == "link_header":
        paging = LinkPaging(kind="link_header", key=_KEY)
    read_list(pull, paging, ask, options.max_pages)


def _page(options: Fetch, number: int, answer: Answer) -> Page:
    """Read one page: its datasets, the total it claims, and where it says the next one is."""
    if options.format == "dcat_us":
        return Page(number, dcat_us.rows(answer.body), None, answer)
    kind = payload.sniff(answer.body.removeprefix(payload.BOM))
    if kind not in {"", "XML"}:  # a Turtle document may begin with an address in brackets
        wrong = payload.TruncatedError if kind == payload.EMPTY else ProviderError
        raise wrong(
            f"{kind} instead of a DCAT catalog",
            next_step="open the address in a browser: maintenance page, login page or firewall?",
        )
    from sources import dcat_rdf  # noqa: PLC0415 - definitions load without rdflib

    found = dcat_rdf.read(answer.body, options.format, answer.address, options.context)
    outer = {"next": msgspec.Raw(msgspec.json.encode(found.following))}
    return Page(number, found.rows, found.total, answer, outer)
