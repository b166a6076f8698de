"""The kit: what every kind of source must make of every fault, and how that is judged.

Data flow: a :class:`Subject` (a kind: its real server, its YAML, its truth) behind a
``fault_proxy`` -> :class:`Kit` breaks one request, by its place in the pull, and pulls -> the
verdict. There are two good ends, and nothing between them. Either the batch equals the source row
by row; or there is one typed error, whose one line says what, where, whose fault and what next,
and nothing was sealed and no partial folder is left. In both the time is bounded, and the secret
that every subject is given stands in no error, log, manifest or landed file.

:data:`CASES` says for each fault which of both it must be, and how often the request may be sent;
a subject's ``expects`` says where its kind differs and why.

What does not belong here: the subjects (``kit_subjects``), the faults (``wire_faults``).
"""

from __future__ import annotations

import json
import re
import shutil
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import yaml
import zstandard

from hub.errors import ConfigurationError, HubError, InternalError, ProviderError, TransientError
from sources.kinds import check_spec
from sources.landing import LandedBatch, Landing, Position
from sources.pull import pull
from sources.spec import SystemSpec
from tests.sources import wire_faults as wire
from tests.sources.fault_proxy import Fault, FaultProxy

SECRET = "bi-mat-cua-cong-7"
RETRIES = 2
LIMITS: dict[str, Any] = {
    "backoff": 0.001, "max_wait": 0.01, "retries": RETRIES, "read_timeout": 5, "page_deadline": 8,
    "dataset_deadline": 20, "threads": 2, "max_body": 1 << 20,
}  # fmt: skip
SLACK = 5.0
"""Seconds that a pull may take beyond its deadline on a busy machine."""
Rows = list[Any]
Ended = LandedBatch | HubError
"""How a pull ends."""
COMMON = """
name: tinh/kit
title: Nguồn thử
owner: team:trung_tam
base_url: {env: KIT_URL}
auth: {kind: bearer, token: {env: KIT_TOKEN}}
"""
DATASET = {"name": "thu", "title": "Thử", "contract": "thu", "columns": {"ma": "ma"}}


@dataclass(frozen=True)
class Expected:
    """What must become of a fault.

    ``retried``: one fault is survived by asking again; one that lasts is an error after so many
    attempts. ``refused``: an error at once. ``either``: whole, or an error; ``why`` says why
    it cannot be said better. ``unseen``: this kind cannot notice it; ``why`` says why.
    """

    outcome: Literal["retried", "refused", "either", "unseen"]
    error: type[HubError] = HubError
    words: str = ""
    why: str = ""


@dataclass(frozen=True)
class Case:
    """A fault and what is expected of a kind that reads JSON."""

    fault: Fault
    expected: Expected
    limits: dict[str, Any] = field(default_factory=dict)
    later_only: bool = False
    """Whether it makes sense only behind the first page."""
    slow: bool = False
    """Whether each try costs its time-out. Then it is tried at the first request only, so that no
    sound answer has to come within that time."""


def passing(words: str, error: type[HubError] = TransientError) -> Expected:
    return Expected("retried", error, words)


def refused(words: str, error: type[HubError] = ProviderError) -> Expected:
    return Expected("refused", error, words)


