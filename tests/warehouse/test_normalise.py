"""The normaliser: every habit of facts 6 in a table, and laws that hold for any text."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.contract import Column
from checks.forms import FORMS
from hub.errors import ConfigurationError
from sources.spec import ColumnSpec
from tests.warehouse.cells import clean, clean_all
from warehouse.normalise import expressions

TEXT_FORMS = [
    "van_ban",
    "ma",
    "so_ky_hieu",
    "so_dinh_danh",
    "ma_so_thue",
    "ma_don_vi",
    "so_dien_thoai",
]
PORTAL = (
    "%Y%m%d%H%M%S", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y/%m/%d %H:%M:%S",
    "%Y%m%d", "iso", "epoch_ms",
)  # fmt: skip
TABLE = ("%d/%m/%Y", "%d-%m-%Y", "%Y/%m/%d", "iso", "excel_serial")


def at(*parts: int) -> datetime:
    """Return a moment in Vietnam time, as the warehouse stores it: without a zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


NFD = unicodedata.normalize("NFD", "Nguyễn Thị Huệ")


@pytest.mark.parametrize(
    ("text", "form", "stored", "repairs"),
    [
        # text
        ("Sở Nông nghiệp và Môi trường", "van_ban", "Sở Nông nghiệp và Môi trường", []),
        ("Công ty A – B (“C”), số 5/2, 30°…", "van_ban", "Công ty A – B (“C”), số 5/2, 30°…", []),
        (None, "van_ban", None, []),
        ("", "van_ban", None, []),
        ("   ", "van_ban", None, ["blanks"]),
        ("  Nguyễn  Văn  An ", "van_ban", "Nguyễn Văn An", ["blanks"]),
        ("Ủy\u00a0ban nhân dân", "van_ban", "Ủy ban nhân dân", ["blanks"]),
        ("Cấp\r\nđổi", "van_ban", "Cấp đổi", ["blanks"]),
        ("Bát\u200b Xát\ufeff", "van_ban", "Bát Xát", ["blanks"]),
        ("Bát\x00Xát\x07", "van_ban", "Bát Xát", ["blanks"]),
        (NFD, "van_ban", "Nguyễn Thị Huệ", ["nfc"]),
        ("Ðiều chỉnh ðất Ɖai", "van_ban", "Điều chỉnh đất Đai", ["d_lookalike"]),
        ("B’Lao", "van_ban", "B'Lao", ["apostrophe"]),
        (" Ð’ ", "van_ban", "Đ'", ["blanks", "d_lookalike", "apostrophe"]),
        ("Chưa cập nhật", "van_ban", None, ["placeholder"]),
        ("Không có", "van_ban", None, ["placeholder"]),
        ("-", "van_ban", None, ["placeholder"]),
        ("--", "van_ban", None, ["placeholder"]),
        ("…", "van_ban", None, ["placeholder"]),
        ("...", "van_ban", None, ["placeholder"]),
        ("null", "van_ban", None, ["placeholder"]),
        ("N/A", "van_ban", None, ["placeholder"]),
        (" - ", "van_ban", None, ["blanks", "placeholder"]),
        ("Không có gì", "van_ban", "Không có gì", []),
        # identifiers
        ("H38.15.02-260915-0123", "ma", "H38.15.02-260915-0123", []),
        ("H38.15.02–260915–0123", "ma", "H38.15.02-260915-0123", ["hyphen"]),
        ("H38.15.02 - 260915 - 0123", "ma", "H38.15.02-260915-0123", ["blanks"]),
        (" 1.011443.000.00.00.H38 ", "ma", "1.011443.000.00.00.H38", ["blanks"]),
        ("null", "ma", None, ["placeholder"]),
        # document numbers
        ("7816/VPCP-TTĐT", "so_ky_hieu", "7816/VPCP-TTĐT", []),
        ("60/2022/NQ - HĐND", "so_ky_hieu", "60/2022/NQ-HĐND", ["blanks"]),
        ("15 / CTr–UBND", "so_ky_hieu", "15/CTr-UBND", ["blanks", "hyphen"]),
        ("2015/QÐ-UBND", "so_ky_hieu", "2015/QĐ-UBND", ["d_lookalike"]),
        ("000.00.00.G22,2015/09/30,7816/VPCP-TTĐT", "so_ky_hieu",
         "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT", []),
        # numbers that are names
        ("099012345678", "so_dinh_danh", "099012345678", []),
        ("99012345678", "so_dinh_danh", "099012345678", ["leading_zero"]),
        ("99012345678.0", "so_dinh_danh", "099012345678", ["number_form", "leading_zero"]),
        ("099 012 345 678", "so_dinh_danh", "099012345678", ["blanks"]),
        ("123456789", "so_dinh_danh", "123456789", []),  # an old identity card
        ("0100100079", "so_dinh_danh", "0100100079", []),  # an enterprise's tax code
        ("0990O234I678", "so_dinh_danh", "0990O234I678", []),  # the pattern rejects it
        ("0100100079", "ma_so_thue", "0100100079", []),
        ("100100079", "ma_so_thue", "0100100079", ["leading_zero"]),
        ("0100100079-001", "ma_so_thue", "0100100079-001", []),
        ("100100079-001", "ma_so_thue", "0100100079-001", ["leading_zero"]),
        ("0100100079001", "ma_so_thue", "0100100079-001", ["hyphen"]),
        ("02647", "ma_don_vi", "02647", []),
        ("2647", "ma_don_vi", "02647", ["leading_zero"]),
        ("4", "ma_don_vi", "00004", ["leading_zero"]),
        ("2647.0", "ma_don_vi", "02647", ["number_form", "leading_zero"]),
        ("0264O", "ma_don_vi", "0264O", []),
        # phones
        ("0912000001", "so_dien_thoai", "0912000001", []),
        ("84912000001", "so_dien_thoai", "0912000001", ["phone_form"]),
        ("+84 912 000 001", "so_dien_thoai", "0912000001", ["phone_form"]),
        ("+84 (0) 912.000.001", "so_dien_thoai", "0912000001", ["phone_form"]),
        ("(84-4) 3821 5137", "so_dien_thoai", "0438215137", ["phone_form"]),
        ("0383 840418", "so_dien_thoai", "0383840418", ["phone_form"]),
        ("912000001", "so_dien_thoai", "0912000001", ["leading_zero"]),
        ("843215137", "so_dien_thoai", "0843215137", ["leading_zero"]),
        ("19001234", "so_dien_thoai", "19001234", []),
        ("0912000001; 0912000002", "so_dien_thoai", "0912000001; 0912000002", []),
        ("-", "so_dien_thoai", None, ["placeholder"]),
    ],
)  # fmt: skip
def test_text(text: str | None, form: str, stored: str | None, repairs: list[str]) -> None:
    assert clean(text, form) == (stored, stored, repairs)


