"""CSV: header by name, all cells text, a slipped line never loads and never disappears."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, ProviderError
from tests.warehouse.readers.conftest import Batch

FIELDS = ["Mã", "Tên"]


def test_bom_line_ends_and_blanks_in_names(batch: Batch) -> None:
    text = '\ufeff"Mã ", Thừa ,"Tên\n"\r\n007,x,"Bát ""Xát"", \r\nxã"\r\n,,\r\n8,,\r\n'
    batch.land(text.encode(), "csv")
    rows = batch.read(FIELDS)
    assert [(row["Mã"], row["Tên"]) for row in rows] == [
        ("007", 'Bát "Xát", \nxã'), (None, None), ("8", None),
    ]  # fmt: skip


def test_semicolons_title_rows_and_other_encodings(batch: Batch) -> None:
    text = "Danh sách;;\n;;\nTên;Mã;\nHà Giang;1;\n"
    batch.land(text.encode("utf-16"), "csv")
    rows = batch.read(FIELDS, {"delimiter": ";", "header_row": 3, "encoding": "utf-16"})
    assert [(row["Mã"], row["Tên"], row["_line"]) for row in rows] == [("1", "Hà Giang", 4)]


def test_several_files_are_numbered_on(batch: Batch) -> None:
    batch.land("Mã,Tên\n1,a\n".encode(), "csv")
    batch.land("Tên,Mã\nb,2\n".encode(), "csv")
    assert [(row["Mã"], row["Tên"]) for row in batch.read(FIELDS)] == [("1", "a"), ("2", "b")]


def test_a_slipped_line_is_a_row_without_cells(batch: Batch) -> None:
    batch.land("Mã,Tên\n1,a\n2\n3,b,c\n4,d\n".encode(), "csv")
    rows = batch.read(FIELDS)
    assert [(row["_line"], row["Mã"]) for row in rows] == [(2, "1"), (3, "4"), (3, None), (4, None)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("Mã,Ten\n1,a\n".encode(), "missing: Tên; not known: Ten"),
        ("Mã,Tên,Mã\n1,a,2\n".encode(), "twice: Mã"),
        (b"", "missing: Mã, Tên; not known: none"),
        (b"\xff\xfe\x00\x00", "the file is not utf-8"),
        ('Mã,Tên\n1,"a\n2,b\n'.encode(), "line 2 of the CSV cannot be read"),
        ("Mã,Tên\n1,a\n".encode() + b"2,\xff\n", "(cannot be read|is not utf-8)"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(batch: Batch, data: bytes, told: str) -> None:
    batch.land(data, "csv")
    with pytest.raises(ProviderError, match=told) as caught:
        batch.read(FIELDS)
    assert caught.value.where == "batch/files/00000.csv"


def test_unknown_options_are_refused(batch: Batch) -> None:
    batch.land("Mã,Tên\n".encode(), "csv")
    with pytest.raises(ConfigurationError, match="`delimter`"):
        batch.read(FIELDS, {"delimter": ";"})


@pytest.mark.parametrize("first", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("second", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("inner", ["\n", "\r\n", "\r"])
def test_no_mix_of_line_ends_loses_a_row(batch: Batch, first: str, second: str, inner: str) -> None:
    lines = ["Mã", f',"Tên{inner}"', first, f'1,"a{inner}b"', second, "2,c", first, "3,d"]
    batch.land("".join(lines).encode(), "csv")
    assert [row["Mã"] for row in batch.read(FIELDS)] == ["1", "2", "3"]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff"), max_size=12)


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=st.lists(st.tuples(CELLS, CELLS), max_size=20))
def test_any_table_arrives_as_it_was(batch: Batch, table: list[tuple[str, str]]) -> None:
    target = io.StringIO(newline="")
    writer = csv.writer(target, quoting=csv.QUOTE_ALL)
    writer.writerows([FIELDS, *table])
    rows = batch.again(target.getvalue().encode(), "csv").read(FIELDS)

    def lines(text: str | None) -> str:
        return (text or "").replace("\r\n", "\n").replace("\r", "\n")

    found = [(lines(row["Mã"]), lines(row["Tên"])) for row in rows]
    assert found == [(lines(code), lines(name)) for code, name in table]


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.lists(st.sampled_from(list('Mã,Tên;"\n\r\t 12\x00')), max_size=60).map("".join))
def test_any_bytes_give_rows_or_a_told_error(batch: Batch, data: str) -> None:
    assert batch.again("Mã,Tên\n".encode() + data.encode(), "csv").outcome(FIELDS)
