"""Is a file what its format says? By its first bytes, never by its name.

Data flow: a kind that lands whole files shows each one to :func:`require`; a login page saved
as ``.csv`` or half an ``.xlsx`` stops here.

Run it alone: ``python -c "from sources.filetypes import kind_of; print(kind_of(b'PK12'))"``

What does not belong here: reading the file; ``warehouse`` does.
"""

from __future__ import annotations

import io
import zipfile
from typing import Literal

from hub.errors import ProviderError
from sources.payload import EMPTY, TruncatedError, sniff

Table = Literal["csv", "xlsx"]

_MAGIC = (
    (b"PK", "ZIP or XLSX"),
    (b"\xd0\xcf\x11\xe0", "old Excel (XLS)"),
    (b"%PDF", "PDF"),
    (b"{", "JSON"),
    (b"[{", "JSON"),
)


def kind_of(body: bytes) -> str:
    """Return what the bytes clearly are, blank if nothing known (a CSV has no mark)."""
    start = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return sniff(body) or next((name for magic, name in _MAGIC if start.startswith(magic)), "")


def require(media: Table, body: bytes) -> None:
    """Raise ``ProviderError`` if the bytes are clearly something else, or half a file."""
    kind = kind_of(body)
    if media == "csv" and not kind:
        return
    if media == "xlsx" and kind == "ZIP or XLSX":
        if not zipfile.is_zipfile(io.BytesIO(body)):
            raise TruncatedError("the XLSX file ends in the middle")
        return
    wrong = TruncatedError if kind == EMPTY else ProviderError
    raise wrong(
        f"{kind or 'something else'} instead of {media.upper()}",
        next_step="open the address in a browser; ask the provider to upload the file again",
    )
