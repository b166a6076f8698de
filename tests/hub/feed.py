"""A source of a few records over real HTTP, and the hub that reads it whole, night by night.

Data flow: a test sets :attr:`Source.records` -> :meth:`Source.night` pulls and loads them ->
:meth:`Source.contract` writes the contract anew, as an engineer would.

What does not belong here: assertions.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from hub.catalog import load_catalog
from hub.land import land
from hub.load import Context, Outcome, Span, load
from hub.settings import Settings
from tests.hub.test_tombstones import CONTRACT
from tests.sources.faults import Asked, FaultServer, Reply, as_json

NAME = "tinh/nguon/thu"
DATASET: dict[str, Any] = {
    "name": "thu", "title": "Thử", "contract": "thu", "mode": "incremental", "cursor": "cap_nhat",
    "fetch": {"path": "/feed", "records": "data", "paging": {"kind": "none"},
              "since_parameter": "since", "time_format": "%Y-%m-%dT%H:%M:%S"},
    "columns": {"ma": "id", "ten": "name", "cap_nhat": {"source": "at", "dates": ["iso"]}},
}  # fmt: skip


def record(number: int, day: int = 1, **other: Any) -> dict[str, Any]:
    """Return a record of the source."""
    cells = {"id": f"r{number:03}", "name": f"tên {number}", "at": f"2026-09-{day:02}T08:00:00"}
    return {**cells, **other}


class Source:
    """A source and the hub that reads it."""

    def __init__(self, folder: Path, server: FaultServer) -> None:
        """Write definition and contract."""
        self.records = [record(number) for number in range(30)]
        self.settings = Settings(data_dir=folder / "data", assets_dir=folder / "assets")
        self.asked = 0
        server.routes["/feed"] = self.answer
        self.define(DATASET)
        self.contract()

    def define(self, dataset: dict[str, Any]) -> None:
        """Write the definition."""
        system = {"name": "tinh/nguon", "title": "Nguồn", "owner": "team:nguon", "kind": "rest",
                  "base_url": {"env": "TINH_NGUON_URL"}, "datasets": [dataset]}  # fmt: skip
        self._write("tinh/nguon/defs.yaml",
                    {"type": "hub.components.SourceSystem", "attributes": system})  # fmt: skip

    def contract(self, *rules: dict[str, Any], **options: Any) -> None:
        """Write the contract: rules of ``ten``, and options such as ``driftNew``."""
        document = copy.deepcopy(CONTRACT)
        table = document["schema"][0]
        options = {"phanLoai": "dung_chung", "versionColumn": "cap_nhat", **options}
        table["customProperties"] = [{"property": k, "value": v} for k, v in options.items()]
        table["properties"][1]["quality"] = list(rules)
        self._write("contracts/thu.odcs.yaml", document)

    def _write(self, name: str, document: dict[str, Any]) -> None:
        path = self.settings.assets_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    def answer(self, asked: Asked) -> Reply:
        """Return the records that changed since what was asked for."""
        self.asked += 1
        since = asked.params.get("since", "")
        return as_json({"data": [one for one in self.records if one["at"] >= since]})

    def context(self, *, whole: bool = False) -> Context:
        """Read the deployment anew."""
        catalog = load_catalog(self.settings.assets_dir)
        assert not catalog.errors, catalog.errors
        return Context.of(self.settings, catalog, Span(whole=whole))

    def night(self, *, whole: bool = False) -> Outcome:
        """Pull and load."""
        context = self.context(whole=whole)
        system = context.catalog.systems["tinh/nguon"]
        landed = land(context, system, system.datasets, lambda *_: None)
        return load(context, system, system.datasets[0], landed["thu"], run="dem")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        return self.context().lake.reader().execute(sql).fetchall()

    def names(self) -> dict[str, str]:
        """Return the live table as key -> name."""
        return dict(self.rows("SELECT ma, ten FROM dung_chung.thu"))


def pattern(regex: str) -> dict[str, Any]:
    """Return a rule about a text column."""
    return {
        "name": "pattern", "type": "custom", "engine": "greatExpectations",
        "dimension": "conformity", "severity": "error", "description": "Tên không đúng dạng",
        "implementation": {"type": "expect_column_values_to_match_regex",
                           "kwargs": {"regex": regex}},
    }  # fmt: skip
