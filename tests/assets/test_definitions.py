"""Contracts and definitions: all load, they fit each other, and they describe production only."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

from checks.contract import Contract, load_contract
from sources.kinds import check_spec
from sources.spec import SystemSpec
from warehouse.normalise import expressions

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"
CONTRACTS = sorted((ASSETS / "contracts").glob("*.odcs.yaml"))
DEFINITIONS = [
    path
    for path in sorted(ASSETS.glob("*/*/defs.yaml"))
    if yaml.safe_load(path.read_text(encoding="utf-8"))["type"] == "hub.components.SourceSystem"
]
TABLES = {
    "dung_chung.ho_so", "danh_muc.thu_tuc_hanh_chinh", "dung_chung.van_ban",
    "dung_chung.trang_thai_van_ban", "mo.vung_san_xuat_huu_co", "mo.san_luong_cay_trong",
    "mo.gia_vat_lieu_xay_dung", "mo.di_san_phi_vat_the", "mo.dia_diem_du_lich",
    "dung_rieng.can_bo_dau_moi", "danh_muc.tap_du_lieu", "danh_muc.don_vi_theo_goi",
    "danh_muc.lien_ket_theo_goi", "danh_muc.dinh_chinh_don_vi", "danh_muc.trong_so_don_vi",
    "danh_muc.co_quan", "danh_muc.ke_thua_co_quan", "danh_muc.lich_lam_viec",
}  # fmt: skip
SUPPLIED = {"danh_muc.bang_chuyen_doi", "danh_muc.ds_xa_gso"}
"""Of systems that are left out of the night until somebody supplies them."""
_ACCENTED = re.compile("[À-ỹ]")


def system(path: Path) -> SystemSpec:
    """Return a definition."""
    return SystemSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))["attributes"])


def optional(name: str) -> bool:
    """Return whether a system may be left out of the night."""
    return system(ASSETS / name / "defs.yaml").optional


def contract_of(name: str) -> Contract:
    """Return a contract by the name that definitions use."""
    return load_contract(ASSETS / "contracts" / f"{name}.odcs.yaml")


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_a_contract_loads_and_speaks_to_agencies(path: Path) -> None:
    contract = load_contract(path)
    assert path.name == f"{contract.id}.odcs.yaml"
    assert contract.key
    assert contract.owner
    assert contract.freshness_hours
    assert _ACCENTED.search(contract.title)
    for column in contract.columns:
        assert column.label
        assert re.search(r"\(.+\)|^[^À-ỹ]+$", column.description), (
            f"{column.name}: no English gloss"
        )
    for rule in contract.rules:
        assert _ACCENTED.search(rule.reason), rule.name
        assert "@" not in rule.reason


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_a_contract_is_one_of_the_standard(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    schema = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(document)] == []


def test_every_table_of_the_first_night_has_a_contract() -> None:
    assert {load_contract(path).table for path in CONTRACTS} >= TABLES


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_open_tables_hold_nothing_personal(path: Path) -> None:
    contract = load_contract(path)
    personal = {column.name for column in contract.columns if column.classification != "none"}
    if contract.classification == "mo":
        assert not personal
    assert contract.schema in {"chi_so", "danh_muc"} or contract.classification == contract.schema
    looks_personal = {"so_dinh_danh", "so_giay_to", "ho_ten", "chu_ho_so", "email", "nguoi_ky"}
    assert looks_personal & {column.name for column in contract.columns} <= personal


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.parent.name)
def test_a_definition_fits_its_folder_its_kind_and_its_contracts(path: Path) -> None:
    spec = system(path)
    assert spec.name == path.parent.relative_to(ASSETS).as_posix()
    assert spec.owner.startswith("team:")
    check_spec(spec)
    for dataset in spec.datasets:
        contract = contract_of(dataset.contract)
        known = {column.name for column in contract.columns}
        assert set(dataset.columns) <= known
        needed = {column.name for column in contract.columns if column.required}
        assert needed <= set(dataset.columns)
        if dataset.mode == "incremental":
            assert dataset.cursor == contract.version_column
            assert contract.column(str(dataset.cursor)).required
            assert dataset.overlap_minutes > 0
        for name, column in dataset.columns.items():
            expressions(contract.column(name), column, "x")


def test_every_dataset_of_the_first_night_is_defined() -> None:
    defined = {
        (spec.name, dataset.name): contract_of(dataset.contract).table
        for spec in map(system, DEFINITIONS)
        for dataset in spec.datasets
    }
    assert set(defined.values()) == TABLES | SUPPLIED
    assert len(defined) == len(TABLES | SUPPLIED)
    assert {table for (name, _), table in defined.items() if optional(name)} == SUPPLIED


def test_addresses_and_secrets_come_from_the_environment() -> None:
    for path in DEFINITIONS:
        assert "://" not in path.read_text(encoding="utf-8"), path


FORBIDDEN = {
    "the sandbox": re.compile(r"sandbox", re.IGNORECASE),
    "a loopback address": re.compile(r"\b127\.\d+\.\d+\.\d+|localhost|\[?::1\b|\b0\.0\.0\.0\b"),
    "a port": re.compile(r"://[^\s/'\"]*:\d{2,5}\b|\bport\s*[=:]\s*\d{2,5}\b", re.IGNORECASE),
}


@pytest.mark.parametrize("folder", ["assets", "sources", "checks", "warehouse"])
@pytest.mark.parametrize("thing", FORBIDDEN)
def test_production_folders_name_no_test_system(folder: str, thing: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".yaml", ".yml", ".sql", ".toml"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if FORBIDDEN[thing].search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "url: http://127.0.0.1/x",
        "host = 'localhost'",
        "see hub.Sandbox",
        "https://portal:8443/api",
        "port: 8080",
    ],
)
def test_the_search_finds_what_it_looks_for(line: str) -> None:
    assert any(pattern.search(line) for pattern in FORBIDDEN.values())
