"""Names of units as keys: insensitive to where a tone stands, blanks, apostrophes, Đ look-alikes.

Data flow: the cleaning of ``text_forms`` as SQL -> two macros. 184 of 3,321 official names differ
between two official lists only by where the tone mark sits (domain notes 1.7).

What does not belong here: looking anything up (``units``).
"""

from __future__ import annotations

from warehouse.macros.macro import Macro
from warehouse.text_forms import common, one_placement

_TYPES = "thành phố|tỉnh|quận|huyện|thị xã|phường|xã|thị trấn|đặc khu|xa"
"""``Xa Ea Kly`` stands in an official list without its tone."""

_KEY = f"replace(replace({one_placement(common('ten')[1])}, '''', ''), ' ', '')"
_PROPER = f"regexp_replace({common('ten')[1]}, '^(?i:{_TYPES})\\s+', '')"

MACROS = (
    Macro("khoa_don_vi", "(ten)", _KEY),
    Macro("ten_rieng_don_vi", "(ten)", _PROPER),
    Macro("khoa_rieng_don_vi", "(ten)", "khoa_don_vi(ten_rieng_don_vi(ten))"),
)
