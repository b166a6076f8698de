"""Writes the smallest workbooks in the format before 2007 (BIFF8 in an OLE file), for tests.

Only what a table needs: text, numbers, booleans and dates in one sheet. No library that writes
this format is kept any more.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date

_SECTOR = 512
_SMALLEST = 4096
"""Streams below this length would have to lie in a place of their own."""
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_DAY_ZERO = date(1899, 12, 30)


def xls(*rows: Sequence[object], sheet: str = "Giá") -> bytes:
    """Return a workbook of one sheet."""
    cells = b"".join(
        _cell(row, column, value)
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
        if value is not None
    )
    formats = b"".join(_record(0xE0, struct.pack("<HH16x", 0, form)) for form in (0, 14))
    name = sheet.encode("utf-16-le")
    place = struct.calcsize("<HH") * 3 + 16 + len(formats) + 8 + len(name)
    stream = (
        _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 1996, 0, 6))
        + formats
        + _record(0x85, struct.pack("<IBBBB", place, 0, 0, len(sheet), 1) + name)
        + _record(0x0A, b"")
        + _record(0x809, struct.pack("<HHHHII", 0x600, 16, 0, 1996, 0, 6))
        + cells
        + _record(0x0A, b"")
    )
    return _ole(stream)


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _cell(row: int, column: int, value: object) -> bytes:
    place = struct.pack("<HHH", row, column, isinstance(value, date))
    if isinstance(value, bool):
        return _record(0x205, place + struct.pack("<BB", value, 0))
    if isinstance(value, date):
        value = (value - _DAY_ZERO).days
    if isinstance(value, int | float):
        return _record(0x203, place + struct.pack("<d", value))
    text = str(value)
    return _record(0x204, place + struct.pack("<HB", len(text), 1) + text.encode("utf-16-le"))


def _ole(stream: bytes) -> bytes:
    """Put a stream into an OLE file of one folder sector and one table of sectors."""
    stream = stream.ljust(_SMALLEST, b"\0")
    stream += b"\0" * (-len(stream) % _SECTOR)
    count = len(stream) // _SECTOR
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, 1, count, 0, _SMALLEST, _END, 0, _END, 0)
    head += struct.pack("<I", count + 1) + struct.pack("<I", _FREE) * 108
    table = [*range(1, count), _END, _END, _FAT]
    table += [_FREE] * (_SECTOR // 4 - len(table))
    folder = _entry("Root Entry", 5, child=1, first=_END) + _entry(
        "Workbook", 2, first=0, size=len(stream)
    )
    return head + stream + folder.ljust(_SECTOR, b"\0") + struct.pack("<128I", *table)


def _entry(name: str, kind: int, *, child: int = _FREE, first: int, size: int = 0) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(text), kind, 1, _FREE, _FREE, child)
        + bytes(36)
        + struct.pack("<IQ", first, size)
    )
