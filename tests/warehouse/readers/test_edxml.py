"""edXML: fields by local name, attachments by their bytes, hostile messages refused one by one."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError
from tests.warehouse.readers.conftest import Batch
from warehouse.readers import attachments, edxml
from warehouse.readers.edxml import full_number, message
from warehouse.readers.unreadable import UnreadableError

PDF = b"%PDF-1.4\n% an invented page\n%%EOF\n"
NOTE = {"docId": "8f1c", "createdTime": "2026/09/01 08:00:00", "updatedTime": "2026/09/02 08:00:00"}


def packed(*members: tuple[str, bytes]) -> bytes:
    """Return a ZIP."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


def document(
    *payloads: bytes, namespace: str = "http://www.mic.gov.vn/TBT/QCVN_102_2016", trace: str = ""
) -> bytes:
    """Return a document, its parts in an order of its own."""
    files = "".join(
        f"<Attachment><AttachmentName> tep {n}.pdf</AttachmentName>"
        f"<e:ContentTransferEncoded>{base64.encodebytes(data).decode()}</e:ContentTransferEncoded>"
        "</Attachment>"
        for n, data in enumerate(payloads, 1)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{namespace}" xmlns:e="{namespace}"><e:edXMLEnvelope><e:edXMLHeader>
 <e:MessageHeader>
  <e:Subject>Về việc <![CDATA[R&D]]> &amp; đất đai<!-- chú thích --></e:Subject>
  <e:To><e:OrganId>000.00.01.H63</e:OrganId><e:OrganName>Sở A</e:OrganName></e:To>
  <e:To><e:OrganId> 000.00.02.H63 </e:OrganId></e:To><e:To/>
  <e:Code><e:CodeNumber>7816</e:CodeNumber><e:CodeNotation>VPCP-TTĐT</e:CodeNotation></e:Code>
  <e:DocumentId>000.00.00.G22,2015/09/30,7816/VPCP-TTĐT</e:DocumentId>
  <e:PromulgationInfo><e:Place>Hà Nội</e:Place>
   <e:PromulgationDate>2015/09/30</e:PromulgationDate></e:PromulgationInfo>
  <e:SignerInfo><e:FullName>  Trần Mẫu</e:FullName></e:SignerInfo>
  <e:OtherInfo><e:Priority>0</e:Priority><e:PageAmount>2</e:PageAmount></e:OtherInfo>
  <e:ResponseFor/>
  <e:From><e:OrganId>000.00.00.G22</e:OrganId><e:OrganName>VPCP</e:OrganName></e:From>
 </e:MessageHeader><e:TraceHeaderList>{trace}</e:TraceHeaderList>
</e:edXMLHeader></e:edXMLEnvelope><AttachmentEncoded>{files}</AttachmentEncoded></edXML>""".encode()


STATUS = """<edXML xmlns="http://www.e-doc.vn/Schema/"><MessageHeader>
<From><OrganId>000.00.01.H63</OrganId></From>
<ResponseFor><OrganId>000.00.00.G22</OrganId><Code>7816/VPCP-TTĐT</Code>
<PromulgationDate>2015/09/30</PromulgationDate><DocumentId>X</DocumentId></ResponseFor>
<StaffInfo><Department>Văn thư</Department><Staff>Mẫu</Staff><Mobile>0600000001</Mobile></StaffInfo>
<StatusCode>03</StatusCode><Description/><Timestamp>2026/09/01 09:00:00</Timestamp>
</MessageHeader></edXML>""".encode()


def test_a_document() -> None:
    found = message(document())
    assert found["subject"] == "Về việc R&D & đất đai"
    assert found["organ_id"] == "000.00.00.G22"
    assert found["to_organ_ids"] == "000.00.01.H63;000.00.02.H63"
    assert found["document_id"] == "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"
    assert found["so_ky_hieu"] == "7816/VPCP-TTĐT"
    assert found["promulgation_date"] == "2015/09/30"
    assert found["signer_name"] == "  Trần Mẫu"
    assert found["page_amount"] == "2"
    assert found["due_date"] is None
    assert found["bussiness_doc_type"] is None
    assert (found["attachment_count"], found["attachment_damaged"]) == ("0", "0")


def test_a_document_that_answers_several() -> None:
    answers = b"".join(
        b"<e:ResponseFor><e:DocumentId>%s</e:DocumentId></e:ResponseFor>" % one
        for one in (b"A", b"B")
    )
    found = message(document().replace(b"<e:ResponseFor/>", b"<e:ResponseFor/>" + answers))
    assert found["response_document_ids"] == "A;B"
    assert message(document())["response_document_ids"] == ""


def test_any_namespace_or_none() -> None:
    for namespace in ("http://www.e-doc.vn/Schema/", "http://www.go.vn/eDoc"):
        assert message(document(namespace=namespace))["organ_name"] == "VPCP"
    assert (
        message(STATUS.replace(b' xmlns="http://www.e-doc.vn/Schema/"', b""))["status_code"] == "03"
    )


def test_a_status_message() -> None:
    found = message(STATUS)
    assert found["organ_id"] == "000.00.01.H63"
    assert found["response_code"] == "7816/VPCP-TTĐT"
    assert found["response_document_id"] == "X"
    assert (found["staff_name"], found["staff_phone"]) == ("Mẫu", "0600000001")
    assert (found["status_code"], found["description"]) == ("03", "")
    assert found["timestamp"] == "2026/09/01 09:00:00"


def test_business() -> None:
    trace = """<e:TraceHeader><e:Timestamp>2026/09/01 08:00:00</e:Timestamp></e:TraceHeader>
    <e:Bussiness><e:DocumentId>A</e:DocumentId><e:BussinessDocType>2</e:BussinessDocType>
    <e:BussinessDocReason>Bổ sung</e:BussinessDocReason><e:BussinessDocumentInfo><e:ReceiverList>
    <e:Receiver><e:OrganId>H1</e:OrganId><e:ReceiverType>1</e:ReceiverType></e:Receiver>
    <e:Receiver><e:OrganId>H2</e:OrganId><e:ReceiverType>1</e:ReceiverType></e:Receiver>
    <e:Receiver><e:OrganId>H3</e:OrganId><e:ReceiverType>0</e:ReceiverType></e:Receiver>
    </e:ReceiverList></e:BussinessDocumentInfo><e:ReplacementInfoList>
    <e:ReplacementInfo><e:DocumentId>B</e:DocumentId></e:ReplacementInfo>
    <e:ReplacementInfo><e:DocumentId>C</e:DocumentId></e:ReplacementInfo>
    </e:ReplacementInfoList></e:Bussiness>"""
    found = message(document(trace=trace))
    assert found["bussiness_doc_type"] == "2"
    assert found["bussiness_document_id"] == "A"
    assert found["receivers_added"] == "H1;H2"
    assert found["receivers_removed"] == "H3"
    assert found["replaced_document_ids"] == "B;C"


@pytest.mark.parametrize(
    ("number", "notation", "full"),
    [
        ("7816", "VPCP-TTĐT", "7816/VPCP-TTĐT"),
        ("60", "2022/NQ-HĐND", "60/2022/NQ-HĐND"),
        ("51", "NQ/TU", "51-NQ/TU"),
        (" 51 ", " NQ / TU ", "51-NQ / TU"),
        ("", "NQ/TU", "NQ/TU"),
        ("5", None, "5"),
        (None, None, None),
    ],
)
def test_number_and_notation(number: str | None, notation: str | None, full: str | None) -> None:
    assert full_number(number, notation) == full


def test_attachments_are_judged_by_their_bytes() -> None:
    word = packed(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>"))
    found = message(document(packed(("8f1c-uuid", PDF)), PDF, word, packed(("x", word))))
    assert found["attachment_count"] == "4"
    assert found["attachment_types"] == "pdf;pdf;docx;docx"
    assert found["attachment_names"] == "tep 1.pdf;tep 2.pdf;tep 3.pdf;tep 4.pdf"
    assert found["attachment_bytes"] == str(2 * len(PDF) + 2 * len(word))
    digests = str(found["attachment_sha256"]).split(";")
    assert digests[0] == digests[1] == hashlib.sha256(PDF).hexdigest()
    assert found["attachment_damaged"] == "0"


@pytest.mark.parametrize(
    "payload",
    [
        (b"%PDF-1.4\n" + bytes(range(128, 256))).decode("utf-8", "replace").encode(),
        packed(("a.pdf", b"%PDF \xef\xbf\xbd\xef\xbf\xbd")),
        packed(("a.pdf", PDF))[:-30],
        packed(("a.docx", packed(("word/x.xml", b"<x/>"))[:-30])),
        b"",
    ],
)
def test_a_damaged_attachment(payload: bytes) -> None:
    assert message(document(PDF, payload))["attachment_damaged"] == "1"


def test_one_replacement_character_may_be_chance() -> None:
    assert message(document(PDF + b"\xef\xbf\xbd"))["attachment_damaged"] == "0"


def test_no_base64_is_damage() -> None:
    data = document(PDF).replace(b"JVBER", b"*VBER")
    assert message(data)["attachment_damaged"] == "1"


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "LARGEST", 3 * 2**20)
    bomb = packed(("x", bytes(2**21)))
    assert message(document(bomb))["attachment_bytes"] == str(2**21)
    with pytest.raises(UnreadableError, match="lớn hơn 3 MiB"):
        message(document(bomb, bomb))


ENTITY = b'<!DOCTYPE edXML [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
LAUGHS = b'<!DOCTYPE edXML [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "XML không hợp lệ"),
        (b"{}", "XML không hợp lệ"),
        (b"<html><body>503</body></html>", "không có phần MessageHeader"),
        (document()[:900], "XML không hợp lệ"),
        (document().replace(b' xmlns:e="', b' xmlns:f="'), "XML không hợp lệ"),
        (document().replace("Về".encode(), b"R&D"), "XML không hợp lệ"),
        (document().replace("Về".encode(), b"V\xff"), "XML không hợp lệ"),
        (document().replace(b"<edXML ", ENTITY + b"<edXML ", 1), "DOCTYPE"),
        (
            document().replace(b"<edXML ", ENTITY + b"<edXML ", 1).replace(b"7816<", b"&x;<"),
            "DOCTYPE",
        ),
        (
            document().replace(b"<edXML ", LAUGHS + b"<edXML ", 1).replace(b"7816<", b"&b;<"),
            "DOCTYPE",
        ),
        (b"<?xml version='1.0'?>" + b"<a>" * 5000, "XML không hợp lệ"),
        (b"x" * (edxml.LARGEST + 1), "lớn hơn 64 MiB"),
    ],
)
def test_what_is_refused_and_why(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why) as caught:
        message(data)
    assert "7816" not in str(caught.value)


@pytest.mark.parametrize("junk", [b"\xef\xbb\xbf", b"\r\n--boundary\r\n\r\n", b"\x00\xff <a>"])
def test_junk_before_the_declaration(junk: bytes) -> None:
    assert message(junk + document())["organ_name"] == "VPCP"


def test_a_bad_message_stops_no_other(batch: Batch) -> None:
    batch.land(document(), "edxml", rows=1, note=NOTE)
    batch.land(document()[:900], "edxml", rows=1, note={**NOTE, "docId": "8f1d"})
    batch.land(STATUS, "edxml", rows=1)
    rows = batch.read(["doc_id", "updated_time", "organ_id", "error"])
    assert [(row["doc_id"], row["organ_id"]) for row in rows] == [
        ("8f1c", "000.00.00.G22"), ("8f1d", None), (None, "000.00.01.H63"),
    ]  # fmt: skip
    assert [row["error"] is None for row in rows] == [True, False, True]
    assert rows[1]["updated_time"] == "2026/09/02 08:00:00"


def test_there_are_no_options(batch: Batch) -> None:
    batch.land(document(), "edxml")
    with pytest.raises(ConfigurationError, match="`recover`"):
        batch.read(["doc_id"], {"recover": True})


SOUND = document(packed(("uuid", PDF)))


@settings(deadline=None, max_examples=150)
@given(
    place=st.integers(0, len(SOUND) - 1),
    length=st.integers(0, 60),
    put=st.binary(max_size=30) | st.sampled_from([b"<", b"&", b"]]>", b"<!--", b"<?xml", b"\x00"]),
)
def test_a_spoilt_message_is_read_or_refused(place: int, length: int, put: bytes) -> None:
    try:
        found = message(SOUND[:place] + put + SOUND[place + length :])
    except UnreadableError:
        return
    assert found["attachment_damaged"] in {"0", "1"}


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_any_bytes_give_a_row_each(batch: Batch, data: list[bytes]) -> None:
    batch.files.clear()
    for one in data:
        batch.land(one, "edxml", note=NOTE)
    assert [row["doc_id"] for row in batch.read(["doc_id", "error"])] == ["8f1c"] * len(data)
