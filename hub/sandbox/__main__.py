"""Command line of the sandbox: build the province, serve it, stop cleanly on SIGTERM or SIGINT.

Run it alone: ``python -m hub.sandbox --data data/sandbox --scale 2000``.

What does not belong here: starting it in the background (``hub sandbox up``).
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path

from hub.sandbox.province import Province
from hub.sandbox.server import Sandbox, run


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m hub.sandbox", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder for sandbox.env and .json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=int, default=200_000, help="number of dossiers")
    parser.add_argument("--day", type=int, default=0, help="the province so many days later")
    parser.add_argument(
        "--token-life", type=float, default=120, help="seconds a portal token lives"
    )
    chosen = parser.parse_args(words)
    if chosen.scale < 300 or chosen.day < 0:
        parser.error("--scale must be at least 300 and --day not negative")
    return chosen


def main() -> None:
    """Build, announce, serve."""
    chosen = arguments()
    started = time.monotonic()
    # Nothing built here is ever thrown away, so looking for garbage would only cost time.
    gc.disable()
    province = Province(chosen.seed, chosen.scale, chosen.day)
    gc.freeze()
    gc.enable()
    sandbox = Sandbox(province, token_life=chosen.token_life)
    sys.stdout.write(
        f"A synthetic province of {chosen.scale:,} dossiers, day {chosen.day}, ready in"
        f" {time.monotonic() - started:.1f} s; control server {sandbox.url('control')}\n"
    )
    sys.stdout.flush()
    run(sandbox, chosen.data)


if __name__ == "__main__":
    main()
