"""Attachments of an edXML message: what they really are; the sound ones are kept.

Data flow: name and base64 of each attachment -> bytes -> unpacked if they are the usual ZIP of one
member (domain notes 2.5), up to a limit -> kind by magic bytes, size, SHA-256 -> the
``attachment_*`` fields, several joined by ``;``; the file itself into the store
(``warehouse.attachment_store``), under its digest. What the sender says of a file's type is not
believed.

A file is damaged if it holds a run of EF BF BD: somebody read its bytes as text and every byte
that was no text became U+FFFD, for ever. One alone may be chance, two in a row are not.

Run it alone: ``pytest tests/warehouse/readers/test_edxml.py``.

What does not belong here: XML, where files lie.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from warehouse.attachment_store import Store
from warehouse.readers.unreadable import UnreadableError

LARGEST = 256 * 2**20
"""Bytes of all attachments of a message after unpacking."""

_CHUNK = 2**20
_DAMAGE = b"\xef\xbf\xbd\xef\xbf\xbd"
_MAGIC = (
    (b"%PDF", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"{\\rtf", "rtf"),
    (b"<?xml", "xml"),
)
_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError,
    OverflowError, struct.error,
)  # fmt: skip
"""What the library raises for archives that are damaged in their many ways."""
_OFFICE = (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx"))


@dataclass(frozen=True, slots=True)
class _File:
    kind: str
    size: int
    sha256: str
    damaged: bool


def described(
    attachments: Iterable[tuple[str, str]], store: Store | None = None
) -> dict[str, str | None]:
    """Return the ``attachment_*`` fields of a message.

    Args:
        attachments: Name and base64 of each.
        store: Where the sound ones are kept.

    Raises:
        UnreadableError: Together they unpack to more than the limit.
    """
    names: list[str] = []
    files: list[_File] = []
    left = LARGEST
    for name, encoded in attachments:
        file = _examined(encoded, left, store)
        left -= file.size
        names.append(" ".join(name.split()))
        files.append(file)
    return {
        "attachment_count": str(len(files)),
        "attachment_bytes": str(sum(file.size for file in files)),
        "attachment_names": ";".join(names),
        "attachment_types": ";".join(file.kind for file in files),
        "attachment_sha256": ";".join(file.sha256 for file in files),
        "attachment_damaged": "1" if any(file.damaged for file in files) else "0",
    }


def _examined(encoded: str, limit: int, store: Store | None) -> _File:
    """Decode, unpack, examine and keep one attachment."""
    try:
        payload = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return _File("", 0, "", damaged=True)
    damaged = not payload or _DAMAGE in payload
    content, kind = payload, _kind(payload)
    if kind == "zip" and not damaged:
        try:
            content, kind = _unpacked(payload, limit)
        except _BROKEN_ZIP:
            damaged = True
        except RuntimeError:
            kind = "zip"  # it needs a password: sound, but closed
    if len(content) > limit:
        raise _too_large()
    damaged = damaged or _DAMAGE in content
    digest = hashlib.sha256(content).hexdigest()
    if store is not None and not damaged:
        store.keep(content, digest)
    return _File(kind, len(content), digest, damaged)


def _kind(content: bytes) -> str:
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), "khac")


def _unpacked(payload: bytes, limit: int) -> tuple[bytes, str]:
    """Return the only member of a ZIP; one of several members is a file in its own right."""
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            return payload, _archive_kind(members)
        content = bytearray()
        # The size that the archive states is not believed; what comes out is counted.
        with archive.open(members[0]) as member:
            while chunk := member.read(_CHUNK):
                content += chunk
                if len(content) > limit:
                    raise _too_large()
    inner = bytes(content)
    kind = _kind(inner)
    if kind == "zip":  # a new Office document is an archive too; nothing more is unpacked
        with zipfile.ZipFile(io.BytesIO(inner)) as archive:
            kind = _archive_kind(archive.infolist())
    return inner, kind


def _archive_kind(members: Iterable[zipfile.ZipInfo]) -> str:
    """Return which Office document an archive is by its parts, or just ``zip``."""
    names = [member.filename for member in members]
    return next(
        (kind for part, kind in _OFFICE if any(name.startswith(part) for name in names)), "zip"
    )


def _too_large() -> UnreadableError:
    return UnreadableError(f"tệp đính kèm sau khi giải nén lớn hơn {LARGEST // 2**20} MiB")
