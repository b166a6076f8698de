"""Does a night's time grow with what changed, or with the table?

Data flow: tables of a hundredth, a tenth and all of N rows, each made once -> a night of 1 % of the
middle one on all three, and of 0.1 % and 10 % on the middle one -> the hub's night (from the landed
batch on) and bare DuckLake's in turn, each in a process of its own on a linked copy -> seconds and
bytes written beside the delta.

Run it alone: ``python -m benchmarks.growth --rows 1000000 --runs 1`` (N, ten millions unless said).

What does not belong here: what a night is (``big_night``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.contest import Contestant, Result, hold, me, median, run_alone
from benchmarks.large_table import linked, make_lake, night_files, spread

WHO = {"hub": "hub", "DuckLake, bare": "ducklake"}
"""Contestant -> its role in ``big_night``."""


class Case(NamedTuple):
    """A table and a night's upserts on it."""

    rows: int
    upserts: int


def cases(rows: int) -> list[Case]:
    """Return the table growing under one delta, then the delta growing on one table."""
    middle = rows // 10
    delta = middle // 100
    return [
        *(Case(size, delta) for size in (rows // 100, middle, rows)),
        *(Case(middle, changed) for changed in (delta // 10, delta * 10)),
    ]


def measure(rows: int, runs: int, folder: Path) -> str:
    """Measure; returns the section."""
    found: list[tuple[Case, int]] = []
    contestants = []
    for case in cases(rows):
        base, start = folder / f"rows-{case.rows}", folder / f"{case.rows}-{case.upserts}"
        if not base.exists():
            base.mkdir()
            make_lake(base, case.rows)
        linked(base, start)
        found.append((case, night_files(start, *spread(*case))))
        contestants += [
            Contestant(
                f"{who}, {case.rows:,}, {case.upserts:,}",
                me("big_night", "--as", role, "--folder", "{folder}"),
                prepare=partial(linked, start),
            )
            for who, role in WHO.items()
        ]
    return _section(found, hold(contestants, runs, folder))


def _section(found: Sequence[tuple[Case, int]], results: dict[str, list[Result]]) -> str:
    def of(who: str, case: Case, what: str) -> float:
        return median(results[f"{who}, {case.rows:,}, {case.upserts:,}"], what)

    lines = []
    for case, delta in found:
        hub, bare = (of(who, case, "seconds") for who in WHO)
        written = [of(who, case, "written") for who in WHO]
        lines.append(
            f"| {case.rows:,} | {case.upserts:,} | {case.upserts / case.rows:.1%} "
            f"| {delta / 1e6:.2f} | {hub:.2f} | {bare:.2f} | {hub / bare:.2f} "
            f"| {written[0] / 1e6:.2f} | {written[1] / 1e6:.2f} | {written[0] / delta:.1f} |"
        )
    (small, _), _, (large, _), (least, _), (most, _) = found
    table = [of(who, large, "seconds") / of(who, small, "seconds") for who in WHO]
    delta_growth = [of(who, most, "seconds") / of(who, least, "seconds") for who in WHO]
    shown = "\n".join(lines)
    return f"""## Growth: the table, and what changed of it

| rows | upserts | share | delta as Parquet, MB | hub, s | DuckLake, bare, s | × bare \
| hub wrote, MB | bare wrote, MB | hub × delta |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
{shown}

A table {large.rows // small.rows} times as large under the same delta: {table[0]:.2f} × the \
seconds (bare {table[1]:.2f}). A delta {most.upserts // least.upserts} times as large on the same \
table: {delta_growth[0]:.2f} × (bare {delta_growth[1]:.2f}). A tenth of the upserts are new rows, \
and as many are deleted.
"""


if __name__ == "__main__":
    run_alone(__doc__, measure, {}, rows=10_000_000)
