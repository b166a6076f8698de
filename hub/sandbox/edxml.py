"""Write a message as the edXML that real systems exchange, misspellings and all.

Data flow: a :class:`~hub.sandbox.documents.Message` -> :func:`write` -> the bytes of ``getEdoc``.
Form of QCVN 102:2016 as seen in samples (facts 2.1 to 2.5): ``Bussiness``, ``TyperNotation``,
``ContentTransferEncoded``, dates ``yyyy/MM/dd``, no stable order in the header, attachments as
base64 of a ZIP with one member named by a UUID, a status message without ``To``. The bytes follow
from the message alone, so asking twice gives the same.

Run it alone: ``python -m hub.sandbox.edxml`` prints a document and a status message.

What does not belong here: which messages there are (``documents``), which are spoilt (``dirt``).
"""

from __future__ import annotations

import base64
import io
import sys
import zipfile
from random import Random
from uuid import UUID
from xml.sax.saxutils import escape

from hub.sandbox.documents import Axis, Message

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
JUNK = "ï»¿\r\n".encode()
"""A byte-order mark that went through the wrong encoding."""


def write(message: Message) -> bytes:
    """Return the XML of a message."""
    rng = Random(message.doc_id)
    head = _status(message) if message.kind == "status" else _document(rng, message)
    files = [attachment(message, index) for index in range(1, message.files + 1)]
    names = [text for text in message.fields.get("attachment_names", "").split(";") if text]
    body = _manifest(names) if message.kind == "edoc" else ""
    envelope = (
        f'<edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}">'
        f"<edXML:edXMLHeader>{head}</edXML:edXMLHeader>{body}</edXML:edXMLEnvelope>"
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="{NAMESPACE}">{envelope}'
        f"{_attachments(names, files)}</edXML>"
    )
    return _spoil(message.flaw, text)


def content(message: Message, index: int) -> bytes:
    """Return the file that an attachment carries: a small PDF that says it is synthetic."""
    rng = Random(f"{message.doc_id}/{index}")
    file = b"%PDF-1.4\n% synthetic\n" + rng.randbytes(rng.randrange(800, 4000)) + b"\n%%EOF\n"
    if message.flaw == "damaged_attachment":
        # What a program does that reads bytes as text: every invalid byte becomes U+FFFD.
        return file.decode("utf-8", "replace").encode()
    # Seven bits, and no compression below: a sound file must not hold those bytes by chance.
    return bytes(byte & 0x7F for byte in file)


def attachment(message: Message, index: int) -> bytes:
    """Return the payload of an attachment: a ZIP of its file, or now and then the file itself."""
    file = content(message, index)
    rng = Random(f"{message.doc_id}/{index}/zip")
    if message.flaw == "damaged_attachment" or rng.random() < 0.03:
        return file
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        member = zipfile.ZipInfo(str(UUID(int=rng.getrandbits(128), version=4)))
        archive.writestr(member, file)
    return target.getvalue()


