"""Files in a folder of this machine: found by pattern, read whole, never from outside it.

Data flow: a folder (its path comes from the environment) and a pattern -> :func:`found`, the
regular files that fit, by name -> :func:`read`, the bytes of one. A link that leads out of the
folder is an error, not a file left out: what is missing in silence would be deleted from the
warehouse as gone. A file that changes while it is read is left for the next try.

Run it alone: ``python -m sources.folder FOLDER '*.csv'`` prints what fits.

What does not belong here: what is in the files (``filetypes``, ``archives``).
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path, PurePath

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError

_NOT_READY = (".", "~")
"""Beginnings of the names of hidden files, and of what Office and editors keep beside a file."""


@dataclass(frozen=True)
class Entry:
    """One file of a folder."""

    name: str
    """Relative to the folder, with ``/``."""
    path: Path
    size: int
    modified: datetime
    """UTC."""

    @property
    def last_modified(self) -> str:
        """The moment of change as HTTP writes it."""
        return format_datetime(self.modified, usegmt=True)


def unfit(pattern: str) -> str:
    """Say why a pattern cannot be used; blank if it can."""
    path = PurePath(pattern)
    if not pattern.strip() or path.is_absolute() or "\\" in pattern or "\0" in pattern:
        return "must be relative to the folder, with / between its parts"
    return "must not have `..`" if ".." in path.parts else ""


def found(folder: str, pattern: str) -> list[Entry]:
    """Return the files that fit, sorted by name.

    Args:
        folder: Absolute path.
        pattern: As ``pathlib`` has it: ``*.csv``, ``2026/**/gia-*.xlsx``.

    Raises:
        ConfigurationError: There is no such folder, or it may not be read.
        ProviderError: No file fits, or one leads out of the folder.
    """
    root = Path(folder)
    if not root.is_absolute() or not root.is_dir():
        raise ConfigurationError(
            "its value is not the absolute path of a folder",
            next_step="set the variable to a folder; is the network drive mounted?",
        )
    try:
        home = root.resolve(strict=True)
        names = sorted(
            path.relative_to(root).as_posix()
            for path in root.glob(pattern)
            if not any(part.startswith(_NOT_READY) for part in path.relative_to(root).parts)
        )
        entries = [entry for name in names if (entry := _entry(home, root, name))]
    except OSError as error:
        raise ConfigurationError(
            f"the folder cannot be read ({error.strerror or type(error).__name__})",
            next_step="let the hub's account read it, and everything in it",
        ) from None
    if not entries:
        raise ProviderError(
            f"no file fits {pattern!r}",
            next_step="is the network drive mounted? was the delivery renamed?",
        )
    return entries


def read(entry: Entry, largest: int) -> bytes:
    """Return the bytes of a file.

    Args:
        entry: From :func:`found`.
        largest: Most bytes that are read.

    Raises:
        ProviderError: It is larger.
        TransientError: It went away, or changed while it was read.
    """
    if entry.size > largest:
        raise ProviderError(
            f"the file has {entry.size} bytes",
            next_step=f"more than {largest} are not read; raise limits.max_body",
        )
    try:
        # A pipe put in the file's place would keep a plain open waiting, a link would lead away.
        handle = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            before = os.fstat(handle)
            data = file.read(largest + 1) if stat.S_ISREG(before.st_mode) else b""
            after = os.fstat(handle)
    except OSError as error:
        raise TransientError(
            f"the file cannot be read ({error.strerror or type(error).__name__})",
            next_step="let the hub's account read it; run it again when nobody writes there",
        ) from None
    facts = [(state.st_size, state.st_mtime_ns) for state in (before, after)]
    if facts[0] != facts[1] or len(data) != after.st_size:
        raise TransientError(
            "the file changed while it was read",
            next_step="run it again when the delivery is complete",
        )
    return data


def _entry(home: Path, root: Path, name: str) -> Entry | None:
    """Return a file; None for a folder. Raises if it is not inside or no regular file."""
    try:
        path = (root / name).resolve(strict=True)
    except (FileNotFoundError, RuntimeError):  # a loop of links
        raise _leads_away(name) from None
    if not path.is_relative_to(home):
        raise _leads_away(name)
    state = path.stat()
    if stat.S_ISDIR(state.st_mode):
        return None
    if not stat.S_ISREG(state.st_mode):
        raise ProviderError(f"{name} is no regular file", next_step="take it out of the folder")
    modified = datetime.fromtimestamp(state.st_mtime, UTC)
    return Entry(name, path, state.st_size, modified)


def _leads_away(name: str) -> ProviderError:
    return ProviderError(
        f"{name} is a link that leads out of the folder or nowhere",
        next_step="put the file itself into the folder",
    )


def main() -> int:
    """Print the files that fit a pattern."""
    try:
        entries = found(str(Path(sys.argv[1]).resolve()), sys.argv[2])
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.writelines(f"{entry.last_modified}  {entry.name}\n" for entry in entries)
    return 0


if __name__ == "__main__":
    sys.exit(main())
