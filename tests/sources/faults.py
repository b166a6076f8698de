"""A small HTTP server that answers as told, wrongly if told so: the tests' source system.

Data flow: a test registers a function per path; it gets the :class:`Asked` request and returns
a :class:`Reply`, whole, cut, dripping or stalling. Every request is kept in ``asked``.

What does not belong here: how any real system answers; each test says that itself.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What to answer; ``wire`` replaces everything by bytes written as they are."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wire: Iterable[bytes] | None = None


def as_json(document: Any, status: int = 200, **headers: str) -> Reply:
    body = json.dumps(document, ensure_ascii=False).encode()
    return Reply(body, status, {"Content-Type": "application/json", **headers})


def drip(body: bytes, seconds: float, head: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Iterator[bytes]:
    """Yield head and body byte by byte with a pause before each."""
    yield head
    for byte in body:
        time.sleep(seconds)
        yield bytes([byte])


Answerer = Callable[[Asked], Reply]


class FaultServer:
    """Listens on a free port of this machine until it is closed."""

    def __init__(self, certificate: Path | None = None) -> None:
        """Listen; with a certificate (and its key in the same file) over TLS."""
        self.routes: dict[str, Answerer] = {}
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                server.answer(self)

            def do_POST(self) -> None:
                server.answer(self)

            def do_PROPFIND(self) -> None:
                server.answer(self)

            def do_HEAD(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = _Quiet(("127.0.0.1", 0), Handler)
        self._scheme = "http"
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length", "0"))
        asked = Asked(
            handler.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            dict(handler.headers),
            handler.rfile.read(length),
        )
        self.asked.append(asked)
        reply = self.routes.get(asked.path, _missing)(asked)
        if reply.wire is not None:
            handler.close_connection = True
            for piece in reply.wire:
                handler.wfile.write(piece)
            return
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(reply.body)


def _missing(_: Asked) -> Reply:
    return Reply(b"not here", 404)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what many tests provoke."""


def in_turn(*replies: Reply | Answerer) -> Answerer:
    """Answer with each reply once, then with the last one for ever."""
    left = list(replies)

    def answer(asked: Asked) -> Reply:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply if isinstance(reply, Reply) else reply(asked)

    return answer
