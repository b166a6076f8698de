"""Systems as a province has them, each run by software that no one here wrote where there is any.

Data flow: each function starts one server, fills it and yields a :class:`Connected`: the YAML
that connects it, its rows, and a way to change some of them through its own interface.

- a CKAN catalog: CKAN, in ``test_ckan_real`` (it is started once for all that is asked of it);
- a case-management API with OAuth2: Django REST framework behind Authlib (``case_server``);
- a document system with tokens and throttling: Django REST framework (``document_server``);
- a document axis with tokens: the tests' own behind the gate of ``fault_proxy``;
- an OGC API - Features: pygeoapi, with its TinyDB provider;
- an OAI-PMH repository: the server of ``oaipmh`` (``oai_server``);
- a WebDAV folder: WsgiDAV;
- a table: PostgreSQL.

What does not belong here: what is pulled and compared (``test_connected``).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import requests

from tests.sources import case_server, document_server
from tests.sources.databases import postgres
from tests.sources.kit import Rows
from tests.sources.kit_servers import rows, standing_in
from tests.sources.real_servers import EDITABLE, PASSWORD, USER, running
from tests.sources.test_edxml import XML, Axis

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_PATIENCE = 10
_BEFORE = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
"""When the rows were made that a test finds there."""


@dataclass
class Connected:
    """A system, its definition and its rows."""

    definition: str
    truth: Callable[[], Rows]
    """All rows, in the order in which they are landed."""
    change: Callable[[], None]
    """Add, change and delete rows through the system's own interface."""
    new: Callable[[Rows], Rows] | None = None
    """Which of the rows are new since the first pull; None if the kind cannot ask for them."""
    cursor: str = ""
    """Where the first pull ended, in Vietnam time."""
    url: str = ""
    address: str = ""
    """In place of ``url``, for what speaks no HTTP."""
    environment: dict[str, str] = field(default_factory=dict)
    gated: bool = False


@contextlib.contextmanager
def cases(folder: Path) -> Iterator[Connected]:
    definition = """
        kind: rest
        auth:
          kind: oauth2_client_credentials
          token_path: /oauth2/token
          client_id: {env: KIT_ID}
          client_secret: {env: KIT_SECRET}
          scope: ho_so.doc
        fetch:
          path: /api/ho-so/
          records: results
          total: count
          since_parameter: tu
          time_format: "%Y-%m-%dT%H:%M:%S.%f"
          paging: {kind: next_url, path: next, key: id}
    """
    environment = {"KIT_ID": case_server.CLIENT, "KIT_SECRET": case_server.CLIENT_SECRET}
    with running("cases", folder) as url, requests.Session() as session:
        answer = session.post(
            url + case_server.TOKENS,
            data={"grant_type": "client_credentials", "scope": case_server.SCOPE},
            auth=(case_server.CLIENT, case_server.CLIENT_SECRET), timeout=_PATIENCE,
        )  # fmt: skip
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        base = url + case_server.RECORDS

        def call(method: str, path: str = "", **row: str) -> None:
            session.request(method, base + path, json=row, timeout=_PATIENCE).raise_for_status()

        def truth() -> Rows:
            found = session.get(base, params={"limit": "1000"}, timeout=_PATIENCE)
            held: Rows = found.json()["results"]
            return held

        def change() -> None:
            call("POST", ma="HS-99", ten="Mới")
            call("PATCH", "3/", ten="Đã sửa")
            call("DELETE", "7/")  # which leaves a tombstone

        for row in rows(45):
            call("POST", ma=f"HS-{row['ma']}", ten=row["ten"])
        last = truth()[-1]["cap_nhat"]
        yield Connected(
            definition, truth, change,
            lambda held: [row for row in held if row["cap_nhat"] >= last],
            last, url, environment=environment,
        )  # fmt: skip


