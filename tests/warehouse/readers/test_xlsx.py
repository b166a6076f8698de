"""Workbooks made for people: the table is found, what stands around it is left out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, ProviderError
from tests.warehouse.readers.conftest import Batch

FIELDS = ["Mã", "Giá (đồng) (*)", "Ngày"]
HEADER: list[object] = ["STT", "Mã ", None, "Giá (đồng)\n(*)", "Ngày"]


def book(*rows: Sequence[object], sheet: str = "Giá") -> bytes:
    """Write a workbook."""
    made = openpyxl.Workbook()
    first = made.active
    assert first is not None
    first.title = sheet
    for row in rows:
        first.append(list(row))
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def cells(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return line and cells."""
    return [(row["_line"], *(row[field] for field in FIELDS)) for row in rows]


TABLE: list[list[object]] = [
    ["BẢNG GIÁ THÁNG 10/2026"],
    ["Đơn vị tính: đồng"],
    [],
    HEADER,
    ["1", "VL001", None, " 291.500", "01/09/2026"],
    [None, None, None, None, None],
    ["2", None, None, "5.000", "01/09/2026"],
    ["3", "VL003", "x", None, None],
    [],
    ["(*) Giá chưa gồm thuế."],
    [None, None, None, "Ghi chú: xem trang 2"],
]


@pytest.mark.parametrize("options", [{"header_row": 4, "key": "Mã"}, {}])
def test_title_notes_and_spacers_are_left_out(batch: Batch, options: dict[str, Any]) -> None:
    batch.land(book(*TABLE), "xlsx")
    assert cells(batch.read(FIELDS, options)) == [
        (5, "VL001", " 291.500", "01/09/2026"),
        (7, None, "5.000", "01/09/2026"),  # its key is missing: the contract says so, not we
        (8, "VL003", None, None),
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1837, "1837"),
        (1837.0, "1837"),
        (837.125, "837,125"),
        (1e15, "1000000000000000"),
        (0.1, "0,1"),
        (-3, "-3"),
        (True, "true"),
        ("007", "007"),
        ("1.837", "1.837"),
        (date(2026, 9, 1), "01/09/2026"),
        (datetime(2026, 9, 1, 8, 30), "01/09/2026 08:30:00"),  # noqa: DTZ001 - Vietnam time
    ],
)
def test_cells_become_what_a_person_would_type(batch: Batch, cell: object, text: str) -> None:
    batch.land(book(HEADER, ["1", "VL1", None, cell, "x"]), "xlsx")
    options = {"decimal": ",", "date_format": "%d/%m/%Y"}
    assert batch.read(FIELDS, options)[0]["Giá (đồng) (*)"] == text


def test_without_options_a_machine_would_read_it(batch: Batch) -> None:
    batch.land(book(HEADER, ["1", "VL1", None, 837.125, date(2026, 9, 1)]), "xlsx")
    assert cells(batch.read(FIELDS)) == [(2, "VL1", "837.125", "2026-09-01")]


def test_a_sheet_by_name(batch: Batch) -> None:
    batch.land(book(HEADER, ["1", "VL1"], sheet="Phụ lục"), "xlsx")
    assert len(batch.read(FIELDS, {"sheet": "Phụ lục"})) == 1
    with pytest.raises(ProviderError, match="cannot be read as a workbook"):
        batch.read(FIELDS, {"sheet": "Giá"})


def _bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(6):
            archive.writestr(f"xl/{part}.xml", bytes(100 * 2**20))
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        # Workbooks hold the time they were made at, which must not get into a test's name.
        pytest.param(book(*TABLE[:3]), "missing: Giá", id="no header"),
        pytest.param(book([*HEADER, "Mã"]), "twice: Mã", id="a name twice"),
        (b"PK\x03\x04 half a file", "cannot be read as a workbook"),
        (b"", "cannot be read as a workbook"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(batch: Batch, data: bytes, told: str) -> None:
    batch.land(data, "xlsx")
    with pytest.raises(ProviderError, match=told) as caught:
        batch.read(FIELDS)
    assert caught.value.where == "batch/files/00000.xlsx"


def test_a_bomb_is_not_unpacked(batch: Batch) -> None:
    batch.land(_bomb(), "xlsx")
    with pytest.raises(ProviderError, match="unpacks to 629145600 bytes"):
        batch.read(FIELDS)


def test_a_cell_far_away_ends_no_process(batch: Batch) -> None:
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active["A1"], made.active["XFD1048576"] = "Mã", "x"
    target = io.BytesIO()
    made.save(target)
    batch.land(target.getvalue(), "xlsx")
    with pytest.raises(ProviderError, match="more than 4 GiB") as caught:
        batch.read(["Mã"])
    assert "Ctrl+End" in caught.value.next_step


def test_unknown_options_are_refused(batch: Batch) -> None:
    batch.land(book(HEADER), "xlsx")
    with pytest.raises(ConfigurationError, match="`header`"):
        batch.read(FIELDS, {"header": 1})


SOUND = book(*TABLE)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.integers(0, len(SOUND) - 1),
    length=st.integers(0, 40),
    put=st.binary(max_size=40),
)
def test_a_spoilt_file_gives_rows_or_a_told_error(
    batch: Batch, place: int, length: int, put: bytes
) -> None:
    data = SOUND[:place] + put + SOUND[place + length :]
    assert batch.again(data, "xlsx").outcome(FIELDS)


CELLS = st.none() | st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs", "P"])) | (
    st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
) | st.dates(date(1901, 1, 1), date(2090, 1, 1))  # fmt: skip


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.lists(CELLS, max_size=5), max_size=6))
def test_any_cells_give_rows_or_a_told_error(batch: Batch, rows: list[list[Any]]) -> None:
    for row in batch.again(book(HEADER, *rows), "xlsx").read(FIELDS, {"header_row": 1}):
        assert any(row[field] for field in FIELDS)


def test_a_header_of_two_rows_and_titles_of_groups(batch: Batch) -> None:
    batch.land(
        book(
            ["DANH SÁCH XÃ"],
            ["TT", "Mới", None, None, "Cũ", None, "Ghi chú"],
            [None, "Tên", None, "Mã (*)", "Tên", "Mã"],
            ["I. Huyện Bát Xát"],
            [1, "Xã A", None, "02647", "Xã B", "02648", "x"],
            [2, None, None, None, "Xã C"],
            [3, None, None, "02649"],
            ["Nguồn: Sở Nội vụ"],
        ),
        "xlsx",
    )
    fields = ["Mới / Mã", "Mới / Tên", "Cũ / Mã", "Ghi chú"]
    options = {"header_rows": 2, "titles": True}
    for more in ({}, {"header_row": 2}):
        rows = batch.read(fields, {**options, **more})
        assert [(row["_line"], *(row[field] for field in fields)) for row in rows] == [
            (5, "02647", "Xã A", "02648", "x"),
            (7, "02649", None, None, None),
        ]
    # A row that has lost its key is no title; the field shows that it is kept.
    rows = batch.read(["Cũ / Tên"], {**options, "key": "Mới / Mã"})
    assert [row["Cũ / Tên"] for row in rows] == ["Xã B", "Xã C"]


def test_names_are_known_without_their_star(batch: Batch) -> None:
    batch.land(book(["Mã đơn vị (*)", "Tên đơn vị(*)"], ["1", "a"]), "xlsx")
    assert batch.read(["Mã đơn vị", "Tên đơn vị (*)"])[0]["Mã đơn vị"] == "1"
