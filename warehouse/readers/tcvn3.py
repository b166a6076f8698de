"""TCVN 5712:1993 -> Unicode: the Vietnamese of files from before about 2010.

Data flow: bytes -> :func:`decode` -> text in NFC, or ``UnicodeDecodeError``. Two tables:

- ``tcvn5712-1`` is the standard's VN1: every letter of Vietnamese, also where ASCII and ISO 8859
  have control characters;
- ``tcvn3`` is VN3, what the ``.Vn`` ("ABC") fonts showed on Windows: lower case with tones,
  capitals without (capital letters with tones were lower-case text in a font of capitals, so
  they arrive as lower case). Where VN1 has capitals below A0, Windows had its own punctuation.

The tone marks B0 to B4 stand behind their letter in both.

Run it alone: ``python -m warehouse.readers.tcvn3 tcvn3 old.txt`` prints a file as UTF-8.

What does not belong here: telling which encoding a file has (``encodings``).
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

UNDEFINED = "\ufffe"
"""What ``codecs.charmap_decode`` takes for a byte without meaning."""

_MARKS = "\u0300\u0309\u0303\u0301\u0323"
_UPPER_ROW = (
    "\xa0ĂÂÊÔƠƯĐăâêôơưđẰ"  # A0
    f"{_MARKS}àảãáạẲằẳẵắẴ"  # B0
    "ẮẦẨẪẤỀặầẩẫấậèỂẻẽ"  # C0
    "éẹềểễếệìỉỄẾỒĩíịò"  # D0
    "Ổỏõóọồổỗốộờởỡớợù"  # E0
    "ỖủũúụừửữứựỳỷỹýỵỐ"  # F0
)
_LOWER_ROW = (
    "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨ"  # 80
    "ÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ"  # 90
)
_CONTROLS = {
    0x01: "Ú", 0x02: "Ụ", 0x04: "Ừ", 0x05: "Ử", 0x06: "Ữ", 0x11: "Ứ", 0x12: "Ự", 0x13: "Ỳ",
    0x14: "Ỷ", 0x15: "Ỹ", 0x16: "Ý", 0x17: "Ỵ",
}  # fmt: skip

_ASCII = "".join(map(chr, range(128)))
_WINDOWS = bytes(range(0x80, 0xA0)).decode("cp1252", "replace").replace("\ufffd", UNDEFINED)
_PLAIN = set("ĂÂÊÔƠƯĐ")

TABLES = {
    "tcvn5712-1": "".join(_CONTROLS.get(n, sign) for n, sign in enumerate(_ASCII))
    + _LOWER_ROW
    + _UPPER_ROW,
    "tcvn3": _ASCII
    + _WINDOWS
    + "".join(UNDEFINED if sign.isupper() and sign not in _PLAIN else sign for sign in _UPPER_ROW),
}
"""Encoding -> the character of each byte."""


def decode(data: bytes, encoding: str) -> str:
    """Return the text of bytes in ``tcvn3`` or ``tcvn5712-1``; raises ``UnicodeDecodeError``."""
    # codecs.charmap_decode is not in the stubs' public part, and translate is as fast.
    text = data.decode("latin-1").translate(dict(enumerate(TABLES[encoding])))
    place = text.find(UNDEFINED)
    if place >= 0:
        raise UnicodeDecodeError(encoding, data, place, place + 1, "no such character")
    return unicodedata.normalize("NFC", text)


def main() -> None:
    """Print a file as UTF-8."""
    sys.stdout.write(decode(Path(sys.argv[2]).read_bytes(), sys.argv[1]))


if __name__ == "__main__":
    main()
