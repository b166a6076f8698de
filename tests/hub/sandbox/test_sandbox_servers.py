"""The servers: credentials, paging, caps, faults, queues, and the control server's words."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import requests

from hub.sandbox.server import AXIS, CATALOG, PORTAL, Sandbox
from hub.settings import ROOT

Json = dict[str, Any]


def portal_token(sandbox: Sandbox) -> dict[str, str]:
    """Log in to the portal."""
    secret = sandbox.credentials.client_secret
    body = {"grant_type": "client_credentials"}
    answer = requests.post(f"{sandbox.url(PORTAL)}/token", body, auth=("hub", secret), timeout=5)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def portal(sandbox: Sandbox, path: str = "hoso", **query: object) -> Json:
    """Ask the portal."""
    found: Json = requests.get(
        f"{sandbox.url(PORTAL)}/api/v1/{path}",
        {key: str(value) for key, value in query.items()},
        headers=portal_token(sandbox),
        timeout=5,
    ).json()
    return found


def axis_headers(sandbox: Sandbox) -> dict[str, str]:
    """Log in to the document axis."""
    env = sandbox.environment()
    login = {
        "username": env["YEN_BAI_VAN_BAN_USERNAME"],
        "password": env["YEN_BAI_VAN_BAN_PASSWORD"],
    }
    answer = requests.post(f"{sandbox.url(AXIS)}/v1/auth/login", json=login, timeout=5).json()
    return {
        "Authorization": f"Bearer {answer['data']['token']}",
        "X-SystemId": env["YEN_BAI_VAN_BAN_SYSTEM_ID"],
        "X-SecretKey": env["YEN_BAI_VAN_BAN_SECRET_KEY"],
    }


def axis(sandbox: Sandbox, path: str, **query: str) -> requests.Response:
    """Ask the document axis."""
    address = f"{sandbox.url(AXIS)}/v1/{path}"
    return requests.get(address, query, headers=axis_headers(sandbox), timeout=5)


def action(sandbox: Sandbox, name: str, *, token: str = "", **query: object) -> tuple[int, Json]:
    """Ask the catalog."""
    answer = requests.get(
        f"{sandbox.url(CATALOG)}/api/3/action/{name}",
        {key: str(value) for key, value in query.items()},
        headers={"Authorization": token} if token else {},
        timeout=5,
    )
    return answer.status_code, answer.json()


def data_resource(sandbox: Sandbox, package: str, token: str = "") -> Json:
    """Return a package's data resource."""
    _, shown = action(sandbox, "package_show", id=package, token=token)
    resource: Json = shown["result"]["resources"][1]
    return resource


def control(sandbox: Sandbox, path: str) -> Any:
    """Ask the control server."""
    return requests.get(sandbox.url("control") + path, timeout=20).json()


def tell(sandbox: Sandbox, order: str, /, **body: object) -> requests.Response:
    """Tell the control server."""
    return requests.post(sandbox.url("control") + order, json=body, timeout=20)


def test_portal_wants_its_secret_and_a_live_token(sandbox: Sandbox) -> None:
    address = sandbox.url(PORTAL)
    wrong = requests.post(f"{address}/token", auth=("hub", "guess"), timeout=5)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert requests.post(f"{address}/token", timeout=5).status_code == 401
    headers = portal_token(sandbox)
    assert requests.get(f"{address}/api/v1/hoso", headers=headers, timeout=5).status_code == 200
    time.sleep(0.7)
    assert requests.get(f"{address}/api/v1/hoso", headers=headers, timeout=5).status_code == 401
    assert requests.get(f"{address}/api/v1/thutuc", timeout=5).status_code == 401


def test_portal_pages_hold_every_dossier_once(sandbox: Sandbox) -> None:
    truth = control(sandbox, "/truth")["datasets"][f"{PORTAL}/ho_so"]
    records = []
    for page in range(1, 100):
        answer = portal(sandbox, page=page, pageSize=70)
        assert answer["error_code"] == "00"
        assert answer["total"] == str(truth["served"])
        assert all(isinstance(value, str) for key, value in answer.items() if key != "result")
        if not answer["result"]:
            break
        records += answer["result"]
    assert len(records) == truth["served"]
    assert all(
        isinstance(value, str)
        for record in records
        for name, value in record.items()
        if name != "DanhSachLePhi"
    )
    stamps = [record["NgayCapNhat"] for record in records]
    assert stamps == sorted(stamps)
    assert portal(sandbox, page=1, pageSize=50_000)["pageSize"] == "10000"


