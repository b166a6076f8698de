"""Queries on a large table: after its load, after thirty nights, after maintenance, and natively.

Data flow: a table of N rows (``large_table``) -> thirty landed batches, loaded by the hub one after
the other: each changes 1 % of the rows, brings 0.1 % and deletes 0.1 %, spread over the whole
table -> what ``hub maintain`` does to the lake -> the same rows as a plain DuckDB file, sorted by
the key as maintenance sorts them, without an index. The folder is linked before each step, so
that the three lakes and the file stand side by side. Then one process asks each query of all four
in turn, beginning with another each time: with connections that are open and have answered before,
and with a new connection for each question, which opens, attaches and asks.

Run it alone: ``python -m benchmarks.thirty_nights --rows 100000 --runs 1``.

What does not belong here: how long one night takes (``big_night``).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from benchmarks.contest import ROOT, Contestant, Result, hold, me, run_alone, sizes, tell
from benchmarks.large_table import SYSTEM, TABLE, context_of, land, linked, load_night, make_lake
from benchmarks.rows import COLUMNS, select

NIGHTS, ROUNDS = 30, 7
LAKES = ("fresh", "worn", "maintained")
NATIVE = "native"
QUERIES = {
    "filtered aggregate": "SELECT linh_vuc, count(*), sum(le_phi) FROM {table} "
    "WHERE ngay_tiep_nhan >= DATE '2025-01-01' GROUP BY ALL ORDER BY ALL",
    "point lookup": f"SELECT {', '.join(COLUMNS)} FROM {{table}} WHERE ma_ho_so = {{key}}",
    "full scan": "SELECT count(ten_thu_tuc), sum(length(ghi_chu)), sum(so_thu_tu), "
    "max(ten_thu_tuc) FROM {table}",
}
Times = dict[str, dict[str, list[float]]]


def night_of(number: int, rows: int) -> tuple[str, str]:
    """Return SQL of one night's upserts and deletions; no row is touched by two nights."""
    new = rows // 1000
    first = rows + number * new
    changed = select(0, rows, shift=1, where=f"i % 100 = {3 * number}")
    gone = 100 * (number % 10) + 3 * number + 1
    return (
        f"{changed} UNION ALL {select(first, first + new)}",
        select(0, rows, where=f"i % 1000 = {gone}"),
    )


def key_of(round_: int, rows: int) -> str:
    """Return SQL of a key that all hold: in every second round of a row that a night changed."""
    row = rows * (2 * round_ + 1) // (2 * ROUNDS) // 100 * 100
    row += 3 * round_ if round_ % 2 else 50
    sql = COLUMNS["ma_ho_so"][1]
    return f"(SELECT {sql} FROM range({row}, {row + 1}) r(i))"


def make(folder: Path) -> None:
    """Make the table."""
    make_lake(folder / LAKES[0], int((folder / "rows").read_text("ascii")), bare=False)


