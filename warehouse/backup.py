"""Back up a data folder while syncs run, and restore it.

Data flow: the catalog, copied by SQLite under the commit lock -> the immutable files that it names
(linked on the same disk, else copied), landed batches, attachments, held records, Dagster's
databases -> ``manifest.json`` with every file's digest -> one rename, by which the backup is there.
Files are taken while the lock is still held, since maintenance removes files under it: a backup
names nothing that it does not have. A batch that lands meanwhile is newer than the catalog, and is
pulled again.

A backup says until when it may be kept; :func:`prune` removes those that are past it. What a
killed backup leaves is no backup, and goes with the next one.

Run it alone: ``pytest tests/warehouse/test_backup.py``.

What does not belong here: taking erased persons out of what was restored (``hub.erase``), the
suppression list itself, which no backup may bring back to an older state.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from hub.errors import ConfigurationError, DataError
from sources.disk import is_running, sync, writing
from warehouse import catalog_file
from warehouse.lake import Lake

MANIFEST = "manifest.json"
FORMAT = 1
_PARTIAL, _GONE = ".partial-", ".gone-"
LINKED = ("landing", "attachments")
"""Beside the lake; each file in them is written once and never changed in place."""
COPIED = ("held", "acknowledged", "erasures")
"""Small files that a person or a pull may change."""


class Stored(msgspec.Struct, frozen=True):
    """One file of a backup."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup is."""

    format: int
    taken_at: str
    keep_until: str
    """Day after which it may not be kept: it may hold persons who were erased since."""
    snapshot: int
    """Newest snapshot of the lake."""
    files: list[Stored]


def back_up(data: Path, target: Path, *, keep: timedelta) -> Path:
    """Make a backup of a data folder below ``target``; returns its folder.

    Raises:
        ConfigurationError: There is nothing to back up, or the disk is full.
        TransientError: Another process held the commit lock too long.
    """
    lake = Lake(data / "lake")
    if not lake.exists:
        raise ConfigurationError(f"there is no warehouse in {data}", next_step="check HUB_DATA_DIR")
    now = datetime.now(UTC)
    final = target / f"hub-{now:%Y%m%dT%H%M%S%f}Z"
    partial = target / f"{_PARTIAL}{os.getpid()}"
    with writing(partial):
        target.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        partial.mkdir(mode=0o700)
        step("catalog")
        with lake.lock():
            (partial / "lake").mkdir()
            catalog_file.copy(lake.catalog, partial / "lake" / "catalog.sqlite")
            for name in _named_files(partial / "lake" / "catalog.sqlite"):
                _take(lake.files / name, partial / "lake" / "files" / name)
        step("folders")
        for name in (*LINKED, *COPIED):
            for path in _settled(data / name):
                with suppress(FileNotFoundError):  # clean-up may be faster
                    _take(path, partial / path.relative_to(data), link=name in LINKED)
        step("dagster")
        for path in sorted((data / "dagster").rglob("*.db")):
            copied = partial / path.relative_to(data)
            copied.parent.mkdir(parents=True, exist_ok=True)
            catalog_file.copy(path, copied)
        step("manifest")
        _drop_torn_batches(partial)
        manifest = Manifest(
            format=FORMAT,
            taken_at=now.isoformat(timespec="seconds"),
            keep_until=f"{now + keep:%Y-%m-%d}",
            snapshot=_snapshot(partial / "lake" / "catalog.sqlite"),
            files=[_described(partial, path) for path in _files(partial)],
        )
        _put(partial / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        for folder in (*(path for path in partial.rglob("*") if path.is_dir()), partial):
            sync(folder)
        step("rename")
        partial.rename(final)
        sync(target)
    return final


def step(name: str) -> None:
    """Mark a step by name, so that a test can kill the process between any two."""


def read_manifest(backup: Path) -> Manifest:
    """Return what a backup says of itself.

    Raises:
        ConfigurationError: It is no backup.
    """
    try:
        return msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            f"{backup} is no backup: "
            + ("it has no manifest" if isinstance(error, OSError) else "its manifest is damaged"),
            next_step="name the folder that `hub backup` printed",
        ) from None


