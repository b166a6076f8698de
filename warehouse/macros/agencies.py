"""Agency codes in one spelling, and who has an agency's duties on a day.

Data flow: a code in any of its three live spellings (domain notes 1.1) -> ``ma_co_quan_chuan``,
the spelling of Decision 20/2020 from the province down (``H37.02.02``), or ``ma_co_quan_102``,
the thirteen characters of QCVN 102. ``danh_muc.ke_thua_co_quan`` -> who succeeded whom.

A level's leading zeros beyond two digits and levels of zeros at the end say nothing and go:
``002.00.20.H13`` is ``H13.20.00.02``. What is no code (``vxp.saas.03``, ``null``) gives NULL.

What does not belong here: whether a code is valid (a contract's pattern), the agencies themselves.
"""

from __future__ import annotations

from warehouse.macros.macro import Macro
from warehouse.macros.units import on_the_day
from warehouse.text_forms import let

SUCCESSION = ("danh_muc.ke_thua_co_quan",)

_LEVELS = """CASE WHEN regexp_full_match(m, '[A-Z][0-9]{2}(\\.[0-9]{1,3}){0,3}')
        THEN string_split(m, '.')
    WHEN regexp_full_match(m, '[0-9]{2,3}(\\.[0-9]{2,3}){0,2}\\.[A-Z][0-9]{2}')
        THEN list_reverse(string_split(m, '.')) END"""
_LEVEL = "regexp_replace(lpad(c, greatest(length(c), 2)::INTEGER, '0'), '^0+([0-9]{2})$', '\\1')"
_JOINED = f"array_to_string(list_transform({_LEVELS}, lambda c: {_LEVEL}), '.')"
_CANONICAL = let("m", "upper(trim(ma))", f"regexp_replace({_JOINED}, '(\\.00)+$', '')")
# Levels of three digits fit the last place only: thirteen characters hold no more.
_QCVN = let(
    "p",
    "string_split(ma_co_quan_chuan(ma), '.')",
    "CASE WHEN length(coalesce(p[2], '')) < 3 AND length(coalesce(p[3], '')) < 3 THEN "
    "lpad(coalesce(p[4], '000'), 3, '0') || '.' || coalesce(p[3], '00') || '.' "
    "|| coalesce(p[2], '00') || '.' || p[1] END",
)

# Only whole successions move everything; a ring ends at the tenth step.
_PATHS = """
    WITH RECURSIVE duong AS (
        SELECT k.ma_cu AS ma, k.ma_moi, k.tu_ngay, 1 AS buoc
        FROM lake.danh_muc.ke_thua_co_quan k WHERE k.pham_vi = 'toan_bo'
        UNION ALL
        SELECT d.ma, k.ma_moi, greatest(d.tu_ngay, k.tu_ngay), d.buoc + 1
        FROM duong d JOIN lake.danh_muc.ke_thua_co_quan k
            ON k.ma_cu = d.ma_moi AND k.pham_vi = 'toan_bo' AND d.buoc < 10
    )
    SELECT d.ma, d.ma_moi, min(d.tu_ngay) AS tu_ngay,
        coalesce((SELECT min(k.tu_ngay) FROM lake.danh_muc.ke_thua_co_quan k
            WHERE k.ma_cu = d.ma_moi AND k.pham_vi = 'toan_bo'), DATE '9999-12-31') AS den_truoc
    FROM duong d GROUP BY d.ma, d.ma_moi"""

_SUCCESSORS = """(SELECT list({'tu': d.tu_ngay, 'den': d.den_truoc - 1, 'ma': d.ma_moi}
        ORDER BY d.ma_moi)
    FROM ke_thua_den_nay() d WHERE d.ma = coalesce(ma_co_quan_chuan(ma_xet), ma_xet))"""
_ON_THE_DAY = let(
    "tim",
    on_the_day(_SUCCESSORS),
    "CASE WHEN len(tim) > 0 THEN list_transform(tim, lambda d: d.ma) "
    "ELSE [coalesce(ma_co_quan_chuan(ma_xet), ma_xet)] END",
)

MACROS = (
    Macro("ma_co_quan_chuan", "(ma)", _CANONICAL),
    Macro("ma_co_quan_102", "(ma)", _QCVN),
    Macro("ke_thua_den_nay", "()", _PATHS, SUCCESSION, table=True),
    Macro("co_quan_ke_thua", "(ma_xet, ngay)", _ON_THE_DAY, SUCCESSION),
)
