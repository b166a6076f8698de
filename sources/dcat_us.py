"""``data.json`` of DCAT-US 1.1 -> rows in the neutral form, each with its own JSON beside it.

Data flow: the document's ``dataset`` array -> :func:`rows` -> one JSON object for each item.

Run it alone: ``pytest tests/sources/test_dcat.py -k data_json``.

What does not belong here: asking for the document.
Standard: DCAT-US Schema 1.1 (resources.data.gov/resources/dcat-us).
"""

from __future__ import annotations

from typing import Any

import msgspec

from hub.errors import ProviderError
from sources import payload
from sources.dataset_entry import Distribution, Entry, is_interval, joined, line, moment, text


def rows(body: bytes) -> list[Any]:
    """Return the datasets of a document; raises ``ProviderError`` if it is no ``data.json``."""
    return [_row(record) for record in payload.records(payload.envelope(body), "dataset")]


def _row(record: msgspec.Raw) -> bytes:
    """Return one dataset."""
    try:
        found = msgspec.json.decode(record)
    except (msgspec.MsgspecError, RecursionError):
        raise ProviderError("a dataset of the catalog is not whole JSON") from None
    if not isinstance(found, dict):
        raise ProviderError("a dataset of the catalog is not a JSON object")
    return line(_entry(found), dataset=record)


def _entry(found: dict[str, Any]) -> Entry:
    """Return the neutral form; a dataset without an identifier is left to the contract."""
    modified = text(found.get("modified"))
    repeats = modified if is_interval(modified) else None
    issued = moment(text(found.get("issued")))
    entry = Entry(
        text(found.get("identifier")) or "",
        title=text(found.get("title")),
        description=text(found.get("description")),
        publisher=_name(found.get("publisher")),
        modified=(None if repeats else moment(modified)) or issued,
        issued=issued,
        landing_page=text(found.get("landingPage")),
        keywords=joined(map(text, _several(found.get("keyword")))),
        themes=joined(map(text, _several(found.get("theme")))),
        license=text(found.get("license")),
        frequency=text(found.get("accrualPeriodicity")) or repeats,
    )
    entry.offer(
        [
            Distribution(
                url=text(item.get("downloadURL")) or text(item.get("accessURL")),
                title=text(item.get("title")),
                format=text(item.get("format")),
                media_type=text(item.get("mediaType")),
            )
            for item in _several(found.get("distribution"))
            if isinstance(item, dict)
        ]
    )
    return entry


def _several(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """Return the items of a list; catalogs write a single one without it."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _name(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return the name of a publisher, which is an object, or a text where nobody looked closely."""
    return text(value.get("name")) if isinstance(value, dict) else text(value)
