"""edXML messages, one a file -> ``stg.main.tho``: documents and status messages alike.

Data flow: a message's bytes -> hardened parser (:func:`parsed`) -> header, business and response
by local name, since prefixes and namespaces differ from system to system (domain notes 2.1 to
2.4) -> attachments (``attachments``) and signature (``signature``) -> one row; who sent it when
comes from the transport's list (``LandedFile.note``). A message that cannot be read becomes a row
with its transport facts and ``error``, so that its sender is told; it never stops the others.

Run it alone: ``python -m warehouse.readers.edxml message.xml`` prints the fields of a message.

What does not belong here: repairing XML (a message read wrongly is worse than one refused).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from lxml import etree

from sources.landing import LandedFile
from sources.safe_xml import options as safe_options
from sources.spec import Strict
from warehouse.attachment_store import Store
from warehouse.readers.attachments import described
from warehouse.readers.options import Record, checked
from warehouse.readers.options import store as store_rows
from warehouse.readers.signature import authorities, examined
from warehouse.readers.unreadable import UnreadableError

KEEPS_FILES = True
"""This reader takes a ``store`` for the files inside its records."""
LARGEST = 64 * 2**20
"""Bytes of a message; base64 of attachments included."""

_NOTES = {"doc_id": "docId", "created_time": "createdTime", "updated_time": "updatedTime"}
_YEAR = re.compile(r"\s*(?:19|20)\d{2}\s*/")
Cells = dict[str, str | None]


class Options(Strict):
    """What a message does not say itself."""

    trusted_ca: str = ""
    """Certificates of the authorities whose signatures are trusted, as PEM text. They are public,
    so they stand in the definition; a change has everything judged anew."""


def read(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    fields: Sequence[str],
    options: Mapping[str, Any],
    *,
    store: Store | None = None,
) -> None:
    """Fill ``stg.main.tho``, one row per message; attachments go into the store."""
    trusted = checked(Options, options).trusted_ca
    authorities(trusted)  # a mistake there is told before a message needs it
    store_rows(connection, fields, _records(batch_path, files, store, trusted))


def names(
    _connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    options: Mapping[str, Any],
) -> list[str]:
    """Return the fields that a message has; every one has the same."""
    trusted = checked(Options, options).trusted_ca
    records = _records(batch_path, files, None, trusted)
    found = dict.fromkeys(name for _, _, cells in records for name in cells)
    return [*_NOTES, *(name for name in found if name not in {*_NOTES, "error"}), "error"]


def message(
    data: bytes, store: Store | None = None, *, trusted_ca: str = "", sent: str | None = None
) -> Cells:
    """Return the fields of one message; its attachments are kept if there is a store.

    Args:
        data: The message.
        store: Where attachments are kept.
        trusted_ca: Authorities whose signatures are trusted, as PEM text.
        sent: When it entered the axis, as the axis writes it.

    Raises:
        UnreadableError: It is no edXML; the text says why, in Vietnamese, without a value.
    """
    root = parsed(data)
    header = _first(root, "MessageHeader")
    if header is None:
        raise UnreadableError("không có phần MessageHeader")
    sender = _child(header, "From")
    code = _child(header, "Code")
    number, notation = _text(code, "CodeNumber"), _text(code, "CodeNotation")
    issued = _child(header, "PromulgationInfo")
    kind = _child(header, "DocumentType")
    signer = _child(header, "SignerInfo")
    other = _child(header, "OtherInfo")
    response = _child(header, "ResponseFor")
    staff = _child(header, "StaffInfo")
    return {
        "document_id": _text(header, "DocumentId"),
        "organ_id": _text(sender, "OrganId"),
        "organ_name": _text(sender, "OrganName"),
        "to_organ_ids": _joined(_text(to, "OrganId") for to in _children(header, "To")),
        "code_number": number,
        "code_notation": notation,
        "so_ky_hieu": full_number(number, notation),
        "place": _text(issued, "Place"),
        "promulgation_date": _text(issued, "PromulgationDate"),
        "document_type": _text(kind, "Type"),
        "type_name": _text(kind, "TypeName"),
        "subject": _text(header, "Subject"),
        "content": _text(header, "Content"),
        "signer_competence": _text(signer, "Competence"),
        "signer_position": _text(signer, "Position"),
        "signer_name": _text(signer, "FullName"),
        "due_date": _text(header, "DueDate"),
        "priority": _text(other, "Priority"),
        "steering_type": _text(header, "SteeringType"),
        "page_amount": _text(other, "PageAmount"),
        "response_document_id": _text(response, "DocumentId"),
        "response_document_ids": _joined(
            _text(answered, "DocumentId") for answered in _children(header, "ResponseFor")
        ),
        "response_organ_id": _text(response, "OrganId"),
        "response_code": _text(response, "Code"),
        "response_date": _text(response, "PromulgationDate"),
        "status_code": _text(header, "StatusCode"),
        "description": _text(header, "Description"),
        "staff_department": _text(staff, "Department"),
        "staff_name": _text(staff, "Staff"),
        "staff_phone": _text(staff, "Mobile"),
        "staff_email": _text(staff, "Email"),
        "timestamp": _text(header, "Timestamp"),
        **_business(root),
        **examined(root, _from_declaration(data), trusted_ca, sent),
        **described(
            (
                (_text(item, "AttachmentName") or "", _text(item, "ContentTransferEncoded") or "")
                for holder in _every(root, "AttachmentEncoded")
                for item in _children(holder, "Attachment")
            ),
            store,
        ),
    }


def parsed(data: bytes) -> etree._Element:
    """Parse a message: no DTD, no entities, no network; bytes before the declaration are skipped.

    Raises:
        UnreadableError: It is too large, has a DTD, or is not well-formed.
    """
    if len(data) > LARGEST:
        raise UnreadableError(f"thông điệp lớn hơn {LARGEST // 2**20} MiB")
    data = _from_declaration(data)
    try:
        root = etree.fromstring(data, etree.XMLParser(**safe_options(data)))
    except etree.XMLSyntaxError as error:
        # Only code and line: libxml2's sentences may quote the message.
        code = getattr(error, "code", 0)
        raise UnreadableError(f"XML không hợp lệ (lỗi {code}, dòng {error.lineno})") from None
    except ValueError:
        raise UnreadableError("XML không hợp lệ (bảng mã)") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableError("thông điệp có DOCTYPE, không được phép")
    return root


def _from_declaration(data: bytes) -> bytes:
    """Return a message without the junk that some systems send before it."""
    return data[max(data.find(b"<?xml"), 0) :]


def full_number(number: str | None, notation: str | None) -> str | None:
    """Put number and notation together: ``7816/VPCP-TTĐT``, but ``51-NQ/TU`` for the Party's.

    A notation that itself has a slash is the Party's, unless it begins with the year that legal
    normative documents carry (``60`` and ``2022/NQ-HĐND``; domain notes 1.6).
    """
    if not number or not notation:
        return number or notation
    party = "/" in notation and not _YEAR.match(notation)
    return f"{number.strip()}{'-' if party else '/'}{notation.strip()}"


def _records(
    batch_path: Path, files: Sequence[LandedFile], store: Store | None, trusted: str
) -> Iterator[Record]:
    for file in files:
        note: Cells = {field: file.note.get(key) for field, key in _NOTES.items()}
        try:
            data = (batch_path / file.name).read_bytes()
            cells = message(data, store, trusted_ca=trusted, sent=note["created_time"])
        except UnreadableError as error:
            cells = {"error": str(error)}
        yield file.name, 1, {**cells, **note}


def _business(root: etree._Element) -> Cells:
    """Read what the message does to documents: nothing new, recall, update, replace."""
    found = _first(root, "Bussiness")  # the standard's own spelling
    business = found if found is not None else _first(root, "Business")
    receivers = {"0": "receivers_removed", "1": "receivers_added"}
    changed: dict[str, list[str | None]] = {field: [] for field in receivers.values()}
    for receiver in _every(business, "Receiver"):
        field = receivers.get((_text(receiver, "ReceiverType") or "").strip())
        if field:
            changed[field].append(_text(receiver, "OrganId"))
    return {
        "bussiness_doc_type": _text(business, "BussinessDocType"),
        "bussiness_document_id": _text(business, "DocumentId"),
        "bussiness_reason": _text(business, "BussinessDocReason"),
        "replaced_document_ids": _joined(
            _text(info, "DocumentId") for info in _every(business, "ReplacementInfo")
        ),
        **{field: _joined(ids) for field, ids in changed.items()},
    }


def _named(element: etree._Element, name: str) -> bool:
    """Say whether an element has this local name, whatever its namespace."""
    return element.tag.rpartition("}")[2] == name


def _every(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    if element is not None:
        yield from (item for item in element.iter() if _named(item, name))


def _first(element: etree._Element | None, name: str) -> etree._Element | None:
    return next(_every(element, name), None)


def _children(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    if element is not None:
        yield from (item for item in element if _named(item, name))


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    return next(_children(element, name), None)


def _text(element: etree._Element | None, name: str) -> str | None:
    """Return the text of a child, None if there is no such child."""
    child = _child(element, name)
    return None if child is None else (child.text or "")


def _joined(texts: Iterator[str | None] | list[str | None]) -> str:
    return ";".join(text.strip() for text in texts if text and text.strip())


def main() -> int:
    """Print the fields of one message, or why it cannot be read."""
    try:
        cells = message(Path(sys.argv[1]).read_bytes())
    except UnreadableError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.writelines(f"{name}: {text}\n" for name, text in cells.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
