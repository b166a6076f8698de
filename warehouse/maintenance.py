"""Keep the lake fast and small: rows into files, files into few, old snapshots and files away.

Data flow: :func:`maintain` takes the commit lock for one step at a time, so that a sync beside it
waits for one table at most: inlined rows are flushed into files; a table with many deleted rows or
many small files is rewritten, sorted by its key, and merged; snapshots older than the policy
expire; files that no snapshot names are removed, but only a grace after they were replaced, since
a reader that began before may still open them; then the catalog gives back what it freed.

The order matters (design section 4): rewriting a table that gained a column while rows of it were
inlined fails unless these are flushed first. Sorting is what brings point queries back: a night's
upserts stand at the end of a merged file otherwise, and no row group can be passed over (measured;
``docs/operations.md``). Every step may be repeated: killed anywhere, the next run does the rest.

Run it alone: ``python -m warehouse.maintenance data/lake`` with the standing policy.

What does not belong here: the folders beside the lake (``cleanup``), removing a person
(``erasure``), when it runs (``hub.maintenance_assets``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from hub.errors import InternalError
from warehouse import catalog_file
from warehouse.lake import Lake, quote
from warehouse.tables import history_of

DELETED_SHARE = 0.05
"""A table is rewritten once so many of its stored rows are deleted ones."""
MANY_FILES = 8
"""A table of more files than this is merged: a night adds one for each source that changed."""
FREE_SHARE = 0.2
"""The catalog is vacuumed once so much of it is free pages."""


@dataclass(frozen=True)
class Policy:
    """How long things are kept."""

    snapshots: timedelta = timedelta(days=30)
    """Time travel reaches back so far; must be longer than the longest read too. A reader that had
    looked up its snapshot, which then expired, saw 0 of 8 inlined rows (measured)."""
    grace: timedelta = timedelta(hours=24)
    """A replaced file stays so long; must be longer than the longest read."""


@dataclass(frozen=True)
class Done:
    """What one step did, or would do."""

    step: str
    table: str = ""
    count: int = 0
    """Files, snapshots or tables, as the step's name says."""


@dataclass(frozen=True)
class Stored:
    """How a table lies in the catalog now."""

    schema: str
    name: str
    rows: int
    """Rows in data files, deleted ones included."""
    deleted: int
    files: int
    bytes: int
    inlined: int
    """Rows inside the catalog."""

    @property
    def table(self) -> str:
        """``schema.table``."""
        return f"{self.schema}.{self.name}"

    @property
    def is_worn(self) -> bool:
        """Whether reading it has become slower than it need be."""
        return self.deleted > DELETED_SHARE * max(self.rows, 1) or self.files > MANY_FILES


