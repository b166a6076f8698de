"""What only SQLite itself can do to a catalog: vacuum it, empty its log, copy it whole.

Data flow: :func:`vacuum` and :func:`copy` -> a process of its own that runs this module -> the
file. It must be another process: this one holds the catalog through another copy of SQLite
(DuckDB's), and closing a file here would drop the locks that the other copy believes to hold, as
POSIX locks belong to the process (sqlite.org/howtocorrupt.html, 2.2.1).

Call both under the lake's lock. Readers go on: the catalog is in WAL mode.

Run it alone: ``python -m warehouse.catalog_file vacuum data/lake/catalog.sqlite 0.2``.

What does not belong here: what the catalog means.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from hub.errors import InternalError

PATIENCE = 5.0
"""Seconds to wait for readers when the log is emptied; another night does the rest."""
_LONGEST = 600


def vacuum(file: Path, *, share: float = 0.0) -> None:
    """Give back free pages and empty the log.

    Args:
        file: The catalog.
        share: Leave the pages as they are if fewer of them are free.
    """
    _run("vacuum", str(file), str(share))


def copy(file: Path, target: Path) -> None:
    """Copy the catalog as it is at this moment to a file that has no log beside it."""
    _run("copy", str(file), str(target))


def _run(*arguments: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - this very module
            [sys.executable, "-m", "warehouse.catalog_file", *arguments],
            cwd=Path(__file__).resolve().parent.parent,
            check=True,
            capture_output=True,
            timeout=_LONGEST,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise InternalError(
            f"SQLite could not {arguments[0]} a catalog: {type(error).__name__}",
            where=arguments[1],
            next_step="is the disk full? nothing was lost; run it again",
        ) from None


def _vacuum(file: str, share: str) -> None:
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        (free,) = database.execute("PRAGMA freelist_count").fetchone()
        if free >= float(share) * pages:
            database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _copy(file: str, target: str) -> None:
    with (
        closing(sqlite3.connect(file, timeout=PATIENCE)) as database,
        closing(sqlite3.connect(target)) as made,
    ):
        database.backup(made)
        made.execute("PRAGMA journal_mode = DELETE").fetchone()


if __name__ == "__main__":
    {"vacuum": _vacuum, "copy": _copy}[sys.argv[1]](*sys.argv[2:])
