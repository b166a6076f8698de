"""``hub rejects``: the summary, the records, and nobody's name in any format."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.hub import small
from tests.hub.cli.conftest import Hub

DATASET = f"{small.PORTAL}/ho_so"
NAMES = ("Hoàng", "Mật", "Giàng", "Kín")
MASKED = {
    "ma": "A4", "ngay_nhan": "2026-02-01", "ngay_tra": "2026-01-01", "chu_ho_so": "***",
    "trang_thai": "9", "le_phi": "5", "cap_nhat": "***",
}  # fmt: skip
"""``chu_ho_so`` is personal by its contract; ``cap_nhat`` is not mapped, and so not judged."""


def test_the_summary_counts_records_by_rule(hub: Hub) -> None:
    lines = hub("rejects", DATASET).out.splitlines()
    assert lines[0] == f"refused records of {DATASET}: 1"
    found = [" ".join(line.split()) for line in lines if line.startswith("       1 ")]
    assert found == [
        "1 row.nhan_truoc_tra Ngày hẹn trả sớm hơn ngày tiếp nhận",
        "1 trang_thai.in_set Trạng thái không có trong danh mục",
    ]


def test_a_record_says_where_it_stood_and_why(hub: Hub) -> None:
    out = hub("rejects", DATASET).out
    assert "trang_thai.in_set, row.nhan_truoc_tra" in out
    assert "  file     page" in out.splitlines()
    assert "  line     4" in out.splitlines()
    assert json.dumps(MASKED, ensure_ascii=False, separators=(",", ":")) in out


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("everything", [(), ("--all",)])
def test_no_format_shows_a_person(hub: Hub, form: str, everything: tuple[str, ...]) -> None:
    said = hub("rejects", DATASET, "--format", form, *everything)
    assert said.code == 0
    assert "***" in said.out
    assert not any(name in said.out for name in NAMES)


def test_csv_and_json_hold_the_masked_record(hub: Hub) -> None:
    (found,) = csv.DictReader(io.StringIO(hub("rejects", DATASET, "--format", "csv").out))
    assert json.loads(found["record"]) == MASKED
    assert found["line"] == "4"
    (parsed,) = json.loads(hub("rejects", DATASET, "--format", "json").out)
    assert parsed["record"] == MASKED


def test_parquet_holds_the_masked_record(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "rejects").write_bytes(hub("rejects", DATASET, "--format", "parquet").raw)
    found = duckdb.connect().execute(f"SELECT record FROM read_parquet('{tmp_path}/rejects')")
    assert [json.loads(row[0]) for row in found.fetchall()] == [MASKED]


def test_all_adds_what_the_source_has_mended(hub: Hub) -> None:
    out = hub("rejects", DATASET, "--all").out
    assert out.startswith(f"refused records of {DATASET}: 2\n")
    assert '"ma":"A3"' in out
    mended = json.loads(hub("rejects", DATASET, "--all", "--format", "json").out)
    assert [bool(record["mended"]) for record in mended] == [True, False]


def test_limit_is_of_records(hub: Hub) -> None:
    out = hub("rejects", DATASET, "--all", "--limit", "1").out
    assert "row 1" in out
    assert "row 2" not in out
    assert "--limit shows more" in out


@pytest.mark.parametrize("name", [f"{small.UNITS}/don_vi", small.COUNTS])
def test_nothing_refused_is_said_in_words(hub: Hub, name: str) -> None:
    assert hub("rejects", name)[:3] == (0, f"no record of {name} is refused\n", "")


def test_an_unknown_dataset_is_exit_code_2_and_names_the_known_ones(hub: Hub) -> None:
    code, out, err, _ = hub("rejects", "tinh/cong")
    assert (code, out) == (2, "")
    assert DATASET in err
    assert small.COUNTS in err


def test_a_broken_contract_is_one_line_and_shows_nothing(
    hub: Hub, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    shutil.copytree(deployed / "assets", assets)
    (assets / "contracts" / "ho_so_nho.odcs.yaml").write_text("kind: no\n")
    monkeypatch.setenv("HUB_ASSETS_DIR", str(assets))
    code, out, err, _ = hub("rejects", DATASET)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "ho_so_nho.odcs.yaml" in err


def test_without_a_warehouse_it_is_one_line(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
    code, out, err, _ = hub("rejects", DATASET)
    assert (code, out) == (1, "")
    assert err.startswith("hub: there is no warehouse in ")
