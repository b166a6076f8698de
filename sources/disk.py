"""The few things that landing and its neighbours ask of the disk beyond writing a file.

Data flow: ``sources.landing``, ``sources.held`` and the warehouse call these; nothing comes out but
errors that name the folder.

Run it alone: ``python -c "from sources.disk import is_running; print(is_running('1'))"``

What does not belong here: what a batch is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from hub.errors import ConfigurationError

_PRIVATE = 0o600


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full or forbidden disk into an error that says which folder."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {error.strerror or type(error).__name__}",
            next_step="free space or permit writing there, then run it again",
        ) from None


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's list of names, on the disk: they outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read, whole or not at all; its folder is there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    sync(path.parent)


def is_running(pid: str) -> bool:
    """Say whether a process of that number lives; text that is no number is nobody's."""
    if not (pid.isascii() and pid.isdigit()):
        return False
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
