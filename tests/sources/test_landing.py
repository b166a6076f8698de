"""A batch is visible whole or not at all, and its name says what it holds."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.errors import ConfigurationError, InternalError, ProviderError
from sources.landing import BatchWriter, LandedBatch, Landing, Manifest, Position, Window

SYSTEM, DATASET = "tinh/thu", "thu"
RECORDS = [b'{"a":1}', b'{"b":"\xe1\xba\xa1"}', b'{"c":[]}']


def write(
    root: Path,
    *pages: list[bytes],
    position: Position | None = None,
    window: Window | None = None,
    url: str = "https://a.example/1",
) -> LandedBatch:
    with Landing(root).open(SYSTEM, DATASET, position or Position(), window or Window()) as batch:
        for page in pages:
            batch.page(page, url=url)
        return batch.seal()


def folders(root: Path) -> list[str]:
    return sorted(path.name for path in (root / SYSTEM / DATASET).iterdir())


def test_pages_are_lines_and_the_manifest_describes_them(tmp_path: Path) -> None:
    batch = write(tmp_path, RECORDS[:2], [], RECORDS[2:])
    first, second = batch.manifest.files
    assert (batch.path / first.name).read_bytes() == b"\n".join([*RECORDS[:2], b""])
    assert (first.name, first.rows, second.name, second.rows) == (
        "pages/00000.ndjson", 2, "pages/00001.ndjson", 1,
    )  # fmt: skip
    assert first.sha256 == hashlib.sha256((batch.path / first.name).read_bytes()).hexdigest()
    assert batch.path == tmp_path / SYSTEM / DATASET / batch.id
    assert Landing.load(batch.path) == batch
    assert folders(tmp_path) == [batch.id]


def test_files_keep_their_bytes_and_their_note(tmp_path: Path) -> None:
    note = {"docId": "1", "from": "H38"}
    with Landing(tmp_path).open(SYSTEM, DATASET, Position(), Window()) as writer:
        writer.file(b"<a/>", suffix=".xml", media="edxml", url="u", note=note, rows=1)
        writer.file(b"a;b", suffix=".csv", media="csv", url="u", etag='"1"', last_modified="x")
        batch = writer.seal()
    assert [file.name for file in batch.manifest.files] == ["files/00000.xml", "files/00001.csv"]
    assert batch.manifest.files[0].note == note
    assert batch.manifest.rows is None
    assert (batch.path / "files/00001.csv").read_bytes() == b"a;b"


def test_the_name_depends_on_content_place_and_past_alone(tmp_path: Path) -> None:
    def name(folder: str, *pages: list[bytes], **more: Any) -> str:
        return write(tmp_path / folder, *pages, **more).id

    same = name("1", RECORDS)
    assert name("2", RECORDS, url="https://elsewhere.example") == same
    assert name("3", RECORDS[:1], RECORDS[1:]) == same  # page edges are the source's whim
    assert len(same) == 20
    window = Window(datetime(2026, 1, 1), datetime(2026, 2, 1), backfill=True)  # noqa: DTZ001 - Vietnam time
    since = Window(datetime(2026, 1, 1))  # noqa: DTZ001 - as above
    others = {
        name("4", RECORDS[::-1]),
        name("5", RECORDS, position=Position("previous")),
        name("6", RECORDS, position=Position(None, "2026-01-01T00:00:00")),
        name("7", RECORDS, window=window),
        name("8"),
    }
    assert len(others | {same}) == 6
    # All that a source has may delete rows, a part of it may not.
    assert name("9", RECORDS, window=since) != same


def test_the_same_pull_after_a_crash_finds_its_batch(tmp_path: Path) -> None:
    first = write(tmp_path, RECORDS)
    before = {path: path.stat().st_mtime_ns for path in first.path.rglob("*")}
    again = write(tmp_path, RECORDS[:1], RECORDS[1:])
    assert again == first
    assert {path: path.stat().st_mtime_ns for path in first.path.rglob("*")} == before
    assert folders(tmp_path) == [first.id]


@pytest.mark.parametrize("claimed", [2, 4])
def test_a_claim_that_does_not_add_up_seals_nothing(tmp_path: Path, claimed: int) -> None:
    with Landing(tmp_path).open(SYSTEM, DATASET, Position(), Window()) as batch:
        batch.page(RECORDS, url="u")
        batch.claim(claimed)
        with pytest.raises(ProviderError, match=f"has {claimed} rows and sent 3"):
            batch.seal()
    assert folders(tmp_path) == []


def test_a_repeated_page_is_refused_but_a_repeated_file_is_not(tmp_path: Path) -> None:
    with Landing(tmp_path).open(SYSTEM, DATASET, Position(), Window()) as batch:
        batch.page(RECORDS, url="u")
        with pytest.raises(ProviderError, match=r"would equal pages/00000.ndjson"):
            batch.page(RECORDS, url="u")
        batch.file(b"x", suffix=".xml", media="edxml", url="u")
        batch.file(b"x", suffix=".xml", media="edxml", url="u")


def dead_pid() -> int:
    """Return the number of a process that has just ended."""
    process = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    return int(process.stdout)


def test_leftovers_of_dead_processes_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    folder = tmp_path / SYSTEM / DATASET
    for pid in (dead_pid(), os.getpid(), os.getppid(), "nobody", "9" * 30):
        (folder / f".partial-{pid}" / "pages").mkdir(parents=True)
    batch = write(tmp_path, RECORDS)
    assert folders(tmp_path) == sorted([f".partial-{os.getppid()}", batch.id])


class Killed(BaseException):
    """Stands for a process that dies: nothing may catch it."""


@contextmanager
def dying_at(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> Iterator[None]:
    """Let the n-th call of a function of ``os`` be the last thing the process does."""
    real, calls = getattr(os, name), 0

    def dying(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return real(*args)

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(os, name, dying)
        patch.setattr(BatchWriter, "__exit__", lambda *_: None)
        yield
    assert calls >= call


@pytest.mark.parametrize(
    ("name", "call"), [("fsync", 1), ("fsync", 2), ("fsync", 3), ("fsync", 4), ("rename", 1)]
)
def test_dying_before_the_rename_leaves_nothing_to_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, call: int
) -> None:
    with dying_at(monkeypatch, name, call):
        write(tmp_path, RECORDS[:1], RECORDS[1:])
    assert folders(tmp_path) == [f".partial-{os.getpid()}"]
    batch = write(tmp_path, RECORDS[:1], RECORDS[1:])
    assert folders(tmp_path) == [batch.id]
    assert batch == Landing.load(batch.path)


def test_dying_after_the_rename_leaves_the_whole_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying_at(monkeypatch, "fsync", 5):
        write(tmp_path, RECORDS)
    (name,) = folders(tmp_path)
    assert write(tmp_path, RECORDS).id == name


def test_everything_is_on_the_disk_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(handle: int) -> None:
        steps.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real_fsync(handle)

    def rename(source: Path, target: Path) -> None:
        steps.append("rename")
        real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    write(tmp_path, RECORDS)
    partial = f".partial-{os.getpid()}"
    assert steps == ["00000.ndjson", "manifest.json", "pages", partial, "rename", DATASET]


def test_a_damaged_batch_is_not_loaded(tmp_path: Path) -> None:
    batch = write(tmp_path, RECORDS)
    page = batch.path / "pages/00000.ndjson"
    page.write_bytes(page.read_bytes()[:-2])
    with pytest.raises(InternalError, match=r"pages/00000.ndjson has \d+ bytes instead of"):
        Landing.load(batch.path)
    page.unlink()
    with pytest.raises(InternalError, match="damaged"):
        Landing.load(batch.path)
    (batch.path / "manifest.json").write_text("{")
    with pytest.raises(InternalError, match="damaged"):
        Landing.load(batch.path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "tinh").write_text("a file where a folder should be")
    with pytest.raises(ConfigurationError, match=r"cannot write .*tinh/thu/thu"):
        write(tmp_path, RECORDS)


def test_a_manifest_of_another_version_with_more_facts_is_read(tmp_path: Path) -> None:
    batch = write(tmp_path, RECORDS)
    path = batch.path / "manifest.json"
    more = {**msgspec.json.decode(path.read_bytes()), "added_later": 1}
    path.write_bytes(msgspec.json.encode(more))
    assert isinstance(Landing.load(batch.path).manifest, Manifest)


def test_a_page_that_cannot_be_written_is_told_by_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Landing(tmp_path).open(SYSTEM, DATASET, Position(), Window()) as batch:
        monkeypatch.setattr(Path, "write_bytes", full)
        batch.page(RECORDS[:1], url="u")
        with pytest.raises(ConfigurationError, match="No space left on device"):
            batch.seal()
    assert folders(tmp_path) == []
