"""Take a person out of files: landed batches, journals, attachments, whatever else lies there.

Data flow: a landed batch -> its files without the records that are about the person -> a folder
with a manifest of its own, which takes the batch's place by two renames. It keeps the batch's
name, since a dataset's position names it, so a reload and the next pull find what they look for.

Records are cut out of NDJSON, JSON, CSV, TSV and Parquet; an edXML message goes as a whole. Of a
workbook or any other format no record can be cut out safely: the whole batch goes, and the report
says so (a reload then has to ask the source).

Run it alone: ``pytest tests/warehouse/test_erasure_files.py``.

What does not belong here: the lake (``erasure``).
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from hub.errors import HubError
from sources.disk import sync, writing
from sources.landing import MANIFEST, LandedBatch, LandedFile, Landing
from warehouse.cleanup import remove_batch
from warehouse.lake import connect, quote
from warehouse.person import Person, flat, matches_sql

_NEW, _OLD = ".erasing-", ".gone-"


class CannotCutError(Exception):
    """No record can be cut out of a file of this kind."""


def values_of(document: object) -> Iterator[object]:
    """Yield every value in a JSON document, however deep."""
    if isinstance(document, dict):
        for value in document.values():
            yield from values_of(value)
    elif isinstance(document, list):
        for value in document:
            yield from values_of(value)
    else:
        yield document


def _ndjson(data: bytes, person: Person) -> tuple[bytes, int]:
    kept, gone = [], 0
    for line in data.splitlines(keepends=True):
        try:
            is_theirs = person.is_in(values_of(msgspec.json.decode(line)))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            is_theirs = holds(line, person)
        gone += is_theirs
        kept += [] if is_theirs else [line]
    return b"".join(kept), gone


def _json(data: bytes, person: Person) -> tuple[bytes, int]:
    gone = 0

    def without(document: object) -> object:
        nonlocal gone
        if isinstance(document, dict):
            return {name: without(value) for name, value in document.items()}
        if not isinstance(document, list):
            return document
        kept = [item for item in document if not _is_record_of(item, person)]
        gone += len(document) - len(kept)
        return [without(item) for item in kept]

    try:
        document = without(msgspec.json.decode(data))
    except msgspec.MsgspecError:
        raise CannotCutError from None
    return msgspec.json.encode(document), gone


def _is_record_of(item: object, person: Person) -> bool:
    return isinstance(item, dict) and person.is_in(
        value for value in item.values() if not isinstance(value, list | dict)
    )


def _csv(data: bytes, person: Person) -> tuple[bytes, int]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise CannotCutError from None
    kept, gone = [], 0
    for line in text.splitlines(keepends=True):
        if line.count('"') % 2:
            raise CannotCutError  # a cell with a line break: which lines are one record?
        cells = [
            cell
            for mark in ",;\t|"
            for cell in next(csv.reader(io.StringIO(line), delimiter=mark), [])
        ]
        is_theirs = person.is_in(cells)
        gone += is_theirs
        kept += [] if is_theirs else [line]
    return "".join(kept).encode(), gone


def _parquet(data: bytes, person: Person, scratch: Path) -> tuple[bytes, int]:
    source, target = scratch / "in.parquet", scratch / "out.parquet"
    source.write_bytes(data)
    connection = connect()
    rows = f"read_parquet('{quote(source)}')"
    columns = [f'"{name}"' for name, *_ in connection.execute(f"DESCRIBE FROM {rows}").fetchall()]
    theirs = matches_sql(person, columns)
    counted = connection.execute(f"SELECT count(*) FROM {rows} WHERE {theirs}").fetchone()
    connection.execute(
        f"COPY (SELECT * FROM {rows} WHERE NOT {theirs}) TO '{quote(target)}' (FORMAT parquet)"
    )
    connection.close()
    return target.read_bytes(), int(counted[0]) if counted else 0


_CUTS: dict[str, Callable[[bytes, Person], tuple[bytes, int]]] = {
    "ndjson": _ndjson, "json": _json, "csv": _csv, "tsv": _csv,
}  # fmt: skip


def holds(data: bytes, person: Person) -> bool:
    """Whether bytes hold the person, also within an archive or a workbook."""
    if data.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return any(holds(archive.read(name), person) for name in archive.namelist())
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError):
            return False
    if any(number in data for number in person.bytes_of()):
        return True
    if not person.pairs:
        return False
    text = flat(data.decode(errors="replace"))
    return any(name in text and born in text for name, born in person.pairs)


def clean_batch(batch: LandedBatch, person: Person, *, dry_run: bool = False) -> tuple[int, bool]:
    """Take a person's records out of a landed batch; the caller keeps syncs away.

    Returns:
        How many records (or messages) went, and whether the whole batch had to go.
    """
    fresh = batch.path.with_name(f"{_NEW}{batch.path.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    gone, files = 0, []
    with writing(fresh):
        fresh.mkdir()
        try:
            for file in batch.manifest.files:
                kept, records = _clean_file(batch, file, person, fresh)
                gone += records
                files += [] if kept is None else [kept]
        except CannotCutError:
            shutil.rmtree(fresh)
            if not dry_run:
                remove_batch(batch.path)
            return 1, True
        if not gone or dry_run:
            shutil.rmtree(fresh)
            return gone, False
        manifest = msgspec.structs.replace(
            batch.manifest,
            files=files,
            rows=_rows(files),
            claimed=None,
        )
        _put(fresh / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        for folder in (*(one for one in fresh.iterdir() if one.is_dir()), fresh):
            sync(folder)
        old = batch.path.with_name(f"{_OLD}{batch.path.name}")
        batch.path.rename(old)
        fresh.rename(batch.path)
        sync(batch.path.parent)
        shutil.rmtree(old)
    return gone, False


def finish(dataset: Path) -> None:
    """End what an erasure that was killed left between its two renames."""
    for fresh in dataset.glob(f"{_NEW}*"):
        name = fresh.name.removeprefix(_NEW)
        if (fresh / MANIFEST).exists() and not (dataset / name).exists():
            fresh.rename(dataset / name)
        else:
            shutil.rmtree(fresh)
    for old in dataset.glob(f"{_OLD}*"):
        shutil.rmtree(old)


def _rows(files: list[LandedFile]) -> int | None:
    counts = [file.rows for file in files]
    return None if None in counts else sum(filter(None, counts))


def _clean_file(
    batch: LandedBatch, file: LandedFile, person: Person, fresh: Path
) -> tuple[LandedFile | None, int]:
    """Write a file without the person's records; None if nothing of it is left."""
    data = (batch.path / file.name).read_bytes()
    if file.media == "parquet":
        data, gone = _parquet(data, person, fresh)
        for scratch in ("in.parquet", "out.parquet"):
            (fresh / scratch).unlink()
    elif file.media in _CUTS:
        try:
            data, gone = _CUTS[file.media](data, person)
        except CannotCutError:
            if holds(data, person):
                raise
            gone = 0
    elif not holds(data, person) and not any(map(person.is_in, [file.note.values()])):
        gone = 0
    elif file.media == "edxml":
        return None, 1
    else:
        raise CannotCutError
    if gone and file.media == "ndjson" and not data:
        return None, gone
    target = fresh / file.name
    target.parent.mkdir(exist_ok=True)
    if not gone:
        os.link(batch.path / file.name, target)
        return file, 0
    _put(target, data)
    landed = msgspec.structs.replace(
        file,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        rows=None if file.rows is None else file.rows - gone,
    )
    return landed, gone


