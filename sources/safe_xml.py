"""XML that a stranger wrote -> an element tree, without a way out: no DTD, no entity, no network.

Data flow: an answer's bytes -> :func:`parse` -> ``lxml`` elements for ``sources.oai_pmh`` and
``sources.webdav``. A document type is refused as such: neither protocol has one, and entities
are how XML is made to grow or to read files.

Run it alone: ``python -c "from sources.safe_xml import parse; print(parse(b'<a/>').tag)"``

What does not belong here: what the elements mean; parsing that keeps no tree (``warehouse``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from hub.errors import ProviderError
from sources.payload import BOM, EMPTY, TruncatedError, sniff

HARDENED: Mapping[str, Any] = {
    "resolve_entities": False,
    "load_dtd": False,
    "dtd_validation": False,
    "no_network": True,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
}
"""Options of every XML parser in the hub, those of ``warehouse`` too: a hole is closed once."""

_LARGE = 10**7
"""Bytes of one text from which libxml2 refuses it, unless ``huge_tree`` is on."""
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']\s*([^\"'\s]+)")
_ASCII_LIKE = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})

_ROOT = re.compile(rb"<([^\s<>/?!]+)")


def options(body: bytes, **more: bool) -> Mapping[str, Any]:
    """Return the options for a document that may hold files as base64, as edXML does.

    A scanned page is soon larger than the longest text that libxml2 takes. ``huge_tree`` lifts
    that limit, and with it the one on what entities grow to; so it is on only where the document
    can declare none: no document type in it, and an encoding in which that would be seen.
    """
    large = False
    if len(body) >= _LARGE:
        declared = _DECLARED.match(body.removeprefix(BOM))
        seen = declared is None or declared[1].lower() in _ASCII_LIKE
        large = seen and b"\0" not in body and b"<!DOCTYPE" not in body
    return {**HARDENED, "huge_tree": large, **more}


def parse(body: bytes) -> etree._Element:
    """Return the root; raises ``ProviderError``, ``TruncatedError`` if the document is cut."""
    kind = sniff(body.removeprefix(BOM))
    if kind == EMPTY:
        raise TruncatedError(f"{EMPTY} instead of XML")
    if kind != "XML":
        raise ProviderError(
            f"{kind or 'something else'} instead of XML",
            next_step="open the address in a browser: maintenance page, login page or firewall?",
        )
    parser = etree.XMLParser(**HARDENED)
    try:
        root = etree.fromstring(body.removeprefix(BOM).lstrip(), parser)
    except etree.XMLSyntaxError as error:
        place = f"line {error.lineno or '?'}"
        # The parser's own sentence may quote the document.
        root_tag = _ROOT.search(body)
        if root_tag is None or not body.rstrip().endswith(b"</%b>" % root_tag[1]):
            raise TruncatedError(f"the XML ends in the middle ({place})") from None
        raise ProviderError(f"the XML is damaged ({place})") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise ProviderError("the XML brings a document type, which is not read")
    return root


def name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def text(element: etree._Element | None) -> str:
    """Return all text inside an element without blanks around it."""
    return "" if element is None else "".join(element.itertext()).strip()  # type: ignore[arg-type]
