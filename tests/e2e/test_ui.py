"""``python -m hub.ui`` as a process: it stops all it started, and says when it cannot start."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.deployment import ROOT, Deployment
from tests.e2e.pages import Pages, until

pytestmark = pytest.mark.e2e


def test_ctrl_c_while_it_is_starting_leaves_nothing_behind(tmp_path: Path) -> None:
    pages = Pages.start(Deployment(tmp_path / "data"), "--scale", "300")
    try:
        pages.wait_for("The sandbox province is up")
        until(
            lambda: any("code-server" in words for words in pages.processes().values()),
            30,
            "Dagster did not start",
        )
        assert any("hub.sandbox" in words for words in pages.processes().values())
        assert pages.stop(signal.SIGINT) == 0, pages.log.read_text()
        until(lambda: not pages.processes(), 10, f"left behind: {pages.processes()}")
    finally:
        pages.end_all()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "hub.ui", "--port", str(port)], cwd=ROOT, timeout=60,
            env=Deployment(tmp_path / "data").environment(), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"cannot listen on port {port}" in done.stderr
    assert "Traceback" not in done.stderr