def _spoil(flaw: str, text: str) -> bytes:
    """Break the file as a whole, if that is this message's flaw (facts 2.5)."""
    if flaw == "junk_before_declaration":
        return JUNK + text.encode()
    if flaw == "truncated":
        return text.encode()[: len(text) // 2]
    if flaw == "undeclared_prefix":
        return text.replace(f' xmlns:edXML="{NAMESPACE}"', "").encode()
    if flaw == "bare_ampersand":
        return text.replace("<edXML:Subject>", "<edXML:Subject>R&D ").encode()
    if flaw == "external_entity":
        declared = '?>\n<!DOCTYPE edXML [<!ENTITY leak SYSTEM "file:///etc/hostname">]>\n'
        spoilt = text.replace("<edXML:Subject>", "<edXML:Subject>&leak; ")
        return spoilt.replace("?>\n", declared, 1).encode()
    return text.encode()


def _tag(element: str, text: str) -> str:
    """Write ``<edXML:element>text</edXML:element>``; the text is escaped."""
    return f"<edXML:{element}>{escape(text)}</edXML:{element}>"


def _wrap(element: str, inner: str) -> str:
    return f"<edXML:{element}>{inner}</edXML:{element}>"


def _organ(element: str, code: str, organ: str) -> str:
    return _wrap(
        element,
        _tag("OrganId", code)
        + _tag("OrganizationInCharge", "")
        + _tag("OrganName", organ)
        + _tag("OrganAdd", "")
        + _tag("Email", "")
        + _tag("Telephone", "")
        + _tag("Fax", "")
        + _tag("Website", ""),
    )


def _document(rng: Random, message: Message) -> str:
    """Write header and trace of a document; the order of the parts is not stable (facts 2.2)."""
    cells = message.fields
    secret = dict([message.secret]) if message.secret else {}
    receivers = zip(cells["to_organ_ids"].split(";"), cells["to_names"].split(";"), strict=True)
    parts = [
        _organ("From", cells["organ_id"], cells["organ_name"]),
        "".join(_organ("To", code, organ) for code, organ in receivers),
        _tag("DocumentId", cells["document_id"]) if cells["document_id"] else "",
        _wrap(
            "Code",
            _tag("CodeNumber", cells["code_number"]) + _tag("CodeNotation", cells["code_notation"]),
        ),
        _wrap(
            "PromulgationInfo",
            _tag("Place", cells["place"]) + _tag("PromulgationDate", cells["promulgation_date"]),
        ),
        _wrap(
            "DocumentType",
            _tag("Type", cells["document_type"])
            + _tag("TypeDetail", "0")
            + _tag("TypeName", cells["type_name"]),
        ),
        _tag("Subject", cells["subject"]),
        _tag("Content", cells["content"]),
        _wrap(
            "SignerInfo",
            _tag("Competence", cells["signer_competence"])
            + _tag("Position", cells["signer_position"])
            + _tag("FullName", cells["signer_name"]),
        ),
        _tag("DueDate", cells["due_date"]),
        _wrap("ToPlaces", _tag("Place", "Như trên") + _tag("Place", "Lưu: VT")),
        _wrap(
            "OtherInfo",
            _tag("Priority", cells["priority"])
            + _tag("SphereOfPromulgation", secret.get("SphereOfPromulgation", ""))
            + (_tag("Secret", secret["Secret"]) if "Secret" in secret else "")
            + _tag("TyperNotation", "VT")
            + _tag("PromulgationAmount", "12")
            + _tag("PageAmount", cells["page_amount"])
            + _tag("Direction", "false")
            + _wrap("Appendixes", _tag("Appendix", "")),
        ),
        "<edXML:ResponseFor/>" if rng.random() < 0.1 else "",
        _tag("SteeringType", cells["steering_type"]),
    ]
    rng.shuffle(parts)
    return _wrap("MessageHeader", "".join(parts)) + _trace(rng, message)


def _trace(rng: Random, message: Message) -> str:
    """Write who passed the message on, and what business it is (facts 2.3)."""
    cells = message.fields
    organ = _tag("OrganId", cells["organ_id"]) if rng.random() > 0.05 else ""
    header = _wrap("TraceHeader", organ + _tag("Timestamp", message.created))
    related = cells["bussiness_document_id"]
    business = (_tag("DocumentId", related) if related else "") + (
        _tag("BussinessDocType", cells["bussiness_doc_type"])
        + _tag("BussinessDocReason", cells["bussiness_reason"])
        + _tag("Paper", "0")
    )
    receivers = "".join(
        _wrap("Receiver", _tag("OrganId", code) + _tag("ReceiverType", kind))
        for kind, codes in (("1", cells["receivers_added"]), ("0", cells["receivers_removed"]))
        for code in codes.split(";")
        if code
    )
    if receivers:
        business += _wrap(
            "BussinessDocumentInfo",
            _tag("DocumentInfo", "1")
            + _tag("DocumentReceiver", "1")
            + _wrap("ReceiverList", receivers),
        )
    business += _wrap(
        "StaffInfo",
        _tag("Department", "Văn thư") + _tag("Staff", "") + _tag("Email", "") + _tag("Mobile", ""),
    )
    if cells["replaced_document_ids"]:
        organs = _wrap("OrganIdList", "".join(_tag("OrganId", code) for code in message.receivers))
        business += _wrap(
            "ReplacementInfoList",
            _wrap("ReplacementInfo", _tag("DocumentId", cells["replaced_document_ids"]) + organs),
        )
    return _wrap("TraceHeaderList", header + _wrap("Bussiness", business))


def _status(message: Message) -> str:
    """Write a status message: no ``To``, the code as one text (facts 2.4)."""
    cells = message.fields
    reply = (
        _tag("OrganId", cells["response_organ_id"])
        + _tag("Code", cells["response_code"])
        + _tag("PromulgationDate", cells["response_date"])
        + _tag("DocumentId", cells["response_document_id"])
    )
    staff = (
        _tag("Department", cells["staff_department"])
        + _tag("Staff", cells["staff_name"])
        + _tag("Email", cells["staff_email"])
        + _tag("Mobile", cells["staff_phone"])
    )
    return _wrap(
        "MessageHeader",
        _organ("From", cells["organ_id"], cells["organ_name"])
        + (_wrap("ResponseFor", reply) if cells["response_document_id"] else "<edXML:ResponseFor/>")
        + _wrap("StaffInfo", staff)
        + _tag("StatusCode", cells["status_code"])
        + _tag("Description", cells["description"])
        + _tag("Timestamp", cells["timestamp"]),
    )


def _manifest(names: list[str]) -> str:
    """List the attachments in the body."""
    references = "".join(
        _wrap(
            "Reference",
            _tag("ContentId", f"cid:{208 + index}")
            + _tag("ContentType", "application/pdf")
            + _tag("Description", "")
            + _tag("AttachmentName", name),
        )
        for index, name in enumerate(names, 1)
    )
    manifest = f'<edXML:edXMLManifest version="1.0">{references}</edXML:edXMLManifest>'
    return _wrap("edXMLBody", manifest)


def _attachments(names: list[str], files: list[bytes]) -> str:
    """Write the payloads; these elements carry no prefix, the content does."""
    if not files:
        return ""
    items = "".join(
        f"<Attachment><ContentId>cid:{208 + index}</ContentId>"
        f"<AttachmentName>{escape(name)}</AttachmentName><Description/>"
        "<ContentType>application/pdf</ContentType>"
        f'<edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}">'
        f"{base64.b64encode(data).decode()}</edXML:ContentTransferEncoded></Attachment>"
        for index, (name, data) in enumerate(zip(names, files, strict=True), 1)
    )
    return f"<AttachmentEncoded>{items}</AttachmentEncoded>"


if __name__ == "__main__":
    for kind in ("edoc", "status"):
        first = next(message for message in Axis(1, 2_000).messages if message.kind == kind)
        sys.stdout.write(write(first).decode() + "\n\n")
