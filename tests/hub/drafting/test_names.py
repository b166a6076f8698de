"""Column names from source fields, and what a name says of a column."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.kinds import IDENTIFIER
from checks.proof import unusable_names
from hub.drafting import names


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("MaHoSo", "ma_ho_so"),
        ("MaTTHC", "ma_tthc"),
        ("DSKetNoiCSDL", "ds_ket_noi_csdl"),
        ("TaiKhoanDuocXacThucVoiVNeID", "tai_khoan_duoc_xac_thuc_voi_vneid"),
        ("Giá chưa VAT (đồng) (*)", "gia_chua_vat_dong"),
        ("Trước 01/7/2025 / Mã xã", "truoc_01_7_2025_ma_xa"),
        ("SĐT", "sdt"),
        ("Ðiện thoại", "dien_thoai"),
        ("DiaChi/@ma", "dia_chi_ma"),
        ("2026", "cot_2026"),
        ("order", "cot_order"),
        ("…", "cot"),
        ("#", "thu_tu"),
    ],
)
def test_a_field_becomes_a_column_in_unaccented_words(field: str, column: str) -> None:
    assert list(names.columns_of([field])) == [column]


@given(st.lists(st.text(max_size=30), unique=True, max_size=20))
def test_whatever_a_source_calls_its_fields_each_gets_a_name_of_its_own(fields: list[str]) -> None:
    found = names.columns_of(fields)
    assert list(found.values()) == fields
    assert all(IDENTIFIER.fullmatch(name) for name in found)
    assert unusable_names(found) == []
    assert not any(re.search("__", name) for name in found)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("ho_ten", "basic"), ("chu_ho_so", "basic"), ("nguoi_ky", "basic"), ("so_cccd", "basic"),
        ("dia_chi_thuong_tru", "basic"), ("ngay_sinh", "basic"), ("staff_phone", "basic"),
        ("can_bo_xu_ly", "basic"), ("dan_toc", "sensitive"), ("ton_giao", "sensitive"),
        ("so_tai_khoan", "sensitive"), ("mat_khau", "sensitive"), ("ma_ho_so", "none"),
        ("so_nguoi", "none"),
        ("ten_thu_tuc", "none"), ("loai_doi_tuong", "none"), ("ma_dinh_danh_co_quan", "none"),
    ],
)  # fmt: skip
def test_personal_data_is_told_by_its_name(column: str, kind: str) -> None:
    assert names.personal(column) == kind


def test_codes_dates_flags_and_lists_are_told_by_their_names() -> None:
    assert [names.is_code(c) for c in ("ma_xa", "doc_id", "maMay", "so_luong")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [names.is_date(c) for c in ("ngay_nop", "updated_at", "ngay", "so_luong")] == [
        True, True, True, False,
    ]  # fmt: skip
    assert [names.is_flag(c) for c in ("da_tra", "co_so_hoa", "tra")] == [True, True, False]
    assert [names.is_list(c) for c in ("trang_thai_ho_so", "muc_do", "nam")] == [True, True, False]
