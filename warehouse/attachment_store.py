"""Files that came inside messages, kept once each under the name of their content.

Data flow: a reader hands over a file and its SHA-256 -> ``<data>/attachments/<ab>/<cdef...>``, the
digest cut after two digits; the rows of the warehouse name the digest. A file that is there
already is not written again, so the same file in a hundred messages lies there once.

Names are digests and nothing else: what a sender calls a file is a cell of the table, never a path.
Files are written beside, synced and renamed, before the rows that name them are committed. A crash
leaves at most a file that no row names, which is harmless: nothing reads a file but by a row.

To erase a document's files, delete the path that each digest of its row spells, once no other row
names that digest; to find what no row names, compare the folder with the tables. Nothing else
knows of the files.

Run it alone: ``pytest tests/warehouse/test_attachment_store.py``.

What does not belong here: what a file is (``readers.attachments``), who may read it, how long it
is kept.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from sources.disk import is_running, sync, writing

FOLDER = "attachments"
"""Name of the folder beside landing."""
_PARTIAL = ".partial"
_SHARD = 2
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600


class Store:
    """The folder of one deployment; use it as a context, whose end makes the names durable."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made when there is a file to keep."""
        self._folder = folder
        self._partial = folder / _PARTIAL
        self._touched: set[Path] = set()
        self._written = 0

    def __enter__(self) -> Self:
        """Remove what processes that are dead left half-written."""
        for leftover in self._partial.glob("*"):
            pid = leftover.name.partition("-")[0]
            if pid == str(os.getpid()) or not is_running(pid):
                leftover.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Have the new names on the disk."""
        with writing(self._folder):
            for folder in self._touched:
                sync(folder)
            if self._touched:
                sync(self._folder)

    def path(self, sha256: str) -> Path:
        """Return where a file of that content lies, or would."""
        return self._folder / sha256[:_SHARD] / sha256[_SHARD:]

    def keep(self, content: bytes, sha256: str) -> None:
        """Keep a file, unless it is there already."""
        path = self.path(sha256)
        if path.is_file() and path.stat().st_size == len(content):
            os.utime(path)  # wanted again: clean-up passes over what was wanted of late
            return
        partial = self._partial / f"{os.getpid()}-{self._written}"
        self._written += 1
        with writing(path):
            for folder in (self._partial, path.parent):
                folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            self._folder.chmod(_PRIVATE_FOLDER)  # `parents` are made without a mode
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
        self._touched.add(path.parent)
