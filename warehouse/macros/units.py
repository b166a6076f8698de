"""Units on a day, units by name, and what became of an old unit.

Data flow: ``danh_muc.don_vi_hanh_chinh`` and ``danh_muc.lien_ket_don_vi`` -> macros. A code means
a unit only together with a day: code 15 was Yên Bái until 30 June 2025 and is Lào Cai since. The
present is what has no last day, never the clock of this machine, so the same rows always give
the same answer.

What does not belong here: sums (``sums``).
"""

from __future__ import annotations

from warehouse.macros.macro import Macro

UNITS = ("danh_muc.don_vi_hanh_chinh",)
LINKS = ("danh_muc.lien_ket_don_vi",)

_ON_THE_DAY = "coalesce(u.hieu_luc_tu <= ngay, TRUE) AND coalesce(u.hieu_luc_den >= ngay, TRUE)"

_UNIT = f"""SELECT any_value({{'ma': u.ma_don_vi, 'cap': u.cap, 'ten': u.ten, 'ma_tinh': u.ma_tinh,
        'ten_tinh': u.ten_tinh, 'ma_huyen': u.ma_huyen, 'ten_huyen': u.ten_huyen}})
    FROM lake.danh_muc.don_vi_hanh_chinh u WHERE u.ma_don_vi = ma AND {_ON_THE_DAY}"""

# The key is the equality, so that it is a hash join; the rest is compared with what the key found.
_FOUND = f"""SELECT {{what}}
    FROM lake.danh_muc.don_vi_hanh_chinh u
    WHERE u.khoa_rieng = khoa_rieng_don_vi(ten_xet) AND u.cap = cap_don_vi AND {_ON_THE_DAY}
        AND (tinh IS NULL OR u.ma_tinh = tinh OR u.khoa_tinh = khoa_rieng_don_vi(tinh))
        AND (huyen IS NULL OR u.ma_huyen = huyen
            OR khoa_rieng_don_vi(u.ten_huyen) = khoa_rieng_don_vi(huyen))
        AND (khoa_don_vi(ten_xet) = khoa_rieng_don_vi(ten_xet)
            OR u.khoa_ten = khoa_don_vi(ten_xet))"""
_SEARCH = "(ten_xet, tinh, ngay, huyen := NULL, cap_don_vi := 'xa')"

# An old unit may go into one that was changed again later: the links are followed to the end.
_TO_THE_PRESENT = """
    WITH RECURSIVE duong AS (
        SELECT l.ma_cu AS ma, l.tu_ngay - 1 AS den_ngay, l.ma_moi, l.tu_ngay, l.loai, l.mau_thuan,
            l.so_lien_ket
        FROM lake.danh_muc.lien_ket_don_vi l
        UNION ALL
        SELECT d.ma, d.den_ngay, l.ma_moi, l.tu_ngay,
            CASE WHEN 'mot_phan' IN (d.loai, l.loai) THEN 'mot_phan'
                WHEN 'toan_bo' IN (d.loai, l.loai) THEN 'toan_bo' ELSE 'giu_nguyen' END,
            d.mau_thuan OR l.mau_thuan, d.so_lien_ket * l.so_lien_ket
        FROM duong d JOIN lake.danh_muc.lien_ket_don_vi l
            ON l.ma_cu = d.ma_moi AND l.tu_ngay > d.tu_ngay
    )
    SELECT d.ma, DATE '0001-01-01' AS tu_ngay, d.den_ngay, d.ma_moi, d.loai, d.mau_thuan,
        d.so_lien_ket
    FROM duong d JOIN lake.danh_muc.don_vi_hanh_chinh u
        ON u.ma_don_vi = d.ma_moi AND u.hieu_luc_den IS NULL AND u.hieu_luc_tu <= d.tu_ngay
    UNION ALL
    SELECT u.ma_don_vi, coalesce(u.hieu_luc_tu, DATE '0001-01-01'), DATE '9999-12-31',
        u.ma_don_vi, 'giu_nguyen', FALSE, 1
    FROM lake.danh_muc.don_vi_hanh_chinh u WHERE u.hieu_luc_den IS NULL"""

_PRESENT = """SELECT list({'ma': d.ma_moi, 'ten': u.ten, 'loai': d.loai} ORDER BY d.ma_moi)
    FROM don_vi_den_nay() d JOIN lake.danh_muc.don_vi_hanh_chinh u
        ON u.ma_don_vi = d.ma_moi AND u.hieu_luc_den IS NULL
    WHERE d.ma = ma_xet AND d.tu_ngay <= ngay AND d.den_ngay >= ngay"""

MACROS = (
    Macro("don_vi_vao_ngay", "(ma, ngay)", _UNIT, UNITS),
    Macro(
        "tim_don_vi",
        _SEARCH,
        _FOUND.format(what="CASE WHEN count(*) = 1 THEN any_value(u.ma_don_vi) END"),
        UNITS,
    ),
    Macro("cac_don_vi", _SEARCH, _FOUND.format(what="u.*"), UNITS, table=True),
    Macro("don_vi_den_nay", "()", _TO_THE_PRESENT, (*UNITS, *LINKS), table=True),
    Macro("don_vi_hien_nay", "(ma_xet, ngay)", _PRESENT, (*UNITS, *LINKS)),
)
