"""Time limits that hold against a source that answers one byte a minute.

Data flow: a pull makes one :class:`Deadline`; every request of it runs inside a
:class:`Cutter`, which shuts the request's socket down when the page's time is up, or the
dataset's, or when the pull was given up. A time-out on single reads cannot do this: a server
that drips sends something before each of them expires.

Run it alone: ``python -c "from sources.deadline import Deadline; print(Deadline(5).remaining())"``

What does not belong here: what to do when time is up (``sources.client`` decides), and retries.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Self

from hub.errors import TransientError

_current = threading.local()


class Deadline:
    """The time one dataset may take, shared by all its pages and threads."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._given_up = threading.Event()
        self._lock = threading.Lock()
        self._cutters: set[Cutter] = set()

    def again(self) -> Deadline:
        """Return one with the same end for another try, after this one was given up."""
        other = Deadline(self.seconds)
        other._end = self._end
        return other

    def remaining(self) -> float:
        """Return the seconds left; 0 when time is up or the pull was given up."""
        if self._given_up.is_set():
            return 0.0
        return max(0.0, self._end - time.monotonic())

    def check(self, where: str, because: str = "") -> None:
        """Raise if no time is left; ``because`` is the last trouble that was met."""
        if self.remaining() <= 0:
            raise self.passed(where, because)

    def passed(self, where: str, because: str = "") -> TransientError:
        """Return the error that says so."""
        last = f" (last trouble: {because})" if because else ""
        return TransientError(
            f"deadline of {self.seconds:g} s passed{last}",
            where=where,
            next_step="run it again; if it happens every night, raise limits.dataset_deadline",
        )

    def sleep(self, seconds: float, where: str, because: str) -> None:
        """Wait before a retry; raises at once if the wait would outlast the deadline."""
        if seconds >= self.remaining():
            raise self.passed(where, because)
        self._given_up.wait(seconds)
        self.check(where, because)

    def cutter(self, seconds: float) -> Cutter:
        """Return a cutter for one request: this many seconds, or what is left if less."""
        return Cutter(min(seconds, self.remaining()), self)

    def give_up(self) -> None:
        """Stop everything that still runs under this deadline, sleeping or reading."""
        self._given_up.set()
        with self._lock:
            cutters = list(self._cutters)
        for cutter in cutters:
            cutter.cut()

    def enter(self, cutter: Cutter) -> None:
        """Register a request that has begun."""
        with self._lock:
            self._cutters.add(cutter)
        if self._given_up.is_set():
            cutter.cut()

    def leave(self, cutter: Cutter) -> None:
        """Forget a request that has ended."""
        with self._lock:
            self._cutters.discard(cutter)


class Pace:
    """Spaces a system's requests evenly, whichever of its threads and datasets they are for."""

    def __init__(self, per_minute: int | None) -> None:
        """Remember how many a minute; None for as many as come."""
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, deadline: Deadline, where: str) -> None:
        """Wait for this request's turn; raises at once if it comes after the deadline."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            deadline.sleep(turn - now, where, "the source's limits.per_minute")


class Cutter:
    """Shuts down the socket of the request that its thread is making, when time is up."""

    def __init__(self, seconds: float, deadline: Deadline) -> None:
        """Prepare; the clock starts on entering."""
        self.fired = False
        self._deadline = deadline
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self.cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Start the clock; connections of this thread report their socket from now on."""
        _current.cutter = self
        self._deadline.enter(self)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the clock."""
        self._timer.cancel()
        self._deadline.leave(self)
        _current.cutter = None
        self._socket = None

    def watch(self, connection: socket.socket) -> None:
        """Cut this socket when time is up, or now if it is already."""
        self._socket = connection
        if self.fired:
            self.cut()

    def cut(self) -> None:
        """Shut the socket down: a read that waits in another thread ends at once."""
        self.fired = True
        if self._socket is not None:
            # The plain method, not that of an SSL socket: that one drops its TLS state first,
            # under the hands of the thread that is reading.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def watch(connection: socket.socket | None) -> None:
    """Hand a connection's socket to the cutter of this thread, if there is one."""
    cutter: Cutter | None = getattr(_current, "cutter", None)
    if cutter is not None and connection is not None:
        cutter.watch(connection)
