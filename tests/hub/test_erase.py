"""A person is erased, and no reload, no full pull and no old backup brings them back."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from hub import erase as erasing
from hub.catalog import load_catalog
from hub.errors import ConfigurationError, TransientError
from hub.load import Context, Outcome, Span, land, load
from hub.settings import Settings
from tests.bytesearch import holding
from tests.sources.faults import Asked, FaultServer, Reply, as_json
from warehouse import erasure, maintenance, suppression
from warehouse.person import Person, flat

COLUMNS = {
    "ma": ("id", "VARCHAR", "none"),
    "ho_ten": ("name", "VARCHAR", "basic"),
    "so_dinh_danh": ("cccd", "VARCHAR", "sensitive"),
    "dien_thoai": ("phone", "VARCHAR", "basic"),
    "ngay_sinh": ("born", "DATE", "basic"),
    "trang_thai": ("state", "VARCHAR", "none"),
}
CCCD, PHONE, NAME = "001199912345", "0912345678", "Giàng Thị Xoá"
SECRET = [CCCD, PHONE, NAME, "Người Tên Cũ"]
REQUEST = erasing.Request("12/YC", "theo yêu cầu")


def contract() -> dict[str, Any]:
    properties = [
        {
            "name": name, "businessName": name, "description": f"{name} (x)",
            "logicalType": "date" if kind == "DATE" else "string", "physicalType": kind,
            "classification": level, "primaryKey": name == "ma",
            "required": name in {"ma", "trang_thai"},
        }
        for name, (_, kind, level) in COLUMNS.items()
    ]  # fmt: skip
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "nguoi", "name": "Người",
        "version": "1.0.0", "status": "active", "team": {"name": "nguon"},
        "slaProperties": [{"property": "latency", "value": 26, "unit": "h"}],
        "schema": [{
            "name": "nguoi", "physicalName": "dung_chung.nguoi", "description": "Người (people)",
            "customProperties": [{"property": "phanLoai", "value": "dung_chung"}],
            "properties": properties,
        }],
    }  # fmt: skip


class Registry:
    """A source of people over HTTP, and the hub that reads it whole every night."""

    def __init__(self, folder: Path, server: FaultServer) -> None:
        self.settings = Settings(data_dir=folder / "data", assets_dir=folder / "assets")
        self.people = {
            n: {
                "id": f"r{n}", "name": f"Người Thứ {n}", "cccd": f"0011000{n:05}",
                "phone": f"09000{n:05}", "born": "1980-01-01", "state": "1",
            }
            for n in range(30)
        }  # fmt: skip
        self.people[7] |= {"cccd": CCCD, "phone": "0912.345.678", "name": "Người Tên Cũ"}
        # Of the same person a record that is refused: its state is missing.
        self.people[8] |= {"cccd": CCCD, "name": NAME, "state": ""}
        self.people[9] |= {"cccd": "", "name": NAME, "born": "1999-03-02"}
        system = {
            "name": "tinh/so", "title": "Sổ", "owner": "team:nguon", "kind": "rest",
            "base_url": {"env": "TINH_SO_URL"},
            "datasets": [{
                "name": "nguoi", "title": "Người", "contract": "nguoi",
                "fetch": {"path": "/list", "records": "data", "paging": {"kind": "none"}},
                "columns": {name: field for name, (field, *_) in COLUMNS.items()},
            }],
        }  # fmt: skip
        for name, document in {
            "tinh/so/defs.yaml": {"type": "hub.components.SourceSystem", "attributes": system},
            "contracts/nguoi.odcs.yaml": contract(),
        }.items():
            path = self.settings.assets_dir / name
            path.parent.mkdir(parents=True)
            path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        server.routes["/list"] = self.answer

    @property
    def catalog(self) -> Any:
        catalog = load_catalog(self.settings.assets_dir)
        assert not catalog.errors
        return catalog

    def answer(self, _: Asked) -> Reply:
        return as_json({"data": list(self.people.values())})

    def night(self) -> Outcome:
        context = Context.of(self.settings, self.catalog, Span(whole=True))
        system = context.catalog.systems["tinh/so"]
        landed = land(context, system, system.datasets, lambda *_: None)
        outcome = load(context, system, system.datasets[0], landed["nguoi"], run="dem")
        assert outcome.error is None
        return outcome

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        reader = Context.of(self.settings, self.catalog).lake.reader()
        found = reader.execute(sql).fetchall()
        reader.close()
        return found


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    server = FaultServer()
    monkeypatch.setenv("TINH_SO_URL", server.url)
    yield Registry(tmp_path, server)
    server.close()


PERSON = Person.of([CCCD, PHONE], [(NAME, date(1999, 3, 2))])


def test_erased_everywhere_and_never_back(registry: Registry) -> None:
    registry.night()
    registry.people[7]["name"] = NAME  # the old name moves to the history
    registry.people[1]["state"] = "2"
    registry.night()
    data = registry.settings.data_dir
    connection = Context.of(registry.settings, registry.catalog).lake.writer()
    stored = maintenance.sizes(connection)
    connection.close()
    assert {one.table: one.inlined for one in stored}["dung_chung.nguoi"] > 0
    places = {line.partition("/")[0] for line in holding(data, SECRET)}
    assert {"lake", "landing"} <= places

    counts = erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=True)
    assert registry.rows(f"FROM dung_chung.nguoi WHERE so_dinh_danh = '{CCCD}'")  # all still there
    assert counts["table dung_chung.nguoi"] == 2
    assert counts["table hub.quarantine"] == 1
    removed = erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    assert removed["table dung_chung.nguoi_lich_su"] == 1
    assert removed["landing: landed_records"] == 6
    assert holding(data, SECRET) == []
    assert registry.rows("SELECT count(*) FROM dung_chung.nguoi") == [(27,)]
    certificate = json.loads(next((data / "erasures").glob("*.json")).read_text())
    assert certificate["removed"] == removed
    assert certificate["outcome"] == "erased"

    # The source still has the person: pulled in full, changed and unchanged.
    for _ in range(2):
        outcome = registry.night()
        assert outcome.rows == 27
        assert holding(data, SECRET) == []
    registry.people[2]["state"] = "3"
    assert registry.night().record.updated == 1
    assert holding(data, SECRET) == []
    with pytest.raises(ConfigurationError, match="erased on request"):
        Context.of(registry.settings, registry.catalog).lake.reader(version=3)


@pytest.mark.parametrize("point", ["delete", "commit", "flush", "rewrite", "expire", "clean_up"])
def test_killed_in_the_middle_the_same_command_does_the_rest(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    registry.night()
    registry.people[7]["name"] = NAME
    registry.night()
    real = maintenance.step

    def stopping(connection: Any, name: str, sql: str) -> Any:
        result = real(connection, name, sql)
        if name == point:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(maintenance, "step", stopping)
    monkeypatch.setattr(erasure, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    monkeypatch.setattr(maintenance, "step", real)
    monkeypatch.setattr(erasure, "step", real)
    erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    assert holding(registry.settings.data_dir, SECRET) == []
    assert registry.rows("SELECT count(*) FROM dung_chung.nguoi") == [(27,)]


def test_an_open_reader_makes_the_erasure_wait_and_say_so(registry: Registry) -> None:
    registry.night()
    reader = Context.of(registry.settings, registry.catalog).lake.reader()
    with pytest.raises(TransientError, match="open elsewhere"):
        erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    reader.close()


def test_a_refusal_is_recorded_and_removes_nothing(registry: Registry) -> None:
    registry.night()
    erasing.refuse(registry.settings, REQUEST, "Luật Lưu trữ, Điều 15")
    told = json.loads(next((registry.settings.data_dir / "erasures").glob("*.json")).read_text())
    assert told["outcome"] == "refused: statutory retention"
    assert told["legal_basis"] == "Luật Lưu trữ, Điều 15"
    assert registry.rows("SELECT count(*) FROM dung_chung.nguoi") == [(29,)]


def test_the_hash_in_sql_is_the_hmac() -> None:
    for key in (b"k", b"x" * 64, b"y" * 100):
        sql = suppression.hash_sql(key, "'Lò Thị É'")
        (found,) = duckdb.sql(f"SELECT {sql}").fetchone() or ("",)
        assert found == hmac.new(key, "Lò Thị É".encode(), "sha256").hexdigest()


def test_nobody_is_named_by_a_short_number() -> None:
    with pytest.raises(ConfigurationError, match="fewer than 8"):
        Person.of(["12-34"])
    assert flat(" 0912.345 678") == PHONE
    assert "84912345678" in Person.of([PHONE]).numbers
