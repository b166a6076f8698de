"""Figures in the units of their day and in those of today.

Data flow: a table or a CTE with ``ma_don_vi``, ``ngay`` and ``gia_tri`` -> one row per unit.
Through a whole link a sum is exact. Through a unit that was split it is refused, or made with a
declared weight (``danh_muc.trong_so_don_vi``) and marked ``uoc_tinh``: domain notes 8. A code
that is no unit on its day is a row of its own without code, so that no figure is lost.

What does not belong here: what a unit became (``units``), the weights (recorded data).
"""

from __future__ import annotations

from warehouse.macros.macro import Macro
from warehouse.macros.units import LINKS, UNITS

WEIGHTS = ("danh_muc.trong_so_don_vi",)

# he_so is NULL where nothing may be summed. Weights count only if each part has one.
_SHARES = """
    WITH ty_trong AS (
        SELECT w.ma_cu, w.ma_moi, w.tu_ngay,
            w.gia_tri / nullif(sum(w.gia_tri) OVER p, 0) AS phan, count(*) OVER p AS so_phan
        FROM lake.danh_muc.trong_so_don_vi w WHERE w.loai = trong_so
        WINDOW p AS (PARTITION BY w.ma_cu, w.tu_ngay)
    )
    SELECT d.ma, d.tu_ngay, d.den_ngay, d.ma_moi,
        CASE WHEN d.mau_thuan THEN NULL WHEN d.loai <> 'mot_phan' THEN 1.0::DOUBLE
            WHEN t.so_phan = d.so_lien_ket THEN t.phan::DOUBLE END AS he_so,
        d.loai = 'mot_phan' AS uoc_tinh
    FROM don_vi_den_nay() d
    LEFT JOIN ty_trong t
        ON t.ma_cu = d.ma AND t.ma_moi = d.ma_moi AND t.tu_ngay = d.den_ngay + 1"""

# The text of the error speaks of the row, so that DuckDB cannot work it out before it meets one.
_WEIGHTED = """CASE WHEN he_so IS NULL AND gia_tri IS NOT NULL THEN error(
        'đơn vị ' || ma || ' bị chia cho nhiều đơn vị mới hoặc mã còn mâu thuẫn, nên không cộng '
        || 'sang đơn vị hiện nay được; hãy khai trọng số (trong_so_don_vi) và chọn trong_so := '
        || '''dien_tich'' hoặc ''dan_so''')
    ELSE gia_tri * he_so END"""

_TODAY = """
    WITH dong AS (
        SELECT x.ma_don_vi AS ma, h.ma_moi, coalesce(h.uoc_tinh, FALSE) AS uoc_tinh,
            CASE WHEN h.ma IS NULL THEN x.gia_tri::DOUBLE
                ELSE gia_tri_sang_hien_nay(x.gia_tri, h.he_so, x.ma_don_vi) END AS gia_tri
        FROM query_table(bang) x
        LEFT JOIN he_so_hien_nay(trong_so := trong_so) h
            ON h.ma = x.ma_don_vi AND h.tu_ngay <= x.ngay AND h.den_ngay >= x.ngay
    )
    SELECT d.ma_moi AS ma_don_vi, any_value(u.ten) AS ten, any_value(u.ma_tinh) AS ma_tinh,
        sum(d.gia_tri) AS gia_tri, count(*) AS so_dong, bool_or(d.uoc_tinh) AS uoc_tinh
    FROM dong d
    LEFT JOIN lake.danh_muc.don_vi_hanh_chinh u
        ON u.ma_don_vi = d.ma_moi AND u.hieu_luc_den IS NULL
    GROUP BY d.ma_moi"""

_THEN = """
    SELECT u.ma_don_vi, u.ky, any_value(u.ten) AS ten, any_value(u.ma_tinh) AS ma_tinh,
        sum(x.gia_tri) AS gia_tri, count(*) AS so_dong, FALSE AS uoc_tinh
    FROM query_table(bang) x
    LEFT JOIN lake.danh_muc.don_vi_hanh_chinh u ON u.ma_don_vi = x.ma_don_vi
        AND coalesce(u.hieu_luc_tu <= x.ngay, TRUE) AND coalesce(u.hieu_luc_den >= x.ngay, TRUE)
    GROUP BY u.ma_don_vi, u.ky"""

_ALL = (*UNITS, *LINKS, *WEIGHTS)
MACROS = (
    Macro("he_so_hien_nay", "(trong_so := NULL)", _SHARES, _ALL, table=True),
    Macro("gia_tri_sang_hien_nay", "(gia_tri, he_so, ma)", _WEIGHTED),
    Macro("cong_theo_hien_nay", "(bang, trong_so := NULL)", _TODAY, _ALL, table=True),
    Macro("cong_theo_khi_do", "(bang)", _THEN, UNITS, table=True),
)
