"""Dirt of Tuyên Quang's catalog: its five open datasets, the private one, and its own list.

Run it alone: ``python -m hub.sandbox.dirt`` lists it with the rest.

What does not belong here: dirt of a whole file (``files``).
"""

from __future__ import annotations

from hub.sandbox import spoil
from hub.sandbox.dirt import Kind
from hub.sandbox.model import Cells
from hub.sandbox.shapes import CROPS, HERITAGE, OFFICERS, ORGANIC, PACKAGES, PRICES, TOURISM


def _expired_before_granted(_: Cells) -> Cells:
    return {"ngay_het_han": "01/01/2001"}


def _other_area(cells: Cells) -> Cells:
    return {"dien_tich_ha": f"{cells['dien_tich_ha'].partition(',')[0]},7"}


def _other_price(_: Cells) -> Cells:
    return {"Giá chưa VAT (đồng) (*)": "777.000"}


ORGANIC_KINDS = (
    Kind("area_machine_number", "dien_tich_ha", spoil.machine_number, "facts 0.10, 6", 2),
    Kind("area_blank_thousands", "dien_tich_ha", spoil.blank_thousands, "facts 6", 2),
    Kind("area_commune_lost_zero", "ma_xa", spoil.no_zero, "facts 6", 2),
    Kind("certificate_in_blanks", "so_chung_nhan", spoil.spaced, "facts 1.6", 2),
    Kind("granted_short_day", "ngay_chung_nhan", spoil.table_short, "facts 6", 2),
    Kind("granted_blank_in_day", "ngay_chung_nhan", spoil.table_blank, "facts 6", 2),
    Kind("expiry_iso", "ngay_het_han", spoil.table_iso, "facts 6", 2),
    Kind("area_name_mojibake", "ten_vung", spoil.as_cp437, "facts 6", 2),
    Kind("area_copy", "ma_vung", None, "facts 1.8", 1, way="copy"),
    Kind("area_in_words", "dien_tich_ha", spoil.fixed("khoảng 12 nghìn"), "facts 6", 2,
         "dien_tich_ha.type"),
    Kind("area_negative", "dien_tich_ha", spoil.negative, "facts 6", 2, "dien_tich_ha.range"),
    Kind("area_absurd", "dien_tich_ha", spoil.fixed("99.999.999"), "facts 0.10", 2,
         "dien_tich_ha.range"),
    Kind("expired_before_granted", "ngay_het_han", None, "facts 3.4", 1,
         "row.het_han_sau_chung_nhan", change=_expired_before_granted),
    Kind("area_without_code", "ma_vung", spoil.fixed(""), "facts 1.8", 1, "ma_vung.required"),
    Kind("granted_impossible_day", "ngay_chung_nhan", spoil.fixed("31/02/2025"), "facts 2.5", 1,
         "ngay_chung_nhan.type"),
)  # fmt: skip

CROP_KINDS = (
    Kind("output_ellipsis", "san_luong_tan", spoil.fixed("…"), "facts 6", 4, stored=spoil.nothing),
    Kind("yield_hyphen", "nang_suat_ta_ha", spoil.fixed("-"), "facts 6", 4, stored=spoil.nothing),
    Kind("crop_commune_lost_zero", "ma_xa", spoil.no_zero, "facts 6", 4),
    Kind("season_double_blank", "vu", spoil.blanks, "facts 1.7, 6", 3),
    Kind("crop_decomposed", "cay_trong", spoil.decomposed, "facts 6", 3),
    Kind("year_as_float", "nam", spoil.as_float, "facts 1.5", 3),
    Kind("output_english_number", "san_luong_tan", spoil.english_number, "facts 0.10", 3),
    Kind("yield_in_words", "nang_suat_ta_ha", spoil.fixed("chưa thu hoạch"), "facts 6", 3,
         "nang_suat_ta_ha.type"),
    Kind("harvest_negative", "dien_tich_ha", spoil.negative, "facts 6", 3, "dien_tich_ha.range"),
    Kind("year_absurd", "nam", spoil.fixed("20226"), "facts 6", 2, "nam.range"),
    Kind("year_missing", "nam", spoil.fixed(""), "facts 6", 2, "nam.required"),
    Kind("crop_commune_missing", "ma_xa", spoil.fixed("…"), "facts 6", 2, "ma_xa.required"),
    Kind("harvest_twice", "dien_tich_ha", None, "facts 1.8, 6", 2, "key.unique", way="conflict",
         change=_other_area),
)  # fmt: skip

