"""Bind every system to a free loopback port, serve them in one loop, say where they are.

Data flow: a :class:`~hub.sandbox.province.Province` -> one application and one port per system ->
``sandbox.env`` (the variables the hub reads, ``KEY=value``) and ``sandbox.json`` in the data folder
once everything answers; both are removed at the end.

Run it alone: ``python -m hub.sandbox`` is its command.

What does not belong here: what any system answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from hub.sandbox.ckan_app import Catalog
from hub.sandbox.control_app import Control
from hub.sandbox.documents import HUB_SYSTEM
from hub.sandbox.faults import Front, protocol
from hub.sandbox.lgsp_app import Access, Axis
from hub.sandbox.portal_app import Portal
from hub.sandbox.province import Province

PORTAL = "lao_cai/dich_vu_cong"
AXIS = "yen_bai/van_ban"
CATALOG = "tuyen_quang/du_lieu_dung_chung"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the simulated systems accept: invented, and different for every seed."""

    client_secret: str
    password: str
    secret_key: str
    token: str

    @classmethod
    def of(cls, seed: int) -> Credentials:
        """Derive them from the seed."""
        names = ("client_secret", "password", "secret_key", "token")
        return cls(*(hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()[:32] for name in names))


class _Server(uvicorn.Server):
    """A server that leaves signals to the sandbox."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class Sandbox:
    """The province's servers."""

    def __init__(self, province: Province, *, token_life: float) -> None:
        """Bind a port for each system; they answer once :meth:`serve` runs."""
        seed = province.seed
        self.credentials = secret = Credentials.of(seed)
        access = Access("hub_tong_hop", secret.password, HUB_SYSTEM, secret.secret_key)
        apps: dict[str, ASGIApp] = {
            PORTAL: Portal(province, "hub", secret.client_secret, token_life).app(),
            AXIS: Axis(province, access).app(),
            CATALOG: Catalog(province, secret.token).app(),
        }
        self.fronts = {name: Front(name, app) for name, app in apps.items()}
        self._control = Front("control", Control(province, self.fronts).app())
        self._sockets = {name: _listen() for name in (*self.fronts, "control")}
        self._servers: list[_Server] = []

    @property
    def ready(self) -> bool:
        """Whether every server answers."""
        return bool(self._servers) and all(server.started for server in self._servers)

    def url(self, name: str) -> str:
        """Return the address of a system, or of ``control``."""
        return f"http://127.0.0.1:{self._sockets[name].getsockname()[1]}"

    def environment(self) -> dict[str, str]:
        """Return the variables that a hub needs to find this province."""
        secret = self.credentials
        return {
            "LAO_CAI_DICH_VU_CONG_URL": self.url(PORTAL),
            "LAO_CAI_DICH_VU_CONG_CLIENT_ID": "hub",
            "LAO_CAI_DICH_VU_CONG_CLIENT_SECRET": secret.client_secret,
            "YEN_BAI_VAN_BAN_URL": self.url(AXIS),
            "YEN_BAI_VAN_BAN_USERNAME": "hub_tong_hop",
            "YEN_BAI_VAN_BAN_PASSWORD": secret.password,
            "YEN_BAI_VAN_BAN_SYSTEM_ID": HUB_SYSTEM,
            "YEN_BAI_VAN_BAN_SECRET_KEY": secret.secret_key,
            "TUYEN_QUANG_DU_LIEU_URL": self.url(CATALOG),
            "TUYEN_QUANG_DU_LIEU_TOKEN": secret.token,
        }

    async def serve(self, folder: Path | None = None) -> None:
        """Serve until :meth:`stop`; announce the addresses in ``folder`` meanwhile."""
        for name, front in {**self.fronts, "control": self._control}.items():
            config = uvicorn.Config(
                front,
                http=protocol(front),
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_keep_alive=30,
                timeout_graceful_shutdown=1,
            )
            server = _Server(config)
            self._servers.append(server)
            self._sockets[name].setblocking(False)  # noqa: FBT003 - no keyword in the standard library
        tasks = [
            asyncio.create_task(server.serve([self._sockets[name]]))
            for server, name in zip(self._servers, self._sockets, strict=True)
        ]
        # uvicorn tells nobody that it has started.
        while not self.ready:  # noqa: ASYNC110 - uvicorn tells it by a flag, not by an event
            await asyncio.sleep(0.01)
        announced = _announce(folder, self) if folder else []
        try:
            await asyncio.gather(*tasks)
        finally:
            for path in announced:
                path.unlink(missing_ok=True)

    def stop(self) -> None:
        """End :meth:`serve`."""
        for front in self.fronts.values():
            front.stop()
        for server in self._servers:
            server.should_exit = True


def _listen() -> socket.socket:
    """Take a free loopback port and listen: a client that comes early waits instead of failing.

    The protocol is named because asyncio switches Nagle's algorithm off only where it is; with
    it on, every small answer would take 40 ms.
    """
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", 0))
    taken.listen(128)
    return taken


def _announce(folder: Path, sandbox: Sandbox) -> list[Path]:
    """Write the two files, each whole or not at all; the JSON comes last and says: ready."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = sandbox.environment()
    lines = "".join(f"{key}={value}\n" for key, value in environment.items())
    facts = {
        "pid": os.getpid(),
        "control_url": sandbox.url("control"),
        "env_file": str((folder / "sandbox.env").resolve()),
        "systems": {name: sandbox.url(name) for name in sandbox.fronts},
    }
    written = []
    for name, text in (
        ("sandbox.env", lines),
        ("sandbox.json", json.dumps(facts, indent=1) + "\n"),
    ):
        path = folder / name
        partial = folder / f".{name}.{os.getpid()}"
        partial.touch(mode=0o600)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
        written.append(path)
    return written


def run(sandbox: Sandbox, folder: Path) -> None:
    """Serve in the foreground until SIGTERM or SIGINT."""

    async def _main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, sandbox.stop)
        await sandbox.serve(folder)

    asyncio.run(_main())
