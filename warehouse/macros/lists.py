"""The lists of units side by side, parsed and corrected: what the derived tables are made of.

Data flow: the landed lists (package, conversion table, statistics office) and the recorded
corrections -> ``nguon_don_vi()``, every name that a list gives a code, and ``nguon_lien_ket()``,
every link. The lists stay as they came; a correction shows beside what it replaced.

What does not belong here: which list is believed, what is a contradiction (``assets/danh_muc``).
"""

from __future__ import annotations

from warehouse.macros.macro import Macro

OLD, NEW = "truoc_2025_07_01", "tu_2025_07_01"
BLANK = "(trống)"
"""As the definitions of the official lists fill a blank cell of their key."""

PACKAGE = ("danh_muc.don_vi_theo_goi", "danh_muc.lien_ket_theo_goi")
OFFICIAL = ("danh_muc.bang_chuyen_doi", "danh_muc.ds_xa_gso")
CORRECTIONS = ("danh_muc.dinh_chinh_don_vi",)
_ALL = (*PACKAGE, *OFFICIAL, *CORRECTIONS)


def _code(cell: str, digits: int) -> str:
    """Return SQL of the code in ``Tỉnh Lào Cai (15)``."""
    return f"regexp_extract({cell}, '\\((\\d{{{digits}}})\\)$', 1)"


def _named(cell: str) -> str:
    """Return SQL of the name in it."""
    return f"regexp_replace({cell}, ' *\\(\\d+\\)$', '')"


_CONVERSION = f"""
    SELECT {_code("b.tinh_moi", 2)} AS ma_tinh_moi, {_named("b.tinh_moi")} AS ten_tinh_moi,
        b.ma_moi AS ma_moi_ghi, b.ten_moi AS ten_moi_ghi,
        coalesce(m.ma_dung, b.ma_moi) AS ma_moi, coalesce(m.ten_dung, b.ten_moi) AS ten_moi,
        b.ma_cu = '{BLANK}' AS thieu_ma_cu, b.ten_cu = '{BLANK}' AS thieu_ten_cu,
        b.ma_cu AS ma_cu_ghi, b.ten_cu AS ten_cu_ghi,
        coalesce(c.ma_dung, b.ma_cu) AS ma_cu, coalesce(c.ten_dung, b.ten_cu) AS ten_cu,
        {_code("b.huyen_cu", 3)} AS ma_huyen, {_named("b.huyen_cu")} AS ten_huyen,
        coalesce(c.ma_tinh_dung, {_code("b.tinh_cu", 2)}) AS ma_tinh_cu,
        CASE WHEN c.ma_tinh_dung IS NULL THEN {_named("b.tinh_cu")} END AS ten_tinh_cu,
        b.ghi_chu AS nhan, c.so_dinh_chinh AS dinh_chinh_cu, m.so_dinh_chinh AS dinh_chinh_moi
    FROM lake.danh_muc.bang_chuyen_doi b
    LEFT JOIN lake.danh_muc.dinh_chinh_don_vi c ON c.danh_sach = 'bang_chuyen_doi'
        AND c.phia = 'cu' AND c.ma_ghi = b.ma_cu
        AND khoa_don_vi(c.ten_ghi) = khoa_don_vi(b.ten_cu)
    LEFT JOIN lake.danh_muc.dinh_chinh_don_vi m ON m.danh_sach = 'bang_chuyen_doi'
        AND m.phia = 'moi' AND m.ma_ghi = b.ma_moi
        AND khoa_don_vi(m.ten_ghi) = khoa_don_vi(b.ten_moi)"""

