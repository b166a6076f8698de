"""The documents beside the files say what is in them: types, digests, keys, rules that hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from hub.catalog import load_catalog
from hub.settings import Settings
from tests.warehouse.publish.lakes import FIRST, contract, filled, plan_of
from warehouse.publish import datapackage, odcs, parquet
from warehouse.publish.build import publish
from warehouse.publish.manifest import Manifest, Stored, Table
from warehouse.publish.table import published

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIELD_OF = {
    "VARCHAR": "string", "DATE": "date", "TIMESTAMP": "datetime", "INTEGER": "integer",
    "TIMESTAMP WITH TIME ZONE": "datetime", "DECIMAL(18,2)": "number",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Parquet files of a schema, one table in several files, with their documents."""
    made = filled(tmp_path)
    plan = plan_of(made)
    keyed = contract(
        tmp_path, "danh_ba",
        **{"        primaryKey: true\n        required: true\n":
           "        primaryKey: true\n        required: true\n        classification: sensitive\n"},
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "MANY_ROWS", 2)
        done = publish(
            made[FIRST].lake, tmp_path / "publish",
            replace(plan, contracts=[made[FIRST].contract, keyed], licence="CC-BY-4.0"),
        )  # fmt: skip
    return done.generation / "parquet" / "dung_chung"


def test_the_data_package_is_true_of_its_files(folder: Path) -> None:
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert "licenses" not in package  # shared data is under no open terms
    assert package["sources"] == [{"title": "Cổng (tinh/cong)"}]
    assert [resource["name"] for resource in package["resources"]] == ["danh-ba", "ho-so-nho"]
    for resource in package["resources"]:
        paths = resource["path"] if isinstance(resource["path"], list) else [resource["path"]]
        files = [folder / path for path in paths]
        assert resource["bytes"] == sum(file.stat().st_size for file in files)
        digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        assert resource["hash"] == f"sha256:{digests[0]}"
        told = {field["name"]: field["type"] for field in resource["schema"]["fields"]}
        found = duckdb.sql(f"DESCRIBE FROM read_parquet({[str(file) for file in files]})")
        assert told == {name: FIELD_OF[kind] for name, kind, *_ in found.fetchall()}
    hidden, shown = (resource["schema"] for resource in package["resources"])
    assert shown["primaryKey"] == ["ma"]
    assert "primaryKey" not in hidden  # a masked key tells no rows apart
    constraints = {field["name"]: field.get("constraints", {}) for field in shown["fields"]}
    assert constraints["ma"] == {"required": True, "unique": True}
    assert constraints["trang_thai"] == {"required": True, "enum": ["1", "2", "10"]}
    assert constraints["chu_ho_so"] == {}
    described = {field["name"]: field["description"] for field in hidden["fields"]}
    assert "Đã che: luôn để trống" in described["ma"]


def test_terms_go_with_open_data_alone() -> None:
    made = Manifest(1, NOW, NOW, "", [])
    for schema, terms in (("mo", [{"name": "CC-BY-4.0"}]), ("danh_muc", None)):
        assert datapackage.package(schema, [], made, "CC-BY-4.0").get("licenses") == terms


def test_the_contract_describes_the_masked_file_and_its_rules_hold(folder: Path) -> None:
    told = OpenDataContractStandard.from_file(str(folder / "ho_so_nho.odcs.yaml"))
    assert told.schema_ is not None
    assert told.servers is not None
    (schema,), (server,) = told.schema_, told.servers
    assert (told.id, told.apiVersion) == ("ho_so_nho_cong_bo", "v3.1.0")
    found = f"read_parquet('{folder}/{server.path}')"
    types = {name: kind for name, kind, *_ in duckdb.sql(f"DESCRIBE FROM {found}").fetchall()}
    stated = {item.name: item for item in schema.properties or ()}
    assert list(stated) == list(types)
    assert {item.classification for item in stated.values()} == {"internal"}
    assert stated["chu_ho_so"].customProperties is not None
    assert stated["chu_ho_so"].customProperties[0].value == "co_gia_tri"
    rules = {rule.name: str(rule.query) for rule in schema.quality or ()}
    assert set(rules) == {"ma.pattern", "ngay_nhan.range", "trang_thai.in_set",
                          "row.nhan_truoc_tra"}  # fmt: skip
    for query in rules.values():
        assert duckdb.sql(query.replace("${table}", found)).fetchall() == [(0,)]
    dates = "DATE '1999-01-01' AS ngay_nhan, DATE '1998-01-01' AS ngay_tra"
    bad = f"'x' AS ma, '7' AS trang_thai, {dates}"
    broken = f"(SELECT * REPLACE ({bad}) FROM {found})"
    for query in rules.values():
        assert duckdb.sql(query.replace("${table}", broken)).fetchall() == [(3,)]


def test_every_contract_of_the_project_gives_documents() -> None:
    catalog = load_catalog(Settings().assets_dir)
    stored = Table("", "", 0, [Stored("parquet/x/a.parquet", 1, "0" * 64)], [])
    made = Manifest(1, NOW, NOW, "", [stored])
    for one in catalog.contracts.values():
        table = published(one, {column.name: column.sql_type for column in one.columns})
        if one.classification != "dung_rieng":
            told = yaml.safe_load(odcs.contract(table, stored, made))
            assert OpenDataContractStandard.model_validate(told).id == f"{one.id}_cong_bo"
        assert set(table.masked) == {c.name for c in one.columns if c.classification != "none"}
