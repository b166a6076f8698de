"""``hub sandbox up|down|day``: the simulated province as a background process.

Data flow: ``up`` starts ``python -m hub.sandbox``, waits until it answers, and says which overlay
file (``HUB_ENV``) points the hub at it; ``down`` ends it by its own process id.

Run it alone: ``hub sandbox up --scale 2000``.

What does not belong here: the province itself (``hub.sandbox``).
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.errors import ConfigurationError, InternalError

app = typer.Typer(
    no_args_is_help=True,
    help="A simulated province that answers over real HTTP; its rows are invented.",
)
START_TIMEOUT = 120.0
STOP_TIMEOUT = 15.0


@app.command()
def up(
    scale: Annotated[int, typer.Option(min=300, help="Dossiers in Lào Cai's portal")] = 200_000,
    seed: Annotated[int, typer.Option(help="Another seed is another province")] = 1,
    day: Annotated[int, typer.Option(min=0, help="The province so many days later")] = 0,
) -> None:
    """Start the sandbox in the background."""
    folder = _folder().resolve()
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
    try:
        _wait_for(process, folder)
    except BaseException:
        process.kill()
        raise
    sys.stdout.write(
        f"The sandbox province is up (process {process.pid}): seed {seed}, day {day}, "
        f"{scale:,} dossiers. All its rows are invented.\n"
        f"Point the hub at it:  export HUB_ENV={shlex.quote(str(folder / 'sandbox.env'))}\n"
    )


def _wait_for(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Return once the sandbox answers.

    Raises:
        InternalError: It ended, or took too long.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while not (folder / "sandbox.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise InternalError(
                "the sandbox did not start", next_step=f"its last words are in {folder}/sandbox.log"
            )
        time.sleep(0.05)


@app.command()
def down() -> None:
    """Stop the sandbox."""
    folder = _folder()
    running = _running(folder)
    if running is None:
        if (folder / "sandbox.json").exists():  # a killed sandbox leaves its state behind
            _remove_state(folder)
        sys.stdout.write("no sandbox is running\n")
        return
    os.kill(running["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT
    while _is_sandbox(running["pid"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    if _is_sandbox(running["pid"]):
        os.kill(running["pid"], signal.SIGKILL)
    _remove_state(folder)
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
    try:
        with urllib.request.urlopen(request, timeout=START_TIMEOUT):  # noqa: S310 - as above
            sys.stdout.write(f"the province is at day {number}\n")
    except OSError as error:
        raise InternalError(
            f"the sandbox does not answer: {error}",
            next_step="`hub sandbox down`, then `hub sandbox up`",
        ) from error


def _folder() -> Path:
    from hub.settings import Settings

    return Settings().sandbox


def _remove_state(folder: Path) -> None:
    """Remove what says where a sandbox is."""
    for name in ("sandbox.json", "sandbox.env"):
        (folder / name).unlink(missing_ok=True)


def _running(folder: Path) -> dict[str, Any] | None:
    """Return the state file of a sandbox that is alive."""
    try:
        state: dict[str, Any] = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
        pid = int(state["pid"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return state if _is_sandbox(pid) else None


def _alive(pid: int) -> bool:
    """Whether a process exists and is no zombie of ours."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # gone, or somebody else's
        return False
    return True


def _is_sandbox(pid: int) -> bool:
    """Whether a sandbox runs under this number: after a crash it may belong to another process."""
    if not _alive(pid):
        return False
    try:
        return b"hub.sandbox" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # no Linux: the number has to do
        return True