def _put(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def clean_dataset(dataset: Path, person: Person, *, dry_run: bool = False) -> dict[str, int]:
    """Take a person out of all that landing holds of a dataset; returns counts by kind.

    Journals and half-written batches go whatever they hold: the next pull begins anew.
    """
    counts = {"landed_records": 0, "landed_batches": 0, "journals": 0}
    if not dry_run:
        finish(dataset)
    for path in dataset.glob(".journal*"):
        counts["journals"] += 1
        if not dry_run:
            path.unlink()
    if not dry_run:
        for path in dataset.glob(".partial-*"):
            shutil.rmtree(path)
    for path in dataset.glob(f"[!.]*/{MANIFEST}"):
        try:
            batch = Landing.load(path.parent)
        except HubError:  # damaged, so nobody will load it: it goes if it holds the person
            if any(holds(one.read_bytes(), person) for one in _files(path.parent)):
                counts["landed_batches"] += 1
                if not dry_run:
                    remove_batch(path.parent)
            continue
        gone, whole = clean_batch(batch, person, dry_run=dry_run)
        counts["landed_batches" if whole else "landed_records"] += gone
    return counts


def clean_folder(folder: Path, person: Person, *, dry_run: bool = False) -> int:
    """Remove the files of a folder that hold the person; returns how many."""
    found = [path for path in _files(folder) if holds(path.read_bytes(), person)]
    for path in found if not dry_run else ():
        path.unlink()
    return len(found)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
