"""All benchmarks, one after the other; writes ``benchmarks/RESULTS.md``.

Data flow: each module's ``measure`` -> its section, and how quiet the machine was meanwhile -> the
file, which is written anew after each section, so that a failure late costs what is left only.

Run it alone: ``python -m benchmarks`` (``make bench`` installs what it needs), ``--only
checks_alone growth``, ``--runs 5 first_night=1``, or ``--scale 0.01 --runs 1`` as a trial.

What does not belong here: how anything is measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from benchmarks import (
    big_night,
    checks_alone,
    first_load,
    first_load_memory,
    first_night,
    growth,
    thirty_nights,
    unchanged,
)
from benchmarks.quiet import Clock, sentence

PACKAGES = (
    "dagster", "great-expectations", "duckdb", "duckdb-extension-ducklake", "requests", "msgspec",
)  # fmt: skip


class Section(NamedTuple):
    """What is measured, of which size, and how often at most unless somebody says otherwise."""

    measure: Callable[[int, int, Path], str]
    size: int
    most_runs: int = 99


SECTIONS = {
    "first_load": Section(first_load.measure, 1_000_000),
    "first_load_memory": Section(first_load_memory.measure, 10_000_000, 1),
    "big_night": Section(big_night.measure, 10_000_000),
    "growth": Section(growth.measure, 10_000_000),
    "unchanged": Section(unchanged.measure, 100),
    "checks_alone": Section(checks_alone.measure, 1_000_000),
    "thirty_nights": Section(thirty_nights.measure, 10_000_000),
    "first_night": Section(first_night.measure, 200_000, 1),
}


def runs_of(words: Sequence[str]) -> dict[str, int]:
    """Return section -> its runs, of a number for all and ``NAME=NUMBER`` for one.

    Raises:
        ValueError: A word is neither.
    """
    everywhere, own = 3, {}
    for word in words:
        name, is_own, number = word.rpartition("=")
        if not is_own:
            everywhere = int(number)
        elif name in SECTIONS:
            own[name] = int(number)
        else:
            raise ValueError(f"there is no section '{name}'")
    return {name: min(everywhere, one.most_runs) for name, one in SECTIONS.items()} | own


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", nargs="+", default=["3"], help="for all (3); NAME=N for one")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="leave the others out")
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes, for a trial")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    chosen = parser.parse_args()
    try:
        runs = runs_of(chosen.runs)
    except ValueError as error:
        parser.error(str(error))
    found: list[str] = []
    for name in chosen.only or SECTIONS:
        print(name, flush=True)
        before = Clock.now()
        size = max(round(SECTIONS[name].size * chosen.scale), 1)
        with tempfile.TemporaryDirectory() as folder:
            section = SECTIONS[name].measure(size, runs[name], Path(folder))
        said = sentence(before, Clock.now(), runs[name])
        print(said, flush=True)
        found.append(f"{section}\n{said}\n")
        chosen.out.write_text(report(found), encoding="utf-8")
    print(f"written: {chosen.out}")


def report(sections: Sequence[str]) -> str:
    """Return the whole file."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    shown = "\n".join(sections)
    return f"""# Results

Written by `make bench`, {os.cpu_count()} cores; medians. What is measured: [README.md](README.md).

{shown}
Python {platform.python_version()}, \
{platform.system()} {platform.machine()}; {versions}; the peers as in `requirements-peers.lock`.
"""


if __name__ == "__main__":
    main()
