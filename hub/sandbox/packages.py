"""The packages of Tuyên Quang's catalog: six whose data it holds, and many it only tells of.

Data flow: :func:`build` makes a row for each public package as of day 0, in the neutral form in
which the hub reads catalogs; :func:`advance` moves them one day on; ``ckan_app`` serves a row as
CKAN writes a package. Times are Vietnam's, the catalog writes them in UTC.

Run it alone: ``python -m hub.sandbox.packages`` prints a few packages.

What does not belong here: the data (``crops``, ``catalogs``), CKAN's envelope (``ckan_app``).
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Literal
from uuid import UUID

from hub.sandbox.model import Cells, Table, day_of, share, stream
from hub.sandbox.shapes import CROPS, HERITAGE, OFFICERS, ORGANIC, PACKAGES, PRICES, TOURISM
from hub.sandbox.units import DEPARTMENTS

Access = Literal["datastore", "file"]
PROVINCE = "UBND tỉnh Tuyên Quang"
TOPICS = {
    "Danh sách cơ sở": "danh-muc",
    "Báo cáo thống kê": "thong-ke",
    "Danh mục văn bản": "van-ban",
    "Kết quả kiểm tra": "kiem-tra",
    "Kế hoạch công tác": "ke-hoach",
    "Số liệu dịch vụ công": "dich-vu-cong",
    "Danh sách đơn vị trực thuộc": "to-chuc",
}
FORMATS = ("CSV", "XLSX", "PDF", "CSV; XLSX", "PDF; DOCX")
FREQUENCIES = ("Hằng ngày", "Hằng tháng", "Hằng quý", "Hằng năm")
LICENSES = ("cc-by", "notspecified", "odc-by")


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose data the catalog holds."""

    name: str
    title: str
    dataset: str
    access: Access
    file: str
    """Name of the file, or of the datastore resource."""
    format: str
    private: bool = False


HELD = (
    Package(
        "vung-san-xuat-trong-trot-huu-co", "Vùng sản xuất trồng trọt hữu cơ",
        ORGANIC.name, "datastore", "vung_huu_co.csv", "CSV",
    ),
    Package(
        "dien-tich-nang-suat-san-luong-cay-trong",
        "Diện tích, năng suất, sản lượng một số loại cây trồng",
        CROPS.name, "datastore", "cay_trong.csv", "CSV",
    ),
    Package(
        "bang-gia-vat-lieu-xay-dung", "Bảng giá vật liệu xây dựng",
        PRICES.name, "file", "gia_vat_lieu.xlsx", "XLSX",
    ),
    Package(
        "di-san-van-hoa-phi-vat-the", "Các di sản văn hóa phi vật thể tiêu biểu",
        HERITAGE.name, "file", "di_san.csv", "CSV",
    ),
    Package(
        "dia-diem-du-lich", "Danh sách địa điểm du lịch",
        TOURISM.name, "file", "du_lich.csv", "CSV",
    ),
    Package(
        "can-bo-dau-moi", "Cán bộ đầu mối chia sẻ dữ liệu",
        OFFICERS.name, "datastore", "can_bo.csv", "CSV", private=True,
    ),
)  # fmt: skip


def identity(seed: int, *parts: object) -> str:
    """Make a uuid from the seed and what it names."""
    text = "/".join(str(part) for part in (seed, *parts))
    return str(UUID(bytes=hashlib.md5(text.encode(), usedforsecurity=False).digest(), version=4))


def build(seed: int, scale: int) -> Table:
    """Make the list of public packages: those held, then those only told of."""
    rng = stream(seed, scale, PACKAGES.name)
    made = [held(seed, package, 0) for package in HELD if not package.private]
    places = [*product(range(len(DEPARTMENTS)), TOPICS)]
    for number, (department, topic) in enumerate(places[: share(90, scale, least=60)], 1):
        issued = day_of(0) - timedelta(days=rng.randrange(60, 900), minutes=rng.randrange(1440))
        modified = issued + (day_of(0) - issued) * rng.random()
        made.append(
            _told(seed, number, department, topic)
            | {
                "issued": f"{issued:%Y-%m-%dT%H:%M:%S}",
                "modified": f"{modified:%Y-%m-%dT%H:%M:%S}",
                "license": rng.choice(LICENSES),
                "frequency": rng.choice(FREQUENCIES),
                "formats": (formats := rng.choice(FORMATS)),
                "distribution_count": str(formats.count(";") + 1),
            }
        )
    return Table(PACKAGES.name, [PACKAGES.row(cells) for cells in made])


def held(seed: int, package: Package, day: int) -> Cells:
    """Describe a package whose data the catalog holds; heritage never changes."""
    changed = 0 if package.dataset == HERITAGE.name else day
    return {
        "identifier": identity(seed, package.name),
        "name": package.name,
        "title": package.title,
        "description": "Dữ liệu mô phỏng (synthetic)",
        "publisher": PROVINCE,
        "themes": "Dữ liệu mở",
        "keywords": "mo-phong; tuyen-quang",
        "license": "notspecified" if package.private else "cc-by",
        "frequency": "Hằng ngày",
        "issued": f"{day_of(-30):%Y-%m-%dT%H:%M:%S}",
        "modified": f"{day_of(changed):%Y-%m-%dT%H:%M:%S}",
        "formats": f"PDF; {package.format}",
        "distribution_count": "2",
    }


def _told(seed: int, number: int, department: int, topic: str) -> Cells:
    """Describe a package that an agency keeps on its own site."""
    body = DEPARTMENTS[department]
    name = f"{TOPICS[topic]}-{department + 1:02d}-{number:03d}"
    return {
        "identifier": identity(seed, name),
        "name": name,
        "title": f"{topic} của {body}",
        "description": f"{topic} do {body} cung cấp, dữ liệu mô phỏng (synthetic)",
        "publisher": body,
        "themes": topic,
        "keywords": f"{TOPICS[topic]}; mo-phong",
    }


def advance(table: Table, seed: int, scale: int, day: int) -> None:
    """Move one day on: packages with daily data are touched, two are rewritten, one is new."""
    rng = stream(seed, scale, PACKAGES.name, day)
    daily = {package.name: package for package in HELD if not package.private}
    for place, row in enumerate(table.rows):
        package = daily.get(row.cells["name"])
        if package and row.plain:
            table.rows[place] = PACKAGES.row(held(seed, package, day))
    spare = [
        place
        for place, row in enumerate(table.rows)
        if row.plain and row.cells["name"] not in daily
    ]
    stamp = day_of(day) + timedelta(hours=8)
    for place in rng.sample(spare, 2):
        cells = table.rows[place].cells
        changed = {
            "modified": f"{stamp:%Y-%m-%dT%H:%M:%S}",
            "description": f"{cells['description']}, bản ngày {stamp:%d/%m/%Y}",
        }
        table.rows[place] = PACKAGES.row(cells | changed)
    department, topic = rng.randrange(len(DEPARTMENTS)), rng.choice([*TOPICS])
    fresh = {
        "issued": f"{stamp:%Y-%m-%dT%H:%M:%S}",
        "modified": f"{stamp:%Y-%m-%dT%H:%M:%S}",
        "license": "cc-by",
        "frequency": "Hằng tháng",
        "formats": "CSV",
        "distribution_count": "1",
    }
    table.rows.append(PACKAGES.row(_told(seed, 500 + day, department, topic) | fresh))


if __name__ == "__main__":
    for row in build(1, 2_000).rows[:7]:
        sys.stdout.write(f"{row.cells}\n")
