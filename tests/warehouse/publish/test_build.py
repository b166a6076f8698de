"""What is published is the masked lake of one snapshot, whole at every instant, nothing else."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import ConfigurationError
from tests.bytesearch import holding
from tests.e2e.deployment import ROOT
from tests.warehouse.nights import Warehouse, row
from tests.warehouse.publish.lakes import (
    FIRST,
    NAMES,
    SECOND,
    ask,
    contract,
    filled,
    night,
    plan_of,
)
from warehouse import maintenance
from warehouse.lake import Lake
from warehouse.publish import build, parquet
from warehouse.publish.build import publish
from warehouse.publish.manifest import read

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.warehouse.publish.lakes import contract
from warehouse.lake import Lake
from warehouse.publish import generations
from warehouse.publish.build import Plan, publish
def step(name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
generations.step = step
folder = Path(sys.argv[1])
publish(Lake(folder / "lake"), folder / "publish",
        Plan([contract(folder, "ho_so_nho"), contract(folder, "danh_ba")]))
"""
READER = """
import sys
from pathlib import Path
import duckdb
current, stop, asked = Path(sys.argv[1]) / "current", Path(sys.argv[2]), 0
while not stop.exists():
    with duckdb.connect(str(current / "kho_du_lieu.duckdb"), read_only=True) as file:
        found = file.execute(
            "SELECT list(DISTINCT le_phi), count(*) FROM dung_chung.ho_so_nho").fetchone()
    assert len(found[0]) == 1 and found[1] == 3, found
    generation = current.resolve()
    tables = [f"'{generation}/parquet/dung_chung/{name}.parquet'" for name in ("ho_so_nho",)]
    found = duckdb.sql(f"SELECT list(DISTINCT le_phi), count(*) FROM {tables[0]}").fetchone()
    assert len(found[0]) == 1 and found[1] == 3, found
    asked += 1
    if asked == 1:
        print("ready", flush=True)
print(asked)
"""


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Warehouse]:
    return filled(tmp_path)


def test_the_files_hold_the_masked_lake_and_no_name(
    tmp_path: Path, made: dict[str, Warehouse]
) -> None:
    lake = made[FIRST].lake
    assert holding(tmp_path / "lake", NAMES)  # the search would find them
    done = publish(lake, tmp_path / "publish", plan_of(made))
    assert done.changed
    assert holding(tmp_path / "publish", NAMES) == []
    columns = "ma, ngay_nhan, chu_ho_so, le_phi, _source"
    rows = made[FIRST].query(
        f"SELECT {columns.replace('chu_ho_so', 'chu_ho_so IS NOT NULL')} FROM {FIRST} ORDER BY ma"
    )
    told = [(*one[:2], "***" if one[2] else None, *one[3:]) for one in rows]
    assert len(told) == 3
    assert ask(tmp_path / "publish", f"SELECT {columns} FROM {FIRST} ORDER BY ma") == told
    file = done.generation / "parquet" / "dung_chung" / "ho_so_nho.parquet"
    assert ask(tmp_path / "publish", f"SELECT {columns} FROM '{file}' ORDER BY ma") == told
    names = ask(
        tmp_path / "publish", "SELECT schema_name, table_name FROM duckdb_tables() ORDER BY 2"
    )
    assert names == [
        ("dung_chung", "danh_ba"),
        ("dung_chung", "ho_so_nho"),
        ("main", "hub_xuat_ban"),
    ]
    of_table = ask(tmp_path / "publish", f"SELECT column_name FROM (DESCRIBE {FIRST})")
    assert [name for (name,) in of_table if name.startswith("_")] == ["_source", "_loaded_at"]
    told_of = ask(
        tmp_path / "publish",
        "SELECT nguon, ten_nguon, so_dong, cot_che, han_gio, nap_luc = kiem_tra_luc, anh_chup "
        f"FROM hub_xuat_ban WHERE bang = '{FIRST}'",
    )
    snapshot = done.manifest.snapshot
    assert told_of == [("tinh/cong", "Cổng", 3, ["chu_ho_so"], 26.0, True, snapshot)]
    empty = f"SELECT nguon, so_dong FROM hub_xuat_ban WHERE bang = '{SECOND}'"
    assert ask(tmp_path / "publish", empty) == [(None, 0)]
    (comment,) = ask(
        tmp_path / "publish",
        "SELECT comment FROM duckdb_columns() WHERE column_name = 'chu_ho_so' "
        f"AND table_name = '{FIRST.partition('.')[2]}'",
    )
    assert comment[0].startswith("Chủ hồ sơ. Họ tên (name) Đã che: *** nếu")


