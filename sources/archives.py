"""ZIP archives of record files: the members wanted, in memory, under caps.

Data flow: an archive's bytes -> its list of members, judged as a whole before anything is
unpacked -> the chosen ones, inflated in pieces and counted -> name and bytes, in the order of
names, so that the same content always makes the same batch. A member's name is only ever
compared and told, never used as a path: nothing here writes a file, so none can slip out of a
folder. Hostile names are refused all the same, since nobody writes them by mistake.

Run it alone: ``python -m sources.archives data.zip '*.csv'`` prints the members that fit.

What does not belong here: what the members are (``filetypes``); archives within archives, which
are refused there because no format of records is one.
"""

from __future__ import annotations

import io
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from hub.errors import HubError, ProviderError
from sources.payload import TruncatedError

MOST_MEMBERS = 10_000
"""Entries of an archive; one with more is not looked into."""
MOST_GAIN = 300
"""How many times its packed size a member may have, once it is larger than ``_SMALL``. Tables
of figures pack 5 to 30 times; only runs of one byte come near 1000."""

_SMALL = 8 * 2**20
_PIECE = 2**20
_ENCRYPTED = 0x1
_UTF8 = 0x800
_HOSTILE = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|[\x00-\x1f]")
_AGAIN = "ask the provider for an archive of the agreed files only"


def members(data: bytes, pattern: str, *, most_files: int, most_bytes: int) -> list[str]:
    """Return the names of the members that fit, sorted, without unpacking any.

    Args:
        data: The archive.
        pattern: Shell pattern compared with the whole name; ``*`` also fits ``/``.
        most_files: Members that may fit.
        most_bytes: What they may say that they inflate to together.

    Raises:
        ProviderError: It is no ZIP, is hostile, too large, needs a password, or nothing fits.
    """
    with _opened(data) as archive:
        return [name for name, _ in _chosen(archive, pattern, most_files, most_bytes)]


def unpack(
    data: bytes, pattern: str, *, most_files: int, most_bytes: int
) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each member that fits; arguments and errors as :func:`members`."""
    with _opened(data) as archive:
        left = most_bytes
        for name, entry in _chosen(archive, pattern, most_files, most_bytes):
            content = _inflated(archive, entry, name, left, most_bytes)
            left -= len(content)
            yield name, content


def _opened(data: bytes) -> zipfile.ZipFile:
    """Open an archive and judge its list."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError):
        whole = data.startswith(b"PK")
        wrong = TruncatedError if whole else ProviderError
        raise wrong(
            "the ZIP ends in the middle or is damaged" if whole else "the file is no ZIP",
            next_step="open it; ask the provider to upload it again",
        ) from None
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        raise ProviderError(f"the ZIP has {len(entries)} members", next_step=_AGAIN)
    if any(_HOSTILE.search(entry.orig_filename) for entry in entries):
        raise ProviderError("the ZIP has a member whose name leads elsewhere", next_step=_AGAIN)
    if any(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries):
        raise ProviderError("the ZIP has a member that is a link", next_step=_AGAIN)
    return archive


def _chosen(
    archive: zipfile.ZipFile, pattern: str, most_files: int, most_bytes: int
) -> list[tuple[str, zipfile.ZipInfo]]:
    """Return the members that fit, sorted by name."""
    found = sorted(
        (
            (name, entry)
            for entry in archive.infolist()
            if not entry.is_dir()
            and not _is_clutter(name := _name(entry))
            and fnmatchcase(name, pattern)
        ),
        key=lambda item: item[0],
    )
    names = [name for name, _ in found]
    if not found:
        raise ProviderError(
            f"none of the ZIP's {len(archive.infolist())} members fits {pattern!r}",
            next_step="compare fetch.zip.members with the archive; was a file renamed?",
        )
    if len(set(names)) != len(names):
        raise ProviderError("the ZIP has two members of one name", next_step=_AGAIN)
    if len(found) > most_files:
        raise ProviderError(
            f"{len(found)} members of the ZIP fit {pattern!r}",
            next_step=f"more than {most_files} are not read; raise fetch.max_files",
        )
    if any(entry.flag_bits & _ENCRYPTED for _, entry in found):
        raise ProviderError(
            "the ZIP needs a password", next_step="ask the provider for one without"
        )
    if sum(entry.file_size for _, entry in found) > most_bytes:
        raise _too_large(most_bytes)
    return found


def _inflated(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, left: int, most_bytes: int
) -> bytes:
    """Inflate a member. The size that the archive states is not believed; bytes are counted."""
    pieces: list[bytes] = []
    size = 0
    gain = max(_SMALL, entry.compress_size * MOST_GAIN)
    try:
        with archive.open(entry) as member:
            while piece := member.read(_PIECE):
                pieces.append(piece)
                size += len(piece)
                if size > left:
                    raise _too_large(most_bytes)
                if size > gain:
                    raise ProviderError(
                        f"a member of the ZIP inflates to more than {MOST_GAIN} times its size",
                        next_step=_AGAIN,
                    )
    except NotImplementedError:
        raise ProviderError(
            f"member {name[-60:]} of the ZIP is packed in a way that is not supported",
            next_step="ask the provider to pack it with the usual method (deflate)",
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        raise TruncatedError(
            f"member {name[-60:]} of the ZIP is damaged",
            next_step="ask the provider to upload it again",
        ) from None
    if size != entry.file_size:
        raise TruncatedError(
            f"member {name[-60:]} of the ZIP has {size} bytes instead of {entry.file_size}",
            next_step="ask the provider to upload it again",
        )
    return b"".join(pieces)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return a member's name; many programs write UTF-8 without saying so."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename


def _is_clutter(name: str) -> bool:
    """Say whether a member is what archivers put beside the data (``__MACOSX/``, ``.DS_Store``)."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _too_large(most_bytes: int) -> ProviderError:
    return ProviderError(
        f"the ZIP inflates to more than {most_bytes} bytes",
        next_step="ask for smaller archives, or raise limits.max_body",
    )


def main() -> int:
    """Print the members that fit a pattern."""
    data, pattern = Path(sys.argv[1]).read_bytes(), (sys.argv[2:] or ["*"])[0]
    try:
        found = members(data, pattern, most_files=MOST_MEMBERS, most_bytes=2**31)
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.writelines(f"{name}\n" for name in found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
