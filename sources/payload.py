"""Look into a JSON answer without decoding its records.

Data flow: an answer's bytes -> :func:`envelope` (the outer object, its values still raw) ->
:func:`value` for small fields (error code, total), :func:`records` for the records' own bytes;
:func:`split` gives both for a page of many rows.
``msgspec.Raw`` splits a page at memory speed; decoding every record would cost four times the
work and would lose how the source wrote it. What is not the JSON asked for raises an error
that says what came instead: promise 3 of the design begins here.

Run it alone: ``python -c "from sources.payload import sniff; print(sniff(b'<html>'))"``

What does not belong here: HTTP, and what a field means. The errors say what is wrong, not
where: the caller knows the page and adds it.
"""

from __future__ import annotations

import codecs
import re
import struct
from functools import lru_cache
from typing import Any

import msgspec

from hub.errors import ProviderError

BOM = codecs.BOM_UTF8
EMPTY = "empty answer"
_SLICE = 1 << 20
_LARGE = 1 << 18
_CUT_LETTER = "unexpected end of data"
"""How Python says that the last bytes are the beginning of a letter."""
_START = 1 << 10
_HEAD = 1 << 16
_HTML = re.compile(rb"<(?:!doctype html|html|head|body)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.{1,120}?)</title>", re.IGNORECASE | re.DOTALL)

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder()

Envelope = dict[str, msgspec.Raw]


class TruncatedError(ProviderError):
    """The answer is empty or ends in the middle; the client asks again before it believes it."""


def envelope(body: bytes) -> Envelope:
    """Return the outer object of a JSON answer; raises ``ProviderError`` if it is none."""
    outer: Envelope = _decode(_object, _whole(body), "the answer")
    return outer


def split(body: bytes, path: str) -> tuple[Envelope, list[msgspec.Raw] | None]:
    """Return what :func:`envelope` and :func:`records` would, in one pass over the page.

    A typed decoder takes the rows out; what stands round them is small and is read for itself. A
    page of 10,000 records takes 9 ms and not 13. Small pages are read as ever: what this needs
    first takes longer to import.

    Returns:
        The envelope, in which the rows may be an empty array by now, and the rows: None if they are
        not there or wrong, of which :func:`records` has to say something, but not before the
        envelope was asked whether the request succeeded.
    """
    if len(body) < _LARGE:
        return envelope(body), None
    return _split(_whole(body), path)


def _split(body: bytes, path: str) -> tuple[Envelope, list[msgspec.Raw] | None]:
    """Do it, whatever the size."""
    try:
        found = _rows_at(path).decode(body)
        for _ in path.split("."):
            found = found.inner
    except (AttributeError, msgspec.MsgspecError, RecursionError):
        found = None
    rest = _around(body, found) if found else None
    outer: Envelope = _decode(_object, body if rest is None else rest, "the answer")
    return outer, None if rest is None else found


@lru_cache(maxsize=256)
def _rows_at(path: str) -> msgspec.json.Decoder[Any]:
    """Return a decoder of objects that takes the array at a dotted path and passes over the rest.

    Each level of what it returns has the next as ``inner``.
    """
    kind: Any = list[msgspec.Raw]
    for key in reversed(path.split(".")):
        kind = msgspec.defstruct("Level", [("inner", kind)], rename={"inner": key})
    return msgspec.json.Decoder(kind)


def _around(body: bytes, rows: list[msgspec.Raw]) -> bytes | None:
    """Return a page without its rows, which are views of it; None if they should be copies."""
    begin = _address(rows[0]) - _address(body)
    end = _address(rows[-1]) + len(memoryview(rows[-1])) - _address(body)
    if not 0 < begin < end < len(body):
        return None
    return body[:begin] + body[end:]


def _address(data: bytes | msgspec.Raw) -> int:
    """Return where in memory bytes lie."""
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s, which definitions need not pay when they load

    return int(pa.py_buffer(memoryview(data)).address)


def array(body: bytes) -> list[msgspec.Raw]:
    """Return the raw items of a JSON array; raises ``ProviderError`` if it is none."""
    items: list[msgspec.Raw] = _decode(_array, _whole(body), "the file")
    return items


