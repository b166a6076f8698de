"""Read a database in a process of its own, which can be killed: a job in, frames of pages out.

Data flow: ``sources.database`` starts ``python -m sources.database_reader`` and writes a
:class:`Job` to its standard input; out come :class:`Frame` lines, each followed by ``size`` bytes
of JSON objects, one a line, as DuckDB wrote them. The last frame has no rows, or an error.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` starts it.

What does not belong here: landing; deciding when to stop.
"""

from __future__ import annotations

import sys
from typing import IO, Any

import msgspec

from hub.errors import HubError, unforeseen
from sources.database_address import parse
from sources.database_sql import Fetch, columns_of, require_session, rows_sql
from sources.deadline import Deadline
from sources.manifest import Window
from sources.scanner import attached
from sources.spec import Limits


class Job(msgspec.Struct, frozen=True):
    """What to read."""

    address: str
    name: str
    """The variable that holds the address, for messages."""
    login: tuple[str, str] | None
    fetch: dict[str, Any]
    limits: dict[str, Any]
    seconds: float
    where: str
    window: Window


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """What comes next: a page, the end, or an error."""

    rows: int = 0
    size: int = 0
    claimed: int = 0
    """Rows that the server counts in all."""
    error: str = ""
    """Class of the error in ``hub.errors``."""
    what: str = ""
    next_step: str = ""


def read(job: Job, out: IO[bytes]) -> None:
    """Read everything, page by page; raises what ``sources.scanner`` raises."""
    options = Fetch.model_validate(job.fetch)
    limits = Limits.model_validate(job.limits)
    address = parse(job.address, job.name, job.login)
    with attached(address, options.tls, limits, Deadline(job.seconds), job.where) as connection:
        connection.execute("BEGIN TRANSACTION READ ONLY")
        require_session(connection, address)
        columns = columns_of(connection, address, options)
        statement = rows_sql(address, options, columns, job.window)
        for page in connection.execute(statement).to_arrow_reader(options.page_size):
            if page.num_rows:
                data = b"\n".join(page.column(0).to_pylist())
                claimed = page.column(1)[0].as_py()
                _send(out, Frame(rows=page.num_rows, size=len(data), claimed=claimed), data)
        connection.execute("COMMIT")


def _send(out: IO[bytes], frame: Frame, data: bytes = b"") -> None:
    """Write a frame."""
    out.write(msgspec.json.encode(frame) + b"\n" + data)
    out.flush()


def _main() -> None:
    """Do the one job that standard input holds."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    out = sys.stdout.buffer
    fault: HubError
    try:
        read(job, out)
    except BrokenPipeError:
        return
    except HubError as error:
        fault = error
    except Exception as error:  # noqa: BLE001 - the other process would see a silent end only
        fault = unforeseen(error)
    else:
        _send(out, Frame())
        return
    _send(out, Frame(error=type(fault).__name__, what=fault.what, next_step=fault.next_step))


if __name__ == "__main__":
    _main()
