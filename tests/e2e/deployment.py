"""A deployment of the hub in a folder of its own, driven through its command line.

Data flow: a test -> :class:`Deployment` -> ``hub`` in a process of its own -> its exit code, words
and data folder. :class:`Province` is a sandbox process with its control address.

What does not belong here: assertions.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from warehouse.lake import Lake

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 90
RUN_TIMEOUT = 240
QUIET = {"DAGSTER_DISABLE_TELEMETRY": "1", "GX_ANALYTICS_ENABLED": "false"}


@dataclass
class Province:
    """A running sandbox."""

    folder: Path
    process: subprocess.Popen[bytes]
    control: str

    @classmethod
    def start(cls, folder: Path, *, scale: int = 1500, seed: int = 7, day: int = 0) -> Province:
        """Start a sandbox process and wait until every server answers."""
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / "log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.sandbox", "--data", str(folder), "--scale", str(scale),
             "--seed", str(seed), "--day", str(day)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + START_TIMEOUT
        while not (folder / "sandbox.json").exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the sandbox did not start"
            time.sleep(0.05)
        state = json.loads((folder / "sandbox.json").read_text())
        return cls(folder, process, state["control_url"])

    def stop(self) -> None:
        """End the process by its own id."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def get(self, path: str) -> Any:
        """Ask the control server."""
        with urllib.request.urlopen(self.control + path, timeout=60) as answer:
            text = answer.read().decode()
        if path.startswith("/truth/rows"):
            return [json.loads(line) for line in text.splitlines()]
        return json.loads(text)

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Tell the control server."""
        request = urllib.request.Request(
            self.control + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    def at_day(self, day: int) -> None:
        """Move the province to a day."""
        self.post("/day", {"day": day})

    def fault(self, system: str, mode: str) -> None:
        """Let a system misbehave, or behave again (``none``)."""
        self.post("/fault", {"system": system, "mode": mode})

    @property
    def overlay(self) -> Path:
        """File that ``HUB_ENV`` names."""
        return self.folder / "sandbox.env"


@dataclass
class Deployment:
    """A data folder and the environment of its commands."""

    data: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a command."""
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("HUB_", "DAGSTER_HOME"))}
        return {**keep, **QUIET, "HUB_DATA_DIR": str(self.data), **self.env}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``hub`` with these arguments."""
        return subprocess.Popen(
            [sys.executable, "-c", "from hub.cli import main; main()", *arguments],
            cwd=ROOT, env=self.environment(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def hub(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run ``hub`` to its end; ``code`` is the exit code expected, None for any."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=RUN_TIMEOUT)
        done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
        assert code is None or done.returncode == code, f"{done.returncode}\n{out}\n{err}"
        return done

    def sync(self, *selection: str, code: int | None = 0) -> dict[str, dict[str, Any]]:
        """Run ``hub sync --json`` and return what it says by dataset."""
        report = json.loads(self.hub("sync", "--json", *selection, code=code).stdout)
        return {entry["dataset"]: entry for entry in report["datasets"]}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the lake directly, read-only."""
        connection = self.reader()
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Open the lake read-only."""
        return Lake(self.data / "lake").reader()

    def parquet(self) -> set[Path]:
        """Return every Parquet file in the lake's folder, referenced or not."""
        return set((self.data / "lake").rglob("*.parquet"))
