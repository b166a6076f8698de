"""One sync of a system at a time, and one publishing: a file lock for each, which a crash releases.

Data flow: settings and a system's name -> a lock to hold round pulling and loading.

Run it alone: two ``hub sync`` of one system; the second waits for the first.

What does not belong here: the lock round a commit (``warehouse.lake``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from filelock import FileLock, Timeout

from hub.errors import TransientError
from hub.settings import Settings


def system_lock(settings: Settings, system: str) -> AbstractContextManager[object]:
    """Return the lock that keeps two syncs of one system apart; a crash releases it."""
    settings.locks.mkdir(parents=True, exist_ok=True)
    name = system.replace("/", "__") + ".lock"
    lock = FileLock(settings.locks / name, timeout=settings.lock_timeout, thread_local=False)
    return _Waiting(lock, system, "another sync of this system is still running")


def publish_lock(settings: Settings) -> AbstractContextManager[object]:
    """Return the lock of whoever changes the published folder; a crash releases it."""
    settings.locks.mkdir(parents=True, exist_ok=True)
    name = settings.locks / "publish.lock"
    lock = FileLock(name, timeout=settings.lock_timeout, thread_local=False)
    return _Waiting(lock, str(settings.publish), "the published files are being made elsewhere")


class _Waiting:
    """A file lock whose time-out is an error of ours."""

    def __init__(self, lock: FileLock, where: str, why: str) -> None:
        self.lock, self.where, self.why = lock, where, why

    def __enter__(self) -> object:
        try:
            return self.lock.acquire()
        except Timeout as error:
            raise TransientError(
                self.why,
                where=self.where,
                next_step="wait for it, or raise HUB_LOCK_TIMEOUT",
            ) from error

    def __exit__(self, *_: object) -> None:
        self.lock.release()
