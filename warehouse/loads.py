"""What was loaded: one row of ``hub.loads`` for each dataset and attempt, and the position of each.

Data flow: ``commit`` writes a ``loaded`` record in the same transaction as the rows;
:func:`record` adds ``unchanged`` and ``failed`` ones afterwards. The position from which the next
pull starts is read back from the newest ``loaded`` record: cursor, batch and rows can never
disagree, because there is no second place that holds them.

Run it alone: ``python -m warehouse.loads data/lake`` prints the newest record of each dataset.

What does not belong here: showing them to people (``hub.cli``), the commit itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from sources.landing import Position
from warehouse.lake import INLINED_ROWS, Lake

LOADED, UNCHANGED, FAILED = "loaded", "unchanged", "failed"


@dataclass(frozen=True, kw_only=True)
class LoadRecord:
    """One attempt at one dataset. Counts are rows; times are instants."""

    run: str
    source: str
    dataset: str
    table_name: str
    status: str
    batch: str | None = None
    previous_batch: str | None = None
    content_sha256: str | None = None
    fingerprint: str | None = None
    """Digest of all that decided what became of the batch (``hub.fingerprint``)."""
    whole: bool = False
    """Whether the batch held everything that the source has."""
    cursor_before: str | None = None
    cursor_after: str | None = None
    claimed: int | None = None
    fetched: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    rejected: int = 0
    repaired: int = 0
    duplicates: int = 0
    started_at: datetime
    ended_at: datetime
    seconds: float = 0.0
    error: str | None = None
    checks: str | None = None
    held: str | None = None
    """JSON: why the batch was held back and what it would do (``hub.held``); None if it was not."""
    reloaded: bool = False
    """Landed batches were loaded again after a contract or a definition changed; ``batch`` is the
    dataset's position, which stays."""
    late: int = 0
    """Versions that came when a newer one was there; they are in the history alone."""
    seen: str | None = None
    """JSON: which fields the source sent up to now, and what could not be typed
    (``warehouse.drift.Seen``)."""

    @property
    def changed(self) -> int:
        """Rows that moved in the live table."""
        return self.inserted + self.updated + self.deleted


_COLUMNS = ["_source" if f.name == "source" else f.name for f in fields(LoadRecord)]


def insert(records: Sequence[LoadRecord]) -> tuple[str, list[Any]]:
    """Return the statement that adds records, numbered on from the last one, and its parameters."""
    row = ", ".join("?" for _ in _COLUMNS)
    rows = ", ".join(f"({number}, {row})" for number in range(1, len(records) + 1))
    columns = ", ".join(_COLUMNS)
    sql = f"""INSERT INTO lake.hub.loads (seq, {columns})
        SELECT n + (SELECT coalesce(max(seq), 0) FROM lake.hub.loads), {columns}
        FROM (VALUES {rows}) AS new (n, {columns})"""
    return sql, [getattr(load, f.name) for load in records for f in fields(LoadRecord)]


def record(lake: Lake, connection: duckdb.DuckDBPyConnection, *records: LoadRecord) -> None:
    """Write records that come with no rows (unchanged or failed) in a commit of their own."""
    with lake.lock():
        for first in range(0, len(records), INLINED_ROWS):  # more would make a Parquet file
            connection.execute(*insert(records[first : first + INLINED_ROWS]))


_OF_ONE = "concat_ws('/', _source, dataset) = ?"
"""The records of one dataset. An expression over both columns: of each plain filter DuckLake asks
the statistics in its catalog, which costs 10 ms over SQLite, several times a dataset and night.
Those of one system are asked for in the same way."""
_OF_SYSTEM = "concat_ws('/', _source) = ?"


def position(connection: duckdb.DuckDBPyConnection, source: str, dataset: str) -> Position:
    """Return where the last committed pull of a dataset ended."""
    return standings(connection, source).get(dataset, Standing()).position


_NOWHERE = Position()


@dataclass(frozen=True)
class Standing:
    """How far the pulls of a dataset have come."""

    position: Position = _NOWHERE
    """Where the last committed one ended."""
    last_whole: datetime | None = None
    """When the last good one of everything began."""


def standings(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, Standing]:
    """Return how far the datasets of a system have come; what was never loaded is not named."""
    found = connection.execute(
        f"""SELECT dataset,
            max_by({{batch: batch, cursor: cursor_after}}, seq) FILTER (status = 'loaded'),
            max(started_at) FILTER (whole AND status IN ('loaded', 'unchanged'))
        FROM lake.hub.loads WHERE {_OF_SYSTEM} GROUP BY dataset""",
        [source],
    ).fetchall()
    return {
        dataset: Standing(Position(**where) if where else Position(), whole)
        for dataset, where, whole in found
    }


