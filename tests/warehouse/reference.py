"""A lake with invented reference data, for the macros: two provinces merged, one commune split.

Data flow: :func:`lake` makes the real tables of ``danh_muc`` from their contracts and puts a few
rows into each; :func:`reader` is a connection with the macros.

What does not belong here: assertions, the real lists (``tests/hub/test_units.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from checks.contract import load_contract
from hub.settings import ROOT
from warehouse import macros, tables
from warehouse.lake import Lake

OLD, NEW = ("truoc_2025_07_01", None, "2025-06-30"), ("tu_2025_07_01", "2025-07-01", None)
UNITS = [
    # code, level, name, proper, province, its name, district, its name, period
    ("10", "tinh", "Tỉnh Núi Đông", "10", "Tỉnh Núi Đông", None, None, OLD),
    ("15", "tinh", "Tỉnh Núi Tây", "15", "Tỉnh Núi Tây", None, None, OLD),
    ("15", "tinh", "Tỉnh Núi Đông", "15", "Tỉnh Núi Đông", None, None, NEW),
    ("00001", "xa", "Xã Hòa Bình", "10", "Tỉnh Núi Đông", "101", "Huyện Đá", OLD),
    ("00002", "xa", "Xã Hoà An", "10", "Tỉnh Núi Đông", "101", "Huyện Đá", OLD),
    ("00003", "xa", "Xã B'Lao", "15", "Tỉnh Núi Tây", "201", "Huyện Suối", OLD),
    ("00004", "xa", "Xã Chia Đôi", "15", "Tỉnh Núi Tây", "201", "Huyện Suối", OLD),
    ("00005", "xa", "Xã Hòa Bình", "15", "Tỉnh Núi Tây", "201", "Huyện Suối", OLD),
    ("00006", "xa", "Xã Hòa Bình", "15", "Tỉnh Núi Tây", "202", "Huyện Đèo", OLD),
    ("00007", "xa", "Xã Hai Tên", "15", "Tỉnh Núi Tây", "202", "Huyện Đèo", OLD),
    ("00001", "xa", "Phường Hòa Bình", "15", "Tỉnh Núi Đông", None, None, NEW),
    ("00003", "xa", "Xã Suối", "15", "Tỉnh Núi Đông", None, None, NEW),
    ("00009", "xa", "Xã Hòa Bình", "15", "Tỉnh Núi Đông", None, None, NEW),
]
LINKS = [
    ("10", "15", "tinh", "toan_bo", 1, False), ("15", "15", "tinh", "toan_bo", 1, False),
    ("00001", "00001", "xa", "toan_bo", 1, False), ("00002", "00001", "xa", "toan_bo", 1, False),
    ("00003", "00003", "xa", "toan_bo", 1, False), ("00004", "00003", "xa", "mot_phan", 2, False),
    ("00004", "00009", "xa", "mot_phan", 2, False), ("00005", "00009", "xa", "toan_bo", 1, False),
    ("00006", "00009", "xa", "toan_bo", 1, False), ("00007", "00009", "xa", "toan_bo", 1, True),
]  # fmt: skip
CALENDAR = [
    ("2025-01-01", "nghi"), ("2025-12-31", "nghi"), ("2026-01-01", "nghi"),
    ("2026-01-02", "nghi"), ("2026-01-10", "lam_bu"), ("2028-01-03", "nghi"),
]  # fmt: skip
"""Two years side by side, and one behind a gap."""
SUCCESSION = [
    ("so_cu", "so_moi", "2025-03-01", "toan_bo"), ("so_moi", "so_sau", "2026-01-01", "toan_bo"),
    ("so_cu", "so_khac", "2025-03-01", "mot_phan"), ("H63", "H38", "2025-07-01", "toan_bo"),
    ("so_doi", "so_a", "2025-03-01", "toan_bo"), ("so_doi", "so_b", "2025-03-01", "toan_bo"),
    ("so_vong", "so_xoay", "2025-03-01", "toan_bo"),
    ("so_xoay", "so_vong", "2025-03-01", "toan_bo"),
]  # fmt: skip


def lake(folder: Path) -> Lake:
    """Make the lake."""
    made = Lake(folder)
    writer = made.writer()
    for stem in (
        "don_vi_hanh_chinh", "lien_ket_don_vi", "trong_so_don_vi", "ke_thua_co_quan",
        "lich_lam_viec",
    ):  # fmt: skip
        tables.ensure(writer, load_contract(ROOT / "assets" / "contracts" / f"{stem}.odcs.yaml"))
    macros.install(writer)
    put(
        writer, "don_vi_hanh_chinh",
        "ma_don_vi, cap, ten, ma_tinh, ten_tinh, ma_huyen, ten_huyen, ky, hieu_luc_tu, "
        "hieu_luc_den",
        [(*unit[:-1], *unit[-1]) for unit in UNITS],
    )  # fmt: skip
    writer.execute(
        "UPDATE lake.danh_muc.don_vi_hanh_chinh SET khoa_ten = khoa_don_vi(ten), "
        "khoa_rieng = khoa_rieng_don_vi(ten), khoa_tinh = khoa_rieng_don_vi(ten_tinh)"
    )
    put(
        writer, "lien_ket_don_vi", "ma_cu, ma_moi, cap, loai, so_lien_ket, mau_thuan, tu_ngay",
        [(*link, "2025-07-01") for link in LINKS],
    )  # fmt: skip
    put(writer, "lich_lam_viec", "ngay, loai", CALENDAR)
    put(writer, "ke_thua_co_quan", "ma_cu, ma_moi, tu_ngay, pham_vi", SUCCESSION)
    writer.close()
    return made


def put(
    writer: duckdb.DuckDBPyConnection, table: str, columns: str, rows: list[tuple[Any, ...]]
) -> None:
    """Put rows into a table of ``danh_muc``."""
    marks = ", ".join("?" for _ in rows[0])
    for row in rows:
        writer.execute(f"INSERT INTO lake.danh_muc.{table} ({columns}) VALUES ({marks})", list(row))


def reader(made: Lake) -> duckdb.DuckDBPyConnection:
    """Return a connection as ``hub query`` has it."""
    connection = made.reader()
    macros.install(connection)
    return connection
