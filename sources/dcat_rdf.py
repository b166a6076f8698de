"""DCAT in RDF -> rows in the neutral form: JSON-LD, Turtle and RDF/XML give the same rows.

Data flow: a document -> :func:`read` -> a graph of ``rdflib`` -> every node that is a
``dcat:Dataset`` or that a catalog names as its dataset. RDF has no order, so rows and what is
several in them are sorted: the same catalog gives the same bytes every night. Of texts in several
languages Vietnamese is taken, else one without language, else English.

``rdflib`` could be made to fetch: by a JSON-LD context or import that is an address. Both are
looked for and refused before it sees the document; XML goes through ``sources.safe_xml`` first.
Its own sentences quote the document, so none of them is repeated or logged.

Run it alone: ``pytest tests/sources/test_dcat.py``.

What does not belong here: asking for documents; this module is the only one that knows RDF.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import rdflib
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, RDFS, SKOS, Namespace
from rdflib.plugins.parsers.jsonld import to_rdf
from rdflib.term import BNode, Node

from hub.errors import ProviderError
from sources import payload, safe_xml
from sources.dataset_entry import Distribution, Entry, joined, line, moment

Format = Literal["json_ld", "turtle", "rdf_xml"]
_HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
_VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
_NAMES = (FOAF.name, SKOS.prefLabel, RDFS.label, _VCARD.fn, DCTERMS.title)
_LANGUAGES = ("vi", "", "en")
_LARGEST = 32 * 2**20
"""A graph takes twenty times its document, and parsing cannot be cut off by a deadline."""
_MOST_TERMS = 100_000_000
"""Contexts times their terms: each context copies those around it, 40 million terms a second."""
_MEDIA_TYPES = "/media-types/"

# rdflib warns of values that do not fit their type, and quotes them.
logging.getLogger("rdflib").setLevel(logging.CRITICAL)
# Texts stay as they are written: what is no date is for the contract to say.
rdflib.NORMALIZE_LITERALS = False


@dataclass(frozen=True)
class Found:
    """What one document holds."""

    rows: list[Any]
    total: int | None
    """``hydra:totalItems``, if it is given."""
    following: str | None
    """``hydra:next``, whole."""


def read(
    body: bytes, form: Format, address: str, context: Mapping[str, Any] | None = None
) -> Found:
    """Read one document.

    Args:
        body: As it came.
        form: What it is written in.
        address: Where it came from, to which its relative addresses belong.
        context: JSON-LD context in the place of those named by address.

    Raises:
        ProviderError: It cannot be read, is no catalog, or wants something fetched.
    """
    if len(body) > _LARGEST:
        raise ProviderError(
            f"the catalog has {len(body) >> 20} MiB in one document, more than is read as RDF",
            next_step="ask for a paged catalog, and say fetch.pages",
        )
    try:
        graph = _graph(body, form, address, context)
        nodes = _datasets(graph)
        entries = sorted((_entry(graph, node) for node in nodes), key=_order)
        return Found([line(entry) for entry in entries], _total(graph), _following(graph))
    except ProviderError:
        raise
    except Exception as error:  # noqa: BLE001 - rdflib raises what it likes
        raise ProviderError(
            f"the catalog cannot be read as {form} ({type(error).__name__})",
            next_step="compare fetch.format with what the address answers; ask the provider",
        ) from None


def _order(entry: Entry) -> bytes:
    """Return what rows are sorted by: all of them, since blank identifiers are not alone."""
    return msgspec.json.encode(entry)


def _graph(
    body: bytes, form: Format, address: str, context: Mapping[str, Any] | None
) -> rdflib.Graph:
    """Parse; named graphs of JSON-LD fall together in the one graph."""
    graph = rdflib.Graph()
    body = body.removeprefix(payload.BOM)
    if form == "json_ld":
        payload.require_utf8(body)
        document = msgspec.json.decode(body)
        to_rdf(_Contexts(context).local(document), graph, base=address)
    elif form == "rdf_xml":
        safe_xml.parse(body)
        graph.parse(data=body, format="xml", publicID=address)
    else:
        payload.require_utf8(body)
        graph.parse(data=body, format="turtle", publicID=address)
    return graph


class _Contexts:
    """Takes every address out of the contexts of a JSON-LD document."""

    def __init__(self, given: Mapping[str, Any] | None) -> None:
        """Take the context that stands for those named by address, if there is one."""
        self._given = given
        self._count = 0
        self._largest = 0

    def local(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return a document without contexts by address; raises if one has no replacement."""
        if isinstance(value, list):
            return [self.local(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "@import" in value:
            raise _remote()
        return {
            name: self._context(inner) if name == "@context" else self.local(inner)
            for name, inner in value.items()
        }

    def _context(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return a context in which no address is left."""
        if isinstance(value, list):
            return [self._context(item) for item in value]
        if isinstance(value, str):
            if self._given is None:
                raise _remote()
            value = dict(self._given)
        if isinstance(value, dict):
            self._count += 1
            self._largest = max(self._largest, len(value))
            if self._count * self._largest > _MOST_TERMS:
                raise ProviderError("the JSON-LD defines its terms over and over")
        return self.local(value)


def _remote() -> ProviderError:
    """Return the error for a document that wants a context fetched."""
    return ProviderError(
        "the JSON-LD names a context by its address, which is not fetched",
        next_step="give the context in fetch.context, or ask for Turtle or RDF/XML",
    )


def _datasets(graph: rdflib.Graph) -> set[Node]:
    """Return the nodes that are datasets; raises if the graph is no catalog at all."""
    listed = set(graph.objects(None, DCAT.dataset))
    nodes = (listed | set(graph.subjects(RDF.type, DCAT.Dataset))) - set(
        graph.subjects(RDF.type, DCAT.Catalog)
    )
    if not nodes and (None, RDF.type, DCAT.Catalog) not in graph:
        raise ProviderError(
            "the document holds neither a DCAT catalog nor a dataset",
            next_step="check base_url and fetch.path: the catalog's own address is needed",
        )
    return nodes


def _entry(graph: rdflib.Graph, node: Node) -> Entry:
    """Return a dataset's neutral form; without identifier and address it has a blank one."""
    themes = sorted(filter(None, (_named(graph, one) for one in graph.objects(node, DCAT.theme))))
    issued = moment(_first(graph, node, DCTERMS.issued))
    ways = list(graph.objects(node, DCAT.distribution))
    entry = Entry(
        _first(graph, node, DCTERMS.identifier) or _address(node) or "",
        title=_first(graph, node, DCTERMS.title),
        description=_first(graph, node, DCTERMS.description),
        publisher=_first(graph, node, DCTERMS.publisher),
        modified=moment(_first(graph, node, DCTERMS.modified)) or issued,
        issued=issued,
        landing_page=_first(graph, node, DCAT.landingPage),
        keywords=joined(_spoken(graph.objects(node, DCAT.keyword))),
        themes=joined(themes),
        license=_licence(graph, [node, *ways]),
        frequency=_first(graph, node, DCTERMS.accrualPeriodicity),
    )
    entry.offer(sorted((_distribution(graph, way) for way in ways), key=msgspec.json.encode))
    return entry


def _distribution(graph: rdflib.Graph, node: Node) -> Distribution:
    """Return one way to the data."""
    media_type = _first(graph, node, DCAT.mediaType)
    form = _first(graph, node, DCTERMS["format"])
    return Distribution(
        url=_first(graph, node, DCAT.downloadURL) or _first(graph, node, DCAT.accessURL),
        title=_first(graph, node, DCTERMS.title),
        # Authority lists name a format by an address that ends with it.
        format=form.rsplit("/", 1)[-1].rsplit("#", 1)[-1] if form else None,
        media_type=media_type.rsplit(_MEDIA_TYPES, 1)[-1] if media_type else None,
        bytes=_first(graph, node, DCAT.byteSize),
        modified=moment(_first(graph, node, DCTERMS.modified)),
    )


def _licence(graph: rdflib.Graph, nodes: Iterable[Node]) -> str | None:
    """Return the dataset's licence, or that of its distributions, by address where it has one."""
    found = sorted(
        filter(
            None,
            (
                _address(one) or _named(graph, one)
                for node in nodes
                for one in graph.objects(node, DCTERMS.license)
            ),
        )
    )
    return found[0] if found else None


def _first(graph: rdflib.Graph, node: Node, predicate: Node) -> str | None:
    """Return a property's text: the literal, the name of the thing it means, or its address."""
    objects = list(graph.objects(node, predicate))
    spoken = _spoken(objects)
    if spoken:
        return spoken[0]
    named = sorted(filter(None, (_named(graph, one) for one in objects)))
    return named[0] if named else None


def _spoken(objects: Iterable[Node]) -> list[str]:
    """Return the literals of the language that is preferred, sorted."""
    texts: dict[str, set[str]] = {}
    for one in objects:
        if isinstance(one, rdflib.Literal) and (written := str(one).strip()):
            texts.setdefault((one.language or "").partition("-")[0].lower(), set()).add(written)
    if not texts:
        return []
    language = next((name for name in _LANGUAGES if name in texts), min(texts))
    return sorted(texts[language])


def _named(graph: rdflib.Graph, node: Node) -> str | None:
    """Return what a thing is called, else its address; of a literal the text."""
    if isinstance(node, rdflib.Literal):
        return str(node).strip() or None
    for predicate in _NAMES:
        spoken = _spoken(graph.objects(node, predicate))
        if spoken:
            return spoken[0]
    return _address(node)


def _address(node: Node) -> str | None:
    """Return the address of a node that has one; the names of blank nodes mean nothing."""
    return None if isinstance(node, BNode | rdflib.Literal) else str(node).strip() or None


def _total(graph: rdflib.Graph) -> int | None:
    """Return the number of datasets that a paged catalog claims."""
    found = {str(one) for one in graph.objects(None, _HYDRA.totalItems)}
    claims = {int(one) for one in found if one.isascii() and one.isdigit()}
    return claims.pop() if len(claims) == 1 else None


def _following(graph: rdflib.Graph) -> str | None:
    """Return where the next page is; older catalogs call it ``nextPage``."""
    found = {
        str(one)
        for predicate in (_HYDRA.next, _HYDRA.nextPage)
        for one in graph.objects(None, predicate)
        if not isinstance(one, BNode)
    }
    if len(found) > 1:
        raise ProviderError("the catalog names several next pages")
    return found.pop() if found else None
