"""The dirt: enough kinds, each with its source, in known numbers, and the truth agrees with it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from checks.contract import load_contract
from hub.catalog import load_catalog
from hub.sandbox import edxml, truth
from hub.sandbox.dirt import every
from hub.sandbox.dossiers import decode
from hub.sandbox.model import Cells
from hub.sandbox.planting import spoil
from hub.sandbox.province import Province
from hub.sandbox.shapes import DOSSIERS, SHAPES
from hub.settings import ROOT

KINDS = every()
NAMES = sorted(SHAPES)


@pytest.fixture(scope="module")
def province() -> Province:
    """Large enough for every kind in its full number."""
    return Province(4, 2_000)


@pytest.fixture(scope="module")
def report(province: Province) -> dict[str, Any]:
    """The truth about it, by dataset."""
    datasets: Any = truth.report(province)["datasets"]
    return dict(datasets)


def served(province: Province, name: str) -> list[Cells]:
    """Return a dataset's records as served."""
    if name == DOSSIERS.name:
        return [decode(entry) for entry in province.book]
    if name in truth.MESSAGES:
        return [m.cells for m in province.axis.messages if m.kind == truth.MESSAGES[name]]
    return [row.cells for row in province.tables[name].rows]


def test_there_are_enough_kinds_and_each_cites_the_notes() -> None:
    kinds = [kind for listed in KINDS.values() for kind in listed]
    names = [kind.name for kind in kinds]
    assert len(set(names)) == len(names) >= 40
    assert {kind.outcome for kind in kinds} == {"repair", "reject"}
    cited = re.compile(r"facts [0-7](\.\d{1,2})?(, [0-7](\.\d{1,2})?)*")
    assert [kind.name for kind in kinds if not cited.fullmatch(kind.cites)] == []


def test_every_kind_is_planted_in_its_number(report: dict[str, Any]) -> None:
    for name, kinds in KINDS.items():
        planted = {item["kind"]: item["count"] for item in report[name]["dirt_kinds"]}
        # Both records of a pair of contradicting ones are rejected, so both are named.
        wanted = {kind.name: kind.count * (2 if kind.way == "conflict" else 1) for kind in kinds}
        assert planted == wanted


@pytest.mark.parametrize("name", NAMES)
def test_counts_add_up(province: Province, report: dict[str, Any], name: str) -> None:
    counted = report[name]
    assert counted["served"] == len(served(province, name))
    assert counted["served"] == counted["held"] + counted["copies"] + counted["secrets"]
    rejects = [item for item in counted["dirt"] if item["outcome"] == "reject"]
    assert counted["held"] == counted["loadable"] + len(rejects)
    assert counted["loadable"] == sum(1 for _ in truth.rows(province, name))


@pytest.mark.parametrize("name", NAMES)
def test_one_kind_to_a_row(province: Province, report: dict[str, Any], name: str) -> None:
    key = SHAPES[name].key
    rows = {tuple(row[column] for column in key): row for row in truth.rows(province, name)}
    assert len(rows) == report[name]["loadable"], "keys of loadable rows are unique"
    repaired = [item for item in report[name]["dirt"] if item["outcome"] == "repair"]
    places = [tuple(item["key"][column] for column in key) for item in repaired]
    assert len(set(places)) == len(places)
    for item, place in zip(repaired, places, strict=True):
        if item["column"]:
            assert rows[place][item["column"]] == item["expected"]
        assert item["rule"] is None
    for item in report[name]["dirt"]:
        if item["outcome"] == "reject":
            assert item["rule"]
            assert item["expected"] is None


def test_columns_and_rules_are_those_of_the_contracts() -> None:
    catalog = load_catalog(ROOT / "assets")
    for system in catalog.systems.values():
        for dataset in system.datasets:
            name = f"{system.name}/{dataset.name}"
            if name not in SHAPES:
                continue
            contract = load_contract(catalog.contract(dataset).path)
            columns = {column.name for column in contract.columns}
            errors = {rule.name for rule in contract.rules if rule.severity == "error"}
            shape = SHAPES[name]
            assert set(shape.key) == set(contract.key)
            assert {*shape.columns.values(), *shape.also} <= columns
            fields = {c: s.source for c, s in dataset.columns.items()}
            mapped = {c: f.strip() for f, c in shape.columns.items()}
            assert mapped.items() <= fields.items()
            for kind in KINDS[name]:
                assert kind.column in columns
                assert kind.rule is None or kind.rule in {*errors, "row.readable"}, kind.name


def test_a_repairable_cell_is_not_served_as_stored(province: Province) -> None:
    shape = SHAPES[DOSSIERS.name]
    clean = next(
        cells
        for cells in map(decode, province.book)
        if len(cells["SoGiayToChuHoSo"]) == 12 and cells["NgayTra"]
    )
    for kind in KINDS[DOSSIERS.name]:
        spoilt = spoil(kind, shape, clean)
        if spoilt and kind.way == "cell":
            assert spoilt.cells != clean, kind.name
            assert (spoilt.stored is None) == (kind.outcome == "reject")
            assert spoil(kind, shape, clean) == spoilt


def test_mojibake_can_be_undone(province: Province) -> None:
    codecs = {"mojibake_cp1252": ("DonViXuLy", "cp1252"), "mojibake_cp437": ("TenTTHC", "cp437")}
    entries = {decode(entry)["MaHoSo"]: decode(entry) for entry in province.book}
    found = Counter[str]()
    for item in province.ledger.planted[DOSSIERS.name]:
        if item.kind in codecs:
            field, codec = codecs[item.kind]
            cells = entries[str(item.key["ma_ho_so"])]
            assert cells[field].encode(codec).decode() == item.expected
            found[item.kind] += 1
    assert found.keys() == codecs.keys()


def test_a_day_brings_new_dirt_and_keeps_the_old() -> None:
    province = Province(4, 2_000)
    before = list(province.ledger.planted[DOSSIERS.name])
    rows = {row["ma_ho_so"]: row for row in truth.rows(province, DOSSIERS.name)}
    province.move(1)
    after = province.ledger.planted[DOSSIERS.name]
    assert after[: len(before)] == before
    assert [item.outcome for item in after[len(before) :]] == ["repair", "reject"]
    assert province.changes[DOSSIERS.name].rejected == 1
    later = {row["ma_ho_so"]: row for row in truth.rows(province, DOSSIERS.name)}
    assert rows.keys() <= later.keys()
    for item in before:
        number = item.key["ma_ho_so"]
        assert rows.get(number) == later.get(number)


def test_nobody_real_is_in_it(province: Province) -> None:
    text = "\n".join(str(cells) for name in NAMES for cells in served(province, name))
    text += "".join(edxml.write(m).decode("utf-8", "replace") for m in province.axis.messages)
    ids = re.findall(r"(?<![\w.-])\d{12}(?![\w-])", text)
    assert ids
    assert {number[:3] for number in ids} == {"099"}
    phones = re.findall(r"(?<![\w.-])0[1-9]\d{8}(?![\w-])", text)
    assert {number[:2] for number in phones} == {"06"}
    mails = re.findall(r"[\w.]+@([\w.]+)", text)
    assert set(mails) == {"example.com"}
