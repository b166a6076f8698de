"""Signatures: right ones are told from wrong ones, and from those that cover something else."""

from __future__ import annotations

import re
import socket
from typing import Any, NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from hub.errors import ConfigurationError
from tests.warehouse.readers.conftest import Batch
from tests.warehouse.readers.signing import (
    AUTHORITY,
    DSIG,
    OUTDATED,
    SENT,
    STRANGER,
    issue,
    message,
    signed,
)  # fmt: skip
from warehouse.readers import edxml
from warehouse.readers.signature import (
    NONE,
    PARTIAL,
    STATES,
    TRUSTED,
    UNCHECKED,
    UNKNOWN_SIGNER,
    WRONG,
)  # fmt: skip
from warehouse.readers.unreadable import UnreadableError

FILE = "<Attachment><AttachmentName>tep.pdf</AttachmentName></Attachment>"
DATA = message(header=' Id="header"', files=FILE)
ALL = ["#header", "#trace", "#files"]
FAKE = "<e:MessageHeader><e:Subject>Chuyển tiền</e:Subject></e:MessageHeader>"


def state(data: bytes, trusted: str = AUTHORITY.pem, sent: str = SENT) -> str | None:
    return edxml.message(data, trusted_ca=trusted, sent=sent)["signature"]


def test_no_signature() -> None:
    found = edxml.message(DATA)
    assert (found["signature"], found["signature_method"]) == (NONE, None)


@pytest.mark.parametrize("uri", [None, ALL])
def test_a_right_one_of_a_trusted_authority(uri: list[str] | None) -> None:
    data = signed(DATA, uri=uri)
    assert state(data) == TRUSTED
    assert edxml.message(data)["signature_method"] == "ecdsa-sha256"


def test_without_an_authority_the_signer_is_not_known() -> None:
    assert state(signed(DATA), trusted="") == UNKNOWN_SIGNER
    assert state(signed(DATA, STRANGER)) == UNKNOWN_SIGNER


def test_an_authority_in_between() -> None:
    between = issue("CA trung gian", AUTHORITY, ca=True)
    pair = issue("Sở thử nghiệm", between)
    assert state(signed(DATA, pair, chain=(between,))) == TRUSTED
    assert state(signed(DATA, pair)) == UNKNOWN_SIGNER


def test_a_certificate_is_judged_as_of_when_the_message_was_sent() -> None:
    assert state(signed(DATA, OUTDATED), sent="2026/01/15 08:00:00") == TRUSTED
    assert state(signed(DATA, OUTDATED), sent=SENT) == UNKNOWN_SIGNER
    assert state(signed(DATA, OUTDATED), sent="hôm qua") == UNKNOWN_SIGNER


def test_a_change_behind_the_signature() -> None:
    data = signed(DATA)
    assert state(data.replace("đất đai".encode(), "đất đồi".encode())) == WRONG
    assert state(data.replace(b">0<", b">1<")) == WRONG
    assert state(data.replace(b"tep.pdf", b"khac.pdf")) == WRONG
    value = re.sub(rb"(<ds:SignatureValue>)(.)", lambda m: m[1] + b"A" * (m[2] != b"A"), data)
    assert state(value) == WRONG


def test_parts_that_are_not_signed() -> None:
    header_only = signed(DATA, uri=["#header"])
    assert state(header_only) == PARTIAL
    assert state(header_only.replace(b"tep.pdf", b"khac.pdf")) == PARTIAL
    assert state(signed(DATA, uri=["#header", "#trace"])) == PARTIAL
    assert state(signed(DATA, uri=["#trace", "#files"])) == WRONG


def moved(data: bytes, *, first: bool) -> bytes:
    """Move the signed header into a wrapper, and put one of the attacker's in its place.

    Done on the text, since a parser would write prefixes anew, and the digest would tell.
    """
    header = re.search(rb"<e:MessageHeader .*</e:MessageHeader>", data)
    assert header is not None
    wrapper = b"<Wrapper>" + header[0] + b"</Wrapper>"
    data = data.replace(header[0], FAKE.encode())
    if first:
        return data.replace(b"</edXML>", wrapper + b"</edXML>")
    return data.replace(b"<e:edXMLEnvelope>", wrapper + b"<e:edXMLEnvelope>")


def test_the_signed_header_moved_aside() -> None:
    data = moved(signed(DATA, uri=ALL), first=True)
    assert edxml.message(data)["subject"] == "Chuyển tiền"
    assert state(data) == WRONG


def test_the_signed_header_moved_in_front_is_still_what_is_read() -> None:
    data = moved(signed(DATA, uri=ALL), first=False)
    assert edxml.message(data)["subject"] == "Về việc đất đai"
    assert state(data) == TRUSTED


def test_a_second_header_before_the_signed_one() -> None:
    data = signed(DATA, uri=ALL).replace(
        b"<e:MessageHeader Id=", FAKE.encode() + b"<e:MessageHeader Id="
    )
    assert edxml.message(data)["subject"] == "Chuyển tiền"
    assert state(data) == WRONG


@pytest.mark.parametrize("spelt", ["Id", "ID", "id", "xml:id"])
def test_an_id_that_occurs_twice(spelt: str) -> None:
    data = signed(DATA, uri=ALL)
    twin = FAKE.replace("<e:MessageHeader>", f'<e:MessageHeader {spelt}="header">').encode()
    assert state(data.replace(b"<e:MessageHeader Id=", twin + b"<e:MessageHeader Id=")) == WRONG


