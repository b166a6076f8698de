"""Units on a day, units by name, and what became of an old unit.

Data flow: ``danh_muc.don_vi_hanh_chinh`` and ``danh_muc.lien_ket_don_vi`` -> macros. A code means
a unit only together with a day: code 15 was Yên Bái until 30 June 2025 and is Lào Cai since. The
present is what has no last day, never the clock of this machine, so the same rows always give
the same answer.

What does not belong here: sums (``sums``).
"""

from __future__ import annotations

from warehouse.macros.macro import Macro
from warehouse.text_forms import let

UNITS = ("danh_muc.don_vi_hanh_chinh",)
LINKS = ("danh_muc.lien_ket_don_vi",)

_FROM, _TO = "DATE '0001-01-01'", "DATE '9999-12-31'"
_ON_THE_DAY = "coalesce(u.hieu_luc_tu <= ngay, TRUE) AND coalesce(u.hieu_luc_den >= ngay, TRUE)"


def on_the_day(listed: str) -> str:
    """Return SQL of those of a list of dated structs that are in force on ``ngay``.

    The list is looked up by code alone and the day is compared outside: joined on both, DuckDB
    would work out the answer for every pair of code and day that the rows have.
    """
    return f"list_filter({listed}, lambda d: d.tu <= ngay AND d.den >= ngay)"


_UNITS = f"""(SELECT list({{'tu': coalesce(u.hieu_luc_tu, {_FROM}),
        'den': coalesce(u.hieu_luc_den, {_TO}), 'ma': u.ma_don_vi, 'cap': u.cap, 'ten': u.ten,
        'ma_tinh': u.ma_tinh, 'ten_tinh': u.ten_tinh, 'ma_huyen': u.ma_huyen,
        'ten_huyen': u.ten_huyen}})
    FROM lake.danh_muc.don_vi_hanh_chinh u WHERE u.ma_don_vi = ma)"""

# The key is the equality, so that it is a hash join; the rest is compared with what the key found.
_FOUND = """SELECT {what}
    FROM lake.danh_muc.don_vi_hanh_chinh u
    WHERE u.khoa_rieng = khoa_rieng_don_vi(ten_xet) AND u.cap = cap_don_vi
        AND (tinh IS NULL OR u.ma_tinh = tinh OR u.khoa_tinh = khoa_rieng_don_vi(tinh))
        AND (huyen IS NULL OR u.ma_huyen = huyen
            OR khoa_rieng_don_vi(u.ten_huyen) = khoa_rieng_don_vi(huyen))
        AND (khoa_don_vi(ten_xet) = khoa_rieng_don_vi(ten_xet)
            OR u.khoa_ten = khoa_don_vi(ten_xet))"""
_SEARCH = "(ten_xet, tinh, ngay, huyen := NULL, cap_don_vi := 'xa')"
_CODES = _FOUND.format(
    what=f"""list({{'tu': coalesce(u.hieu_luc_tu, {_FROM}),
        'den': coalesce(u.hieu_luc_den, {_TO}), 'ma': u.ma_don_vi}})"""
)

CHANGES = 4
"""So many changes one after the other are followed from an old unit to the present: of 2025, and
three more. Not by a recursive query: correlated, that is a cross product with the rows asked."""


def _paths() -> str:
    """Return the parts of a WITH that follow links once, twice and so on: ``d1``, ``d2``."""
    parts = [
        """d1 AS (
        SELECT l.ma_cu AS ma, l.tu_ngay - 1 AS den_ngay, l.ma_moi, l.tu_ngay, l.loai, l.mau_thuan,
            l.so_lien_ket
        FROM lake.danh_muc.lien_ket_don_vi l)"""
    ]
    parts += [
        f"""d{number} AS (
        SELECT d.ma, d.den_ngay, l.ma_moi, l.tu_ngay,
            CASE WHEN 'mot_phan' IN (d.loai, l.loai) THEN 'mot_phan'
                WHEN 'toan_bo' IN (d.loai, l.loai) THEN 'toan_bo' ELSE 'giu_nguyen' END AS loai,
            d.mau_thuan OR l.mau_thuan AS mau_thuan, d.so_lien_ket * l.so_lien_ket AS so_lien_ket
        FROM d{number - 1} d JOIN lake.danh_muc.lien_ket_don_vi l
            ON l.ma_cu = d.ma_moi AND l.tu_ngay > d.tu_ngay)"""
        for number in range(2, CHANGES + 1)
    ]
    union = " UNION ALL ".join(f"FROM d{number}" for number in range(1, CHANGES + 1))
    return ", ".join([*parts, f"duong AS ({union})"])


_TO_THE_PRESENT = f"""WITH {_paths()}
    SELECT d.ma, DATE '0001-01-01' AS tu_ngay, d.den_ngay, d.ma_moi, d.loai, d.mau_thuan,
        d.so_lien_ket
    FROM duong d JOIN lake.danh_muc.don_vi_hanh_chinh u
        ON u.ma_don_vi = d.ma_moi AND u.hieu_luc_den IS NULL AND u.hieu_luc_tu <= d.tu_ngay
    UNION ALL
    SELECT u.ma_don_vi, coalesce(u.hieu_luc_tu, DATE '0001-01-01'), DATE '9999-12-31',
        u.ma_don_vi, 'giu_nguyen', FALSE, 1
    FROM lake.danh_muc.don_vi_hanh_chinh u WHERE u.hieu_luc_den IS NULL"""

# Grouped before it is looked up: the links would else be followed anew for each code.
_PRESENT = """(SELECT any_value(n.ds) FROM (
        SELECT d.ma, list({'tu': d.tu_ngay, 'den': d.den_ngay, 'ma': d.ma_moi, 'ten': u.ten,
            'loai': d.loai} ORDER BY d.ma_moi) AS ds
        FROM don_vi_den_nay() d JOIN lake.danh_muc.don_vi_hanh_chinh u
            ON u.ma_don_vi = d.ma_moi AND u.hieu_luc_den IS NULL
        GROUP BY d.ma) n
    WHERE n.ma = ma_xet)"""

MACROS = (
    Macro("don_vi_vao_ngay", "(ma, ngay)", f"{on_the_day(_UNITS)}[1]", UNITS),
    Macro(
        "tim_don_vi",
        _SEARCH,
        let("tim", on_the_day(f"({_CODES})"), "CASE WHEN len(tim) = 1 THEN tim[1].ma END"),
        UNITS,
    ),
    Macro(
        "cac_don_vi",
        _SEARCH,
        f"{_FOUND.format(what='u.*')} AND {_ON_THE_DAY}",
        UNITS,
        table=True,
    ),
    Macro("don_vi_den_nay", "()", _TO_THE_PRESENT, (*UNITS, *LINKS), table=True),
    Macro(
        "don_vi_hien_nay",
        "(ma_xet, ngay)",
        f"list_transform({on_the_day(_PRESENT)}, "
        "lambda d: {'ma': d.ma, 'ten': d.ten, 'loai': d.loai})",
        (*UNITS, *LINKS),
    ),
)
