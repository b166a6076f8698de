"""A dataset as a catalog describes it: one neutral form, whatever kind of catalog it comes from.

Data flow: a package of CKAN (``sources.ckan_catalog``) or a dataset of DCAT (``sources.dcat_rdf``,
``sources.dcat_us``) -> :class:`Entry` -> :func:`line`, the JSON object that is landed. So the same
contract and the same ``columns`` fit every catalog. Values of a list are joined by ``"; "``, as in
``sources.oai_record``; times become Vietnam's wall time without zone, as all business times are; a
text that is no time stays as it came, for the contract to judge. Texts are not looked into: HTML
in a description is text like any other.

Run it alone: ``python -c "from sources.dataset_entry import moment; print(moment('2026-10-01Z'))"``

What does not belong here: what any catalog calls these things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_SEPARATOR = "; "
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:Z|[+-]\d{2}:\d{2})?")
_MONTH = re.compile(r"\d{4}(?:-\d{2})?")
_INTERVAL = re.compile(r"R/P[0-9YMWDTHS.]+")


class Distribution(msgspec.Struct, omit_defaults=True):
    """One way to the data: a file or a service. Its address is not fetched."""

    url: str | None = None
    title: str | None = None
    format: str | None = None
    media_type: str | None = None
    bytes: str | None = None
    modified: str | None = None


class Entry(msgspec.Struct):
    """A dataset; what the catalog does not say is ``None``."""

    identifier: str
    title: str | None = None
    description: str | None = None
    publisher: str | None = None
    modified: str | None = None
    issued: str | None = None
    landing_page: str | None = None
    keywords: str | None = None
    themes: str | None = None
    license: str | None = None
    frequency: str | None = None
    formats: str | None = None
    """Formats of the distributions, each once."""
    distribution_count: int = 0
    distributions: list[Distribution] = []
    """In the order of the catalog."""

    def offer(self, distributions: list[Distribution]) -> None:
        """Take the distributions, and what follows from them."""
        self.distributions = distributions
        self.distribution_count = len(distributions)
        self.formats = joined(one.format for one in distributions)


def line(entry: Entry, **raw: bytes | msgspec.Raw) -> bytes:
    """Return the entry as a JSON object; ``raw`` members follow, their bytes as they came."""
    own = msgspec.json.encode(entry)
    members = b"".join(b',"%b":%b' % (name.encode(), bytes(value)) for name, value in raw.items())
    return own[:-1] + members + b"}"


def text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return a value as text, ``None`` if it is blank or no plain value.

    A mapping of languages (``{"vi": ..., "en": ...}``) gives Vietnamese, else its first text.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Mapping):
        spoken = value.get("vi") or next((one for one in value.values() if one), None)
        return text(spoken) if isinstance(spoken, str) else None
    if isinstance(value, str | int | float):
        return str(value).strip() or None
    return None


def joined(values: Iterable[str | None]) -> str | None:
    """Return the texts in one, each once, in their order; ``None`` if there are none."""
    return _SEPARATOR.join(dict.fromkeys(filter(None, values))) or None


def moment(value: str | None, zone: tzinfo | None = None) -> str | None:
    """Return a time as Vietnam's wall time, to the second; a day as its midnight.

    Args:
        value: As the catalog writes it. What is no time is returned as it is.
        zone: Zone of a time that names none; Vietnam's if not given.
    """
    if value is None or _MONTH.fullmatch(value):
        return value
    try:
        if _DAY.fullmatch(value):  # a day is that day, wherever it is
            return datetime.fromisoformat(value[:10]).isoformat(timespec="seconds")
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone or _VIETNAM)
        return at.astimezone(_VIETNAM).replace(tzinfo=None).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return value


def utc(at: datetime) -> str:
    """Return a moment of Vietnam's wall time in UTC, as search engines are asked for it."""
    there = at.replace(tzinfo=_VIETNAM).astimezone(UTC)
    return there.isoformat(timespec="seconds").replace("+00:00", "Z")


def is_interval(value: str | None) -> bool:
    """Say whether DCAT-US wrote how often a dataset changes in the place of when (``R/P1D``)."""
    return value is not None and _INTERVAL.fullmatch(value) is not None
