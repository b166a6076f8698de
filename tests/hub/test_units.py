"""The units and their links: from the package alone, and from official files that contradict it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
import typer

from checks.contract import load_contract
from hub import reference_data
from hub.catalog import load_catalog
from hub.cli import unit
from hub.cli.query import Format
from hub.errors import ConfigurationError, DataError
from hub.ownership import owner_of, owner_on
from hub.settings import ROOT, Settings
from sources.session import left_out
from sources.spec import ColumnSpec
from tests.hub.units import asked, bring_in, opened, supply
from warehouse.lake import Lake


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing is supplied."""
    data = tmp_path_factory.mktemp("package")
    outcomes = bring_in(data)
    assert {name: outcome.error for name, outcome in outcomes.items() if outcome.error} == {}
    assert len(outcomes) == 10
    return data


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both official files are supplied, and no correction of 02485 is recorded."""
    folder = tmp_path_factory.mktemp("official")
    supply(folder / "files")
    shutil.copytree(ROOT / "assets", folder / "assets")
    correct(folder, keep=False)
    bring_in_with_files(folder)
    return folder


def correct(folder: Path, *, keep: bool) -> None:
    """Leave the recorded corrections there, or take them away."""
    place = "danh_muc/so_ghi_nhan/dinh_chinh_don_vi.csv"
    lines = (ROOT / "assets" / place).read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(lines if keep else lines[:1])
    (folder / "assets" / place).write_text(text, encoding="utf-8")


def bring_in_with_files(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BANG_CHUYEN_DOI_DIR", "DS_XA_GSO_DIR"):
            patch.setenv(name, str(folder / "files"))
        outcomes = bring_in(folder / "data", folder / "assets")
    assert {name: outcome.error for name, outcome in outcomes.items() if outcome.error} == {}


def test_the_package_alone_gives_units_and_links(package: Path) -> None:
    assert asked(
        package,
        """SELECT ma_tinh_moi, count(DISTINCT ma_cu), count(DISTINCT ma_moi),
            count(*) FILTER (loai = 'mot_phan') FROM danh_muc.lien_ket_don_vi
        WHERE cap = 'xa' AND ma_tinh_moi = '15' GROUP BY 1""",
    ) == [("15", 319, 99, 0)]
    assert asked(package, "SELECT DISTINCT nguon, mau_thuan FROM danh_muc.lien_ket_don_vi") == [
        ("goi", False)
    ]
    assert asked(package, "SELECT count(*) FROM danh_muc.mau_thuan_don_vi") == [(0,)]
    assert asked(
        package,
        """SELECT don_vi_vao_ngay('15', DATE '2025-06-30').ten,
            don_vi_vao_ngay('15', DATE '2025-07-01').ten,
            list_transform(don_vi_hien_nay('10', DATE '2025-06-30'), lambda d: d.ma),
            tim_don_vi('Yên Bái', 'Lào Cai', DATE '2026-01-01')""",
    ) == [("Tỉnh Yên Bái", "Tỉnh Lào Cai", ["15"], "04252")]


def test_what_nobody_supplied_is_no_fault(package: Path) -> None:
    catalog = load_catalog(ROOT / "assets")
    absent = {s.name for s in catalog.systems.values() if left_out(s, {})}
    assert absent == {"danh_muc/bang_chuyen_doi", "danh_muc/ds_xa_gso"}
    table = catalog.systems["danh_muc/bang_chuyen_doi"]
    assert not left_out(table, {"BANG_CHUYEN_DOI_DIR": "/x"})
    assert asked(package, "SELECT count(*) FROM danh_muc.bang_chuyen_doi") == [(0,)]


def test_a_blank_cell_of_a_key_is_filled_and_flagged(official: Path) -> None:
    assert asked(
        official / "data",
        "SELECT ma_cu, _repairs FROM danh_muc.bang_chuyen_doi WHERE ten_cu = 'Bãi ven sông'",
    ) == [("(trống)", ["ma_cu:blank_cell"])]
    with pytest.raises(ValueError, match="`blank` is for a column without `codes`"):
        ColumnSpec(source="a", codes={"1": "x"}, blank="(trống)")


def test_a_second_night_computes_nothing_again(package: Path) -> None:
    assert {outcome.record.status for outcome in bring_in(package).values()} == {"unchanged"}


def test_a_code_with_two_names_is_found_and_may_not_be_summed(official: Path) -> None:
    data = official / "data"
    kinds = dict(
        asked(
            data,
            """SELECT loai, list(ma_don_vi ORDER BY ma_don_vi) FROM danh_muc.mau_thuan_don_vi
            WHERE ma_don_vi IN ('02485', '02482', '02497', '02494', '99999')
                AND trang_thai = 'mo' AND loai <> 'chi_mot_danh_sach' GROUP BY 1""",
        )
    )
    assert kinds == {
        "hai_ten": ["02485"], "thieu_ma_cu": ["02494"], "ma_la": ["99999"], "nhan_la": ["02497"],
        "nhan_khac_so": ["02497"], "khac_lien_ket": ["02485", "02497"],
    }  # fmt: skip
    assert asked(data, "SELECT cac_ten FROM danh_muc.mau_thuan_don_vi WHERE loai = 'hai_ten'") == [
        ("Xã Công Đa; Xã Phú Thịnh",)
    ]
    with opened(data) as connection:
        (fault,) = reference_data.faults(connection)
        assert "code 02485 has several names in bang_chuyen_doi" in fault
        facts = "WITH x AS (SELECT '02485' AS ma_don_vi, DATE '2025-01-01' AS ngay, 1 AS gia_tri) "
        with pytest.raises(Exception, match="đơn vị 02485"):
            connection.execute(facts + "FROM cong_theo_hien_nay('x')").fetchall()


def test_the_kind_of_a_link_follows_from_their_number(official: Path) -> None:
    assert asked(
        official / "data",
        """SELECT ma_moi, loai, so_lien_ket, nhan_goc, nguon FROM danh_muc.lien_ket_don_vi
        WHERE ma_cu = '02497' ORDER BY 1""",
    ) == [
        ("02458", "mot_phan", 2, "Nhập toàn bộ", "bang_chuyen_doi"),
        ("02494", "mot_phan", 2, "Nhâp một phần", "bang_chuyen_doi"),
    ]
    # What the table does not have comes from the package.
    assert asked(
        official / "data",
        "SELECT DISTINCT nguon FROM danh_muc.lien_ket_don_vi WHERE ma_cu = '02647'",
    ) == [("goi",)]


def test_a_recorded_correction_mends_it_and_can_be_seen(official: Path) -> None:
    correct(official, keep=True)
    try:
        bring_in_with_files(official)
        data = official / "data"
        assert asked(
            data,
            "SELECT trang_thai, dinh_chinh FROM danh_muc.mau_thuan_don_vi WHERE loai = 'hai_ten'",
        ) == [("da_dinh_chinh", "DC-003")]
        assert asked(
            data,
            """SELECT ma_cu, ma_moi, loai, mau_thuan, dinh_chinh FROM danh_muc.lien_ket_don_vi
            WHERE ma_cu IN ('02482', '02485') ORDER BY 1""",
        ) == [
            ("02482", "02494", "toan_bo", False, "DC-003"),
            ("02485", "02458", "toan_bo", False, None),
        ]
        # The list itself stays as it came.
        assert asked(
            data, "SELECT count(*) FROM danh_muc.bang_chuyen_doi WHERE ma_cu = '02485'"
        ) == [(2,)]
        with opened(data) as connection:
            assert reference_data.faults(connection) == []
    finally:
        correct(official, keep=False)


def test_a_year_without_calendar_is_told_two_months_before(package: Path) -> None:
    with opened(package) as connection:
        said = {
            day: [note for note in reference_data.notes(connection, day) if "calendar" in note]
            for day in (date(2026, 10, 31), date(2026, 11, 1), date(2027, 2, 1))
        }
    assert said[date(2026, 10, 31)] == []
    assert ["no working calendar for 2027" in note for note in said[date(2026, 11, 1)]] == [True]
    assert ["no working calendar for 2027" in note for note in said[date(2027, 2, 1)]] == [True]


def test_ownership_moves_with_the_day(package: Path) -> None:
    with opened(package) as connection:
        owner = "so_thong_tin_va_truyen_thong"
        assert owner_on(connection, owner, date(2025, 2, 28)) == owner
        assert owner_on(connection, owner, date(2025, 3, 1)) == "so_khoa_hoc_va_cong_nghe"
        contract = load_contract(ROOT / "assets/contracts/don_vi_hanh_chinh.odcs.yaml")
        assert owner_of(connection, contract, date(2026, 1, 1)) == "so_noi_vu"
        connection.execute(
            "CREATE OR REPLACE TEMP MACRO co_quan_ke_thua(ma_xet, ngay) AS (['so_a', 'so_b'])"
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warehouse.macros.install", lambda _: None)
            with pytest.raises(DataError, match="several bodies"):
                owner_on(connection, owner, date(2026, 1, 1))


def test_the_command_says_what_a_unit_was_and_is(
    package: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(package))
    unit.unit("15", on="2025-06-30", within=None, form=Format.csv)
    assert capfd.readouterr().out.splitlines()[1:] == [
        "15,Tỉnh Yên Bái,,Tỉnh Yên Bái,15,,2025-06-30,15 Tỉnh Lào Cai (toan_bo)"
    ]
    unit.unit("xã  hoà bình", on="2020-01-01", within="Hoà Bình", form=Format.csv)
    (line,) = capfd.readouterr().out.splitlines()[1:]
    assert line.startswith("04825,Xã Hòa Bình,Thành phố Hòa Bình,Tỉnh Hòa Bình,17,")
    with pytest.raises(ConfigurationError, match=r"no such unit .* leave --on or --in away"):
        unit.unit("Không Có", on=None, within="15", form=Format.table)
    with pytest.raises(ConfigurationError, match=r"no such unit .* -> names are looked for whole"):
        unit.unit("Không Có", on=None, within=None, form=Format.table)
    with pytest.raises(typer.BadParameter, match="--on wants a day"):
        unit.unit("15", on="30/06/2025", within=None, form=Format.table)


def test_the_command_says_what_to_do_before_the_first_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Lake(Settings(data_dir=tmp_path).lake).writer().close()
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
    with pytest.raises(ConfigurationError, match="run `hub sync danh_muc` first"):
        unit.unit("15", on=None, within=None, form=Format.table)


def test_recorded_data_is_read_from_the_assets_in_force(tmp_path: Path) -> None:
    settings = Settings(assets_dir=tmp_path)
    assert settings.environment()["HUB_ASSETS_DIR"] == str(tmp_path.resolve())