_BUSY = {"max_wait": 0.02}
_CUT = passing("was cut|connection .* broke")
_HALF = passing("not whole JSON|in the middle", ProviderError)
CASES: dict[str, Case] = {
    "closed at once": Case(wire.closed, passing("connection .* broke")),
    "no http": Case(wire.no_http, passing("connection .* broke")),
    "head cut": Case(wire.cut_head, Expected("either", why="a cut head may hold all that counts")),
    "body cut": Case(wire.cut_body, _CUT),
    "length too long": Case(wire.announced_longer, _CUT),
    "length too short": Case(wire.announced_shorter, _HALF),
    "half, well announced": Case(wire.half, _HALF),
    "empty 200": Case(wire.empty, passing("empty answer instead of", ProviderError)),
    "chunks cut": Case(wire.cut_chunks, _CUT),
    "gzip cut": Case(wire.cut_gzip, passing("compressed answer is damaged or cut")),
    "408": Case(wire.status(408), passing("HTTP 408")),
    "425": Case(wire.status(425), passing("HTTP 425")),
    "429 in seconds": Case(
        wire.status(429, wire.retry_after(60)), passing("HTTP 429"), limits=_BUSY
    ),
    "429 until a date": Case(
        wire.status(429, wire.retry_after(60, as_date=True)), passing("HTTP 429"), limits=_BUSY
    ),
    "500": Case(wire.status(500), passing("HTTP 500")),
    "502": Case(wire.status(502), passing("HTTP 502")),
    "503": Case(wire.status(503, wire.retry_after(30)), passing("HTTP 503"), limits=_BUSY),
    "504": Case(wire.status(504), passing("HTTP 504")),
    "drip": Case(wire.dripping, passing("page deadline of 0.2 s passed"),
                 limits={"page_deadline": 0.2, "retries": 1}, slow=True),
    "stall": Case(wire.stalled, passing("no answer .* within 0.2 s"),
                  limits={"read_timeout": 0.2, "retries": 1}, slow=True),
    "header flood": Case(wire.header_flood, passing("connection .* broke")),
    "401": Case(wire.status(401), refused("credentials are refused", ConfigurationError)),
    "403": Case(wire.status(403), refused("HTTP 403")),
    "404": Case(wire.status(404), refused("HTTP 404")),
    "login page": Case(wire.login_page, refused("HTML page")),
    "refusal in a 200": Case(wire.refusal, refused("")),
    "bad UTF-8": Case(wire.bad_utf8, refused("UTF-8")),
    "redirect loop": Case(wire.loop, Expected("either", ProviderError, "redirects|HTTP 302")),
    "redirect elsewhere": Case(wire.elsewhere, refused("another host|HTTP 307")),
    "gzip bomb": Case(wire.bomb, refused("larger than 1048576 bytes")),
    "endless chunks": Case(wire.endless, refused("larger than 1048576 bytes")),
    "coding not asked for": Case(wire.coding_not_asked_for, refused("content coding")),
    "earlier page": Case(wire.earlier, refused(""), later_only=True),
    "garbage headers": Case(
        wire.garbage_headers, Expected("either", why="readers of HTTP differ in what they forgive")
    ),
    "two lengths": Case(wire.two_lengths, Expected("either", why="either length may be believed")),
}  # fmt: skip


@dataclass
class Running:
    """A subject's server, running."""

    url: str
    truth: Callable[[], Rows]
    """The source's own rows, in the order in which they are landed."""
    insert: Callable[[], None] | None = None
    """Put a row in front of all others, or where new ones come."""
    remove: Callable[[], None] | None = None
    """Take the first row away."""
    reset: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Subject:
    """A kind of source, as the kit tries it."""

    name: str
    definition: str
    """YAML of the system's own part: what is common to all is :data:`COMMON`."""
    serve: Callable[[Path], AbstractContextManager[Running]]
    truth: Callable[[Rows], Rows] = list
    """What of the source's rows this subject reads."""
    seen: Callable[[Rows], Rows] = list
    """What of the landed rows is compared: a list of files has the server's own ETags too."""
    authorization: str = ""
    """What the real server wants instead of the token."""
    window: tuple[datetime | None, datetime | None] = (None, None)
    expects: dict[str, Expected] = field(default_factory=dict)
    only: frozenset[str] = frozenset(CASES)
    """Faults that are worth trying; paging kinds of one transport need not try all of them."""


_PLACES: dict[str, dict[int, int]] = {}
"""Requests of a subject's pull, and how often each is sent: the same in every test."""


