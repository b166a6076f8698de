"""Pages of JSON objects: every line is a row, whatever is in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, InternalError, ProviderError
from tests.warehouse.readers.conftest import Batch

LINES = [
    b'{"Ma":"H38","Ten":"B\xc3\xa1t X\xc3\xa1t","So":"007"}',
    b'{"Ma":7,"So":12345678901234567890123,"Ten":{"a":[1,null]},"Khac":1}',
    b'{"Ten":null,"Ma":true}',
    b"[1,2]",
    b'{"Ma":',
    b'{"Ma":"\xff"}',
    b'{"Ma":"\\ud800"}',
    b'"H38"',
    b"{}",
    b'{"Ma":"","Ten":" x "}',
]


def test_cells_are_text_and_a_broken_line_is_a_row(batch: Batch) -> None:
    batch.land(b"\n".join(LINES[:4]) + b"\n", "ndjson", rows=4)
    batch.land(b"\n".join(LINES[4:]) + b"\n", "ndjson")
    rows = batch.read(["Ma", "So", "Ten"])
    assert [(row["Ma"], row["So"], row["Ten"]) for row in rows] == [
        ("H38", "007", "Bát Xát"),
        ("7", "12345678901234567890123", '{"a":[1,null]}'),
        ("true", None, None),
        *[(None, None, None)] * 6,
        ("", None, " x "),
    ]
    assert [(row["_file"][-12:], row["_line"]) for row in rows] == [
        *(("00000.ndjson", line) for line in range(1, 5)),
        *(("00001.ndjson", line) for line in range(1, 7)),
    ]


def test_a_file_that_somebody_else_wrote(batch: Batch) -> None:
    data = b'\xef\xbb\xbf{"Ma":"1"}\r\n\r\n \n{"Ma":"2"}\n{"Ma":"3'
    batch.land(data, "ndjson")
    batch.land(b'\n{"Ma":"4"}', "ndjson")
    batch.land(b" \n", "ndjson")
    # The half line at the end is a row without cells, for the contract to reject.
    assert [row["Ma"] for row in batch.read(["Ma"])] == ["1", "2", None, "4"]
    batch.again(b"", "ndjson")
    assert batch.read(["Ma"]) == []


def test_fields_may_have_any_name(batch: Batch) -> None:
    batch.land(b'{"Gi\xc3\xa1 (\xc4\x91\xe1\xbb\x93ng) *":"5","it\'s":"1"}\n', "ndjson", rows=1)
    assert batch.read(["Giá (đồng) *", "it's"])[0]["it's"] == "1"


def test_lost_rows_are_noticed(batch: Batch) -> None:
    batch.land(b'{"Ma":"1"}\n', "ndjson", rows=2)
    with pytest.raises(InternalError, match="1 rows came from pages of 2 records"):
        batch.read(["Ma"])


def test_a_record_too_large_is_told(batch: Batch) -> None:
    batch.land(b'{"Ma":"' + b"x" * (34 * 2**20) + b'"}\n', "ndjson", rows=1)
    with pytest.raises(ProviderError, match="cannot be read"):
        batch.read(["Ma"])


def test_there_are_no_options(batch: Batch) -> None:
    batch.land(b'{"Ma":"1"}\n', "ndjson", rows=1)
    with pytest.raises(ConfigurationError, match="`delimiter`"):
        batch.read(["Ma"], {"delimiter": ","})


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(TEXTS, min_size=1, max_size=20))
def test_any_text_arrives_as_it_was(batch: Batch, texts: list[str]) -> None:
    data = b"".join(json.dumps({"Ma": text}).encode() + b"\n" for text in texts)
    assert [row["Ma"] for row in batch.again(data, "ndjson", rows=len(texts)).read(["Ma"])] == texts


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(st.sampled_from([*LINES, b"", b" ", b"\x00", b"\xef\xbb\xbf", b"{}{}", b"{"])),
    put=st.binary(max_size=20),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_every_line_that_is_not_blank_is_a_row(
    batch: Batch, lines: list[bytes], put: bytes, end: bytes
) -> None:
    data = end.join([*lines, put.replace(b"\n", b"").replace(b"\r", b"")])
    wanted = sum(bool(line.strip()) for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"))
    batch.again(data, "ndjson")
    assert len(batch.read(["Ma"])) == wanted
