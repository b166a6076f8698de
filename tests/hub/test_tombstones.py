"""A source that says of a record that it ended, and one that shows only a part of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.catalog import load_catalog
from hub.land import land
from hub.load import Context, Outcome, load
from hub.settings import Settings
from tests.sources.faults import Asked, FaultServer, Reply, as_json

CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "thu", "name": "Bảng thử",
    "version": "1.0.0", "status": "active", "team": {"name": "trung_tam"},
    "schema": [{
        "name": "thu", "physicalName": "dung_chung.thu", "description": "Bảng thử (a table)",
        "customProperties": [
            {"property": "phanLoai", "value": "dung_chung"},
            {"property": "versionColumn", "value": "cap_nhat"},
            {"property": "shrinkShare", "value": 0.5},
            {"property": "fewestRows", "value": 3},
        ],
        "properties": [
            {"name": name, "businessName": name, "description": name, "logicalType": logical,
             "physicalType": physical, "primaryKey": key, "required": True}
            for name, logical, physical, key in (
                ("ma", "string", "VARCHAR", True),
                ("ten", "string", "VARCHAR", False),
                ("cap_nhat", "timestamp", "TIMESTAMP", False),
            )
        ],
    }],
}  # fmt: skip
DATASET: dict[str, Any] = {
    "name": "thu", "title": "Thử", "contract": "thu", "mode": "incremental", "cursor": "cap_nhat",
    "tombstone": {"field": "deleted", "values": ["true"]},
    "fetch": {"path": "/feed", "records": "data", "paging": {"kind": "none"},
              "since_parameter": "since", "time_format": "%Y-%m-%dT%H:%M:%S"},
    "columns": {"ma": "id", "ten": "name", "cap_nhat": {"source": "at", "dates": ["iso"]}},
}  # fmt: skip


def event(number: int, day: int, *, name: str = "", deleted: bool = False) -> dict[str, Any]:
    """Return a record of the feed; one that ended has no more than its id, as most do."""
    told = {"id": f"r{number}", "at": f"2026-09-{day:02}T08:00:00"}
    return {**told, "deleted": True} if deleted else {**told, "name": name or f"tên {number}"}


class Feed:
    """A feed of changes, and the hub that reads it."""

    def __init__(self, folder: Path, server: FaultServer) -> None:
        """Write definition and contract."""
        self.events = [event(number, 1) for number in range(1, 7)]
        self.settings = Settings(data_dir=folder / "data", assets_dir=folder / "assets")
        system = {"name": "tinh/nguon", "title": "Nguồn", "owner": "team:nguon", "kind": "rest",
                  "base_url": {"env": "TINH_NGUON_URL"}, "datasets": [DATASET]}  # fmt: skip
        for name, document in {
            "tinh/nguon/defs.yaml": {"type": "hub.components.SourceSystem", "attributes": system},
            "contracts/thu.odcs.yaml": CONTRACT,
        }.items():
            path = self.settings.assets_dir / name
            path.parent.mkdir(parents=True)
            path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        self.asked: list[str] = []
        self.server = server
        server.routes["/feed"] = self.answer

    def answer(self, asked: Asked) -> Reply:
        since = asked.params.get("since", "")
        self.asked.append(since)
        return as_json({"data": [one for one in self.events if one["at"] >= since]})

    def night(self) -> Outcome:
        context = Context.of(self.settings, load_catalog(self.settings.assets_dir))
        assert not context.catalog.errors
        system = context.catalog.systems["tinh/nguon"]
        landed = land(context, system, system.datasets, lambda *_: None)
        return load(context, system, system.datasets[0], landed["thu"], run="dem")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        context = Context.of(self.settings, load_catalog(self.settings.assets_dir))
        return context.lake.reader().execute(sql).fetchall()

    def names(self) -> dict[str, str]:
        return dict(self.rows("SELECT ma, ten FROM dung_chung.thu"))


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    server = FaultServer()
    monkeypatch.setenv("TINH_NGUON_URL", server.url)
    yield Feed(tmp_path, server)
    server.close()


def test_what_the_source_ended_goes_to_the_history(feed: Feed) -> None:
    assert feed.night().record.inserted == 6
    feed.events = [event(2, 2, deleted=True), event(3, 2, name="đổi"), event(9, 2, deleted=True)]
    record = feed.night().record
    assert (record.status, record.deleted, record.updated, record.inserted, record.rejected) == (
        "loaded", 1, 1, 0, 0,
    )  # fmt: skip
    assert feed.names() == {"r3": "đổi", **{f"r{n}": f"tên {n}" for n in (1, 4, 5, 6)}}
    ended = feed.rows("SELECT ma, ten, _change FROM dung_chung.thu_lich_su WHERE ma = 'r2'")
    assert ended == [("r2", "tên 2", "delete")]


def test_what_ended_moves_the_cursor_too(feed: Feed) -> None:
    feed.night()
    feed.events = [event(2, 3, deleted=True)]
    assert feed.night().record.deleted == 1
    assert feed.night().record.status == "unchanged"
    assert feed.asked == ["", "2026-09-01T08:00:00", "2026-09-03T08:00:00"]


def test_what_returns_is_a_row_again(feed: Feed) -> None:
    feed.night()
    feed.events = [event(2, 2, deleted=True)]
    feed.night()
    feed.events = [event(2, 3, name="trở lại")]
    assert feed.night().record.inserted == 1
    assert feed.names()["r2"] == "trở lại"


def test_a_version_from_before_the_end_does_not_bring_it_back(feed: Feed) -> None:
    feed.night()
    feed.events = [event(2, 2, deleted=True)]
    feed.night()
    late = [event(2, 1), event(3, 1, deleted=True), event(4, 2, name="đổi")]
    feed.events = [event(3, 3, name="mới")]
    feed.night()
    feed.server.routes["/feed"] = lambda _: as_json({"data": late})
    record = feed.night().record
    assert (record.inserted, record.updated, record.deleted) == (0, 1, 0)
    assert feed.names() == {"r1": "tên 1", "r3": "mới", "r4": "đổi", "r5": "tên 5", "r6": "tên 6"}


def test_of_a_record_and_its_end_in_one_batch_the_newer_counts(feed: Feed) -> None:
    feed.night()
    feed.events = [
        event(1, 5, deleted=True), event(1, 4, name="trước"),  # ended after it changed
        event(2, 4, deleted=True), event(2, 5, name="sau"),  # returned after it ended
        event(3, 4, name="trước"), event(3, 4, deleted=True),  # at one moment: the last that came
    ]  # fmt: skip
    record = feed.night().record
    assert (record.deleted, record.updated, record.rejected) == (2, 1, 0)
    assert feed.names() == {"r2": "sau", **{f"r{n}": f"tên {n}" for n in (4, 5, 6)}}


def test_an_end_without_a_key_is_refused_not_lost(feed: Feed) -> None:
    feed.night()
    feed.events = [{"id": None, "at": "2026-09-02T08:00:00", "deleted": True}]
    record = feed.night().record
    assert (record.deleted, record.rejected) == (0, 1)


def test_too_many_ends_are_held_back(feed: Feed) -> None:
    feed.night()
    feed.events = [event(number, 2, deleted=True) for number in range(1, 6)]
    outcome = feed.night()
    assert "5 of 6 rows would vanish" in str(outcome.error)
    assert len(feed.names()) == 6


def test_a_source_that_shows_a_part_of_itself_is_noticed(feed: Feed) -> None:
    """To a token that it does not know it may answer with what anybody may see."""
    feed.events = feed.events[:2]
    outcome = feed.night()
    assert str(outcome.error).startswith(
        "tinh/nguon/thu: the source sent 2 rows, and contract thu expects 3 or more"
    )
    assert "does the source still know the hub's credentials?" in str(outcome.error)
    assert outcome.record.status == "failed"
    feed.events.append(event(3, 1))
    assert feed.night().record.inserted == 3
    feed.events = [event(3, 2, name="đổi")]  # what is new may be little
    assert feed.night().record.updated == 1