def test_portal_filters_by_update_time(sandbox: Sandbox) -> None:
    everything = portal(sandbox, pageSize=10_000)["result"]
    middle = everything[150]["NgayCapNhat"]
    later = portal(sandbox, pageSize=10_000, tuNgay=middle)["result"]
    earlier = portal(sandbox, pageSize=10_000, denNgay=middle)["result"]
    assert earlier + later == everything
    assert min(record["NgayCapNhat"] for record in later) == middle


def test_portal_says_in_a_200_what_is_wrong(sandbox: Sandbox) -> None:
    assert portal(sandbox, page="x")["error_code"] == "-1"
    assert portal(sandbox, page=0)["error_code"] == "-1"
    assert portal(sandbox, tuNgay="2026-10-01")["error_code"] == "-2"
    assert portal(sandbox, page=99)["result"] == []


def test_axis_wants_token_and_keys(sandbox: Sandbox) -> None:
    address = f"{sandbox.url(AXIS)}/v1"
    refused = requests.post(f"{address}/auth/login", json={"username": "x"}, timeout=5)
    assert (refused.status_code, refused.json()["errorCode"]) == (401, "15")
    assert requests.get(f"{address}/getEdoc", timeout=5).status_code == 401
    headers = axis_headers(sandbox) | {"X-SecretKey": "guess"}
    wrong = requests.get(f"{address}/getEdoc", headers=headers, timeout=5)
    assert (wrong.status_code, wrong.json()["errorCode"]) == (401, "15")
    forged = axis_headers(sandbox) | {"Authorization": "Bearer e30.e30.e30"}
    assert requests.get(f"{address}/getEdoc", headers=forged, timeout=5).status_code == 401


def test_axis_lists_windows_of_31_days(sandbox: Sandbox) -> None:
    windows = (("2026/08/01", "2026/08/31"), ("2026/09/01", "2026/10/01"))
    truth = control(sandbox, "/truth")["datasets"]
    for kind, dataset in (("edoc", "van_ban"), ("status", "trang_thai")):
        found: set[str] = set()
        for first, last in windows:
            answer = axis(
                sandbox, "syncReceivedEdocList", messageType=kind, fromDate=first, toDate=last
            ).json()
            assert answer["count"] == len(answer["data"])
            found |= {entry["docId"] for entry in answer["data"]}
        assert len(found) == truth[f"{AXIS}/{dataset}"]["served"]
    long = axis(sandbox, "syncReceivedEdocList", fromDate="2026/08/01", toDate="2026/09/01").json()
    assert (long["success"], long["errorCode"]) == (False, "20")
    assert axis(sandbox, "getEdoc", docId="nobody").json()["success"] is False


def test_reading_leaves_the_queues_alone_and_updating_does_not(sandbox: Sandbox) -> None:
    before = control(sandbox, "/queue")
    listed = axis(
        sandbox, "syncReceivedEdocList", fromDate="2026/09/15", toDate="2026/10/01"
    ).json()
    entry = next(e for e in listed["data"] if e["status"] == "initial")
    answer = axis(sandbox, "getEdoc", docId=entry["docId"])
    assert answer.headers["Content-Type"] == "application/xml"
    assert control(sandbox, "/queue") == before
    requests.post(
        f"{sandbox.url(AXIS)}/v1/updateStatus",
        json={"docId": entry["docId"], "status": "done"},
        headers=axis_headers(sandbox),
        timeout=5,
    )
    assert control(sandbox, "/queue") != before
    assert control(sandbox, "/requests")[AXIS]["POST /v1/updateStatus"] == 1