def step(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> list[tuple[object, ...]]:
    """Run one named statement; a test may kill the process before and after each.

    Raises:
        InternalError: DuckLake refused it; the statement was a transaction of its own.
    """
    try:
        return connection.execute(sql).fetchall()
    except duckdb.Error as error:
        raise InternalError(
            f"maintenance failed at '{name}': {type(error).__name__}",
            next_step="nothing is lost and the next run tries again; report this with the log",
        ) from error


def maintain(
    lake: Lake,
    keys: Mapping[str, tuple[str, ...]],
    policy: Policy,
    *,
    dry_run: bool = False,
    noted: Callable[[Done], None] = lambda _: None,
) -> list[Done]:
    """Bring a lake back into shape.

    Args:
        lake: The lake.
        keys: Table -> key columns, by which it and its history are kept sorted.
        policy: What is kept, and how long.
        dry_run: Say what would be done and do nothing.
        noted: Called after each step.

    Raises:
        TransientError: Another process held the commit lock too long.
        InternalError: DuckLake refused a step.
    """
    done: list[Done] = []
    if not lake.exists:
        return done
    connection = lake.writer()
    try:
        for found in _steps(lake, connection, keys, policy, dry_run=dry_run):
            done.append(found)
            noted(found)
    finally:
        connection.close()
    return done


def _steps(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    keys: Mapping[str, tuple[str, ...]],
    policy: Policy,
    *,
    dry_run: bool,
) -> Iterator[Done]:
    for stored in sizes(connection):
        if stored.inlined:
            flushed = dry_run or flush(lake, connection, stored)
            step_name = "flushed_rows" if flushed else "passed_over_while_read"
            yield Done(step_name, stored.table, stored.inlined)
    sorted_by = {**keys, **{history_of(table): key for table, key in keys.items()}}
    for stored in sizes(connection):
        if stored.is_worn and (dry_run or not stored.inlined):
            if not dry_run:
                with lake.lock():
                    compact(connection, stored, sorted_by.get(stored.table, ()))
            yield Done("compacted_files", stored.table, stored.files)
    with lake.lock():
        expired = expire(connection, policy.snapshots, dry_run=dry_run)
    yield Done("expired_snapshots", count=expired)
    with lake.lock():
        removed = remove_files(connection, policy.grace, dry_run=dry_run)
    yield Done("removed_files", count=removed)
    if not dry_run:
        with lake.lock():
            freed = vacuum(lake, share=FREE_SHARE)
        yield Done("freed_catalog_bytes", count=freed)


def sizes(connection: duckdb.DuckDBPyConnection) -> list[Stored]:
    """Return how every table lies in the catalog, from the catalog alone: no file is opened.

    Args:
        connection: Has the lake attached as ``lake``.
    """
    catalog = "__ducklake_metadata_lake"
    found = connection.execute(
        f"""SELECT s.schema_name, t.table_name,
            coalesce((SELECT sum(record_count) FROM {catalog}.ducklake_data_file f
                WHERE f.table_id = t.table_id AND f.end_snapshot IS NULL), 0)::BIGINT,
            coalesce((SELECT sum(delete_count) FROM {catalog}.ducklake_delete_file d
                WHERE d.table_id = t.table_id AND d.end_snapshot IS NULL), 0)::BIGINT,
            (SELECT count(*) FROM {catalog}.ducklake_data_file f
                WHERE f.table_id = t.table_id AND f.end_snapshot IS NULL)::BIGINT,
            coalesce((SELECT sum(file_size_bytes) FROM {catalog}.ducklake_data_file f
                WHERE f.table_id = t.table_id AND f.end_snapshot IS NULL), 0)::BIGINT,
            t.table_id
        FROM {catalog}.ducklake_table t JOIN {catalog}.ducklake_schema s USING (schema_id)
        WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL ORDER BY 1, 2"""
    ).fetchall()
    inlined = _inlined(connection, catalog)
    return [Stored(*(*figures, inlined.get(table, 0))) for *figures, table in found]


def _inlined(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[int, int]:
    """Return table id -> rows and deletions that lie inside the catalog."""
    names = connection.execute(
        f"SELECT table_id, table_name FROM {catalog}.ducklake_inlined_data_tables"
    ).fetchall()
    present = {
        name
        for (name,) in connection.execute(
            f"FROM sqlite_query('{catalog}', 'SELECT name FROM sqlite_master')"
        ).fetchall()
    }
    found = [(table, name) for table, name in names if name in present]
    found += [
        (table, name)
        for table in {table for table, _ in names}
        if (name := f"ducklake_inlined_delete_{table}") in present
    ]
    if not found:
        return {}
    union = " UNION ALL ".join(
        f"SELECT {table} AS id, count(*) AS n FROM {catalog}.{name}" for table, name in found
    )
    return dict(
        connection.execute(f"SELECT id, sum(n)::BIGINT FROM ({union}) GROUP BY id").fetchall()
    )


def flush(lake: Lake, connection: duckdb.DuckDBPyConnection, stored: Stored) -> bool:
    """Write a table's inlined rows and deletions into files, unless the lake is open elsewhere."""
    place = f"schema_name => '{stored.schema}', table_name => '{stored.name}'"
    with lake.lock(), lake.alone() as alone:
        if alone:
            step(connection, "flush", f"CALL ducklake_flush_inlined_data('lake', {place})")
    return alone


def compact(
    connection: duckdb.DuckDBPyConnection, stored: Stored, key: tuple[str, ...] = ()
) -> None:
    """Rewrite what has deleted rows and merge what is left, sorted; call it under the lock.

    Nothing of the table's content changes, and older snapshots are read as before.
    """
    if key and not _is_sorted(connection, stored):
        step(
            connection, "sort", f"ALTER TABLE lake.{stored.table} SET SORTED BY ({', '.join(key)})"
        )
    place = f"'lake', '{stored.name}', schema => '{stored.schema}'"
    step(connection, "rewrite", f"CALL ducklake_rewrite_data_files({place}, delete_threshold => 0)")
    step(connection, "merge", f"CALL ducklake_merge_adjacent_files({place})")


def _is_sorted(connection: duckdb.DuckDBPyConnection, stored: Stored) -> bool:
    catalog = "__ducklake_metadata_lake"
    found = connection.execute(
        f"""SELECT count(*) FROM {catalog}.ducklake_sort_info i
        JOIN {catalog}.ducklake_table t USING (table_id)
        JOIN {catalog}.ducklake_schema s USING (schema_id)
        WHERE i.end_snapshot IS NULL AND t.end_snapshot IS NULL AND s.end_snapshot IS NULL
          AND s.schema_name = ? AND t.table_name = ?""",
        [stored.schema, stored.name],
    ).fetchone()
    return bool(found and found[0])


def expire(connection: duckdb.DuckDBPyConnection, kept: timedelta, *, dry_run: bool = False) -> int:
    """Expire snapshots older than ``kept`` (never the newest); call it under the lock.

    They are named by number: over a SQLite catalog DuckLake 1.0 compares ``older_than`` as text,
    and takes one zone's clock for another's.
    """
    old = connection.execute(
        "SELECT snapshot_id FROM ducklake_snapshots('lake') WHERE snapshot_time < ? "
        "AND snapshot_id < (SELECT max(snapshot_id) FROM ducklake_snapshots('lake'))",
        [datetime.now(UTC) - kept],
    ).fetchall()
    if old and not dry_run:
        numbers = ", ".join(str(number) for (number,) in old)
        sql = f"CALL ducklake_expire_snapshots('lake', versions => [{numbers}])"
        step(connection, "expire", sql)
    return len(old)


def remove_files(
    connection: duckdb.DuckDBPyConnection, grace: timedelta, *, dry_run: bool = False
) -> int:
    """Remove files replaced, or never named, longer ago than ``grace``; call it under the lock.

    A commit under way writes its files before its catalog entry; they are younger than any grace
    (without one, the lock keeps commits away). DuckLake keeps a replaced file up to seven hours
    longer than asked, since it compares these times as text too.
    """
    before = datetime.now(UTC) - grace
    limits = f"dry_run => {dry_run}, older_than => TIMESTAMPTZ '{before.isoformat()}'"
    if not grace:
        limits = f"dry_run => {dry_run}, cleanup_all => true"
    old = step(connection, "clean_up", f"CALL ducklake_cleanup_old_files('lake', {limits})")
    lost = step(connection, "orphans", f"CALL ducklake_delete_orphaned_files('lake', {limits})")
    return len(old) + len(lost)


def vacuum(lake: Lake, *, share: float = 0.0) -> int:
    """Give back the catalog's free pages and empty its log; call it under the lock.

    Returns:
        Bytes by which catalog and log shrank.
    """
    before = catalog_bytes(lake)
    catalog_file.vacuum(lake.catalog, share=share)
    return max(0, before - catalog_bytes(lake))


def catalog_bytes(lake: Lake) -> int:
    """Return the size of the catalog and its log."""
    return sum(path.stat().st_size for path in lake.folder.glob("catalog.sqlite*"))


def main() -> None:
    """Maintain a lake with the standing policy, without knowing its contracts."""
    lake = Lake(Path(quote(sys.argv[1])))
    for done in maintain(lake, {}, Policy()):
        sys.stdout.write(f"{done.step}\t{done.table}\t{done.count}\n")


if __name__ == "__main__":
    main()