@pytest.mark.parametrize(
    ("text", "form", "sql_type", "value", "repairs"),
    [
        ("1.837", "so_thap_phan", "DECIMAL(18,3)", Decimal(1837), []),
        ("83,92", "so_thap_phan", "DECIMAL(18,3)", Decimal("83.92"), []),
        ("1.837,5", "so_thap_phan", "DECIMAL(18,3)", Decimal("1837.5"), []),
        ("460.643", "so_thap_phan", "DECIMAL(18,3)", Decimal(460643), []),
        ("12", "so_thap_phan", "DECIMAL(18,3)", Decimal(12), []),
        ("-0,5", "so_thap_phan", "DECIMAL(18,3)", Decimal("-0.5"), []),
        ("1837.55", "so_thap_phan", "DECIMAL(18,3)", Decimal("1837.55"), ["number_form"]),
        ("1837.5", "so_thap_phan", "DECIMAL(18,3)", Decimal("1837.5"), ["number_form"]),
        ("0.500", "so_thap_phan", "DECIMAL(18,3)", Decimal("0.5"), ["number_form"]),
        ("1234.567", "so_thap_phan", "DECIMAL(18,3)", Decimal("1234.567"), ["number_form"]),
        ("1,837.55", "so_thap_phan", "DECIMAL(18,3)", Decimal("1837.55"), ["number_form"]),
        ("1,837,000", "so_thap_phan", "DECIMAL(18,3)", Decimal(1837000), ["number_form"]),
        ("1 837,5", "so_thap_phan", "DECIMAL(18,3)", Decimal("1837.5"), ["number_form"]),
        ("83,92%", "so_thap_phan", "DECIMAL(18,3)", Decimal("83.92"), ["number_form"]),
        (" 1.837 ", "so_thap_phan", "DECIMAL(18,3)", Decimal(1837), ["blanks"]),
        ("1.83.7", "so_thap_phan", "DECIMAL(18,3)", None, []),
        ("khoảng 12 nghìn", "so_thap_phan", "DECIMAL(18,3)", None, []),
        ("…", "so_thap_phan", "DECIMAL(18,3)", None, ["placeholder"]),
        ("", "so_thap_phan", "DECIMAL(18,3)", None, []),
        ("99999999999999999999", "so_thap_phan", "DECIMAL(18,3)", None, []),
        ("20.000", "so_nguyen", "BIGINT", 20000, []),
        ("20000", "so_nguyen", "BIGINT", 20000, []),
        ("20.000,00", "so_nguyen", "BIGINT", 20000, ["number_form"]),
        ("20000.0", "so_nguyen", "BIGINT", 20000, ["number_form"]),
        ("20,000", "so_nguyen", "BIGINT", 20000, ["number_form"]),  # no decimals here
        ("20.000,5", "so_nguyen", "BIGINT", None, []),
        ("20.000 đồng/lượt", "so_nguyen", "BIGINT", None, []),
        ("2025", "so_may", "INTEGER", 2025, []),
        ("2025.0", "so_may", "INTEGER", 2025, ["number_form"]),
        ("2.025", "so_may", "INTEGER", 2025, ["number_form"]),
        ("5.5", "so_may", "INTEGER", None, []),
        ("-3", "so_may", "INTEGER", -3, []),
        ("22.823300", "so_may", "DECIMAL(9,6)", Decimal("22.8233"), []),
        ("22,8233", "so_may", "DECIMAL(9,6)", Decimal("22.8233"), ["number_form"]),
        ("105°29'", "so_may", "DECIMAL(9,6)", None, []),
        ("1e3", "so_may", "DOUBLE", 1000.0, []),
        ("1", "dung_sai", "BOOLEAN", True, []),
        ("0", "dung_sai", "BOOLEAN", False, []),
        ("true", "dung_sai", "BOOLEAN", True, []),
        ("x", "dung_sai", "BOOLEAN", True, ["tick"]),
        ("X", "dung_sai", "BOOLEAN", True, ["tick"]),
        ("☑", "dung_sai", "BOOLEAN", True, ["tick"]),
        ("không", "dung_sai", "BOOLEAN", False, ["tick"]),
        ("có lẽ", "dung_sai", "BOOLEAN", None, []),
        ("", "dung_sai", "BOOLEAN", None, []),
    ],
)
def test_numbers_and_marks(
    text: str, form: str, sql_type: str, value: object, repairs: list[str]
) -> None:
    found = clean(text, form, sql_type)
    assert (found.value, found.repairs) == (value, repairs)


