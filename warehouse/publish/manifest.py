"""What a generation says of itself to the next one: which rows its files hold, and their digests.

Data flow: ``parquet`` describes the files of each table -> ``build`` writes ``manifest.json`` ->
the next publishing reads it, and links the files of a table whose fingerprint is the same.

Run it alone: ``python -m json.tool data/publish/current/manifest.json``.

What does not belong here: what agencies read (``datapackage``, ``odcs``).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

NAME = "manifest.json"


class Stored(msgspec.Struct, frozen=True):
    """One file, by its path in the generation."""

    path: str
    bytes: int
    sha256: str


class Source(msgspec.Struct, frozen=True):
    """What a system contributed to a table. Times are instants."""

    name: str
    """``province/system``, or the derived table itself."""
    title: str
    rows: int
    loaded_at: datetime | None
    """When rows last changed."""
    checked_at: datetime | None
    """When the system last gave a good answer, changed or not."""


class Table(msgspec.Struct, frozen=True):
    """One published table."""

    name: str
    fingerprint: str
    """Digest of all that decides what is in its files."""
    rows: int
    files: list[Stored]
    """In the order in which they make the table."""
    masked: list[str]

    @property
    def bytes(self) -> int:
        """Size of its Parquet files."""
        return sum(file.bytes for file in self.files)


class Manifest(msgspec.Struct, frozen=True):
    """One generation."""

    snapshot: int
    """Snapshot of the lake that every table was read at."""
    snapshot_at: datetime
    made_at: datetime
    about: str
    """Digest of what stands in documents beside what tables hold: titles, licence."""
    tables: list[Table]

    def table(self, name: str) -> Table | None:
        """Return a table; None if it was not published."""
        return next((table for table in self.tables if table.name == name), None)


def read(generation: Path | None) -> Manifest | None:
    """Return what a generation says of itself; None if there is none, or it cannot be read."""
    if generation is None:
        return None
    try:
        return msgspec.json.decode((generation / NAME).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None  # of an earlier version, or damaged: it is all made anew


def whole(generation: Path, table: Table) -> bool:
    """Say whether a table's files are there with their sizes."""
    try:
        return all((generation / file.path).stat().st_size == file.bytes for file in table.files)
    except OSError:
        return False