@contextlib.contextmanager
def papers(folder: Path) -> Iterator[Connected]:
    definition = """
        kind: rest
        auth:
          kind: login_token
          login_path: /api/token/
          username: {env: KIT_ID}
          password: {env: KIT_SECRET}
          token_field: token
          scheme: Token
        limits: {max_wait: 2, retries: 6}
        fetch:
          path: /api/van-ban/
          records: results
          total: count
          since_parameter: tu
          time_format: "%Y-%m-%dT%H:%M:%S.%f"
          paging: {kind: page, size_parameter: size, page_size: 20, key: id}
    """
    environment = {"KIT_ID": document_server.HUB, "KIT_SECRET": document_server.PASSWORD}
    with running("documents", folder) as url, requests.Session() as session:
        login = {"username": document_server.CLERK, "password": document_server.PASSWORD}
        answer = session.post(url + document_server.TOKENS, json=login, timeout=_PATIENCE)
        session.headers["Authorization"] = f"Token {answer.json()['token']}"
        base = url + document_server.RECORDS

        def call(method: str, path: str = "", **row: str) -> None:
            session.request(method, base + path, json=row, timeout=_PATIENCE).raise_for_status()

        def truth() -> Rows:
            found = session.get(base, params={"size": "1000"}, timeout=_PATIENCE)
            held: Rows = found.json()["results"]
            return held

        def change() -> None:
            call("POST", so_ky_hieu="99/TB-UBND", trich_yeu="Mới")
            call("PATCH", "3/", trich_yeu="Đã sửa")
            call("DELETE", "7/")  # without a word: only a whole pull sees it

        last = max(row["cap_nhat"] for row in truth())
        yield Connected(
            definition, truth, change,
            lambda held: [row for row in held if row["cap_nhat"] >= last],
            last, url, environment=environment,
        )  # fmt: skip


@contextlib.contextmanager
def documents(_: Path) -> Iterator[Connected]:
    now = datetime.now(_VIETNAM)

    def moment(days: int) -> str:
        return f"{now - timedelta(days=days):%Y/%m/%d} 10:00:00"

    definition = f"""
        kind: edxml
        classified_officer: Chánh Văn phòng
        auth:
          kind: oauth2_client_credentials
          token_path: /kit-token
          client_id: {{env: KIT_ID}}
          client_secret: {{env: KIT_SECRET}}
        fetch: {{message_type: edoc, start: {now - timedelta(days=70):%Y-%m-%d}}}
    """
    with standing_in() as server:
        axis = Axis(server)
        axis.held = [axis.entry(f"d-{number}", moment(62 - number)) for number in range(1, 13)]

        def change() -> None:
            axis.held += [axis.entry("d-98", moment(2)), axis.entry("d-99", moment(1))]

        yield Connected(
            definition,
            lambda: [(one["docId"], XML + one["docId"].encode()) for one in axis.held],
            change, lambda held: held[-2:],
            f"{now - timedelta(days=3):%Y-%m-%d %H:%M:%S}", server.url,
            environment={"KIT_ID": "kho", "KIT_SECRET": "bi-mat-cua-truc"}, gated=True,
        )  # fmt: skip


