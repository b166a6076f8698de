"""Bytes of a text file -> text in one of the encodings that Vietnamese files have.

Data flow: the definition names the encoding, or says ``detect`` -> :func:`text_of` -> the text.
A byte order mark is left out, and the old encodings, which write letters in parts, come out in
NFC. UTF-8 text stays as it is: ``normalise`` puts its cells in order and flags what it mended.

``detect`` decides per file and by evidence only: a byte order mark; bytes that are UTF-8 from
end to end; NUL bytes as UTF-16 has them; otherwise the words that hold a letter beyond ASCII
must be Vietnamese syllables in one encoding and not in any other. Few words, or words in two
encodings, are no evidence: then it is an error, and the definition has to say it.

Run it alone: ``python -m warehouse.readers.encodings old.csv`` prints what a file seems to be.

What does not belong here: text that was decoded wrongly by somebody before us (``mojibake``),
other encodings' tables (``tcvn3``).
"""

from __future__ import annotations

import codecs
import re
import sys
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from hub.errors import HubError, ProviderError
from warehouse.readers import tcvn3

Encoding = Literal[
    "utf-8", "utf-16", "latin-1", "windows-1258", "tcvn3", "tcvn5712-1", "detect"
]  # fmt: skip
"""What a definition may say."""

_OLD = ("windows-1258", "tcvn3", "tcvn5712-1")
_MARKS = (
    # UTF-32's little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ENOUGH = 8
"""Different words with a letter beyond ASCII that are evidence."""
_SURE = 0.9
"""Part of them that must be syllables; names of foreign places are not."""
_UNLIKELY = 0.5
"""Part that any other encoding may reach."""
_UNSURE = 0.1
_LOOKED_AT = 1 << 20
"""Bytes of a file in which words are looked for; no file changes its encoding later."""

_WORD = re.compile(r"[^\W\d_]+")
_CAPITALS = set(tcvn3.TABLES["tcvn5712-1"][0x80:0xA0])
_TONES = re.compile("[\u0300\u0309\u0303\u0301\u0323]")
_SYLLABLE = re.compile(
    "(?:b|ch?|d|đ|gh?|gi|h|kh?|l|m|nh?|ngh?|ph?|qu|r|s|th?|tr|v|x)?"
    "(?:a|ai|ao|au|ay|ă|â|âu|ây|e|eo|ê|êu|i|ia|iê|iêu|iu|o|oa|oai|oao|oay|oă|oe|oeo|oi|oo|ô|ôi|ơ"
    "|ơi|u|ua|uây|uâ|uê|ui|uô|uôi|uơ|uy|uya|uyê|uyu|uă|ue|ư|ưa|ưi|ươ|ươi|ươu|ưu|y|yê|yêu)"
    "(?:ch?|m|nh?|ng|p|t)?"
)


def text_of(data: bytes, encoding: Encoding) -> str:
    """Return a file's text.

    Raises:
        ProviderError: The bytes are not in that encoding, or ``detect`` cannot tell.
    """
    name = detected(data) if encoding == "detect" else encoding
    try:
        return _decoded(data, name)
    except UnicodeError as error:
        raise ProviderError(
            f"the file is not {name} (byte {getattr(error, 'start', 0) + 1})",
            next_step="open it in an editor that tells the encoding; set `encoding` in the "
            "definition",
        ) from None


def detected(data: bytes) -> str:
    """Return the encoding of a file; raises ``ProviderError`` if the evidence is not clear."""
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if marked == "utf-32":
        raise _unclear("it is UTF-32, which is not read")
    if marked:
        return marked
    if b"\0" in data:
        return _two_bytes(data)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _by_words(data)
    return "utf-8"


def _decoded(data: bytes, name: str) -> str:
    if name in tcvn3.TABLES:
        return tcvn3.decode(data, name)
    if name == "windows-1258":
        return unicodedata.normalize("NFC", data.decode("cp1258"))
    return data.decode(name).removeprefix("\ufeff")


def _two_bytes(data: bytes) -> str:
    """Tell the byte order of UTF-16 without a mark: ASCII signs have their NUL on one side."""
    sample = data[:_LOOKED_AT]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(data) % 2 == 0 and max(even, odd) * 4 > len(sample) // 2 and min(even, odd) == 0:
        return "utf-16-le" if odd else "utf-16-be"
    raise _unclear("it holds NUL bytes")


def _by_words(data: bytes) -> str:
    """Return the one old encoding in which the words are Vietnamese."""
    words = {name: _words(data, name) for name in _OLD}
    shares = {name: _share(found) for name, found in words.items() if len(found) >= _ENOUGH}
    fitting = [name for name, share in shares.items() if share >= _SURE]
    if fitting == ["tcvn3", "tcvn5712-1"]:
        # They differ below A0 only: capitals with tones there, punctuation here. A dash by
        # itself would be a word of one letter.
        capitals = {word for word in words["tcvn5712-1"] if _CAPITALS & set(word)}
        capital = _share(capitals, shortest=2)
        if _UNSURE < capital < _SURE:
            raise _unclear("it is TCVN3 or TCVN 5712-1")
        fitting = ["tcvn5712-1" if capital >= _SURE else "tcvn3"]
    other = "tcvn5712-1" if fitting == ["windows-1258"] else "windows-1258"
    if len(fitting) == 1 and shares.get(other, 0) <= _UNLIKELY:
        return fitting[0]
    raise _unclear("its words do not tell")


def _words(data: bytes, name: str) -> set[str]:
    """Return the words with a letter beyond ASCII; none if the bytes are not in the encoding."""
    end = data.rfind(b"\n", 0, _LOOKED_AT) + 1 if len(data) > _LOOKED_AT else len(data)
    try:
        text = _decoded(data[: end or _LOOKED_AT], name)
    except UnicodeError:
        return set()
    return {word for word in _WORD.findall(text) if not word.isascii()}


def _share(words: Collection[str], shortest: int = 1) -> float:
    """Return which part of the words is Vietnamese: a syllable with one tone, not too short."""
    count = 0
    for word in words:
        plain, tones = _TONES.subn("", unicodedata.normalize("NFD", word.lower()))
        base = unicodedata.normalize("NFC", plain)
        count += len(word) >= shortest and tones <= 1 and bool(_SYLLABLE.fullmatch(base))
    return count / max(1, len(words))


def _unclear(why: str) -> ProviderError:
    return ProviderError(
        f"the encoding of the file cannot be told: {why}",
        next_step="open it in an editor that tells the encoding; set `encoding` in the definition",
    )


def main() -> int:
    """Print what a file seems to be."""
    try:
        sys.stdout.write(f"{detected(Path(sys.argv[1]).read_bytes())}\n")
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
