"""XML files of records: elements by local name, hostile files refused whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError
from tests.warehouse.readers.conftest import Batch

OPTIONS = {"record": "HoSo"}
DATA = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Ngày --><d:Ds xmlns:d="urn:a" xmlns="urn:b"><Dau><Ma>0</Ma></Dau>
<HoSo ma="007" d:loai="x"><Ten> Bát <b>Xát</b><!-- ? -->!</Ten><DiaChi huyen="1"><Xa>A</Xa></DiaChi>
  <DiaChi huyen="2"><Xa>B &amp; C</Xa><Xa><![CDATA[<svg onload="x"/>]]></Xa></DiaChi></HoSo>
<Nhom><d:HoSo ma=""><Ten/></d:HoSo></Nhom><HoSo>chữ</HoSo></d:Ds>"""
FIELDS = ["@ma", "@loai", "Ten", "DiaChi/@huyen", "DiaChi/Xa", "."]


def test_records_by_local_name_and_fields_by_path(batch: Batch) -> None:
    batch.land(DATA.encode(), "xml")
    rows = batch.read(FIELDS, OPTIONS)
    assert [tuple(row[field] for field in FIELDS[:-1]) for row in rows] == [
        ("007", "x", " Bát Xát!", "1;2", 'A;B & C;<svg onload="x"/>'),
        ("", None, "", None, None),
        (None, None, None, None, None),
    ]
    assert [row["_line"] for row in rows] == [1, 2, 3]
    assert rows[2]["."] == "chữ"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1258"])
def test_the_file_says_its_encoding(batch: Batch, encoding: str) -> None:
    said = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{said}"?><a><HoSo><Ten>B\xe1t</Ten></HoSo></a>'
    batch.land(text.encode(encoding), "xml")
    assert batch.read(["Ten"], OPTIONS)[0]["Ten"] == "Bát"


def test_a_file_without_records(batch: Batch) -> None:
    batch.land(b"<Ds/>", "xml")
    assert batch.read(["Ten"], OPTIONS) == []
    batch.land(b"<Ds><Khac><Ten>1</Ten></Khac></Ds>", "xml")
    with pytest.raises(ProviderError, match=r"no element HoSo \(it has Ten, Khac, Ds\)") as caught:
        batch.read(["Ten"], OPTIONS)
    assert caught.value.where == "batch/files/00001.xml"


ENTITY = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (f"{ENTITY}<a><HoSo>&x;</HoSo></a>", "has a DOCTYPE"),
        (f'{LAUGHS}<a b="&b;"><HoSo>&b;</HoSo></a>', "has a DOCTYPE"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a><HoSo/></a>', "has a DOCTYPE"),
        ("<a><HoSo>7816</HoSo>", "not well-formed"),
        ("<a><HoSo>7816</HoSo></b>", "not well-formed"),
        ("<a><HoSo>&x;</HoSo></a>", "not well-formed"),
        ("<a><HoSo><HoSo>1</HoSo></HoSo></a>", "a HoSo stands within a HoSo"),
        ("<a><HoSo>" + "<b>" * 9000, "not well-formed"),
        ("", "not well-formed"),
        ('<?xml version="1.0" encoding="khong-co"?><a/>', "not well-formed|encoding"),
        ("<a><HoSo/></a><HoSo/>", "not well-formed"),
    ],
)
def test_what_is_refused_and_why(batch: Batch, data: str, told: str) -> None:
    batch.land(data.encode(), "xml")
    with pytest.raises(ProviderError, match=told) as caught:
        batch.read(["Ten"], OPTIONS)
    assert "7816" not in str(caught.value)
    assert caught.value.where == "batch/files/00000.xml"


@pytest.mark.parametrize("options", [{}, {"record": "a/b"}, {"record": "HoSo", "huge": True}])
def test_options_are_checked(batch: Batch, options: dict[str, object]) -> None:
    batch.land(b"<a/>", "xml")
    with pytest.raises(ConfigurationError, match="reader option"):
        batch.read(["Ten"], options)


PEAK = """
import resource, sys
from pathlib import Path
from warehouse.readers.xml import elements
found = sum(len(element) for _, element in elements(Path(sys.argv[1]), "HoSo"))
print(found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        file = tmp_path / f"{count}.xml"
        file.write_text("<a>" + ("<HoSo><Ten>" + "x" * 980 + "</Ten></HoSo>\n") * count + "</a>")
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(file)], capture_output=True, check=True, text=True
        )
        found, kib = map(int, done.stdout.split())
        assert found == count
        return kib

    # 40 MB more of file, less than a quarter of that in memory.
    assert peak(41_000) - peak(1_000) < 10_000


def test_many_records_are_all_stored_in_order(batch: Batch) -> None:
    count = 45_000
    rows = "".join(f"<HoSo><Ten>{n}</Ten></HoSo>" for n in range(count))
    batch.land(f"<a>{rows}</a>".encode(), "xml")
    assert [row["Ten"] for row in batch.read(["Ten"], OPTIONS)] == [str(n) for n in range(count)]


SOUND = DATA.encode()


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.integers(0, len(SOUND)),
    length=st.integers(0, 40),
    put=st.binary(max_size=20) | st.sampled_from([b"<HoSo>", b"&", b"]]>", b"<!--", b"\x00"]),
    tail=st.just(0) | st.integers(0, len(SOUND)),
)
def test_a_spoilt_file_is_read_or_refused(
    batch: Batch, place: int, length: int, put: bytes, tail: int
) -> None:
    data = SOUND[:place] + put + SOUND[place + length :]
    data = data[: len(data) - tail]
    batch.again(data, "xml")
    try:
        rows = batch.read(FIELDS, OPTIONS)
    except HubError:
        return
    assert data.rstrip().endswith(b">")
    assert len(rows) <= data.count(b"HoSo")


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=80))
def test_any_bytes_are_refused(batch: Batch, data: bytes) -> None:
    assert batch.again(b"<a>" + data, "xml").outcome(["Ten"], OPTIONS) != "rows"
