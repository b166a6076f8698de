"""The example of an iGate export: a workbook as clerks make it, into a table with mapped states."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from hub.catalog import load_catalog
from hub.land import land
from hub.load import Context, Outcome, load
from hub.settings import ROOT, Settings

HEADER = ["STT", "Số hồ sơ", "Tên thủ tục", "Lĩnh vực", "Ngày tiếp nhận", "Ngày hẹn trả",
          "Ngày kết thúc", "Đơn vị", "Chủ hồ sơ", "SĐT", "Cán bộ xử lý", "Trạng thái"]  # fmt: skip
"""Columns of iGate's export (domain notes 3.3)."""
WIDTH = len(HEADER)


def dossier(number: int, **other: Any) -> list[Any]:
    """Return a row of the export."""
    cells: dict[str, Any] = {
        "STT": number, "Số hồ sơ": f"H38.01-260901-{number:04}", "Tên thủ tục": "Đăng ký khai sinh",
        "Lĩnh vực": "Hộ tịch", "Ngày tiếp nhận": "01/09/2026 08:30", "Ngày hẹn trả": "5/9/2026",
        "Ngày kết thúc": None, "Đơn vị": "UBND xã Bảo Thắng", "Chủ hồ sơ": "Lò Văn Mẫu",
        "SĐT": "0612 345 678", "Cán bộ xử lý": "Giàng Thị Thử", "Trạng thái": "Đang xử lý",
    }  # fmt: skip
    return [(cells | other)[name] for name in HEADER]


def export(*rows: list[Any]) -> bytes:
    """Write a workbook: merged titles, the header in row 6, a merged group title, notes below."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for text in ("UBND TỈNH LÀO CAI", "DANH SÁCH HỒ SƠ", "Từ ngày 01/9 đến 30/9/2026"):
        sheet.append([text])
        sheet.merge_cells(start_row=sheet.max_row, end_row=sheet.max_row, start_column=1,
                          end_column=WIDTH)  # fmt: skip
    sheet.append([])
    sheet.append([])
    sheet.append(HEADER)
    sheet.append(["I. Lĩnh vực Hộ tịch"])
    sheet.merge_cells(start_row=7, end_row=7, start_column=1, end_column=WIDTH)
    for row in rows:
        sheet.append(row)
    sheet.append([])
    sheet.append(["Tổng số hồ sơ trong kỳ"])
    sheet.append([None, None, None, None, None, None, None, None, None, "Người lập biểu"])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """The examples as a deployment of their own."""
    (tmp_path / "xuat").mkdir()
    monkeypatch.setenv("LAO_CAI_IGATE_XUAT_FOLDER", str(tmp_path / "xuat"))
    assets = ROOT / "docs" / "examples"
    return Context.of(Settings(data_dir=tmp_path / "data", assets_dir=assets), load_catalog(assets))


def night(context: Context, folder: Path, *rows: list[Any]) -> Outcome:
    """Export and load."""
    (folder / "xuat" / "thang 9.xlsx").write_bytes(export(*rows))
    system = context.catalog.systems["lao_cai/igate_xuat"]
    pulled = land(context, system, system.datasets, lambda *_: None)["ho_so"]
    return load(context, system, system.datasets[0], pulled, run="test")


def held(context: Context, columns: str) -> list[tuple[Any, ...]]:
    """Return what the table holds."""
    reader = context.lake.reader()
    rows = reader.execute(f"SELECT {columns} FROM dung_rieng.ho_so_igate ORDER BY ma_ho_so")
    found = rows.fetchall()
    reader.close()
    return found


def test_the_examples_are_sound() -> None:
    catalog = load_catalog(ROOT / "docs" / "examples")
    assert catalog.errors == {}
    (system,) = catalog.systems.values()
    assert catalog.contract(system.datasets[0]).classification == "dung_rieng"


def test_an_export_loads_and_what_excel_did_to_it_is_mended(
    context: Context, tmp_path: Path
) -> None:
    moment = datetime(2026, 9, 2, 7, 5)  # noqa: DTZ001 - Excel has no zones
    outcome = night(
        context, tmp_path,
        dossier(1, SĐT=612345678, **{"Ngày kết thúc": "3/9/2026", "Trạng thái": "ĐÃ TRẢ KẾT QUẢ "}),
        dossier(2, SĐT=None, **{"Ngày tiếp nhận": moment}),
        dossier(3, **{"Trạng thái": "Chờ liên thông"}),
    )  # fmt: skip
    assert (outcome.error, outcome.rows, outcome.record.rejected) == (None, 3, 0)
    assert held(context, "so_dien_thoai, trang_thai, trang_thai_goc, ngay_tiep_nhan::VARCHAR") == [
        ("0612345678", "10", "ĐÃ TRẢ KẾT QUẢ", "2026-09-01 08:30:00"),
        (None, "4", "Đang xử lý", "2026-09-02 07:05:00"),
        ("0612345678", None, "Chờ liên thông", "2026-09-01 08:30:00"),
    ]
    repairs = [set(found or ()) for (found,) in held(context, "_repairs")]
    assert {"so_dien_thoai:leading_zero", "ngay_ket_thuc:date_form"} <= repairs[0]
    assert "trang_thai:unlisted_code" in repairs[2]
    assert not any("unlisted" in flag for flag in repairs[0] | repairs[1])
    # Not refused, and not silent: the check of the batch counts it.
    told = outcome.checks["completeness_conformity"]
    assert "row.trang_thai_da_quy_doi" in str(told)


def test_a_row_without_its_number_is_refused_and_a_missing_one_goes(
    context: Context, tmp_path: Path
) -> None:
    night(context, tmp_path, *(dossier(n) for n in range(1, 11)))
    outcome = night(
        context, tmp_path, dossier(90, **{"Số hồ sơ": None}), *(dossier(n) for n in range(1, 10))
    )
    assert (outcome.record.rejected, outcome.record.deleted, outcome.rows) == (1, 1, 9)