@contextlib.contextmanager
def features(folder: Path) -> Iterator[Connected]:
    definition = f"""
        kind: ogc_features
        fetch: {{collection: {EDITABLE}, page_size: 20}}
    """

    def feature(name: str, moment: datetime) -> dict[str, Any]:
        return {
            "type": "Feature", "id": name,
            "geometry": {"type": "Point", "coordinates": [104.5, 21.5]},
            "properties": {"ten": f"Di tích {name}", "cap_nhat": f"{moment:%Y-%m-%dT%H:%M:%SZ}"},
        }  # fmt: skip

    def truth() -> Rows:
        held = json.loads((folder / "features.tinydb").read_text(encoding="utf-8"))
        return list(held["_default"].values())

    (folder / "features.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    with running("pygeoapi", folder) as url:
        items = f"{url}/collections/{EDITABLE}/items"

        def call(method: str, path: str = "", row: dict[str, Any] | None = None) -> None:
            requests.request(
                method, items + path, json=row, timeout=_PATIENCE,
                headers={"Content-Type": "application/geo+json"},
            ).raise_for_status()  # fmt: skip

        def change() -> None:
            later = _BEFORE + timedelta(days=1)
            call("POST", row=feature("d-99", later))
            call("PUT", "/d-3", feature("d-3", later))
            call("DELETE", "/d-7")

        for row in rows(45):
            call("POST", row=feature(f"d-{row['ma']}", _BEFORE))
        yield Connected(
            definition, truth, change,
            lambda held: [row for row in held if row["properties"]["cap_nhat"] > "2026-10-02"],
            "2026-10-01 20:00:00", url,
        )  # fmt: skip


@contextlib.contextmanager
def repository(folder: Path) -> Iterator[Connected]:
    definition = "{kind: oai_pmh, fetch: {path: /oai}}"
    file = folder / "records.json"

    def record(number: int, day: int, *, deleted: bool = False) -> dict[str, Any]:
        moment = f"2026-10-{day:02}T08:00:00Z"
        return {"ma": f"oai:kho:{number}", "ten": f"Sách {number}", "luc": moment, "xoa": deleted}

    def write(held: Rows) -> None:
        file.write_text(json.dumps(held), encoding="utf-8")

    def truth() -> Rows:
        return [
            {
                "identifier": row["ma"], "datestamp": row["luc"], "setSpec": "sach",
                **({"status": "deleted"} if row["xoa"]
                   else {"status": "active", "title": row["ten"]}),
            }
            for row in json.loads(file.read_text(encoding="utf-8"))
        ]  # fmt: skip

    def change() -> None:
        held = json.loads(file.read_text(encoding="utf-8"))
        held[3] = record(3, 2)
        held[7] = record(7, 2, deleted=True)
        write([*held, record(99, 2)])

    write([record(number, 1) for number in range(45)])
    with running("oaipmh", folder) as url:
        yield Connected(
            definition, truth, change,
            lambda held: [row for row in held if row["datestamp"] > "2026-10-02"],
            "2026-10-01 20:00:00", url,
        )  # fmt: skip


@contextlib.contextmanager
def store(folder: Path) -> Iterator[Connected]:
    definition = """
        kind: webdav
        auth: {kind: basic, username: {env: KIT_ID}, password: {env: KIT_SECRET}}
        fetch: {path: kho, match: "*.csv", download: csv}
    """
    with running("wsgidav", folder) as url:

        def call(method: str, path: str, body: bytes = b"") -> None:
            requests.request(
                method, f"{url}/kho/{quote(path)}", data=body, auth=(USER, PASSWORD),
                timeout=_PATIENCE,
            ).raise_for_status()  # fmt: skip

        def truth() -> Rows:
            found = sorted(folder.rglob("*.csv"), key=lambda file: file.relative_to(folder).parts)
            return [(str(file.relative_to(folder)), file.read_bytes()) for file in found]

        def change() -> None:
            call("PUT", "năm 2026/mới.csv", b"ma\r\n99\r\n")
            call("PUT", "bảng 3.csv", b"ma\r\n33\r\n")
            call("DELETE", "bảng 4.csv")

        call("MKCOL", "năm 2026")
        for number in range(1, 6):
            call("PUT", f"bảng {number}.csv", b"ma\r\n%d\r\n" % number)
        old = dict(truth())
        cursor = age(folder)
        yield Connected(
            definition, truth, change,
            lambda held: [(path, body) for path, body in held if old.get(path) != body],
            cursor, url, environment={"KIT_ID": USER, "KIT_SECRET": PASSWORD},
        )  # fmt: skip


def age(folder: Path) -> str:
    """Make all files a day old; return a time between then and now, as the hub writes it."""
    now = datetime.now(_VIETNAM)
    for file in folder.rglob("*.csv"):
        os.utime(file, ((now - timedelta(days=1)).timestamp(),) * 2)
    return f"{now - timedelta(hours=1):%Y-%m-%d %H:%M:%S}"


@contextlib.contextmanager
def table(_: Path) -> Iterator[Connected]:
    definition = """
        kind: database
        fetch: {table: ho_so, tls: off, order: [ma], since_column: luc, page_size: 20}
    """
    with postgres() as server:
        server.run(
            "CREATE TABLE ho_so (ma int PRIMARY KEY, ten text, luc timestamp);"
            "INSERT INTO ho_so SELECT i, 'Hồ sơ ' || i, '2026-10-01 08:00:00'"
            "FROM generate_series(1, 45) i"
        )

        def truth() -> Rows:
            said = server.run("SELECT to_json(t) FROM ho_so t ORDER BY ma")
            found = [json.loads(line) for line in said.splitlines()]
            return [
                {**row, "ma": str(row["ma"]), "luc": row["luc"].replace("T", " ")} for row in found
            ]

        def change() -> None:
            server.run(
                "INSERT INTO ho_so VALUES (99, 'Mới', '2026-10-02 08:00:00');"
                "UPDATE ho_so SET ten = 'Đã sửa', luc = '2026-10-02 08:00:00' WHERE ma = 3;"
                "DELETE FROM ho_so WHERE ma = 7"
            )

        yield Connected(
            definition, truth, change,
            lambda held: [row for row in held if row["luc"] > "2026-10-02"],
            "2026-10-01 12:00:00", address=server.url(),
        )  # fmt: skip


SYSTEMS = {
    "case management with OAuth2": cases,
    "document system with tokens and throttling": papers,
    "document axis": documents,
    "OGC API": features,
    "OAI-PMH": repository,
    "WebDAV": store,
    "PostgreSQL": table,
}
