"""The journal of a pull: what the source answered so far, so that a pull that died goes on.

Data flow: :meth:`Journal.begin` finds what an earlier pull of the very same thing left; the kind
then asks as if nothing had been asked, and :meth:`Journal.answer` answers from the file what was
answered before, from the source what was not, and writes that down. A kind therefore need not
know that it goes on: for it the pull only took longer, and whatever holds for a list that moves
while it is read (``sources.overlap``, ``sources.paging``) holds here. A journal ends with its
pull: sealed, it is removed; cut off, it stays for the next one (``Journal.__exit__``).

One file (``sources.journal_file``), ``.journal-<pid>`` while its pull runs and ``.journal`` after.
It holds what landing holds, so it lies there, for its owner only. The first answer waits in memory
for the second: most pulls are one request, and write nothing.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT``, stop it midway and run it again.

What does not belong here: retries within a pull (``sources.client``), and what a batch is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar
from weakref import WeakSet

import msgspec

from hub.errors import ConfigurationError, HubError, TransientError
from sources.client import Call
from sources.disk import is_running, writing
from sources.journal_file import UNREADABLE, Entry, Head, answer_of, entries, entry_of, key_of, told
from sources.transport import Answer

T = TypeVar("T")

_NAME = ".journal"


class NotKeptError(Exception):
    """No earlier pull had this answer."""


class Journal:
    """The answers of one pull, kept until it is sealed."""

    def __init__(
        self, folder: Path, subject: str, began: datetime, secret: Callable[[bytes], bool]
    ) -> None:
        """Begin with no answer; use :meth:`begin`."""
        self.began = began
        """When the pull began, or the one that it goes on with; Vietnam time."""
        self.resumed = 0
        """Answers taken from an earlier pull."""
        self._folder = folder
        self._path = folder / f"{_NAME}-{os.getpid()}"
        self._subject = subject
        self._secret = secret
        self._known: dict[str, deque[tuple[Entry, int]]] = defaultdict(deque)
        self._file: BinaryIO | None = None
        self._first: tuple[str, Answer] | None = None
        self._written = 0
        self._only = False
        self._same: Callable[[Any, Any], bool] | None = None
        self._joint: tuple[Callable[..., Any], Callable[[Answer], Any], object] | None = None
        """The last kept answer: how to ask for it, how to read it, and what was read."""
        self._lock = threading.Lock()
        self._refusals: WeakSet[HubError] = WeakSet()
        """What ended requests that the source did not answer well."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Close; the answers stay for the next pull if the source or a person cut this one off."""
        kept = error is not None and (self._is_refusal(error) or not isinstance(error, Exception))
        if self._file is not None:
            self._file.close()
            self._file = None
        with contextlib.suppress(FileNotFoundError):
            if kept:
                self._path.replace(self._folder / _NAME)
            else:
                self._path.unlink()

    @classmethod
    def begin(
        cls,
        folder: Path,
        subject: list[object],
        now: datetime,
        *,
        hours: float,
        secret: Callable[[bytes], bool] = lambda _: False,
    ) -> Self:
        """Return the journal of a pull; it knows what an earlier one left, if that fits.

        Args:
            folder: The dataset's folder in landing.
            subject: What is pulled and from where; anything else begins anew.
            now: Vietnam time.
            hours: Older journals are not gone on with; 0: none is.
            secret: Whether an answer holds one; such an answer is not kept.
        """
        digest = hashlib.sha256(msgspec.json.encode(subject)).hexdigest()
        journal = cls(folder, digest, now, secret)
        for found in _left(folder):
            # Two pulls may find the same one: whoever renames it first has it.
            try:
                found.rename(journal._path)
            except FileNotFoundError:
                continue
            if hours and journal._read(now - timedelta(hours=hours)):
                break
            journal._path.unlink()
        return journal

    def join(self, same: Callable[[Any, Any], bool]) -> None:
        """Ask for the last kept answer again before the first new one: they must be the same.

        For lists whose pages are joined by nothing but the places of rows. Rows that came or
        went before that page would have moved it. One that came while another went would not;
        where the cursor is a time, the next pull asks for it, since a cursor never passes the
        moment at which its pull began.

        Args:
            same: Whether what was read in two answers to one call is the same.
        """
        self._same = same

    def answer(
        self,
        call: Call,
        ask: Callable[[Callable[[Answer], T]], T],
        parse: Callable[[Answer], T],
        keep: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Return what ``parse`` reads in the answer to a call: kept, or else asked for.

        Args:
            call: What is asked.
            ask: Asks the source.
            parse: Reads the answer.
            keep: Whether what was read may lie on the disk.
        """
        key = key_of(call)
        kept = self._kept(key)
        if kept is not None:
            parsed = parse(kept)
            if self._same is not None:
                self._joint = ask, parse, parsed
            return parsed
        if self._only:
            raise NotKeptError

        def read(answer: Answer) -> T:
            parsed = parse(answer)  # what cannot be read is not kept
            if keep(parsed):
                self._keep(key, answer)
            return parsed

        with self._lock:
            joint, self._joint = self._joint, None
        if joint is not None:
            self._require_same(*joint, call.where)
        return self.anew(ask, read)

    def anew(self, ask: Callable[[Callable[[Answer], T]], T], parse: Callable[[Answer], T]) -> T:
        """Ask the source whatever is kept, and keep nothing of it; note if it does not answer."""
        try:
            return ask(parse)
        except HubError as error:
            self._refusals.add(error)
            raise

    def _require_same(
        self,
        ask: Callable[..., Any],
        parse: Callable[[Answer], Any],
        before: object,
        where: str,
    ) -> None:
        """Raise if the last kept answer is another by now."""
        if self._same is not None and not self._same(self.anew(ask, parse), before):
            raise TransientError(
                "the list moved since the pull that was cut off",
                where=where,
                next_step="run it again",
            )

    def begin_anew(self, error: HubError, now: datetime) -> bool:
        """Say whether a pull that failed is worth another try from the start; forget all if so.

        What was kept must never fail a pull that would do well without it. The source may no
        longer know the mark that the kept pages lead to, or its list may have moved so that old
        and new pages do not fit. A source that does not answer, or not to these credentials, is
        no such case.
        """
        cut_off = isinstance(error, TransientError | ConfigurationError)
        if not self.resumed or (cut_off and self._is_refusal(error)):
            return False
        self.forget()
        self.began = now
        return True

    def forget(self) -> None:
        """Drop all answers: the list is read anew."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file, self._first, self.resumed, self._written = None, None, 0, 0
            self._known.clear()
            self._joint = None
            self._path.unlink(missing_ok=True)

    def note(self, error: HubError) -> HubError:
        """Return an error that ends the pull, with a word on what is kept for the next one."""
        kept = self.resumed + self._written
        if kept and self._is_refusal(error):
            word = f"the {kept} answers so far are kept: the next pull, or hub retry, goes on"
            error.next_step = "; ".join(filter(None, (error.next_step, word)))
        return error

    @contextlib.contextmanager
    def only_kept(self) -> Iterator[None]:
        """Have every call raise :class:`NotKeptError` whose answer is not kept."""
        self._only = True
        try:
            yield
        finally:
            self._only = False

    def drop_rest(self) -> None:
        """Use no further answer of an earlier pull."""
        with self._lock:
            self._known.clear()

    def _is_refusal(self, error: BaseException) -> bool:
        """Say whether the source's failure to answer is what a pull ended with."""
        return error in self._refusals or error.__context__ in self._refusals

    def _read(self, oldest: datetime) -> bool:
        """Index the file under our name; False if it is another's, too old or none at all."""
        file = self._path.open("r+b")
        try:
            head = msgspec.json.decode(file.readline(), type=Head)
        except UNREADABLE:
            head = None
        if head is None or head.subject != self._subject or head.began < oldest:
            file.close()
            return False
        self.began = head.began
        end = file.tell()
        for entry, begin in entries(file):
            self._known[entry.call].append((entry, begin))
            end = begin + entry.size
        file.seek(end)
        file.truncate()
        self._file = file
        return True

    def _kept(self, key: str) -> Answer | None:
        """Return the next kept answer to a call, if there is one that is whole."""
        with self._lock:
            known = self._known.get(key)
            if not known or self._file is None:
                return None
            entry, begin = known.popleft()
            answer = answer_of(entry, os.pread(self._file.fileno(), entry.size, begin))
            self.resumed += answer is not None
            return answer

    def _keep(self, key: str, answer: Answer) -> None:
        """Write an answer down; the very first one only once there is a second."""
        if self._secret(answer.body) or self._secret(msgspec.json.encode(told(answer))):
            return
        with self._lock:
            if self._file is None and self._first is None:
                self._first = key, answer
                return
        data = entry_of(key, answer)
        with self._lock, writing(self._path):
            if self._file is None:
                self._file = self._new()
            if self._first is not None:
                self._file.write(entry_of(*self._first))
                self._first, self._written = None, self._written + 1
            self._file.write(data)
            self._written += 1
            self._file.flush()

    def _new(self) -> BinaryIO:
        """Begin the file."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        file = os.fdopen(handle, "r+b")
        file.write(msgspec.json.encode(Head(self._subject, self.began)) + b"\n")
        return file


def _left(folder: Path) -> list[Path]:
    """Return what pulls that are over left, the newest first."""
    found = [
        path
        for path in folder.glob(f"{_NAME}*")
        if (pid := path.name.removeprefix(_NAME).lstrip("-")) in {"", str(os.getpid())}
        or not is_running(pid)
    ]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
