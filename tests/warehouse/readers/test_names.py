"""The fields that a batch has, by each reader: what it names, it can read."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.warehouse.readers.conftest import Batch
from tests.warehouse.readers.test_xlsx import book
from warehouse.readers.batch import reader_of

PAGE = b'{"a":1,"b":{"c":2}}\n{"d":null,"a":3}\n'
EDXML = b"<edXML><MessageHeader><DocumentId>1</DocumentId></MessageHeader></edXML>"


def parquet() -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"Mã": ["1"], "số": [2]}), target)
    return target.getvalue()


def names(batch: Batch, options: dict[str, object] | None = None) -> list[str]:
    reader = reader_of(batch.files[0].media)
    found: list[str] = reader.names(batch.connection, batch.path, batch.files, options or {})
    return found


def test_objects_name_every_key_once_in_the_order_in_which_they_come(batch: Batch) -> None:
    assert names(batch.again(PAGE, "ndjson", rows=2)) == ["a", "b", "d"]
    assert names(batch.again(b"\xef\xbb\xbf" + PAGE + b"[1]\nhalf {", "ndjson")) == ["a", "b", "d"]
    whole = b'{"x":[' + PAGE.replace(b"\n", b",").rstrip(b",") + b"]}"
    assert names(batch.again(whole, "json"), {"records": "x"}) == ["a", "b", "d"]


def test_a_csv_names_what_stands_once_in_every_header(batch: Batch) -> None:
    batch.land("Bảng,,\nMã,Tên,,Tên 2,x,x\n".encode(), "csv")
    assert names(batch, {"header_row": 2}) == ["Mã", "Tên", "Tên 2"]
    batch.land("Bảng,\nTên,Mã\n".encode(), "csv")
    assert names(batch, {"header_row": 2}) == ["Mã", "Tên"]


def test_a_workbooks_header_is_the_first_of_its_fullest_rows(batch: Batch) -> None:
    data = book(
        ["BẢNG TỔNG HỢP"], ["Đơn vị tính: đồng", None, "Tháng 9"], [],
        ["STT", "Mã  số", "Giá (*)"], [1, "A1", 5], [2, "A2", None], ["Ghi chú: tạm tính"],
    )  # fmt: skip
    batch.land(data, "xlsx")
    assert names(batch) == ["STT", "Mã số", "Giá (*)"]
    assert names(batch, {"header_row": 2}) == ["Đơn vị tính: đồng", "Tháng 9"]


def test_xml_names_paths_and_attributes(batch: Batch) -> None:
    data = "<a><r ma='1'><Ten>x</Ten><D><!-- c --><Xa v='2'>y</Xa></D></r><r><Moi/></r></a>"
    batch.land(data.encode(), "xml")
    assert names(batch, {"record": "r"}) == ["@ma", "Ten", "D/Xa/@v", "D/Xa", "Moi"]


def test_parquet_and_edxml(batch: Batch) -> None:
    assert names(batch.again(parquet(), "parquet")) == ["Mã", "số"]
    found = names(batch.again(b"no XML", "edxml"))
    assert found == ["doc_id", "created_time", "updated_time", "error"]
    found = names(batch.again(EDXML, "edxml"))
    assert {"document_id", "attachment_count"} < set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("data", "media", "options"),
    [
        (PAGE, "ndjson", {}),
        ("Mã,Tên\n1,x\n".encode(), "csv", {}),
        (book(["T"], ["Mã", "Tên"], ["1", "x"]), "xlsx", {}),
        (b"<a><r m='1'><T>x</T></r></a>", "xml", {"record": "r"}),
        (parquet(), "parquet", {}),
        (EDXML, "edxml", {}),
    ],
)
def test_what_a_reader_names_it_can_read(
    batch: Batch, data: bytes, media: str, options: dict[str, object]
) -> None:
    batch.land(data, media)  # type: ignore[arg-type]  # one of the media
    rows = batch.read(names(batch, options), options)
    assert any(value not in {None, ""} for row in rows for value in list(row.values())[3:])