def test_catalog_caps_the_datastore_in_silence(sandbox: Sandbox) -> None:
    package = "dien-tich-nang-suat-san-luong-cay-trong"
    resource = data_resource(sandbox, package)
    _, first = action(sandbox, "datastore_search", resource_id=resource["id"], limit=32_000)
    total = first["result"]["total"]
    records = first["result"]["records"]
    assert len(records) == 500 < total
    _, rest = action(sandbox, "datastore_search", resource_id=resource["id"], limit=500, offset=500)
    records += rest["result"]["records"]
    assert len(records) == total
    assert len({record["_id"] for record in records}) == total
    assert action(sandbox, "datastore_search", resource_id=resource["id"], limit="x")[0] == 409


def test_catalog_hides_the_private_package(sandbox: Sandbox) -> None:
    token = sandbox.credentials.token
    counts = [
        action(sandbox, "package_search", token=given, **asked)[1]["result"]["count"]
        for given in (token, "guess", "")
        for asked in ({"include_private": "true"}, {})
    ]
    public = control(sandbox, "/truth")["datasets"][f"{CATALOG}/tap_du_lieu"]["served"]
    assert counts == [public + 1, *[public] * 5]
    _, listed = action(sandbox, "package_list", token=token)
    assert len(listed["result"]) == public
    assert "can-bo-dau-moi" not in listed["result"]
    for given, knows in ((token, 1), ("guess", 0), ("", 0)):
        code, body = action(sandbox, "organization_list_for_user", token=given)
        assert (code, len(body["result"])) == (200, knows)
    identity = data_resource(sandbox, "can-bo-dau-moi", token)["id"]
    for given, status in (("", 403), ("guess", 403), (token, 200)):
        code, body = action(sandbox, "datastore_search", resource_id=identity, token=given)
        assert code == status
        assert body["success"] is (status == 200)
        if status == 403:
            assert body["error"]["__type"] == "Authorization Error"
    status, body = action(sandbox, "package_show", id="nothing")
    assert (status, body["error"]["__type"]) == (404, "Not Found Error")
    assert action(sandbox, "explode")[0] == 400


