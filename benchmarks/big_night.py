"""A night on a large table: 100,000 rows changed or new and 10,000 deleted, of ten million.

Data flow: a table of N rows, made once -> copies of its folder, one per contestant and run ->
each takes the same night in a process of its own: the hub from the landed batch on (staging,
checks, Great Expectations, history, merge, load record), bare DuckLake (delete and insert by key
from a typed Parquet file, no checks, no history), and in the peers' environment delta-rs and
pyiceberg, whose tables are made before the clock starts, by a process that is not measured.

Run it alone: ``python -m benchmarks.big_night --rows 100000 --runs 1``.

What does not belong here: fetching (``first_load``), how time grows (``growth``), reading
(``thirty_nights``).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.contest import ROOT, Contestant, hold, me, peer, run_alone, table, tell
from benchmarks.large_table import (
    SYSTEM,
    TABLE,
    context_of,
    linked,
    load_night,
    make_lake,
    night_files,
    spread,
)
from benchmarks.rows import COLUMNS, select, typed

UPSERTS = 100_000
"""A tenth of them new; as many are deleted as are new."""


def hub_night(folder: Path) -> None:
    """Load the landed batch as a night does, everything but the fetching."""
    from sources.landing import Landing  # noqa: PLC0415 - bare DuckLake must not pay for it

    context = context_of(folder)
    (path,) = (context.settings.landing / SYSTEM / "ho_so").iterdir()
    seconds, counts = load_night(context, Landing.load(path))
    tell(seconds, counts=counts)


def bare_night(folder: Path) -> None:
    """Do the same to a bare DuckLake, from typed files: delete by key, insert, commit."""
    from warehouse.lake import Lake  # noqa: PLC0415 - as above

    connection = Lake(folder / "bare").writer()
    names = ", ".join(COLUMNS)
    started = time.perf_counter()
    connection.execute("BEGIN")
    upserts, deletes = f"'{folder}/upserts.parquet'", f"'{folder}/deletes.parquet'"
    statements = {
        "delete": f"DELETE FROM lake.{TABLE} t USING {deletes} d WHERE t.ma_ho_so = d.ma_ho_so",
        "update": f"DELETE FROM lake.{TABLE} t USING {upserts} d WHERE t.ma_ho_so = d.ma_ho_so",
        "insert": f"INSERT INTO lake.{TABLE} ({names}, _source) "
        f"SELECT {names}, '{SYSTEM}' FROM {upserts}",
    }
    counts = [connection.execute(statement).fetchone() for statement in statements.values()]
    connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    tell(seconds, counts=[int(count[0]) if count else 0 for count in counts])


ROLES = {"hub": hub_night, "ducklake": bare_night}


def made_by(module: str) -> Callable[[Path], None]:
    """Return what makes a peer's table in a run's folder, from the rows as Parquet."""

    def make(place: Path) -> None:
        subprocess.run(peer(module, str(place), "make"), cwd=ROOT, check=True)

    return make


def measure(rows: int, runs: int, folder: Path) -> str:
    """Hold the contest; returns its section."""
    start = folder / "start"
    start.mkdir()
    make_lake(start, rows)
    delta = night_files(start, *spread(rows, UPSERTS))
    duckdb.execute(f"COPY ({typed(f'({select(0, rows)})')}) TO '{start}/rows.parquet'")
    contestants = [
        Contestant("hub", me("big_night", "--as", "hub", "--folder", "{folder}")),
        Contestant("DuckLake, bare", me("big_night", "--as", "ducklake", "--folder", "{folder}")),
        Contestant(
            "delta-rs", peer("delta_night", "{folder}", "night"), prepare=made_by("delta_night")
        ),
        Contestant(
            "pyiceberg",
            peer("iceberg_night", "{folder}", "night"),
            prepare=made_by("iceberg_night"),
            most_runs=1,
        ),
    ]
    results = hold(contestants, runs, folder, lambda place: linked(start, place))
    hub, bare = (results[name][0].told["counts"] for name in ("hub", "DuckLake, bare"))
    return (
        f"## A night on {rows:,} rows: {bare[2]:,} upserts, {bare[0]:,} deletions\n\n"
        f"{table(results, 'DuckLake, bare')}\n\nThe delta as Parquet: {delta / 1e6:.1f} MB. The "
        f"hub inserted {hub[0]:,}, updated {hub[1]:,} and deleted {hub[2]:,} rows. pyiceberg, "
        "which can only write the whole anew (copy on write), runs once.\n"
    )


if __name__ == "__main__":
    run_alone(__doc__, measure, ROLES, rows=10_000_000)
