"""The file of a journal: a first line, then for each answer a line about it and its body.

Data flow: ``sources.journal`` writes :class:`Head` once and :func:`entry_of` for each answer; after
a pull was cut off, :func:`entries` finds what is whole and :func:`answer_of` reads it back. Bodies
are compressed; a checksum stands over line and body, since a crash cuts files and disks damage
them. Addresses are redacted already, cookies are left out.

Run it alone: ``head -1 data/landing/PROVINCE/SYSTEM/DATASET/.journal`` says what was pulled.

What does not belong here: when an answer is kept or used (``sources.journal``).
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

import msgspec
import zstandard
from requests.structures import CaseInsensitiveDict

from sources.client import Call
from sources.transport import Answer

_UNTOLD = frozenset({"set-cookie", "set-cookie2", "authentication-info"})
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)
_LEVEL = 1
"""Of Zstandard: 940 MB/s on pages of dossiers, to 8 % of their size; zlib had 290 MB/s, 14 %."""


class Head(msgspec.Struct, frozen=True):
    """The first line: whose journal it is."""

    subject: str
    """Digest of what is pulled: system, address, definition, position, window."""
    began: datetime
    """When the first of the pulls began, Vietnam time."""


class Entry(msgspec.Struct, frozen=True):
    """The line before a body."""

    call: str
    size: int
    """Of the compressed body that follows."""
    check: int
    """CRC-32 of all the rest: a disk that lost power may keep a file's length, not its content."""
    status: int
    url: str
    media: str
    headers: dict[str, str]
    etag: str | None
    last_modified: str | None


def key_of(call: Call) -> str:
    """Return what tells a call from all others of a pull; credentials are no part of it."""
    parts = [
        call.method,
        call.path,
        sorted(call.params.items()),
        call.accept,
        sorted(call.headers.items()),
    ]
    return hashlib.sha256(msgspec.json.encode(parts) + (call.body or b"")).hexdigest()


def told(answer: Answer) -> dict[str, str]:
    """Return the headers that may be written down."""
    return {name: text for name, text in answer.headers.items() if name.lower() not in _UNTOLD}


def entry_of(key: str, answer: Answer) -> bytes:
    """Return what is written for an answer: a line about it, and its body."""
    body = zstandard.ZstdCompressor(level=_LEVEL).compress(answer.body)
    about = Entry(
        call=key,
        size=len(body),
        check=0,
        status=answer.status,
        url=answer.url,
        media=answer.media,
        headers=told(answer),
        etag=answer.etag,
        last_modified=answer.last_modified,
    )
    about = msgspec.structs.replace(about, check=_check(about, body))
    return msgspec.json.encode(about) + b"\n" + body


def answer_of(entry: Entry, body: bytes) -> Answer | None:
    """Return an answer as it was written; None if it is damaged, or an older version's."""
    if _check(entry, body) != entry.check:
        return None
    try:
        whole = zstandard.ZstdDecompressor().decompress(body)
    except zstandard.ZstdError:
        return None
    return Answer(
        status=entry.status,
        body=whole,
        address=entry.url,
        url=entry.url,
        media=entry.media,
        location="",
        headers=CaseInsensitiveDict(entry.headers),
        etag=entry.etag,
        last_modified=entry.last_modified,
        retry_after=None,
    )


def _check(entry: Entry, body: bytes) -> int:
    """Return the checksum of an entry and its body."""
    rest = msgspec.structs.replace(entry, check=0)
    return zlib.crc32(body, zlib.crc32(msgspec.json.encode(rest)))


def entries(file: BinaryIO) -> Iterator[tuple[Entry, int]]:
    """Yield the whole entries and where their bodies begin; a crash may have cut the last."""
    length = os.fstat(file.fileno()).st_size
    while True:
        try:
            entry = msgspec.json.decode(file.readline(), type=Entry)
        except UNREADABLE:
            return
        begin = file.tell()
        if entry.size < 0 or begin + entry.size > length:
            return
        yield entry, begin
        file.seek(begin + entry.size)
