"""Units by code, name and day, sums in present units, agency codes, working days: as SQL."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse import reference
from warehouse import macros
from warehouse.lake import Lake

BEFORE, AFTER = "DATE '2025-06-30'", "DATE '2025-07-01'"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return reference.lake(tmp_path_factory.mktemp("lake") / "lake")


@pytest.fixture(scope="module")
def connection(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    opened = reference.reader(lake)
    yield opened
    opened.close()


def one(connection: duckdb.DuckDBPyConnection, expression: str) -> Any:
    (found,) = connection.execute(f"SELECT {expression}").fetchone() or (None,)
    return found


@pytest.mark.parametrize(
    ("code", "day", "name"),
    [
        ("15", BEFORE, "Tỉnh Núi Tây"),
        ("15", AFTER, "Tỉnh Núi Đông"),
        ("10", BEFORE, "Tỉnh Núi Đông"),
        ("10", AFTER, None),
        ("00001", BEFORE, "Xã Hòa Bình"),
        ("00001", AFTER, "Phường Hòa Bình"),
        ("99999", AFTER, None),
    ],
)
def test_a_code_means_a_unit_only_on_a_day(
    connection: duckdb.DuckDBPyConnection, code: str, day: str, name: str | None
) -> None:
    assert one(connection, f"don_vi_vao_ngay('{code}', {day}).ten") == name


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (f"tim_don_vi('Hoà Bình', '10', {BEFORE})", "00001"),
        (f"tim_don_vi('xã  HÒA BÌNH', 'Núi Đông', {BEFORE})", "00001"),
        (f"tim_don_vi('{unicodedata.normalize('NFD', 'Hòa Bình')}', '10', {BEFORE})", "00001"),
        (f"tim_don_vi('Hòa An', 'tỉnh Núi Ðông', {BEFORE})", "00002"),
        (f"tim_don_vi('B’Lao', '15', {BEFORE})", "00003"),
        (f"tim_don_vi('BLao', '15', {BEFORE})", "00003"),
        # Two of that name on that day: nobody can say which, unless the district or type does.
        (f"tim_don_vi('Hòa Bình', '15', {BEFORE})", None),
        (f"tim_don_vi('Hòa Bình', '15', {BEFORE}, huyen := 'Suối')", "00005"),
        (f"tim_don_vi('Hòa Bình', '15', {BEFORE}, huyen := '202')", "00006"),
        (f"tim_don_vi('Hòa Bình', '15', {AFTER})", None),
        (f"tim_don_vi('Phường Hòa Bình', '15', {AFTER})", "00001"),
        (f"tim_don_vi('Núi Đông', NULL, {AFTER}, cap_don_vi := 'tinh')", "15"),
        (f"tim_don_vi('Không Có', '15', {AFTER})", None),
    ],
)
def test_a_name_is_found_however_it_is_written(
    connection: duckdb.DuckDBPyConnection, question: str, code: str | None
) -> None:
    assert one(connection, question) == code


def test_all_units_of_a_name_can_be_seen(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute(
        f"SELECT ma_don_vi FROM cac_don_vi('Hòa Bình', '15', {BEFORE}) ORDER BY 1"
    ).fetchall()
    assert found == [("00005",), ("00006",)]


@pytest.mark.parametrize(
    ("code", "day", "now"),
    [
        ("00002", BEFORE, [("00001", "toan_bo")]),
        ("00004", BEFORE, [("00003", "mot_phan"), ("00009", "mot_phan")]),
        ("00003", AFTER, [("00003", "giu_nguyen")]),
        ("10", BEFORE, [("15", "toan_bo")]),
        ("10", AFTER, []),
        ("99999", BEFORE, None),
    ],
)
def test_what_became_of_a_unit(
    connection: duckdb.DuckDBPyConnection, code: str, day: str, now: list[tuple[str, str]] | None
) -> None:
    found = one(connection, f"don_vi_hien_nay('{code}', {day})")
    assert (found and [(unit["ma"], unit["loai"]) for unit in found]) == now


def test_a_later_change_is_followed_to_the_present(tmp_path: Path) -> None:
    made = reference.lake(tmp_path / "lake")
    writer = made.writer()
    writer.execute(
        "UPDATE lake.danh_muc.don_vi_hanh_chinh SET hieu_luc_den = '2026-04-29' "
        "WHERE ma_don_vi = '00001' AND ky = 'tu_2025_07_01'"
    )
    reference.put(
        writer, "don_vi_hanh_chinh",
        "ma_don_vi, cap, ten, ma_tinh, ky, hieu_luc_tu, khoa_ten, khoa_rieng",
        [("00020", "xa", "Phường Mới", "15", "tu_2026_04_30", "2026-04-30", "x", "x")],
    )  # fmt: skip
    reference.put(
        writer, "lien_ket_don_vi", "ma_cu, ma_moi, cap, loai, so_lien_ket, mau_thuan, tu_ngay",
        [("00001", "00020", "xa", "giu_nguyen", 1, False, "2026-04-30")],
    )  # fmt: skip
    writer.close()
    connection = reference.reader(made)
    for code, day in (("00002", BEFORE), ("00001", "DATE '2026-04-01'")):
        (unit,) = one(connection, f"don_vi_hien_nay('{code}', {day})")
        assert unit["ma"] == "00020"
    assert one(connection, f"don_vi_hien_nay('00002', {BEFORE})[1].loai") == "toan_bo"


FACTS = """WITH so_lieu(ma_don_vi, ngay, gia_tri) AS (VALUES
    ('00001', DATE '2025-01-01', 10), ('00002', DATE '2025-01-01', 20),
    ('00001', DATE '2025-08-01', 5), ('00003', DATE '2025-02-01', 7),
    ('99999', DATE '2025-02-01', 1){more}) """


def sums(connection: duckdb.DuckDBPyConnection, call: str, more: str = "") -> dict[Any, Any]:
    sql = f"{FACTS.format(more=more)} SELECT ma_don_vi, gia_tri, uoc_tinh FROM {call}"
    return {code: (value, guess) for code, value, guess in connection.execute(sql).fetchall()}


def test_sums_through_whole_links_are_exact_and_lose_nothing(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert sums(connection, "cong_theo_hien_nay('so_lieu')") == {
        "00001": (35, False), "00003": (7, False), None: (1, False),
    }  # fmt: skip


def test_sums_in_the_units_of_their_day(connection: duckdb.DuckDBPyConnection) -> None:
    sql = f"{FACTS.format(more='')} SELECT ten, gia_tri FROM cong_theo_khi_do('so_lieu')"
    assert dict(connection.execute(sql).fetchall()) == {
        "Xã Hòa Bình": 10, "Xã Hoà An": 20, "Phường Hòa Bình": 5, "Xã B'Lao": 7, None: 1,
    }  # fmt: skip


SPLIT = ", ('00004', DATE '2025-02-01', 100)"
TWO_NAMES = ", ('00007', DATE '2025-02-01', 100)"


@pytest.mark.parametrize("weight", ["", ", trong_so := 'dien_tich'"])
def test_a_sum_through_a_split_unit_is_refused(
    connection: duckdb.DuckDBPyConnection, weight: str
) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="đơn vị 00004 bị chia"):
        sums(connection, f"cong_theo_hien_nay('so_lieu'{weight})", SPLIT)


def test_a_declared_weight_makes_an_estimate_that_says_so(tmp_path: Path) -> None:
    made = reference.lake(tmp_path / "lake")
    writer = made.writer()
    columns = "ma_cu, ma_moi, tu_ngay, loai, gia_tri"
    day = "2025-07-01"
    parts = [("00004", "00003", day, "dien_tich", 3), ("00004", "00009", day, "dien_tich", 1)]
    # Half a weight is none.
    parts.append(("00004", "00003", day, "dan_so", 900))
    reference.put(writer, "trong_so_don_vi", columns, parts)
    writer.close()
    connection = reference.reader(made)
    call = "cong_theo_hien_nay('so_lieu', trong_so := '{}')"
    assert sums(connection, call.format("dien_tich"), SPLIT) == {
        "00001": (35, False), "00003": (82, True), "00009": (25, True), None: (1, False),
    }  # fmt: skip
    with pytest.raises(duckdb.InvalidInputException, match="00004"):
        sums(connection, call.format("dan_so"), SPLIT)
    with pytest.raises(duckdb.InvalidInputException, match="00007"):
        sums(connection, call.format("dien_tich"), TWO_NAMES)


@pytest.mark.parametrize(
    ("written", "canonical", "qcvn"),
    [
        ("000.00.00.H41", "H41", "000.00.00.H41"),
        ("000.00.15.H51", "H51.15", "000.00.15.H51"),
        ("H37.02.02", "H37.02.02", "000.02.02.H37"),
        ("H15.50.05.13", "H15.50.05.13", "013.05.50.H15"),
        ("013.05.50.h15", "H15.50.05.13", "013.05.50.H15"),
        ("28.22.H17", "H17.22.28", "000.28.22.H17"),
        ("002.00.20.H13", "H13.20.00.02", "002.00.20.H13"),
        (" G22 ", "G22", "000.00.00.G22"),
        ("H37.102", "H37.102", None),
        ("vxp.saas.03", None, None),
        ("H37.DN.001", None, None),
        ("null", None, None),
        ("", None, None),
    ],
)
def test_agency_codes_in_every_spelling(
    connection: duckdb.DuckDBPyConnection, written: str, canonical: str | None, qcvn: str | None
) -> None:
    assert one(connection, f"ma_co_quan_chuan('{written}')") == canonical
    assert one(connection, f"ma_co_quan_102('{written}')") == qcvn


_LEVELS = st.lists(st.integers(1, 99).map("{:02}".format), max_size=3)


@settings(max_examples=60, deadline=None)
@given(levels=_LEVELS, province=st.integers(1, 99))
def test_both_spellings_are_one_agency(levels: list[str], province: int) -> None:
    code = ".".join([f"H{province:02}", *levels])
    with duckdb.connect() as plain:
        for macro in macros.MACROS:
            if macro.name in {"ma_co_quan_chuan", "ma_co_quan_102"}:
                plain.execute(f"CREATE TEMP MACRO {macro.name}{macro.body}")
        there_and_back = f"ma_co_quan_chuan(ma_co_quan_102('{code}'))"
        assert one(plain, f"ma_co_quan_chuan('{code}')") == code
        assert one(plain, there_and_back) == code


@pytest.mark.parametrize(
    ("agency", "day", "successors"),
    [
        ("so_cu", "2025-02-28", ["so_cu"]),
        ("so_cu", "2025-03-01", ["so_moi"]),
        ("so_cu", "2026-01-01", ["so_sau"]),
        ("so_moi", "2025-12-31", ["so_moi"]),
        ("000.00.00.H63", "2025-06-30", ["H63"]),
        ("000.00.00.H63", "2025-07-01", ["H38"]),
        ("so_doi", "2025-03-01", ["so_a", "so_b"]),
        ("so_vong", "2025-03-01", ["so_vong"]),
    ],
)
def test_who_succeeds_an_agency_on_a_day(
    connection: duckdb.DuckDBPyConnection, agency: str, day: str, successors: list[str]
) -> None:
    assert one(connection, f"co_quan_ke_thua('{agency}', DATE '{day}')") == successors


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("ngay_lam_viec_giua(DATE '2025-06-02', DATE '2025-06-06')", 4),
        ("ngay_lam_viec_giua(DATE '2025-06-06', DATE '2025-06-09')", 1),
        ("ngay_lam_viec_giua(TIMESTAMP '2025-06-06 17:00', DATE '2025-06-08')", 0),
        # 31 December, 1 and 2 January off, Saturday 10 January worked.
        ("ngay_lam_viec_giua(DATE '2025-12-30', DATE '2026-01-11')", 6),
        ("cong_ngay_lam_viec(DATE '2025-12-30', 1)", date(2026, 1, 5)),
        ("cong_ngay_lam_viec(DATE '2026-01-09', 1)", date(2026, 1, 10)),
        ("la_ngay_lam_viec(DATE '2026-01-10')", True),
        ("la_ngay_lam_viec(DATE '2026-01-02')", False),
        ("la_ngay_lam_viec(DATE '2027-01-04')", None),
        # Outside the years, and across the year that is missing, nobody knows.
        ("ngay_lam_viec_giua(DATE '2026-12-01', DATE '2027-01-04')", None),
        ("ngay_lam_viec_giua(DATE '2026-12-01', DATE '2028-02-01')", None),
        ("cong_ngay_lam_viec(DATE '2026-12-30', 5)", None),
        ("ngay_lam_viec_giua(NULL, DATE '2026-12-01', bat_buoc := true)", None),
        ("ngay_lam_viec_giua(DATE '2025-06-02', DATE '2025-06-06', bat_buoc := true)", 4),
    ],
)
def test_working_days(connection: duckdb.DuckDBPyConnection, question: str, answer: object) -> None:
    assert one(connection, question) == answer


@pytest.mark.parametrize(
    "question",
    [
        "ngay_lam_viec_giua(DATE '2026-12-01', DATE '2027-01-04', bat_buoc := true)",
        "cong_ngay_lam_viec(DATE '2026-12-30', 5, bat_buoc := true)",
    ],
)
def test_who_must_know_is_refused_where_there_is_no_calendar(
    connection: duckdb.DuckDBPyConnection, question: str
) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="không có lịch làm việc chính thức"):
        one(connection, question)


def test_adding_and_counting_agree_on_every_day(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute(
        """WITH hoi AS (
            SELECT ngay, n, cong_ngay_lam_viec(ngay, n) AS den
            FROM (SELECT ngay FROM lich_tung_ngay()), range(1, 30) so(n))
        SELECT count(den), count(*) FILTER (den IS NULL),
            count(*) FILTER (ngay_lam_viec_giua(ngay, den) <> n OR NOT la_ngay_lam_viec(den))
        FROM hoi"""
    ).fetchone()
    assert found is not None
    answered, unknown, wrong = found
    assert wrong == 0
    assert answered > 30_000
    assert 0 < unknown < 3_000  # only towards the end of a run of years


def test_macros_of_tables_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    made = Lake(tmp_path / "lake")
    made.writer().close()
    with reference.reader(made) as connection:
        assert one(connection, "ma_co_quan_chuan('28.22.H17')") == "H17.22.28"
        with pytest.raises(duckdb.CatalogException, match="don_vi_vao_ngay"):
            one(connection, f"don_vi_vao_ngay('15', {BEFORE})")


def test_procedures_are_joined_on_the_base_of_their_code(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    codes = ["1.003290", "1.003290.01", "1.011443.000.00.00.H38"]
    found = connection.execute("SELECT list_transform(?, c -> ma_tthc_goc(c))", [codes]).fetchone()
    assert found == (["1.003290", "1.003290", "1.011443"],)
