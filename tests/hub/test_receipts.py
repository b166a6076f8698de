"""A night that fails to commit acknowledges nothing; the night after a commit does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hub.catalog import load_catalog
from hub.errors import TransientError
from hub.load import Context
from hub.settings import ROOT, Settings
from hub.sync import sync
from tests.hub.test_attention import NAME, VARIABLES, document
from tests.sources.faults import Asked, FaultServer, Reply, as_json
from warehouse.commit import commit

OWN, OTHER = "000.00.09.H63", "000.00.05.H63"


class Axis:
    """An LGSP axis with a document for the hub's own agency and one for another."""

    def __init__(self) -> None:
        self.server = FaultServer()
        self.held = {"d-1": self.to(1, OWN), "d-2": self.to(2, OTHER)}
        self.server.routes["/v1/auth/login"] = lambda _: as_json({"data": {"token": "the-tam"}})
        self.server.routes["/v1/syncReceivedEdocList"] = self.listing
        self.server.routes["/v1/getEdoc"] = lambda asked: Reply(self.held[asked.params["docId"]])
        self.server.routes["/v1/updateStatus"] = lambda _: as_json({"success": True})

    @staticmethod
    def to(number: int, code: str) -> bytes:
        return document(number, "Họp").replace(
            b"<DocumentId>", f"<To><OrganId>{code}</OrganId></To><DocumentId>".encode()
        )

    def listing(self, asked: Asked) -> Reply:
        data = [{"docId": one, "updatedTime": "2026/09/30 08:00:00"} for one in self.held]
        inside = asked.params["fromDate"] <= "2026/09/30" <= asked.params["toDate"]
        shown = data if inside else []
        return as_json({"success": True, "count": len(shown), "data": shown})

    @property
    def told(self) -> list[str]:
        return [
            json.loads(asked.body)["docId"]
            for asked in self.server.asked
            if asked.path == "/v1/updateStatus"
        ]


@pytest.fixture
def axis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Axis]:
    made = Axis()
    monkeypatch.setenv("YEN_BAI_VAN_BAN_URL", made.server.url)
    for variable in VARIABLES:
        monkeypatch.setenv(f"YEN_BAI_VAN_BAN_{variable}", "gia-tri-thu")
    yield made
    made.server.close()


@pytest.fixture
def context(tmp_path: Path) -> Context:
    assets = tmp_path / "assets"
    shutil.copytree(ROOT / "assets", assets)
    path = assets / "yen_bai" / "van_ban" / "defs.yaml"
    told = f"        acknowledge: true\n        organ_ids: [{OWN}]\n"
    before = "        message_type: edoc\n"
    assert before in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(before, before + told))
    return Context.of(Settings(data_dir=tmp_path / "data"), load_catalog(assets))


def night(context: Context) -> str:
    report = sync(context, [NAME], progress=lambda *_: None, finished=lambda _: None)
    (outcome,) = report.outcomes
    return outcome.record.status


def test_only_what_is_committed_is_acknowledged(
    context: Context, axis: Axis, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(*_: Any) -> NoReturn:
        raise TransientError("the disk went away")

    monkeypatch.setattr("hub.settle.commit", broken)
    assert night(context) == "failed"
    assert night(context) == "failed"
    assert axis.told == []
    monkeypatch.setattr("hub.settle.commit", commit)
    assert night(context) == "loaded"
    assert axis.told == []
    assert night(context) == "unchanged"
    assert axis.told == ["d-1"]
    assert night(context) == "unchanged"
    assert axis.told == ["d-1"]
