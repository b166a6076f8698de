"""The list of datasets: any kind of catalog feeds the shipped contract, by YAML alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.catalog import load_catalog
from hub.land import land
from hub.load import Context, Outcome, load
from hub.settings import ROOT, Settings
from tests.sources.catalogs import DATA_JSON, DOCUMENTS, PREFIXES
from tests.sources.faults import FaultServer, Reply, as_json

TABLE = "danh_muc.tap_du_lieu"
SHIPPED = load_catalog(ROOT / "assets").systems["tuyen_quang/du_lieu_dung_chung"]
COLUMNS = SHIPPED.dataset("tap_du_lieu").model_dump(mode="json", include={"columns"})
FETCHES: dict[str, dict[str, Any]] = {
    "dcat_us": {"path": "/dcat_us", "format": "dcat_us"},
    "json_ld": {"path": "/json_ld", "format": "json_ld"},
    "turtle": {"path": "/turtle", "format": "turtle"},
    "rdf_xml": {"path": "/rdf_xml", "format": "rdf_xml"},
    "ckan": {"catalog": {"by": "list"}},
}
PACKAGE = {
    "id": "ds-1", "name": "giuong-benh", "title": "Giường bệnh",
    "notes": "Số giường <b>theo xã</b>", "organization": {"title": "Sở Y tế"},
    "metadata_created": "2026-01-01T17:00:00", "metadata_modified": "2026-10-01T01:02:03.5",
    "tags": [{"name": "bệnh viện"}, {"name": "y tế"}], "groups": [{"title": "Y tế"}],
    "license_id": "https://creativecommons.org/licenses/by/4.0/", "frequency": "Hằng tháng",
    "resources": [
        {"url": "https://mo.example/1.csv", "name": "Bảng", "format": "csv"},
        {"url": "https://mo.example/api", "name": "Giao diện", "format": "API"},
    ],
}  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    running = FaultServer()
    for form, body in DOCUMENTS.items():
        running.routes[f"/{form}"] = lambda _, body=body: Reply(body)  # type: ignore[misc]
    running.routes["/api/3/action/package_list"] = lambda _: as_json(
        {"success": True, "result": ["giuong-benh"]}
    )
    running.routes["/api/3/action/package_show"] = lambda _: as_json(
        {"success": True, "result": PACKAGE}
    )
    monkeypatch.setenv("THU_URL", running.url)
    yield running
    running.close()


@pytest.fixture
def context(tmp_path: Path, server: FaultServer) -> Context:
    assert server.url
    assets = tmp_path / "assets"
    (assets / "contracts").mkdir(parents=True)
    shutil.copy(ROOT / "assets/contracts/tap_du_lieu.odcs.yaml", assets / "contracts")
    for name, fetch in FETCHES.items():
        attributes = {
            "name": f"tinh/{name}", "title": "Thử", "owner": "team:thu",
            "kind": "ckan" if name == "ckan" else "dcat", "base_url": {"env": "THU_URL"},
            "datasets": [{"name": "tap_du_lieu", "title": "Thử", "contract": "tap_du_lieu",
                          "fetch": fetch, **COLUMNS}],
        }  # fmt: skip
        path = assets / "tinh" / name / "defs.yaml"
        path.parent.mkdir(parents=True)
        text = {"type": "hub.components.SourceSystem", "attributes": attributes}
        path.write_text(json.dumps(text), encoding="utf-8")
    settings = Settings(data_dir=tmp_path / "data", assets_dir=assets)
    return Context.of(settings, load_catalog(assets))


def night(context: Context, name: str) -> Outcome:
    system = context.catalog.systems[f"tinh/{name}"]
    (dataset,) = system.datasets
    pulled = land(context, system, system.datasets, lambda *_: None)
    return load(context, system, dataset, pulled[dataset.name], run="thu")


def ask(context: Context, sql: str) -> list[tuple[Any, ...]]:
    connection = context.lake.reader()
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_every_kind_of_catalog_feeds_the_same_row(context: Context) -> None:
    for name in FETCHES:
        outcome = night(context, name)
        assert outcome.error is None, name
        assert outcome.record.rejected == 0
    shown = (
        "ma_tap_du_lieu, tieu_de, mo_ta, co_quan, linh_vuc, tu_khoa, giay_phep, tan_suat, "
        "ngay_tao::VARCHAR, ngay_cap_nhat::VARCHAR, dinh_dang, so_tai_nguyen, _repairs"
    )
    rows = ask(context, f"SELECT _source, {shown} FROM {TABLE} WHERE ma_tap_du_lieu = 'ds-1'")
    assert {row[0] for row in rows} == {f"tinh/{name}" for name in FETCHES}
    assert {row[1:] for row in rows} == {(
        "ds-1", "Giường bệnh", "Số giường <b>theo xã</b>", "Sở Y tế", "Y tế", "bệnh viện; y tế",
        "https://creativecommons.org/licenses/by/4.0/", "Hằng tháng", "2026-01-02 00:00:00",
        "2026-10-01 08:02:03", "CSV; API", 2, None,
    )}  # fmt: skip
    ways = ask(context, f"SELECT tai_nguyen FROM {TABLE} WHERE ma_tap_du_lieu = 'ds-1'")
    assert {json.loads(way)[0]["url"] for (way,) in ways} == {"https://mo.example/1.csv"}
    pages = ask(context, f"SELECT DISTINCT dia_chi FROM {TABLE} WHERE dia_chi IS NOT NULL")
    assert {page.partition("/dataset/")[2] for (page,) in pages} == {"", "giuong-benh"}


def test_an_unchanged_catalog_is_not_loaded_again(context: Context, server: FaultServer) -> None:
    night(context, "turtle")
    assert night(context, "turtle").record.status == "unchanged"
    # In another order it is the same catalog: RDF has none.
    head, first, *rest = DOCUMENTS["turtle"].decode().split("\n\n", 1)[1].split("\n<")
    body = PREFIXES + "\n<".join([head, *reversed(rest), first])
    server.routes["/turtle"] = lambda _: Reply(body.encode())
    outcome = night(context, "turtle")
    assert (outcome.error, outcome.record.status) == (None, "unchanged")


def test_datasets_without_name_or_title_are_refused_and_told(
    context: Context, server: FaultServer
) -> None:
    good = [{"identifier": f"d{number}", "title": "A"} for number in range(9)]
    bad = [{"title": "x"}, {"identifier": "b"}]
    held = [one | {"modified": "2026-01-01"} for one in good + bad]
    document = {**DATA_JSON, "dataset": held}
    server.routes["/dcat_us"] = lambda _: as_json(document)
    outcome = night(context, "dcat_us")
    assert (outcome.record.inserted, outcome.record.rejected) == (9, 2)
    rules = ask(context, "SELECT rules FROM hub.quarantine ORDER BY 1")
    assert rules == [(["ma_tap_du_lieu.required"],), (["tieu_de.required"],)]
