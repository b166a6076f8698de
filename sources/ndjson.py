"""Records' own bytes -> lines: one JSON object a line, however the source laid it out.

Data flow: the raw records of a page (``sources.payload.records``) -> :func:`lines`, with their
digest :class:`Lines` -> a page file of a batch. Bytes stay as they came; only a page with line
breaks between its tokens
(pretty-printed JSON) has those blanks taken out, since a line break ends a record here.

Run it alone: ``python -c "from sources.ndjson import lines; print(lines([b'{}', b'{}']))"``

What does not belong here: decoding, and files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import msgspec

from hub.errors import ProviderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NEWLINE, _BRACE = b"\n{"


@dataclass(frozen=True, slots=True)
class Lines:
    """A page as it will be written."""

    data: bytes
    rows: int
    sha256: str

    @classmethod
    def of(cls, records: Sequence[msgspec.Raw | bytes]) -> Self:
        """Make them; raises as :func:`lines`."""
        data = lines(records)
        return cls(data, len(records), hashlib.sha256(data).hexdigest())


def lines(records: Sequence[msgspec.Raw | bytes]) -> bytes:
    """Return the records as lines; raises ``ProviderError`` if one is not a JSON object."""
    if not records:
        return b""
    data = b"\n".join([*records, b""])
    ends = _ends(data)
    if len(ends) != len(records) or b"\r" in data:
        data = b"\n".join([*map(_one_line, records), b""])
        ends = _ends(data)
    if data[:1] != b"{" or not (_bytes(data)[ends[:-1] + 1] == _BRACE).all():
        raise ProviderError("a row of the answer is not a JSON object")
    return data


def _ends(data: bytes) -> NDArray[np.intp]:
    """Return where lines end. A look at each record would cost four times as much."""
    ends: NDArray[np.intp] = (_bytes(data) == _NEWLINE).nonzero()[0]
    return ends


def _bytes(data: bytes) -> NDArray[np.uint8]:
    import numpy as np  # noqa: PLC0415 - 0.1 s, which definitions need not pay when they load

    return np.frombuffer(data, np.uint8)


def _one_line(record: msgspec.Raw | bytes) -> bytes:
    """Take the blanks between tokens out; within strings JSON allows no raw line break."""
    return msgspec.json.format(bytes(record), indent=-1)
