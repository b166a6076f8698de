"""The change feed: replayed over a copy from any moment, it gives the table as it is now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.contract import load_contract
from hub.errors import ConfigurationError
from tests.checks.contracts import changed, write
from tests.warehouse.nights import SOURCE, Warehouse, row
from warehouse import changes, history

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
KEEPS = changed(
    "value: cap_nhat}\n", "value: cap_nhat}\n      - {property: historyDays, value: 9}\n"
)
LOOSE = changed("value: 0.25}\n", "value: 0.25}\n      - {property: shrinkShare, value: 1}\n")


def feed(warehouse: Warehouse, since: datetime) -> list[tuple[Any, ...]]:
    """Return (kind, key, name) of the changes since a moment."""
    connection = warehouse.lake.writer()
    until = changes.mark(connection)
    sql = f"SELECT _kind, ma, chu_ho_so FROM ({changes.changes_sql(warehouse.contract)})"
    found = connection.execute(sql, {"since": since, "until": until}).fetchall()
    connection.close()
    return found


def replayed(copy: dict[str, str], entries: list[tuple[Any, ...]]) -> dict[str, str]:
    """Do to a copy of the table what the feed says."""
    for kind, ma, chu in entries:
        if kind == "delete":
            del copy[ma]
        else:
            assert (ma in copy) == (kind == "update")
            copy[ma] = chu
    return copy


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    nights=st.lists(
        st.tuples(
            st.booleans(),
            st.dictionaries(
                st.sampled_from([f"A{n}" for n in range(6)]), st.sampled_from(["An", "Bình"])
            ),
        ),
        min_size=2,
        max_size=5,
    )
)
def test_the_feed_from_any_moment_gives_the_table_now(
    tmp_path_factory: pytest.TempPathFactory, nights: list[tuple[bool, dict[str, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("feed")
    warehouse = Warehouse.at(folder)
    warehouse.contract = load_contract(write(folder, LOOSE))
    seen: list[tuple[datetime, dict[str, str]]] = [(BEGIN, {})]
    for whole, night in nights:
        warehouse.night([row(ma, chu) for ma, chu in night.items()], whole=whole)
        (newest,) = warehouse.query("SELECT max(ended_at) FROM hub.loads")[0]
        seen.append((newest, warehouse.live()))
    now = warehouse.live()
    for moment, copy in seen:
        assert replayed(dict(copy), feed(warehouse, moment)) == now


def test_the_moment_of_a_commit_is_later_than_the_last_whatever_the_clock(
    tmp_path: Path,
) -> None:
    warehouse = Warehouse.at(tmp_path)
    warehouse.night([row("A1")])
    writer = warehouse.lake.writer()
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with warehouse.lake.lock():
        writer.execute("UPDATE lake.hub.loads SET ended_at = ?", [ahead])
    writer.close()
    warehouse.night([row("A1"), row("A2")])
    ((newest,),) = warehouse.query("SELECT max(ended_at) FROM hub.loads")
    assert newest > ahead
    assert feed(warehouse, ahead) == [("insert", "A2", "An")]


def test_history_goes_after_its_days_and_the_feed_says_so(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    warehouse.contract = load_contract(write(tmp_path, KEEPS))
    warehouse.night([row("A1", "An"), row("A2")])
    warehouse.night([row("A1", "Bình", version=2), row("A2")])
    writer, now = warehouse.lake.writer(), datetime.now(UTC)
    assert history.purge(warehouse.lake, writer, warehouse.contract, now) == 0
    history.require(writer, warehouse.contract, BEGIN)
    later = now + timedelta(days=10)
    assert history.purge(warehouse.lake, writer, warehouse.contract, later) == 1
    assert history.purge(warehouse.lake, writer, warehouse.contract, later) == 0
    assert warehouse.history() == []
    assert warehouse.live() == {"A1": "Bình", "A2": "An"}
    with pytest.raises(ConfigurationError, match="the history of dung_chung"):
        history.require(writer, warehouse.contract, now)
    history.require(writer, warehouse.contract, later)
    assert writer.execute("SELECT table_name, versions FROM lake.hub.purges").fetchall() == [
        (warehouse.contract.table, 1)
    ]
    writer.close()


def test_changes_of_two_sources_with_the_same_keys_are_told_apart(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    warehouse.night([row("A1")])
    (first,) = warehouse.query("SELECT max(ended_at) FROM hub.loads")[0]
    writer = warehouse.lake.writer()
    with warehouse.lake.lock():
        writer.execute(
            f"INSERT INTO lake.{warehouse.contract.table} BY NAME SELECT * REPLACE "
            f"('khac/nguon' AS _source) FROM lake.{warehouse.contract.table}"
        )
    writer.close()
    warehouse.night([row("A1", "Bình")])
    assert feed(warehouse, first) == [("update", "A1", "Bình")]
    assert len(feed(warehouse, BEGIN)) == 3
    assert warehouse.query(
        f"SELECT count(*) FROM {warehouse.contract.table} WHERE _source <> '{SOURCE}'"
    ) == [(1,)]
