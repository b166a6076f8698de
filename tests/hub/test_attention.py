"""What somebody must read although it stopped nothing: in the outcome, the terminal, the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hub import runs
from hub.catalog import Catalog, load_catalog
from hub.cli import sync as command
from hub.load import Context, Outcome
from hub.preview import preview
from hub.settings import ROOT, Settings
from hub.sync import Report, sync
from tests.sources.faults import FaultServer, Reply, as_json

CATALOG: Catalog = load_catalog(ROOT / "assets")
SYSTEM = CATALOG.systems["yen_bai/van_ban"]
NAME = "yen_bai/van_ban/van_ban"
WORDS = "bố trí trận địa khu vực 7"
VARIABLES = ("USERNAME", "PASSWORD", "SYSTEM_ID", "SECRET_KEY")


def document(number: int, subject: str, secret: str = "") -> bytes:
    return (
        "<?xml version='1.0'?><edXML><MessageHeader><From><OrganId>000.00.05.H63</OrganId></From>"
        f"<DocumentId>H63,2026/09/30,{number}/UBND-VX</DocumentId><Subject>{subject}</Subject>"
        f"<Code><CodeNumber>{number}</CodeNumber><CodeNotation>UBND-VX</CodeNotation></Code>"
        f"<OtherInfo><Secret>{secret}</Secret></OtherInfo></MessageHeader></edXML>"
    ).encode()


HELD = {"d-1": document(1, "Họp giao ban"), "d-2": document(2, WORDS, "Mật")}


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    server = FaultServer()
    server.routes["/v1/auth/login"] = lambda _: as_json({"data": {"token": "the-tam"}})
    data = [{"docId": one, "from": "H63", "updatedTime": "2026/09/30 08:00:00"} for one in HELD]
    empty = as_json({"success": True, "count": 0, "data": []})
    server.routes["/v1/syncReceivedEdocList"] = lambda asked: (
        as_json({"success": True, "count": len(data), "data": data})
        if asked.params["fromDate"] <= "2026/09/30" <= asked.params["toDate"]
        else empty
    )
    server.routes["/v1/getEdoc"] = lambda asked: Reply(HELD[asked.params["docId"]])
    monkeypatch.setenv("YEN_BAI_VAN_BAN_URL", server.url)
    for variable in VARIABLES:
        monkeypatch.setenv(f"YEN_BAI_VAN_BAN_{variable}", "gia-tri-thu")
    yield Context.of(Settings(data_dir=tmp_path / "data"), CATALOG)
    server.close()


def night(context: Context) -> tuple[Report, Outcome]:
    report = sync(context, [NAME], progress=lambda *_: None, finished=lambda _: None)
    (outcome,) = report.outcomes
    return report, outcome


def test_a_state_secret_is_told_and_is_nowhere(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    report, outcome = night(context)
    assert not report.failed
    assert (outcome.record.claimed, outcome.record.fetched, outcome.rows) == (2, 1, 1)
    (sentence,) = outcome.warnings
    assert "1 message is marked as a state secret (Mật 1)" in sentence
    assert str(SYSTEM.classified_officer) in sentence
    everything = [p for p in context.settings.data_dir.rglob("*") if p.is_file()]
    assert len(everything) > 5
    for path in everything:
        assert WORDS.encode() not in path.read_bytes(), path

    command._print(report, "data/lake", whole=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if "attention" in line]
    assert lines == [f"attention  {NAME}: {sentence}"]
    shown = json.dumps(command._as_json(report), default=str, ensure_ascii=False)
    assert json.loads(shown)["datasets"][0]["attention"] == [sentence]

    with runs.instance(context.settings) as instance:
        (event,) = instance.fetch_materializations(dg.AssetKey(NAME.split("/")), limit=1).records
        materialization = event.asset_materialization
        assert materialization is not None
        assert materialization.metadata["attention"].value == sentence


def test_a_look_does_not_show_it(context: Context) -> None:
    seen = preview(context, SYSTEM, SYSTEM.dataset("van_ban"), rows=10)
    assert seen.records == 1
    assert len(seen.warnings) == 1
    assert WORDS not in str(seen)
    assert not (context.settings.data_dir / "held").exists()
