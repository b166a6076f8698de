"""Clean-up takes what nothing will ask for again, and nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sources.landing import Landing, Manifest, Position, Window
from tests.warehouse.nights import DATASET, SOURCE, Warehouse, row
from warehouse import cleanup, loads
from warehouse.attachment_store import Store

NOW = datetime.now(UTC)


def manifest(batch: str, days: float, *, whole: bool = True) -> Manifest:
    at = (NOW - timedelta(days=days)).isoformat(timespec="seconds")
    return Manifest(
        system=SOURCE, dataset=DATASET, batch=batch, previous_batch=None, content_sha256=batch,
        files=[], claimed=None, rows=0, cursor_before=None, backfill=False, started_at=at,
        finished_at=at, whole=whole,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("position", "loaded", "goes"),
    [
        ("d", "abcd", "ac"),  # b is the newest whole one, d the position
        ("d", "bcd", "c"),  # a was never loaded
        ("c", "abcd", "a"),  # d is newer than the position
        (None, "abcd", ""),
        ("z", "abcd", ""),  # the position is not landed here
    ],
)
def test_which_batches_may_go(position: str | None, loaded: str, goes: str) -> None:
    landed = [
        manifest("a", 400),
        manifest("b", 300),
        manifest("c", 200, whole=False),
        manifest("d", 150, whole=False),
        manifest("e", 1),
    ]
    found = cleanup.removable(
        landed, position=position, loaded=frozenset(loaded), before=NOW - timedelta(days=90)
    )
    assert "".join(one.batch for one in found) == goes


def test_a_young_batch_stays() -> None:
    landed = [manifest("a", 100), manifest("b", 80), manifest("c", 70)]
    found = cleanup.removable(
        landed, position="c", loaded=frozenset("abc"), before=NOW - timedelta(days=90)
    )
    assert [one.batch for one in found] == ["a"]


def test_batches_are_removed_whole_and_a_removal_that_was_cut_off_is_finished(
    tmp_path: Path,
) -> None:
    landing, names = Landing(tmp_path / "landing"), list[str]()
    for number in range(3):
        position = Position(batch=names[-1] if names else None)
        with landing.open(SOURCE, DATASET, position, Window()) as batch:
            batch.page([msgspec.Raw(b'{"n": %d}' % number)], url="http://x")
            names.append(batch.seal().id)
    warehouse = Warehouse.at(tmp_path)
    warehouse.night([row("A1")])
    connection = warehouse.lake.writer()
    record = loads.LoadRecord(
        run="t", source=SOURCE, dataset=DATASET, table_name=warehouse.contract.table,
        status=loads.LOADED, started_at=NOW, ended_at=NOW,
    )  # fmt: skip
    for name in names:
        loads.record(warehouse.lake, connection, replace(record, batch=name))
    cut_off = landing.root / SOURCE / DATASET / ".gone-x"
    cut_off.mkdir()
    (cut_off / "manifest.json").touch()
    place = (connection, landing.root, SOURCE, DATASET)
    before = datetime.now(UTC) + timedelta(minutes=1)
    assert len(cleanup.clean_landing(*place, before=before, dry_run=True)) == 2
    assert cut_off.exists()
    gone = {one.batch for one in cleanup.clean_landing(*place, before=before)}
    left = {path.name for path in cut_off.parent.iterdir()}
    connection.close()
    assert len(gone) == 2
    assert left == set(names) - gone
    assert names[-1] in left


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    landing, staging = tmp_path / "landing", tmp_path / "staging"
    folder = landing / "tinh" / "cu" / "khong_con"
    folder.mkdir(parents=True)
    staging.mkdir()
    dead, alive = 2**22 + 1, os.getpid()
    expected = set()
    for name, goes in {
        f".partial-{dead}": True, f".partial-{alive}": False, ".journal": True,
        f".journal-{dead}": True, f".journal-{alive}": False,
    }.items():  # fmt: skip
        path = folder / name
        path.touch()
        os.utime(path, (0, 0))
        expected |= {path} if goes else set()
    young = folder.parent / "moi" / ".journal"
    young.parent.mkdir()
    young.touch()
    for pid, goes in ((dead, True), (alive, False)):
        path = staging / f"b.{pid}.duckdb"
        path.touch()
        expected |= {path} if goes else set()
    found = set(cleanup.leftovers(landing, staging, before=NOW - timedelta(days=7)))
    assert found == expected
    for path in found:
        cleanup.remove(path)
    assert not any(path.exists() for path in expected)


def test_an_attachment_goes_once_no_row_and_no_history_names_it(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    live, superseded, nobodys, fresh = (letter * 64 for letter in "abcd")
    with Store(tmp_path / "attachments") as store:
        for digest in (live, superseded, nobodys, fresh):
            store.keep(b"x", digest)
            if digest != fresh:
                os.utime(store.path(digest), (0, 0))
    warehouse.night([row("A1", f"{superseded};{'e' * 64}")])
    warehouse.night([row("A1", live)])
    connection = warehouse.lake.writer()
    found = cleanup.unnamed_attachments(connection, tmp_path, before=NOW - timedelta(days=1))
    with Store(tmp_path / "attachments") as store:
        store.keep(b"x", nobodys)  # wanted again, before its row is committed
    again = cleanup.unnamed_attachments(connection, tmp_path, before=NOW - timedelta(days=1))
    connection.close()
    assert [path.parent.name + path.name for path in found] == [nobodys]
    assert again == []