_ENTRIES = f"""
    SELECT 'bang_chuyen_doi' AS danh_sach, 1 AS thu_tu, '{OLD}' AS ky, 'xa' AS cap,
        b.ma_cu_ghi AS ma_ghi, b.ten_cu_ghi AS ten_ghi, b.ma_cu AS ma, b.ten_cu AS ten,
        b.ma_tinh_cu AS ma_tinh, b.ten_tinh_cu AS ten_tinh, b.ma_huyen, b.ten_huyen,
        b.dinh_chinh_cu AS dinh_chinh
    FROM bang_chuyen_doi_da_sua() b WHERE NOT b.thieu_ma_cu
    UNION
    SELECT 'bang_chuyen_doi', 1, '{NEW}', 'xa', b.ma_moi_ghi, b.ten_moi_ghi, b.ma_moi, b.ten_moi,
        b.ma_tinh_moi, b.ten_tinh_moi, NULL, NULL, b.dinh_chinh_moi
    FROM bang_chuyen_doi_da_sua() b
    UNION
    SELECT 'ds_xa_gso', 2, '{OLD}', 'xa', g.ma_xa, g.xa, coalesce(c.ma_dung, g.ma_xa),
        coalesce(c.ten_dung, g.xa), g.ma_tinh, g.tinh, g.ma_huyen, g.huyen, c.so_dinh_chinh
    FROM lake.danh_muc.ds_xa_gso g
    LEFT JOIN lake.danh_muc.dinh_chinh_don_vi c ON c.danh_sach = 'ds_xa_gso' AND c.phia = 'cu'
        AND c.ma_ghi = g.ma_xa AND khoa_don_vi(c.ten_ghi) = khoa_don_vi(g.xa)
    WHERE g.ma_xa <> '{BLANK}'
    UNION
    SELECT 'ds_xa_gso', 2, '{OLD}', 'huyen', g.ma_huyen, g.huyen, g.ma_huyen, g.huyen,
        g.ma_tinh, g.tinh, g.ma_huyen, g.huyen, NULL
    FROM lake.danh_muc.ds_xa_gso g
    UNION
    SELECT 'ds_xa_gso', 2, '{OLD}', 'tinh', g.ma_tinh, g.tinh, g.ma_tinh, g.tinh,
        g.ma_tinh, g.tinh, NULL, NULL, NULL
    FROM lake.danh_muc.ds_xa_gso g
    UNION
    SELECT 'goi', 3, p.ky, p.cap, p.ma_don_vi, p.ten, coalesce(c.ma_dung, p.ma_don_vi),
        coalesce(c.ten_dung, p.ten), p.ma_tinh, p.ten_tinh, p.ma_huyen, p.ten_huyen,
        c.so_dinh_chinh
    FROM lake.danh_muc.don_vi_theo_goi p
    LEFT JOIN lake.danh_muc.dinh_chinh_don_vi c ON c.danh_sach = 'goi'
        AND c.phia = CASE p.ky WHEN '{NEW}' THEN 'moi' ELSE 'cu' END
        AND c.ma_ghi = p.ma_don_vi AND khoa_don_vi(c.ten_ghi) = khoa_don_vi(p.ten)"""

# An island district without communes stands under its own code; a strip of coast has none at all.
_LINKS = """
    SELECT 'bang_chuyen_doi' AS danh_sach,
        CASE WHEN b.thieu_ten_cu THEN b.ma_huyen ELSE b.ma_cu END AS ma_cu,
        CASE WHEN b.thieu_ten_cu THEN b.ten_huyen ELSE b.ten_cu END AS ten_cu,
        b.ma_tinh_cu, b.ma_moi, b.ten_moi, b.ma_tinh_moi, DATE '2025-07-01' AS tu_ngay, b.nhan,
        concat_ws(', ', b.dinh_chinh_cu, b.dinh_chinh_moi) AS dinh_chinh
    FROM bang_chuyen_doi_da_sua() b WHERE NOT b.thieu_ma_cu OR b.thieu_ten_cu
    UNION ALL
    SELECT 'goi', p.ma_cu, p.ten_cu, p.ma_tinh_cu, p.ma_moi, p.ten_moi, p.ma_tinh_moi, p.tu_ngay,
        NULL, ''
    FROM lake.danh_muc.lien_ket_theo_goi p"""

MACROS = (
    Macro("bang_chuyen_doi_da_sua", "()", _CONVERSION, (*OFFICIAL, *CORRECTIONS), table=True),
    Macro("nguon_don_vi", "()", _ENTRIES, _ALL, table=True),
    Macro("nguon_lien_ket", "()", _LINKS, _ALL, table=True),
)
