"""Dirt of Lào Cai's portal: dossiers and procedures.

Run it alone: ``python -m hub.sandbox.dirt`` lists it with the rest.

What does not belong here: how it is planted (``planting``).
"""

from __future__ import annotations

from hub.sandbox import spoil
from hub.sandbox.dirt import Kind, cell_is, has
from hub.sandbox.model import Cells
from hub.sandbox.shapes import DOSSIERS, PROCEDURES


def _due_before_receipt(cells: Cells) -> Cells:
    return {"NgayHenTra": spoil.stamp_moved(cells["NgayTiepNhan"], -3)}


def _end_before_receipt(cells: Cells) -> Cells:
    return {"NgayKetThucXuLy": spoil.stamp_moved(cells["NgayTiepNhan"], -2)}


def _filed_after_receipt(cells: Cells) -> Cells:
    return {"NgayNopHoSo": spoil.stamp_moved(cells["NgayTiepNhan"], 1)}


def _under_way_without_date(_: Cells) -> Cells:
    return {"TrangThaiHoSo": "4", "NgayTiepNhan": ""}


def _done_without_end(_: Cells) -> Cells:
    return {"TrangThaiHoSo": "9", "NgayKetThucXuLy": "", "NgayTra": ""}


def _refused_without_date(_: Cells) -> Cells:
    return {"TrangThaiHoSo": "3", "NgayTuChoi": ""}


def _version_before(cells: Cells) -> Cells:
    return {
        "TrangThaiHoSo": "4",
        "NgayTra": "",
        "NgayKetThucXuLy": "",
        "NgayCapNhat": cells["NgayTiepNhan"],
    }


def _other_owner(cells: Cells) -> Cells:
    return {"ChuHoSo": f"{cells['ChuHoSo']} (bản khác)"}


def _older_fee(cells: Cells) -> Cells:
    stamp = spoil.stamp_moved(cells["NgayCapNhat"], -90)
    return {"PhiLePhi": "45.000 đồng", "NgayCapNhat": stamp}


def _other_name(cells: Cells) -> Cells:
    return {"TenTTHC": f"{cells['TenTTHC']} (trùng mã)"}


def _person(cells: Cells) -> bool:
    return len(cells["SoGiayToChuHoSo"]) == 12


_DONE = has("NgayTiepNhan", "NgayKetThucXuLy", "NgayTra")

