"""The first night, the second, and one a day later, against what the sandbox says it holds."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from checks.standard import identity, is_said
from hub.catalog import Catalog, load_catalog
from tests.checks.datacontract_cli import judged, required
from tests.e2e.deployment import ROOT, Deployment, Province
from tests.hub import units

CATALOG: Catalog = load_catalog(ROOT / "assets")
DATASETS = [
    (f"{system.name}/{dataset.name}", CATALOG.contract(dataset).table)
    for system in CATALOG.systems.values()
    for dataset in system.datasets
]
SANDBOXED = [pair for pair in DATASETS if not pair[0].startswith("danh_muc/")]
"""Those that the sandbox serves; the units come from a package on this machine."""
EMPTY = {"danh_muc.trong_so_don_vi"}
"""Tables that have no row before somebody records one."""


@pytest.fixture(scope="module")
def first_night(province: Province, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment after one whole night at day 0, with what is optional supplied.

    Tests of this module only read it.
    """
    province.at_day(0)
    folder = tmp_path_factory.mktemp("first")
    supplied = units.supply(folder / "supplied")
    made = Deployment(folder / "data", {"HUB_ENV": str(province.overlay), **supplied})
    made.sync()
    return made


def stored(deployment: Deployment, dataset: str, table: str) -> dict[tuple[str, ...], Any]:
    """Return the rows of one dataset, keyed by the text of their key, values as text."""
    source = dataset.rpartition("/")[0]
    contract = next(c for c in CATALOG.contracts.values() if c.table == table)
    connection = deployment.reader()
    cursor = connection.execute(f"SELECT * FROM {table} WHERE _source = ?", [source])
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    connection.close()
    return {tuple(text(row[name]) or "" for name in contract.key): row for row in rows}


