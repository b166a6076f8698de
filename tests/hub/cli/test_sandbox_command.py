"""``hub sandbox up|down|day``: a real process, small; told twice, killed, and somebody else's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cli.sandbox import _is_sandbox, _running
from tests.e2e.deployment import Deployment

UP = ("sandbox", "up", "--scale", "300", "--seed", "5")


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """A deployment whose sandbox is down at the end."""
    made = Deployment(tmp_path / "with space")
    yield made
    made.hub("sandbox", "down")


def state(deployment: Deployment) -> dict[str, object]:
    """Return the state file."""
    path = deployment.data / "sandbox" / "sandbox.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_up_day_and_down(deployment: Deployment) -> None:
    up = deployment.hub(*UP)
    folder = deployment.data / "sandbox"
    running = state(deployment)
    assert f"process {running['pid']}): seed 5, day 0, 300 dossiers" in up.stdout
    assert "invented" in up.stdout
    # What it says can be pasted into a shell.
    paste = up.stdout.splitlines()[-1].split(":", 1)[1]
    shown = subprocess.run(
        ["/bin/sh", "-c", f'{paste}; cat "$HUB_ENV"'], check=True, capture_output=True, text=True
    )
    assert "LAO_CAI_DICH_VU_CONG_URL=http://127.0.0.1:" in shown.stdout

    assert deployment.hub("sandbox", "day", "2").stdout == "the province is at day 2\n"
    with urllib.request.urlopen(f"{running['control_url']}/truth", timeout=30) as answer:
        assert json.load(answer)["day"] == 2

    twice = deployment.hub(*UP, code=1)
    assert twice.stderr.startswith(f"hub: a sandbox is running already (process {running['pid']})")
    assert twice.stderr.count("\n") == 1
    assert state(deployment) == running

    assert deployment.hub("sandbox", "down").stdout == "the sandbox is stopped\n"
    assert not _is_sandbox(int(str(running["pid"])))
    assert sorted(path.name for path in folder.iterdir()) == ["sandbox.log"]
    assert deployment.hub("sandbox", "down").stdout == "no sandbox is running\n"
    none = deployment.hub("sandbox", "day", "1", code=1)
    assert none.stderr.startswith("hub: no sandbox is running ")


def test_what_a_killed_sandbox_left_is_in_nobodys_way(deployment: Deployment) -> None:
    deployment.hub(*UP)
    first = state(deployment)
    os.kill(int(str(first["pid"])), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _is_sandbox(int(str(first["pid"]))) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert deployment.hub("sandbox", "day", "1", code=1).stderr.count("\n") == 1
    deployment.hub(*UP)
    assert state(deployment)["pid"] != first["pid"]


def test_another_process_under_the_old_number_is_left_alone(deployment: Deployment) -> None:
    folder = deployment.data / "sandbox"
    folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        written = {"pid": other.pid, "control_url": "http://127.0.0.1:9"}
        (folder / "sandbox.json").write_text(json.dumps(written))
        (folder / "sandbox.env").write_text("")
        assert deployment.hub("sandbox", "down").stdout == "no sandbox is running\n"
        assert other.poll() is None
        assert list(folder.iterdir()) == []
        other.communicate(b"\n")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x"}', '{"pid": null}'])
def test_a_damaged_state_file_is_no_sandbox(tmp_path: Path, text: str) -> None:
    (tmp_path / "sandbox.json").write_text(text)
    assert _running(tmp_path) is None


def test_a_sandbox_that_does_not_start_says_where_to_look(deployment: Deployment) -> None:
    folder = deployment.data / "sandbox"
    folder.mkdir(parents=True)
    (folder / "sandbox.env").mkdir()  # it cannot write its overlay
    done = deployment.hub(*UP, code=1)
    assert done.stderr.startswith("hub: the sandbox did not start ")
    assert f"{folder}/sandbox.log" in done.stderr
    assert done.stderr.count("\n") == 1
    (folder / "sandbox.env").rmdir()
