"""What a landed batch is: the models of ``manifest.json`` and of a pull's place in time.

Data flow: ``sources.landing`` writes a :class:`Manifest` when it seals a batch and reads it
back; ``warehouse`` stages what it lists and keeps the :class:`Position` that the next pull
starts from. Users import all of these from ``sources.landing``.

Run it alone: ``python -c "from sources.manifest import Position; print(Position())"``

What does not belong here: reading or writing files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

Media = Literal["ndjson", "csv", "xlsx", "edxml", "tsv", "xls", "json", "xml", "parquet"]


class LandedFile(msgspec.Struct, frozen=True):
    """One file of a batch, and where it came from."""

    name: str
    """Relative to the batch folder: ``pages/00000.ndjson`` or ``files/00000.xml``."""
    media: Media
    bytes: int
    sha256: str
    rows: int | None
    """Records in it; None where only staging can know (CSV, XLSX)."""
    url: str
    """Redacted."""
    status: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    note: dict[str, str] = {}
    """Facts of the transport that the table needs, for example an edXML document's docId."""


class Position(msgspec.Struct, frozen=True):
    """Where the last committed pull of a dataset ended."""

    batch: str | None = None
    cursor: str | None = None
    """Greatest value of the contract's cursor column, Vietnam time: ``2026-10-01T08:30:00``."""


class Window(msgspec.Struct, frozen=True):
    """What a pull asks for, Vietnam time: from ``since`` up to, not including, ``until``."""

    since: datetime | None = None
    until: datetime | None = None
    backfill: bool = False
    """The window was asked for by hand; the cursor stays where it is."""
    partial: bool = False
    """The source never names all that it has, whatever it is asked."""

    @property
    def whole(self) -> bool:
        """Whether everything is asked for, and named."""
        open_end = self.since is None and self.until is None
        return open_end and not self.backfill and not self.partial


class Manifest(msgspec.Struct, frozen=True):
    """What a batch is: ``manifest.json``."""

    system: str
    dataset: str
    batch: str
    previous_batch: str | None
    content_sha256: str
    files: list[LandedFile]
    claimed: int | None
    """Records that the source said there are."""
    rows: int | None
    """Records landed, if that is known before staging."""
    cursor_before: str | None
    backfill: bool
    started_at: str
    finished_at: str
    whole: bool = False
    """Everything that the source has: keys that it does not name have vanished."""
    resumed: int = 0
    """Answers that came from an earlier pull, which was cut off; ``started_at`` is that one's."""
    held: int = 0
    """Records that came and were not landed, since they are marked as state secrets."""


@dataclass(frozen=True)
class LandedBatch:
    """A sealed batch on disk."""

    path: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """The batch's name."""
        return self.manifest.batch

    def beside(self, name: str) -> Path:
        """Return a folder next to landing: five folders up, since a system's name has two parts."""
        return self.path.parents[len(Path(self.manifest.system).parts) + 2] / name
