"""``make ui``: sandbox, Dagster webserver and daemon in one go, for looking around.

Data flow: starts the sandbox if ``HUB_ENV`` is not set, then ``dagster dev`` over
``workspace.yaml`` with its home in the data folder; stops what it started when interrupted.

Run it alone: ``python -m hub.ui --port 3000``.

What does not belong here: a production server (units and timers come with deployment).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from hub.runs import prepare_home
from hub.settings import ROOT, Settings


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="port of the web pages")
    port = parser.parse_args().port
    settings = Settings()
    prepare_home(settings)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(settings.dagster_home.resolve()),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "HUB_DATA_DIR": str(settings.data_dir.resolve()),
    }
    hub = [sys.executable, "-c", "from hub.cli import main; main()", "sandbox"]
    ours = settings.env is None
    if ours:
        subprocess.run([*hub, "down"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
        subprocess.run([*hub, "up"], check=True)  # noqa: S603 - our own command
        environment["HUB_ENV"] = str((settings.sandbox / "sandbox.env").resolve())
    sys.stdout.write(f"\n  The Dagster pages:  http://127.0.0.1:{port}   (Ctrl+C stops)\n\n")
    sys.stdout.flush()
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "dev", "-w", str(ROOT / "workspace.yaml")]
    try:
        subprocess.run(  # noqa: S603 - our own command
            [*command, "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning"],
            check=False, cwd=ROOT, env=environment,
        )  # fmt: skip
    except KeyboardInterrupt:
        pass
    finally:
        if ours:
            subprocess.run([*hub, "down"], check=False)  # noqa: S603 - our own command


if __name__ == "__main__":
    main()