def test_the_file_says_that_duckdb_1_4_reads_it(tmp_path: Path, made: dict[str, Warehouse]) -> None:
    """In the header stands the number of the storage version; DuckDB 1.4 reads 64 to 67."""
    done = publish(made[FIRST].lake, tmp_path / "publish", plan_of(made))
    header = (done.generation / "kho_du_lieu.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert 64 <= struct.unpack_from("<Q", header, 12)[0] <= 67
    assert not (done.generation / "kho_du_lieu.duckdb.wal").exists()


def test_nothing_is_written_if_nothing_changed_and_only_changed_tables_anew(
    tmp_path: Path, made: dict[str, Warehouse]
) -> None:
    lake, folder = made[FIRST].lake, tmp_path / "publish"
    first = publish(lake, folder, plan_of(made))
    assert first.renewed == (SECOND, FIRST)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    maintenance.maintain(lake, {}, maintenance.Policy())  # a newer snapshot with the same rows
    again = publish(lake, folder, plan_of(made))
    assert (again.changed, again.generation) == (False, first.generation)
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in before if before[path] != after[path]} == {build.STATUS}
    night(made[SECOND], [row("B1", NAMES[0])])
    second = publish(lake, folder, plan_of(made))
    assert second.renewed == (SECOND,)
    kept, renewed = (
        [one.generation / f"{parquet.path_of(table)}.parquet" for one in (first, second)]
        for table in (FIRST, SECOND)
    )
    assert kept[0].samefile(kept[1])
    assert not renewed[0].samefile(renewed[1])
    assert ask(folder, f"SELECT ma FROM {SECOND}") == [("B1",)]
    # Whoever adds a mask has it at once, although no row changed.
    masked = contract(tmp_path, "danh_ba", **{"classification: basic": "classification: sensitive"})
    plan = plan_of(made)
    third = publish(lake, folder, build.Plan([made[FIRST].contract, masked], plan.titles))
    assert third.renewed == (SECOND,)
    assert ask(folder, f"SELECT chu_ho_so FROM {SECOND}") == [(None,)]
    # A damaged file is made anew.
    broken = third.generation / f"{parquet.path_of(FIRST)}.parquet"
    broken.chmod(0o600)
    os.truncate(broken, 10)
    mended = publish(lake, folder, build.Plan([made[FIRST].contract, masked], plan.titles))
    assert mended.renewed == (FIRST,)
    assert ask(folder, f"SELECT count(*) FROM {FIRST}") == [(3,)]


def test_what_a_contract_keeps_back_is_not_published(
    tmp_path: Path, made: dict[str, Warehouse]
) -> None:
    lake, folder = made[FIRST].lake, tmp_path / "publish"
    kept = contract(
        tmp_path, "danh_ba",
        **{"- {property: rejectThreshold": "- {property: publish, value: false}\n"
           "      - {property: rejectThreshold"},
    )  # fmt: skip
    done = publish(lake, folder, build.Plan([made[FIRST].contract, kept]))
    assert [table.name for table in done.manifest.tables] == [FIRST]
    with pytest.raises(ConfigurationError, match="no table to publish"):
        publish(lake, folder, build.Plan([kept]))
    with pytest.raises(ConfigurationError, match="no warehouse"):
        publish(Lake(tmp_path / "none"), tmp_path / "other", plan_of(made))
    for value, why in (("true", "contradicts phanLoai"), ("'no'", "write true or false")):
        with pytest.raises(ConfigurationError, match=why):
            contract(
                tmp_path, "rieng",
                **{"dung_chung.rieng": "dung_rieng.rieng", "value: dung_chung}":
                   f"value: dung_rieng}}\n      - {{property: publish, value: {value}}}"},
            )  # fmt: skip


