"""The rest of Tuyên Quang's catalog: prices, heritage, tourist sites, and the private contacts.

Data flow: one ``build`` function per dataset makes the rows as of day 0; :func:`advance` moves
them one day on; ``files`` writes them as XLSX or CSV and ``ckan_app`` serves them. Prices and
opening hours are drawn; names of materials and of kinds of heritage are generic words, not
statements about real products or listed heritage.

Run it alone: ``python -m hub.sandbox.catalogs`` prints a row of each.

What does not belong here: farm data (``crops``), file formats (``files``), dirt.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from random import Random

from hub.sandbox.crops import vietnamese
from hub.sandbox.model import Cells, Row, Table, day_of, share, stream
from hub.sandbox.people import name, personal_id, phone
from hub.sandbox.shapes import HERITAGE, OFFICERS, PRICES, TOURISM
from hub.sandbox.units import DEPARTMENTS, TUYEN_QUANG, communes

REGIONS = ("Khu vực I", "Khu vực II", "Khu vực III", "Khu vực IV")
# material: unit, usual price in dong
MATERIALS = {
    "Cát xây": ("m³", 280_000), "Cát bê tông": ("m³", 420_000), "Đá 1x2": ("m³", 310_000),
    "Đá 4x6": ("m³", 260_000), "Đá hộc": ("m³", 215_000), "Gạch đặc": ("viên", 1_350),
    "Gạch rỗng 2 lỗ": ("viên", 1_180), "Gạch không nung": ("viên", 1_520),
    "Xi măng PCB30": ("tấn", 1_420_000), "Xi măng PCB40": ("tấn", 1_510_000),
    "Thép cuộn Ø6": ("kg", 15_900), "Thép cây Ø10": ("kg", 15_700), "Thép hình": ("kg", 19_300),
    "Đất đắp": ("m³", 65_000), "Gỗ cốp pha": ("m³", 3_900_000), "Tôn lợp": ("m²", 132_000),
    "Ngói đất nung": ("viên", 9_800), "Sơn nội thất": ("kg", 61_000), "Nhựa đường": ("kg", 17_400),
    "Ống nhựa PVC": ("m", 38_500),
}  # fmt: skip
GRADES = ("loại 1", "loại 2", "TCVN", "đặt hàng", "tại mỏ")
HERITAGE_KINDS = ("Lễ hội truyền thống", "Nghề thủ công truyền thống", "Tri thức dân gian",
                  "Nghệ thuật trình diễn dân gian", "Tập quán xã hội và tín ngưỡng")  # fmt: skip
HERITAGE_NAMES = ("Lễ hội Lồng tồng", "Lễ cấp sắc", "Hát then, đàn tính", "Nghề dệt lanh",
                  "Múa khèn", "Lễ cầu mùa",
                  "Hát páo dung", "Nghề chạm bạc", "Lễ nhảy lửa")  # fmt: skip
PEOPLES = ("Tày", "Dao", "H'Mông", "Pà Thẻn", "Cao Lan", "Sán Dìu", "Nùng")
SITE_KINDS = ("Thắng cảnh", "Di tích lịch sử", "Du lịch cộng đồng", "Hang động", "Thác nước")
SITE_WORDS = {"Thắng cảnh": "Danh thắng", "Di tích lịch sử": "Khu di tích",
              "Du lịch cộng đồng": "Làng văn hóa", "Hang động": "Hang",
              "Thác nước": "Thác"}  # fmt: skip


def _price(rng: Random, usual: int) -> str:
    step = 10 if usual < 10_000 else 500
    return vietnamese(round(usual * (0.85 + 0.3 * rng.random()) / step) * step, 0)


def prices(seed: int, scale: int) -> Table:
    """Make the price list: every material and grade in every region."""
    rng = stream(seed, scale, PRICES.name)
    size = share(400, scale, least=200)
    listed = product(MATERIALS.items(), GRADES)
    rows: list[Row] = []
    for number, ((material, (unit, usual)), grade) in enumerate(listed, 1):
        for region in REGIONS:
            cells = {
                "STT": str(len(rows) + 1),
                "Mã vật liệu": f"VL{number:03d}",
                "Tên vật liệu, quy cách ": f"{material} {grade}",
                "Đơn vị tính": unit,
                "Giá chưa VAT (đồng) (*)": _price(rng, usual),
                "Khu vực": region,
                "Thời điểm áp dụng": f"{day_of(0) - timedelta(days=30):%d/%m/%Y}",
            }
            rows.append(PRICES.row(cells))
    return Table(PRICES.name, rows[:size])


def heritage(seed: int, scale: int) -> Table:
    """Make the list of intangible heritage."""
    rng = stream(seed, scale, HERITAGE.name)
    rows = []
    for number in range(1, 41):
        place = rng.choice(communes(TUYEN_QUANG))
        people = PEOPLES[number % len(PEOPLES)]
        cells = {
            "Mã di sản": f"DS{number:03d}",
            "Tên di sản": f"{HERITAGE_NAMES[number % len(HERITAGE_NAMES)]} của người {people}",
            "Loại hình": rng.choice(HERITAGE_KINDS),
            "Dân tộc": people,
            "Xã/phường": place.name,
            "Mã xã": place.code,
            "Số quyết định": f"{rng.randrange(100, 4000)}/QĐ-BVHTTDL",
            "Ngày ghi danh": f"{day_of(0) - timedelta(days=rng.randrange(200, 4000)):%d/%m/%Y}",
        }
        rows.append(HERITAGE.row(cells))
    return Table(HERITAGE.name, rows)


def _site(rng: Random, number: int) -> Cells:
    place = rng.choice(communes(TUYEN_QUANG))
    kind = rng.choice(SITE_KINDS)
    free = rng.random() < 0.3
    return {
        "Mã điểm": f"DL{number:04d}",
        "Tên điểm du lịch": f"{SITE_WORDS[kind]} {place.short}",
        "Loại hình": kind,
        "Xã/phường": place.name,
        "Mã xã": place.code,
        "Vĩ độ": f"{place.latitude + rng.random() * 0.05:.6f}",
        "Kinh độ": f"{place.longitude + rng.random() * 0.05:.6f}",
        "Điện thoại": phone(rng),
        "Giá vé (đồng)": "Miễn phí" if free else vietnamese(rng.randrange(2, 30) * 10_000, 0),
        "Giờ mở cửa": rng.choice(("07:00-17:00", "07:30-17:30", "Cả ngày")),
    }


def tourism(seed: int, scale: int) -> Table:
    """Make the list of tourist sites."""
    rng = stream(seed, scale, TOURISM.name)
    size = share(150, scale, least=100)
    return Table(TOURISM.name, [TOURISM.row(_site(rng, number)) for number in range(1, size + 1)])


def officers(seed: int, scale: int) -> Table:
    """Make the private list of contacts for data sharing."""
    rng = stream(seed, scale, OFFICERS.name)
    rows = []
    for number in range(1, share(80, scale, least=70) + 1):
        who, woman = name(rng)
        department = number % len(DEPARTMENTS)
        cells = {
            "ma_can_bo": f"CB{number:04d}",
            "ho_ten": who,
            "chuc_vu": rng.choice(("Chuyên viên", "Phó Trưởng phòng", "Trưởng phòng")),
            "co_quan": DEPARTMENTS[department],
            "ma_dinh_danh_co_quan": f"H60.{department + 1:02d}",
            "so_dinh_danh": personal_id(rng, woman=woman),
            "so_dien_thoai": phone(rng),
            "thu_dien_tu": f"dau.moi.{number:03d}@example.com",
            "ngay_bat_dau": f"{day_of(0) - timedelta(days=rng.randrange(30, 1500)):%d/%m/%Y}",
        }
        rows.append(OFFICERS.row(cells))
    return Table(OFFICERS.name, rows)


def advance_prices(table: Table, seed: int, scale: int, day: int) -> None:
    """Move one day on: eight prices change; the first of a month brings a row less."""
    rng = stream(seed, scale, PRICES.name, day)
    spare = [index for index, row in enumerate(table.rows) if row.plain]
    for index in rng.sample(spare, 8):
        cells = table.rows[index].cells
        usual = MATERIALS[cells["Tên vật liệu, quy cách "].rsplit(" ", _words(cells))[0]][1]
        table.rows[index] = PRICES.row(
            cells
            | {
                "Giá chưa VAT (đồng) (*)": _price(rng, usual),
                "Thời điểm áp dụng": f"{day_of(day):%d/%m/%Y}",
            }
        )


def _words(cells: Cells) -> int:
    """Count the words of the grade at the end of a material's name."""
    text = cells["Tên vật liệu, quy cách "]
    return next(len(grade.split(" ")) for grade in GRADES if text.endswith(f" {grade}"))


