"""All benchmarks, one after the other; writes ``benchmarks/RESULTS.md``.

Data flow: each module's ``measure`` -> its section -> the file. The whole night against the sandbox
(``first_night``) comes last and is the longest.

Run it alone: ``python -m benchmarks --runs 3`` (``make bench`` installs what it needs), or
``--only checks_alone``.

What does not belong here: how anything is measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from benchmarks import big_night, checks_alone, first_load, first_night, unchanged

PACKAGES = (
    "dagster", "great-expectations", "duckdb", "duckdb-extension-ducklake", "requests", "msgspec",
)  # fmt: skip
SECTIONS: dict[str, Callable[[int, Path], str]] = {
    "first_load": lambda runs, folder: first_load.measure(1_000_000, runs, folder),
    "big_night": lambda runs, folder: big_night.measure(10_000_000, runs, folder),
    "unchanged": lambda runs, folder: unchanged.measure(100, runs, folder),
    "checks_alone": lambda runs, folder: checks_alone.measure(1_000_000, runs, folder),
    "first_night": lambda runs, folder: first_night.measure(200_000, runs, folder),
}


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--only", nargs="*", choices=SECTIONS, help="leave the others out")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    sections = []
    for name in chosen.only or SECTIONS:
        print(name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            sections.append(SECTIONS[name](chosen.runs, Path(folder)))
    found = "\n".join(sections)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    chosen.out.write_text(
        f"""# Results

Written by `make bench`: medians of {chosen.runs} runs, {os.cpu_count()} cores, load average
{load:.1f} before the start. What is measured: [README.md](README.md).

{found}
Python {platform.python_version()}, \
{platform.system()} {platform.machine()}; {versions}; the peers as in `requirements-peers.lock`.
""",
        encoding="utf-8",
    )
    print(f"written: {chosen.out}")


if __name__ == "__main__":
    main()
