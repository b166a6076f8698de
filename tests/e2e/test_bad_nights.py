"""Portals that are down or stall; wrong secrets; broken files; syncs that meet; readers.

Portals that lie: ``tests/hub/test_kit_nights.py``.
"""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.deployment import ROOT, Deployment, Province

PORTAL = "lao_cai/dich_vu_cong"
CATALOG = "tuyen_quang/du_lieu_dung_chung"


def test_one_portal_down(province: Province, deployment: Deployment) -> None:
    deployment.sync()
    province.at_day(1)
    province.fault(PORTAL, "down")
    done = deployment.hub("sync", code=1)
    assert "stale input  lao_cai/dich_vu_cong/ho_so" in done.stdout
    status = {entry[0]: entry[1:] for entry in deployment.query(
        "SELECT _source || '/' || dataset, status, error FROM hub.loads "
        "QUALIFY row_number() OVER (PARTITION BY _source, dataset ORDER BY seq DESC) = 1"
    )}  # fmt: skip
    assert status[f"{PORTAL}/ho_so"][0] == "failed"
    assert "[network]" in status[f"{PORTAL}/ho_so"][1]
    assert status[f"{CATALOG}/du_lich"][0] == "loaded"
    # The indicator over the portal's last good data is up to date, not failed.
    assert status["chi_so/ho_so_theo_thang"][0] == "unchanged"
    province.fault(PORTAL, "none")
    report = json.loads(deployment.hub("retry", "--json").stdout)
    recovered = {entry["dataset"]: entry for entry in report["datasets"]}
    # Only what failed is asked for again, and what is computed from it.
    assert recovered.keys() == {
        f"{PORTAL}/ho_so", f"{PORTAL}/thu_tuc", "chi_so/ho_so_theo_thang",
    }  # fmt: skip
    assert recovered[f"{PORTAL}/ho_so"]["updated"] > 0
    assert "nothing is left" in deployment.hub("retry").stdout
    assert recovered["chi_so/ho_so_theo_thang"]["status"] == "loaded"


def test_another_portal_down_delays_no_indicator(
    province: Province, deployment: Deployment
) -> None:
    deployment.sync()
    province.at_day(1)
    province.fault(CATALOG, "unavailable")
    asked = sum(province.get("/requests")[CATALOG].values())
    report = deployment.sync(code=1)
    assert {e["status"] for name, e in report.items() if name.startswith(CATALOG)} == {"failed"}
    # One request and its retries tell that the catalog is down; six datasets need not ask again.
    assert sum(province.get("/requests")[CATALOG].values()) - asked == 5
    assert report[f"{PORTAL}/ho_so"]["status"] == "loaded"
    assert report["chi_so/ho_so_theo_thang"]["status"] == "loaded"


def test_a_stalling_portal_delays_no_other_commit(
    province: Province, deployment: Deployment
) -> None:
    deployment.sync("danh_muc")  # makes the lake
    province.fault(CATALOG, "stall")
    deployment.env["HUB_DATASET_DEADLINE"] = "30"
    process = deployment.start("sync")
    out, err = process.communicate(timeout=240)
    assert process.returncode == 1
    assert "deadline" in err
    assert "failed  tuyen_quang/du_lieu_dung_chung (" in out
    # The stalled catalog took its whole 30 s; the portal's rows were there long before. What the
    # lake says: asking it meanwhile took longer than the night on a busy machine.
    ((apart,),) = deployment.query(
        f"""SELECT epoch(min(ended_at) FILTER (_source = '{CATALOG}')
            - max(ended_at) FILTER (_source = '{PORTAL}' AND status = 'loaded')) FROM hub.loads"""
    )
    assert apart > 5


def test_two_syncs_at_once(province: Province, deployment: Deployment) -> None:
    province.at_day(0)
    both = [deployment.start("sync"), deployment.start("sync")]
    for process in both:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, out + err
    alone = Deployment(deployment.data.with_name("alone"), deployment.env)
    alone.sync()
    for table in ("dung_chung.ho_so", "dung_chung.van_ban", "mo.san_luong_cay_trong"):
        sql = f"SELECT count(*), count(DISTINCT _batch), sum(_hash) FROM {table}"
        if deployment.query("SELECT 1 FROM duckdb_tables() WHERE schema_name || '.' || table_name "
                            f"= '{table}'"):  # fmt: skip
            assert deployment.query(sql) == alone.query(sql), table
    loaded = "SELECT _source, dataset, count(*) FROM hub.loads WHERE status = 'loaded' GROUP BY ALL"
    assert {row[2] for row in deployment.query(loaded)} == {1}


