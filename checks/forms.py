"""The closed vocabulary of cell forms and column types that a contract may use.

Data flow: :mod:`checks.contract` refuses what is not listed here; the warehouse's normaliser
has one way of cleaning and typing per form. One table, so that the two cannot drift apart.

Run it alone: ``python -c "from checks.forms import FORMS; print(*FORMS)"``.

What does not belong here: the cleaning itself (``warehouse``).
"""

from __future__ import annotations

import re

_TEXT = r"VARCHAR"
_INTEGER = r"SMALLINT|INTEGER|BIGINT"
_FRACTION = r"DOUBLE|DECIMAL\(\d{1,2},\d{1,2}\)"

FORMS: dict[str, str] = {
    "van_ban": _TEXT,
    "ma": _TEXT,
    "so_ky_hieu": _TEXT,
    "so_dinh_danh": _TEXT,
    "ma_so_thue": _TEXT,
    "ma_don_vi": _TEXT,
    "so_dien_thoai": _TEXT,
    "khoa_ten": _TEXT,
    "muc_so": _TEXT,
    "don_vi_so": _TEXT,
    "ngay": "DATE",
    "thoi_diem": "TIMESTAMP",
    "so_nguyen": _INTEGER,
    "so_thap_phan": _FRACTION,
    "so_may": f"{_INTEGER}|{_FRACTION}",
    "so_kem_chu": f"{_INTEGER}|{_FRACTION}",
    "dung_sai": "BOOLEAN",
    "json": f"{_TEXT}|JSON",
}
"""Form -> pattern of the SQL types a column of that form may have."""

DEFAULT_FORMS = {
    "VARCHAR": "van_ban",
    "DATE": "ngay",
    "TIMESTAMP": "thoi_diem",
    "BOOLEAN": "dung_sai",
    "JSON": "json",
}
"""SQL type -> the form meant when none is given; numbers have none, since a dot may divide
thousands (``so_nguyen``, ``so_thap_phan``) or decimals (``so_may``)."""

LOGICAL_TYPES = {
    "VARCHAR": {"string"},
    "DATE": {"date"},
    "TIMESTAMP": {"timestamp"},
    "BOOLEAN": {"boolean"},
    "JSON": {"object", "array", "string"},
    "SMALLINT": {"integer"},
    "INTEGER": {"integer"},
    "BIGINT": {"integer"},
    "DOUBLE": {"number"},
    "DECIMAL": {"number"},
}
"""SQL type without its arguments -> the ODCS logical types that say the same."""

_WIDEST_DECIMAL = 38


def base_type(sql_type: str) -> str:
    """Return the type without arguments: ``DECIMAL(18,2)`` -> ``DECIMAL``."""
    return sql_type.split("(", maxsplit=1)[0]


def is_sql_type(sql_type: str) -> bool:
    """Say whether the type is one that contracts may use, with possible arguments."""
    if base_type(sql_type) == "DECIMAL":
        match = re.fullmatch(r"DECIMAL\((\d{1,2}),(\d{1,2})\)", sql_type)
        if match is None:
            return False
        width, scale = int(match[1]), int(match[2])
        return 1 <= width <= _WIDEST_DECIMAL and scale <= width
    return sql_type in LOGICAL_TYPES


def fits(form: str, sql_type: str) -> bool:
    """Say whether a column of that form may have that type."""
    return re.fullmatch(FORMS[form], sql_type) is not None