def test_a_column_that_nobody_described_is_left_out_and_a_new_one_is_empty(
    tmp_path: Path, made: dict[str, Warehouse]
) -> None:
    connection = made[FIRST].lake.writer()
    connection.execute(f"ALTER TABLE lake.{FIRST} ADD COLUMN la VARCHAR DEFAULT '{NAMES[0]}'")
    connection.execute(f"ALTER TABLE lake.{FIRST} DROP COLUMN le_phi")
    connection.close()
    publish(made[FIRST].lake, tmp_path / "publish", plan_of(made))
    assert holding(tmp_path / "publish", NAMES) == []
    assert ask(tmp_path / "publish", f"SELECT count(le_phi), count(*) FROM {FIRST}") == [(0, 3)]


def test_a_table_of_another_shape_than_its_contract_is_left_out_and_told(
    tmp_path: Path, made: dict[str, Warehouse]
) -> None:
    other = contract(
        tmp_path, "danh_ba",
        **{"logicalType: number\n        physicalType: DECIMAL(18,2)":
           "logicalType: number\n        physicalType: DECIMAL(18,3)"},
    )  # fmt: skip
    done = publish(
        made[FIRST].lake, tmp_path / "publish", build.Plan([made[FIRST].contract, other])
    )
    assert done.left_out == (SECOND,)
    assert [table.name for table in done.manifest.tables] == [FIRST]


def test_a_large_table_is_several_files(
    tmp_path: Path, made: dict[str, Warehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "MANY_ROWS", 2)
    done = publish(made[FIRST].lake, tmp_path / "publish", plan_of(made))
    stored = done.manifest.table(FIRST)
    assert stored is not None
    assert [file.path for file in stored.files] == [
        "parquet/dung_chung/ho_so_nho/ho_so_nho-0.parquet"
    ]
    assert ask(tmp_path / "publish", f"SELECT count(*) FROM {FIRST}") == [(3,)]


@pytest.mark.parametrize("point", ["parquet", "database", "rename", "link", "shown"])
def test_killed_at_any_step_readers_have_a_whole_generation(
    tmp_path: Path, made: dict[str, Warehouse], point: str
) -> None:
    folder = tmp_path / "publish"
    plan = build.Plan([made[FIRST].contract, made[SECOND].contract])
    first = publish(made[FIRST].lake, folder, plan)
    night(made[SECOND], [row("B1", NAMES[0])])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), point],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    rows = 1 if point == "shown" else 0
    assert ask(folder, f"SELECT count(*) FROM {SECOND}") == [(rows,)]
    assert holding(folder, NAMES) == []
    again = publish(made[FIRST].lake, folder, plan)
    assert again.changed == (point != "shown")
    assert ask(folder, f"SELECT count(*) FROM {SECOND}") == [(1,)]
    left = {path.name for path in folder.iterdir()}
    assert left == {build.STATUS, "current", first.generation.name, again.generation.name}
    assert read(again.generation) == again.manifest


def test_a_reader_beside_nights_and_publishings_never_sees_a_part(
    tmp_path: Path, made: dict[str, Warehouse]
) -> None:
    folder, stop = tmp_path / "publish", tmp_path / "stop"
    publish(made[FIRST].lake, folder, plan_of(made))
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(folder), str(stop)],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert reader.stdout is not None
    try:
        assert reader.stdout.readline() == "ready\n"
        for fee in range(10, 14):
            night(made[FIRST], [row(f"A{n}", le_phi=str(fee), version=fee) for n in (1, 2, 3)])
            assert publish(made[FIRST].lake, folder, plan_of(made, grace=timedelta())).changed
    finally:
        stop.touch()
        _, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
