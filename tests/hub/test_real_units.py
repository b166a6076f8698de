"""The official lists, where they lie beside the checkout: the figures of the domain notes 1.7.

The same behaviour is tested on lists that the tests make (``test_units.py``).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hub.units import asked, bring_in

REAL = Path(os.environ.get("REAL_FILES", "/nonexistent")) / "admin_units"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BANG_CHUYEN_DOI_DIR", "DS_XA_GSO_DIR"):
            patch.setenv(name, str(REAL))
        outcomes = bring_in(folder)
    assert {name: outcome.error for name, outcome in outcomes.items() if outcome.error} == {}
    return folder


def test_lao_cai_has_no_split_unit_and_tuyen_quang_five(data: Path) -> None:
    found = asked(
        data,
        """SELECT ma_tinh_moi, count(DISTINCT ma_cu), count(DISTINCT ma_moi),
            count(*) FILTER (loai = 'giu_nguyen'), count(*) FILTER (loai = 'toan_bo'),
            count(*) FILTER (loai = 'mot_phan'),
            list(DISTINCT ma_cu ORDER BY ma_cu) FILTER (loai = 'mot_phan')
        FROM danh_muc.lien_ket_don_vi WHERE cap = 'xa' AND ma_tinh_moi IN ('08', '15')
        GROUP BY 1 ORDER BY 1""",
    )
    split = ["00688", "00967", "00988", "02494", "02497"]
    assert found == [("08", 330, 124, 13, 312, 10, split), ("15", 319, 99, 8, 311, 0, None)]


def test_three_codes_have_two_names_and_are_mended_on_record(data: Path) -> None:
    assert asked(
        data,
        """SELECT ma_don_vi, cac_ten, trang_thai, dinh_chinh FROM danh_muc.mau_thuan_don_vi
        WHERE loai = 'hai_ten' ORDER BY 1""",
    ) == [
        ("00553", "Xã Cổ Bi; Xã Đặng Xá", "da_dinh_chinh", "DC-001"),
        ("01615", "Xã Hồng Quang; Xã Mỹ Hưng", "da_dinh_chinh", "DC-002"),
        ("02485", "Xã Công Đa; Xã Phú Thịnh", "da_dinh_chinh", "DC-003"),
    ]


def test_split_units_of_the_whole_country(data: Path) -> None:
    """441 codes have several links; two of them only because they have two names."""
    assert asked(
        data,
        """SELECT count(*) FROM (SELECT ma_cu FROM danh_muc.bang_chuyen_doi
        WHERE ma_cu <> '(trống)' GROUP BY 1 HAVING count(DISTINCT ma_moi) > 1)""",
    ) == [(441,)]
    split, most = asked(
        data,
        """SELECT count(DISTINCT ma_cu), max(so_lien_ket) FROM danh_muc.lien_ket_don_vi
        WHERE cap = 'xa' AND loai = 'mot_phan'""",
    )[0]
    # Without 01615 and 02485; with 00556, whose second row stood under 00553.
    assert (split, most) == (440, 5)


def test_every_old_province_went_whole_into_one(data: Path) -> None:
    assert asked(
        data,
        "SELECT count(*), count(DISTINCT ma_cu), count(DISTINCT ma_moi) "
        "FROM danh_muc.lien_ket_don_vi WHERE cap = 'tinh'",
    ) == [(63, 63, 34)]


def test_sums_of_lao_cai_are_exact_and_those_of_a_split_unit_refused(data: Path) -> None:
    facts = """WITH x AS (SELECT ma_cu AS ma_don_vi, DATE '2024-12-31' AS ngay, 1 AS gia_tri
        FROM danh_muc.lien_ket_don_vi WHERE cap = 'xa' AND ma_tinh_moi = '{}') """
    total = "SELECT sum(gia_tri), count(*), bool_or(uoc_tinh) FROM cong_theo_hien_nay('x')"
    assert asked(data, facts.format("15") + total) == [(319, 99, False)]
    with pytest.raises(Exception, match="bị chia cho nhiều đơn vị mới"):
        asked(data, facts.format("08") + total)