def verify(backup: Path) -> Manifest:
    """Compare every file with its digest.

    Raises:
        DataError: A file is missing, damaged, or too many.
    """
    manifest = read_manifest(backup)
    wanted = {file.name: file for file in manifest.files}
    present = {path.relative_to(backup).as_posix() for path in _files(backup)} - {MANIFEST}
    wrong = sorted(set(wanted) ^ present)
    wrong += [
        name for name in sorted(set(wanted) & present)
        if _described(backup, backup / name) != wanted[name]
    ]  # fmt: skip
    if wrong:
        raise DataError(
            f"{len(wrong)} files of the backup are missing or damaged, the first is {wrong[0]}",
            where=str(backup),
            next_step="take another backup",
        )
    return manifest


def restore(backup: Path, data: Path) -> Manifest:
    """Make a data folder from a backup; it becomes visible by one rename.

    Raises:
        ConfigurationError: The folder is not empty, or the backup is none.
        DataError: The backup is damaged.
    """
    if data.exists() and any(data.iterdir()):
        raise ConfigurationError(
            f"{data} is not empty", next_step="restore into a new folder, then exchange the two"
        )
    manifest = verify(backup)
    partial = data.with_name(f"{_PARTIAL}{data.name}")
    with writing(data):
        if partial.exists():
            shutil.rmtree(partial)
        for file in manifest.files:
            copied = partial / file.name
            copied.parent.mkdir(parents=True, exist_ok=True)
            # Never linked: an erasure in the restored folder must not reach the backup, nor leave
            # a file there that it has taken for gone.
            shutil.copy2(backup / file.name, copied)
        with closing(sqlite3.connect(partial / "lake" / "catalog.sqlite")) as catalog:
            catalog.execute("PRAGMA journal_mode = WAL").fetchone()
        (partial / "lake" / "files").mkdir(exist_ok=True)
        if data.exists():
            data.rmdir()
        partial.rename(data)
    return manifest


def prune(target: Path, today: datetime) -> list[Path]:
    """Remove the backups that may not be kept any longer; returns them."""
    old = [
        path.parent
        for path in sorted(target.glob(f"hub-*/{MANIFEST}"))
        if read_manifest(path.parent).keep_until < f"{today:%Y-%m-%d}"
    ]
    for backup in old:
        gone = backup.with_name(f"{_GONE}{backup.name}")
        backup.rename(gone)
        shutil.rmtree(gone)
    _remove_leftovers(target)
    return old


def _remove_leftovers(target: Path) -> None:
    for path in target.glob(f"{_PARTIAL}*"):
        if not is_running(path.name.removeprefix(_PARTIAL)):
            shutil.rmtree(path)
    for path in target.glob(f"{_GONE}*"):
        shutil.rmtree(path)


def _named_files(catalog: Path) -> Iterator[str]:
    """Yield the data and delete files that any snapshot of a copied catalog names."""
    tables = "(SELECT DISTINCT table_id, path, schema_id FROM ducklake_table)"
    schemas = "(SELECT DISTINCT schema_id, path FROM ducklake_schema)"
    place = "CASE WHEN f.path_is_relative THEN s.path || t.path || f.path ELSE f.path END"
    with closing(sqlite3.connect(catalog)) as database:
        for kind in ("ducklake_data_file", "ducklake_delete_file"):
            yield from (
                name
                for (name,) in database.execute(
                    f"SELECT DISTINCT {place} FROM {kind} f JOIN {tables} t USING (table_id) "
                    f"JOIN {schemas} s USING (schema_id)"
                )
            )


def _snapshot(catalog: Path) -> int:
    with closing(sqlite3.connect(catalog)) as database:
        (newest,) = database.execute("SELECT max(snapshot_id) FROM ducklake_snapshot").fetchone()
        return int(newest)


def _settled(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are whole: nothing half-written, no journal."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            yield path


def _drop_torn_batches(partial: Path) -> None:
    """Drop landed batches of which clean-up took files away while they were being copied."""
    for batch in (partial / "landing").glob("*/*/*/*"):
        manifest = batch / "manifest.json"
        try:
            files = msgspec.json.decode(manifest.read_bytes())["files"]
            whole = all((batch / file["name"]).is_file() for file in files)
        except (OSError, msgspec.MsgspecError):
            whole = False
        if not whole:
            shutil.rmtree(batch)


def _take(path: Path, copy: Path, *, link: bool = True) -> None:
    """Link a file that never changes, or copy it to another disk."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(path, copy)
        except FileNotFoundError:
            raise
        except OSError:
            link = False
    if not link:
        shutil.copy2(path, copy)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _described(folder: Path, path: Path) -> Stored:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Stored(path.relative_to(folder).as_posix(), path.stat().st_size, digest)


def _put(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