def nights(folder: Path) -> None:
    """Land and load thirty batches."""
    from warehouse import loads  # noqa: PLC0415 - others of its roles have no use for it

    rows = int((folder / "rows").read_text("ascii"))
    context = context_of(folder / LAKES[1])
    seconds = []
    for number in range(NIGHTS):
        connection = context.lake.writer()
        dataset = context.catalog.systems[SYSTEM].datasets[0].name
        position = loads.position(connection, SYSTEM, dataset)
        connection.close()
        batch = land(context, *night_of(number, rows), position)
        took, counts = load_night(context, batch)
        if counts != [rows // 1000, rows // 100, rows // 1000]:
            sys.exit(f"night {number} inserted, updated, deleted {counts}")
        seconds.append(took)
    tell(sum(seconds), first=seconds[0], last=seconds[-1])


def maintenance(folder: Path) -> None:
    """Do to the lake what ``hub maintain`` does, with the standing policy."""
    from hub.maintain import maintain_lake  # noqa: PLC0415 - as above

    context = context_of(folder / LAKES[2])
    started = time.perf_counter()
    maintain_lake(context.settings, context.catalog, dry_run=False, noted=lambda _: None)
    tell(time.perf_counter() - started)


def native(folder: Path) -> None:
    """Write the rows of the maintained lake into a plain DuckDB file, sorted by the key."""
    from warehouse.lake import Lake  # noqa: PLC0415 - as above

    connection = Lake(folder / LAKES[2] / "hub" / "lake").reader()
    started = time.perf_counter()
    connection.execute(f"ATTACH '{folder}/{NATIVE}.duckdb' AS kho")
    connection.execute(
        f"CREATE TABLE kho.ho_so AS SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY ma_ho_so"
    )
    connection.execute("CHECKPOINT kho")
    tell(time.perf_counter() - started)


def opened(folder: Path, who: str) -> duckdb.DuckDBPyConnection:
    """Open one of the four as a reader does."""
    from warehouse.lake import Lake  # noqa: PLC0415 - as above

    if who == NATIVE:
        return duckdb.connect(str(folder / f"{NATIVE}.duckdb"), read_only=True)
    return Lake(folder / who / "hub" / "lake").reader()


def queries(folder: Path) -> None:
    """Ask all four in turn; the answers of those that hold the same rows must be the same."""
    rows = int((folder / "rows").read_text("ascii"))
    keys = [duckdb.execute(key_of(number, rows)[1:-1]).fetchone() for number in range(ROUNDS)]
    everybody = (*LAKES, NATIVE)
    held = {who: opened(folder, who) for who in everybody}
    started = time.perf_counter()
    _rounds(everybody, keys, held.__getitem__)  # Each has answered once before it is timed.
    warm = _rounds(everybody, keys, held.__getitem__)
    for connection in held.values():
        connection.close()
    new = _rounds(everybody, keys, lambda who: opened(folder, who))
    tell(time.perf_counter() - started, warm=warm, new=new)


def _rounds(
    everybody: Sequence[str],
    keys: Sequence[tuple[str] | None],
    connected: Callable[[str], duckdb.DuckDBPyConnection],
) -> Times:
    times: Times = {query: {who: [] for who in everybody} for query in QUERIES}
    for number, key in enumerate(keys):
        for query, sql in QUERIES.items():
            answers = {}
            turn = number % len(everybody)
            for who in (*everybody[turn:], *everybody[:turn]):
                table = "ho_so" if who == NATIVE else TABLE
                clock = time.perf_counter()
                connection = connected(who)
                asked = sql.format(table=table, key=f"'{key[0] if key else ''}'")
                answers[who] = connection.execute(asked).fetchall()
                times[query][who].append(time.perf_counter() - clock)
            same = answers[NATIVE]
            if not same or any(answers[who] != same for who in LAKES[1:]):
                sys.exit(f"{query}: the lakes and the native file do not answer the same")
    return times


ROLES = {
    "make": make,
    "nights": nights,
    "maintenance": maintenance,
    "native": native,
    "queries": queries,
}


def measure(rows: int, runs: int, folder: Path) -> str:
    """Make all four, then ask; returns the section."""
    (folder / "rows").write_text(str(rows), "ascii")
    (folder / LAKES[0]).mkdir()
    _step(folder, "make")
    linked(folder / LAKES[0], folder / LAKES[1])
    took = _step(folder, "nights")
    linked(folder / LAKES[1], folder / LAKES[2])
    maintained, copied = _step(folder, "maintenance"), _step(folder, "native")
    asking = Contestant("queries", me("thirty_nights", "--as", "queries", "--folder", str(folder)))
    found = hold([asking], runs, folder)["queries"]
    stored = {who: sum(sizes(folder / who / "hub" / "lake").values()) for who in LAKES}
    stored[NATIVE] = (folder / f"{NATIVE}.duckdb").stat().st_size
    megabytes = ", ".join(f"{who} {size / 1e6:,.0f}" for who, size in stored.items())
    return f"""## Queries on {rows:,} rows: fresh, after thirty nights, after maintenance, native

Milliseconds, medians of {ROUNDS} rounds in each run. Connections that are open and have answered \
before:

{_table(found, "warm")}

A new connection for each question, in a process that runs; opening it is included, and with it \
loading the lake's extensions and attaching the lake:

{_table(found, "new")}

The thirty nights took {took["seconds"]:.0f} s (the first {took["first"]:.1f}, the last \
{took["last"]:.1f}), maintenance {maintained["seconds"]:.1f} s, the native file \
{copied["seconds"]:.1f} s. On disk, MB, replaced files of the standing policy's grace included: \
{megabytes}.
"""


def _step(folder: Path, role: str) -> dict[str, float]:
    command = me("thirty_nights", "--as", role, "--folder", str(folder))
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    print(f"{role:>24}: {out.strip()}", flush=True)
    told: dict[str, float] = json.loads(out.splitlines()[-1]) if out else {}
    return told


def _table(found: Sequence[Result], kind: str) -> str:
    heads = [*LAKES, NATIVE, "worn × fresh", "maintained × fresh", "maintained × native"]
    lines = [f"| query | {' | '.join(heads)} |", "|---" + "|---:" * len(heads) + "|"]
    for query in QUERIES:
        ms = {
            who: 1000 * statistics.median(t for one in found for t in one.told[kind][query][who])
            for who in (*LAKES, NATIVE)
        }
        fresh, worn, maintained, plain = ms.values()
        lines.append(
            f"| {query} | {' | '.join(f'{value:.1f}' for value in ms.values())} "
            f"| {worn / fresh:.2f} | {maintained / fresh:.2f} | {maintained / plain:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    run_alone(__doc__, measure, ROLES, rows=10_000_000)