def test_a_header_inside_the_signature_itself() -> None:
    """An enveloped signature does not cover what stands within it."""
    data = signed(message(where="before"))
    assert state(data) == TRUSTED
    inside = f'<ds:Object xmlns:e="x">{FAKE}</ds:Object></ds:Signature>'.encode()
    data = data.replace(b"</ds:Signature>", inside)
    assert edxml.message(data)["subject"] == "Chuyển tiền"
    assert state(data) == WRONG


def test_sha1_is_verified_and_told() -> None:
    old = issue("Cũ", AUTHORITY, key=rsa.generate_private_key(65537, 2048))
    data = signed(DATA, old, method=SignatureMethod.RSA_SHA1, digest=DigestAlgorithm.SHA1)
    assert state(data) == TRUSTED
    assert edxml.message(data)["signature_method"] == "rsa-sha1"
    data = signed(DATA, old, method=SignatureMethod.RSA_SHA256, digest=DigestAlgorithm.SHA1)
    assert edxml.message(data)["signature_method"] == "rsa-sha256+sha1"
    assert state(data.replace("đất đai".encode(), b"x")) == WRONG


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"xmldsig#enveloped-signature", b"xmldsig#base64"),
        (b"http://www.w3.org/2000/09/xmldsig#enveloped-signature",
         b"http://www.w3.org/TR/1999/REC-xpath-19991116"),
        (b'URI=""', b'URI="cid:209"'),
        (b'URI=""', b'URI="http://127.0.0.1:9/x"'),
        (b'URI=""', b'URI="#xpointer(/)"'),
        (b'URI=""', b'URI="#nowhere"'),
        (b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#ecdsa-sha999"),
        (b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#hmac-sha256"),
        (b"<ds:SignedInfo>", b"<ds:SignedInfo><x/>"),
        (f' xmlns:ds="{DSIG}"'.encode(), b' xmlns:ds="urn:none"'),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_told_so(
    old: bytes, new: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> NoReturn:
        pytest.fail("something was fetched")

    monkeypatch.setattr(socket.socket, "connect", refused)
    data = signed(DATA)
    assert old in data
    assert state(data.replace(old, new, 1)) == UNCHECKED


def test_many_references_are_not_followed() -> None:
    data = signed(DATA)
    reference = re.search(rb"<ds:Reference .*</ds:Reference>", data)
    assert reference is not None
    assert state(data.replace(reference[0], reference[0] * 9)) == UNCHECKED


@pytest.mark.parametrize("sent", ["0001/01/01 00:00:00", "9999/12/31 23:59:59", "", "x"])
def test_a_time_that_cannot_be(sent: str) -> None:
    assert state(signed(DATA), sent=sent) in {TRUSTED, UNKNOWN_SIGNER}


def test_two_signatures_are_left_to_people() -> None:
    data = signed(DATA)
    signature = re.search(rb"<ds:Signature.*</ds:Signature>", data, re.DOTALL)
    assert signature is not None
    twice = data.replace(b"</edXML>", signature[0] + b"</edXML>")
    assert state(twice) == UNCHECKED


def test_an_empty_element_is_no_signature() -> None:
    assert state(DATA.replace(b"</e:edXMLHeader>", b"<Signature/></e:edXMLHeader>")) == NONE


def test_junk_before_the_declaration_is_not_part_of_it() -> None:
    assert state(b"\r\n--boundary\r\n" + signed(DATA)) == TRUSTED


def test_the_reader_takes_the_authorities_of_the_definition(batch: Batch) -> None:
    batch.land(signed(DATA), "edxml", note={"docId": "1", "createdTime": SENT})
    fields = ["doc_id", "signature", "signature_method"]
    (row,) = batch.read(fields, {"trusted_ca": AUTHORITY.pem})
    assert (row["signature"], row["signature_method"]) == (TRUSTED, "ecdsa-sha256")
    (row,) = batch.read(fields)
    assert row["signature"] == UNKNOWN_SIGNER


def test_an_authority_that_is_no_certificate(batch: Batch) -> None:
    batch.land(DATA, "edxml")
    with pytest.raises(ConfigurationError, match="no certificate that can be read"):
        batch.read(["signature"], {"trusted_ca": "-----BEGIN CERTIFICATE-----\nx"})


SOUND = signed(DATA)
GOOD = {TRUSTED, UNKNOWN_SIGNER}


@settings(deadline=None, max_examples=200)
@given(
    place=st.integers(0, len(SOUND) - 1),
    length=st.integers(0, 30),
    put=st.binary(max_size=20) | st.sampled_from([b"<", b"<x/>", b"<!--x-->", b"<?x y?>", b"0"]),
)
def test_a_spoilt_message_never_passes_with_other_words(
    place: int, length: int, put: bytes
) -> None:
    try:
        found = edxml.message(
            SOUND[:place] + put + SOUND[place + length :], trusted_ca=AUTHORITY.pem, sent=SENT
        )
    except UnreadableError:
        return
    assert found["signature"] in STATES
    if found["signature"] in GOOD:
        whole = edxml.message(SOUND)
        assert {k: v for k, v in found.items() if not k.startswith("signature")} == {
            k: v for k, v in whole.items() if not k.startswith("signature")
        }
