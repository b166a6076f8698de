"""A system's records: read once, and those of nothing written together."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.checks.contracts import contract as contract_in
from tests.warehouse.nights import SOURCE, Warehouse, row
from warehouse import loads, tables
from warehouse.lake import INLINED_ROWS, Lake
from warehouse.ledger import Ledger


def a_record(dataset: str, status: str = loads.UNCHANGED, **other: Any) -> loads.LoadRecord:
    now = datetime.now(UTC)
    return loads.LoadRecord(
        run="dem", source=SOURCE, dataset=dataset, table_name="dung_chung.ho_so_nho", status=status,
        started_at=now, ended_at=now, **other,
    )  # fmt: skip


def stored(lake: Lake) -> list[tuple[Any, ...]]:
    with closing(lake.writer()) as connection:
        return connection.execute(
            "SELECT seq, dataset, status, batch FROM lake.hub.loads ORDER BY seq"
        ).fetchall()


def snapshots(lake: Lake) -> int:
    with closing(lake.writer()) as connection:
        found = connection.execute("SELECT count(*) FROM lake.snapshots()").fetchone()
    return int(found[0]) if found else 0


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(tmp_path / "lake")
    made.writer().close()
    return made


def test_records_of_nothing_are_written_at_the_end_in_one_commit(lake: Lake) -> None:
    before = snapshots(lake)
    with Ledger(lake, SOURCE) as ledger, closing(lake.writer()) as connection:
        for name in ("a", "b", "c"):
            ledger.keep(connection, a_record(name, batch=f"lo-{name}"))
        assert stored(lake) == []
    assert stored(lake) == [(n, name, "unchanged", f"lo-{name}") for n, name in enumerate("abc", 1)]
    assert snapshots(lake) == before + 1


def test_a_failure_is_written_at_once(lake: Lake) -> None:
    with Ledger(lake, SOURCE) as ledger, closing(lake.writer()) as connection:
        ledger.keep(connection, a_record("a"))
        ledger.keep(connection, a_record("b", loads.FAILED, error="no answer"))
        assert [kept[1] for kept in stored(lake)] == ["b"]
    assert [kept[:3] for kept in stored(lake)] == [(1, "b", "failed"), (2, "a", "unchanged")]


def test_what_is_known_is_written_although_the_run_ends_badly(lake: Lake) -> None:
    def cut_off() -> None:
        with Ledger(lake, SOURCE) as ledger, closing(lake.writer()) as connection:
            ledger.keep(connection, a_record("a"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert [kept[1] for kept in stored(lake)] == ["a"]


def test_many_records_make_no_file(lake: Lake) -> None:
    with Ledger(lake, SOURCE) as ledger, closing(lake.writer()) as connection:
        for number in range(INLINED_ROWS + 1):
            ledger.keep(connection, a_record(f"d{number:03}"))
    kept = stored(lake)
    assert [seq for seq, *_ in kept] == list(range(1, INLINED_ROWS + 2))
    assert [name for _, name, *_ in kept] == sorted(name for _, name, *_ in kept)
    assert not list(lake.files.rglob("*.parquet"))


def test_the_last_good_record_comes_with_what_the_checks_said(lake: Lake) -> None:
    with closing(lake.writer()) as connection:
        loads.record(
            lake,
            connection,
            a_record("a", loads.LOADED, batch="1", checks="[1]"),
            a_record("a", loads.LOADED, batch="2", checks="[2]"),
            a_record("a", batch="3"),
            a_record("a", loads.FAILED, batch="4"),
            a_record("b", loads.FAILED),
            replace(a_record("a", batch="9"), source="khac/he"),
        )
        ledger = Ledger(lake, SOURCE)
        good = ledger.last_good(connection, "a")
        assert good is not None
        assert (good["batch"], good["checked"]) == ("3", "[2]")
        assert loads.checked(connection, SOURCE, "a") == "[2]"
        assert ledger.last_good(connection, "b") is None
        loads.record(lake, connection, a_record("a", batch="5"))
        assert ledger.last_good(connection, "a") == good, "it is asked for once"


def test_rows_and_open_quarantine_are_those_of_the_dataset(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    warehouse.night([row("A1"), row("A2"), row(None), row("A4", trang_thai=None)])
    (found,) = warehouse.query("SELECT dataset FROM hub.loads")
    ledger = Ledger(warehouse.lake, SOURCE)
    with closing(warehouse.lake.writer()) as connection:
        of_it = a_record(found[0])
        assert ledger.held(connection, of_it) == (2, 2)
        assert ledger.held(connection, a_record("khac")) == (2, 0)
        assert ledger.held(connection, replace(of_it, status=loads.FAILED)) == (0, 0)
        warehouse.night([row("A1"), row("A2"), row("A3"), row("A4", trang_thai=None)])
        assert ledger.held(connection, replace(of_it, status=loads.LOADED)) == (3, 1)


def test_the_tables_of_a_run_are_made_in_one_commit(tmp_path: Path) -> None:
    one = contract_in(tmp_path)
    others = [replace(one, table=f"mo.bang_{number}") for number in range(3)]
    lake = Lake(tmp_path / "lake")
    with closing(lake.writer()) as connection:
        before = snapshots(lake)
        tables.ensure(connection, one, [*others, one])
        assert snapshots(lake) == before + 1
        tables.ensure(connection, others[0], others)
        assert snapshots(lake) == before + 1
        made = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' "
            "AND schema_name = 'mo' AND table_name NOT LIKE '%_lich_su' ORDER BY 1"
        ).fetchall()
    assert [name for (name,) in made] == ["bang_0", "bang_1", "bang_2"]
