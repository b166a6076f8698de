"""How long a night takes, its memory and disk, and how far that is from doing no checks at all.

Data flow: one sandbox process -> per run, in fresh folders: ``hub sync`` (first night), again
(unchanged), again a day later, and the floor; each a process of its own, measured from outside ->
medians, as a section of ``benchmarks/RESULTS.md``. The floor fetches the same pages of dossiers,
keeps the bytes and lets DuckDB turn them into Parquet: no cleaning, checks, history or catalog.

Run it alone: ``python -m benchmarks.first_night --runs 1 --scale 20000``, or ``--floor FOLDER`` for
the floor alone, with the addresses in the environment.

What does not belong here: judging the figures, real sources.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests

from benchmarks.contest import ROOT, me, sizes, watched

DOSSIERS = "lao_cai/dich_vu_cong/ho_so"
PAGE_SIZE, THREADS = 5000, 4
"""Those of the dossiers' ``defs.yaml``, so that the floor asks as the hub does."""

NIGHTS, FLOOR = ("first night", "unchanged night", "one day later"), "floor"
START_TIMEOUT = 300
HUB = str(Path(sys.executable).with_name("hub"))


@dataclass(frozen=True)
class Measured:
    """One process: how long, how busy, how much memory, rows read, bytes left behind."""

    seconds: float
    cpu: float
    peak_rss: int
    rows: int = 0
    written: int = 0
    dossiers: float = 0.0
    """Seconds that the hub counts for the dossiers alone."""


@dataclass
class Bench:
    """A running sandbox and what was measured against it."""

    overlay: dict[str, str]
    control: str
    results: dict[str, list[Measured]] = field(default_factory=dict)

    def at_day(self, day: int) -> None:
        """Move the province to a day."""
        answer = requests.post(f"{self.control}/day", json={"day": day}, timeout=START_TIMEOUT)
        answer.raise_for_status()

    def run(self, folder: Path, *, floor_first: bool) -> None:
        """Measure every step once in a fresh folder."""
        steps = [*zip(NIGHTS, (0, 0, 1), strict=True), (FLOOR, 0)]
        for name, day in steps[-1:] + steps[:-1] if floor_first else steps:
            self.at_day(day)
            found = self.floor(folder / FLOOR) if name == FLOOR else self.night(folder / "data")
            self.results.setdefault(name, []).append(found)
            print(f"{name:>16}: {found.seconds:6.2f} s, {found.rows:>7,} rows", flush=True)

    def night(self, data: Path) -> Measured:
        """Sync everything once."""
        before = size_of(data / "lake")
        environment = {**self.overlay, "HUB_DATA_DIR": str(data)}
        measured, out = watched_here([HUB, "sync", "--json"], environment)
        entries = {entry["dataset"]: entry for entry in json.loads(out)["datasets"]}
        return replace(
            measured,
            rows=sum(entry["fetched"] for entry in entries.values()),
            written=size_of(data / "lake") - before,
            dossiers=entries[DOSSIERS]["seconds"],
        )

    def floor(self, folder: Path) -> Measured:
        """Fetch the dossiers and make Parquet of them, no more."""
        measured, out = watched_here(me("first_night", "--floor", str(folder)), self.overlay)
        written = (folder / "dossiers.parquet").stat().st_size
        return replace(measured, rows=int(out), written=written)


def watched_here(command: list[str], more: dict[str, str]) -> tuple[Measured, str]:
    """Run a process to its end; returns what it cost, and its output."""
    seconds, cpu, peak, out = watched(command, more)
    return Measured(seconds, cpu, peak), out


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(sizes(folder).values())