PRICE_KINDS = (
    Kind("material_in_blanks", "ten_vat_lieu", spoil.blanks, "facts 6", 2),
    Kind("region_decomposed", "khu_vuc", spoil.decomposed, "facts 6", 2),
    Kind("material_mojibake", "ten_vat_lieu", spoil.as_cp437, "facts 6", 2),
    Kind("price_blank_thousands", "gia_chua_vat", spoil.blank_thousands, "facts 6", 2),
    Kind("price_date_serial", "thoi_diem_ap_dung", spoil.table_serial, "facts 6", 2),
    Kind("price_date_short", "thoi_diem_ap_dung", spoil.table_short, "facts 6", 2),
    Kind("price_copy", "ma_vat_lieu", None, "facts 1.8", 1, way="copy"),
    Kind("price_in_words", "gia_chua_vat", spoil.fixed("Liên hệ"), "facts 6", 2,
         "gia_chua_vat.type"),
    Kind("price_missing", "gia_chua_vat", spoil.fixed("…"), "facts 6", 2, "gia_chua_vat.required"),
    Kind("price_zero", "gia_chua_vat", spoil.fixed("0"), "facts 6", 2, "gia_chua_vat.range"),
    Kind("material_without_name", "ten_vat_lieu", spoil.fixed(""), "facts 6", 1,
         "ten_vat_lieu.required"),
    Kind("price_impossible_day", "thoi_diem_ap_dung", spoil.fixed("31/09/2026"), "facts 2.5", 1,
         "thoi_diem_ap_dung.type"),
    Kind("price_twice", "gia_chua_vat", None, "facts 1.8", 1, "key.unique", way="conflict",
         change=_other_price),
)  # fmt: skip

HERITAGE_KINDS = (
    Kind("curly_apostrophe", "dan_toc", spoil.curly, "facts 1.7, 6"),
    Kind("heritage_line_break", "ten_di_san", spoil.line_break, "facts 6"),
    Kind("heritage_decomposed", "loai_hinh", spoil.decomposed, "facts 6"),
    Kind("heritage_commune_lost_zero", "ma_xa", spoil.no_zero, "facts 6"),
    Kind("decision_en_dash", "so_quyet_dinh", spoil.en_dash, "facts 1.6"),
    Kind("decision_eth_for_d", "so_quyet_dinh", spoil.eth, "facts 1.6"),
    Kind("listed_blank_in_day", "ngay_ghi_danh", spoil.table_blank, "facts 6"),
    Kind("heritage_without_name", "ten_di_san", spoil.fixed(""), "facts 6",
         rule="ten_di_san.required"),
    Kind("heritage_without_code", "ma_di_san", spoil.fixed(""), "facts 6",
         rule="ma_di_san.required"),
    Kind("heritage_commune_in_words", "ma_xa", spoil.fixed("nhiều xã"), "facts 6",
         rule="ma_xa.pattern"),
    Kind("listed_impossible_day", "ngay_ghi_danh", spoil.fixed("30/02/2019"), "facts 2.5",
         rule="ngay_ghi_danh.type"),
)  # fmt: skip

