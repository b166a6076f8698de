"""Landing: a pull's bytes on disk, as the source sent them, visible by one rename.

Data flow: a kind module hands pages of records (JSON, each record's own bytes) or whole files to
a :class:`BatchWriter`; it writes them under ``<root>/<system>/<dataset>/.partial-<pid>/`` and
:meth:`BatchWriter.seal` fsyncs everything, writes ``manifest.json`` and renames the folder to
``<root>/<system>/<dataset>/<batch>/``. A batch is immutable from then on: it can be loaded
again without asking the portal.

The batch's name is a digest of what it holds and of what came before it (previous batch and
cursor). The same pull repeated after a crash therefore has the same name, and the same content
arriving again on a later night has another: that is what makes commits idempotent.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` lands a dataset below ROOT and prints
its manifest.

What does not belong here: HTTP, decoding records, and the cursor after the batch: that is known
only when the rows are typed, so ``warehouse`` decides it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from hub.errors import InternalError, ProviderError
from sources.disk import is_running, sync, writing
from sources.manifest import LandedBatch, LandedFile, Manifest, Media, Position, Window
from sources.ndjson import Lines

__all__ = [
    "BatchWriter",
    "LandedBatch",
    "LandedFile",
    "Landing",
    "Manifest",
    "Media",
    "Position",
    "Window",
]

MANIFEST = "manifest.json"
_PARTIAL = ".partial-"
_ID_LENGTH = 20


class EnoughError(Exception):
    """A batch that is only a sample is full; ``sources.pull`` ends the pull there."""


class Landing:
    """The folder below which every batch lies."""

    def __init__(self, root: Path) -> None:
        """Remember the folder; it is made when the first batch is opened."""
        self.root = root

    def beside(self, name: str) -> Path:
        """Return a folder next to landing, for what must not lie in it."""
        return self.root.absolute().parent / name

    def open(self, system: str, dataset: str, position: Position, window: Window) -> BatchWriter:
        """Return a writer for a new batch; what dead processes left half-written is removed."""
        folder = self.root / system / dataset
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(f"{_PARTIAL}*"):
                pid = leftover.name.removeprefix(_PARTIAL)
                if pid == str(os.getpid()) or not is_running(pid):
                    shutil.rmtree(leftover)
        return BatchWriter(folder, system, dataset, position, window)

    def find(self, system: str, dataset: str, batch: str | None) -> LandedBatch | None:
        """Return a batch by name, or None if it is not there, or not as it was sealed."""
        path = self.root / system / dataset / (batch or "")
        if batch is None or not path.is_dir():
            return None
        try:
            return self.load(path)
        except InternalError:
            return None  # whoever loads this very batch is told; a pull fetches it anew

    @staticmethod
    def load(path: Path) -> LandedBatch:
        """Read a batch folder back; raises ``InternalError`` if it is not what was sealed."""
        try:
            manifest = msgspec.json.decode((path / MANIFEST).read_bytes(), type=Manifest)
            sizes = [(file, (path / file.name).stat().st_size) for file in manifest.files]
        except (OSError, msgspec.MsgspecError) as error:
            raise _damaged(path, str(error)) from None
        for file, size in sizes:
            if size != file.bytes:
                raise _damaged(path, f"{file.name} has {size} bytes instead of {file.bytes}")
        return LandedBatch(path, manifest)


class BatchWriter:
    """Writes one batch. Pages and files are given by one thread, in the source's order."""

    def __init__(
        self, folder: Path, system: str, dataset: str, position: Position, window: Window
    ) -> None:
        """Make the partial folder."""
        self.folder = folder
        """The dataset's folder, where the batch will lie."""
        self._partial = folder / f"{_PARTIAL}{os.getpid()}"
        self._identity = (system, dataset)
        self._position = position
        self._window = window
        self._files: list[LandedFile] = []
        self._writer = ThreadPoolExecutor(1, "landing")
        self._pending: Future[None] | None = None
        """The file that is being written; never more than one, so that memory stays bounded."""
        self._pages: dict[str, str] = {}
        self._content = hashlib.sha256()
        self._claimed: int | None = None
        self._held = 0
        self.started = datetime.now(UTC)
        self._taken: str | None = None
        self.sample: int | None = None
        """Rows, or files whose rows are unknown, after which :class:`EnoughError` ends the pull."""
        with writing(self._partial):
            self._partial.mkdir()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not sealed."""
        self._writer.shutdown()
        shutil.rmtree(self._partial, ignore_errors=True)

    @property
    def rows(self) -> int | None:
        """Records landed so far; None if a file's rows are unknown."""
        counts = [file.rows for file in self._files]
        return None if None in counts else sum(filter(None, counts))

    def claim(self, total: int) -> None:
        """Note how many records the source says there are; :meth:`seal` compares."""
        self._claimed = total

    def hold(self) -> None:
        """Count a record that came and must not be landed."""
        self._held += 1

    def page(
        self,
        records: Sequence[msgspec.Raw | bytes] | Lines,
        *,
        url: str,
        status: int | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> None:
        """Write a page of JSON objects, one a line, as the source wrote them.

        Whoever reads pages in threads makes the :class:`Lines` there.

        A page that is byte for byte an earlier one raises: a source that ignores the page
        number would otherwise be read for ever. An empty page leaves no file.
        """
        page = records if isinstance(records, Lines) else Lines.of(records)
        if not page.rows:
            return
        name = f"pages/{len(self._files):05}.ndjson"
        earlier = self._pages.setdefault(page.sha256, name)
        if earlier != name:
            raise ProviderError(
                f"the source repeats itself: {name} would equal {earlier} byte for byte",
                next_step="check the paging options; the source seems to ignore the page asked for",
            )
        self._keep(
            page.data,
            page.data,
            LandedFile(
                name=name,
                media="ndjson",
                bytes=len(page.data),
                sha256=page.sha256,
                rows=page.rows,
                url=url,
                status=status,
                etag=etag,
                last_modified=last_modified,
            ),
        )

    def file(
        self,
        data: bytes,
        *,
        suffix: str,
        media: Media,
        url: str,
        status: int | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        rows: int | None = None,
        note: dict[str, str] | None = None,
    ) -> None:
        """Write a whole file of another format, with the facts its table needs."""
        landed = LandedFile(
            name=f"files/{len(self._files):05}{suffix}",
            media=media,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            rows=rows,
            url=url,
            status=status,
            etag=etag,
            last_modified=last_modified,
            note=note or {},
        )
        self._keep(data, _facts(landed), landed)

    def again(self, batch: LandedBatch, file: LandedFile) -> None:
        """Take over a file of an earlier batch, which the source says has not changed."""
        landed = msgspec.structs.replace(
            file, name=f"files/{len(self._files):05}{Path(file.name).suffix}"
        )
        path = self._partial / landed.name
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            os.link(batch.path / file.name, path)
        self._finish_writing()
        self._content.update(_facts(landed))
        self._files.append(landed)

    def leave_the_rest(self) -> None:
        """Note that the source names only some of what it has: nothing else has vanished."""
        self._window = msgspec.structs.replace(self._window, partial=True)

    def take_over(self, batch: LandedBatch) -> None:
        """Take over all files of another dataset's batch of the same answers: linked, not copied.

        Nothing else may be landed beside them.
        """
        for file in batch.manifest.files:
            path = self._partial / file.name
            with writing(path):
                path.parent.mkdir(exist_ok=True)
                os.link(batch.path / file.name, path)
        self._files = list(batch.manifest.files)
        self._claimed = batch.manifest.claimed
        self._taken = batch.manifest.content_sha256
        self.started = datetime.fromisoformat(batch.manifest.started_at)

    def start_over(self) -> None:
        """Forget what was landed so far: the source made the kind read its list anew."""
        self._finish_writing()
        for landed in self._files:
            (self._partial / landed.name).unlink()
        self._files.clear()
        self._pages.clear()
        self._content = hashlib.sha256()
        self._claimed = None
        self._held = 0

    def seal(self, *, resumed: int = 0) -> LandedBatch:
        """Make the batch visible; raises ``ProviderError`` if rows are missing or too many.

        Args:
            resumed: Answers that came from an earlier pull, which was cut off.
        """
        self._finish_writing()
        rows = self.rows
        expected = self._claimed if self.sample is None else None
        if expected is not None and rows is not None and rows + self._held != expected:
            raise ProviderError(
                f"the source says it has {expected} rows and sent {rows + self._held}",
                next_step="nothing was loaded; ask the provider if it is so again tomorrow",
            )
        manifest = self._manifest(rows, resumed)
        target = self.folder / manifest.batch
        if target.exists():
            # The same pull, repeated after a crash between the rename and the commit.
            return Landing.load(target)
        with writing(target):
            self._write(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
            # Only now: what was written first is on the disk by then, and each costs little.
            for landed in self._files:
                sync(self._partial / landed.name)
            sync(self._partial / MANIFEST)
            for folder in (self._partial / "pages", self._partial / "files", self._partial):
                if folder.exists():
                    sync(folder)
            os.rename(self._partial, target)  # noqa: PTH104 - the name a crash test replaces
            sync(self.folder)
        return LandedBatch(target, manifest)

    def _manifest(self, rows: int | None, resumed: int) -> Manifest:
        """Describe the batch; its name depends on nothing but content, place and past."""
        system, dataset = self._identity
        window = self._window
        content = self._taken or self._content.hexdigest()
        identity = [
            system,
            dataset,
            self._position.batch,
            self._position.cursor,
            [window.since, window.until] if window.backfill else window.whole,
            content,
            *([self._held] if self._held else []),
        ]
        return Manifest(
            system=system,
            dataset=dataset,
            batch=hashlib.sha256(msgspec.json.encode(identity)).hexdigest()[:_ID_LENGTH],
            previous_batch=self._position.batch,
            content_sha256=content,
            files=self._files,
            claimed=self._claimed,
            rows=rows,
            cursor_before=self._position.cursor,
            backfill=window.backfill,
            whole=window.whole,
            started_at=_moment(self.started),
            finished_at=_moment(datetime.now(UTC)),
            resumed=resumed,
            held=self._held,
        )

    def _keep(self, data: bytes, content: bytes, landed: LandedFile) -> None:
        """List a file, and write it while the next page is made.

        The disk and the digest of 530 MB take 1.2 s, in which another core can split pages.

        Args:
            data: The file's bytes.
            content: What the batch's digest takes of it.
            landed: What the manifest says of it.
        """
        self._finish_writing()
        self._files.append(landed)

        def write() -> None:
            self._content.update(content)
            self._write(landed.name, data)

        self._pending = self._writer.submit(write)
        if self.sample is not None and sum(f.rows or 1 for f in self._files) >= self.sample:
            raise EnoughError

    def _finish_writing(self) -> None:
        """Wait for the last file; raises ``ConfigurationError`` if it could not be written."""
        pending, self._pending = self._pending, None
        if pending is not None:
            with writing(self._partial):
                pending.result()

    def _write(self, name: str, data: bytes) -> None:
        """Write a file; :meth:`seal` has it on the disk before anybody may see it."""
        path = self._partial / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def _facts(landed: LandedFile) -> bytes:
    """Return what a file's content is: its medium, its bytes and the facts beside it."""
    facts = [landed.media, landed.sha256, sorted(landed.note.items())]
    return msgspec.json.encode(facts) + b"\n"


def _moment(moment: datetime) -> str:
    """Return a moment as manifests write it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _damaged(path: Path, why: str) -> InternalError:
    """Return the error for a batch folder that is not as it was sealed."""
    return InternalError(
        f"landed batch is damaged: {why}",
        where=str(path),
        next_step="remove the folder and run the sync again; it will be fetched anew",
    )
