"""Records for the benchmarks: a table of 20 columns as JSON pages, made by DuckDB.

Data flow: a number of rows -> DuckDB ``range`` and arithmetic -> ``page-N.json`` files, each an
envelope ``{"total": ..., "data": [...]}`` of :data:`PAGE` records, which a static server hands
out. The same SQL gives a night's changes and the expected result, so that nothing is stored
twice. The values are those of a register of dossiers without persons: codes, dates, statuses,
amounts, Vietnamese text.

Run it alone: ``python benchmarks/rows.py FOLDER ROWS``.

What does not belong here: serving, measuring, the hub.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

PAGE = 10_000
"""Records of one JSON page."""
BLOCK = 100 * PAGE
"""Records whose pages are made at once: 0.5 GB of text."""

STATUSES = ("da_tiep_nhan", "dang_xu_ly", "cho_bo_sung", "da_tra_ket_qua", "da_rut")
_WARDS = ("Phường Sa Pa", "Xã Bát Xát", "Xã Mường Khương", "Phường Yên Bái", "Xã Mù Cang Chải")

COLUMNS = {
    "ma_ho_so": ("VARCHAR", "printf('H38.01-%06d-%08d', 240101 + i % 28, i)"),
    "so_thu_tu": ("BIGINT", "i"),
    "ma_thu_tuc": ("VARCHAR", "printf('1.%06d', i % 1837)"),
    "ten_thu_tuc": ("VARCHAR", "'Thủ tục hành chính số ' || (i % 1837)"),
    "linh_vuc": ("VARCHAR", "'Lĩnh vực ' || (i % 42)"),
    "trang_thai": ("VARCHAR", f"{list(STATUSES)}[1 + (i + {{shift}}) % {len(STATUSES)}]"),
    "kenh": ("VARCHAR", "['truc_tuyen', 'truc_tiep', 'buu_chinh'][1 + i % 3]"),
    "don_vi": ("VARCHAR", f"{list(_WARDS)}[1 + i % {len(_WARDS)}]"),
    "ma_don_vi": ("VARCHAR", "printf('%05d', 2600 + i % 99)"),
    "ngay_tiep_nhan": ("DATE", "strftime(DATE '2024-01-01' + (i % 600)::INTEGER, '%Y-%m-%d')"),
    "ngay_hen_tra": ("DATE", "strftime(DATE '2024-01-15' + (i % 600)::INTEGER, '%Y-%m-%d')"),
    "cap_nhat": (
        "TIMESTAMP",
        """strftime(TIMESTAMP '2024-01-01 07:30:00' + to_seconds(i * 37 % 50000000),
            '%Y-%m-%dT%H:%M:%S')""",
    ),
    "le_phi": ("BIGINT", "(i * 7919 % 500) * 1000"),
    "so_to": ("INTEGER", "i % 40"),
    "so_ngay": ("DOUBLE", "(i * 31 % 1000) / 10.0"),
    "danh_gia": ("INTEGER", "1 + i % 5"),
    "vi_do": ("DOUBLE", "22.0 + (i * 17 % 10000) / 10000.0"),
    "kinh_do": ("DOUBLE", "104.0 + (i * 13 % 10000) / 10000.0"),
    "dung_han": ("BOOLEAN", "i % 6 > 0"),
    "ghi_chu": ("VARCHAR", "'Ghi chú của hồ sơ thứ ' || i || ' tại bộ phận một cửa'"),
}
"""Column -> its type in the table and the SQL of its JSON value for row ``i``."""


def select(first: int, last: int, *, shift: int = 0, where: str = "true") -> str:
    """Return SQL for the records ``first`` to ``last - 1``; another ``shift`` changes each."""
    values = ", ".join(f"{sql.format(shift=shift)} AS {name}" for name, (_, sql) in COLUMNS.items())
    return f"SELECT {values} FROM range({first}, {last}) r(i) WHERE {where}"


def typed(source: str) -> str:
    """Return SQL that types records, as a warehouse would hold them."""
    return f"SELECT {', '.join(f'{n}::{t} AS {n}' for n, (t, _) in COLUMNS.items())} FROM {source}"


def write_pages(folder: Path, rows: int) -> int:
    """Write the JSON pages of so many rows; return the bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    size = 0
    for first in range(0, rows, BLOCK):
        # One page is one row of text: made by DuckDB, written as it is.
        pages = connection.execute(
            f"""SELECT so_thu_tu // {PAGE} + 1 AS page, '{{"total": ' || {rows} || ', "data": ['
                || string_agg(to_json(t)::VARCHAR, ',' ORDER BY so_thu_tu) || ']}}'
            FROM ({select(first, min(first + BLOCK, rows))}) t GROUP BY ALL ORDER BY ALL"""
        )
        while found := pages.fetchone():
            data = str(found[1]).encode()
            (folder / f"page-{found[0]}.json").write_bytes(data)
            size += len(data)
    return size


if __name__ == "__main__":
    print(f"{write_pages(Path(sys.argv[1]), int(sys.argv[2])):,} bytes")