@pytest.mark.parametrize(
    ("text", "value", "repairs"),
    [
        ("20260915083000", at(2026, 9, 15, 8, 30), []),
        (" 20260915083000", at(2026, 9, 15, 8, 30), ["blanks"]),
        ("15/09/2026 08:30:00", at(2026, 9, 15, 8, 30), ["date_form"]),
        ("15/9/2026 8:30", at(2026, 9, 15, 8, 30), ["date_form"]),
        ("5/9/2026", at(2026, 9, 5), ["date_form"]),
        ("18/11/ 2022", at(2022, 11, 18), ["date_form"]),
        ("2026/09/15 08:30:00", at(2026, 9, 15, 8, 30), ["date_form"]),
        ("20260915", at(2026, 9, 15), ["date_form"]),
        ("2026-09-15T08:30:00", at(2026, 9, 15, 8, 30), ["date_form"]),
        ("2026-09-15T08:30:00+07:00", at(2026, 9, 15, 8, 30), ["date_form"]),
        ("2026-09-15T01:30:00.000Z", at(2026, 9, 15, 8, 30), ["date_form"]),
        ("2026-09-15 10:30:00+0900", at(2026, 9, 15, 8, 30), ["date_form"]),
        ("1789435800000", at(2026, 9, 15, 8, 30), ["date_form"]),
        ("20260230083000", None, []),
        ("20261315083000", None, []),
        ("30/02/2026", None, []),
        ("infinity", None, []),
        ("45000", None, []),  # a serial number counts only where the definition says so
        ("Chưa cập nhật", None, ["placeholder"]),
        ("", None, []),
    ],
)
def test_moments(text: str, value: datetime | None, repairs: list[str]) -> None:
    found = clean(text, "thoi_diem", "TIMESTAMP", dates=PORTAL)
    assert (found.value, found.repairs) == (value, repairs)