def moment(connection: duckdb.DuckDBPyConnection) -> datetime:
    """Return the time of a commit that is about to be made; the commit lock must be held.

    Now, or just after the last one if the clock went back: who has seen the changes up to some
    moment must never miss one that gets an earlier time afterwards.
    """
    found = connection.execute(
        "SELECT max(ended_at) FROM lake.hub.loads WHERE status = 'loaded'"
    ).fetchone()
    now = datetime.now(UTC)
    last = found[0] if found else None
    return now if last is None else max(now, last + timedelta(microseconds=1))


def latest(
    connection: duckdb.DuckDBPyConnection, *, status: str | None = None
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the newest record of each dataset as plain dicts, keyed by (source, dataset).

    Args:
        connection: Has the lake attached as ``lake``.
        status: Look only at records of this status; ``"good"`` means loaded or unchanged.
    """
    cursor = connection.execute(
        f"SELECT * FROM lake.hub.loads WHERE {_of_status(status)} "
        "QUALIFY row_number() OVER (PARTITION BY _source, dataset ORDER BY seq DESC) = 1"
    )
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {(row["_source"], row["dataset"]): row for row in rows}


def checked(connection: duckdb.DuckDBPyConnection, source: str, dataset: str) -> str | None:
    """Return what the checks said when rows of a dataset last changed, as JSON."""
    found = connection.execute(
        "SELECT max_by(checks, seq) FILTER (status = 'loaded') FROM lake.hub.loads "
        f"WHERE {_OF_ONE}",
        [f"{source}/{dataset}"],
    ).fetchone()
    return found[0] if found else None


def last_good(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, dict[str, Any]]:
    """Return the newest loaded or unchanged record of each dataset of a system.

    With each comes ``checked``: what the checks said when rows last changed.
    """
    cursor = connection.execute(
        f"""FROM (
            SELECT *, max_by(checks, seq) FILTER (status = 'loaded')
                OVER (PARTITION BY dataset) AS checked
            FROM lake.hub.loads WHERE {_OF_SYSTEM})
        WHERE {_of_status("good")}
        QUALIFY row_number() OVER (PARTITION BY dataset ORDER BY seq DESC) = 1""",
        [source],
    )
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["dataset"]: row for row in rows}


def _of_status(status: str | None) -> str:
    """Return the condition; ``"good"`` means loaded or unchanged."""
    return {None: "true", "good": "status IN ('loaded', 'unchanged')"}.get(
        status, f"status = '{status}'"
    )


def waiting(
    connection: duckdb.DuckDBPyConnection, *, reloaded: bool = False
) -> list[dict[str, Any]]:
    """Return the batches that are held back, the newest last: nothing good was loaded since.

    Args:
        connection: Has the lake attached as ``lake``.
        reloaded: Those that ``hub reload`` held back instead of those that came.
    """
    columns = {row[0] for row in connection.execute("DESCRIBE lake.hub.loads").fetchall()}
    if not {"held", "reloaded"} <= columns:
        return []  # an earlier version made the lake, and nobody has written to it since
    cursor = connection.execute(
        """SELECT * FROM lake.hub.loads l WHERE held IS NOT NULL
            AND coalesce(reloaded, false) = ? AND seq > coalesce((
            SELECT max(seq) FROM lake.hub.loads g WHERE g._source = l._source
            AND g.dataset = l.dataset AND g.status IN ('loaded', 'unchanged')), 0)
        QUALIFY row_number() OVER (PARTITION BY _source, dataset, batch ORDER BY seq DESC) = 1
        ORDER BY seq""",
        [reloaded],
    )
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows_of(connection: duckdb.DuckDBPyConnection, table: str, source: str) -> int:
    """Return how many rows a live table, ``schema.table``, holds of a source."""
    found = connection.execute(
        f"SELECT count(*) FROM lake.{table} WHERE _source = ?", [source]
    ).fetchone()
    return int(found[0]) if found else 0


def quarantined(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, int]:
    """Return how many records of each dataset of a source are refused and not mended yet."""
    found = connection.execute(
        f"""SELECT dataset, count(*) FILTER (_resolved_at IS NULL) FROM lake.hub.quarantine
        WHERE {_OF_SYSTEM} GROUP BY 1""",
        [source],
    ).fetchall()
    return dict(found)


def main() -> None:
    """Print the newest record of each dataset."""
    for (source, dataset), row in sorted(latest(Lake(Path(sys.argv[1])).reader()).items()):
        sys.stdout.write(
            f"{source}/{dataset}\t{row['status']}\t{row['ended_at']}\t{row['error'] or ''}\n"
        )


if __name__ == "__main__":
    main()
