"""Is a file what its format says? By its bytes, never by its name.

Data flow: a kind that lands whole files shows each one to :func:`require`; a login page saved
as ``.csv``, an HTML table saved as ``.xls`` or half an ``.xlsx`` stops here. What ends in the
middle is a :class:`TruncatedError`, so that the client asks once more.

Run it alone: ``python -c "from sources.filetypes import kind_of; print(kind_of(b'PK12'))"``

What does not belong here: reading the file; ``warehouse`` does. Unpacking (``archives``).
"""

from __future__ import annotations

import io
import zipfile
from typing import Literal

from hub.errors import ProviderError
from sources.payload import BOM, EMPTY, TruncatedError, sniff

Format = Literal["csv", "tsv", "xlsx", "xls", "json", "ndjson", "xml", "parquet"]
"""What a file of records can be; each has a reader in ``warehouse``."""
Table = Literal["csv", "xlsx"]
"""Those that catalogs offer."""

ZIP = "ZIP or XLSX"
_XLS = "old Excel (XLS)"
_LOCKED = "a workbook with a password"
_JSON = "JSON"
_PARQUET = "Parquet"
_MAGIC = (
    (b"PK", ZIP),
    (b"\xd0\xcf\x11\xe0", _XLS),
    (b"%PDF", "PDF"),
    (b"PAR1", _PARQUET),
    (b"PARE", "an encrypted Parquet file"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"{", _JSON),
    (b"[{", _JSON),
)
_XML_16 = (b"\xff\xfe<\0", b"\xfe\xff\0<")
_SEALED = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream in which Office puts a workbook that has a password."""

_WANTED: dict[Format, str] = {
    "xlsx": ZIP, "xls": _XLS, "json": _JSON, "ndjson": _JSON, "xml": "XML", "parquet": _PARQUET,
}  # fmt: skip


def kind_of(body: bytes) -> str:
    """Return what the bytes clearly are, blank if nothing known (a CSV has no mark)."""
    start = body[:64].removeprefix(BOM).lstrip()
    if start.startswith(_XML_16):
        return "XML"
    kind = sniff(body.removeprefix(BOM)) or next(
        (name for magic, name in _MAGIC if start.startswith(magic)), ""
    )
    return _LOCKED if kind == _XLS and _SEALED in body else kind


def require(media: Format, body: bytes) -> None:
    """Raise ``ProviderError`` if the bytes are clearly something else, or half a file."""
    kind = kind_of(body)
    if media == "json" and body[:64].removeprefix(BOM).lstrip().startswith(b"["):
        kind = _JSON
    if kind == _WANTED.get(media, ""):
        if _is_cut(media, body):
            raise TruncatedError(
                f"the {media.upper()} file ends in the middle",
                next_step="ask the provider to upload the file again",
            )
        if media != "xlsx" or _is_workbook(body):
            return
        kind = "ZIP"
    wrong = TruncatedError if kind == EMPTY else ProviderError
    raise wrong(
        f"{kind or 'something else'} instead of {media.upper()}",
        next_step="open the address in a browser; ask the provider to upload the file again",
    )


def _is_cut(media: Format, body: bytes) -> bool:
    """Say whether the file lacks its end, where its format has a mark there."""
    if media == "xlsx":
        return _members(body) is None
    if media == "json":
        return body[-64:].rstrip()[-1:] not in {b"}", b"]"}
    return media == "parquet" and not (len(body) >= 12 and body.endswith(b"PAR1"))  # noqa: PLR2004 - two marks and a length


def _is_workbook(body: bytes) -> bool:
    """Say whether a ZIP holds the parts of a workbook."""
    return any(name.startswith("xl/") for name in _members(body) or [])


def _members(body: bytes) -> list[str] | None:
    """Return the names in a ZIP, None if its list, which stands at the end, cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError):
        return None