def text(value: Any) -> str | None:
    """Return a value as the sandbox's truth writes it."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


@pytest.mark.parametrize(("dataset", "table"), SANDBOXED)
def test_what_is_held_less_what_was_rejected(
    first_night: Deployment, province: Province, dataset: str, table: str
) -> None:
    province.at_day(0)
    truth = province.get("/truth")["datasets"][dataset]
    rejected = [dirt for dirt in truth["dirt"] if dirt["outcome"] == "reject"]
    source, _, name = dataset.rpartition("/")
    ((rows,),) = first_night.query(f"SELECT count(*) FROM {table} WHERE _source = '{source}'")
    ((refused,),) = first_night.query(
        "SELECT count(*) FROM hub.quarantine "
        f"WHERE _source = '{source}' AND dataset = '{name}' AND _resolved_at IS NULL"
    )
    assert refused == len(rejected)
    assert rows == truth["held"] - len(rejected)


@pytest.mark.parametrize(("dataset", "table"), SANDBOXED)
def test_every_loaded_row_is_the_true_one(
    first_night: Deployment, province: Province, dataset: str, table: str
) -> None:
    """Repaired cells have the right value, clean ones are untouched, and nothing else is there."""
    province.at_day(0)
    rows = stored(first_night, dataset, table)
    contract = next(c for c in CATALOG.contracts.values() if c.table == table)
    truth = {
        tuple(text(row[name]) or "" for name in contract.key): row
        for row in province.get(f"/truth/rows/{dataset}")
    }
    assert rows.keys() == truth.keys()
    for key, row in truth.items():
        found = {name: text(rows[key][name]) for name in row}
        assert found == {name: text(value) for name, value in row.items()}, key


@pytest.mark.parametrize(("dataset", "table"), SANDBOXED)
def test_repairs_are_flagged_and_clean_rows_are_not(
    first_night: Deployment, province: Province, dataset: str, table: str
) -> None:
    province.at_day(0)
    truth = province.get("/truth")["datasets"][dataset]
    contract = next(c for c in CATALOG.contracts.values() if c.table == table)
    planted = {
        tuple(str(dirt["key"][name]) for name in contract.key): dirt
        for dirt in truth["dirt"]
        if dirt["outcome"] == "repair" and dirt["column"]
    }
    flagged = {
        key: row["_repairs"]
        for key, row in stored(first_night, dataset, table).items()
        if row["_repairs"]
    }
    assert flagged.keys() == planted.keys()
    for key, repairs in flagged.items():
        assert {flag.split(":")[0] for flag in repairs} >= {planted[key]["column"]}


def test_datacontract_passes_on_every_contract(first_night: Deployment, tmp_path: Path) -> None:
    """``datacontract test`` of a private export: another tool counts what breaks each rule."""
    required()
    to = tmp_path / "export"
    done = first_night.hub("contract", "export", "--all", "--to", str(to))
    rows = dict(line.split("\t") for line in done.stdout.splitlines())
    contracts = CATALOG.contracts.values()
    assert rows.keys() == {contract.table for contract in contracts}
    filled = {table for table, number in rows.items() if number != "0"}
    assert rows.keys() - filled == EMPTY
    found = judged("test", [to / contract.path.name for contract in contracts], tmp_path)
    for contract in contracts:
        one = found[to / contract.path.name]
        assert (one.result in {"passed", "warning"}, one.failed()) == (True, set()), contract.id
        warned = {check["qualityId"] for check in one.not_passed}
        assert warned <= {identity(rule) for rule in contract.rules if rule.severity == "warn"}
        # A check that could not be run would be a warning, too, but with nothing counted.
        assert all(check["diagnostics"]["value"] > 0 for check in one.not_passed)
        asked = {
            identity(rule)
            for rule in contract.rules
            if rule.kind not in {"required", "type", "unique", "range", "length"}
            and is_said(rule, filled)
        }
        assert asked <= {check["qualityId"] for check in one.checks}, contract.id


def test_datacontract_passes_on_every_published_file(
    first_night: Deployment, tmp_path: Path
) -> None:
    """The masked files keep what the contracts beside them say."""
    required()
    first_night.hub("publish")
    published = sorted((first_night.data / "publish" / "current" / "parquet").glob("*/*.odcs.yaml"))
    shared = {c.name for c in CATALOG.contracts.values() if c.classification != "dung_rieng"}
    assert {path.name.removesuffix(".odcs.yaml") for path in published} == shared
    found = judged("test", published, tmp_path)
    for path, one in found.items():
        assert one.failed() == set(), path.name
        assert any(check["result"] == "passed" for check in one.checks), path.name


def test_a_state_secret_is_nowhere_and_its_officer_is_told(
    province: Province, deployment: Deployment
) -> None:
    province.at_day(0)
    secrets: dict[str, str] = province.get("/truth")["secrets"]
    assert secrets
    name = "yen_bai/van_ban/van_ban"
    (line,) = deployment.sync("yen_bai")[name]["attention"]
    assert line.startswith(f"{len(secrets)} messages are marked as a state secret")
    assert str(CATALOG.systems["yen_bai/van_ban"].classified_officer) in line
    records = [path.read_text() for path in (deployment.data / "held").rglob("*.json")]
    assert {json.loads(record)["doc_id"] for record in records} == secrets.keys()
    everything = [path for path in deployment.data.rglob("*") if path.is_file()]
    assert len(everything) > len(records)
    for path in everything:
        content = path.read_bytes()
        for words in secrets.values():
            assert words.encode() not in content, path


@pytest.mark.parametrize(("dataset", "table"), SANDBOXED)
def test_rejects_have_the_right_reason(
    first_night: Deployment, province: Province, dataset: str, table: str
) -> None:
    province.at_day(0)
    truth = province.get("/truth")["datasets"][dataset]
    source, _, name = dataset.rpartition("/")
    expected = Counter(d["rule"] for d in truth["dirt"] if d["outcome"] == "reject")
    found = first_night.query(
        "SELECT rules, reasons, record_key FROM hub.quarantine "
        f"WHERE _source = '{source}' AND dataset = '{name}' AND _resolved_at IS NULL"
    )
    contract = next(c for c in CATALOG.contracts.values() if c.table == table)
    known = {rule.name: rule.reason for rule in contract.rules}
    assert all(list(reasons) == [known[rule] for rule in rules] for rules, reasons, _ in found)
    planted = {
        json.dumps(d["key"], sort_keys=True): d["rule"]
        for d in truth["dirt"]
        if d["outcome"] == "reject" and all(v is not None for v in d["key"].values())
    }
    for rules, _, key in found:
        rule = planted.get(json.dumps(json.loads(key), sort_keys=True))
        if rule is not None:
            assert rule in rules, key
    # Where a row's key itself is what is broken, the count by rule still has to agree.
    assert Counter(r for rules, _, _ in found for r in rules) >= expected


def test_the_second_night_changes_nothing(province: Province, deployment: Deployment) -> None:
    province.at_day(0)
    deployment.sync()
    before = deployment.parquet()
    again = deployment.sync()
    assert {entry["status"] for entry in again.values()} == {"unchanged"}
    moved = [e["inserted"] + e["updated"] + e["deleted"] for e in again.values()]
    assert sum(moved) == 0
    assert deployment.parquet() == before


def test_a_day_later_exactly_the_new_and_changed_rows_move(
    province: Province, deployment: Deployment
) -> None:
    province.at_day(0)
    deployment.sync()
    before = {d: stored(deployment, d, table) for d, table in SANDBOXED}
    province.at_day(1)
    report = deployment.sync()
    for dataset, table in SANDBOXED:
        rows = stored(deployment, dataset, table)
        contract = next(c for c in CATALOG.contracts.values() if c.table == table)
        truth = {
            tuple(text(row[name]) or "" for name in contract.key): row
            for row in province.get(f"/truth/rows/{dataset}")
        }
        assert rows.keys() == truth.keys(), dataset
        new = rows.keys() - before[dataset].keys()
        gone = before[dataset].keys() - rows.keys()
        rewritten = {
            key
            for key in rows.keys() & before[dataset].keys()
            if rows[key]["_batch"] != before[dataset][key]["_batch"]
        }
        different = {
            key
            for key in rows.keys() & before[dataset].keys()
            if rows[key]["_hash"] != before[dataset][key]["_hash"]
        }
        assert rewritten == different, dataset
        entry = report[dataset]
        assert (entry["inserted"], entry["updated"], entry["deleted"]) == (
            len(new), len(different), len(gone),
        ), dataset  # fmt: skip
        kept = deployment.query(
            f"SELECT _change, count(*) FROM {table}_lich_su GROUP BY 1 ORDER BY 1"
        )
        assert dict(kept) == {
            change: count
            for change, count in (("delete", len(gone)), ("update", len(different)))
            if count
        }, dataset
    assert report["lao_cai/dich_vu_cong/ho_so"]["inserted"] > 0
    assert report["lao_cai/dich_vu_cong/ho_so"]["updated"] > 0


def test_a_sync_leaves_other_consumers_queues_alone(
    province: Province, deployment: Deployment
) -> None:
    province.at_day(0)
    before = province.get("/queue")
    deployment.sync("yen_bai")
    assert province.get("/queue") == before
    assert "POST /v1/updateStatus" not in province.get("/requests")["yen_bai/van_ban"]


def test_a_dossier_deleted_without_notice_goes_at_the_next_reconciliation(
    province: Province, deployment: Deployment
) -> None:
    name, table = "lao_cai/dich_vu_cong/ho_so", "dung_chung.ho_so"
    province.at_day(0)
    deployment.sync(name)
    province.post("/withdraw", {"count": 3})
    # An incremental pull sees only what is new.
    assert deployment.sync(name)[name]["deleted"] == 0
    assert deployment.sync("--whole", name)[name]["deleted"] == 3
    truth = {row["ma_ho_so"] for row in province.get(f"/truth/rows/{name}")}
    assert {key[0] for key in stored(deployment, name, table)} == truth
    assert deployment.query(f"SELECT _change, count(*) FROM {table}_lich_su GROUP BY 1") == [
        ("delete", 3)
    ]
    province.at_day(1)
    province.at_day(0)  # lived again from the start: the three are back
    assert deployment.sync("--whole", name)[name]["inserted"] == 3
