"""A proxy that stands in front of a real server and breaks the answers it is told to break.

Data flow: a client's request -> the place of that request (the first different request of a pull
is place 1, the next 2; a repetition has the place it had) -> either the server's own answer,
or what a :data:`Fault` makes of the :class:`Exchange`: raw bytes, after which the connection is
closed. Answers name the proxy wherever the server named itself, as a reverse proxy does it.
Everything is counted, so that a test can say how often a page was asked for.

With :class:`Gate` the proxy is also the authorisation in front of the server: it hands out tokens
(RFC 6749, client credentials), lets in who has the present one, and can revoke it.

Run it alone: ``python -m tests.sources.fault_proxy http://127.0.0.1:8001`` prints its address and
passes everything on until its standard input closes.

What does not belong here: the faults (``wire_faults``), and what is expected of them (``kit``).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO, Self
from urllib.parse import urlsplit

from tests.sources.certificates import Pair

_LONGEST_HEAD = 64 * 1024
_PATIENCE = 10.0
"""Seconds that any read or write of the proxy may take."""
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}


@dataclass(frozen=True)
class Asked:
    """A request as it came; two with the same three parts ask for the same thing."""

    method: str
    target: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = field(compare=False)

    def header(self, name: str) -> str:
        """Return a header's value, blank if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Real:
    """What the server behind answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def head(self, length: int | None = None, *more: str) -> bytes:
        """Return status line and headers, with a ``Content-Length`` that may be a lie."""
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, 'X')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        size = len(self.body) if length is None else length
        lines += [*more, f"Content-Length: {size}", "", ""]
        return "\r\n".join(lines).encode("latin-1")


@dataclass
class Exchange:
    """One request that a fault is to answer."""

    asked: Asked
    proxy: FaultProxy
    place: int

    def real(self) -> Real:
        """Ask the server behind."""
        return self.proxy.forward(self.asked)

    def earlier(self) -> Real:
        """Return what the server answered to the first request that had data."""
        return self.proxy.first or self.real()

    def pause(self, seconds: float) -> None:
        """Wait, but not when the proxy is being stopped."""
        self.proxy.stopping.wait(seconds)

    @property
    def secret(self) -> str:
        """What the client would not like to be told about: its own credentials."""
        return self.asked.header("Authorization").rpartition(" ")[2]


Fault = Callable[[Exchange], Iterable[bytes]]
"""Yields what goes over the wire; the connection is closed behind it."""


@dataclass
class Rule:
    """A fault for the requests of one place; ``times`` None is for ever."""

    place: int
    fault: Fault
    times: int | None


@dataclass
class Gate:
    """Tokens in front of a server."""

    path: str = "/kit-token"
    revoke_at: int = 0
    """Before the request of this place is answered for the first time, the token is revoked."""
    shut: bool = False
    """Whether every token is refused."""
    logins: int = 0
    """Tokens handed out."""
    issued: int = 0
    """Number of the present one: those handed out and those revoked."""

    @property
    def token(self) -> str:
        """The one token that is let in."""
        return f"the-{self.issued}-bi-mat-cua-cong"


class FaultProxy:
    """Listens on a free port of this machine until it is closed."""

    def __init__(
        self, server: str, *, authorization: str = "", certificate: Pair | None = None
    ) -> None:
        """Listen.

        Args:
            server: Address of the real server.
            authorization: What the real server wants in that header, whatever the client sent.
            certificate: With it the proxy speaks TLS.
        """
        self.server = server.rstrip("/")
        self.stopping = threading.Event()
        self.first: Real | None = None
        self.gate: Gate | None = None
        self._authorization = authorization
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate.path, certificate.key_path)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}"
        self.reset()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the listening socket and every connection; wait for the threads."""
        self.stopping.set()
        # A thread that waits in accept() is not woken by close().
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            held = list(self._open)
        for connection in held:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in [self._accepting, *self._threads]:
            thread.join(_PATIENCE)

    def reset(self) -> None:
        """Forget what was asked and what is to be broken; connections stay open."""
        with self._lock:
            self.rules: list[Rule] = []
            self.asked: list[Asked] = []
            self._places: dict[Asked, int] = {}
            self.first = None
            self.gate = None

    def break_at(self, place: int, fault: Fault, times: int | None = None) -> None:
        """Answer the request of this place by a fault, so many times."""
        self.rules.append(Rule(place, fault, times))

    @property
    def places(self) -> int:
        """How many different requests came."""
        return len(self._places)

    def count(self, place: int) -> int:
        """Return how often the request of this place came."""
        return sum(self._places.get(asked) == place for asked in self.asked)

    def forward(self, asked: Asked) -> Real:
        """Ask the server behind, on a connection of its own."""
        parts = urlsplit(self.server)
        connection = http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE)
        headers = {name: value for name, value in asked.headers if name.lower() not in _HOP}
        # Uncompressed, so that the server's own address is found in the body.
        headers["Accept-Encoding"] = "identity"
        if self._authorization:
            headers["Authorization"] = self._authorization
        with contextlib.closing(connection):
            connection.connect()
            # Servers that write head and body apart else wait 40 ms for an acknowledgement.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            connection.request(asked.method, asked.target, asked.body or None, headers)
            response = connection.getresponse()
            body = response.read()
        own, other = self.url, self.server
        kept = tuple(
            (name, value.replace(other, own))
            for name, value in response.getheaders()
            if name.lower() not in _HOP or (asked.method == "HEAD" and name.lower()[0] == "c")
        )
        return Real(response.status, kept, body.replace(other.encode(), own.encode()))

    def _accept(self) -> None:
        """Serve each connection in a thread."""
        while not self.stopping.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection until it ends; clients that go are no news."""
        connection.settimeout(_PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(connection)
        try:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                    with self._lock:
                        self._open.add(connection)
                with connection, connection.makefile("rb") as stream:
                    while not self.stopping.is_set() and self._answer(connection, stream):
                        pass
        finally:
            connection.close()
            with self._lock:
                self._open = {one for one in self._open if one.fileno() != -1}

    def _answer(self, connection: socket.socket, stream: IO[bytes]) -> bool:
        """Answer one request; says whether the connection goes on."""
        asked = _read(stream)
        if asked is None:
            return False
        at_the_gate = self._at_the_gate(asked)
        if at_the_gate is not None:
            connection.sendall(at_the_gate.head() + at_the_gate.body)
            return True
        place, fault = self._judge(asked)
        if fault is not None:
            for piece in fault(Exchange(asked, self, place)):
                if self.stopping.is_set():
                    break
                connection.sendall(piece)
            return False
        real = self.forward(asked)
        if self.first is None:
            self.first = real
        if asked.method == "HEAD":
            lines = [f"HTTP/1.1 {real.status} X", *(f"{name}: {it}" for name, it in real.headers)]
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        else:
            connection.sendall(real.head() + real.body)
        return True

    def _judge(self, asked: Asked) -> tuple[int, Fault | None]:
        """Note a request; return its place and the fault that is due, if one is."""
        with self._lock:
            self.asked.append(asked)
            place = self._places.setdefault(asked, len(self._places) + 1)
            for rule in self.rules:
                if rule.place == place and rule.times != 0:
                    rule.times = None if rule.times is None else rule.times - 1
                    return place, rule.fault
        return place, None

    def _at_the_gate(self, asked: Asked) -> Real | None:
        """Return the gate's own answer, None if the request may pass."""
        gate = self.gate
        if gate is None:
            return None
        with self._lock:
            if asked.target == gate.path:
                gate.issued += 1
                gate.logins += 1
                return _as_json(200, {"access_token": gate.token, "expires_in": 3600})
            place = self._places.get(asked, len(self._places) + 1)
            if place == gate.revoke_at:
                gate.issued, gate.revoke_at = gate.issued + 1, 0
            if not gate.shut and asked.header("Authorization") == f"Bearer {gate.token}":
                return None
        return _as_json(401, {"error": "invalid_token"})


def _as_json(status: int, document: dict[str, object]) -> Real:
    return Real(status, (("Content-Type", "application/json"),), json.dumps(document).encode())


def _read(stream: IO[bytes]) -> Asked | None:
    """Read one request; None where the connection ends."""
    first = stream.readline(_LONGEST_HEAD).decode("latin-1").split()
    if len(first) != 3:
        return None
    headers = []
    while (line := stream.readline(_LONGEST_HEAD)) not in {b"\r\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    length = next((value for name, value in headers if name.lower() == "content-length"), "0")
    return Asked(first[0], first[1], stream.read(int(length)), tuple(headers))


if __name__ == "__main__":
    with FaultProxy(sys.argv[1]) as running:
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