@pytest.mark.parametrize(
    ("text", "value", "repairs"),
    [
        ("05/09/2026", date(2026, 9, 5), []),
        ("5/9/2026", date(2026, 9, 5), ["date_form"]),
        ("05-09-2026", date(2026, 9, 5), ["date_form"]),
        ("2026-09-05", date(2026, 9, 5), ["date_form"]),
        ("2026/09/05", date(2026, 9, 5), ["date_form"]),
        ("46270", date(2026, 9, 5), ["date_form"]),
        ("46270.25", date(2026, 9, 5), ["date_form"]),
        ("31/09/2026", None, []),
        ("05/09/26", None, []),  # which century is nobody's guess
        ("Quý III/2026", None, []),
    ],
)
def test_days(text: str, value: date | None, repairs: list[str]) -> None:
    found = clean(text, "ngay", "DATE", dates=TABLE)
    assert (found.value, found.repairs) == (value, repairs)


def test_without_formats_a_date_is_iso() -> None:
    assert clean("2026-09-05", "ngay", "DATE") == ("2026-09-05", date(2026, 9, 5), [])
    assert clean("2026-09-05T08:00:00", "thoi_diem", "TIMESTAMP").repairs == []


def test_what_cannot_be_typed_keeps_its_cleaned_text() -> None:
    assert clean(" 30/02/ 2026 ", "ngay", "DATE", dates=TABLE) == ("30/02/ 2026", None, ["blanks"])


def test_codes() -> None:
    codes = {"ĐT1": "0", "DT2": "1"}
    assert clean("ĐT1", "ma", codes=codes) == ("ĐT1", "0", [])
    assert clean(" ÐT1", "ma", codes=codes) == ("ĐT1", "0", ["blanks", "d_lookalike"])
    assert clean("DT3", "ma", codes=codes) == ("DT3", None, [])
    assert clean("", "ma", codes=codes) == (None, None, [])
    words = {"Miễn phí": "0", "-": "0"}
    fees = clean_all(
        ["Miễn phí", "miễn phí", "20.000", "-", "vài nghìn"], "so_nguyen", "BIGINT", codes=words
    )
    assert [fee.value for fee in fees] == [0, 0, 20000, 0, None]
    assert not any(fee.repairs for fee in fees)


def test_json_is_left_alone() -> None:
    assert clean('{"a":  1}', "json") == ('{"a":  1}', '{"a":  1}', [])
    assert clean("null", "json").value is None
    assert clean("{", "json", "JSON") == ("{", None, [])


def test_a_wrong_definition_is_told() -> None:
    column = Column(
        "ngay", "", "", "DATE", "ngay", required=False, classification="none", key=False
    )
    with pytest.raises(ConfigurationError, match="%B"):
        expressions(column, ColumnSpec(source="x", dates=("%d %B %Y",)), "x")
    odd = Column("x", "", "", "VARCHAR", "la", required=False, classification="none", key=False)
    with pytest.raises(ConfigurationError, match="unknown form la"):
        expressions(odd, ColumnSpec(source="x"), "x")


def test_every_form_a_contract_may_use_is_known() -> None:
    for form, types in FORMS.items():
        sql_type = types.split("|")[0].replace(r"DECIMAL\(\d{1,2},\d{1,2}\)", "DECIMAL(18,3)")
        column = Column(
            "x", "", "", sql_type, form, required=False, classification="none", key=False
        )
        expressions(column, ColumnSpec(source="x"), "x")


def test_quotes_in_a_definition_are_text() -> None:
    assert clean("o'clock", "ma", codes={"o'clock": "it's"}).value == "it's"
    assert clean("5'9'2026", "ngay", "DATE", dates=("%d'%m'%Y",)).value == date(2026, 9, 5)


# Laws ------------------------------------------------------------------------------------------

DIRTY = st.text(
    st.sampled_from("aAđĐ1290 .,-/–—\u00a0\u200b\r\n\tÐð’'‘%+()…x\u0301\u0323ếẾ\u2028NULnul")
    | st.characters(exclude_categories=["Cs"]),
    max_size=30,
)


@pytest.mark.parametrize("form", TEXT_FORMS)
@settings(deadline=None, max_examples=10)
@given(texts=st.lists(DIRTY, min_size=20, max_size=200))
def test_a_stored_text_is_clean(form: str, texts: list[str]) -> None:
    stored = [cell.value for cell in clean_all(texts, form)]
    again = clean_all(stored, form)
    assert [cell.value for cell in again] == stored
    assert [cell.repairs for cell in again] == [[] for _ in stored]
    for text in stored:
        assert text is None or text == unicodedata.normalize("NFC", text).strip()


