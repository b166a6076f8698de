"""Runs ``hub`` commands in forked processes that kill themselves (SIGKILL) at a named point.

Data flow: lines of JSON on stdin (``environment``, ``arguments``, ``kill``: a point's name or null)
-> a forked child that runs the command with the real code, in which a few functions are wrapped to
pass through :func:`_point` -> a line of JSON with the exit status and the points passed. Forking a
process that has imported Dagster and Great Expectations saves 8 s a run, so every point can be
tried. The hub itself has no such hooks.

Points: ``page:half`` (half a page written), ``file:half``, ``rename:before|after`` (a batch becomes
visible), ``staged``, ``checked``, ``commit.<statement>:before|after``.

Run it alone: ``python -m tests.e2e.crash`` and type a line.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM = ("hub.cli", "hub.cli.sync", "hub.sync", "hub.runs", "checks.validate", "great_expectations")


def _serve() -> None:
    """Answer commands until stdin ends."""
    for module in WARM:
        importlib.import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        trace = Path(asked["environment"]["HUB_DATA_DIR"]).with_suffix(".points")
        trace.unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            _child(asked, trace)
        _, status = os.waitpid(pid, 0)
        passed = trace.read_text().split() if trace.exists() else []
        answer = {"status": os.waitstatus_to_exitcode(status), "points": passed}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _child(asked: dict[str, Any], trace: Path) -> None:
    """Run the command; never returns."""
    os.environ.clear()
    os.environ.update(asked["environment"])
    quiet = os.open(trace.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    code = 1
    try:
        _wrap(_point(trace, asked["kill"]))
        sys.argv = ["hub", *asked["arguments"]]
        importlib.import_module("hub.cli").main()
        code = 0
    except SystemExit as error:
        code = int(error.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _point(trace: Path, kill: str | None) -> Callable[[str], None]:
    """Return a function that notes a point and, at the chosen one, kills this process."""
    seen: dict[str, int] = {}

    def point(name: str) -> None:
        seen[name] = seen.get(name, 0) + 1
        numbered = f"{name}#{seen[name]}"
        with trace.open("a") as file:
            file.write(numbered + "\n")
        if numbered == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    return point


def _wrap(point: Callable[[str], None]) -> None:
    """Let the places where a kill could hurt pass through ``point``."""
    landing: Any = importlib.import_module("sources.landing")
    commit: Any = importlib.import_module("warehouse.commit")
    stage: Any = importlib.import_module("warehouse.stage")
    validate: Any = importlib.import_module("checks.validate")
    rename, step, keep = os.rename, commit.step, landing.BatchWriter._keep
    real_stage, real_validate = stage.stage, validate.validate

    def half_then_whole(self: Any, data: bytes, content: bytes, file: Any) -> None:
        path = self._partial / file.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data[: len(data) // 2])
        point("page:half" if file.media == "ndjson" else "file:half")
        path.unlink()
        keep(self, data, content, file)

    def renamed(*arguments: Any, **options: Any) -> None:
        point("rename:before")
        rename(*arguments, **options)
        point("rename:after")

    def stepped(connection: Any, name: str, sql: str, values: list[Any]) -> None:
        point(f"commit.{name}:before")
        step(connection, name, sql, values)
        point(f"commit.{name}:after")

    def staged(*arguments: Any, **options: Any) -> Any:
        result = real_stage(*arguments, **options)
        point("staged")
        return result

    def validated(*arguments: Any, **options: Any) -> Any:
        result = real_validate(*arguments, **options)
        point("checked")
        return result

    landing.BatchWriter._keep = half_then_whole
    os.rename = renamed
    commit.step = stepped
    stage.stage = staged
    validate.validate = validated


if __name__ == "__main__":
    _serve()
