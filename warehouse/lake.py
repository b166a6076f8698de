"""The lake: a DuckLake of Parquet files with its catalog, opened for writing or reading.

Data flow: :func:`Lake.writer` and :func:`Lake.reader` hand out DuckDB connections with the lake
attached as ``lake``. Readers never wait for writers and see whole snapshots only. Writers take
:meth:`Lake.lock` round each transaction: a SQLite catalog has one writer at a time, and without
the lock 1-10 of every 15 commits of three writers failed with "database is locked" (measured).

The catalog is put into WAL mode once, when it is made, for the same reason. Small inserts (a
load record, a handful of quarantined rows) are kept inside the catalog (``INLINED_ROWS``), so
that a night in which nothing changed writes no Parquet file.

Run it alone: ``python -m warehouse.lake data/lake`` lists the tables with their row counts.

What does not belong here: which tables exist (contracts), how rows get in (``commit``).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from hub.errors import ConfigurationError, TransientError
from sources.disk import is_running

EXTENSIONS = ("ducklake", "sqlite_scanner")
INLINED_ROWS = 200
"""Inserts of at most this many rows stay in the catalog until maintenance flushes them."""

ALONE_PATIENCE = 2.0
"""Seconds to wait for an instant in which no other process has the lake open."""
LOCK_TIMEOUT = 600.0
"""Seconds to wait for another process's commit; one commit takes a second or two."""

PARQUET = "CALL lake.set_option('parquet_version', 2)"
"""How files are written; DuckDB has read both for years. A scan of texts takes four fifths of the
time, and a file two thirds of the room."""

SCHEMAS = {
    "dung_chung": "Dữ liệu dùng chung giữa các cơ quan nhà nước (shared between state bodies)",
    "mo": "Dữ liệu mở (open data)",
    "dung_rieng": "Dữ liệu dùng riêng trong một cơ quan (restricted to the owner)",
    "danh_muc": "Danh mục dùng chung (reference data)",
    "chi_so": "Chỉ số tính từ dữ liệu (indicators computed from rows)",
    "hub": "Nhật ký nạp, dữ liệu bị từ chối (loads and quarantine of the hub itself)",
}

HUB_TABLES = {
    "hub.loads": """
        seq BIGINT, run VARCHAR, _source VARCHAR, dataset VARCHAR, table_name VARCHAR,
        status VARCHAR, batch VARCHAR, previous_batch VARCHAR, content_sha256 VARCHAR,
        cursor_before VARCHAR, cursor_after VARCHAR, claimed BIGINT, fetched BIGINT,
        inserted BIGINT, updated BIGINT, unchanged BIGINT, deleted BIGINT, rejected BIGINT,
        repaired BIGINT, duplicates BIGINT, started_at TIMESTAMPTZ, ended_at TIMESTAMPTZ,
        seconds DOUBLE, error VARCHAR, checks VARCHAR, fingerprint VARCHAR, whole BOOLEAN,
        held VARCHAR, reloaded BOOLEAN, late BIGINT, seen VARCHAR""",
    "hub.quarantine": """
        _source VARCHAR, dataset VARCHAR, table_name VARCHAR, record_hash UBIGINT,
        record_key VARCHAR, rules VARCHAR[], reasons VARCHAR[], record VARCHAR, file VARCHAR,
        line BIGINT, _batch VARCHAR, _quarantined_at TIMESTAMPTZ, _resolved_at TIMESTAMPTZ,
        _resolved_by VARCHAR""",
    "hub.approvals": """
        approved_at TIMESTAMPTZ, approved_by VARCHAR, reason VARCHAR, _source VARCHAR,
        dataset VARCHAR, table_name VARCHAR, batch VARCHAR, guards VARCHAR[], inserted BIGINT,
        updated BIGINT, deleted BIGINT, rejected BIGINT, run VARCHAR""",
    "hub.purges": """
        table_name VARCHAR, before TIMESTAMPTZ, purged_at TIMESTAMPTZ, versions BIGINT""",
}
"""Tables of the hub itself. Columns are only ever added, at the end: a lake that an earlier
version made is widened when it is opened for writing."""


