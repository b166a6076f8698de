"""Which source field is which warehouse column, and how a clean cell is written when stored.

Data flow: a generator's clean cells -> :meth:`Shape.truth` -> what the warehouse must hold. The
column names are those of the contracts in ``assets/contracts``; the conversion is written here a
second time, on purpose: a truth computed by the hub's own normaliser would prove nothing.

How truth is written: text as it is; a date ``YYYY-MM-DD``, a timestamp ``YYYY-MM-DD HH:MM:SS``, a
number in plain notation without trailing zeros, a boolean ``true``/``false``, nothing ``null``.

Run it alone: ``python -m hub.sandbox.shapes`` prints every dataset with its columns.

What does not belong here: dirty cells (``dirt`` says what becomes of each).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.sandbox.model import Cells, Row, Truth

Convert = Callable[[str], str]


def moment(text: str) -> str:
    """``yyyyMMddHHmmss`` -> ``YYYY-MM-DD HH:MM:SS``."""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:14]}"


def slashed(text: str) -> str:
    """``yyyy/MM/dd`` with or without a time, as edXML writes -> with hyphens."""
    return text.replace("/", "-")


def spaced(text: str) -> str:
    """``yyyy-mm-ddTHH:MM:SS`` -> with a blank."""
    return text.replace("T", " ")


def day_first(text: str) -> str:
    """``dd/mm/yyyy`` -> ``YYYY-MM-DD``."""
    day, month, year = text.split("/")
    return f"{year}-{int(month):02d}-{int(day):02d}"


def plain(text: str) -> str:
    """Write a machine number without trailing zeros."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def vietnamese(text: str) -> str:
    """``1.837,5`` -> ``1837.5``."""
    return plain(text.replace(".", "").replace(",", "."))


def fee(text: str) -> str:
    """Read an entrance fee: a Vietnamese number, or free."""
    return "0" if text == "Miễn phí" else vietnamese(text)


def flag(text: str) -> str:
    """``1``/``0`` -> ``true``/``false``."""
    return "true" if text == "1" else "false"


