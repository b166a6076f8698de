"""Maintenance after thirty nights: nothing of the content changes, and nobody beside it is hurt."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import ConfigurationError, HubError, InternalError
from tests.e2e.deployment import ROOT
from tests.warehouse.nights import Warehouse, row
from warehouse import lake, maintenance, tables
from warehouse.lake import Lake
from warehouse.maintenance import Policy

NOTHING_KEPT = Policy(snapshots=timedelta(0), grace=timedelta(0))
TABLE = "dung_chung.ho_so_nho"
KEYS = {TABLE: ("ma",)}

READER = """
import json, sys, time
from pathlib import Path
from warehouse.lake import Lake
lake, stop = Lake(Path(sys.argv[1])), Path(sys.argv[2])
pinned = lake.reader()
pinned.execute("BEGIN")
ask = "SELECT count(*), sum(length(chu_ho_so)) FROM dung_chung.ho_so_nho"
first = pinned.execute(ask).fetchone()
print("ready", flush=True)
asked = 0
fresh = lake.reader()
while not stop.exists():
    again = pinned.execute(ask).fetchone()
    assert again == first, (again, first)
    now = fresh.execute("SELECT count(*) FROM dung_chung.ho_so_nho").fetchone()[0]
    assert now == 8, now
    asked += 1
print(json.dumps({"asked": asked}), flush=True)
"""

WRITER = """
import sys
from pathlib import Path
from tests.warehouse.nights import Warehouse, row
from warehouse.lake import Lake
made = Warehouse.at(Path(sys.argv[1]))
made.batches = 100
stop, nights = Path(sys.argv[2]), 0
print("ready", flush=True)
while not stop.exists():
    nights += 1
    made.night([row(f"A{n}", f"Ten {nights} {n}") for n in range(8)])
print(nights, flush=True)
"""


ROWS = 8
CHANGED = 29 * 6
"""Versions in the history: every fourth row never changes."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill a lake night by night; in the middle the table gains a column while rows are inlined."""
    folder = tmp_path_factory.mktemp("nights")
    warehouse = Warehouse.at(folder)
    for night in range(30):
        if night == 15:
            connection = warehouse.lake.writer()
            for table in (TABLE, tables.history_of(TABLE)):
                connection.execute(f"ALTER TABLE lake.{table} ADD COLUMN them VARCHAR")
            connection.close()
        warehouse.night([row(f"A{n}", f"Ten {night if n % 4 else 0}") for n in range(ROWS)])
    return folder