@dataclass(frozen=True)
class Lake:
    """A lake in one folder: ``catalog.sqlite``, ``files/`` and the commit lock."""

    folder: Path
    memory: str = "1GB"
    """What DuckDB may hold in a process that writes, beside Python's own; the rest is spilt. Less
    makes it slow before it makes it small: below 4 MB for each column and thread of a staging
    table, a table is written by one thread."""

    @property
    def catalog(self) -> Path:
        """SQLite file that holds snapshots, tables, file lists and inlined rows."""
        return self.folder / "catalog.sqlite"

    @property
    def files(self) -> Path:
        """Folder of the Parquet files."""
        return self.folder / "files"

    @property
    def exists(self) -> bool:
        """Whether a first sync has finished making the lake."""
        return self.catalog.exists()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the one cross-process commit lock; a crash releases it.

        Raises:
            TransientError: Another process held it for :data:`LOCK_TIMEOUT` seconds.
        """
        try:
            with FileLock(self.folder / "commit.lock", timeout=LOCK_TIMEOUT):
                yield
        except Timeout as error:
            raise TransientError(
                f"the commit lock was held by another process for {LOCK_TIMEOUT:.0f} s",
                where=str(self.folder),
                next_step="look for a hanging hub process, stop it, and run again",
            ) from error

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep every other connection of the lake away, if there is none just now.

        Needed for what DuckLake does not hide from a reader that has begun: flushing takes rows out
        of the catalog that a query may be about to read there, and drops tables of which another
        connection remembers the name (both measured: a reader saw 2 of 8 rows, a sync failed).
        Hold :meth:`lock` as well. A reader that comes meanwhile waits.

        Yields:
            Whether this process is alone; False after :data:`ALONE_PATIENCE` seconds.
        """
        handle = _handles[_instance(self)]
        until = time.monotonic() + ALONE_PATIENCE
        alone = False
        while not alone:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                alone = True
            except BlockingIOError:
                if time.monotonic() > until:
                    break
                time.sleep(0.02)
        try:
            yield alone
        finally:
            fcntl.flock(handle, fcntl.LOCK_SH)

    def _open(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Have :meth:`alone` of others know of a connection for as long as it lives."""
        with suppress(PermissionError):  # of a folder that is not ours to write
            handle = os.open(self.folder / "open.lock", os.O_RDWR | os.O_CREAT, 0o644)
            weakref.finalize(connection, os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_SH)
            _handles[connection] = handle

    def writer(self) -> duckdb.DuckDBPyConnection:
        """Return a connection that may write; makes the lake on first use.

        The writers of a process share one DuckDB instance, so that loading the extensions and
        opening the catalog (0.3 s) are paid once a night and not once a dataset. Close each
        connection after use; the instance stays.
        """
        if not self.exists:
            self._create()
        with _opening:
            return _instance(self).cursor()

    def reader(
        self, *, version: int | None = None, time: datetime | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Return a read-only connection, by default at the newest snapshot.

        Args:
            version: Snapshot to read instead of the newest one.
            time: Read the snapshot that was the newest at this instant (with a zone).

        Raises:
            ConfigurationError: There is no lake yet, or no such snapshot.
        """
        if not self.exists:
            raise ConfigurationError(
                f"there is no warehouse in {self.folder}", next_step="run `hub sync` first"
            )
        connection = connect()
        self._open(connection)
        at = f", SNAPSHOT_VERSION {version:d}" if version is not None else ""
        if time is not None:
            at = f", SNAPSHOT_TIME '{time.isoformat()}'"
        try:
            self._attach(connection, f", READ_ONLY{at}")
        except duckdb.Error as error:
            if not at or "snapshot" not in str(error).lower():
                raise
            raise ConfigurationError(
                f"there is no snapshot {version if version is not None else time}; older ones have "
                "expired, or ended when a person was erased on request (data/erasures)",
                next_step='`hub query "select snapshot_id, snapshot_time, commit_message from '
                'lake.snapshots()"` lists them',
            ) from error
        connection.execute("USE lake")
        return connection

    def _attach(self, connection: duckdb.DuckDBPyConnection, options: str = "") -> None:
        # The data path is given anew each time so that the data folder can be moved.
        connection.execute(
            f"ATTACH 'ducklake:sqlite:{quote(self.catalog)}' AS lake (DATA_PATH "
            f"'{quote(self.files)}/', OVERRIDE_DATA_PATH true, "
            f"DATA_INLINING_ROW_LIMIT {INLINED_ROWS}{options})"
        )

    def _create(self) -> None:
        """Make the catalog under another name and show it by one rename: kill-safe."""
        self.files.mkdir(parents=True, exist_ok=True)
        with self.lock():
            if self.exists:
                return
            unfinished = Lake(self.folder / ".new")
            unfinished.folder.mkdir(exist_ok=True)
            for leftover in unfinished.folder.glob("catalog.sqlite*"):
                leftover.unlink()
            with sqlite3.connect(unfinished.catalog) as catalog:
                catalog.execute("PRAGMA journal_mode = WAL")
            catalog.close()
            connection = connect()
            connection.execute(
                f"ATTACH 'ducklake:sqlite:{quote(unfinished.catalog)}' AS lake "
                f"(DATA_PATH '{quote(self.files)}/')"
            )
            connection.execute("BEGIN")  # a snapshot for each statement would be 0.5 s
            for name in SCHEMAS:
                connection.execute(f"CREATE SCHEMA lake.{name}")
            for name, columns in HUB_TABLES.items():
                connection.execute(f"CREATE TABLE lake.{name} ({columns})")
            connection.execute("COMMIT")
            connection.execute(PARQUET)
            connection.close()
            with sqlite3.connect(unfinished.catalog) as catalog:
                catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            catalog.close()
            os.rename(unfinished.catalog, self.catalog)  # noqa: PTH104 - the one visible step
            shutil.rmtree(unfinished.folder)


_verified: dict[Path, int] = {}
"""Extension files whose signatures DuckDB has verified in this process, with the time of their last
change. It would hash all 67 MB again for each instance, 0.25 s; once a process is enough."""


def _extensions() -> list[Path]:
    """Return the extension files of the installed wheels."""
    found = []
    for name in EXTENSIONS:
        folder = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
        found.append(Path(str(folder)) / f"{name}.duckdb_extension")
    return found


def connect() -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB with the lake's extensions loaded from their wheels.

    Nothing is installed into a home folder and nothing is fetched: a government network may
    have neither (design section 4).
    """
    paths = _extensions()
    trusted = _verified == {path: path.stat().st_mtime_ns for path in paths}
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_unsigned_extensions": trusted,
        }
    )
    for path in paths:
        connection.execute(f"LOAD '{quote(path)}'")
    # It cannot be allowed again in a running instance.
    connection.execute("SET allow_unsigned_extensions = false")
    _verified.update({path: path.stat().st_mtime_ns for path in paths})
    # Instants are shown in the province's time whatever the machine's zone (promise 12). GLOBAL,
    # since a cursor of the connection does not inherit its session's settings.
    connection.execute("SET GLOBAL TimeZone = 'Asia/Ho_Chi_Minh'")
    # Under `python -c` DuckDB takes itself for interactive and would draw into our JSON.
    connection.execute("SET enable_progress_bar = false")
    return connection


_handles: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, int] = weakref.WeakKeyDictionary()
"""Connection -> the file handle whose shared lock says that it is open."""
_opening = threading.Lock()
"""The pulls of several systems ask for the instance at the same moment; one opens it."""


PARTITION_ROWS = 61_440
"""Rows of a partition that a thread gathers before it writes them. DuckDB's own number, 524,288,
made the first load of a million rows take 500 MB more; a Parquet row group is 122,880."""


@lru_cache(maxsize=2)
def _instance(lake: Lake) -> duckdb.DuckDBPyConnection:
    """Return this process's DuckDB instance with a lake attached for writing."""
    connection = connect()
    bound(connection, lake.memory, _spill(lake.folder))
    connection.execute(f"SET GLOBAL partitioned_write_flush_threshold = {PARTITION_ROWS}")
    # DuckDB's own files are staging files, which live for minutes: 90,000 rows in 0.1 s, not 0.7.
    connection.execute("SET GLOBAL force_compression = 'uncompressed'")
    lake._open(connection)  # noqa: SLF001 - the same module
    lake._attach(connection)  # noqa: SLF001 - the same module
    _widen(lake, connection)
    return connection


def bound(connection: duckdb.DuckDBPyConnection, memory: str, spill: Path) -> None:
    """Bound an instance's memory; what does not fit goes into a folder, which is as private."""
    connection.execute(f"SET GLOBAL memory_limit = '{quote(memory)}'")
    connection.execute(f"SET GLOBAL temp_directory = '{quote(spill)}'")


def _spill(folder: Path) -> Path:
    """Return this process's folder for what does not fit into memory; those of dead ones go."""
    for leftover in folder.glob("spill-*"):
        if not is_running(leftover.name.removeprefix("spill-")):
            shutil.rmtree(leftover, ignore_errors=True)
    return folder / f"spill-{os.getpid()}"


def _widen(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    """Add the tables and columns that this version has and the lake lacks."""
    for name in HUB_TABLES.keys() - table_names(connection):
        with lake.lock():
            connection.execute(f"CREATE TABLE IF NOT EXISTS lake.{name} ({HUB_TABLES[name]})")
    for name, columns in HUB_TABLES.items():
        present = {row[0] for row in connection.execute(f"DESCRIBE lake.{name}").fetchall()}
        wanted = [column.split() for column in columns.split(",")]
        for column, sql_type in wanted:
            if column not in present:
                with lake.lock():
                    connection.execute(
                        f"ALTER TABLE lake.{name} ADD COLUMN IF NOT EXISTS {column} {sql_type}"
                    )


def table_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return ``schema.table`` of every table of the lake, at the connection's snapshot."""
    found = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'lake'"
    ).fetchall()
    return {name for (name,) in found}


def quote(value: object) -> str:
    """Return the text for use between single quotes in SQL."""
    return str(value).replace("'", "''")


def main() -> None:
    """List the tables of a lake with their row counts."""
    connection = Lake(Path(sys.argv[1])).reader()
    for name in sorted(table_names(connection)):
        count = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        sys.stdout.write(f"{name}\t{count[0] if count else 0}\n")


if __name__ == "__main__":
    main()
