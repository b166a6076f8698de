"""A table or a query of a database: PostgreSQL or MySQL by DuckDB's scanners, others by ODBC.

Data flow: the address in ``base_url`` (``sources.database_address``) -> a reader in a process of
its own (``sources.database_reader``), which asks one statement (``sources.database_sql``) through
a private DuckDB (``sources.scanner``) -> pages of JSON objects through a pipe -> the batch.

One statement is one consistent read, on PostgreSQL, MySQL and Oracle, and counts its own rows:
those committed meanwhile are neither counted nor sent. (SQL Server does so with
``READ_COMMITTED_SNAPSHOT``; without it a count that does not fit fails the pull. MySQL's scanner
does not keep a transaction across two statements; measured.) A row whose ``since_column`` is NULL
comes with every pull: nobody knows when it changed.

The reader is a process because a database client that waits for a silent server can be stopped
in no other way: MySQL's has no time-outs that its scanner lets one set. It also has none of the
hub's environment, which these clients would look into for users, passwords and files.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``database``.

What does not belong here: connecting, typing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import threading
from typing import IO, NoReturn

import msgspec

from hub.errors import ConfigurationError, HubError, InternalError, ProviderError, TransientError
from sources.context import PullContext
from sources.database_address import Address, parse
from sources.database_reader import Frame, Job
from sources.database_sql import Fetch

__all__ = ["HTTP", "NEEDS_ADDRESS", "Fetch", "land"]

NEEDS_ADDRESS = True
HTTP = False

_GRACE = 2.0
"""Seconds after the deadline in which the server may still say that it stopped the statement."""
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "ODBCSYSINI", "ODBCINI")
_KINDS: dict[str, type[HubError]] = {
    kind.__name__: kind
    for kind in (ConfigurationError, InternalError, ProviderError, TransientError)
}


def land(pull: PullContext[Fetch]) -> None:
    """Land every row of the window; what may pass is tried again, from the beginning.

    A reading that was cut in the middle cannot go on: another statement is another moment.
    """
    base_url = pull.system.base_url
    address = parse(pull.address, base_url.env if base_url else "", pull.login)
    where = f"{pull.name} at {address.url}"
    limits = pull.system.limits
    for attempt in itertools.count(1):
        try:
            _read(pull, address, where)
        except TransientError as error:
            if attempt > limits.retries or not pull.deadline.remaining():
                raise
            wait = min(limits.backoff * 2.0 ** (attempt - 1), limits.max_wait)
            pull.deadline.sleep(wait, where, error.what)
            pull.batch.start_over()
        else:
            return


def _read(pull: PullContext[Fetch], address: Address, where: str) -> None:
    """Land every row, by one reader."""
    job = Job(
        address=pull.address,
        name=address.name,
        login=pull.login,
        fetch=pull.fetch.model_dump(mode="json"),
        limits=pull.system.limits.model_dump(mode="json"),
        seconds=pull.deadline.remaining(),
        where=where,
        window=pull.window,
    )
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    with subprocess.Popen(
        [sys.executable, "-m", "sources.database_reader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**environment, "HOME": "/nonexistent"},
    ) as reader:
        watch = threading.Timer(pull.deadline.remaining() + _GRACE, reader.kill)
        watch.daemon = True
        watch.start()
        try:
            _hand_over(reader, job)
            _land_frames(pull, reader.stdout, address.url, where)
        finally:
            watch.cancel()
            reader.kill()


def _hand_over(reader: subprocess.Popen[bytes], job: Job) -> None:
    """Give the reader its job; the address goes by a pipe, where no list of processes shows it."""
    if reader.stdin is not None:
        # A reader that is already gone is noticed by what it does not send.
        with contextlib.suppress(BrokenPipeError), reader.stdin as pipe:
            pipe.write(msgspec.json.encode(job))


def _land_frames(pull: PullContext[Fetch], pipe: IO[bytes] | None, url: str, where: str) -> None:
    """Land what comes until the reader says that it is done, and compare with the count."""
    claimed = done = 0
    while True:
        head = pipe.readline() if pipe is not None else b""
        if not head.endswith(b"\n"):
            _ended(pull, where)
        frame = msgspec.json.decode(head, type=Frame)
        if frame.error:
            pull.deadline.check(where, "the statement was stopped")
            raise _KINDS.get(frame.error, ProviderError)(
                frame.what, where=where, next_step=frame.next_step
            )
        if not frame.rows:
            pull.batch.claim(claimed)
            return
        data = pipe.read(frame.size) if pipe is not None else b""
        if len(data) < frame.size:
            _ended(pull, where)
        pull.deadline.check(where)
        pull.batch.page(data.split(b"\n"), url=url)
        claimed, done = frame.claimed, done + frame.rows
        pull.progress(done, claimed)


def _ended(pull: PullContext[Fetch], where: str) -> NoReturn:
    """Raise for a reader that is gone before it was done: killed at the deadline, or by others."""
    pull.deadline.check(where, "the database went silent")
    raise TransientError(
        "the process that reads the database ended before it was done",
        where=where,
        next_step="run it again; does the database hang up, or is the machine out of memory?",
    )
