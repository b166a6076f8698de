"""An answer of an OAI-PMH repository -> rows: one JSON object a record.

Data flow: XML -> :func:`listed` -> ``identifier``, ``datestamp``, ``status`` (``active`` or
``deleted``), ``setSpec`` and the fields of the metadata by their names without namespace. A field
that stands several times keeps all its values. Of nested metadata (other than Dublin Core) a
field is the whole text of its outermost element.

Run it alone: ``pytest tests/sources/test_oai_pmh.py``.

What does not belong here: asking.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from lxml import etree

from hub.errors import ProviderError
from sources.safe_xml import name, parse, text

BAD_TOKEN = "badResumptionToken"  # noqa: S105 - a code of the protocol
NO_RECORDS = "noRecordsMatch"

_PRE = "{http://www.openarchives.org/OAI/2.0/}"
_OWN = {"identifier": "dc_identifier", "status": "dc_status", "setSpec": "dc_setSpec"}
_OWN["datestamp"] = "dc_datestamp"
"""Dublin Core has an ``identifier`` of its own; the header's comes first."""


class OaiError(Exception):
    """The repository answered with an ``error`` element."""

    def __init__(self, code: str, sentence: str) -> None:
        """Keep code and sentence; neither is fit for a message as it is."""
        super().__init__(code)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class Listed:
    """One page of ``ListRecords``."""

    records: list[bytes]
    token: str
    """Blank at the end of the list."""
    size: int | None
    """``completeListSize``, if it is given."""


def listed(body: bytes, separator: str | None) -> Listed:
    """Read one page; raises ``OaiError`` or ``ProviderError``."""
    try:
        found = _verb(body, "ListRecords")
    except OaiError as error:
        if error.code == NO_RECORDS:
            return Listed([], "", 0)
        raise
    records = [
        _record(element, number, separator)
        for number, element in enumerate(found.findall(f"{_PRE}record"), 1)
    ]
    token = found.find(f"{_PRE}resumptionToken")
    size = "" if token is None else token.get("completeListSize", "").strip()
    whole = int(size) if size.isascii() and size.isdigit() else None
    return Listed(records, text(token), whole)


def has_seconds(body: bytes) -> bool:
    """Say from ``Identify`` how fine the repository's times are: seconds, or days."""
    return "hh" in text(_verb(body, "Identify").find(f"{_PRE}granularity"))


def _verb(body: bytes, verb: str) -> etree._Element:
    """Return the element of the answer to a verb."""
    root = parse(body)
    if root.tag != f"{_PRE}OAI-PMH":
        raise ProviderError(
            f"the XML is no answer of an OAI-PMH repository but <{name(root)[:40]}>",
            next_step="check base_url and fetch.path: the repository's own address is needed",
        )
    errors = root.findall(f"{_PRE}error")
    if errors:
        # Several may be given; one that says that the list is empty is the least of them.
        worst = min(errors, key=lambda error: error.get("code") == NO_RECORDS)
        raise OaiError(worst.get("code", ""), text(worst))
    found = root.find(f"{_PRE}{verb}")
    if found is None:
        raise ProviderError(f"the answer has neither {verb} nor an error")
    return found


def _record(element: etree._Element, number: int, separator: str | None) -> bytes:
    """Return a record as JSON."""
    header = element.find(f"{_PRE}header")
    identifier = text(header.find(f"{_PRE}identifier")) if header is not None else ""
    if header is None or not identifier:
        raise ProviderError(f"record {number} of the page has no identifier")
    fields: dict[str, list[str]] = {}
    metadata = element.find(f"{_PRE}metadata")
    for child in metadata if metadata is not None else ():
        for field in child:
            fields.setdefault(_OWN.get(name(field), name(field)), []).append(text(field))
    sets = [text(one) for one in header.findall(f"{_PRE}setSpec")]
    row: dict[str, object] = {
        "identifier": identifier,
        "datestamp": text(header.find(f"{_PRE}datestamp")),
        "status": "deleted" if header.get("status") == "deleted" else "active",
        "setSpec": sets if separator is None else separator.join(sets),
    }
    row |= fields if separator is None else {
        key: separator.join(filter(None, values)) for key, values in fields.items()
    }  # fmt: skip
    return msgspec.json.encode(row)
