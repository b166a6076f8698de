"""Numbers among words, names as keys, and words for codes: what they mean however written."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.contract import Column
from hub.errors import ConfigurationError
from sources.spec import ColumnSpec
from tests.warehouse.cells import clean, clean_all
from warehouse.normalise import expressions
from warehouse.text_forms import HEDGES

NUMBER = "DECIMAL(18,2)"


@pytest.mark.parametrize(
    ("text", "hedge", "value", "unit", "repairs"),
    [
        ("gần 1.200 hồ sơ", "gần", "1200", "hồ sơ", ["in_words"]),
        ("Hơn 83,92%", "hơn", "83.92", "%", ["in_words"]),
        ("1.837", None, "1837", None, []),
        ("83,92 %", None, "83.92", "%", ["in_words"]),
        ("trên 1,5  triệu đồng", "trên", "1.5", "triệu đồng", ["blanks", "in_words"]),
        ("ước đạt 12 nghìn ha", "ước đạt", "12", "nghìn ha", ["in_words"]),
        ("~ 5 km2", "~", "5", "km2", ["in_words"]),
        ("≥3 m²", "≥", "3", "m²", ["in_words"]),
        ("\u2212\u00a05,5°C", None, None, None, ["blanks"]),
        ("-5,5", None, "-5.5", None, []),
        # Nobody can say which number is meant, or whether there is one.
        ("10-15 ngày", None, None, None, []),
        ("1.200/1.500 hồ sơ", None, None, None, []),
        ("gần một nghìn", None, None, None, []),
        ("khoảng", None, None, None, []),
        ("1.83 km", None, None, None, []),
        ("1,200.5", None, None, None, []),
        ("Chưa cập nhật", None, None, None, ["placeholder"]),
    ],
)
def test_hedge_number_and_unit_are_three_columns_of_one_field(
    text: str, hedge: str | None, value: str | None, unit: str | None, repairs: list[str]
) -> None:
    number = clean(text, "so_kem_chu", NUMBER)
    assert (number.value, number.repairs) == (value and Decimal(value), repairs)
    assert clean(text, "muc_so").value == hedge
    assert clean(text, "don_vi_so").value == unit
    # What cannot be read keeps its text, so that the type rule refuses the row and shows it.
    assert (number.clean is None) == ("placeholder" in repairs)


@settings(deadline=None, max_examples=20)
@given(
    st.sampled_from(["", *HEDGES]), st.integers(0, 10**9), st.integers(0, 99),
    st.sampled_from(["", "%", "hồ sơ", "triệu đồng", "m2"]), st.booleans(),
)  # fmt: skip
def test_every_way_to_write_a_number_means_that_number(
    hedge: str,
    whole: int,
    cents: int,
    unit: str,
    dots: bool,  # noqa: FBT001 - drawn
) -> None:
    digits = f"{whole:,}".replace(",", ".") if dots else str(whole)
    text = f"{hedge} {digits},{cents:02} {unit}".strip()
    assert clean(text, "so_kem_chu", NUMBER).value == Decimal(f"{whole}.{cents:02}")
    assert (clean(text, "muc_so").value or "") == hedge
    assert (clean(text, "don_vi_so").value or "") == unit


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hòa An", "Hoà An"), ("THỦY", "Thuỷ"), ("Úy Lộ", "Uý Lộ"), ("Khỏe", "khoẻ"),
     ("B’Lao", "B'Lao"), ("Ðồng  Văn", "Đồng Văn"),
     (unicodedata.normalize("NFD", "Hoà Bình"), "Hòa Bình")],
)  # fmt: skip
def test_names_that_differ_only_in_writing_have_one_key(one: str, other: str) -> None:
    assert clean(one, "khoa_ten").value == clean(other, "khoa_ten").value


def test_names_that_differ_in_a_tone_have_two_keys() -> None:
    names = ["Hòa", "Hoa", "Hóa", "Hỏa", "Toàn", "Toan", "Thúy", "Thủy", "Đa", "Da"]
    assert len({cell.value for cell in clean_all(names, "khoa_ten")}) == len(names)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=50))
def test_a_key_of_a_key_is_the_key(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    once = [cell.value for cell in clean_all(texts, "khoa_ten")]
    assert [cell.value for cell in clean_all(once, "khoa_ten")] == once
    for form in ("muc_so", "don_vi_so"):
        for cell in clean_all(texts, form):
            assert cell.value != ""
    assert len(clean_all(texts, "so_kem_chu", NUMBER)) == len(texts)


def test_words_for_codes_may_have_blanks_and_their_tone_anywhere() -> None:
    codes = {"Đã hoàn thành": "9", "Chờ hòa giải": "4"}
    said = ["ĐÃ HOÀN  THÀNH", "chờ hoà giải", "Chờ hòa giải ", "khác"]
    assert [cell.value for cell in clean_all(said, "ma", codes=codes)] == ["9", "4", "4", None]


def test_unlisted_codes_are_an_option_of_text_columns_with_codes() -> None:
    with pytest.raises(ValidationError, match="for a column with `codes`"):
        ColumnSpec(source="x", unlisted="blank")
    column = Column(
        "x", "", "", "BIGINT", "so_nguyen", required=False, classification="none", key=False
    )
    with pytest.raises(ConfigurationError, match="would hide"):
        expressions(column, ColumnSpec(source="x", codes={"a": "1"}, unlisted="blank"), "t.x")
