"""The hub's Dagster pages: ``python -m hub.ui`` as a process, its GraphQL, and a headless Chromium.

Data flow: a deployment -> :class:`Pages`, started on a free port -> its address, answers and
processes; :func:`chromium` -> a browser page that may speak to that address only.

What does not belong here: assertions about what the pages show.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.e2e.deployment import ROOT, Deployment

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
START_TIMEOUT = 90
STOP_TIMEOUT = 60
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "hub.definitions"}


@dataclass
class Pages:
    """A running ``hub.ui``."""

    deployment: Deployment
    process: subprocess.Popen[bytes]
    log: Path
    address: str = ""

    @classmethod
    def start(cls, deployment: Deployment, *arguments: str) -> Pages:
        """Start the process on a free port; :meth:`wait_for` says how far it is."""
        log = deployment.data.with_suffix(".ui.log")
        with log.open("wb") as written:
            process = subprocess.Popen(
                [sys.executable, "-m", "hub.ui", "--port", "0", *arguments],
                cwd=ROOT, env=deployment.environment(), stdin=subprocess.DEVNULL,
                stdout=written, stderr=subprocess.STDOUT,
            )  # fmt: skip
        return cls(deployment, process, log)

    def wait_for(self, pattern: str) -> str:
        """Wait until the process has said something; return the words that fit."""
        found: list[str] = []

        def said() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            found.extend(re.findall(pattern, self.log.read_text()))
            return bool(found)

        until(said, START_TIMEOUT, f"hub.ui did not say {pattern}")
        return found[0]

    def wait_until_ready(self) -> None:
        """Wait until the pages answer."""
        self.address = self.wait_for(r"The Dagster pages: +(http://\S+)")

    def processes(self) -> dict[int, str]:
        """Return the processes of this deployment, whoever their parent is now."""
        mark = f"\0HUB_DATA_DIR={self.deployment.data}\0".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in b"\0" + (folder / "environ").read_bytes():
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(folder.name)] = words
            except OSError:  # it has just ended, or is not ours to read
                continue
        return found

    def stop(self, number: signal.Signals) -> int:
        """Send a signal to the process and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT)

    def end_all(self) -> None:
        """End whatever is left, so that a failed test leaves nothing behind."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def ask(self, query: str, **variables: Any) -> Any:
        """Ask the webserver by GraphQL."""
        request = urllib.request.Request(
            f"{self.address}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            told = json.load(answer)
        assert "errors" not in told, told
        return told["data"]


def until(holds: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Look again and again until something holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


@contextmanager
def chromium() -> Iterator[Page]:
    """Open a page in a headless browser that reaches this machine only."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(30_000)
        yield page
        browser.close()
