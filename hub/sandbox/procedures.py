"""The procedures (thủ tục hành chính) that Lào Cai's portal offers, and how the list changes.

Data flow: fields x actions x objects -> :func:`build` -> the portal's ``/thutuc`` and the
dossiers, which name their procedure. Codes have the form of the real portal,
``1.011443.000.00.00.H38`` (facts 1.3); the numbers are drawn, so a code here is no statement
about the real procedure of that number. 1,837 of them, as the province offers.

Run it alone: ``python -m hub.sandbox.procedures`` prints the first ones.

What does not belong here: dirt, the dossiers themselves.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from random import Random

from hub.sandbox.model import DAY_ZERO, Table, day_of, share, stream
from hub.sandbox.shapes import PROCEDURES

NAME = PROCEDURES.name
FULL_SIZE = 1_837
IN_USE = 400
"""The first so many procedures are those that dossiers name; they are never deleted."""

# code, field, body, what is granted in it
FIELDS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("G15-HT01", "Hộ tịch", "Sở Tư pháp",
     ("trích lục khai sinh", "giấy xác nhận tình trạng hôn nhân", "trích lục khai tử",
      "quyết định công nhận giám hộ", "trích lục kết hôn", "bản sao trích lục hộ tịch")),
    ("G15-CT02", "Chứng thực", "Sở Tư pháp",
     ("bản sao có chứng thực", "thẻ công chứng viên", "giấy đăng ký hành nghề công chứng")),
    ("G10-DD01", "Đất đai", "Sở Nông nghiệp và Môi trường",
     ("giấy chứng nhận quyền sử dụng đất", "quyết định chuyển mục đích sử dụng đất",
      "văn bản đăng ký biến động đất đai", "trích lục bản đồ địa chính")),
    ("G10-MT02", "Môi trường", "Sở Nông nghiệp và Môi trường",
     ("giấy phép môi trường", "văn bản đăng ký môi trường", "quyết định đánh giá tác động")),
    ("G10-LN03", "Lâm nghiệp và Kiểm lâm", "Sở Nông nghiệp và Môi trường",
     ("mã số cơ sở nuôi động vật", "chứng chỉ rừng", "giấy xác nhận nguồn gốc giống")),
    ("G10-TS04", "Thủy sản", "Sở Nông nghiệp và Môi trường",
     ("mã số cơ sở nuôi thủy sản", "giấy chứng nhận đủ điều kiện nuôi thủy sản")),
    ("G05-DN01", "Thành lập và hoạt động của doanh nghiệp", "Sở Tài chính",
     ("giấy chứng nhận đăng ký doanh nghiệp", "giấy chứng nhận đăng ký hộ kinh doanh",
      "giấy chứng nhận đăng ký hợp tác xã", "giấy chứng nhận đăng ký chi nhánh")),
    ("G05-DT02", "Đầu tư tại Việt Nam", "Sở Tài chính",
     ("văn bản chấp thuận chủ trương đầu tư", "giấy chứng nhận đăng ký đầu tư")),
    ("G17-XD01", "Hoạt động xây dựng", "Sở Xây dựng",
     ("giấy phép xây dựng", "chứng chỉ hành nghề xây dựng", "chứng chỉ năng lực xây dựng")),
    ("G17-DB02", "Đường bộ", "Sở Xây dựng",
     ("giấy phép lái xe", "giấy phép kinh doanh vận tải", "phù hiệu xe ô tô",
      "biển hiệu xe du lịch")),
    ("G09-LD01", "Việc làm", "Sở Nội vụ",
     ("giấy phép lao động", "quyết định trợ cấp thất nghiệp", "quyết định hỗ trợ học nghề")),
    ("G09-NC02", "Người có công", "Sở Nội vụ",
     ("giấy xác nhận người có công", "quyết định trợ cấp một lần", "thẻ thương binh")),
    ("G09-BT03", "Bảo trợ xã hội", "Sở Y tế",
     ("quyết định trợ cấp xã hội", "giấy xác nhận khuyết tật", "quyết định hỗ trợ mai táng")),
    ("G18-KC01", "Khám bệnh, chữa bệnh", "Sở Y tế",
     ("giấy phép hoạt động khám bệnh", "giấy phép hành nghề khám bệnh")),
    ("G18-DP02", "Dược phẩm", "Sở Y tế",
     ("chứng chỉ hành nghề dược", "giấy chứng nhận đủ điều kiện kinh doanh dược")),
    ("G03-GD01", "Giáo dục trung học", "Sở Giáo dục và Đào tạo",
     ("quyết định thành lập trường", "giấy phép hoạt động giáo dục")),
    ("G03-VB02", "Hệ thống văn bằng, chứng chỉ", "Sở Giáo dục và Đào tạo",
     ("bản sao văn bằng từ sổ gốc", "giấy công nhận văn bằng")),
    ("G16-DL01", "Lữ hành và du lịch", "Sở Văn hóa, Thể thao và Du lịch",
     ("thẻ hướng dẫn viên du lịch", "giấy phép kinh doanh lữ hành",
      "quyết định công nhận điểm du lịch")),
    ("G16-VH02", "Văn hóa", "Sở Văn hóa, Thể thao và Du lịch",
     ("giấy phép tổ chức lễ hội", "giấy phép biểu diễn nghệ thuật", "giấy chứng nhận cổ vật")),
    ("G02-DI01", "Điện", "Sở Công Thương",
     ("giấy phép hoạt động điện lực", "thẻ an toàn điện")),
    ("G02-TM02", "Lưu thông hàng hóa trong nước", "Sở Công Thương",
     ("giấy phép bán lẻ rượu", "giấy phép bán lẻ thuốc lá",
      "giấy chứng nhận cửa hàng xăng dầu")),
    ("G06-KH01", "Hoạt động khoa học và công nghệ", "Sở Khoa học và Công nghệ",
     ("giấy chứng nhận đăng ký kết quả nghiên cứu", "giấy chứng nhận tổ chức khoa học")),
    ("G06-VT02", "Viễn thông và Internet", "Sở Khoa học và Công nghệ",
     ("giấy phép dịch vụ viễn thông", "giấy chứng nhận điểm truy nhập Internet")),
    ("G20-DT01", "Dân tộc và tôn giáo", "Sở Dân tộc và Tôn giáo",
     ("văn bản đăng ký sinh hoạt tôn giáo", "quyết định công nhận người có uy tín")),
)  # fmt: skip
ACTIONS = (
    "Cấp", "Cấp lại", "Cấp đổi", "Gia hạn", "Điều chỉnh", "Thu hồi", "Xác nhận", "Thẩm định",
    "Đề nghị rà soát", "Đính chính", "Thông báo mất", "Chấm dứt hiệu lực",
)  # fmt: skip
CASES = ("", " đối với tổ chức", " đối với cá nhân", " có yếu tố nước ngoài", " tại khu kinh tế",
         " lần đầu", " trường hợp mất, hỏng")  # fmt: skip
FEES = ("Không", "20.000 đồng", "30.000 đồng", "100.000 đồng", "150.000 đồng", "500.000 đồng")


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure as a dossier sees it."""

    code: str
    name: str
    field_code: str
    field_name: str
    body: str
    """Department that handles it; empty when communes do."""
    days: int
    fee: int


