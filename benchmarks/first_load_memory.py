"""Does the memory of a first load grow with its rows? The hub alone, a tenth of N and N records.

Data flow: pages made once and handed out by nginx -> the hub's first load (``first_load``) in a
process of its own -> its peak memory, and the ratio of the two. Once each: memory hardly varies.

Ten million records are 5 GB of pages and as much of landing: if the disk has not room for that and
some more, the section says so instead.

Run it alone: ``python -m benchmarks.first_load_memory --rows 100000 --runs 1``.

What does not belong here: the peers, and how long it takes (``first_load``).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.contest import Contestant, Result, hold, me, median, run_alone
from benchmarks.project import make
from benchmarks.rows import write_pages
from benchmarks.static_server import serving

ROOM = 2_200
"""Bytes of disk for each record: pages 530, landing 530, staging and lake, and as much again."""


def measure(rows: int, runs: int, folder: Path) -> str:
    """Measure; returns the section."""
    title = f"## Memory of a first load: {rows // 10:,} and {rows:,} records\n\n"
    free, wanted = shutil.disk_usage(folder).free, rows * ROOM
    if free < wanted:
        return (
            f"{title}Left out: {wanted / 1e9:.0f} GB of disk are wanted, {free / 1e9:.0f} free.\n"
        )
    return title + _table({size: _load(size, runs, folder) for size in (rows // 10, rows)})


def _load(rows: int, runs: int, folder: Path) -> list[Result]:
    pages = folder / "pages"
    write_pages(pages, rows)
    with serving(pages, folder / "nginx") as address:
        hub = Contestant(
            f"hub, {rows:,}",
            me("first_load", "--as", "hub", "--folder", "{folder}"),
            {"BENCH_URL": address},
        )
        results = hold([hub], runs, folder, lambda place: make(place / "assets"))[hub.name]
    shutil.rmtree(pages)
    shutil.rmtree(folder / "nginx")
    return results


def _table(found: dict[int, list[Result]]) -> str:
    lines = [
        f"| {rows:,} | {median(results, 'seconds'):.1f} | {median(results, 'peak_rss') / 1e6:,.0f} "
        f"| {median(results, 'written') / 1e6:,.0f} |"
        for rows, results in found.items()
    ]
    small, large = (median(results, "peak_rss") for results in found.values())
    return "\n".join(
        [
            "| records | seconds | peak RSS, MB | written, MB |",
            "|---:|---:|---:|---:|",
            *lines,
            "",
            f"Ten times the records: {large / small:.2f} × the memory.",
            "",
        ]
    )


if __name__ == "__main__":
    run_alone(__doc__, measure, {}, rows=10_000_000)