def records(outer: Envelope, path: str) -> list[msgspec.Raw]:
    """Return the raw items of the array at a dotted path; null counts as an empty array."""
    found = _walk(outer, path)
    if found is None:
        raise ProviderError(f"the answer has no `{path}`, where its rows should be")
    if _is_null(found):
        return []
    items: list[msgspec.Raw] = _decode(_array, found, f"`{path}`")
    return items


def value(outer: Envelope, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the small value at a dotted path, ``None`` if it is not there."""
    found = _walk(outer, path)
    return None if found is None else _decode(_any, found, f"`{path}`")


def text(outer: Envelope, path: str) -> str:
    """Return the value at a dotted path as text, booleans as JSON has them; blank if none."""
    found = value(outer, path)
    if isinstance(found, bool):
        return "true" if found else "false"
    return "" if found is None else str(found)


def count(outer: Envelope, path: str) -> int:
    """Return the whole number at a dotted path, which some sources write as text."""
    found = text(outer, path).strip()
    if not (found.isascii() and found.isdigit()):
        raise ProviderError(f"`{path}` should be the number of rows and is no number")
    return int(found)


def sniff(body: bytes) -> str:
    """Return what a body is that should be data: HTML page, XML, empty; blank if none of these."""
    start = body[:_START].lstrip()
    if not start:
        return EMPTY
    if _HTML.match(start):
        title = _TITLE.search(body[:_HEAD])
        named = " ".join(title[1].decode("utf-8", "replace").split()) if title else ""
        return f"HTML page ({named!r})" if named else "HTML page"
    return "XML" if start.startswith(b"<") else ""


def require_utf8(body: bytes) -> None:
    """Raise if the bytes are not UTF-8; ``msgspec`` does not look inside raw records."""
    if body.isascii() or (len(body) > _LARGE and _is_utf8(body)):
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    for start in range(0, len(body), _SLICE):
        end = start + _SLICE
        try:
            decoder.decode(view[start:end], final=end >= len(body))
        except UnicodeDecodeError as error:
            if error.reason == _CUT_LETTER:
                raise TruncatedError("the answer ends in the middle of a letter") from None
            # The error's own text would quote the bytes.
            raise ProviderError(
                f"the answer is not UTF-8 (near byte {start + error.start})",
                next_step="ask the provider for UTF-8",
            ) from None


def _is_utf8(body: bytes) -> bool:
    """Say whether the bytes are UTF-8: 3 GB/s, and other threads may work; ``decode`` 0.4 GB/s."""
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s, which small answers need not pay

    ends = pa.py_buffer(struct.pack("=qq", 0, len(body)))
    text = pa.Array.from_buffers(pa.large_utf8(), 1, [None, ends, pa.py_buffer(body)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _whole(body: bytes) -> bytes:
    """Return a body without byte order mark; raises if it is clearly no JSON, or no UTF-8."""
    body = body.removeprefix(BOM)
    kind = sniff(body)
    if kind:
        # Proxies that give up in the middle of a head leave an empty 200 behind.
        wrong = TruncatedError if kind == EMPTY else ProviderError
        raise wrong(
            f"{kind} instead of JSON",
            next_step="open the address in a browser: maintenance page, login page or firewall?",
        )
    require_utf8(body)
    return body


def _walk(outer: Envelope, path: str) -> msgspec.Raw | None:
    """Follow a dotted path of object keys; ``None`` where a key is missing."""
    *parents, last = path.split(".")
    for key in parents:
        inner = outer.get(key)
        if inner is None or _is_null(inner):
            return None
        outer = _decode(_object, inner, f"`{key}`")
    return outer.get(last)


def _is_null(raw: msgspec.Raw) -> bool:
    """Say whether raw JSON is ``null``, without copying it."""
    return bytes(memoryview(raw)[:5]) == b"null"


def _decode(decoder: msgspec.json.Decoder[Any], body: bytes | msgspec.Raw, what: str) -> Any:  # noqa: ANN401 - the decoder knows its type
    """Decode, or say what is wrong; msgspec's messages name places and types, never values."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ProviderError(f"{what} has the wrong shape: {error}") from None
    except msgspec.DecodeError as error:
        kind = TruncatedError if "truncated" in str(error) else ProviderError
        raise kind(f"{what} is not whole JSON: {error}") from None
    except RecursionError:
        raise ProviderError(f"{what} is nested too deeply to be data") from None
