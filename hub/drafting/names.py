"""Column names from source fields, and what a name alone says about a column.

Data flow: ``MaHoSo``, ``Giá chưa VAT (đồng) (*)`` -> :func:`columns_of` -> ``ma_ho_so``,
``gia_chua_vat_dong``; a column's name -> :func:`personal`, :func:`is_code`, :func:`is_date`,
:func:`is_flag`,
:func:`is_list`.

Run it alone: ``python -m hub.drafting.names MaHoSo 'Số điện thoại'``.

What does not belong here: what the cells say (``profile``).
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Literal

from checks.proof import unusable_names
from warehouse.readers.nested import PLACE

Personal = Literal["none", "basic", "sensitive"]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = {"VNeID": "Vneid", "VNEID": "Vneid"}
"""Proper names that no rule of capitals divides rightly."""

_BASIC = re.compile(
    r"ho_(?:va_)?ten|ho_dem|chu_(?:ho|so_huu|su_dung|the|dat|doanh_nghiep)|"
    r"nguoi_|can_bo|chuyen_vien|cong_dan|"
    r"ngay_sinh|nam_sinh|gioi_tinh|dia_chi|noi_o|thuong_tru|tam_tru|que_quan|noi_sinh|quoc_tich|"
    r"(?:so_)?dien_thoai|sdt|di_dong|email|e_mail|thu_dien_tu|fax|"
    r"cccd|cmnd|so_dinh_danh|dinh_danh_(?:chs|ca_nhan)|so_giay_to|ho_chieu|bien_so|"
    r"hon_nhan|than_nhan|nguoi_than|anh_chan_dung|"
    r"full_name|first_name|last_name|signer_name|staff_(?:name|phone|email)|phone|mobile|"
    r"address|birth|dob|gender|sex|passport|nationality|username|ten_dang_nhap|tai_khoan"
)
"""Names of basic personal data: NĐ 356/2025 (domain notes 7), and how systems write them."""
_SENSITIVE = re.compile(
    r"dan_toc|ton_giao|suc_khoe|benh|khuyet_tat|sinh_trac|van_tay|tien_an|pham_toi|dang_vien|"
    r"tai_khoan_ngan_hang|so_tai_khoan|anh_(?:cccd|cmnd|the)|ethnic|religion|health|biometric|"
    r"bank_account|mat_khau|password"
)
_NOT_PERSONAL = re.compile(
    r"(?:^|_)(?:so_luong|so_nguoi|tong_so|ty_le|dan_so|ma_dinh_danh_co_quan|loai)(?:_|$)|_id$"
)
"""Counts and kinds of people, not people."""
_CODE = re.compile(
    r"^(?:ma|id|uuid|guid|code|so_hieu|so_ky_hieu|ky_hieu)(?:_|$)|_(?:id|ids|ma|code|uuid|key)$"
)
_LIST = re.compile(
    r"^(?:trang_thai|tinh_trang|loai|kenh|hinh_thuc|muc_do|cap|nhom|do_khan|duoc|co|da|phuong_thuc|"
    r"type|status|state|level|priority|kind)(?:_|$)|_(?:type|status|state|level|priority)$"
)
_DATE = re.compile(
    r"(?:^|_)(?:ngay|thoi_(?:diem|gian|han)|han|gio|date|time|timestamp|at|on)(?:_|$)"
)
_FLAG = re.compile(
    r"^(?:co|duoc|da|la|is|has|can|khong|ho_so_co|tai_khoan_duoc)_|"
    r"(?:^|_)(?:flag|active|deleted)(?:_|$)"
)


def unaccented(text: str) -> str:
    """Return a text without Vietnamese marks: ``Số điện thoại`` -> ``So dien thoai``."""
    crossed = text.translate(str.maketrans("đĐðÐƉɖ", "dDdDDd"))
    parts = unicodedata.normalize("NFD", crossed)
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def column_of(field: str) -> str:
    """Return the column's name for one source field; it may be no usable one yet."""
    if field == PLACE:
        return "thu_tu"
    text = unaccented(field)
    for word, easier in _WORDS.items():
        text = text.replace(word, easier)
    snake = re.sub(r"[^a-z0-9]+", "_", _CAMEL.sub("_", text).lower()).strip("_")
    if not snake or not snake[0].isalpha():
        snake = f"cot_{snake}".rstrip("_")
    return snake


def columns_of(fields: Sequence[str]) -> dict[str, str]:
    """Return column -> source field, each name safe in SQL and used once."""
    found: dict[str, str] = {}
    for field in fields:
        name = column_of(field)
        if unusable_names([name]):
            name = f"cot_{name}"
        number = 2
        base = name
        while name in found:
            name, number = f"{base}_{number}", number + 1
        found[name] = field
    return found


def personal(column: str) -> Personal:
    """Return what a column's name says: whether its values are about a person."""
    if _SENSITIVE.search(column):
        return "sensitive"
    if _BASIC.search(column) and not _NOT_PERSONAL.search(column):
        return "basic"
    return "none"


def is_code(column: str) -> bool:
    """Say whether the values of a column of this name are names of things: text, even digits."""
    return bool(_CODE.search(column))


def is_list(column: str) -> bool:
    """Say whether digits in a column of this name are codes of a list, not amounts."""
    return bool(_LIST.search(column))


def is_date(column: str) -> bool:
    """Say whether a column of this name holds dates, so that bare digits may be one."""
    return bool(_DATE.search(column))


def is_flag(column: str) -> bool:
    """Say whether 0 and 1 in a column of this name are no and yes."""
    return bool(_FLAG.search(column))


def main() -> None:
    """Print the column of each field."""
    for column, field in columns_of(sys.argv[1:]).items():
        sys.stdout.write(f"{field}\t{column}\t{personal(column)}\n")


if __name__ == "__main__":
    main()
