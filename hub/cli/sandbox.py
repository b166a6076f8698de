"""``hub sandbox up|down|day``: the simulated province as a background process.

Data flow: ``up`` starts ``python -m hub.sandbox``, waits until it answers, and says which overlay
file (``HUB_ENV``) points the hub at it; ``down`` ends it by its own process id.

Run it alone: ``hub sandbox up --scale 2000``.

What does not belong here: the province itself (``hub.sandbox``).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.errors import ConfigurationError, InternalError

app = typer.Typer(help="A simulated province that answers over real HTTP; its rows are invented.")
START_TIMEOUT = 120.0
STOP_TIMEOUT = 15.0


@app.command()
def up(
    scale: Annotated[int, typer.Option(min=100, help="Dossiers in Lào Cai's portal")] = 200_000,
    seed: Annotated[int, typer.Option(help="Another seed is another province")] = 1,
    day: Annotated[int, typer.Option(min=0, help="The province so many days later")] = 0,
) -> None:
    """Start the sandbox in the background."""
    folder = _folder()
    running = _running(folder)
    if running is not None:
        raise ConfigurationError(
            f"a sandbox is running already (process {running['pid']})",
            next_step="`hub sandbox down` stops it",
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sandbox.json").unlink(missing_ok=True)
    with (folder / "sandbox.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "hub.sandbox", "--data", str(folder), "--scale", str(scale),
             "--seed", str(seed), "--day", str(day)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_TIMEOUT
    while not (folder / "sandbox.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise InternalError(
                "the sandbox did not start", next_step=f"its last words are in {folder}/sandbox.log"
            )
        time.sleep(0.05)
    sys.stdout.write(
        f"The sandbox province is up (process {process.pid}): seed {seed}, day {day}, "
        f"{scale:,} dossiers. All its rows are invented.\n"
        f"Point the hub at it:  export HUB_ENV={folder}/sandbox.env\n"
    )


@app.command()
def down() -> None:
    """Stop the sandbox."""
    folder = _folder()
    running = _running(folder)
    if running is None:
        sys.stdout.write("no sandbox is running\n")
        return
    os.kill(running["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT
    while _alive(running["pid"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    if _alive(running["pid"]):
        os.kill(running["pid"], signal.SIGKILL)
    (folder / "sandbox.json").unlink(missing_ok=True)
    sys.stdout.write("the sandbox is stopped\n")


@app.command(name="day")
def set_day(number: Annotated[int, typer.Argument(min=0, help="Days after the first")]) -> None:
    """Let the running sandbox be the province so many days later."""
    running = _running(_folder())
    if running is None:
        raise ConfigurationError("no sandbox is running", next_step="`hub sandbox up` starts one")
    request = urllib.request.Request(  # noqa: S310 - the sandbox's own address
        f"{running['control_url']}/day",
        data=json.dumps({"day": number}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=START_TIMEOUT):  # noqa: S310 - as above
        sys.stdout.write(f"the province is at day {number}\n")


def _folder() -> Path:
    from hub.settings import Settings

    return Settings().sandbox


def _running(folder: Path) -> dict[str, Any] | None:
    """Return the state file of a sandbox that is alive."""
    try:
        state: dict[str, Any] = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state if _alive(int(state["pid"])) else None


def _alive(pid: int) -> bool:
    """Whether a process exists and is no zombie of ours."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
