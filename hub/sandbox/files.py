"""Write tables as the files that catalogs offer: CSV with a BOM, XLSX with a title row.

Data flow: a :class:`~hub.sandbox.model.Table` -> bytes, the same for the same rows: what an XLSX
library writes differently each time (times in the archive and in its properties) is set to a fixed
moment. The sheet has a title, a note on units, a blank row, the header in row 4, notes under the
table, blanks at the end of names, ``(*)`` in them (facts 6).

Run it alone: ``python -m hub.sandbox.files /tmp`` writes the three files there.

What does not belong here: which rows there are.
"""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl

from hub.sandbox.model import DAY_ZERO, Table
from hub.sandbox.shapes import HERITAGE, PRICES, TOURISM

PRICE_HEADER = ("STT", *PRICES.columns)
QUIRKS = {
    HERITAGE.name: (("byte_order_mark", "facts 6"),),
    TOURISM.name: (
        ("byte_order_mark", "facts 6"),
        ("semicolons", "facts 6"),
        ("carriage_returns", "facts 6"),
    ),
    PRICES.name: (
        ("title_row", "facts 6"),
        ("unit_note", "facts 6"),
        ("spacer_row", "facts 6"),
        ("header_with_star_and_blanks", "facts 6"),
        ("notes_under_table", "facts 6"),
    ),
}
"""What is odd about a whole file, so that no row of it carries it."""
NOTES = (
    "(*) Giá chưa bao gồm thuế giá trị gia tăng và chi phí vận chuyển.",
    "Ghi chú: số liệu mô phỏng, không dùng để lập dự toán.",
)


def csv_bytes(table: Table) -> bytes:
    """Write the CSV of heritage (comma) or tourism (semicolon, CRLF), UTF-8 with a BOM."""
    tourism = table.name == TOURISM.name
    header = list((TOURISM if tourism else HERITAGE).columns)
    target = io.StringIO()
    writer = csv.DictWriter(
        target,
        header,
        delimiter=";" if tourism else ",",
        lineterminator="\r\n" if tourism else "\n",
    )
    writer.writeheader()
    writer.writerows(row.cells for row in table.rows)
    return target.getvalue().encode("utf-8-sig")


def xlsx_bytes(table: Table) -> bytes:
    """Write the workbook of building-material prices."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Bảng giá"
    sheet.append([f"BẢNG GIÁ VẬT LIỆU XÂY DỰNG THÁNG {DAY_ZERO.month}/{DAY_ZERO.year}"])
    sheet.append(["Đơn vị tính giá: đồng"])
    sheet.append([])
    sheet.append(PRICE_HEADER)
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(PRICE_HEADER))
    for row in table.rows:
        sheet.append([row.cells.get(column, "") for column in PRICE_HEADER])
    sheet.append([])
    for note in NOTES:
        sheet.append([note])
    book.properties.created = datetime(2026, 9, 1)  # noqa: DTZ001 - a file property without a zone
    target = io.BytesIO()
    book.save(target)
    return _still(target.getvalue())


def _still(data: bytes) -> bytes:
    """Write a workbook's archive again without the moment it was made at."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":
                head, _, rest = content.partition(b"<dcterms:modified")
                content = head + b"</cp:coreProperties>" if rest else content
            still = zipfile.ZipInfo(member.filename)
            still.compress_type = zipfile.ZIP_DEFLATED
            copy.writestr(still, content)
    return target.getvalue()


def main() -> None:
    """Write the three files into a folder."""
    from hub.sandbox.catalogs import heritage, prices, tourism  # noqa: PLC0415 - only when run alone

    folder = Path(sys.argv[1])
    (folder / "gia_vat_lieu.xlsx").write_bytes(xlsx_bytes(prices(1, 2_000)))
    (folder / "di_san.csv").write_bytes(csv_bytes(heritage(1, 2_000)))
    (folder / "du_lich.csv").write_bytes(csv_bytes(tourism(1, 2_000)))


if __name__ == "__main__":
    main()
