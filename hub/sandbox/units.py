"""Communes of the two present provinces and the agencies that handle dossiers and documents.

Data flow: ``vietnamadminunits``' SQLite file -> :func:`communes` -> everything that needs a
place. Codes of provinces and communes are the official ones since 1 July 2025 (facts 1.7);
agency codes keep the old H-letters, as real portals do after the merger (facts 0.6, 1.1), and
their lower levels are invented (Yên Bái's H63 itself is not confirmed, facts 1.1).

Run it alone: ``python -m hub.sandbox.units`` prints the first agencies.

What does not belong here: old units and the crosswalk (the hub's own reference data).
"""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LAO_CAI = "15"
TUYEN_QUANG = "08"

DEPARTMENTS = (
    "Văn phòng Ủy ban nhân dân tỉnh",
    "Sở Nội vụ",
    "Sở Tư pháp",
    "Sở Tài chính",
    "Sở Công Thương",
    "Sở Nông nghiệp và Môi trường",
    "Sở Xây dựng",
    "Sở Khoa học và Công nghệ",
    "Sở Văn hóa, Thể thao và Du lịch",
    "Sở Giáo dục và Đào tạo",
    "Sở Y tế",
    "Sở Dân tộc và Tôn giáo",
    "Sở Ngoại vụ",
    "Thanh tra tỉnh",
    "Ban Quản lý Khu kinh tế tỉnh",
    "Công an tỉnh",
)


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune or ward of today."""

    code: str
    name: str
    short: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Agency:
    """A body that handles dossiers or documents."""

    code: str
    name: str
    commune: str
    """Code of the commune it sits in (a department) or governs."""
    level: str


def _dataset() -> Path:
    """Find the package's data file without importing the package: its parsers load slowly."""
    found = importlib.util.find_spec("vietnamadminunits")
    if found is None or not found.submodule_search_locations:
        msg = "the package vietnamadminunits is not installed"
        raise RuntimeError(msg)
    return Path(found.submodule_search_locations[0]) / "data" / "dataset.db"


@cache
def communes(province: str) -> tuple[Commune, ...]:
    """Return the communes of a province, ordered by code."""
    source = sqlite3.connect(f"file:{_dataset()}?mode=ro&immutable=1", uri=True)
    try:
        rows = source.execute(
            "SELECT wardCode, ward, wardShort, wardLat, wardLon FROM admin_units"
            " WHERE provinceCode = ? ORDER BY wardCode",
            (province,),
        ).fetchall()
    finally:
        source.close()
    return tuple(Commune(*row) for row in rows)


@cache
def portal_agencies() -> tuple[Agency, ...]:
    """Return the agencies of Lào Cai's portal: departments at the seat, then every commune."""
    places = communes(LAO_CAI)
    seat = next(place.code for place in places if place.short == "Yên Bái")
    departments = tuple(
        Agency(f"H38.{number:02d}", name, seat, "Cấp tỉnh")
        for number, name in enumerate(DEPARTMENTS, 1)
    )
    offices = tuple(
        Agency(
            f"H38.21.{number:02d}", f"Ủy ban nhân dân {_lower(place.name)}", place.code, "Cấp xã"
        )
        for number, place in enumerate(places, 1)
    )
    return departments + offices


@cache
def document_organs() -> tuple[Agency, ...]:
    """Return the bodies that exchange documents with Yên Bái, in QCVN 102's spelling."""
    seat = next(place.code for place in communes(LAO_CAI) if place.short == "Yên Bái")
    own = tuple(
        Agency(f"000.00.{number:02d}.H63", f"{name} (Yên Bái)", seat, "Cấp tỉnh")
        for number, name in enumerate(DEPARTMENTS, 1)
    )
    others = (
        Agency("000.00.00.H38", "Ủy ban nhân dân tỉnh Lào Cai", seat, "Cấp tỉnh"),
        Agency("000.00.00.G22", "Văn phòng Chính phủ", "", "Trung ương"),
        Agency("000.00.00.H60", "Ủy ban nhân dân tỉnh Tuyên Quang", "", "Cấp tỉnh"),
    )
    return own + others


def _lower(name: str) -> str:
    """Write ``Xã Y Tý`` as ``xã Y Tý``, as it stands inside a longer name."""
    return name[:1].lower() + name[1:]


if __name__ == "__main__":
    for agency in portal_agencies()[:20]:
        sys.stdout.write(f"{agency.code}  {agency.name}  ({agency.commune})\n")
