"""Is a message marked as a state secret (Mật, Tối mật, Tuyệt mật)? Asked before it is landed.

Data flow: the fields of a list entry -> :func:`mark_in_entry`; a message's bytes ->
:func:`mark_in_message` -> a :class:`Mark` that says how it is marked and where, never quoting the
message, or None. ``sources.edxml`` holds a marked one back.

No field of the standard carries the level, since a marked document must not travel this way at all
(facts.md 2.6). So whatever programs were seen to write, or may, is looked at: an element of its
own (``Secret``, ``DoMat``, ``SecurityLevel``), the restriction of circulation, the type of the
document, the end of its number, the first words of its subject. Vietnamese is compared without
regard to case, Unicode form, blanks and invisible signs, and as it reads when UTF-8 was taken for
another encoding. "Mật" without its marks is a word of many meanings (Mặt trận, mất, mát), so
unaccented it counts only where a level is expected.

In doubt a message is held: a person can release one that was held wrongly
(``sources.held``), nobody can take back a secret that was copied. Hence also: an element for the
level with a value that nobody knows counts as a level.

Run it alone: ``python -m sources.edoc_marks message.xml`` prints the mark, without a value.

What does not belong here: what is done about it; what scanned attachments say, which no program
can read here.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree

from sources.safe_xml import options

LEVELS = {"tuyetmat": "Tuyệt mật", "toimat": "Tối mật", "mat": "Mật"}
"""Level as :func:`_plain` writes it -> its name (facts.md 2.6), highest first."""
UNKNOWN = "không rõ"
"""An element for the level holds something that is neither a level nor known as none."""

_NO_LEVEL = frozenset(
    {"", "0", "khong", "khongmat", "khongco", "thuong", "binhthuong", "dothuong", "null", "none",
     "no", "false", "normal", "ordinary", "public", "congkhai", "congkhaimat", "unclassified"}
)  # fmt: skip
_NAMED = re.compile(
    r"(?:is|ma|ten|id)?(?:muc|cap|loai)?(?:do)?(?:bao)?mat(?:id|ma|ten|code|name|level)?"
    r"|(?:is)?(?:document|doc)?(?:secret|secrecy|security|confidential(?:ity)?|classified)"
    r"(?:level|type|code|name|id|class|classification|degree|value|mark)?"
)
"""Name of a field that is there for the level alone."""
_EXPECTED = frozenset(
    {"sphereofpromulgation", "typernotation", "direction", "type", "typedetail", "typename",
     "priority", "steeringtype", "appendix"}
)  # fmt: skip
"""Names of fields in which the level was put for want of a field; unaccented counts here too."""
_OPENING = frozenset(
    {"subject", "content", "title", "description", "attachmentname", "filename", "trichyeu",
     "edocabstract", "noidung", "tieude", "statusdesc"}
)  # fmt: skip
"""Names of fields of running text, whose first words are looked at."""
_NUMBERS = frozenset(
    {
        "codenumber",
        "codenotation",
        "code",
        "documentid",
        "docid",
        "notation",
        "sokyhieu",
        "edoccode",
    }
)
"""Names of fields that end with the level where an agency numbers its secret documents apart."""
_PAYLOAD = "contenttransferencoded"

_LEVEL = r"(?:tuyệt\s*mật|tối\s*mật|mật)"
_BARE = r"(?:tuyet\s*mat|toi\s*mat|mat)"
_OTHER_WORD = r"(?:độ(?! tuổi)|ong|mã(?! (?:số|định|hồ|đơn))|khẩu|thám|mía|gấu|ngọt|rỉ)"
"""What makes another word of a leading "mật": density, honey, cipher, password. Only words that no
document begins with: "MẬT BÁO CÁO" is a secret report, although "mật báo" is a word too."""
_END = r"(?![^\W_])"
_START = re.compile(
    rf"^[\W_]*(?:(?:độ|mức(?: độ)?)\s*mật\W+)?"
    rf"(?:(?:(?:tuyệt|tối)\s*mật|(?:tuyet|toi)\s*mat){_END}|mật{_END}(?![ _]{_OTHER_WORD}{_END})"
    r"|mat\s*[:.)\]}\-–—|])"
)
_BRACKETED = re.compile(rf"[(\[{{<*]\s*(?:độ mật\W+)?({_LEVEL}|{_BARE})\s*[)\]}}>*]")
_NUMBER_END = re.compile(
    rf"(?:^|[-/._\s(])({_LEVEL}|{_BARE})\s*\)?\s*$|\((?:m|tm|tum|tmật|tumật)\)\s*$"
)
_LONGEST, _TAIL = 900, 100
"""Signs of a text that are looked at, at its beginning and its end: a level stands there."""
_LARGEST = 64 * 2**20
"""Bytes of a message that are looked at; the header stands before the attachments."""
_MOST_FIELDS = 50_000
"""Fields of a message that are looked at. No real one has so many; what has is held."""
_INVISIBLE = {"Cf", "Cc"}


@dataclass(frozen=True)
class Mark:
    """That a message is marked."""

    level: str
    """One of :data:`LEVELS`, or :data:`UNKNOWN`."""
    place: str
    """Name of the field that says so; never its value."""


def mark_in_entry(entry: Mapping[str, Any], ordinary: Iterable[str] = ()) -> Mark | None:
    """Return the mark in an entry of a list, so that a marked message is not even fetched."""
    texts = [(name, value) for name, value in entry.items() if isinstance(value, str | int)]
    return _highest(_marks(((name, str(value)) for name, value in texts), ordinary))


def mark_in_message(body: bytes, ordinary: Iterable[str] = ()) -> Mark | None:
    """Return the mark in a message, well-formed or not.

    Args:
        body: The message. One that is broken is read as far as that goes: only for this.
        ordinary: Further values of the level's own field by which this source says "none".
    """
    start = max(body.find(b"<?xml"), 0)
    body = body[start : start + _LARGEST]
    try:
        root = etree.fromstring(body, etree.XMLParser(**options(body, recover=True)))
    except (etree.XMLSyntaxError, ValueError):
        return None  # not one element can be made out
    if root is None:
        return None
    fields = list(islice(_fields(root), _MOST_FIELDS + 1))
    if len(fields) > _MOST_FIELDS:
        return Mark(UNKNOWN, f"more than {_MOST_FIELDS} fields")
    return _highest(_marks(fields, ordinary))


def _fields(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield name and text of every element and attribute, attachments' payloads left out."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        name, space = _name(element.tag), element.tag.rpartition("}")[0]
        if "wss" in space or "xmldsig" in space or _kind(name) == _PAYLOAD:
            continue  # a web service's `Security`, a signature's keys, a file
        for attribute, value in element.attrib.items():
            yield _name(str(attribute)), str(value)
        kind = _kind(name)
        if len(element) and _NAMED.fullmatch(kind):
            yield from ((name, str(part)) for part in element.itertext())
        elif len(element) and kind in _OPENING | _NUMBERS | _EXPECTED:
            yield name, "".join(map(str, islice(element.itertext(), _LONGEST)))
        else:
            yield name, element.text or ""
        if element.tail and not element.tail.isspace():
            yield "", element.tail


def _marks(fields: Iterable[tuple[str, str]], ordinary: Iterable[str]) -> Iterator[Mark]:
    no_level = _NO_LEVEL | {_plain(value) for value in ordinary}
    for name, text in fields:
        kind = _kind(name)
        for reading in _readings(_ends(text)):
            level = _level(kind, reading, no_level)
            if level:
                yield Mark(level, name[:40])


def _ends(text: str) -> str:
    """Return a text, or the beginning and the end of a long one."""
    text = text.strip()
    return text if len(text) <= _LONGEST + _TAIL else f"{text[:_LONGEST]} {text[-_TAIL:]}"


def _level(kind: str, text: str, no_level: frozenset[str]) -> str | None:
    """Return the level that a field states, None if it states none."""
    plain = _plain(text)
    if _NAMED.fullmatch(kind):
        return None if plain in no_level else _named_level(plain) or UNKNOWN
    exact = LEVELS.get(plain)
    if exact and (plain != "mat" or kind in _EXPECTED or _squeezed(text) == "mật"):
        return exact
    found: re.Match[str] | None = None
    if kind in _OPENING:
        found = _START.search(text) or _BRACKETED.search(text)
    elif kind in _NUMBERS:
        found = _NUMBER_END.search(text)
    elif kind in _EXPECTED:
        found = _BRACKETED.search(text) or _START.search(text)
    return (_named_level(_plain(found[0])) or UNKNOWN) if found else None


def _named_level(plain: str) -> str | None:
    """Return the highest level that a text without blanks and accents names."""
    return next((name for level, name in LEVELS.items() if level in plain), None)


def _readings(text: str) -> set[str]:
    """Return a text in lower case, composed, and what it was before UTF-8 was misread."""
    found = {_tidy(text)}
    if not text.isascii():
        for wrong in ("cp1252", "cp437", "latin-1"):
            try:
                found.add(_tidy(text.encode(wrong).decode()))
            except UnicodeError:
                continue
    return found


def _tidy(text: str) -> str:
    """Return a text composed, in lower case, with single blanks and no invisible signs."""
    composed = unicodedata.normalize("NFKC", text).replace("\u00ad", "")
    visible = "".join(
        " " if sign.isspace() else sign
        for sign in composed
        if sign.isspace() or unicodedata.category(sign) not in _INVISIBLE
    )
    return " ".join(unicodedata.normalize("NFC", visible.casefold()).split())


@lru_cache(maxsize=1024)
def _kind(name: str) -> str:
    """Return a field's name as the tables above have it; there are few, in every message anew."""
    return _plain(name)


def _plain(text: str) -> str:
    """Return the letters and digits of a text, without accents, in lower case."""
    parts = unicodedata.normalize("NFKD", text).casefold().replace("đ", "d")
    return "".join(sign for sign in parts if sign.isalnum())


def _squeezed(text: str) -> str:
    """Return the letters of a text with their accents."""
    return "".join(sign for sign in text if sign.isalnum())


def _name(tag: str) -> str:
    """Return a name without namespace, and without a prefix that nobody declared."""
    return tag.rpartition("}")[2].rpartition(":")[2]


def _highest(marks: Iterable[Mark]) -> Mark | None:
    """Return the mark of the highest level; a level that is known before one that is not."""
    order = [*LEVELS.values(), UNKNOWN]
    return min(marks, key=lambda mark: order.index(mark.level), default=None)


if __name__ == "__main__":
    mark = mark_in_message(Path(sys.argv[1]).read_bytes())
    sys.stdout.write(f"{mark.level} ({mark.place})\n" if mark else "no mark\n")