@pytest.fixture
def warehouse(filled: Path, tmp_path: Path) -> Warehouse:
    """Return a copy of it."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    return Warehouse.at(tmp_path)


def test_maintenance_changes_no_content_and_leaves_few_files(warehouse: Warehouse) -> None:
    live, history = warehouse.live(), warehouse.history()
    assert len(history) == CHANGED
    # The nights that inline nothing leave a file each; here all are small, so all lie inlined.
    done = maintenance.maintain(warehouse.lake, KEYS, Policy())
    flushed = {line.table: line.count for line in done if line.step == "flushed_rows"}
    assert flushed[TABLE] > 0
    assert flushed["hub.loads"] == 30
    assert (warehouse.live(), warehouse.history()) == (live, history)
    connection = warehouse.lake.writer()
    stored = {one.table: one for one in maintenance.sizes(connection)}
    connection.close()
    assert all(one.inlined == 0 for one in stored.values())
    assert stored[TABLE].files <= maintenance.MANY_FILES
    again = maintenance.maintain(warehouse.lake, KEYS, Policy())
    assert all(line.count == 0 for line in again), again


def test_old_snapshots_answer_until_they_expire_and_files_go_after_the_grace(
    warehouse: Warehouse,
) -> None:
    made = warehouse.lake
    old = made.reader().execute("SELECT max(snapshot_id) - 5 FROM lake.snapshots()").fetchone()
    assert old is not None
    ask = f"SELECT ma, chu_ho_so FROM {TABLE} ORDER BY ma"
    before = made.reader(version=old[0]).execute(ask).fetchall()
    maintenance.maintain(made, KEYS, Policy(grace=timedelta(0)))
    assert made.reader(version=old[0]).execute(ask).fetchall() == before
    files = len(list(made.files.rglob("*.parquet")))
    done = {line.step: line.count for line in maintenance.maintain(
        made, KEYS, Policy(snapshots=timedelta(0)))}  # fmt: skip
    assert done["expired_snapshots"] > 30
    assert done["removed_files"] == 0  # within the grace
    assert len(list(made.files.rglob("*.parquet"))) == files
    with pytest.raises(ConfigurationError, match="no snapshot"):
        made.reader(version=old[0])
    done = {line.step: line.count for line in maintenance.maintain(made, KEYS, NOTHING_KEPT)}
    assert done["removed_files"] > 0
    assert len(warehouse.live()) == ROWS


def test_a_file_that_no_commit_named_goes_after_the_grace_only(warehouse: Warehouse) -> None:
    maintenance.maintain(warehouse.lake, KEYS, Policy())
    lost = warehouse.lake.files / "dung_chung" / "ho_so_nho" / "ducklake-lost.parquet"
    lost.parent.mkdir(parents=True, exist_ok=True)
    lost.write_bytes(b"PAR1")
    maintenance.maintain(warehouse.lake, KEYS, Policy())
    assert lost.exists()
    maintenance.maintain(warehouse.lake, KEYS, NOTHING_KEPT)
    assert not lost.exists()


def test_a_dry_run_does_nothing(warehouse: Warehouse) -> None:
    before = sorted(path.name for path in warehouse.lake.files.rglob("*"))
    snapshots = warehouse.query("SELECT count(*) FROM lake.snapshots()")
    done = maintenance.maintain(warehouse.lake, KEYS, NOTHING_KEPT, dry_run=True)
    assert {line.step: line.count for line in done}["expired_snapshots"] > 30
    assert sorted(path.name for path in warehouse.lake.files.rglob("*")) == before
    assert warehouse.query("SELECT count(*) FROM lake.snapshots()") == snapshots


@pytest.mark.parametrize("point", ["flush", "sort", "rewrite", "merge", "expire", "clean_up"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_off_at_any_step_the_next_run_does_the_rest(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, point: str, when: str
) -> None:
    live, history = warehouse.live(), warehouse.history()
    monkeypatch.setattr(maintenance, "MANY_FILES", 0)
    real = maintenance.step

    def stopping(connection: object, name: str, sql: str) -> list[tuple[object, ...]]:
        if name == point and when == "before":
            raise KeyboardInterrupt
        result = real(connection, name, sql)  # type: ignore[arg-type]  # passed on
        if name == point:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(maintenance, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        maintenance.maintain(warehouse.lake, KEYS, NOTHING_KEPT)
    monkeypatch.setattr(maintenance, "step", real)
    assert (warehouse.live(), warehouse.history()) == (live, history)
    maintenance.maintain(warehouse.lake, KEYS, NOTHING_KEPT)
    assert (warehouse.live(), warehouse.history()) == (live, history)


def test_thirty_nights_with_readers_and_a_sync_beside(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake, "ALONE_PATIENCE", 0.1)
    stop = tmp_path / "stop"

    def beside(code: str, folder: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder), str(stop)],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate(timeout=10)[1]
        return process

    processes = [beside(READER, warehouse.lake.folder), beside(WRITER, tmp_path)]
    ended = time.monotonic() + 4.5
    rounds = 0
    try:
        while time.monotonic() < ended or rounds < 3:
            maintenance.maintain(
                warehouse.lake,
                KEYS,
                Policy(snapshots=timedelta(seconds=3), grace=timedelta(hours=1)),
            )
            rounds += 1
    finally:
        stop.touch()
        outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert json.loads(outputs[0][0])["asked"] > 10
    nights = int(outputs[1][0])
    assert nights >= 2
    assert warehouse.live()["A7"] == f"Ten {nights} 7"
    assert len(warehouse.history()) > CHANGED + 6 * (nights - 1)


def test_a_refused_step_is_told_without_its_values(tmp_path: Path) -> None:
    connection = Warehouse.at(tmp_path).lake.writer()
    with pytest.raises(InternalError, match="maintenance failed at 'flush'") as caught:
        maintenance.step(connection, "flush", "SELECT error('Nguyễn Văn A')")
    assert "Nguyễn" not in str(caught.value)
    assert isinstance(caught.value, HubError)
    assert maintenance.maintain(Lake(tmp_path / "none"), {}, Policy()) == []