DOSSIER_KINDS = (
    Kind("double_blanks", "chu_ho_so", spoil.blanks, "facts 2.5, 1.7", 6),
    Kind("no_break_space", "don_vi_xu_ly", spoil.no_break, "facts 6", 6),
    Kind("decomposed_letters", "chu_ho_so", spoil.decomposed, "facts 6", 6),
    Kind("eth_for_d", "trich_yeu", spoil.eth, "facts 1.6, 6", 6),
    Kind("line_break_in_cell", "trich_yeu", spoil.line_break, "facts 6", 6),
    Kind("mojibake_cp1252", "don_vi_xu_ly", spoil.as_cp1252, "facts 6", 4),
    Kind("mojibake_cp437", "ten_tthc", spoil.as_cp437, "facts 6", 4),
    Kind("hyphen_for_nothing", "so_dien_thoai", spoil.fixed("-"), "facts 6", 5,
         stored=spoil.nothing, empty=True),
    Kind("ellipsis_for_nothing", "email", spoil.fixed("…"), "facts 6", 5,
         stored=spoil.nothing, empty=True),
    Kind("not_updated_for_nothing", "ghi_chu", spoil.fixed("Chưa cập nhật"), "facts 1.3, 6", 5,
         stored=spoil.nothing, empty=True),
    Kind("id_lost_zero", "so_giay_to", spoil.no_zero, "facts 1.4", 6, fits=_person),
    Kind("commune_lost_zero", "ma_xa", spoil.no_zero, "facts 6", 6),
    Kind("commune_as_float", "ma_xa", spoil.as_float, "facts 1.5, 6", 4),
    Kind("moment_day_first", "ngay_hen_tra", spoil.stamp_day_first, "facts 6", 6),
    Kind("moment_short_day", "ngay_nop", spoil.stamp_short, "facts 6", 6, stored=spoil.midnight),
    Kind("moment_blank_in_day", "ngay_hen_tra", spoil.stamp_blank, "facts 6", 6,
         stored=spoil.midnight),
    Kind("moment_iso", "ngay_tiep_nhan", spoil.stamp_iso, "facts 3.3, 6", 6),
    Kind("moment_epoch_ms", "ngay_ket_thuc", spoil.stamp_epoch, "facts 1.3, 6", 6),
    Kind("moment_slashed", "ngay_tra", spoil.stamp_slashed, "facts 2.2, 6", 6),
    Kind("phone_plus_84", "so_dien_thoai", spoil.plus_84, "facts 1.8", 6),
    Kind("phone_in_brackets", "so_dien_thoai", spoil.bracket_84, "facts 1.8", 4),
    Kind("phone_with_dots", "so_dien_thoai", spoil.dotted, "facts 1.8", 4),
    Kind("phone_lost_zero", "so_dien_thoai", spoil.no_zero, "facts 1.8, 6", 4),
    Kind("number_en_dash", "ma_ho_so", spoil.en_dash, "facts 1.6", 4),
    Kind("number_with_blanks", "ma_ho_so", spoil.spaced, "facts 1.6", 4),
    Kind("procedure_code_in_blanks", "ma_tthc", spoil.lead_blank, "facts 2.5", 4),
    Kind("identical_copy", "ma_ho_so", None, "facts 1.8", 5, way="copy"),
    Kind("older_version_beside", "ma_ho_so", None, "facts 3.1", 4, way="older", fits=_DONE,
         change=_version_before),
    Kind("thirtieth_of_february", "ngay_hen_tra", spoil.stamp_february, "facts 2.5", 3,
         "ngay_hen_tra.type"),
    Kind("thirteenth_month", "ngay_nop", spoil.stamp_month_13, "facts 1.2", 3, "ngay_nop.type"),
    Kind("number_missing", "ma_ho_so", spoil.fixed(""), "facts 1.2", 2, "ma_ho_so.required"),
    Kind("number_malformed", "ma_ho_so", lambda text: text.replace("-", "/"), "facts 1.2", 3,
         "ma_ho_so.dossier_number"),
    Kind("procedure_missing", "ma_tthc", spoil.fixed(""), "facts 1.3", 2, "ma_tthc.required"),
    Kind("procedure_malformed", "ma_tthc", lambda text: text[:5], "facts 1.3", 3,
         "ma_tthc.procedure_code"),
    Kind("unknown_state", "trang_thai", spoil.fixed("19"), "facts 3.2", 3, "trang_thai.in_set"),
    Kind("unknown_channel", "kenh_thuc_hien", spoil.fixed("7"), "facts 3.2", 3,
         "kenh_thuc_hien.in_set"),
    Kind("unknown_applicant_kind", "loai_doi_tuong", spoil.fixed("5"), "facts 3.2", 2,
         "loai_doi_tuong.type"),
    Kind("due_before_receipt", "ngay_hen_tra", None, "facts 3.4", 3,
         "row.tiep_nhan_truoc_hen_tra", change=_due_before_receipt, fits=has("NgayTiepNhan")),
    Kind("end_before_receipt", "ngay_ket_thuc", None, "facts 3.4", 3,
         "row.ket_thuc_sau_tiep_nhan", change=_end_before_receipt, fits=_DONE),
    Kind("filed_after_receipt", "ngay_nop", None, "facts 3.4", 3, "row.nop_truoc_tiep_nhan",
         change=_filed_after_receipt, fits=has("NgayTiepNhan")),
    Kind("received_without_date", "ngay_tiep_nhan", None, "facts 3.4", 2,
         "row.tiep_nhan_can_ngay", change=_under_way_without_date, fits=has("NgayTiepNhan")),
    Kind("done_without_end", "ngay_ket_thuc", None, "facts 3.4", 2,
         "row.xong_can_ngay_ket_thuc", change=_done_without_end, fits=_DONE),
    Kind("returned_without_date", "ngay_tra", spoil.fixed(""), "facts 3.4", 3,
         "row.da_tra_can_ngay_tra", fits=cell_is("TrangThaiHoSo", "10")),
    Kind("refused_without_date", "ngay_tu_choi", None, "facts 3.4", 2,
         "row.tu_choi_can_ngay_tu_choi", change=_refused_without_date),
    Kind("id_with_letters", "so_giay_to", spoil.letters, "facts 1.4", 3,
         "so_giay_to.identity_number"),
    Kind("id_of_eight_digits", "so_giay_to", spoil.cut(8), "facts 1.4", 3,
         "so_giay_to.identity_number"),
    Kind("commune_with_letter", "ma_xa", lambda text: f"{text[:4]}O", "facts 1.7", 2,
         "ma_xa.pattern"),
    Kind("agency_is_null", "ma_don_vi_xu_ly", spoil.fixed("null"), "facts 1.1, 2.5", 2,
         "ma_don_vi_xu_ly.required"),
    Kind("conflicting_twins", "ma_ho_so", None, "facts 1.8", 2, "key.unique", way="conflict",
         change=_other_owner),
)  # fmt: skip

PROCEDURE_KINDS = (
    Kind("procedure_eth_for_d", "ten_tthc", spoil.eth, "facts 1.3, 1.6", 3),
    Kind("procedure_line_break", "ten_tthc", spoil.newline, "facts 6", 3),
    Kind("procedure_decomposed", "linh_vuc", spoil.decomposed, "facts 6", 3),
    Kind("procedure_mojibake", "linh_vuc", spoil.as_cp437, "facts 6", 3),
    Kind("procedure_body_not_updated", "co_quan_thuc_hien", spoil.fixed("Chưa cập nhật"),
         "facts 1.3", 3, stored=spoil.nothing),
    Kind("procedure_copy", "ma_tthc", None, "facts 6", 2, way="copy"),
    Kind("procedure_older_version", "ma_tthc", None, "facts 1.3", 2, way="older",
         change=_older_fee),
    Kind("procedure_code_short", "ma_tthc", lambda text: text[:7],
         "facts 1.3", 2, "ma_tthc.procedure_code"),
    Kind("procedure_without_name", "ten_tthc", spoil.fixed(""), "facts 1.3", 2,
         "ten_tthc.required"),
    Kind("procedure_old_level", "muc_do", spoil.fixed("mức độ 4"), "facts 7", 2, "muc_do.in_set"),
    Kind("procedure_unknown_state", "trang_thai", spoil.fixed("DELETED"), "facts 1.3", 2,
         "trang_thai.in_set"),
    Kind("procedure_code_twice", "ma_tthc", None, "facts 6", 1, "key.unique", way="conflict",
         change=_other_name),
)  # fmt: skip

KINDS = {DOSSIERS.name: DOSSIER_KINDS, PROCEDURES.name: PROCEDURE_KINDS}
