"""Messages are edXML as real systems write it, and the flawed ones are flawed as announced."""

from __future__ import annotations

import base64
import io
import uuid
import zipfile

import pytest
from lxml import etree

from hub.sandbox import edxml
from hub.sandbox.documents import Message
from hub.sandbox.province import Province

UNREADABLE = {"truncated", "undeclared_prefix", "bare_ampersand"}
REFUSED = {*UNREADABLE, "external_entity"}


def parse(message: Message) -> etree._Element:
    """Parse strictly, from the declaration on."""
    body = edxml.write(message)
    return etree.fromstring(body[body.index(b"<?xml") :])


def texts(root: etree._Element, name: str) -> list[str]:
    """Return the texts of all elements of a local name."""
    return [str(found.text or "") for found in root.iter("{*}" + name)]


def test_sound_messages_parse_and_say_what_they_should(day_zero: Province) -> None:
    for message in day_zero.axis.messages:
        if message.flaw in REFUSED:
            continue
        root = parse(message)
        assert etree.QName(root).localname == "edXML"
        cells = message.fields
        if message.kind == "status":
            assert not texts(root, "To")
            assert texts(root, "StatusCode") == [cells["status_code"]]
            assert texts(root, "Timestamp") == [cells["timestamp"]]
        else:
            assert texts(root, "BussinessDocType") == [cells["bussiness_doc_type"]]
            assert texts(root, "TyperNotation") == ["VT"]
            assert texts(root, "CodeNumber") == [cells["code_number"]]
            assert texts(root, "Subject") == [cells["subject"].replace("\r", "\n")]
            assert len(texts(root, "To")) == len(message.receivers)


def test_a_few_documents_are_marked_as_state_secrets_and_are_no_rows(day_zero: Province) -> None:
    secret = [message for message in day_zero.axis.messages if message.secret]
    assert len(secret) == 3
    for message in secret:
        assert message.secret is not None
        element, level = message.secret
        (text,) = texts(parse(message), element)
        assert text.startswith(level)
        assert message.truth is None
        assert day_zero.ledger.secrets[message.doc_id] in edxml.write(message).decode()
    assert day_zero.ledger.secrets.keys() == {message.doc_id for message in secret}


def test_the_order_of_the_header_is_not_stable(day_zero: Province) -> None:
    orders = {
        tuple(etree.QName(child).localname for child in next(root.iter("{*}MessageHeader")))
        for root in (parse(m) for m in day_zero.axis.messages[:60] if not m.flaw)
    }
    assert len(orders) > 10


def test_attachments_are_zips_with_one_member_named_by_a_uuid(day_zero: Province) -> None:
    zipped = 0
    for message in day_zero.axis.messages:
        if message.flaw in REFUSED:
            continue
        payloads = texts(parse(message), "ContentTransferEncoded")
        assert len(payloads) == message.files
        for payload in payloads:
            data = base64.b64decode(payload)
            damaged = b"\xef\xbf\xbd" in data
            assert damaged == (message.flaw == "damaged_attachment")
            if data.startswith(b"PK"):
                (member,) = zipfile.ZipFile(io.BytesIO(data)).namelist()
                uuid.UUID(member)
                zipped += 1
            else:
                assert data.startswith(b"%PDF")
    assert zipped > 50


def test_unreadable_messages_cannot_be_parsed(day_zero: Province) -> None:
    flawed = [message for message in day_zero.axis.messages if message.flaw in UNREADABLE]
    assert {message.flaw for message in flawed} == UNREADABLE
    for message in flawed:
        with pytest.raises(etree.XMLSyntaxError):
            parse(message)
    junk = [m for m in day_zero.axis.messages if m.flaw == "junk_before_declaration"]
    assert junk
    assert all(not edxml.write(message).startswith(b"<?xml") for message in junk)


def test_one_message_tries_to_read_a_file_of_the_reader(day_zero: Province) -> None:
    (message,) = (m for m in day_zero.axis.messages if m.flaw == "external_entity")
    body = edxml.write(message)
    assert b"<!ENTITY leak SYSTEM" in body
    assert b"<edXML:Subject>&leak; " in body
