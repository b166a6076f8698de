"""A source of people over HTTP and the hub that reads it, one of them to be erased.

Data flow: :class:`Registry` answers on a real port -> a night's land and load -> its data folder.

What does not belong here: assertions about the erasure.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import yaml

from hub import erase as erasing
from hub.catalog import load_catalog
from hub.land import land
from hub.load import Context, Outcome, Span, load
from hub.settings import Settings
from tests.sources.faults import Asked, FaultServer, Reply, as_json
from warehouse.person import Person

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


PERSON = Person.of([CCCD, PHONE], [(NAME, date(1999, 3, 2))])