@dataclass(frozen=True, slots=True)
class Shape:
    """A dataset: its name, its key, its fields and columns."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    """Source field -> column."""
    forms: Mapping[str, Convert] = field(default_factory=dict)
    """Source field -> how its clean cell is stored, for those that are not text."""
    also: Mapping[str, str] = field(default_factory=dict)
    """Column -> source field, for a second column filled from a field."""

    def truth(self, cells: Cells) -> Truth:
        """Return what the warehouse holds of clean cells."""
        truth: Truth = {}
        for source, column in self.columns.items():
            text = cells.get(source, "")
            convert = self.forms.get(source)
            truth[column] = (convert(text) if convert else text) if text else None
        for column, source in self.also.items():
            truth[column] = cells.get(source) or None
        return truth

    def row(self, cells: Cells) -> Row:
        """Make a clean row."""
        return Row(cells, self.truth(cells))

    def field_of(self, column: str) -> str:
        """Return the source field of a column."""
        return next(source for source, name in self.columns.items() if name == column)


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


DOSSIER_MOMENTS = (
    "NgayNopHoSo", "NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy", "NgayTra", "NgayTuChoi",
    "NgayCapNhat",
)  # fmt: skip
DOSSIERS = Shape(
    "lao_cai/dich_vu_cong/ho_so",
    ("ma_ho_so",),
    {
        "MaHoSo": "ma_ho_so",
        "MaTTHC": "ma_tthc",
        "TenTTHC": "ten_tthc",
        "MaLinhVuc": "ma_linh_vuc",
        "TenLinhVuc": "linh_vuc",
        "KenhThucHien": "kenh_thuc_hien",
        "ChuHoSo": "chu_ho_so",
        "SoGiayToChuHoSo": "so_giay_to",
        "LoaiDoiTuong": "loai_doi_tuong",
        "Email": "email",
        "SoDienThoai": "so_dien_thoai",
        "TrichYeuHoSo": "trich_yeu",
        "NgayNopHoSo": "ngay_nop",
        "NgayTiepNhan": "ngay_tiep_nhan",
        "NgayHenTra": "ngay_hen_tra",
        "NgayKetThucXuLy": "ngay_ket_thuc",
        "NgayTra": "ngay_tra",
        "NgayTuChoi": "ngay_tu_choi",
        "TrangThaiHoSo": "trang_thai",
        "HinhThuc": "hinh_thuc",
        "DonViXuLy": "don_vi_xu_ly",
        "MaDonViXuLy": "ma_don_vi_xu_ly",
        "MaXa": "ma_xa",
        "NoiNopHoSo": "noi_nop",
        "GhiChu": "ghi_chu",
        "DuocThanhToanTrucTuyen": "thanh_toan_truc_tuyen",
        "NgayCapNhat": "ngay_cap_nhat",
    },
    dict.fromkeys(DOSSIER_MOMENTS, moment),
    {"trang_thai_goc": "TrangThaiHoSo"},
)
PROCEDURES = Shape(
    "lao_cai/dich_vu_cong/thu_tuc",
    ("ma_tthc",),
    {
        "MaTTHC": "ma_tthc",
        "TenTTHC": "ten_tthc",
        "MaLinhVuc": "ma_linh_vuc",
        "TenLinhVuc": "linh_vuc",
        "CapThucHien": "cap_thuc_hien",
        "MucDo": "muc_do",
        "CoQuanThucHien": "co_quan_thuc_hien",
        "PhiLePhi": "phi_le_phi",
        "TrangThai": "trang_thai",
        "NgayCapNhat": "ngay_cap_nhat",
    },
    {"NgayCapNhat": moment},
)
DOCUMENTS = Shape(
    "yen_bai/van_ban/van_ban",
    ("ma_thong_diep",),
    {
        "doc_id": "ma_thong_diep",
        "document_id": "ma_van_ban",
        "bussiness_doc_type": "loai_nghiep_vu",
        "created_time": "thoi_diem_gui",
        "updated_time": "thoi_diem_cap_nhat",
        "organ_id": "ma_co_quan_ban_hanh",
        "organ_name": "ten_co_quan_ban_hanh",
        "to_organ_ids": "ma_co_quan_nhan",
        "code_number": "so_van_ban",
        "code_notation": "ky_hieu",
        "so_ky_hieu": "so_ky_hieu",
        "place": "noi_ban_hanh",
        "promulgation_date": "ngay_ban_hanh",
        "document_type": "loai_van_ban",
        "type_name": "ten_loai_van_ban",
        "subject": "trich_yeu",
        "content": "noi_dung",
        "signer_competence": "tham_quyen_ky",
        "signer_position": "chuc_vu_nguoi_ky",
        "signer_name": "nguoi_ky",
        "due_date": "han_xu_ly",
        "priority": "do_khan",
        "steering_type": "loai_chi_dao",
        "page_amount": "so_trang",
        "bussiness_document_id": "ma_van_ban_lien_quan",
        "bussiness_reason": "ly_do_nghiep_vu",
        "replaced_document_ids": "van_ban_bi_thay_the",
        "receivers_added": "noi_nhan_them",
        "receivers_removed": "noi_nhan_bo",
        "attachment_count": "so_tep",
        "attachment_names": "ten_tep",
    },
    dict.fromkeys(("created_time", "updated_time", "promulgation_date", "due_date"), slashed),
)
STATUSES = Shape(
    "yen_bai/van_ban/trang_thai",
    ("ma_thong_diep",),
    {
        "doc_id": "ma_thong_diep",
        "created_time": "thoi_diem_gui",
        "updated_time": "thoi_diem_cap_nhat",
        "organ_id": "ma_co_quan_gui",
        "organ_name": "ten_co_quan_gui",
        "response_document_id": "ma_van_ban",
        "response_organ_id": "ma_co_quan_ban_hanh",
        "response_code": "so_ky_hieu",
        "response_date": "ngay_ban_hanh",
        "status_code": "ma_trang_thai",
        "description": "mo_ta",
        "staff_department": "phong_ban",
        "staff_name": "can_bo_xu_ly",
        "staff_phone": "dien_thoai_can_bo",
        "staff_email": "thu_dien_tu_can_bo",
        "timestamp": "thoi_diem_trang_thai",
    },
    dict.fromkeys(("created_time", "updated_time", "response_date", "timestamp"), slashed),
)
ORGANIC = Shape(
    "tuyen_quang/du_lieu_dung_chung/vung_huu_co",
    ("ma_vung",),
    _same(
        "ma_vung", "ten_vung", "cay_trong", "dien_tich_ha", "ma_xa", "ten_xa",
        "to_chuc_chung_nhan", "so_chung_nhan", "ngay_chung_nhan", "ngay_het_han",
    ),
    {"dien_tich_ha": vietnamese, "ngay_chung_nhan": day_first, "ngay_het_han": day_first},
)  # fmt: skip
CROPS = Shape(
    "tuyen_quang/du_lieu_dung_chung/cay_trong",
    ("nam", "vu", "ma_xa", "cay_trong"),
    _same(
        "nam", "vu", "ma_xa", "ten_xa", "cay_trong", "dien_tich_ha", "nang_suat_ta_ha",
        "san_luong_tan",
    ),
    dict.fromkeys(("dien_tich_ha", "nang_suat_ta_ha", "san_luong_tan"), vietnamese),
)  # fmt: skip
PRICES = Shape(
    "tuyen_quang/du_lieu_dung_chung/gia_vat_lieu",
    ("ma_vat_lieu", "khu_vuc"),
    {
        "Mã vật liệu": "ma_vat_lieu",
        "Tên vật liệu, quy cách ": "ten_vat_lieu",
        "Đơn vị tính": "don_vi_tinh",
        "Giá chưa VAT (đồng) (*)": "gia_chua_vat",
        "Khu vực": "khu_vuc",
        "Thời điểm áp dụng": "thoi_diem_ap_dung",
    },
    {"Giá chưa VAT (đồng) (*)": vietnamese, "Thời điểm áp dụng": day_first},
)
HERITAGE = Shape(
    "tuyen_quang/du_lieu_dung_chung/di_san",
    ("ma_di_san",),
    {
        "Mã di sản": "ma_di_san",
        "Tên di sản": "ten_di_san",
        "Loại hình": "loai_hinh",
        "Dân tộc": "dan_toc",
        "Xã/phường": "ten_xa",
        "Mã xã": "ma_xa",
        "Số quyết định": "so_quyet_dinh",
        "Ngày ghi danh": "ngay_ghi_danh",
    },
    {"Ngày ghi danh": day_first},
)
TOURISM = Shape(
    "tuyen_quang/du_lieu_dung_chung/du_lich",
    ("ma_diem",),
    {
        "Mã điểm": "ma_diem",
        "Tên điểm du lịch": "ten_diem",
        "Loại hình": "loai_hinh",
        "Xã/phường": "ten_xa",
        "Mã xã": "ma_xa",
        "Vĩ độ": "vi_do",
        "Kinh độ": "kinh_do",
        "Điện thoại": "dien_thoai",
        "Giá vé (đồng)": "gia_ve",
        "Giờ mở cửa": "gio_mo_cua",
    },
    {"Vĩ độ": plain, "Kinh độ": plain, "Giá vé (đồng)": fee},
)
OFFICERS = Shape(
    "tuyen_quang/du_lieu_dung_chung/can_bo_dau_moi",
    ("ma_can_bo",),
    _same(
        "ma_can_bo", "ho_ten", "chuc_vu", "co_quan", "ma_dinh_danh_co_quan", "so_dinh_danh",
        "so_dien_thoai", "thu_dien_tu", "ngay_bat_dau",
    ),
    {"ngay_bat_dau": day_first},
)  # fmt: skip
PACKAGES = Shape(
    "tuyen_quang/du_lieu_dung_chung/tap_du_lieu",
    ("ma_tap_du_lieu",),
    {
        "identifier": "ma_tap_du_lieu",
        "title": "tieu_de",
        "description": "mo_ta",
        "publisher": "co_quan",
        "themes": "linh_vuc",
        "keywords": "tu_khoa",
        "license": "giay_phep",
        "frequency": "tan_suat",
        "issued": "ngay_tao",
        "modified": "ngay_cap_nhat",
        "formats": "dinh_dang",
        "distribution_count": "so_tai_nguyen",
    },
    dict.fromkeys(("issued", "modified"), spaced),
)
"""The packages' addresses are left out: they depend on the port."""
SHAPES = {
    shape.name: shape
    for shape in (
        DOSSIERS, PROCEDURES, DOCUMENTS, STATUSES, ORGANIC, CROPS, PRICES, HERITAGE, TOURISM,
        OFFICERS, PACKAGES,
    )
}  # fmt: skip


if __name__ == "__main__":
    for shape in SHAPES.values():
        sys.stdout.write(f"{shape.name}: {', '.join(shape.columns.values())}\n")