SYLLABLES = [
    "Nguyễn",
    "Thị",
    "Ánh",
    "Đường",
    "số",
    "5/2",
    "(xã",
    "Bát",
    "Xát)",
    "ở",
    "quận",
    "1.",
    "H'Mông",
]
CLEAN: dict[str, tuple[str, tuple[str, ...], st.SearchStrategy[str]]] = {
    "van_ban": ("VARCHAR", (), st.lists(st.sampled_from(SYLLABLES), min_size=1).map(" ".join)),
    "ma": ("VARCHAR", (), st.from_regex(r"H[0-9]{2}\.[0-9]{2}-[0-9]{6}-[0-9]{4}", fullmatch=True)),
    "so_ky_hieu": (
        "VARCHAR", (), st.from_regex(r"[1-9][0-9]{0,3}/(QĐ|NQ)-(UBND|HĐND)", fullmatch=True),
    ),
    "so_dinh_danh": ("VARCHAR", (), st.from_regex(r"099[0-9]{9}", fullmatch=True)),
    "ma_so_thue": ("VARCHAR", (), st.from_regex(r"99[0-9]{8}(-[0-9]{3})?", fullmatch=True)),
    "ma_don_vi": ("VARCHAR", (), st.from_regex(r"[0-9]{5}", fullmatch=True)),
    "so_dien_thoai": ("VARCHAR", (), st.from_regex(r"06[0-9]{8}", fullmatch=True)),
    "ngay": (
        "DATE", TABLE,
        st.dates(date(1950, 1, 1), date(2090, 1, 1)).map(lambda day: f"{day:%d/%m/%Y}"),
    ),
    "thoi_diem": (
        "TIMESTAMP", PORTAL,
        st.datetimes(at(1950, 1, 1), at(2090, 1, 1)).map(lambda d: f"{d:%Y%m%d%H%M%S}"),
    ),
    "so_nguyen": (
        "BIGINT", (), st.integers(-(10**9), 10**9).map(lambda n: f"{n:,}".replace(",", ".")),
    ),
    "so_thap_phan": (
        "DECIMAL(18,3)", (),
        st.integers(0, 10**9).map(lambda n: f"{n / 1000:,.3f}".translate({46: ",", 44: "."})),
    ),
    "so_may": ("DECIMAL(18,3)", (), st.integers(0, 10**9).map(lambda n: f"{n / 1000:.3f}")),
    "dung_sai": ("BOOLEAN", (), st.sampled_from(["0", "1", "true", "false"])),
}  # fmt: skip


@pytest.mark.parametrize("form", CLEAN)
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_a_clean_cell_is_never_flagged(form: str, data: st.DataObject) -> None:
    sql_type, dates, strategy = CLEAN[form]
    texts = data.draw(st.lists(strategy, min_size=1, max_size=50))
    for text, cell in zip(texts, clean_all(texts, form, sql_type, dates=dates), strict=True):
        assert cell.repairs == []
        assert cell.clean == text
        assert cell.value is not None
        if sql_type == "VARCHAR":
            assert cell.value == text


@settings(deadline=None, max_examples=10)
@given(days=st.lists(st.dates(date(1990, 1, 1), date(2090, 1, 1)), min_size=1, max_size=50))
def test_every_way_to_write_a_day_means_that_day(days: list[date]) -> None:
    def forms(day: date) -> list[str]:
        return [
            f"{day:%d/%m/%Y}", f"{day.day}/{day.month}/{day.year}", f"{day:%d/%m/ %Y}",
            f"{day:%d-%m-%Y}", f"{day:%Y/%m/%d}", f"{day:%Y-%m-%d}",
            str((day - date(1899, 12, 30)) // timedelta(days=1)),
        ]  # fmt: skip

    texts = [(text, day) for day in days for text in forms(day)]
    found = clean_all([text for text, _ in texts], "ngay", "DATE", dates=TABLE)
    assert [cell.value for cell in found] == [day for _, day in texts]


@pytest.mark.parametrize(
    ("form", "sql_type"),
    [("ngay", "DATE"), ("thoi_diem", "TIMESTAMP"), ("so_nguyen", "BIGINT"), ("so_may", "INTEGER"),
     ("so_thap_phan", "DECIMAL(9,2)"), ("so_may", "DOUBLE"), ("dung_sai", "BOOLEAN")],
)  # fmt: skip
@settings(deadline=None, max_examples=8)
@given(texts=st.lists(DIRTY, min_size=20, max_size=200))
def test_no_text_breaks_the_query(form: str, sql_type: str, texts: list[str]) -> None:
    dates: Any = PORTAL if form in {"ngay", "thoi_diem"} else ()
    for cell in clean_all(texts, form, sql_type, dates=dates):
        assert cell.clean is not None or cell.value is None
