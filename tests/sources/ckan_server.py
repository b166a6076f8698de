"""A real CKAN with its datastore, set up by its own command over PostgreSQL and Redis.

CKAN is AGPL, so it is a peer in an environment of its own (``make ckan``), never imported here and
no dependency of anything. Only Solr is not there: ``solr_stand_in`` keeps CKAN's documents and
finds them again, so every answer that the hub sees is written by CKAN's own code.

Data flow: :func:`running` makes the databases, lets ``ckan`` set them up, starts the server on a
free port and yields a :class:`Ckan`, whose :meth:`~Ckan.call` is the Action API as the catalog's
own people use it. Each process is stopped by its own id.

What does not belong here: datasets and what is asked of the hub; the tests make and say that.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sources import solr_stand_in
from tests.sources.databases import START, Server, free_port, postgres

PROGRAM = Path(__file__).resolve().parents[2] / ".venv-ckan" / "bin" / "ckan"
OWNER, READER, _WORD = "ckan", "ckan_xem", "mat-khau-dai-1"
PATIENCE = 30


@dataclass(frozen=True)
class Ckan:
    """A running catalog."""

    url: str
    token: str
    """Of its administrator."""
    index: solr_stand_in.Index
    database: Server
    """Where its databases ``ckan`` and ``datastore`` are."""

    def call(
        self, action: str, *, token: str | None = None, upload: bytes | None = None, **said: Any
    ) -> Any:
        """Call an action as the administrator, or as who has ``token``; fails the test if it does.

        Args:
            action: Its name.
            token: Instead of the administrator's; empty for nobody's.
            upload: Content of a file named ``bang.csv`` that goes with it.
            said: Its parameters.
        """
        known = self.token if token is None else token
        answer = requests.post(
            f"{self.url}/api/3/action/{action}", timeout=PATIENCE,
            headers={"Authorization": known} if known else {},
            json=said if upload is None else None, data=None if upload is None else said,
            files=None if upload is None else {"upload": ("bang.csv", upload)},
        )  # fmt: skip
        assert answer.status_code == requests.codes.ok, answer.text
        return answer.json()["result"]


@contextlib.contextmanager
def running() -> Iterator[Ckan]:
    """Start CKAN, empty but for its administrator."""
    redis = shutil.which("redis-server")
    if not PROGRAM.exists() or redis is None:
        pytest.skip("needs CKAN (make ckan) and Debian's redis-server")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ckan-")))
        solr, index = stack.enter_context(solr_stand_in.running())
        server = stack.enter_context(postgres())
        for user in (OWNER, READER):
            server.run(f"CREATE USER {user} PASSWORD '{_WORD}'")
        for name in ("ckan", "datastore"):
            server.run(f"CREATE DATABASE {name} OWNER {OWNER}")
        door, url = folder / "redis", f"http://127.0.0.1:{free_port()}"
        # Nothing but a socket in the folder: no port, no file.
        settings = f"--port 0 --unixsocket {door} --dir {folder} --save"
        stack.enter_context(_process(folder / "redis.log", [redis, *settings.split(), ""]))
        place = f"127.0.0.1:{server.port}"
        options = {
            "SECRET_KEY": "khong-bi-mat-chut-nao-vi-chi-de-thu-1",
            "sqlalchemy.url": f"postgresql://{OWNER}:{_WORD}@{place}/ckan",
            "ckan.datastore.write_url": f"postgresql://{OWNER}:{_WORD}@{place}/datastore",
            "ckan.datastore.read_url": f"postgresql://{READER}:{_WORD}@{place}/datastore",
            "ckan.plugins": "datastore", "ckan.site_url": url, "solr_url": solr,
            "ckan.redis.url": f"unix://{door}", "ckan.storage_path": folder / "files",
        }  # fmt: skip
        lines = [f"{name} = {value}\n" for name, value in options.items()]
        (folder / "ckan.ini").write_text("[app:main]\n" + "".join(lines), encoding="utf-8")
        program = [str(PROGRAM), "-c", str(folder / "ckan.ini")]

        def command(words: str) -> str:
            done = subprocess.run(
                [*program, *words.split()], text=True, check=False, timeout=START * 2, cwd="/",
                capture_output=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            return done.stdout

        command("db init")
        server.run(command("datastore set-permissions"))
        command(f"sysadmin add --create quan_tri email=a@example.com password={_WORD}")
        token = command("user token add -q quan_tri thu").split()[-1]
        run = f"run --host 127.0.0.1 --port {url.rpartition(':')[2]} --disable-reloader --threaded"
        process = stack.enter_context(_process(folder / "log", [*program, *run.split()]))
        _wait(url, process, folder / "log")
        yield Ckan(url, token, index, server)


@contextlib.contextmanager
def _process(log: Path, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server, and stop it at the end."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd="/")
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"{url}/api/3/action/status_show", timeout=PATIENCE).raise_for_status()
            return
        time.sleep(0.05)
    pytest.fail("CKAN did not start: " + log.read_text(encoding="utf-8")[-2000:])