@dataclass
class Kit:
    """One subject behind its proxy, pulled into a folder of the test's own."""

    subject: Subject
    running: Running
    proxy: FaultProxy
    root: Path
    more: dict[str, Any] = field(default_factory=dict)
    """Keys of the system's definition in place of the common ones."""
    environment: dict[str, str] = field(default_factory=dict)

    def system(self, limits: dict[str, Any]) -> SystemSpec:
        own = yaml.safe_load(self.subject.definition)
        document = yaml.safe_load(COMMON) | {"kind": own["kind"], "limits": {**LIMITS, **limits}}
        document["datasets"] = [{**DATASET, "fetch": own.pop("fetch")}]
        document |= own
        return SystemSpec.model_validate({**document, **self.more})

    def pull(self, limits: dict[str, Any] | None = None, position: Position | None = None) -> Ended:
        """Pull; returns batch or error. Fails the test if it took too long."""
        system = self.system(limits or {})
        check_spec(system)
        since, until = (None, None) if position else self.subject.window
        began = time.monotonic()
        try:
            return pull(
                system, system.datasets[0], position=position or Position(),
                landing=Landing(self.root), since=since, until=until,
                environment={"KIT_URL": self.proxy.url, "KIT_TOKEN": SECRET, **self.environment},
            )  # fmt: skip
        except HubError as error:
            return error
        finally:
            assert time.monotonic() - began < system.limits.dataset_deadline + SLACK

    def clear(self) -> None:
        """Forget what was landed and what was asked."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.proxy.reset()

    def broken(self, case: Case, place: int, times: int | None = None) -> Ended:
        """Pull anew with one request broken; returns batch or error."""
        self.clear()
        self.proxy.break_at(place, case.fault, times)
        return self.pull(case.limits)

    def places(self) -> list[int]:
        """Return first, middle and last place of a pull without faults, which must be whole."""
        last = len(self.sent())
        return sorted({1, last // 2 + 1, last})

    def sent(self) -> dict[int, int]:
        """Return the places of a pull without faults, and how often each request is sent then."""
        if self.subject.name not in _PLACES:
            self.clear()
            self.require_whole(self.pull())
            all_ = range(1, self.proxy.places + 1)
            _PLACES[self.subject.name] = {place: self.proxy.count(place) for place in all_}
        return _PLACES[self.subject.name]

    def require_whole(self, batch: Ended) -> None:
        """Fail unless the batch equals the source."""
        assert isinstance(batch, LandedBatch), str(batch)
        assert self.subject.seen(landed(batch)) == self.subject.truth(self.running.truth())
        for path in self.root.rglob("*"):
            if path.is_file():
                self.require_no_secret(path.read_bytes().decode("utf-8", "replace"))

    def require_error(self, error: Ended, expected: Expected) -> None:
        """Fail unless it is one good line of the right class, and nothing is left."""
        assert isinstance(error, HubError), repr(error)
        assert isinstance(error, expected.error), repr(error)
        assert not isinstance(error, InternalError)
        line = str(error)
        assert "\n" not in line
        assert line.startswith("tinh/kit/"), line
        assert f"[{error.whose}] -> " in line, f"no next step: {line}"
        assert error.next_step
        assert re.search(expected.words, error.what), line
        self.require_no_secret(line, repr(error.args), *traceback.format_exception(error))
        left = [path for path in self.root.rglob("*") if path.is_file()]
        assert {path.name for path in left} <= {".journal"}
        for path in left:  # the answers that a next pull goes on with
            self.require_no_secret(*texts_of(path.read_bytes()))
        assert list(self.root.rglob(".partial-*")) == []

    @staticmethod
    def require_no_secret(*texts: str) -> None:
        for text in texts:
            assert SECRET not in text
            assert "bi-mat-cua-cong" not in text


def texts_of(journal: bytes) -> list[str]:
    """Return the lines and the bodies of a journal."""
    head, rest = journal.split(b"\n", 1)
    found = [head]
    while rest:
        about, rest = rest.split(b"\n", 1)
        size = json.loads(about)["size"]
        found += [about, zstandard.ZstdDecompressor().decompress(rest[:size])]
        rest = rest[size:]
    return [data.decode("utf-8", "replace") for data in found]


def landed(batch: LandedBatch) -> Rows:
    """Return the rows of a batch, or the files of one that holds files: place and bytes."""
    rows: Rows = []
    for file in batch.manifest.files:
        data = (batch.path / file.name).read_bytes()
        if file.media == "ndjson" and file.name.startswith("pages/"):
            rows += [json.loads(line) for line in data.splitlines()]
        else:
            place = file.note.get("path") or file.note.get("docId")
            rows.append((place or unquote(str(file.url)).rpartition("/")[2], data))
    return rows
