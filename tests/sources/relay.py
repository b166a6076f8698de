"""A relay of plain bytes in front of a server that speaks no HTTP, which it hangs up in the middle.

Data flow: each connection is passed on both ways; once the server has sent ``after`` bytes on one
and a cut is left, both ends of it are closed.

What does not belong here: HTTP; ``fault_proxy`` knows it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

_PIECE = 1 << 14
_PATIENCE = 10.0


class Relay:
    """Listens on a free port of this machine until it is left."""

    def __init__(self, port: int, *, after: int = 0, cuts: int = 0) -> None:
        """Listen.

        Args:
            port: The server's port on this machine.
            after: Bytes of the server after which a connection is cut.
            cuts: How many connections are cut.
        """
        self.cuts = cuts
        self.made = 0
        """Cuts made so far."""
        self._port, self._after = port, after
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._begin(self._accept)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything and wait for the threads."""
        for one in [self._listening, *self._open]:
            _close(one)
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _begin(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._port), _PATIENCE)
            except OSError:
                return
            server.settimeout(None)
            self._open += [client, server]
            self._begin(self._pass, client, server)
            self._begin(self._answer, server, client)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        """Pass on what the server says, up to a cut."""
        self._pass(server, client, self._after if self.cuts else None)

    def _pass(self, source: socket.socket, target: socket.socket, most: int | None = None) -> None:
        """Pass bytes on until one end closes, or until so many came and a cut is left."""
        came = 0
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                came += len(data)
                if most is not None and came > most and self.made < self.cuts:
                    self.made += 1
                    break
                target.sendall(data)
        _close(source)
        _close(target)


def _close(one: socket.socket) -> None:
    """Wake whoever waits on a socket, then close it."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
