"""datacontract-cli in an environment of its own, asked about contracts as a stranger would ask it.

Data flow: contracts -> :func:`judged` -> ``judge.py``, run by that environment with every address
shut -> what it says of each.

What does not belong here: assertions about contracts.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BIN = Path(__file__).resolve().parents[2] / ".venv-datacontract" / "bin"
JUDGE = Path(__file__).with_name("judge.py")
PATIENCE = 240


@dataclass(frozen=True)
class Judged:
    """What it says of one contract."""

    result: str
    checks: tuple[dict[str, Any], ...]

    @property
    def not_passed(self) -> list[dict[str, Any]]:
        """Return the checks that did not simply pass."""
        return [check for check in self.checks if check["result"] != "passed"]

    def failed(self) -> set[str]:
        """Return the keys of the checks that failed."""
        return {check["key"] for check in self.checks if check["result"] in {"failed", "error"}}


def required() -> None:
    """Skip the test where the environment is not there."""
    if not (BIN / "datacontract").exists():
        pytest.skip("needs datacontract-cli (make datacontract)")


def environment(home: Path) -> dict[str, str]:
    """Return an environment without settings, in which nothing can be fetched from anywhere.

    ``home`` is a folder without settings of the tool either.
    """
    nowhere = "http://127.0.0.1:9"
    shut = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), nowhere)
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8", **shut}


def judged(what: str, contracts: Iterable[Path], home: Path) -> dict[Path, Judged]:
    """Lint or test contracts, each from within its folder; returns what is said of each."""
    required()
    done = subprocess.run(
        [BIN / "python", JUDGE, what, *map(str, contracts)], text=True, check=False,
        env=environment(home), capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(one["contract"]): Judged(one["result"], tuple(one["checks"])) for one in said}