def _cells(rng: Random, index: int, number: int) -> dict[str, str]:
    """Make the cells of the procedure at ``index``; names do not repeat within 1,837."""
    combinations = list(product(CASES, ACTIONS, FIELDS))
    case, action, (field_code, field, body, objects) = combinations[index % len(combinations)]
    thing = objects[(index // len(combinations) + number) % len(objects)]
    local = rng.random() < 0.4
    updated = DAY_ZERO - timedelta(days=rng.randrange(20, 900), hours=rng.randrange(7, 16))
    return {
        "MaTTHC": f"{rng.choice('1112')}.{number:06d}.000.00.00.H38",
        "TenTTHC": f"{action} {thing}{case}",
        "MaLinhVuc": field_code,
        "TenLinhVuc": field,
        "CapThucHien": "Cấp xã" if local else "Cấp tỉnh",
        "MucDo": "toàn trình" if rng.random() < 0.62 else "một phần",
        "CoQuanThucHien": "Ủy ban nhân dân cấp xã" if local else body,
        "PhiLePhi": rng.choice(FEES),
        "TrangThai": "ACTIVE" if rng.random() < 0.9 else "UPDATED",
        "NgayCapNhat": f"{updated:%Y%m%d%H%M%S}",
    }


def build(seed: int, scale: int) -> Table:
    """Make the list as of day 0."""
    rng = stream(seed, scale, NAME)
    size = share(FULL_SIZE, scale, least=120)
    numbers = rng.sample(range(300, 14_000), size)
    return Table(NAME, [PROCEDURES.row(_cells(rng, i, n)) for i, n in enumerate(numbers)])


def advance(table: Table, seed: int, scale: int, day: int) -> None:
    """Move the list one day on: two deleted, three changed, two new."""
    rng = stream(seed, scale, NAME, day)
    spare = [
        i for i, r in enumerate(table.rows) if i >= in_use(scale) and r.dirt is None and not r.copy
    ]
    chosen = rng.sample(spare, 5)
    stamp = f"{day_of(day):%Y%m%d}{rng.randrange(8, 17):02d}3000"
    for index in chosen[:3]:
        cells = table.rows[index].cells
        table.rows[index] = PROCEDURES.row(
            cells | {"PhiLePhi": rng.choice(FEES), "TrangThai": "UPDATED", "NgayCapNhat": stamp}
        )
    gone = set(chosen[3:])
    table.rows = [r for i, r in enumerate(table.rows) if i not in gone]
    for extra in range(2):
        number = 14_000 + day * 2 + extra
        fresh = _cells(rng, FULL_SIZE + number, number)
        table.rows.append(PROCEDURES.row(fresh | {"NgayCapNhat": stamp}))


def in_use(scale: int) -> int:
    """Return how many procedures, from the first, dossiers may name."""
    return min(IN_USE, share(FULL_SIZE, scale, least=120) // 2)


def catalog(table: Table, scale: int) -> tuple[Procedure, ...]:
    """Return the procedures that dossiers name, most used first; call it before dirt is planted."""
    chosen = []
    for place, item in enumerate(table.rows[: in_use(scale)]):
        cells = item.cells
        fee = cells["PhiLePhi"].split(" ")[0].replace(".", "")
        chosen.append(
            Procedure(
                cells["MaTTHC"],
                cells["TenTTHC"],
                cells["MaLinhVuc"],
                cells["TenLinhVuc"],
                "" if cells["CapThucHien"] == "Cấp xã" else cells["CoQuanThucHien"],
                (1, 3, 5, 7, 10, 15, 20, 30)[place % 8],
                int(fee) if fee.isdigit() else 0,
            )
        )
    return tuple(chosen)


if __name__ == "__main__":
    for item in build(1, 200_000).rows[:15]:
        sys.stdout.write(f"{item.cells['MaTTHC']}  {item.cells['TenTTHC']}\n")
