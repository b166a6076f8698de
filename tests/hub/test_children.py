"""Lists within dossiers as tables of their own: asked for once, replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.catalog import load_catalog
from hub.drafting.draft import draft
from hub.errors import ConfigurationError
from hub.land import land
from hub.load import Context, Outcome, Span, load
from hub.settings import Settings
from tests.sources.faults import Asked, FaultServer, Reply, as_json

DEFINITION: dict[str, Any] = {
    "name": "tinh/igate", "title": "Cổng", "owner": "team:cong", "kind": "portal",
    "base_url": {"env": "TINH_IGATE_URL"},
    "datasets": [
        {"name": "ho_so", "title": "Hồ sơ", "contract": "ho_so",
         "fetch": {"path": "/hoso", "since_parameter": "tuNgay"}},
        {"name": "tai_lieu", "title": "Tài liệu nộp", "contract": "tai_lieu",
         "fetch": {"path": "/hoso", "since_parameter": "tuNgay", "reader": {
             "explode": "TaiLieuNop", "parent": "MaHoSo", "keep": ["NgayCapNhat"]}}},
    ],
}  # fmt: skip


def dossier(number: int, *papers: str, day: int = 1) -> dict[str, Any]:
    """Return a record as portals send it: all values are text."""
    return {
        "MaHoSo": f"H38.01-260901-{number:04}", "TrangThaiHoSo": "4",
        "NgayCapNhat": f"202609{day:02}080000",
        "TaiLieuNop": [{"TepDinhKemId": p, "TenTepDinhKem": f"{p}.pdf"} for p in papers],
    }  # fmt: skip


class Portal:
    """A portal that can be asked for what changed since a moment, and the hub that reads it."""

    def __init__(self, folder: Path, server: FaultServer) -> None:
        """Draft both contracts from the portal's first answers."""
        self.settings = Settings(data_dir=folder / "data", assets_dir=folder / "assets")
        self.dossiers = {n: dossier(n, f"a{n}", f"b{n}") for n in range(1, 41)}
        self.server = server
        server.routes["/hoso"] = self.answer
        self.definition = json.loads(json.dumps(DEFINITION))
        (self.settings.assets_dir / "contracts").mkdir(parents=True)
        self.write()
        system = self.context.catalog.systems["tinh/igate"]
        for raw, dataset in zip(self.definition["datasets"], system.datasets, strict=True):
            made = draft(self.context, system, dataset, 100)
            path = self.settings.assets_dir / "contracts" / f"{dataset.contract}.odcs.yaml"
            path.write_text(made.contract, encoding="utf-8")
            raw.update(yaml.safe_load(made.columns))
        self.write()

    def write(self, **changes: Any) -> None:
        """Write the definition, both datasets changed so."""
        for raw in self.definition["datasets"]:
            raw.update(changes)
        path = self.settings.assets_dir / "tinh" / "igate" / "defs.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"type": "hub.components.SourceSystem", "attributes": self.definition}
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    @property
    def context(self) -> Context:
        """The deployment, read anew."""
        return Context.of(self.settings, load_catalog(self.settings.assets_dir))

    def answer(self, asked: Asked) -> Reply:
        """Answer one page."""
        since = asked.params.get("tuNgay", "")
        rows = [d for d in self.dossiers.values() if d["NgayCapNhat"] >= since]
        page = rows if asked.params["page"] == "1" else []
        return as_json({"error_code": "00", "total": str(len(rows)), "result": page})

    def night(self, *names: str, span: Span | None = None) -> list[Outcome]:
        """Pull and load the datasets."""
        context = Context.of(self.settings, load_catalog(self.settings.assets_dir), span)
        system = context.catalog.systems["tinh/igate"]
        chosen = [d for d in system.datasets if d.name in (names or {"ho_so", "tai_lieu"})]
        landed = land(context, system, chosen, lambda *_: None)
        return [load(context, system, d, landed[d.name], run="test") for d in chosen]

    def papers(self) -> set[tuple[str, str]]:
        """Return what the lake holds: dossier and paper."""
        reader = self.context.lake.reader()
        found = reader.execute(
            "SELECT ma_ho_so, tep_dinh_kem_id FROM dung_chung.tai_lieu"
        ).fetchall()
        reader.close()
        return {(str(one), str(two)) for one, two in found}

    def truth(self) -> set[tuple[str, str]]:
        """Return what the portal holds."""
        return {(d["MaHoSo"], p["TepDinhKemId"]) for d in self.dossiers.values()
                for p in d["TaiLieuNop"] or []}  # fmt: skip


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    server = FaultServer()
    monkeypatch.setenv("TINH_IGATE_URL", server.url)
    yield Portal(tmp_path, server)
    server.close()


