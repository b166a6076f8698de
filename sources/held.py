"""Documents marked as state secrets: that they came is noted, the documents themselves are not.

Data flow: a kind finds a :class:`~sources.edoc_marks.Mark` -> :meth:`Held.note` writes a small
record into ``<data>/held/<province>/<system>/<dataset>/``, which only the hub's own account may
read -> :meth:`Held.report` is the one line of the night that names the officer. A record has what
the officer needs to find the document at its sender: message id, sender, level, time, digest. It
never has a word of the document.

A message that was held wrongly is released by the officer setting ``"released": true`` in its
record: the next pull that lists it lands it, if its bytes are the very ones that were judged.
Until a record is released or settled, every night's report reminds of it.

Run it alone: ``cat data/held/*/*/*/*.json``.

What does not belong here: how a mark is recognised (``sources.edoc_marks``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import msgspec

from sources.disk import write_private, writing
from sources.edoc_marks import Mark

FOLDER = "held"
"""Name of the folder beside landing."""
_PRIVATE_FOLDER = 0o700


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a message that was held back."""

    system: str
    dataset: str
    doc_id: str
    sender: str
    """Agency code, as the transport's list gives it."""
    level: str
    marked_in: str
    """Name of the field that says so."""
    sha256: str | None
    """Digest of the bytes; None if the list said enough and they were never fetched."""
    bytes: int | None
    first_seen: str
    """Vietnam time."""
    released: bool = False
    """Set by the officer: it is no secret, or no longer one."""
    settled: bool = False
    """Set by the officer: it was dealt with, and nobody need be reminded."""


class Held:
    """The records of one dataset, and what this pull adds to them."""

    def __init__(self, root: Path, system: str, dataset: str) -> None:
        """Take the folder; it is made when there is something to write."""
        self._root = root
        self._folder = root / system / dataset
        self._identity = (system, dataset)
        self._levels: Counter[str] = Counter()
        self._noted: set[Path] = set()

    def is_released(self, doc_id: str, body: bytes | None) -> bool:
        """Say whether the officer has released this message with these bytes."""
        record = self._read(self._path(doc_id, body))
        return record is not None and record.released

    def note(self, doc_id: str, sender: str, mark: Mark, body: bytes | None, now: str) -> None:
        """Write the record of a message, unless it is there, and count it for the report."""
        path = self._path(doc_id, body)
        known = self._read(path)
        if known is None or not known.settled:
            self._levels[mark.level] += 1
            self._noted.add(path)
        if known is not None:
            return
        system, dataset = self._identity
        record = Record(
            system=system,
            dataset=dataset,
            doc_id=doc_id,
            sender=sender,
            level=mark.level,
            marked_in=mark.place,
            sha256=None if body is None else hashlib.sha256(body).hexdigest(),
            bytes=None if body is None else len(body),
            first_seen=now,
        )
        self._write(path, msgspec.json.format(msgspec.json.encode(record)) + b"\n")

    def report(self, officer: str | None) -> str | None:
        """Return the line for the night's report, None if there is nothing to tell."""
        who = officer or "the officer in charge"
        count, earlier = self._levels.total(), self._unsettled()
        if not count and not earlier:
            return None
        if not count:
            return (
                f"{_messages(earlier, 'was', 'were')} held back earlier as a state secret and not "
                f"settled yet; remind {who}; see {self._folder}"
            )
        levels = ", ".join(f"{level} {number}" for level, number in sorted(self._levels.items()))
        more = f", and {earlier} held back earlier not settled yet" if earlier else ""
        return (
            f"{_messages(count, 'is', 'are')} marked as a state secret ({levels}) and not stored"
            f"{more}; tell {who} at once; what to look for is in {self._folder}"
        )

    def _unsettled(self) -> int:
        """Return how many records of earlier pulls nobody has settled."""
        records = (self._read(path) for path in self._folder.glob("*.json"))
        open_ = sum(one is None or not (one.released or one.settled) for one in records)
        return max(0, open_ - len(self._noted))

    def _path(self, doc_id: str, body: bytes | None) -> Path:
        """Return where the record of a message lies; a changed message has another one."""
        digest = hashlib.sha256(body or b"").hexdigest()
        name = hashlib.sha256(f"{doc_id}\n{digest}".encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"

    @staticmethod
    def _read(path: Path) -> Record | None:
        """Return a record; one that cannot be read releases nothing and is written anew."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=Record)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _write(self, path: Path, data: bytes) -> None:
        """Write a record that nobody else may read, whole or not at all."""
        with writing(path):
            for folder in (self._root, *reversed(self._between()), self._folder):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(_PRIVATE_FOLDER)
            write_private(path, data)

    def _between(self) -> list[Path]:
        """Return the folders between the root and the dataset's own, the innermost first."""
        return [path for path in self._folder.parents if self._root in path.parents]


def _messages(count: int, one: str, many: str) -> str:
    return f"1 message {one}" if count == 1 else f"{count} messages {many}"
