"""What somebody must look after in the reference data: contradictions, and years without calendar.

Data flow: ``danh_muc.mau_thuan_don_vi`` and ``danh_muc.lich_lam_viec`` in the lake -> sentences for
``hub check``. A lake in which they were never loaded has nothing to say.

Run it alone: ``hub check``.

What does not belong here: mending anything; that is recorded in ``assets/danh_muc/so_ghi_nhan``.
"""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

AHEAD = timedelta(days=61)
"""A year's calendar is wanted two months before it begins: it is published in autumn."""


def faults(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence for each code that still has two names in one list: an error."""
    if not _is_there(connection, "mau_thuan_don_vi"):
        return []
    found = connection.execute(
        "SELECT ma_don_vi, danh_sach, cac_ten FROM danh_muc.mau_thuan_don_vi "
        "WHERE loai = 'hai_ten' AND trang_thai = 'mo' ORDER BY ALL"
    ).fetchall()
    return [
        f"code {code} has several names in {which} ({names}): record the right one in "
        "danh_muc/so_ghi_nhan/dinh_chinh_don_vi.csv"
        for code, which, names in found
    ]


def notes(connection: duckdb.DuckDBPyConnection, today: date) -> list[str]:
    """Return what should be known: other contradictions, and years that lack a calendar.

    Args:
        connection: A reader of the lake.
        today: The day in Viet Nam.
    """
    said = []
    if _is_there(connection, "mau_thuan_don_vi"):
        found = connection.execute(
            "SELECT count(*) FROM danh_muc.mau_thuan_don_vi "
            "WHERE loai <> 'hai_ten' AND trang_thai = 'mo'"
        ).fetchone()
        if found and found[0]:
            said.append(
                f"danh_muc.mau_thuan_don_vi: the lists of units contradict each other in {found[0]}"
                " places (`hub query \"from danh_muc.mau_thuan_don_vi where trang_thai = 'mo'\"`)"
            )
    if _is_there(connection, "lich_lam_viec"):
        known = {
            year
            for (year,) in connection.execute(
                "SELECT DISTINCT year(ngay) FROM danh_muc.lich_lam_viec"
            ).fetchall()
        }
        said += [
            f"danh_muc.lich_lam_viec: there is no working calendar for {year}; put its days off "
            "and swapped days into danh_muc/so_ghi_nhan/lich_lam_viec.csv"
            for year in sorted({today.year, (today + AHEAD).year} - known)
        ]
    return said


def _is_there(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Return whether a table of ``danh_muc`` was ever loaded."""
    return (
        connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = 'lake' "
            "AND schema_name = 'danh_muc' AND table_name = ?",
            [table],
        ).fetchone()
        is not None
    )
