"""Real database servers for tests, each in a temporary folder, on a free port, with TLS.

Data flow: :func:`postgres` and :func:`mariadb` start a server of their own as an unprivileged
user, yield a :class:`Server` to run SQL on, and stop that very process at the end. Where the
server is not installed the test is skipped (``.ci/run`` installs both).

What does not belong here: tables and rows; each test makes its own.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.sources.certificates import issue

USER, PASSWORD = "doc_kho", "mật khẩu/+%@1"
PERCENT = "m%E1%BA%ADt%20kh%E1%BA%A9u%2F%2B%25%401"
START = 60


@dataclass(frozen=True)
class Server:
    """A running server with one database, ``kho``, and a user that may only read."""

    scheme: str
    port: int
    ca: Path
    run: Callable[..., str]
    """Run SQL as the owner, in ``kho`` or the database named second, and return what it prints."""

    def url(self, *, password: str = PERCENT, host: str = "127.0.0.1", name: str = "kho") -> str:
        return f"{self.scheme}://{USER}:{password}@{host}:{self.port}/{name}"


@contextlib.contextmanager
def postgres() -> Iterator[Server]:
    """Start PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("needs Debian's postgresql")
    binaries = found[-1].parent
    with _folder() as folder:
        data, port = folder / "data", free_port()
        secret = _file(folder / "pw", PASSWORD)
        initdb = f"{binaries}/initdb -U chu -A scram-sha-256 -N -E UTF8 --locale=C.UTF-8"
        _call([*initdb.split(), f"--pwfile={secret}", "-D", data])
        settings = {
            "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder,
            "fsync": "off", "ssl": "on", "ssl_cert_file": folder / "cert.pem",
            "ssl_key_file": folder / "cert.key", "datestyle": "SQL, DMY", "timezone": "UTC",
        }  # fmt: skip
        _certificate(folder)
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        control = [binaries / "pg_ctl", "-D", data, "-w", "-t", str(START)]
        try:
            _call([*control, "-l", folder / "log", "start"])
            client = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "chu", "-qAtX"]
            client += ["-v", "ON_ERROR_STOP=1"]

            def run(sql: str, database: str = "kho") -> str:
                return _call([*client, "-d", database], sql, {"PGPASSWORD": PASSWORD})

            run("CREATE DATABASE kho", "postgres")
            run(f"CREATE USER {USER} PASSWORD '{PASSWORD}'; GRANT pg_read_all_data TO {USER}")
            yield Server("postgresql", port, folder / "cert.pem", run)
        finally:
            with contextlib.suppress(AssertionError):
                _call([*control, "-m", "immediate", "stop"])


@contextlib.contextmanager
def mariadb() -> Iterator[Server]:
    """Start MariaDB, which speaks MySQL's protocol."""
    binary = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    if binary is None:
        pytest.skip("needs Debian's mariadb-server")
    with _folder() as folder:
        data, port, door = folder / "data", free_port(), folder / "door"
        install = "mariadb-install-db --no-defaults --skip-test-db"
        _call([*f"{install} --auth-root-authentication-method=normal".split(), f"--datadir={data}"])
        _certificate(folder)
        options = {
            "datadir": data, "socket": door, "port": port, "bind-address": "127.0.0.1",
            "pid-file": folder / "pid", "character-set-server": "utf8mb4",
            "ssl-cert": folder / "cert.pem", "ssl-key": folder / "cert.key",
        }  # fmt: skip
        command = [binary, "--no-defaults", *(f"--{key}={it}" for key, it in options.items())]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as_nobody())
        client = ["--no-defaults", "-uroot", f"--socket={door}"]
        try:
            _call(["mariadb-admin", *client, f"--wait={START}", "ping"])

            def run(sql: str, database: str = "kho") -> str:
                return _call(
                    ["mariadb", *client, "--default-character-set=utf8mb4", "-N", database], sql
                )

            run(
                "CREATE DATABASE kho; "
                f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'; "
                f"CREATE USER '{USER}'@'localhost' IDENTIFIED BY '{PASSWORD}'; "
                f"GRANT SELECT ON kho.* TO '{USER}'@'127.0.0.1'; "
                f"GRANT SELECT ON kho.* TO '{USER}'@'localhost'",
                "mysql",
            )
            yield Server("mysql", port, folder / "cert.pem", run)
        finally:
            process.terminate()
            process.wait(START)


def _as_nobody() -> dict[str, Any]:
    """Both servers refuse to run as root."""
    return {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kho-"))
    _give(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def _file(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    _give(path)
    return path


def _call(command: list[Any], given: str = "", more: Mapping[str, str] | None = None) -> str:
    """Run a command as the unprivileged user; fails the test with what it said."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        list(map(str, command)), input=given, text=True, check=False, timeout=START * 2,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
        env={"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": "/nonexistent", **(more or {})},
        **_as_nobody(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certificate(folder: Path) -> None:
    """Write a self-signed certificate for this machine's loopback address."""
    pair = issue(folder, "cert", host="127.0.0.1")
    _give(pair.path)
    _give(pair.key_path)