def test_both_tables_come_from_one_reading_of_the_list(portal: Portal) -> None:
    before = portal.server.paths().count("/hoso")
    outcomes = portal.night()
    assert [(o.error, o.rows, o.record.rejected) for o in outcomes] == [
        (None, 40, 0),
        (None, 80, 0),
    ]
    assert portal.papers() == portal.truth()
    assert portal.server.paths().count("/hoso") - before == 1
    # The second batch is the first one's files, linked.
    landing = portal.settings.landing / "tinh/igate"
    pages = [path.stat().st_ino for path in landing.rglob("00000.ndjson")]
    assert len(pages) == 2
    assert len(set(pages)) == 1
    # Alone it asks for itself.
    assert [o.record.status for o in portal.night("tai_lieu")] == ["unchanged"]
    assert portal.server.paths().count("/hoso") - before == 2


def test_in_full_mode_what_vanished_goes(portal: Portal) -> None:
    portal.night()
    portal.dossiers[1] = dossier(1, "b1", "c1")
    portal.dossiers[2] = dossier(2)
    portal.dossiers[3]["TaiLieuNop"] = None
    del portal.dossiers[4]
    (outcome,) = portal.night("tai_lieu")
    assert (outcome.error, outcome.record.deleted, outcome.record.inserted) == (None, 7, 1)
    assert portal.papers() == portal.truth()
    reader = portal.context.lake.reader()
    gone = reader.execute(
        "SELECT count(*) FROM dung_chung.tai_lieu_lich_su WHERE _change = 'delete'"
    ).fetchone()
    reader.close()
    assert gone == (7,)


def test_in_incremental_mode_a_dossiers_papers_are_replaced_and_others_stay(portal: Portal) -> None:
    portal.write(mode="incremental", cursor="ngay_cap_nhat")
    portal.night()
    portal.dossiers[1] = dossier(1, "b1", "c1", day=2)
    portal.dossiers[2] = dossier(2, day=3)
    asked = portal.server.paths().count("/hoso")
    first, second = portal.night()
    assert portal.papers() == portal.truth()
    assert second.record.deleted == 3
    # The dossier without papers moved the cursor of both: tomorrow one request will do again.
    assert first.record.cursor_after == second.record.cursor_after == "2026-09-03T08:00:00"
    assert portal.server.paths().count("/hoso") - asked == 1


def test_a_list_that_is_none_takes_nothing_away(portal: Portal) -> None:
    portal.night()
    before = portal.papers()
    portal.dossiers[1]["TaiLieuNop"] = "lỗi hệ thống"
    portal.dossiers[2]["TaiLieuNop"] = [7]
    (outcome,) = portal.night("tai_lieu")
    assert (outcome.record.rejected, outcome.record.deleted) == (2, 0)
    assert portal.papers() == before


def test_a_night_with_nothing_new_changes_nothing(portal: Portal) -> None:
    portal.write(mode="incremental", cursor="ngay_cap_nhat")
    portal.night()
    before = portal.papers()
    portal.dossiers.clear()
    assert [o.error for o in portal.night()] == [None, None]
    assert portal.papers() == before


def test_a_key_without_the_parent_is_refused(portal: Portal) -> None:
    path = portal.settings.assets_dir / "contracts" / "tai_lieu.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("primaryKey: true") == 2
    at = text.index("        primaryKey: true")
    path.write_text(text[:at] + text[text.index("\n", at) + 1 :], encoding="utf-8")
    (outcome,) = portal.night("tai_lieu")
    assert isinstance(outcome.error, ConfigurationError)
    assert "mark that column as primaryKey" in str(outcome.error)


def test_a_cursor_of_the_children_is_refused(portal: Portal) -> None:
    del portal.definition["datasets"][1]["fetch"]["reader"]["keep"]
    portal.write(mode="incremental", cursor="ngay_cap_nhat")
    (outcome,) = portal.night("tai_lieu")
    assert isinstance(outcome.error, ConfigurationError)
    assert "named under fetch.reader.keep" in str(outcome.error)
