"""``make ui``: sandbox, Dagster webserver and daemon in one go, for looking around.

Data flow: starts the sandbox if ``HUB_ENV`` is not set, then ``dagster dev`` over
``workspace.yaml`` with its home in the data folder; says the address once the pages answer; stops
all it started on Ctrl+C, SIGTERM or SIGHUP.

Run it alone: ``python -m hub.ui --port 3000``; port 0 takes any free one.

What does not belong here: a production server (units and timers come with deployment).
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from hub.errors import ConfigurationError, HubError
from hub.runs import prepare_home
from hub.settings import ROOT, Settings

HOST = "127.0.0.1"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_TIMEOUT = 30.0
LOOK_EVERY = 0.2


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="port of the web pages; 0 for any")
    parser.add_argument("--scale", type=int, default=200_000, help="dossiers in our own sandbox")
    chosen = parser.parse_args()
    # Signals are only noted: whatever is being started is started to its end, then stopped. An
    # exception in the middle of it would leave a process behind that nobody knows.
    told: list[int] = []
    for number in STOP_SIGNALS:
        signal.signal(number, lambda received, _: told.append(received))
    try:
        sys.exit(_run(chosen.port, chosen.scale, told))
    except HubError as error:
        sys.exit(f"hub.ui: {error}")
    except subprocess.CalledProcessError as error:  # it has said why
        sys.exit(error.returncode)


def _run(wanted: int, scale: int, told: list[int]) -> int:
    settings = Settings()
    port = _free(wanted)
    prepare_home(settings)
    environment = _environment(settings)
    ours = settings.env is None
    try:
        if ours:
            _sandbox("down", quiet=True)
            _sandbox("up", "--scale", str(scale))
            environment["HUB_ENV"] = str((settings.sandbox / "sandbox.env").resolve())
        return 0 if told else _serve(port, environment, told)
    finally:
        if ours:
            _sandbox("down")


def _free(wanted: int) -> int:
    """Return the port itself, or a free one for 0.

    Raises:
        ConfigurationError: Somebody else listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"cannot listen on port {wanted}: {error}",
                next_step="choose another, as `make ui PORT=3001`; 0 takes any free one",
            ) from error
        return int(probe.getsockname()[1])


def _environment(settings: Settings) -> dict[str, str]:
    """Return the environment of Dagster's processes, which run in another folder than this one."""
    paths = {"HUB_DATA_DIR": settings.data_dir, "HUB_ASSETS_DIR": settings.assets_dir,
             "HUB_ENV": settings.env, "DAGSTER_HOME": settings.dagster_home}  # fmt: skip
    return {
        **os.environ,
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "GX_ANALYTICS_ENABLED": "false",
        # It says that `dg dev` is the newer name; that one starts the same processes.
        "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
        **{name: str(path.resolve()) for name, path in paths.items() if path is not None},
    }


def _sandbox(*words: str, quiet: bool = False) -> None:
    """Run ``hub sandbox up`` or ``down`` to its end, beyond the reach of Ctrl+C."""
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", "from hub.cli import main; main()", "sandbox", *words],
        check=True, start_new_session=True, stdout=subprocess.DEVNULL if quiet else None,
    )  # fmt: skip


def _serve(port: int, environment: dict[str, str], told: list[int]) -> int:
    """Run ``dagster dev`` until a signal came or it ended by itself; return the exit code."""
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "dev", "-w", str(ROOT / "workspace.yaml")]
    # A session of its own: Ctrl+C reaches this process only, and whatever webserver, daemon, code
    # server or run is still there in the end can be ended by the group's id.
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "-h", HOST, "-p", str(port), "--log-level", "warning"],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    address = f"http://{HOST}:{port}"
    try:
        answered = False
        while process.poll() is None and not told:
            if not answered and _answers(address):
                answered = True
                sys.stdout.write(f"\n  The Dagster pages:  {address}   (Ctrl+C stops)\n\n")
                sys.stdout.flush()
            time.sleep(LOOK_EVERY)
        # `dagster dev` ends with 0 even when its webserver has died.
        return 0 if told else 1
    finally:
        _stop(process)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=5) as answer:  # noqa: S310 - our own address
            return int(answer.status) == 200  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask ``dagster dev`` to stop its services, then end what is left of its process group."""
    sys.stdout.write("stopping; this takes some seconds\n")
    sys.stdout.flush()
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    main()