def test_a_reader_never_errs_and_never_sees_half_a_batch(
    province: Province, deployment: Deployment
) -> None:
    province.at_day(0)
    deployment.sync()
    # For each snapshot a reader can see: every batch named in the table is wholly there.
    seen: list[tuple[int, ...]] = []
    errors: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        reader = deployment.reader()
        while not stop.is_set():
            try:
                reader.execute("BEGIN")
                rows = reader.execute("SELECT count(*) FROM dung_chung.ho_so").fetchall()
                loads = reader.execute(
                    "SELECT sum(inserted - deleted), count(*) FROM hub.loads "
                    "WHERE table_name = 'dung_chung.ho_so' AND status = 'loaded'"
                ).fetchall()
                reader.execute("COMMIT")
                seen.append((rows[0][0], int(loads[0][0]), loads[0][1]))
            except Exception as error:  # noqa: BLE001 - any error is what the test looks for
                errors.append(error)
                return
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    for day in (1, 2):
        province.at_day(day)
        deployment.sync()
    stop.set()
    thread.join(30)
    assert not errors
    assert all(rows == loaded for rows, loaded, _ in seen)
    assert {loads for _, _, loads in seen} >= {1, 2}
    assert len(seen) > 20


def test_ctrl_c_waits_for_no_stalled_portal(province: Province, deployment: Deployment) -> None:
    deployment.sync("danh_muc")  # makes the lake
    province.fault(CATALOG, "stall")
    process = deployment.start("sync", "lao_cai", "tuyen_quang")
    while process.poll() is None:
        if deployment.query(f"SELECT 1 FROM hub.loads WHERE _source = '{PORTAL}'"):
            break
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)  # the catalog's own deadline is an hour
    assert process.returncode == 1
    assert "hub: stopped" in err
    assert "Traceback" not in err


def test_a_batch_that_is_mostly_bad_is_held_back_and_says_why(
    province: Province, deployment: Deployment, tmp_path: Path
) -> None:
    name = f"{CATALOG}/du_lich"
    deployment.sync(name)
    before = deployment.query("SELECT count(*), sum(_hash) FROM mo.dia_diem_du_lich")
    assets = tmp_path / "assets"
    shutil.copytree(ROOT / "assets", assets)
    contract = assets / "contracts" / "dia_diem_du_lich.odcs.yaml"
    text = contract.read_text()
    assert "{property: rejectThreshold, value: 0.25}" in text
    contract.write_text(text.replace("rejectThreshold, value: 0.25", "rejectThreshold, value: 0"))
    deployment.env["HUB_ASSETS_DIR"] = str(assets)
    province.at_day(1)
    done = deployment.hub("sync", name, code=1)
    (line,) = [text for text in done.stdout.splitlines() if text.startswith("failed  ")]
    assert "break the contract" in line
    assert "[data] -> look at landing batch" in line
    assert deployment.query("SELECT count(*), sum(_hash) FROM mo.dia_diem_du_lich") == before
    ((fetched, rejected, inserted),) = deployment.query(
        "SELECT fetched, rejected, inserted FROM hub.loads WHERE status = 'failed'"
    )
    assert fetched > rejected > 0 == inserted


def test_without_any_secret_check_names_what_is_missing(tmp_path: Path) -> None:
    bare = Deployment(tmp_path / "data")
    done = bare.hub("check", code=1)
    for name in (
        "LAO_CAI_DICH_VU_CONG_URL",
        "LAO_CAI_DICH_VU_CONG_CLIENT_SECRET",
        "YEN_BAI_VAN_BAN_PASSWORD",
        "TUYEN_QUANG_DU_LIEU_TOKEN",
    ):
        assert f"set {name}" in done.stdout
    synced = bare.hub("sync", code=1)
    (line,) = [text for text in synced.stdout.splitlines() if text.startswith("failed  lao_cai")]
    assert "not set in the environment: LAO_CAI_DICH_VU_CONG_URL" in line
    assert "[configuration] -> set each variable" in line
    assert "Traceback" not in synced.stderr
    # What needs no secret is there all the same.
    assert bare.query("SELECT count(*) > 3000 FROM danh_muc.don_vi_hanh_chinh") == [(True,)]


