"""Take a person out of the lake, so that no file, no snapshot and no page of the catalog has them.

Data flow: a person and the columns that may hold personal values -> rows deleted from live tables,
histories and quarantine in one transaction -> inlined rows flushed -> files rewritten -> every
earlier snapshot expired -> files removed at once -> the table statistics of the catalog (it keeps
the least and the greatest value of each column) taken anew -> the catalog vacuumed.

A row about the person goes whole: a dossier without its holder would still say what its other
columns say of them. It all happens under the lock and alone, so readers wait; time travel to
before it ends. Killed at any step, the same command does the rest: every step may be repeated.

Run it alone: ``pytest tests/hub/test_erase.py``.

What does not belong here: files beside the lake (``erasure_files``), whether it may be done
(``hub.erase``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import duckdb

from hub.errors import TransientError
from warehouse import maintenance
from warehouse.lake import Lake
from warehouse.maintenance import step
from warehouse.person import FLAT, Person, matches_list_sql, matches_sql, mentions_sql

QUARANTINE, LOADS = "hub.quarantine", "hub.loads"


def personal_columns(
    connection: duckdb.DuckDBPyConnection, classified: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return table -> columns to look into.

    Args:
        connection: Has the lake attached.
        classified: Table or history -> columns that a contract classifies as personal. Of a table
            without a contract every text and date is looked into.
    """
    found: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = 'lake' AND schema_name <> 'hub' "
        "AND NOT starts_with(column_name, '_') "
        "AND (data_type IN ('VARCHAR', 'DATE', 'BIGINT') OR starts_with(data_type, 'TIMESTAMP')) "
        "ORDER BY column_index"
    ).fetchall():
        if table not in classified or column in classified[table]:
            found.setdefault(table, []).append(column)
    return found


def conditions(columns: Mapping[str, Sequence[str]], person: Person) -> dict[str, str]:
    """Return table -> SQL that is TRUE for a row about the person."""
    values = "json_extract_string(record, '$.*') || json_extract_string(record_key, '$.*')"
    cells = f"list_transform({values}, lambda c: {FLAT.format('c')})"
    found = {table: matches_sql(person, names) for table, names in columns.items()}
    refused = f"{matches_list_sql(person, cells)} OR {mentions_sql(person, 'record')}"
    found[QUARANTINE] = f"({refused})"
    return found


def count(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Sequence[str]], person: Person
) -> dict[str, int]:
    """Return table -> rows about the person, of tables that have any."""
    counts = {}
    for table, condition in conditions(columns, person).items():
        row = connection.execute(f"SELECT count(*) FROM lake.{table} WHERE {condition}").fetchone()
        if row and row[0]:
            counts[table] = int(row[0])
    return counts


def erase(lake: Lake, columns: Mapping[str, Sequence[str]], person: Person) -> dict[str, int]:
    """Erase a person from the lake; returns table -> rows deleted.

    Raises:
        TransientError: Somebody has the lake open, or holds the lock.
        InternalError: DuckLake refused a step; run it again.
    """
    connection = lake.writer()
    try:
        with lake.lock(), lake.alone() as alone:
            if not alone:
                raise TransientError(
                    "the warehouse is open elsewhere, and a reader might keep what is to go",
                    where=str(lake.folder),
                    next_step="end the queries and syncs that are running, then run it again",
                )
            counts = count(connection, columns, person)
            _delete(connection, conditions(columns, person), person)
            step(connection, "flush", "CALL ducklake_flush_inlined_data('lake')")
            for stored in maintenance.sizes(connection):
                # All tables: an earlier erasure may have been killed after its deletions.
                if stored.deleted or stored.table in counts:
                    maintenance.compact(connection, stored)
            maintenance.expire(connection, timedelta(0))
            maintenance.remove_files(connection, timedelta(0))
            for table in (*columns, QUARANTINE):
                _renew_statistics(connection, table)
            maintenance.vacuum(lake)
    finally:
        connection.close()
    return counts


def _delete(
    connection: duckdb.DuckDBPyConnection, conditions: Mapping[str, str], person: Person
) -> None:
    step(connection, "begin", "BEGIN")
    try:
        for table, condition in conditions.items():
            step(connection, "delete", f"DELETE FROM lake.{table} WHERE {condition}")
        for column in ("error", "checks"):
            step(
                connection,
                "words",
                f"UPDATE lake.{LOADS} SET {column} = NULL WHERE {mentions_sql(person, column)}",
            )
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    step(connection, "commit", "COMMIT")


def _renew_statistics(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Take a table's least and greatest texts and dates anew: DuckLake only ever widens them."""
    catalog = "__ducklake_metadata_lake"
    schema, name = table.split(".")
    columns = connection.execute(
        f"""SELECT c.table_id, c.column_id, c.column_name FROM {catalog}.ducklake_column c
        JOIN {catalog}.ducklake_table t USING (table_id)
        JOIN {catalog}.ducklake_schema s USING (schema_id)
        WHERE c.end_snapshot IS NULL AND t.end_snapshot IS NULL AND s.end_snapshot IS NULL
          AND c.parent_column IS NULL AND c.column_type IN ('varchar', 'date')
          AND s.schema_name = ? AND t.table_name = ?""",
        [schema, name],
    ).fetchall()
    for table_id, column_id, column in columns:
        found = connection.execute(
            f'SELECT min("{column}")::VARCHAR, max("{column}")::VARCHAR FROM lake.{table}'
        ).fetchone()
        least, greatest = found or (None, None)
        connection.execute(
            f"UPDATE {catalog}.ducklake_table_column_stats SET min_value = ?, max_value = ? "
            "WHERE table_id = ? AND column_id = ? AND min_value IS NOT NULL",
            [least, greatest, table_id, column_id],
        )
