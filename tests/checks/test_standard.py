"""Contracts as they are said to tools that know the standard only.

That such a tool judges rows by them is shown in ``tests/hub/cli/test_contract_export.py`` and, on
every contract of the project, in ``tests/e2e/test_nights.py``.

Run it alone: ``pytest tests/checks/test_standard.py``.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.contract import load_contract
from checks.standard import identity, in_the_standard, is_said
from tests.checks.contracts import CONTRACT, changed, write
from tests.checks.datacontract_cli import judged

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = sorted((ROOT / "assets" / "contracts").glob("*.odcs.yaml"))
DAY = date(2026, 3, 4)


def said(path: Path, *present: str) -> dict[str, Any]:
    """Return a contract as others read it."""
    text = in_the_standard(load_contract(path), database="lake.duckdb", day=DAY, present=present)
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def column(contract: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one column."""
    (found,) = [c for c in contract["schema"][0]["properties"] if c["name"] == name]
    assert isinstance(found, dict)
    return found


def entries(contract: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the quality entries that a tool of the standard can run, by their ids."""
    (table,) = contract["schema"]
    every = [e for part in (table, *table["properties"]) for e in part.get("quality", [])]
    return {entry["id"]: entry for entry in every if entry["type"] != "custom"}


def test_every_contract_is_valid_odcs_and_what_is_none_is_not(tmp_path: Path) -> None:
    """``datacontract lint``, in one process; copies are linted before they are tested."""
    broken = write(tmp_path, changed("type: custom", "type: kustom", CONTRACT))
    found = judged("lint", [*CONTRACTS, broken], tmp_path)
    assert found.pop(broken).result != "passed"
    assert [*found] == CONTRACTS
    assert {path: one.not_passed for path, one in found.items() if one.result != "passed"} == {}
    assert {check["name"] for one in found.values() for check in one.checks} == {
        "Data contract is valid against ODCS v3.1.0"
    }


def test_a_rule_is_said_by_the_library_by_options_or_as_sql(tmp_path: Path) -> None:
    contract = said(write(tmp_path, CONTRACT), "danh_muc.trang_thai")
    rules = entries(contract)
    assert column(contract, "ngay_nhan")["logicalTypeOptions"] == {
        "minimum": "2000-01-01",
        "maximum": "2030-12-31",
    }
    assert rules["ma-pattern"]["metric"] == "invalidValues"
    assert rules["ma-pattern"]["arguments"] == {"pattern": r"^[A-Z]\d{1,3}$"}
    assert rules["trang_thai-in_set"]["arguments"] == {"validValues": ["1", "2", "10"]}
    assert "length(chu_ho_so)" in rules["chu_ho_so-length"]["query"]
    assert rules["chu_ho_so-length"]["severity"] == "warn"
    assert "lake.danh_muc.trang_thai" in rules["trang_thai-reference"]["query"]
    assert rules["row-nhan_truoc_tra"]["query"].startswith("SELECT count(*) FROM {model} WHERE ")
    assert {rule["mustBe"] for rule in rules.values()} == {0}


def test_the_key_of_a_stored_row_begins_with_its_source(tmp_path: Path) -> None:
    contract = said(write(tmp_path, CONTRACT))
    keys = {c["name"]: c["primaryKeyPosition"] for c in contract["schema"][0]["properties"]
            if c.get("primaryKey")}  # fmt: skip
    assert keys == {"_source": 1, "ma": 2}


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name.partition(".")[0])
def test_nothing_that_a_contract_asks_is_left_unsaid(path: Path) -> None:
    contract = load_contract(path)
    present = {rule.reference.table.partition(".")[2] for rule in contract.rules if rule.reference}
    copy = said(path, *present)
    rules = entries(copy)
    for rule in contract.rules:
        assert is_said(rule, present)
        if rule.kind == "required":
            assert column(copy, str(rule.column))["required"]
        elif rule.kind not in {"type", "unique"} and identity(rule) not in rules:
            options = column(copy, str(rule.column))["logicalTypeOptions"]
            assert len(options) == sum(key.startswith("m") for key in rule.expectation.kwargs)
    assert not [e for e in rules.values() if re.search("current_date", e.get("query", ""))]
    original = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert "servers" not in original  # an address of a machine is none of a contract's business


def test_a_table_that_is_not_there_is_not_looked_up(tmp_path: Path) -> None:
    assert "trang_thai-reference" not in entries(said(write(tmp_path, CONTRACT)))


def test_today_is_the_day_of_the_rows(tmp_path: Path) -> None:
    text = changed('"ngay_nhan <= ngay_tra"', '"ngay_nhan <= current_date"', CONTRACT)
    rule = entries(said(write(tmp_path, text)))["row-nhan_truoc_tra"]
    assert "ngay_nhan <= DATE '2026-03-04'" in rule["query"]
