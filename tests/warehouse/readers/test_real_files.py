"""Files that people really made, with row counts known from other programs.

They are not part of the repository: the variable REAL_FILES names the folder that holds them.
Everything they show is also tested on files that the tests make.
"""

from __future__ import annotations

import os
import subprocess
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.readers.conftest import Batch, written
from warehouse.readers.encodings import detected

FOLDER = Path(os.environ.get("REAL_FILES", "/nonexistent"))

ICONV = Path("/usr/bin/iconv")

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="REAL_FILES does not name the folder of real files"
)

CROSSWALK = "admin_units/bang_chuyen_doi_dvhc_moi_cu_2025-07.csv"
COMMUNES = "admin_units/gso_xa_2025-01-04.csv"
FOUR = "hostile/xa_4tinh_utf8_bom_crlf.csv"
FOUR_SEMICOLON = "hostile/xa_4tinh_semicolon_utf8.csv"
NEW, OLD = "Đơn vị hành chính từ ngày 01/7/2025", "Đơn vị hành chính trước ngày 01/7/2025"


def real(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def cells(batch: Batch, fields: list[str], **options: Any) -> list[tuple[Any, ...]]:
    return [tuple(row[field] for field in fields) for row in batch.read(fields, options)]


def test_the_crosswalk_under_its_header_of_two_rows(batch: Batch) -> None:
    batch.land(real(CROSSWALK), "csv")
    fields = [f"{NEW} / Mã Xã mới", f"{OLD} / Mã Xã cũ", f"{OLD} / Tỉnh cũ"]
    rows = cells(batch, fields, header_rows=2, titles=True, key=f"{NEW} / Mã Xã mới")
    assert len(rows) == 10_571
    assert len({row[0] for row in rows}) == 3_321
    # With the titles of the 34 provinces, as without the option.
    assert len(cells(batch, fields, header_rows=2)) == 10_605


def test_the_communes_of_january_2025(batch: Batch) -> None:
    batch.land(real(COMMUNES), "csv")
    rows = cells(batch, ["Mã TP", "Mã QH", "Mã PX"])
    assert (len(rows), sum(row[2] is None for row in rows)) == (10_056, 5)
    assert len({row[0] for row in rows}) == 63


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        ("utf-8", "utf-8"),
        ("utf-16", "utf-16"),
        ("nfd", "utf-8"),
        ("windows-1258", "windows-1258"),
        ("tcvn5712-1", "tcvn5712-1"),
        ("tcvn3", "tcvn3"),
    ],
)
@pytest.mark.parametrize("by", ["detect", "name"])
def test_the_same_rows_in_any_encoding(batch: Batch, encoding: str, says: str, by: str) -> None:
    fields = ["Tỉnh Thành Phố", "Quận Huyện", "Phường Xã", "Mã PX"]
    batch.land(real(FOUR), "csv")
    wanted = cells(batch, fields)
    assert len(wanted) == 649
    text = real(FOUR_SEMICOLON).decode()
    if encoding == "nfd":
        data = unicodedata.normalize("NFD", text).encode()
    elif encoding in {"utf-8", "utf-16"}:
        data = text.encode(encoding)
    else:
        data = written(text, encoding)
    assert detected(data) == says
    batch.again(data, "csv")
    found = cells(batch, fields, delimiter=";", encoding="detect" if by == "detect" else says)
    folded = str.lower if encoding == "tcvn3" else str
    assert [[folded(unicodedata.normalize("NFC", cell)) for cell in row] for row in found] == [
        [folded(unicodedata.normalize("NFC", cell)) for cell in row] for row in wanted
    ]


@pytest.mark.skipif(not ICONV.exists(), reason="no iconv on this machine")
@pytest.mark.parametrize(
    ("other", "ours"), [("CP1258", "windows-1258"), ("TCVN5712-1", "tcvn5712-1")]
)
def test_another_program_writes_these_encodings_alike(batch: Batch, other: str, ours: str) -> None:
    made = subprocess.run(
        [str(ICONV), "-f", "UTF-8", "-t", other], input=real(FOUR_SEMICOLON), capture_output=True,
        check=True,
    )  # fmt: skip
    assert detected(made.stdout) == ours
    batch.land(made.stdout, "csv")
    found = cells(batch, ["Phường Xã"], delimiter=";", encoding="detect")
    batch.again(real(FOUR), "csv")
    assert found == cells(batch, ["Phường Xã"])


def test_a_tsv_of_mojibake_is_read_as_it_is(batch: Batch) -> None:
    lines = real("hostile/mojibake_cp437_districts.tsv").decode().splitlines()
    batch.land("\n".join(lines).encode(), "tsv")
    fields = lines[0].split("\t")
    assert cells(batch, fields) == [tuple(line.split("\t")) for line in lines[1:]]


def test_health_facilities(batch: Batch) -> None:
    batch.land(real("open_data/co_so_kcb_ha_noi.csv"), "csv")
    codes = [code for (code,) in cells(batch, ["Mã số"], encoding="detect", key="Mã số")]
    assert len(codes) == 575
    assert sum(count > 1 for count in Counter(codes).values()) == 31


@pytest.mark.parametrize(
    ("name", "fields", "count"),
    [
        ("Rice_production_2014_GSO", ["Province", "rice production (ton)"], 12),
        ("Rice_production_2017_GSO", ["Province", "rice production (ton/y)"], 12),
        ("vpcp_import_department", ["Mã đơn vị", "Tên đơn vị (*)", "Loại đơn vị"], 0),
        ("vpcp_import_users", ["Họ và tên", "Mật khẩu (*)", "Đơn vị(*)"], 0),
    ],
)
def test_workbooks(batch: Batch, name: str, fields: list[str], count: int) -> None:
    batch.land(real(f"open_data/{name}.xlsx"), "xlsx")
    assert len(cells(batch, fields)) == count


def test_json_files(batch: Batch) -> None:
    batch.land(real("admin_units/thanglequoc_units_2026-07-25.json"), "json")
    provinces = cells(batch, ["Code", "FullName"])
    assert len(provinces) == 34
    batch.again(real("tthc/tthc_index_sample.json"), "json")
    assert len(cells(batch, ["ma_tthc", "ten_tthc"])) == 36
    batch.again(real("ckan/birmingham_package_search.json"), "json")
    assert len(cells(batch, ["name"], records="result.results")) == 10
