"""Dirt of Yên Bái's document axis: documents and status messages.

Run it alone: ``python -m hub.sandbox.dirt`` lists it with the rest.

What does not belong here: how a flawed file is written (``edxml``).
"""

from __future__ import annotations

from hub.sandbox import spoil
from hub.sandbox.dirt import Kind, cell_is
from hub.sandbox.shapes import DOCUMENTS, STATUSES

_NEW = cell_is("bussiness_doc_type", "0")
UNREADABLE = "row.readable"

DOCUMENT_KINDS = (
    Kind("junk_before_declaration", "ma_thong_diep", None, "facts 2.5", 3, way="flaw"),
    Kind("notation_with_blanks", "ky_hieu", spoil.spaced, "facts 1.6", 3, fits=_NEW),
    Kind("notation_en_dash", "ky_hieu", spoil.en_dash, "facts 1.6", 3, fits=_NEW),
    Kind("notation_eth_for_d", "ky_hieu", spoil.eth, "facts 1.6", 3, fits=_NEW),
    Kind("signer_in_blanks", "nguoi_ky", spoil.blanks, "facts 2.5", 3, fits=_NEW),
    Kind("issued_day_first", "ngay_ban_hanh", spoil.axis_day_first, "facts 6", 3, fits=_NEW),
    Kind("subject_decomposed", "trich_yeu", spoil.decomposed, "facts 6", 3, fits=_NEW),
    Kind("subject_mojibake", "trich_yeu", spoil.as_cp437, "facts 6", 2, fits=_NEW),
    Kind("truncated", "ma_thong_diep", None, "facts 2.5", 2, UNREADABLE, way="flaw"),
    Kind("undeclared_prefix", "ma_thong_diep", None, "facts 2.5", 2, UNREADABLE, way="flaw"),
    Kind("bare_ampersand", "ma_thong_diep", None, "facts 2.5", 2, UNREADABLE, way="flaw"),
    Kind("external_entity", "ma_thong_diep", None, "facts 2.5", 1, UNREADABLE, way="flaw"),
    Kind("damaged_attachment", "tep_hong", None, "facts 2.5", 2, "row.tep_nguyen_ven", way="flaw",
         fits=cell_is("attachment_count", "1")),
    Kind("issued_impossible_day", "ngay_ban_hanh", spoil.fixed("2014/02/30"), "facts 2.5", 2,
         "ngay_ban_hanh.type", fits=_NEW),
    Kind("number_not_numeric", "so_van_ban", spoil.fixed("74fass22"), "facts 2.5", 2,
         "so_van_ban.pattern", fits=_NEW),
    Kind("document_id_missing", "ma_van_ban", spoil.fixed(""), "facts 2.2", 2,
         "ma_van_ban.required", fits=_NEW),
    Kind("organ_is_null", "ma_co_quan_ban_hanh", spoil.fixed("null"), "facts 1.1, 2.5", 2,
         "ma_co_quan_ban_hanh.required", fits=_NEW),
    Kind("subject_missing", "trich_yeu", spoil.fixed(""), "facts 1.6", 2, "row.moi_can_trich_yeu",
         fits=_NEW),
    Kind("unknown_priority", "do_khan", spoil.fixed("9"), "facts 2.2", 2, "do_khan.in_set",
         fits=_NEW),
    Kind("unknown_business", "loai_nghiep_vu", spoil.fixed("7"), "facts 2.3", 2,
         "loai_nghiep_vu.in_set", fits=_NEW),
    Kind("negative_pages", "so_trang", spoil.negative, "facts 1.6", 2, "so_trang.range", fits=_NEW),
    Kind("recall_of_nothing", "ma_van_ban_lien_quan", spoil.fixed(""), "facts 2.3", 1,
         "row.nghiep_vu_can_van_ban", fits=cell_is("bussiness_doc_type", "1")),
    Kind("replacement_of_nothing", "van_ban_bi_thay_the", spoil.fixed(""), "facts 2.3", 1,
         "row.thay_the_can_van_ban_cu", fits=cell_is("bussiness_doc_type", "3")),
)  # fmt: skip

STATUS_KINDS = (
    Kind("status_junk_before_declaration", "ma_thong_diep", None, "facts 2.5", 2, way="flaw"),
    Kind("status_number_in_blanks", "so_ky_hieu", spoil.spaced, "facts 1.6", 3),
    Kind("status_phone_plus_84", "dien_thoai_can_bo", spoil.plus_84, "facts 1.8", 3),
    Kind("status_staff_in_blanks", "can_bo_xu_ly", spoil.blanks, "facts 2.5", 3),
    Kind("status_time_day_first", "thoi_diem_trang_thai", spoil.axis_day_first, "facts 6", 3),
    Kind("status_text_decomposed", "mo_ta", spoil.decomposed, "facts 6", 3),
    Kind("status_truncated", "ma_thong_diep", None, "facts 2.5", 2, UNREADABLE, way="flaw"),
    Kind("unknown_status", "ma_trang_thai", spoil.fixed("99"), "facts 2.4", 3,
         "ma_trang_thai.in_set"),
    Kind("status_missing", "ma_trang_thai", spoil.fixed(""), "facts 2.4", 2,
         "ma_trang_thai.required"),
    Kind("empty_response_for", "ma_van_ban", None, "facts 2.5", 2, "ma_van_ban.required",
         change=lambda _: {"response_document_id": ""}),
    Kind("status_impossible_day", "ngay_ban_hanh", spoil.fixed("2026/02/30"), "facts 2.5", 2,
         "ngay_ban_hanh.type"),
)  # fmt: skip

KINDS = {DOCUMENTS.name: DOCUMENT_KINDS, STATUSES.name: STATUS_KINDS}
