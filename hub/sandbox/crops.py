"""Tuyên Quang's farm data: crops by commune and season, and the organic growing areas.

Data flow: :func:`harvests` and :func:`organic` make the rows as of day 0, :func:`advance_harvests`
and :func:`advance_organic` move them one day on; ``ckan_app`` serves them as datastore records.
Numbers are written the Vietnamese way, dot for thousands and comma for decimals (facts 0.10).

Run it alone: ``python -m hub.sandbox.crops`` prints a few rows.

What does not belong here: the other datasets of the catalog (``catalogs``), dirt.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from itertools import product
from random import Random

from hub.sandbox.model import Cells, Table, day_of, share, stream
from hub.sandbox.shapes import CROPS, ORGANIC
from hub.sandbox.units import TUYEN_QUANG, Commune, communes

YEARS = ("2024", "2025", "2026")
SEASONS = ("Đông Xuân", "Hè Thu")
# crop: usual area in hectares, usual yield in quintals per hectare
KINDS = {
    "Lúa": (240.0, 58.0),
    "Ngô": (110.0, 46.0),
    "Lạc": (35.0, 29.0),
    "Mía": (60.0, 610.0),
    "Rau các loại": (40.0, 120.0),
}
ORGANIC_KINDS = ("Chè Shan tuyết", "Cam sành", "Bưởi", "Lúa đặc sản", "Rau an toàn", "Dược liệu")
CERTIFIERS = ("Trung tâm Chứng nhận phù hợp (mẫu)", "Công ty Giám định Hữu cơ Việt (mẫu)")


def vietnamese(value: float, digits: int) -> str:
    """Write a number with dots for thousands and a comma for decimals, no trailing zeros."""
    whole, _, part = f"{value:,.{digits}f}".partition(".")
    part = part.rstrip("0")
    return whole.replace(",", ".") + (f",{part}" if part else "")


def _harvest(rng: Random, year: str, season: str, place: Commune, crop: str) -> Cells:
    """Draw area and yield; the output follows from the two."""
    usual_area, usual_yield = KINDS[crop]
    area = round(
        usual_area * (0.3 + 1.6 * rng.random() ** 2) * (8 if rng.random() < 0.04 else 1), 1
    )
    per_hectare = round(usual_yield * (0.85 + 0.3 * rng.random()), 2)
    return {
        "nam": year,
        "vu": season,
        "ma_xa": place.code,
        "ten_xa": place.name,
        "cay_trong": crop,
        "dien_tich_ha": vietnamese(area, 1),
        "nang_suat_ta_ha": vietnamese(per_hectare, 2),
        "san_luong_tan": vietnamese(area * per_hectare / 10, 1),
    }


def harvests(seed: int, scale: int) -> Table:
    """Make area, yield and output by year, season, commune and crop as of day 0."""
    rng = stream(seed, scale, CROPS.name)
    size = share(3_720, scale, least=300)
    combinations = list(product(YEARS, SEASONS, communes(TUYEN_QUANG), KINDS))
    chosen = combinations[:: max(1, len(combinations) // size)]
    return Table(CROPS.name, [CROPS.row(_harvest(rng, *combination)) for combination in chosen])


def advance_harvests(table: Table, seed: int, scale: int, day: int) -> None:
    """Move one day on: five rows corrected, one withdrawn."""
    rng = stream(seed, scale, CROPS.name, day)
    places = {place.code: place for place in communes(TUYEN_QUANG)}
    spare = [index for index, row in enumerate(table.rows) if row.plain]
    chosen = rng.sample(spare, 6)
    for index in chosen[1:]:
        old = table.rows[index].cells
        table.rows[index] = CROPS.row(
            _harvest(rng, old["nam"], old["vu"], places[old["ma_xa"]], old["cay_trong"])
        )
    del table.rows[chosen[0]]


def _area(rng: Random, number: int) -> Cells:
    place = rng.choice(communes(TUYEN_QUANG))
    crop = rng.choice(ORGANIC_KINDS)
    granted = day_of(0) - timedelta(days=rng.randrange(30, 900))
    hectares = rng.random() ** 3 * 2000 + 2
    return {
        "ma_vung": f"TQ-HC-{number:04d}",
        "ten_vung": f"Vùng {crop[0].lower()}{crop[1:]} hữu cơ {place.short}",
        "cay_trong": crop,
        "dien_tich_ha": vietnamese(hectares, 1),
        "ma_xa": place.code,
        "ten_xa": place.name,
        "to_chuc_chung_nhan": rng.choice(CERTIFIERS),
        "so_chung_nhan": f"{number}/HC-TQ",
        "ngay_chung_nhan": f"{granted:%d/%m/%Y}",
        "ngay_het_han": f"{granted + timedelta(days=730):%d/%m/%Y}",
    }


def organic(seed: int, scale: int) -> Table:
    """Make the certified organic growing areas as of day 0."""
    rng = stream(seed, scale, ORGANIC.name)
    size = share(120, scale, least=90)
    return Table(ORGANIC.name, [ORGANIC.row(_area(rng, number)) for number in range(1, size + 1)])


def advance_organic(table: Table, seed: int, scale: int, day: int) -> None:
    """Move one day on: one area measured again, one new, and every other day one withdrawn."""
    rng = stream(seed, scale, ORGANIC.name, day)
    spare = [index for index, row in enumerate(table.rows) if row.plain]
    changed, gone = rng.sample(spare, 2)
    cells = table.rows[changed].cells
    hectares = vietnamese(rng.random() * 900 + 3, 1)
    table.rows[changed] = ORGANIC.row(cells | {"dien_tich_ha": hectares})
    table.rows.append(ORGANIC.row(_area(rng, 1_000 + day)))
    if day % 2:
        del table.rows[gone]


if __name__ == "__main__":
    for sample in harvests(1, 2_000).rows[:3] + organic(1, 2_000).rows[:3]:
        sys.stdout.write(f"{sample.cells}\n")
