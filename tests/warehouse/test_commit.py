"""Batches in a real lake: merge by key and content, history, quarantine, guards, idempotence."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import DataError, InternalError, TransientError
from tests.checks.contracts import changed, contract
from tests.warehouse.nights import Warehouse, row
from warehouse import commit as commit_module
from warehouse import lake as lake_module
from warehouse.lake import INLINED_ROWS


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse.at(tmp_path)


def test_insert_update_unchanged_and_delete_are_told_apart(warehouse: Warehouse) -> None:
    warehouse.night([row("A1", "An"), row("A2", "Bình"), row("A3", "Chi"), row("A4", "Dung"),
                     row("A5", "Em")])  # fmt: skip
    difference, done = warehouse.night(
        [row("A1", "An"), row("A2", "Bình Minh"), row("A3", "Chi"), row("A4", "Dung"), row("A6")]
    )
    assert done
    counts = (difference.inserted, difference.updated, difference.unchanged, difference.deleted)
    assert counts == (1, 1, 3, 1)
    assert warehouse.live() == {
        "A1": "An", "A2": "Bình Minh", "A3": "Chi", "A4": "Dung", "A6": "An",
    }  # fmt: skip
    assert warehouse.history() == [("A2", "Bình", "update", "b2"), ("A5", "Em", "delete", "b2")]


def test_a_part_of_the_source_deletes_nothing(warehouse: Warehouse) -> None:
    warehouse.night([row("A1"), row("A2")])
    difference, _ = warehouse.night([row("A2", "Bình")], whole=False)
    assert difference.deleted == 0
    assert warehouse.live() == {"A1": "An", "A2": "Bình"}


def test_the_same_rows_again_are_nothing(warehouse: Warehouse) -> None:
    warehouse.night([row("A1"), row("A2")])
    difference, _ = warehouse.night([row("A2"), row("A1")])
    assert difference.nothing
    assert difference.unchanged == 2


def test_the_same_batch_twice_is_committed_once(warehouse: Warehouse) -> None:
    warehouse.night([row("A1")])
    warehouse.batches -= 1
    _, done = warehouse.night([row("A1")], after=None)
    assert not done
    assert warehouse.query("SELECT count(*) FROM hub.loads") == [(1,)]


def test_a_batch_pulled_from_an_older_position_is_refused(warehouse: Warehouse) -> None:
    warehouse.night([row("A1")])
    warehouse.night([row("A1", "Bình")])
    with pytest.raises(TransientError, match="another sync"):
        warehouse.night([row("A1", "Chi")], after="b1")
    assert warehouse.live() == {"A1": "Bình"}


def test_the_shrink_guard_stops_and_names_what_would_vanish(warehouse: Warehouse) -> None:
    warehouse.night([row(f"A{n}") for n in range(20)])
    with pytest.raises(DataError, match=r"20 of 20 rows would vanish, \d+ may; for example A0"):
        warehouse.night([])
    assert len(warehouse.live()) == 20


def test_bad_rows_go_to_quarantine_and_the_rest_is_loaded(warehouse: Warehouse) -> None:
    bad = row("A2", ngay_nhan="2026-02-01", ngay_tra="2026-01-01")
    difference, _ = warehouse.night([row("A1"), bad, row(None), row("không đúng")])
    assert difference.rejected == 3
    assert set(warehouse.live()) == {"A1"}
    held = warehouse.query("SELECT rules, reasons, record_key FROM hub.quarantine ORDER BY rules")
    assert [rules for rules, _, _ in held] == [
        ["ma.pattern"], ["ma.required"], ["row.nhan_truoc_tra"],
    ]  # fmt: skip
    assert held[2][1] == ["Ngày hẹn trả sớm hơn ngày tiếp nhận"]
    assert held[2][2] == '{"ma":"A2"}'


def test_the_same_reject_is_held_once_and_leaves_when_mended(warehouse: Warehouse) -> None:
    bad = row("A2", ngay_nhan="2026-02-01", ngay_tra="2026-01-01")
    warehouse.night([row("A1"), bad])
    again, _ = warehouse.night([row("A1"), bad])
    assert again.nothing
    mended, _ = warehouse.night([row("A1"), row("A2")])
    assert (mended.inserted, mended.resolved) == (1, 1)
    assert warehouse.query(
        "SELECT _resolved_by FROM hub.quarantine WHERE _resolved_at IS NOT NULL"
    ) == [("b3",)]


def test_a_rejected_row_does_not_delete_its_predecessor(warehouse: Warehouse) -> None:
    warehouse.night([row("A1", "An"), row("A2", "Bình")])
    difference, _ = warehouse.night(
        [row("A1", "An"), row("A2", "Bình", ngay_nhan="2026-02-01", ngay_tra="2026-01-01")]
    )
    assert (difference.rejected, difference.deleted) == (1, 0)
    assert warehouse.live()["A2"] == "Bình"


def test_the_newer_version_in_a_batch_wins(warehouse: Warehouse) -> None:
    difference, _ = warehouse.night(
        [row("A1", "mới", version=2), row("A1", "cũ", version=1), row("A1", "mới", version=2)]
    )
    assert difference.duplicates == 2
    assert warehouse.live() == {"A1": "mới"}


def test_contradicting_copies_are_rejected_and_loaded_nowhere(warehouse: Warehouse) -> None:
    difference, _ = warehouse.night([row("A1", "An"), row("A1", "Bình"), row("A2")])
    assert difference.rejected == 2
    assert set(warehouse.live()) == {"A2"}


@pytest.mark.parametrize(
    "name", ["begin", "history", "delete", "insert", "quarantine", "resolve", "load_record",
             "message", "commit"],
)  # fmt: skip
def test_an_error_in_any_statement_changes_nothing(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    refused = row("A6", trang_thai=None)
    warehouse.night([row("A1", "An"), row("A2", "Bình"), row("A3"), row("A4"), row("A5"), refused])
    real = commit_module.step

    def broken(
        connection: duckdb.DuckDBPyConnection, step: str, sql: str, values: list[object]
    ) -> None:
        real(connection, step, "SELECT no_such_function()" if step == name else sql,
             [] if step == name else values)  # fmt: skip

    monkeypatch.setattr(commit_module, "step", broken)
    with pytest.raises(InternalError, match=name):
        warehouse.night([row("A1", "khác"), row("A3"), row("A4"), row("A5"), row("A9"), row(None)])
    assert warehouse.live() == {"A1": "An", "A2": "Bình", "A3": "An", "A4": "An", "A5": "An"}
    assert warehouse.history() == []
    assert warehouse.query(
        "SELECT count(*), count(*) FILTER (_resolved_at IS NULL) FROM hub.quarantine"
    ) == [(1, 1)]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    nights=st.lists(
        st.dictionaries(
            st.sampled_from([f"A{n}" for n in range(12)]),
            st.sampled_from(["An", "Bình", "Chi", "Đạt"]),
            min_size=9,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_live_table_is_always_the_last_snapshot(
    tmp_path_factory: pytest.TempPathFactory, nights: list[dict[str, str]]
) -> None:
    warehouse = Warehouse.at(tmp_path_factory.mktemp("model"))
    before: dict[str, str] = {}
    ended = 0
    for snapshot in nights:
        vanished = len(before.keys() - snapshot.keys())
        try:
            warehouse.night([row(ma, chu) for ma, chu in snapshot.items()])
        except DataError:
            assert vanished > 0
            continue
        ended += sum(1 for ma, chu in before.items() if snapshot.get(ma) != chu)
        before = snapshot
        assert warehouse.live() == snapshot
        assert len(warehouse.history()) == ended


def test_a_lake_of_an_earlier_version_is_widened(warehouse: Warehouse) -> None:
    warehouse.night([row("A1")])
    writer = warehouse.lake.writer()
    with warehouse.lake.lock():
        writer.execute("ALTER TABLE lake.hub.loads DROP COLUMN fingerprint")
    writer.close()
    lake_module._instance.cache_clear()  # as a process of the new version begins
    warehouse.night([row("A1", "Bình")])
    assert warehouse.query("SELECT count(*), count(fingerprint) FROM hub.loads") == [(2, 0)]


def test_files_are_divided_as_the_contract_says(tmp_path: Path) -> None:
    text = changed(
        "      - {property: versionColumn",
        "      - {property: partitionBy, value: [year(ngay_nhan)]}\n"
        "      - {property: versionColumn",
    )
    divided = Warehouse.at(tmp_path)
    divided.contract = contract(tmp_path, text)
    years = [row(f"A{n}", ngay_nhan=f"{2020 + n % 3}-01-02") for n in range(INLINED_ROWS + 3)]
    divided.night(years)
    folders = {path.parent.name for path in divided.lake.files.rglob("*.parquet")}
    assert {"year=2020", "year=2021", "year=2022"} <= folders
    assert divided.live().keys() == {cells["ma"] for cells in years}