TOURISM_KINDS = (
    Kind("site_phone_in_brackets", "dien_thoai", spoil.bracket_84, "facts 1.8", 2),
    Kind("site_in_blanks", "ten_diem", spoil.blanks, "facts 6", 2),
    Kind("site_commune_lost_zero", "ma_xa", spoil.no_zero, "facts 6", 2),
    Kind("latitude_decimal_comma", "vi_do", spoil.decimal_comma, "facts 0.10", 2),
    Kind("fee_zero_decimals", "gia_ve", spoil.zero_decimals, "facts 0.10", 2),
    Kind("fee_hyphen", "gia_ve", spoil.fixed("-"), "facts 6", 2, stored=spoil.nothing),
    Kind("hours_not_updated", "gio_mo_cua", spoil.fixed("Chưa cập nhật"), "facts 6", 2,
         stored=spoil.nothing),
    Kind("fee_with_unit", "gia_ve", spoil.with_unit, "facts 6", 2, "gia_ve.type"),
    Kind("fee_negative", "gia_ve", spoil.negative, "facts 6", 1, "gia_ve.range"),
    Kind("latitude_absurd", "vi_do", spoil.fixed("224.1784"), "facts 6", 2, "vi_do.range"),
    Kind("longitude_in_degrees", "kinh_do", spoil.fixed("105°29'"), "facts 6", 2, "kinh_do.type"),
    Kind("site_without_name", "ten_diem", spoil.fixed("…"), "facts 6", 1, "ten_diem.required"),
)  # fmt: skip

OFFICER_KINDS = (
    Kind("officer_id_lost_zero", "so_dinh_danh", spoil.no_zero, "facts 1.4", 2),
    Kind("officer_phone_in_brackets", "so_dien_thoai", spoil.bracket_84, "facts 1.8", 2),
    Kind("officer_no_break_space", "ho_ten", spoil.no_break, "facts 6", 2),
    Kind("officer_since_iso", "ngay_bat_dau", spoil.table_iso, "facts 6", 2),
    Kind("officer_mail_in_blanks", "thu_dien_tu", spoil.lead_blank, "facts 2.5", 1),
    Kind("officer_id_with_letters", "so_dinh_danh", spoil.letters, "facts 1.4", 1,
         "so_dinh_danh.personal_id"),
    Kind("officer_old_id_card", "so_dinh_danh", spoil.cut(9), "facts 1.4", 1,
         "so_dinh_danh.personal_id"),
    Kind("officer_agency_malformed", "ma_dinh_danh_co_quan", lambda text: text.replace(".", "/"),
         "facts 1.1", 1, "ma_dinh_danh_co_quan.agency_code"),
    Kind("officer_without_name", "ho_ten", spoil.fixed(""), "facts 6", 1, "ho_ten.required"),
)  # fmt: skip


def _told_only(cells: Cells) -> bool:
    return cells["publisher"] != "UBND tỉnh Tuyên Quang"


PACKAGE_KINDS = (
    Kind("package_title_in_blanks", "tieu_de", spoil.blanks, "facts 6", 2, fits=_told_only),
    Kind("package_title_decomposed", "tieu_de", spoil.decomposed, "facts 6", 2, fits=_told_only),
    Kind("package_text_line_break", "mo_ta", spoil.line_break, "facts 6", 2, fits=_told_only),
    Kind("package_agency_mojibake", "co_quan", spoil.as_cp437, "facts 6", 2, fits=_told_only),
    Kind("package_frequency_not_updated", "tan_suat", spoil.fixed("Chưa cập nhật"), "facts 6", 2,
         stored=spoil.nothing, fits=_told_only),
    Kind("package_without_title", "tieu_de", spoil.fixed("…"), "facts 6", 2, "tieu_de.required",
         fits=_told_only),
)  # fmt: skip

KINDS = {
    ORGANIC.name: ORGANIC_KINDS,
    CROPS.name: CROP_KINDS,
    PRICES.name: PRICE_KINDS,
    HERITAGE.name: HERITAGE_KINDS,
    TOURISM.name: TOURISM_KINDS,
    OFFICERS.name: OFFICER_KINDS,
    PACKAGES.name: PACKAGE_KINDS,
}