def test_catalog_searches_by_organisation_and_time(sandbox: Sandbox) -> None:
    def found(fq: str = "", **more: str) -> list[Json]:
        _, body = action(sandbox, "package_search", rows=1000, fq=fq, **more)
        results: list[Json] = body["result"]["results"]
        assert body["result"]["count"] == len(results)
        return results

    every = found(sort="id asc")
    assert [one["id"] for one in every] == sorted(one["id"] for one in every)
    body = found('+organization:"co-quan-03"')
    assert {one["organization"]["name"] for one in body} == {"co-quan-03"}
    times = sorted(one["metadata_modified"] for one in every)
    middle = times[len(times) // 2]
    since = found(f"+metadata_modified:[{middle}Z TO *]")
    until = found(f"+metadata_modified:[* TO {middle}Z}}")
    assert {one["metadata_modified"] >= middle for one in since} == {True}
    assert len(since) + len(until) == len(every)
    assert max(times) < "2026-10-01", "the catalog writes UTC: its newest are of Vietnam's midnight"


def test_catalog_files_have_their_quirks(sandbox: Sandbox) -> None:
    heritage = requests.get(data_resource(sandbox, "di-san-van-hoa-phi-vat-the")["url"], timeout=5)
    assert heritage.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(heritage.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 1 + control(sandbox, "/truth")["datasets"][f"{CATALOG}/di_san"]["served"]
    again = requests.get(
        heritage.url, headers={"If-None-Match": heritage.headers["ETag"]}, timeout=5
    )
    assert (again.status_code, again.content) == (304, b"")
    sites = requests.get(data_resource(sandbox, "dia-diem-du-lich")["url"], timeout=5).content
    assert b";" in sites.splitlines()[0]
    assert sites.count(b"\r\n") == sites.count(b"\n")
    prices = requests.get(data_resource(sandbox, "bang-gia-vat-lieu-xay-dung")["url"], timeout=5)
    sheet = openpyxl.load_workbook(io.BytesIO(prices.content), read_only=True).active
    assert sheet is not None
    lines = [[str(cell or "") for cell in line] for line in sheet.iter_rows(values_only=True)]
    assert lines[0][0].startswith("BẢNG GIÁ")
    assert lines[3][2] == "Tên vật liệu, quy cách "
    assert lines[-2][0].startswith("(*)")


@pytest.mark.parametrize(
    ("mode", "status", "start"),
    [
        ("html", 200, "<!DOCTYPE html>"),
        ("unauthorized", 401, "{"),
        ("unavailable", 502, "<!DOCTYPE html>"),
        ("error", 200, '{"error_code": "-99"'),
        ("empty", 200, '{"error_code": "00"'),
    ],
)
def test_faults_of_answers(sandbox: Sandbox, mode: str, status: int, start: str) -> None:
    headers = portal_token(sandbox)
    assert tell(sandbox, "/fault", system=PORTAL, mode=mode, path="/api").status_code == 200
    address = f"{sandbox.url(PORTAL)}/api/v1/thutuc"
    answer = requests.get(address, headers=headers, timeout=5)
    tell(sandbox, "/fault", system=PORTAL, mode="none")
    assert answer.status_code == status
    assert answer.text.startswith(start)
    assert requests.get(address, headers=portal_token(sandbox), timeout=5).ok


def test_faults_of_connections(sandbox: Sandbox) -> None:
    address = f"{sandbox.url(CATALOG)}/api/3/action/package_list"
    with requests.Session() as session:
        assert session.get(address, timeout=5).ok
        tell(sandbox, "/fault", system=CATALOG, mode="down")
        with pytest.raises(requests.ConnectionError):
            session.get(address, timeout=5)
        tell(sandbox, "/fault", system=CATALOG, mode="stall")
        with pytest.raises(requests.ReadTimeout):
            session.get(address, timeout=0.3)
        tell(sandbox, "/fault", system=CATALOG, mode="truncated")
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            session.get(address, timeout=5)
        tell(sandbox, "/fault", system=CATALOG, mode="slow", seconds=0.3)
        started = time.monotonic()
        assert session.get(address, timeout=5).ok
        assert time.monotonic() - started >= 0.3
        tell(sandbox, "/fault", system=CATALOG, mode="none")
        assert session.get(address, timeout=5).ok
    assert tell(sandbox, "/fault", system=CATALOG, mode="explode").status_code == 400


def test_the_control_server_moves_days_and_shows_rows(sandbox: Sandbox) -> None:
    name = f"{PORTAL}/ho_so"
    before = control(sandbox, "/truth")["datasets"][name]
    upload = data_resource(sandbox, "bang-gia-vat-lieu-xay-dung")["id"]
    assert tell(sandbox, "/day", day=1).json() == {"day": 1}
    after = control(sandbox, "/truth")
    assert after["day"] == 1
    changes = after["datasets"][name]["changes"]
    assert after["datasets"][name]["served"] == before["served"] + changes["new"]
    fresh = portal(sandbox, pageSize=1_000, tuNgay="20261002000000")
    assert fresh["total"] == str(changes["new"] + changes["changed"])
    assert data_resource(sandbox, "bang-gia-vat-lieu-xay-dung")["id"] != upload
    text = requests.get(f"{sandbox.url('control')}/truth/rows/{name}", timeout=5).text
    rows = [json.loads(line) for line in text.splitlines()]
    assert len(rows) == after["datasets"][name]["loadable"]
    assert {row["ngay_cap_nhat"][10] for row in rows} == {" "}
    assert tell(sandbox, "/day", day=0).json() == {"day": 0}
    assert control(sandbox, "/truth")["datasets"][name] == before
    assert tell(sandbox, "/day", day=-1).status_code == 400
    assert requests.get(f"{sandbox.url('control')}/truth/rows/x/y/z", timeout=5).status_code == 404


def test_the_command_announces_itself_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hub.sandbox", "--data", str(tmp_path), "--scale", "300"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=dict(os.environ))
    try:
        deadline = time.monotonic() + 20
        while not (tmp_path / "sandbox.json").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        state = json.loads((tmp_path / "sandbox.json").read_text())
        assert state["pid"] == process.pid
        assert requests.get(f"{state['control_url']}/truth", timeout=5).json()["scale"] == 300
        lines = (tmp_path / "sandbox.env").read_text().splitlines()
        assert len(lines) == 10
        assert all("=" in line for line in lines)
        assert (tmp_path / "sandbox.env").stat().st_mode & 0o077 == 0
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 0
    assert b"synthetic" in out
    assert list(tmp_path.iterdir()) == []
