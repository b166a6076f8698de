"""Several programs do the same thing in turn; what each costs is measured from outside.

Data flow: contestants (a command each) and a folder to start from -> per run and contestant a copy
of that folder -> the process, watched -> the JSON line that it prints (``seconds`` without its
imports, and what it did) -> medians and ratios as Markdown. Every second run goes the other way
round, so that a machine that grows warm or busy favours nobody.

Run it alone: ``python -m benchmarks.first_load --runs 1`` uses it.

What does not belong here: what is measured, judging it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
"""The peers' environment, made by ``make bench``."""


@dataclass(frozen=True)
class Contestant:
    """One program; ``{folder}`` in its command stands for the folder of the run."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] | None = None
    """Fills the folder of its runs, after what is prepared for all; not measured."""
    most_runs: int | None = None
    """It runs so often at most: who takes minutes need not take them three times."""


@dataclass(frozen=True)
class Result:
    """One run of one contestant."""

    seconds: float
    """What it did, without interpreter and imports; as it says itself."""
    whole: float
    """The whole process."""
    cpu: float
    peak_rss: int
    written: int
    """Bytes of new files and of what others grew by."""
    told: dict[str, Any]


def me(module: str, *arguments: str) -> list[str]:
    """Return the command of a role of a benchmark's own module, in the hub's environment."""
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


def peer(module: str, *arguments: str) -> list[str]:
    """Return the command of a peer, in the peers' environment."""
    return [str(PEERS), "-m", f"benchmarks.peers.{module}", *arguments]


def hold(
    contestants: Sequence[Contestant],
    runs: int,
    folder: Path,
    prepare: Callable[[Path], None] = lambda _: None,
) -> dict[str, list[Result]]:
    """Let all run so often, or as often as they may; ``prepare`` fills each run's empty folder."""
    results: dict[str, list[Result]] = {one.name: [] for one in contestants}
    for run in range(runs):
        for one in contestants[:: 1 if run % 2 == 0 else -1]:
            if one.most_runs is not None and run >= one.most_runs:
                continue
            with tempfile.TemporaryDirectory(dir=folder) as made:
                place = Path(made)
                prepare(place)
                if one.prepare is not None:
                    one.prepare(place)
                results[one.name].append(_run(one, place))
            found = results[one.name][-1]
            short = {what: told for what, told in found.told.items() if not isinstance(told, dict)}
            print(f"{one.name:>24}: {found.seconds:7.2f} s {short}", flush=True)
    return results


def _run(one: Contestant, place: Path) -> Result:
    before = sizes(place)
    command = [part.replace("{folder}", str(place)) for part in one.command]
    whole, cpu, peak, out = watched(command, one.environment)
    told = json.loads(out.splitlines()[-1])
    grown = sum(max(size - before.get(path, 0), 0) for path, size in sizes(place).items())
    return Result(float(told.pop("seconds")), whole, cpu, peak, grown, told)


def watched(command: Sequence[str], more: Mapping[str, str]) -> tuple[float, float, int, str]:
    """Run a process; returns seconds, CPU seconds, peak RSS of its tree in bytes, its output."""
    import psutil  # noqa: PLC0415 - a contestant's own process must not pay for it

    kept = {name: value for name, value in os.environ.items() if name[:4] != "HUB_"}
    quiet = {"DAGSTER_DISABLE_TELEMETRY": "1", "GX_ANALYTICS_ENABLED": "false"}
    with tempfile.TemporaryFile("w+") as out:
        busy, started, peak = cpu_of_children(), time.perf_counter(), 0
        process = subprocess.Popen(command, cwd=ROOT, env={**kept, **quiet, **more}, stdout=out)
        root = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                tree = [root, *root.children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in tree))
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        out.seek(0)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command[-4:])} failed:\n{out.read()}")
        return seconds, cpu_of_children() - busy, peak, out.read()


def cpu_of_children() -> float:
    """Return the CPU seconds, in user and system mode, of the processes that ended so far."""
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def sizes(folder: Path) -> dict[Path, int]:
    """Return the size of each file below a folder but SQLite's index in shared memory."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: path.stat().st_size for path in files if path.suffix != ".sqlite-shm"}


def tell(seconds: float, **more: object) -> None:
    """Print what a contestant did, for the one who started it."""
    print(json.dumps({"seconds": seconds, **more}))


def median(results: Sequence[Result], of: str) -> float:
    """Return the median of one figure."""
    return float(statistics.median(getattr(found, of) for found in results))


def table(results: Mapping[str, Sequence[Result]], base: str) -> str:
    """Return medians as Markdown; ``×`` is a contestant's seconds by those of ``base``.

    Who ran less often than ``base`` has the number of its runs beside its name.
    """
    against = median(results[base], "seconds")
    heads = ["seconds", "min–max", f"× {base}", "whole, s", "CPU, s", "peak RSS, MB", "written, MB"]
    lines = [f"| who | {' | '.join(heads)} |", "|---" + "|---:" * len(heads) + "|"]
    for name, found in results.items():
        spread = [one.seconds for one in found]
        few = "" if len(found) == len(results[base]) else f" (runs: {len(found)})"
        lines.append(
            f"| {name}{few} | {median(found, 'seconds'):.2f} | {min(spread):.2f}–{max(spread):.2f} "
            f"| {median(found, 'seconds') / against:.2f} | {median(found, 'whole'):.1f} "
            f"| {median(found, 'cpu'):.1f} | {median(found, 'peak_rss') / 1e6:,.0f} "
            f"| {median(found, 'written') / 1e6:,.1f} |"
        )
    return "\n".join(lines)


def run_alone(
    doc: str | None,
    measure: Callable[[int, int, Path], str],
    roles: Mapping[str, Callable[[Path], None]],
    **size: int,
) -> None:
    """Be the command line of a benchmark's module: measure and print, or be one of its roles.

    Args:
        doc: The module's docstring.
        measure: Takes the size, the runs and an empty folder; returns the section.
        roles: Name -> what a process of that name does in its folder.
        size: What is measured and how many of it, as ``rows=1_000_000``.
    """
    ((name, default),) = size.items()
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument(f"--{name}", dest="size", type=int, default=default)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--as", dest="role", choices=roles, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.role:
        roles[chosen.role](chosen.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(measure(chosen.size, chosen.runs, Path(folder)))
