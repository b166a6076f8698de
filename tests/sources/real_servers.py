"""Servers that no one here wrote, each in a process of its own: pygeoapi, WsgiDAV, datasette.

Data flow: :func:`running` starts this module as a program; it binds a free port, prints it once
it listens, and serves until its standard input closes, so that it ends with the test whatever
happens to that. :func:`datasette` has a program of its own.

Run it alone: ``python -m tests.sources.real_servers wsgidav FOLDER`` prints the port.

What does not belong here: what the tests ask.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from werkzeug.wsgi import get_input_stream

USER, PASSWORD = "doc", "mat-khau-1"
COLLECTION = "di_tich"
EDITABLE = "di_tich_moi"
"""A collection that can be changed through the API, and asked for by time."""
LARGEST = 50
"""Features that pygeoapi gives at most, however many are asked for."""
_WAIT = 60


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator[str]:
    """Start a server over a folder and yield its address."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.sources.real_servers", name, folder]
    with (folder.parent / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    # A server that never says its port is ended, which ends the wait.
    watch = threading.Timer(_WAIT, process.kill)
    watch.start()
    try:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        watch.cancel()
        assert port.isdigit(), (folder.parent / f"{name}.log").read_text()[-2000:]
        yield f"http://127.0.0.1:{port}"
    finally:
        watch.cancel()
        process.kill()
        process.communicate()


@contextlib.contextmanager
def datasette(database: Path) -> Iterator[str]:
    """Serve a SQLite file, at most 300 rows a page, and yield the address."""
    command = [
        sys.executable, "-m", "datasette", str(database), "--nolock", "--host", "127.0.0.1",
        "--port", "0", "--setting", "max_returned_rows", "300",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "HOME": str(database.parent)},
    ) as process:  # fmt: skip
        watch = threading.Timer(_WAIT, process.kill)
        watch.start()
        try:
            address = _address(process)
            watch.cancel()
            yield address
        finally:
            watch.cancel()
            process.terminate()
            process.wait(20)


def _address(process: subprocess.Popen[str]) -> str:
    """Read what the server says until it names its port; then let a thread drain the rest."""
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    pytest.fail("datasette did not start: " + "".join(said[-5:]))


def wsgidav(folder: Path, _: int) -> Callable[..., Any]:
    """Serve a folder by WebDAV, for one user with a password."""
    application = importlib.import_module("wsgidav.wsgidav_app").WsgiDAVApp
    served: Callable[..., Any] = application(
        {
            "provider_mapping": {"/kho": {"root": str(folder), "readonly": False}},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False,
                                   "default_to_digest": False},
            "verbose": 0,
        }
    )  # fmt: skip

    def bounded(environ: dict[str, Any], start: Any) -> Any:
        """Let a body end where it says it ends: WsgiDAV reads on, and wsgiref does not stop it."""
        return served({**environ, "wsgi.input": get_input_stream(environ)}, start)

    return bounded


def pygeoapi(folder: Path, port: int) -> Callable[..., Any]:
    """Serve ``features.geojson`` of a folder by OGC API - Features."""
    text = {"title": "Thử", "description": "Thử", "keywords": ["thử"]}
    configuration = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port}, "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8", "encoding": "utf-8",
            "languages": ["vi"], "limits": {"default_items": 10, "max_items": LARGEST},
            "map": {"url": "x", "attribution": "x"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {**text, "keywords_type": "theme", "url": "http://x"},
            "license": {"name": "x"}, "provider": {"name": "x"}, "contact": {"name": "x"},
        },
        "resources": {
            COLLECTION: {
                "type": "collection", **text, "links": [],
                "extents": {"spatial": {"bbox": [-180, -90, 180, 90]}},
                "providers": [
                    {"type": "feature", "name": "GeoJSON", "id_field": "id",
                     "data": str(folder / "features.geojson")},
                ],
            },
            EDITABLE: {
                "type": "collection", **text, "links": [],
                "extents": {"spatial": {"bbox": [-180, -90, 180, 90]}},
                "providers": [
                    {"type": "feature", "name": "TinyDB", "id_field": "id", "editable": True,
                     "time_field": "cap_nhat", "data": str(folder / "features.tinydb")},
                ],
            },
        },
    }  # fmt: skip
    (folder / "features.tinydb").write_text("{}")
    for name, content in (
        ("PYGEOAPI_CONFIG", configuration),
        ("PYGEOAPI_OPENAPI", {"openapi": "3.0.2", "info": {}, "paths": {}}),
    ):
        file = folder / f"{name.lower()}.yml"
        file.write_text(json.dumps(content))
        os.environ[name] = str(file)
    served: Callable[..., Any] = importlib.import_module("pygeoapi.flask_app").APP
    return served


def cases(folder: Path, _: int) -> Callable[..., Any]:
    """Serve Django REST framework behind Authlib; see ``case_server``."""
    served: Callable[..., Any] = importlib.import_module("tests.sources.case_server").cases(folder)
    return served


def documents(folder: Path, _: int) -> Callable[..., Any]:
    """Serve Django REST framework with its own tokens and throttle; see ``document_server``."""
    module = importlib.import_module("tests.sources.document_server")
    served: Callable[..., Any] = module.documents(folder)
    return served


def oaipmh(folder: Path, _: int) -> Callable[..., Any]:
    """Serve the repository of ``oai_server``."""
    served: Callable[..., Any] = importlib.import_module("tests.sources.oai_server").oaipmh(folder)
    return served


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _main(name: str, folder: str) -> None:
    """Serve until nobody holds the other end of standard input."""
    server = make_server("127.0.0.1", 0, lambda *_: [], handler_class=_Silent)
    known = {
        "wsgidav": wsgidav, "pygeoapi": pygeoapi, "cases": cases, "documents": documents,
        "oaipmh": oaipmh,
    }  # fmt: skip
    server.set_app(known[name](Path(folder), server.server_port))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _main(*sys.argv[1:3])
