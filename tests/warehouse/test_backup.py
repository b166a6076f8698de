"""A backup is the lake of one moment, whole or not there; what is restored equals it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import ConfigurationError, DataError
from tests.e2e.deployment import ROOT
from tests.warehouse.nights import Warehouse, row
from warehouse import backup, maintenance
from warehouse.lake import Lake

KEEP = timedelta(days=30)

WRITER = """
import sys
from pathlib import Path
from tests.warehouse.nights import Warehouse, row
made = Warehouse.at(Path(sys.argv[1]))
made.batches = 100
stop, night = Path(sys.argv[2]), 0
while not stop.exists():
    night += 1
    made.night([row(f"A{n}", f"Ten {night}") for n in range(8)])
    if night == 1:
        print("ready", flush=True)
"""

KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from warehouse import backup
def step(name):
    if name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
backup.step = step
backup.back_up(Path(sys.argv[1]), Path(sys.argv[2]), keep=timedelta(days=1))
"""


def filled(data: Path) -> Warehouse:
    """Return a lake of three nights with inlined rows and with files, and a landed batch."""
    data.mkdir(exist_ok=True)
    warehouse = Warehouse.at(data)
    for night in range(3):
        warehouse.night([row(f"A{n}", f"Ten {night}") for n in range(8)])
        if night == 1:
            maintenance.maintain(warehouse.lake, {}, maintenance.Policy())
    batch = data / "landing" / "tinh" / "cong" / "ho_so" / "b1"
    batch.mkdir(parents=True)
    (batch / "manifest.json").write_text('{"files": [{"name": "a"}]}')
    (batch / "a").write_text("1")
    (data / "publish").mkdir()
    (data / "publish" / "xuat_ban.json").write_text("{}")  # made from the lake: in no backup
    torn = batch.with_name("b2")
    torn.mkdir()
    (torn / "manifest.json").write_text('{"files": [{"name": "gone"}]}')
    return warehouse


def test_what_is_restored_is_the_lake_and_takes_the_next_night(tmp_path: Path) -> None:
    warehouse = filled(tmp_path / "data")
    live, history = warehouse.live(), warehouse.history()
    taken = backup.back_up(tmp_path / "data", tmp_path / "backups", keep=KEEP)
    warehouse.night([row(f"A{n}", "Sau") for n in range(8)])
    manifest = backup.restore(taken, tmp_path / "again")
    restored = Warehouse.at(tmp_path / "again")
    assert (restored.live(), restored.history()) == (live, history)
    assert manifest.keep_until == f"{datetime.now(UTC) + KEEP:%Y-%m-%d}"
    assert not (tmp_path / "again" / "publish").exists()
    landed = tmp_path / "again" / "landing" / "tinh" / "cong" / "ho_so"
    assert [path.name for path in landed.iterdir()] == ["b1"]
    restored.batches = 50
    restored.night([row(f"A{n}", "Moi") for n in range(8)])
    assert set(restored.live().values()) == {"Moi"}
    assert len(restored.history()) == len(history) + 8
    # The backup is as it was: nothing in it is shared with what was restored.
    backup.verify(taken)


def test_a_backup_beside_a_sync_and_maintenance_is_one_moment(tmp_path: Path) -> None:
    warehouse = filled(tmp_path / "data")
    stop = tmp_path / "stop"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "data"), str(stop)],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    try:
        taken = [
            backup.back_up(tmp_path / "data", tmp_path / "backups", keep=KEEP) for _ in range(3)
        ]
    finally:
        stop.touch()
        _, errors = writer.communicate(timeout=60)
    assert writer.returncode == 0, errors
    for number, one in enumerate(taken):
        backup.restore(one, tmp_path / f"r{number}")
        restored = Warehouse.at(tmp_path / f"r{number}")
        assert len(set(restored.live().values())) == 1  # never part of a night
        nights = restored.query("SELECT count(*) FROM hub.loads WHERE status = 'loaded'")
        assert len(restored.history()) == 8 * (nights[0][0] - 1)
    assert len(warehouse.live()) == 8


@pytest.mark.parametrize("point", ["catalog", "folders", "dagster", "manifest", "rename"])
def test_a_killed_backup_leaves_nothing_visible(tmp_path: Path, point: str) -> None:
    filled(tmp_path / "data")
    target = tmp_path / "backups"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "data"), str(target), point],
        cwd=ROOT, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert list(target.glob("hub-*")) == []
    assert any(target.iterdir())
    taken = backup.back_up(tmp_path / "data", target, keep=KEEP)
    assert list(target.iterdir()) == [taken]


def test_damage_is_found_and_nothing_is_restored(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    taken = backup.back_up(tmp_path / "data", tmp_path / "backups", keep=KEEP)
    with pytest.raises(ConfigurationError, match="is not empty"):
        backup.restore(taken, tmp_path / "data")
    file = next((taken / "lake").rglob("*.parquet"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    os.unlink(file)  # noqa: PTH108 - the lake's own file is linked to it
    file.write_bytes(data)
    with pytest.raises(DataError, match="1 files of the backup are missing or damaged"):
        backup.restore(taken, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    with pytest.raises(ConfigurationError, match="is no backup"):
        backup.restore(tmp_path, tmp_path / "again")
    with pytest.raises(ConfigurationError, match="no warehouse"):
        backup.back_up(tmp_path / "none", tmp_path / "backups", keep=KEEP)
    assert Lake(tmp_path / "data" / "lake").exists


def test_backups_age_out_by_their_own_date(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    target = tmp_path / "backups"
    short = backup.back_up(tmp_path / "data", target, keep=timedelta(days=1))
    long = backup.back_up(tmp_path / "data", target, keep=timedelta(days=60))
    now = datetime.now(UTC)
    assert backup.prune(target, now) == []
    assert backup.prune(target, now + timedelta(days=3)) == [short]
    assert list(target.iterdir()) == [long]
