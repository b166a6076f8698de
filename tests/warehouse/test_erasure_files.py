"""Of every format a person's records are cut out, or the batch goes and it is said so."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pytest

from sources.landing import LandedBatch, Landing, Media, Position, Window
from tests.bytesearch import holding
from warehouse.erasure_files import clean_batch, clean_dataset, finish
from warehouse.person import Person

NUMBER, NAME = "001199912345", "Giàng Thị Xoá"
PERSON = Person.of([NUMBER], [(NAME, date(1999, 3, 2))])


def landed(folder: Path, media: Media, *files: bytes) -> LandedBatch:
    landing = Landing(folder / "landing")
    with landing.open("tinh/cong", "so", Position(), Window()) as batch:
        for data in files:
            batch.file(data, suffix=f".{media}", media=media, url="http://x")
        return batch.seal()


def parquet(folder: Path) -> bytes:
    path = folder / "made.parquet"
    duckdb.sql(
        f"COPY (SELECT 'a' AS ma, '{NUMBER}' AS so UNION ALL SELECT 'b', '1') "
        f"TO '{path}' (FORMAT parquet)"
    )
    data = path.read_bytes()
    path.unlink()
    return data


def workbook(*cells: str) -> bytes:
    made = openpyxl.Workbook()
    made.active.append(list(cells))
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("media", "data", "left"),
    [
        ("json", f'{{"data": [{{"so": "{NUMBER}"}}, {{"so": "1"}}]}}', '{"data":[{"so":"1"}]}'),
        ("csv", f"ma,so\na,{NUMBER}\nb,1\n", "ma,so\nb,1\n"),
        ("csv", f"ma;ten;sinh\na;{NAME};02/03/1999\nb;{NAME};01/01/1990\n", None),
        ("tsv", f"ma\tso\na\t0011 9991 2345\nb\t1\n{'c'}\t2\n", "ma\tso\nb\t1\nc\t2\n"),
    ],
)
def test_records_are_cut_out_and_the_batch_keeps_its_name(
    tmp_path: Path, media: Media, data: str, left: str | None
) -> None:
    batch = landed(tmp_path, media, data.encode())
    assert clean_batch(batch, PERSON, dry_run=True) == (1, False)
    assert (batch.path / batch.manifest.files[0].name).read_bytes() == data.encode()
    assert clean_batch(batch, PERSON) == (1, False)
    again = Landing.load(batch.path)  # sizes fit the manifest
    assert again.id == batch.id
    text = (again.path / again.manifest.files[0].name).read_text()
    # A name alone is not the person: the other one of that name stays.
    assert text == (left or f"ma;ten;sinh\nb;{NAME};01/01/1990\n")
    assert clean_batch(again, PERSON) == (0, False)


def test_parquet_is_written_anew(tmp_path: Path) -> None:
    batch = landed(tmp_path, "parquet", parquet(tmp_path))
    assert holding(tmp_path, [NUMBER])
    assert clean_batch(batch, PERSON) == (1, False)
    assert holding(tmp_path, [NUMBER]) == []
    file = batch.path / Landing.load(batch.path).manifest.files[0].name
    assert duckdb.sql(f"SELECT ma FROM '{file}'").fetchall() == [("b",)]


def test_of_messages_the_persons_goes(tmp_path: Path) -> None:
    batch = landed(tmp_path, "edxml", f"<a>{NUMBER}</a>".encode(), b"<a>1</a>")
    assert clean_batch(batch, PERSON) == (1, False)
    assert len(Landing.load(batch.path).manifest.files) == 1


@pytest.mark.parametrize(
    ("media", "data"),
    [
        ("xlsx", workbook("a", NUMBER)),
        ("csv", f'ma,ghi chu\na,"hai\ndong {NUMBER}"\n'.encode()),
        ("json", b"{" + NUMBER.encode()),
    ],
)
def test_what_cannot_be_cut_goes_whole(tmp_path: Path, media: Media, data: bytes) -> None:
    batch = landed(tmp_path, media, data)
    assert clean_batch(batch, PERSON) == (1, True)
    assert not batch.path.exists()


@pytest.mark.parametrize(
    ("media", "data"),
    [("xlsx", workbook("a", "1")), ("csv", b'ma,ghi chu\na,"hai\ndong"\n'), ("json", b"{1")],
)
def test_what_cannot_be_cut_and_has_nobody_stays(tmp_path: Path, media: Media, data: bytes) -> None:
    batch = landed(tmp_path, media, data)
    assert clean_batch(batch, PERSON) == (0, False)
    assert Landing.load(batch.path).manifest == batch.manifest


def test_an_erasure_killed_between_its_renames_is_finished(tmp_path: Path) -> None:
    batch = landed(tmp_path, "csv", b"ma,so\nb,1\n")
    folder = batch.path.parent
    batch.path.rename(folder / f".erasing-{batch.id}")
    (folder / ".gone-x").mkdir()
    finish(folder)
    assert [path.name for path in folder.iterdir()] == [batch.id]
    Landing.load(batch.path)


def test_journals_go_whatever_they_hold_and_damaged_batches_if_they_hold_the_person(
    tmp_path: Path,
) -> None:
    batch = landed(tmp_path, "csv", f"ma,so\na,{NUMBER}\n".encode())
    folder = batch.path.parent
    (folder / ".journal").write_bytes(b"x")
    (batch.path / batch.manifest.files[0].name).write_bytes(f"ma,so\nab,{NUMBER}\n".encode())
    counts = clean_dataset(folder, PERSON)
    assert counts == {"landed_records": 0, "landed_batches": 1, "journals": 1}
    assert list(folder.iterdir()) == []
