"""A night in which nothing changed: a hundred datasets, each asked for, none written.

Data flow: one JSON file of 1,000 records, handed out by nginx with an ETag under a hundred names ->
a first ``hub sync``, not timed -> the same again: whole process, and the seconds within it that
``hub.loads`` has of each dataset -> a table. Requests are counted in nginx's log.

Run it alone: ``python -m benchmarks.unchanged --datasets 20 --runs 1``.

What does not belong here: large tables.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.contest import Contestant, Result, hold, me, median, run_alone, sizes, tell
from benchmarks.project import make
from benchmarks.rows import write_pages
from benchmarks.static_server import serving

ROWS = 1000


def night(folder: Path) -> None:
    """Sync everything in this process, Dagster included, and say what it cost within."""
    environment = {
        **os.environ,
        "HUB_DATA_DIR": str(folder / "data"),
        "HUB_ASSETS_DIR": str(folder / "assets"),
    }
    parquet = folder / "data" / "lake" / "files"
    before = sizes(parquet)
    started = time.perf_counter()
    out = subprocess.run(
        [Path(sys.executable).with_name("hub"), "sync", "--json"],
        env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    seconds = time.perf_counter() - started
    entries = json.loads(out)["datasets"]
    if any(entry["status"] not in {"unchanged", "loaded"} for entry in entries):
        sys.exit(out)
    tell(
        seconds,
        datasets=len(entries),
        unchanged=sum(entry["status"] == "unchanged" for entry in entries),
        each=sum(entry["seconds"] for entry in entries) / len(entries),
        files=len(set(sizes(parquet)) - set(before)),
    )


def measure(datasets: int, runs: int, folder: Path) -> str:
    """Measure; returns the section."""
    write_pages(folder / "pages", ROWS)
    with serving(folder / "pages", folder / "nginx") as address:
        start = folder / "start"
        make(start / "assets", datasets)
        me_there = me("unchanged", "--as", "night", "--folder", str(start))
        subprocess.run(me_there, env={**os.environ, "BENCH_URL": address}, check=True)
        log = folder / "nginx" / "access.log"
        asked = len(log.read_text(encoding="utf-8").splitlines())
        again = Contestant(
            "hub", me("unchanged", "--as", "night", "--folder", "{folder}"), {"BENCH_URL": address}
        )

        def copied(place: Path) -> None:
            shutil.copytree(start, place, dirs_exist_ok=True)

        found = hold([again], runs, folder, copied)["hub"]
        requests = (len(log.read_text(encoding="utf-8").splitlines()) - asked) / runs
    return _section(datasets, found, requests)


def _section(datasets: int, found: list[Result], requests: float) -> str:
    each = sorted(one.told["each"] for one in found)[len(found) // 2]
    return f"""## A night in which nothing changed: {datasets} datasets

| whole process, s | per dataset within, s | requests | Parquet files written | unchanged |
|---:|---:|---:|---:|---:|
| {median(found, "seconds"):.1f} | {each:.3f} | {requests:.0f} | {found[0].told["files"]} \
| {found[0].told["unchanged"]} |
"""


if __name__ == "__main__":
    run_alone(__doc__, measure, {"night": night}, datasets=100)
