"""Workbooks of the format before 2007: read as the newer ones are, whatever is in them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ProviderError
from sources.filetypes import require
from tests.warehouse.readers.conftest import Batch
from tests.warehouse.readers.test_xlsx import FIELDS, HEADER, TABLE, book, cells
from tests.warehouse.readers.xls import xls


def test_the_same_table_gives_the_same_rows(batch: Batch) -> None:
    batch.land(book(*TABLE), "xlsx")
    found = cells(batch.read(FIELDS))
    assert len(found) == 3
    batch.again(xls(*TABLE), "xls")
    require("xls", (batch.path / batch.files[0].name).read_bytes())
    assert cells(batch.read(FIELDS)) == found


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1837, "1837"),
        (837.125, "837,125"),
        (True, "true"),
        ("007", "007"),
        (date(2026, 9, 1), "01/09/2026"),
        (None, None),
    ],
)
def test_cells_become_what_a_person_would_type(
    batch: Batch, cell: object, text: str | None
) -> None:
    batch.land(xls(HEADER, ["1", "VL1", None, cell, "x"]), "xls")
    options = {"decimal": ",", "date_format": "%d/%m/%Y"}
    assert batch.read(FIELDS, options)[0]["Giá (đồng) (*)"] == text


@pytest.mark.parametrize("data", [b"", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", xls(HEADER)[:2000]])
def test_what_is_no_workbook_is_told(batch: Batch, data: bytes) -> None:
    batch.land(data, "xls")
    with pytest.raises(ProviderError, match="cannot be read as a workbook") as caught:
        batch.read(FIELDS)
    assert caught.value.where == "batch/files/00000.xls"


def far(row: int, column: int) -> bytes:
    """Return a workbook whose last cell says that it stands elsewhere."""
    data = xls(["Mã", "Tên"], ["1", "z"])
    place = data.rindex(b"\x04\x02")
    return (
        data[: place + 4]
        + row.to_bytes(2, "little")
        + column.to_bytes(2, "little")
        + data[place + 8 :]
    )


def test_a_cell_far_away_ends_no_process(batch: Batch) -> None:
    batch.land(far(1, 1), "xls")
    assert batch.read(["Mã", "Tên"])[0]["Tên"] == "z"
    batch.again(far(65_000, 65_000), "xls")
    with pytest.raises(ProviderError, match="more than 4 GiB") as caught:
        batch.read(["Mã", "Tên"])
    assert caught.value.where == "batch/files/00001.xls"


SOUND = xls(*TABLE)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    # Bytes of the head, of the records, of the folder and of the table of sectors.
    place=st.integers(0, 1500) | st.integers(len(SOUND) - 1024, len(SOUND) - 1),
    length=st.integers(0, 20),
    put=st.binary(max_size=20),
    keep_length=st.booleans(),
)
def test_a_spoilt_file_gives_rows_or_a_told_error(
    batch: Batch, place: int, length: int, put: bytes, *, keep_length: bool
) -> None:
    length = len(put) if keep_length else length
    data = SOUND[:place] + put + SOUND[place + length :]
    assert batch.again(data, "xls").outcome(FIELDS)
