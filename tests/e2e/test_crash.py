"""Killed at any instant and run again, the warehouse equals that of an undisturbed run."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployment import ROOT, Deployment, Province

# Clocks and run ids differ between any two runs; everything else must not.
NOT_COMPARED = {
    "_loaded_at", "_superseded_at", "_quarantined_at", "_resolved_at", "started_at", "ended_at",
    "seconds", "run", "seq",
}  # fmt: skip
SELECTION = ("lao_cai/dich_vu_cong", "chi_so")
FIRST = ("danh_muc/so_ghi_nhan/co_quan", "danh_muc/so_ghi_nhan/ke_thua_co_quan")
"""Two small datasets: what matters of a first night is that the lake itself is made."""
RANDOM_KILLS = 50
PARTS = 4
"""The points are shared out among tests, so that two workers can take them."""


class ForkServer:
    """Asks ``tests.e2e.crash`` to run commands."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.crash"],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, deployment: Deployment, *arguments: str, kill: str | None = None) -> Any:
        """Run ``hub`` in a fork; ``kill`` names the point at which it dies."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"environment": deployment.environment(), "arguments": arguments, "kill": kill}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.stop()


def state(deployment: Deployment) -> dict[str, str]:
    """Return a hash of the content of every table in the lake."""
    connection = deployment.reader()
    tables = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE database_name = 'lake' ORDER BY 1"
    ).fetchall()
    hashes = {}
    for (table,) in tables:
        columns = [
            name
            for (name, *_) in connection.execute(f"DESCRIBE {table}").fetchall()
            if name not in NOT_COMPARED
        ]
        where = "WHERE status = 'loaded'" if table == "hub.loads" else ""
        rows = connection.execute(
            f"SELECT {', '.join(columns)} FROM {table} {where} ORDER BY ALL"
        ).fetchall()
        hashes[table] = f"{len(rows)} rows {hashlib.sha256(repr(rows).encode()).hexdigest()}"
    connection.close()
    return hashes


def two_nights(deployment: Deployment, province: Province, forks: ForkServer) -> Deployment:
    """Sync day 0 undisturbed; the night of day 1 is the one to be killed."""
    province.at_day(0)
    assert forks.run(deployment, "sync", *SELECTION)["status"] == 0
    province.at_day(1)
    return deployment


@pytest.fixture(scope="module")
def undisturbed(
    province: Province, forks: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str], dict[str, str]]:
    """The data folder after day 0, the points that day 1 passes, and the state it ends in."""
    home = tmp_path_factory.mktemp("undisturbed")
    deployment = Deployment(home / "data", {"HUB_ENV": str(province.overlay)})
    two_nights(deployment, province, forks)
    shutil.copytree(deployment.data, home / "after-day-0")
    done = forks.run(deployment, "sync", *SELECTION)
    assert done["status"] == 0
    return home / "after-day-0", done["points"], state(deployment)


def test_the_points_are_the_promised_ones(
    undisturbed: tuple[Path, list[str], dict[str, str]],
) -> None:
    _, points, _ = undisturbed
    kinds = {point.split("#")[0] for point in points}
    statements = (
        "begin", "history", "delete", "insert", "quarantine", "resolve", "load_record", "message",
        "commit",
    )  # fmt: skip
    assert kinds >= {
        "page:half", "rename:before", "rename:after", "staged", "checked",
        *(f"commit.{name}:{when}" for name in statements for when in ("before", "after")),
    }  # fmt: skip


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_point(
    province: Province,
    forks: ForkServer,
    undisturbed: tuple[Path, list[str], dict[str, str]],
    tmp_path: Path,
    part: int,
) -> None:
    after_day_0, points, expected = undisturbed
    province.at_day(1)
    for point in points[part::PARTS]:
        data = tmp_path / "data"
        shutil.copytree(after_day_0, data)
        deployment = Deployment(data, {"HUB_ENV": str(province.overlay)})
        killed = forks.run(deployment, "sync", *SELECTION, kill=point)
        assert killed["status"] == -signal.SIGKILL, point
        again = forks.run(deployment, "sync", *SELECTION)
        assert again["status"] == 0, point
        assert state(deployment) == expected, point
        assert not list((data / "staging").glob("*")), point
        assert not list((data / "landing").rglob(".partial-*")), point
        shutil.rmtree(data)


def test_killed_in_the_very_first_night(
    province: Province, forks: ForkServer, tmp_path: Path
) -> None:
    province.at_day(0)
    whole = Deployment(tmp_path / "whole", {"HUB_ENV": str(province.overlay)})
    done = forks.run(whole, "sync", *FIRST)
    assert done["status"] == 0
    points = done["points"]
    # The lake's own making and the first batches: the later points are those of the test above.
    chosen = [p for p in points if p.split("#")[0] in {"rename:before", "rename:after"}][:4]
    chosen += [p for p in points if p.startswith("file:half")][:1]
    chosen += [p for p in points if p.startswith("commit.insert")][:2]
    assert len(chosen) == 7
    for number, point in enumerate(chosen):
        killed = Deployment(tmp_path / f"killed{number}", {"HUB_ENV": str(province.overlay)})
        assert forks.run(killed, "sync", *FIRST, kill=point)["status"] < 0, point
        assert forks.run(killed, "sync", *FIRST)["status"] == 0, point
        assert state(killed) == state(whole), point


@pytest.mark.soak
def test_killed_at_random_moments(
    province: Province,
    undisturbed: tuple[Path, list[str], dict[str, str]],
    tmp_path: Path,
) -> None:
    """The same from outside: SIGKILL to a real ``hub sync`` process, at any moment."""
    after_day_0, _, expected = undisturbed
    province.at_day(1)
    draw = random.Random(20261001)  # noqa: S311 - moments, not secrets
    seconds = 8.0
    killed = 0
    for number in range(RANDOM_KILLS):
        data = tmp_path / f"data{number}"
        shutil.copytree(after_day_0, data)
        deployment = Deployment(data, {"HUB_ENV": str(province.overlay)})
        process = deployment.start("sync", *SELECTION)
        started = time.monotonic()
        try:
            process.communicate(timeout=draw.uniform(0.2, seconds))
            seconds = max(1.0, time.monotonic() - started)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            killed += 1
        deployment.hub("sync", *SELECTION)
        assert state(deployment) == expected, number
        shutil.rmtree(data)
    assert killed >= RANDOM_KILLS // 2
