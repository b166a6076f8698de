"""Files inside messages: once each under their digest, whole or not at all, private."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.errors import ConfigurationError
from sources import disk
from warehouse import attachment_store
from warehouse.attachment_store import Store

PDF = b"%PDF-1.4 an invented page"
DIGEST = hashlib.sha256(PDF).hexdigest()


def kept(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_file_lies_under_its_digest_once(tmp_path: Path) -> None:
    folder = tmp_path / "attachments"
    with Store(folder) as store:
        store.keep(PDF, DIGEST)
        first = store.path(DIGEST).stat()
        store.keep(PDF, DIGEST)
        assert store.path(DIGEST).stat().st_ino == first.st_ino
    assert kept(folder) == {f"{DIGEST[:2]}/{DIGEST[2:]}": PDF}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "attachments"
    with Store(folder) as store:
        store.keep(PDF, DIGEST)
    path = store.path(DIGEST)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_mode & 0o777 == 0o700


def test_names_are_durable_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []

    def note(folder: Path) -> None:
        synced.append(folder)
        disk.sync(folder)

    monkeypatch.setattr(attachment_store, "sync", note)
    with Store(tmp_path / "a") as store:
        store.keep(PDF, DIGEST)
    assert synced == [tmp_path / "a" / DIGEST[:2], tmp_path / "a"]
    synced.clear()
    with Store(tmp_path / "a") as store:
        store.keep(PDF, DIGEST)
    assert synced == []


def test_half_a_file_is_written_again(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.keep(PDF, DIGEST)
        store.path(DIGEST).write_bytes(PDF[:5])
        store.keep(PDF, DIGEST)
    assert store.path(DIGEST).read_bytes() == PDF


def test_what_the_dead_left_goes_and_what_the_living_write_stays(tmp_path: Path) -> None:
    partial = tmp_path / ".partial"
    partial.mkdir()
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, check=True, text=True).stdout.strip()  # fmt: skip
    (partial / f"{dead}-0").write_bytes(b"half")
    (partial / f"{os.getppid()}-0").write_bytes(b"being written")
    with Store(tmp_path) as store:
        assert [path.name for path in partial.iterdir()] == [f"{os.getppid()}-0"]
        store.keep(PDF, DIGEST)
    assert store.path(DIGEST).read_bytes() == PDF


def test_a_crash_in_the_middle_leaves_no_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt), Store(tmp_path) as store:
        store.keep(PDF, DIGEST)
    assert not (tmp_path / DIGEST[:2] / DIGEST[2:]).exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "attachments").write_text("in the way")
    with (
        pytest.raises(ConfigurationError, match="cannot write"),
        Store(tmp_path / "attachments") as store,
    ):
        store.keep(PDF, DIGEST)
