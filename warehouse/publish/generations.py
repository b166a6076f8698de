"""Generations of the published folder: built aside, shown by one rename, removed after a grace.

Data flow: :meth:`Generations.begin` -> a hidden folder that is filled -> :meth:`Generations.finish`
gives it its name and turns ``current`` to it -> :meth:`Generations.sweep`, next time, removes what
nobody reads any more.

``current`` is a relative symbolic link. One rename of a link exchanges DuckDB file, Parquet and
documents together; replacing file by file would show a new table beside an old one. Whoever has a
file open keeps it, whoever resolved the link keeps the folder for the grace. The caller holds a
lock: whatever unfinished lies here is then a dead process's.

Files are read-only, also for their owner: those of unchanged tables are the same file in several
generations.

Run it alone: ``pytest tests/warehouse/publish/test_generations.py``.

What does not belong here: what is in a generation (``build``).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sources.disk import sync

CURRENT = "current"
_PARTIAL, _LINK, _GONE = ".partial", ".current", ".gone-"
_NAME = "%Y%m%dT%H%M%S%fZ"
_FOLDER_MODE, FILE_MODE, _SETGID = 0o750, 0o440, 0o2000


def step(name: str) -> None:
    """Mark a step by name, so that a test can kill the process between any two."""


@dataclass(frozen=True)
class Generations:
    """The published folder."""

    folder: Path

    def current(self) -> Path | None:
        """Return the generation that readers get; None if there is none."""
        link = self.folder / CURRENT
        return self.folder / link.readlink() if link.is_dir() else None

    def begin(self) -> Path:
        """Return an empty hidden folder to build the next generation in."""
        partial = self.folder / _PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        for folder in (self.folder, partial):
            folder.mkdir(parents=True, exist_ok=True)
            _permit(folder)
        return partial

    def finish(self, partial: Path) -> Path:
        """Show what was built: to the disk first, then by one rename each of folder and link."""
        for path in sorted(partial.rglob("*")):
            _permit(path)
            sync(path)
        sync(partial)
        step("rename")
        final = self.folder / self._next_name()
        partial.rename(final)
        sync(self.folder)
        step("link")
        if old := self.current():
            os.utime(old)  # from now on it is an old one: its grace begins
        link = self.folder / _LINK
        link.unlink(missing_ok=True)
        link.symlink_to(final.name, target_is_directory=True)
        link.rename(self.folder / CURRENT)
        sync(self.folder)
        step("shown")
        return final

    def sweep(self, grace: timedelta, now: datetime, *, dry_run: bool = False) -> int:
        """Remove generations whose grace is over, and what killed processes left; says how many.

        Args:
            grace: As long as the longest read may take.
            now: Aware.
            dry_run: Only count the generations.
        """
        if not self.folder.is_dir():
            return 0
        current = self.current()
        removed = 0
        for path in self._all():
            shown = current is not None and path.name <= current.name
            if path == current or (shown and path.stat().st_mtime > (now - grace).timestamp()):
                continue
            removed += 1
            if not dry_run:
                path.rename(self.folder / f"{_GONE}{path.name}")
        if dry_run:
            return removed
        for leftover in (*self.folder.glob(f"{_GONE}*"), self.folder / _PARTIAL):
            shutil.rmtree(leftover, ignore_errors=True)
        (self.folder / _LINK).unlink(missing_ok=True)
        return removed

    def remove_all(self, *, dry_run: bool = False) -> int:
        """Remove everything that was ever published, at once; says how many generations."""
        found = len(self._all())
        if not dry_run and self.folder.exists():
            shutil.rmtree(self.folder)  # who is told that it is gone must be able to rely on it
        return found

    def _all(self) -> list[Path]:
        """Return every generation, the oldest first."""
        return sorted(path for path in self.folder.glob("[0-9]*Z") if path.is_dir())

    def _next_name(self) -> str:
        """Return a name after all others, even if the clock went back."""
        now = datetime.now(UTC)
        for path in self._all()[-1:]:
            newest = datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)
            now = max(now, newest + timedelta(microseconds=1))
        return now.strftime(_NAME)


def _permit(path: Path) -> None:
    """Let the folder's group read, nobody else; a setgid bit of the folder is inherited."""
    if path.is_dir():
        path.chmod(_FOLDER_MODE | (path.stat().st_mode & _SETGID))
    else:
        path.chmod(FILE_MODE)