def fetch_plainly(folder: Path) -> int:
    """Be the floor: pages to disk, then Parquet; returns the rows."""
    import duckdb  # noqa: PLC0415 - only the floor's own process needs it

    (folder / "pages").mkdir(parents=True)
    name, session = "LAO_CAI_DICH_VU_CONG", requests.Session()
    address = os.environ[f"{name}_URL"]
    client = os.environ[f"{name}_CLIENT_ID"], os.environ[f"{name}_CLIENT_SECRET"]
    grant = session.post(
        f"{address}/token", auth=client, data={"grant_type": "client_credentials"}, timeout=60
    )
    grant.raise_for_status()
    session.headers["Authorization"] = f"Bearer {grant.json()['access_token']}"

    def page(number: int) -> bytes:
        asked: dict[str, int] = {"page": number, "pageSize": PAGE_SIZE}
        answer = session.get(f"{address}/api/v1/hoso", params=asked, timeout=60)
        answer.raise_for_status()
        (folder / "pages" / f"{number:05}.json").write_bytes(answer.content)
        return answer.content

    total = int(json.loads(page(1))["total"])
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(page, range(2, -(-total // PAGE_SIZE) + 1)):
            pass
    target = folder / "dossiers.parquet"
    duckdb.execute(
        "COPY (SELECT unnest(result, recursive := true) FROM "
        f"read_json('{folder}/pages/*.json', maximum_object_size = 268435456)) TO '{target}'"
    )
    counted = duckdb.execute(f"SELECT count(*) FROM '{target}'").fetchone()
    return int(counted[0]) if counted else 0


@contextmanager
def sandbox(folder: Path, scale: int) -> Iterator[Bench]:
    """Start the one sandbox process and end it by its own id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hub.sandbox", "--data", str(folder), "--scale", str(scale),
         "--token-life", "3600"],
        cwd=ROOT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not (folder / "sandbox.json").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the sandbox did not start")
            time.sleep(0.05)
        lines = (folder / "sandbox.env").read_text(encoding="utf-8").splitlines()
        state = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
        yield Bench(dict(line.split("=", 1) for line in lines), state["control_url"])
    finally:
        process.terminate()
        process.wait(30)


def report(results: dict[str, list[Measured]], scale: int) -> str:
    """Write the medians as Markdown."""

    def median(name: str, of: str) -> float:
        return float(statistics.median(getattr(found, of) for found in results[name]))

    floor, dossiers = median(FLOOR, "seconds"), median(NIGHTS[0], "dossiers")
    table = [
        "| step | seconds | min–max | CPU s | rows | rows/s | peak RSS, MB | lake, kB | × floor |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in (*NIGHTS, FLOOR):
        seconds, rows = median(name, "seconds"), median(name, "rows")
        spread = [measured.seconds for measured in results[name]]
        table.append(
            f"| {name} | {seconds:.1f} | {min(spread):.1f}–{max(spread):.1f} "
            f"| {median(name, 'cpu'):.1f} | {rows:,.0f} | {rows / seconds:,.0f} "
            f"| {median(name, 'peak_rss') / 1e6:,.0f} | {median(name, 'written') / 1e3:,.0f} "
            f"| {seconds / floor:.1f} |"
        )
    shown = "\n".join(table)
    return f"""## A whole night of the sandbox province: {scale:,} dossiers

{shown}

Of the first night, the dossiers alone took {dossiers:.1f} s from the first page to the commit:
{dossiers / floor:.1f} × the floor, which does nothing else.
"""


def measure(scale: int, runs: int, base: Path) -> str:
    """Measure all nights so often; returns the section."""
    with sandbox(base / "s", scale) as bench:
        for number in range(runs):
            print(f"run {number + 1} of {runs}", flush=True)
            with tempfile.TemporaryDirectory(dir=base) as folder:
                bench.run(Path(folder), floor_first=number % 2 == 1)
        return report(bench.results, scale)


def main() -> None:
    """Measure and print, or be the floor."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--scale", type=int, default=200_000, help="dossiers of the sandbox")
    parser.add_argument("--floor", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.floor:
        print(fetch_plainly(chosen.floor))
        return
    with tempfile.TemporaryDirectory() as base:
        print(measure(chosen.scale, chosen.runs, Path(base)))


if __name__ == "__main__":
    main()
