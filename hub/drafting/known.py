"""Identifiers that a column may hold, told by how its cells look (domain notes 1 and 6).

Data flow: :data:`KNOWN` -> ``profile`` counts how many cells of a column look like each ->
:func:`recognised` names the one that nearly all do -> form, pattern rule and class of the draft.

Run it alone: ``python -c "from hub.drafting.known import KNOWN; print(*(k.what for k in KNOWN))"``.

What does not belong here: how such cells are cleaned (``warehouse.text_forms``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hub.drafting.names import Personal

NEARLY = 0.95
"""Part of the filled cells that must agree before a draft believes something of a column."""
_HALF = 0.5

_AGENCY = (
    r"(?:\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}|[A-Z]\d{2}(?:\.\d{1,3}){0,3}"
    r"|\d{2,3}(?:\.\d{2,3}){0,2}\.[A-Z]\d{2})"
)
_FAMILIES = (
    "Nguyễn|Trần|Lê|Phạm|Hoàng|Huỳnh|Phan|Vũ|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý|Đinh|Lò|Giàng|Vàng|"
    "Sùng|Hà|Nông|Lương|Triệu|Bàn|Đào|Cao|Lục|Hà|Trương|Tô|Mai|Chu|Tạ|Trịnh|Lù|Thào|Cứ|Hầu|Vương"
)
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


@dataclass(frozen=True)
class Known:
    """One kind of identifier."""

    what: str
    """English, for the draft's comments."""
    form: str
    looks: str
    """SQL over ``c`` (a cleaned cell): whether it is one beyond doubt."""
    rule: str | None = None
    """Pattern that every cell must have, once cleaned by the form."""
    reason: str = ""
    """Vietnamese, for the agency whose row breaks the pattern."""
    hint: str | None = None
    """Names of columns that are believed without ``looks``."""
    only_hinted: bool = False
    """The look says too little: the name must agree."""
    personal: Personal = "none"
    severity: str = "error"
    """Of the pattern rule."""

    def may_be(self, column: str, filled: int, looks: Mapping[str, int]) -> bool:
        """Say whether a column may hold this, by its name or by the look of enough cells.

        Args:
            column: Its name.
            filled: Its cells that say something.
            looks: Kind -> cells that are one beyond doubt.
        """
        hinted = self.hint is not None and re.search(self.hint, column) is not None
        enough = NEARLY if self.what == "tax codes" else _HALF
        sure = not self.only_hinted and looks[self.what] >= max(1, enough * filled)
        return sure or hinted

    def pattern(self) -> str:
        """Return what a cell must be, whole; anything, if there is no rule."""
        return (self.rule or "(?s).*").removeprefix("^").removesuffix("$")


def _full(pattern: str) -> str:
    return f"regexp_full_match(c, '{pattern}')"


def _tax_code() -> str:
    """Return SQL for the check digit of a tax code (domain notes 1.5)."""
    digits = " + ".join(
        f"{weight} * TRY_CAST(c[{place}] AS INT)" for place, weight in enumerate(_WEIGHTS, 1)
    )
    return (
        f"CASE WHEN {_full('[0-9]{10}(?:-[0-9]{3})?')} "
        f"THEN TRY_CAST(c[10] AS INT) = 10 - ({digits}) % 11 ELSE FALSE END"
    )


KNOWN: tuple[Known, ...] = (
    Known(
        "dossier numbers", "ma", _full(rf"{_AGENCY}-(?:\d{{6}}|\d{{8}})-\d{{4,8}}"),
        rf"^{_AGENCY}-(?:\d{{6}}|\d{{8}})-\d{{4,8}}$",
        "Mã hồ sơ không đúng dạng <mã cơ quan>-<ngày>-<số thứ tự>",
    ),
    Known(
        "procedure codes", "ma", _full(r"\d\.\d{6}(?:\..*)?"),
        r"^\d\.\d{6}(?:\.\d{2})?(?:\.(?:\d{3}\.\d{2}\.\d{2}\.)?[A-Z]\d{2})?$",
        "Mã thủ tục hành chính không đúng dạng <số>.<6 chữ số>[.<trường hợp>][.<cơ quan>]",
    ),
    Known(
        "agency codes", "ma", f"contains(c, '.') AND {_full(_AGENCY)}", f"^{_AGENCY}$",
        "Mã định danh cơ quan không đúng dạng",
        hint="co_quan|don_vi|organ",
    ),
    Known(
        "e-mail addresses", "ma", _full(r"[^@\s]+@[^@\s]+\.[^@\s]+"), r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
        "Địa chỉ thư điện tử không đúng dạng", personal="basic", severity="warn",
    ),
    Known("tax codes", "ma_so_thue", _tax_code(), r"^\d{10}(?:-\d{3})?$",
          "Mã số thuế không phải 10 chữ số, có thể kèm -3 chữ số"),
    Known(
        "personal numbers", "so_dinh_danh", _full("0[0-9][0-9]{10}"),
        r"^(?:\d{12}|\d{9}|\d{10}(?:-\d{3})?)$",
        "Số giấy tờ không phải số định danh 12 chữ số, CMND 9 chữ số hoặc mã số thuế",
        hint="cccd|cmnd|dinh_danh|giay_to", personal="basic",
    ),
    Known(
        "phone numbers", "so_dien_thoai", _full(r"(?:0|\+?84|\(0)[1-9)][0-9 ().-]{7,13}"),
        r"^0\d{9,10}$", "Số điện thoại không phải 10 hoặc 11 chữ số bắt đầu bằng 0",
        hint="dien_thoai|sdt|phone|mobile|di_dong", personal="basic", severity="warn",
    ),
    Known(
        "codes of communes", "ma_don_vi", _full("[0-9]{5}"), r"^\d{5}$",
        "Mã đơn vị hành chính cấp xã không phải 5 chữ số",
        hint=r"^ma_.*(?:xa|phuong|dvhc|don_vi)|^(?:commune|ward)_code", only_hinted=True,
    ),
    Known(
        "document numbers", "so_ky_hieu",
        _full(r"\d{1,6}[A-Za-z]?/(?:\d{4}/)?[A-ZĐ][^ ]*|\d{1,5}-[A-ZĐ][A-Za-zĐđ]*/[A-ZĐ][^ ]*"),
    ),
    Known(
        # Of two words it may be a place: Hà Nội, Cao Bằng.
        "names of people", "van_ban", _full(rf"(?:{_FAMILIES})(?: [A-ZĐÀ-Ỹ][a-zà-ỹđ]*){{2,4}}"),
        personal="basic",
    ),
)  # fmt: skip
"""The kinds, the surest first. Patterns are those of the project's own contracts."""


def recognised(filled: int, fits: Mapping[str, int]) -> Known | None:
    """Return the kind of identifier that a column holds.

    Args:
        filled: Its cells that say something.
        fits: Kind that it may be -> cells that have the kind's pattern, cleaned by its form.
    """
    enough = max(1, NEARLY * filled)
    return next((known for known in KNOWN if fits.get(known.what, 0) >= enough), None)