def test_check_is_content_when_everything_is_set(deployment: Deployment) -> None:
    assert "all is there" in deployment.hub("check").stdout


def test_a_wrong_secret_is_one_clear_line(deployment: Deployment) -> None:
    deployment.env["LAO_CAI_DICH_VU_CONG_CLIENT_SECRET"] = "wrong-and-never-shown"
    done = deployment.hub("sync", "lao_cai", "danh_muc", code=1)
    lines = [line for line in done.stdout.splitlines() if line.startswith("failed  ")]
    assert all("[configuration]" in line for line in lines)
    assert "LAO_CAI_DICH_VU_CONG_CLIENT_SECRET" in lines[0]
    assert "wrong-and-never-shown" not in done.stdout + done.stderr
    everything = b"".join(p.read_bytes() for p in deployment.data.rglob("*") if p.is_file())
    assert b"wrong-and-never-shown" not in everything
    assert deployment.query("SELECT count(*) > 3000 FROM danh_muc.don_vi_hanh_chinh") == [(True,)]


def test_an_unreachable_portal_is_one_clear_line(deployment: Deployment) -> None:
    deployment.env["LAO_CAI_DICH_VU_CONG_URL"] = "http://127.0.0.1:9"
    deployment.env["HUB_DATASET_DEADLINE"] = "10"
    done = deployment.hub("sync", "lao_cai/dich_vu_cong/thu_tuc", "yen_bai", code=1)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("failed  ")]
    assert "lao_cai/dich_vu_cong/thu_tuc" in line
    assert "[network]" in line
    assert "Traceback" not in done.stderr
    assert deployment.query("SELECT count(*) > 0 FROM hub.loads WHERE status = 'loaded'") == [
        (True,)
    ]


def test_a_broken_contract_stops_only_its_own_dataset(
    deployment: Deployment, tmp_path: Path
) -> None:
    assets = tmp_path / "assets"
    shutil.copytree(ROOT / "assets", assets)
    contract = assets / "contracts" / "thu_tuc_hanh_chinh.odcs.yaml"
    contract.write_text(contract.read_text().replace("logicalType: string", "logicalType: strin"))
    deployment.env["HUB_ASSETS_DIR"] = str(assets)
    done = deployment.hub("sync", "lao_cai", "danh_muc", code=1)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("failed  ")]
    assert "thu_tuc_hanh_chinh.odcs.yaml:" in line
    assert deployment.query("SELECT count(*) > 0 FROM dung_chung.ho_so") == [(True,)]
    assert "thu_tuc_hanh_chinh.odcs.yaml:" in deployment.hub("check", code=1).stdout


def test_a_broken_definition_stops_only_its_own_system(
    deployment: Deployment, tmp_path: Path
) -> None:
    assets = tmp_path / "assets"
    shutil.copytree(ROOT / "assets", assets)
    broken = assets / "lao_cai" / "dich_vu_cong" / "defs.yaml"
    broken.write_text(broken.read_text().replace("kind: portal", "kind: portal: x"))
    deployment.env["HUB_ASSETS_DIR"] = str(assets)
    done = deployment.hub("sync", code=1)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("failed  lao_cai")]
    assert "defs.yaml:" in line
    assert deployment.query("SELECT count(*) > 0 FROM mo.dia_diem_du_lich") == [(True,)]


@pytest.mark.parametrize(
    "arguments",
    [("sync", "nowhere"), ("sync", "--since", "yesterday"), ("query",), ("rejects", "no/such/set"),
     ("sync", "--since", "2026-02-01", "--until", "2026-01-01"),
     ("query", "select 1", "--at", "noon"), ("nonsense",)],
)  # fmt: skip
def test_wrong_use_is_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = Deployment(tmp_path / "data").hub(*arguments, code=2)
    assert "Traceback" not in done.stderr


def test_no_warehouse_yet_is_one_clear_line(tmp_path: Path) -> None:
    done = Deployment(tmp_path / "data").hub("query", "select 1", code=1)
    assert done.stderr.startswith("hub: there is no warehouse")
    assert "hub sync" in done.stderr
