"""What a kind module is given to do its work: definition, window, client, batch.

Data flow: ``sources.pull`` builds one :class:`PullContext` per pull and calls the kind's
``land`` with it; ``land`` asks through :meth:`PullContext.ask`, in several threads through
:meth:`PullContext.each`, and hands what comes to ``batch``.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT``.

What does not belong here: knowing any kind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from hub.errors import ConfigurationError
from sources.client import JSON, Call, Client
from sources.deadline import Deadline
from sources.journal import Journal
from sources.landing import BatchWriter, LandedBatch, Window
from sources.spec import DatasetSpec, Strict, SystemSpec
from sources.transport import Answer

F = TypeVar("F", bound=Strict)
T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item

Progress = Callable[[int, int | None], None]
Warn = Callable[[str], None]
"""Takes a sentence that somebody must read although the pull went well."""


def unheard(_sentence: str) -> None:
    """Drop a warning: for callers whose pulls have none."""


@dataclass(frozen=True)
class PullContext(Generic[F]):
    """One pull of one dataset."""

    system: SystemSpec
    dataset: DatasetSpec
    fetch: F
    """The dataset's options, as the kind's ``Fetch`` model."""
    window: Window
    now: datetime
    """When the pull began, Vietnam time without zone, as all business times are.

    For a pull that goes on: when the first of them began.
    """
    batch: BatchWriter
    deadline: Deadline
    progress: Progress
    connection: Client | None
    journal: Journal
    folders: Mapping[str, str] = field(default_factory=dict)
    """Variable -> folder on this machine, for the datasets that read one."""
    previous: LandedBatch | None = None
    """The last committed batch, if landing still has it."""
    address: str = field(default="", repr=False)
    """For kinds that talk no HTTP: what ``base_url`` stands for, password included."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    """For kinds that talk no HTTP: user and password, if they have variables of their own."""
    warn: Warn = unheard
    beside: Callable[[str], Path] = Path
    """Returns a folder next to landing, by name: for what must not lie in a batch."""

    @property
    def name(self) -> str:
        """``<province>/<system>/<dataset>``, for messages."""
        return f"{self.system.name}/{self.dataset.name}"

    @property
    def client(self) -> Client:
        """The system's client; a system without an address has none."""
        if self.connection is None:
            raise ConfigurationError("the definition has no base_url", where=self.system.name)
        return self.connection

    def ask(
        self,
        path: str,
        parse: Callable[[Answer], T],
        *,
        what: str,
        params: Mapping[str, str] | None = None,
        accept: str = JSON,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        now: bool = False,
        keep: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Ask the source and return what ``parse`` reads.

        Args:
            path: Below the system's address, or a whole URL of an allowed host.
            parse: Reads the answer.
            what: Names the page in errors.
            params: Of the query.
            accept: What is wanted.
            headers: More of them.
            body: Makes it a POST, which the client may send more than once: only for what a
                source does not mind being told twice.
            now: What the source does or says at this moment matters: no earlier pull's answer
                will do, and this one is not kept for a later.
            keep: Whether what was read may be kept for a pull that goes on.
        """
        call = Call(
            path,
            f"{self.name} {what}",
            params=params or {},
            method="GET" if body is None else "POST",
            accept=accept,
            headers=headers or {},
            body=body,
        )
        return self.request(call, parse, now=now, keep=keep)

    def request(
        self,
        call: Call,
        parse: Callable[[Answer], T],
        *,
        now: bool = False,
        keep: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Send a call of any method, as :meth:`ask` does.

        A pull that goes on is answered from its journal; what a call is to *do* needs ``now``.
        """

        def ask(read: Callable[[Answer], T]) -> T:
            return self.client.fetch(call, self.deadline, read)

        if now:
            return self.journal.anew(ask, parse)
        return self.journal.answer(call, ask, parse, keep)

    def start_over(self) -> None:
        """Forget what came so far: the source makes the kind read its list anew."""
        self.batch.start_over()
        self.journal.forget()

    def quote(self, sentence: str) -> str:
        """Return a source's own words, fit for an error message."""
        return self.client.redactor.quote(sentence)

    def each(self, ask: Callable[[I], T], items: Iterable[I], keep: Callable[[T], None]) -> None:
        """Ask for every item in the system's number of threads; keep the answers in order.

        Only a few answers are ever held. If one fails, those under way are cut off.
        """
        threads = self.system.limits.threads
        waiting: deque[Future[T]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for item in items:
                    waiting.append(pool.submit(ask, item))
                    if len(waiting) > threads:
                        keep(waiting.popleft().result())
                while waiting:
                    keep(waiting.popleft().result())
            except BaseException:
                self.deadline.give_up()
                for future in waiting:
                    future.cancel()
                raise