def advance_tourism(table: Table, seed: int, scale: int, day: int) -> None:
    """Move one day on: a fee changes, one site is new, one is gone."""
    rng = stream(seed, scale, TOURISM.name, day)
    spare = [index for index, row in enumerate(table.rows) if row.plain]
    changed, gone = rng.sample(spare, 2)
    ticket = vietnamese(rng.randrange(2, 30) * 10_000 + 5_000, 0)
    table.rows[changed] = TOURISM.row(table.rows[changed].cells | {"Giá vé (đồng)": ticket})
    table.rows.append(TOURISM.row(_site(rng, 1_000 + day)))
    del table.rows[gone]


def advance_officers(table: Table, seed: int, scale: int, day: int) -> None:
    """Move one day on: one contact has a new phone."""
    rng = stream(seed, scale, OFFICERS.name, day)
    spare = [index for index, row in enumerate(table.rows) if row.plain]
    changed = rng.choice(spare)
    cells = table.rows[changed].cells
    table.rows[changed] = OFFICERS.row(cells | {"so_dien_thoai": phone(rng)})


BUILDERS: tuple[Callable[[int, int], Table], ...] = (prices, heritage, tourism, officers)

if __name__ == "__main__":
    for builder in BUILDERS:
        sys.stdout.write(f"{builder(1, 2_000).rows[0].cells}\n")
