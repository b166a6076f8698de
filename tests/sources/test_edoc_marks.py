"""Marks of state secrets: every way one was seen written is found, ordinary words are none."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from typing import Literal
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.edoc_marks import LEVELS, UNKNOWN, mark_in_entry, mark_in_message

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"


def message(fields: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><edXML xmlns="{NAMESPACE}" xmlns:e="{NAMESPACE}">'
        f"<e:edXMLEnvelope><e:edXMLHeader><e:MessageHeader>{fields}</e:MessageHeader>"
        "</e:edXMLHeader></e:edXMLEnvelope></edXML>"
    ).encode()


def level(name: str, text: str) -> str | None:
    found = mark_in_message(message(f"<e:{name}>{escape(text)}</e:{name}>"))
    return found.level if found else None


@pytest.mark.parametrize("name", ["Secret", "DoMat", "do_mat", "SecurityLevel", "MucDoMat"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mật", "Mật"), ("MẬT", "Mật"), ("MAT", "Mật"), ("mat", "Mật"), ("1 - Mật", "Mật"),
        ("Tối mật", "Tối mật"), ("TOI MAT", "Tối mật"), ("TOI_MAT", "Tối mật"),
        ("TUYỆT MẬT", "Tuyệt mật"), ("TuyetMat", "Tuyệt mật"), ("T U Y Ệ T  M Ậ T", "Tuyệt mật"),
        ("tuỵêt mật", "Tuyệt mật"),  # the tone on the other vowel
        ("1", UNKNOWN), ("C", UNKNOWN), ("Hạn chế", UNKNOWN),
        ("", None), ("0", None), ("Thường", None), ("BÌNH THƯỜNG", None), ("Không", None),
        ("khong mat", None),
    ],
)  # fmt: skip
def test_a_field_of_its_own(name: str, text: str, expected: str | None) -> None:
    assert level(name, text) == expected
    assert level(name, unicodedata.normalize("NFD", text)) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("SphereOfPromulgation", "MAT", "Mật"),
        ("SphereOfPromulgation", "Lưu hành nội bộ", None),
        ("TypeName", "Công văn (Mật)", "Mật"),
        ("TypeName", "Công văn", None),
        ("Priority", "Tối mật", "Tối mật"),
        ("Place", "Mật", "Mật"),
        ("Place", "Mat", None),
        ("Anything", "TUYET MAT", "Tuyệt mật"),
        ("Subject", "MẬT: Về việc bố trí lực lượng", "Mật"),
        ("Subject", "MẬT Về việc bố trí lực lượng", "Mật"),
        ("Subject", "  [Tối mật] Về việc", "Tối mật"),
        ("Subject", "Độ mật: Tuyệt mật. Về việc", "Tuyệt mật"),
        ("Subject", "Về việc bố trí lực lượng (Mật)", "Mật"),
        ("Subject", "(MAT) ve viec", "Mật"),
        ("Subject", "TOI MAT ve viec", "Tối mật"),
        ("Subject", "M\u200bẬ\u00adT - về việc", "Mật"),
        ("Subject", "MẬT:\u00a0về việc".encode().decode("cp437"), "Mật"),
        ("Subject", "MẬT: về".encode().decode("latin-1"), "Mật"),
        ("Content", "MẬT. Kèm theo", "Mật"),
        ("CodeNotation", "BC-UBND-MẬT", "Mật"),
        ("CodeNotation", "BC-UBND(TM)", UNKNOWN),
        ("DocumentId", "000.00.00.G22,2026/09/30,12/BC-BCA (Mật)", "Mật"),
        ("AttachmentName", "MẬT_ke_hoach.pdf", "Mật"),
        ("Subject", "MẬT BÁO CÁO tình hình", "Mật"),
        ("Subject", "MẬT DANH SÁCH cán bộ", "Mật"),
        ("Subject", "MẬT NGHỊ QUYẾT về", "Mật"),
        ("Subject", "MẬT Mã số đơn vị", "Mật"),
        ("AttachmentName", "Mật_độ_dân_số.xlsx", None),
        # Ordinary documents, which a province must not lose.
        ("Subject", "Mật độ dân số các xã năm 2026", None),
        ("Subject", "MẬT ĐỘ DÂN SỐ", None),
        ("Subject", "Mật ong và sản phẩm OCOP", None),
        ("Subject", "Mật mã dân sự", None),
        ("Subject", "Về việc bảo mật thông tin", None),
        ("Subject", "Triển khai Luật Bảo vệ bí mật nhà nước", None),
        ("Subject", "MAT TRAN TO QUOC hop thuong ky", None),
        ("Subject", "Mất điện diện rộng", None),
        ("Subject", "Mặt bằng dự án", None),
        ("Subject", "Tối nay họp", None),
        ("CodeNotation", "SCT-TM", None),
        ("CodeNotation", "UBND-VX", None),
        ("FullName", "Trần Thị Mật", None),
    ],
)  # fmt: skip
def test_other_fields(name: str, text: str, expected: str | None) -> None:
    assert level(name, text) == expected


def test_a_source_may_have_its_own_word_for_none() -> None:
    marked = message("<e:DoMat>1</e:DoMat>")
    assert mark_in_message(marked, ["2"]) is not None
    assert mark_in_message(marked, ["1"]) is None


def test_the_highest_level_counts_and_its_place_is_told() -> None:
    both = message("<e:Subject>MẬT: x</e:Subject><e:Secret>Tuyệt mật</e:Secret>")
    found = mark_in_message(both)
    assert found is not None
    assert (found.level, found.place) == ("Tuyệt mật", "Secret")


@pytest.mark.parametrize(
    "fields",
    [
        "<e:OtherInfo DoMat='Mật'/>",
        "<e:Security><e:Id>0</e:Id><e:Name>Mật</e:Name></e:Security>",
        "<e:Subject>M<!-- x -->ẬT: về việc</e:Subject>",
        "<e:Subject><e:b>M</e:b>ẬT: về việc</e:Subject>",
        "<e:Subject><![CDATA[MẬT]]>: về việc</e:Subject>",
        "<e:Subject>&#77;&#7852;&#84;: về việc</e:Subject>",
        f"<e:Subject>{' ' * 2000}MẬT: về việc</e:Subject>",
        f"<e:Subject>Về việc {'rất dài ' * 300}(Mật)</e:Subject>",
        "<e:DoMat><e:x/>Mật</e:DoMat>",
        "<e:OtherInfo><e:Priority>0</e:Priority>Mật</e:OtherInfo>",
    ],
)
def test_a_mark_in_disguise(fields: str) -> None:
    found = mark_in_message(message(fields))
    assert found is not None
    assert found.level == "Mật"


def test_security_of_another_standard_is_no_mark() -> None:
    soap = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    assert mark_in_message(message(f'<s:Security xmlns:s="{soap}">token</s:Security>')) is None


def test_the_payload_of_an_attachment_is_not_read() -> None:
    assert (
        mark_in_message(message("<e:ContentTransferEncoded>TUYETMAT</e:ContentTransferEncoded>"))
        is None
    )


MARKED = message("<e:Secret>Tối mật</e:Secret><e:Subject>kế hoạch</e:Subject>")


@pytest.mark.parametrize(
    "broken",
    [
        MARKED[:-40],
        b"\r\n--boundary\r\n" + MARKED,
        MARKED.replace(b' xmlns:e="', b' xmlns:f="'),
        MARKED.replace("kế".encode(), b"R&D"),
        MARKED.replace("kế".encode(), b"\xff"),
        MARKED.replace(b"<edXML ", b"<!DOCTYPE edXML [<!ENTITY x 'y'>]><edXML ", 1),
        MARKED.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    ],
)
def test_a_broken_message_does_not_hide_its_mark(broken: bytes) -> None:
    found = mark_in_message(broken)
    assert found is not None
    assert found.level == "Tối mật"


def test_what_has_too_many_fields_is_held_in_good_time() -> None:
    deep = "<e:Secret>" * 200 + "<x>0</x>" * 5000 + "</e:Secret>" * 200
    for fields in ("<x/>" * 60_000, deep, "<e:Subject>" * 200 + "x" + "</e:Subject>" * 200):
        started = time.monotonic()
        found = mark_in_message(message(fields))
        assert time.monotonic() - started < 5
        assert (found is None) == ("Subject" in fields)


def test_an_entry_of_a_list() -> None:
    plain = {"docId": "8f1c", "status": 1, "statusDesc": "Đã nhận", "title": "Về việc", "to": None}
    assert mark_in_entry(plain) is None
    assert mark_in_entry({**plain, "title": "MẬT: về việc"}) is not None
    assert mark_in_entry({**plain, "doMat": 1}) is not None
    assert mark_in_entry({**plain, "doMat": 0}) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_judged(data: bytes) -> None:
    mark_in_message(data)
    mark_in_message(b"<?xml version='1.0'?><a><Subject>" + data + b"</Subject></a>")


Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: list[Form] = ["NFC", "NFD", "NFKC", "NFKD"]


@settings(max_examples=150, deadline=None)
@given(
    shown=st.sampled_from(sorted(LEVELS.values())),
    form=st.sampled_from(FORMS),
    case=st.sampled_from([str.lower, str.upper, str.title]),
    blanks=st.text(" \t\u00a0\u200b", max_size=3),
    field=st.sampled_from(["DoMat", "Secret", "SphereOfPromulgation", "Subject", "TypeName"]),
)
def test_no_writing_of_a_level_gets_through(
    shown: str, form: Form, case: Callable[[str], str], blanks: str, field: str
) -> None:
    text = unicodedata.normalize(form, blanks + case(shown) + blanks)
    assert level(field, text) == shown
