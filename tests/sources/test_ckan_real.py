"""Kind ``ckan`` against CKAN itself: tables, files, private packages and whole catalogs.

Each is pulled, changed by CKAN's own Action API and pulled again, on the line of
``test_connected`` that is busy once and cuts one answer, and equals what CKAN says or holds. Only
the search index behind CKAN is the tests' own (``solr_stand_in``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.errors import ConfigurationError, ProviderError, TransientError
from sources.landing import LandedBatch, Landing, Position
from sources.pull import pull
from tests.sources import ckan_server
from tests.sources.ckan_server import Ckan
from tests.sources.conftest import landed_lines
from tests.sources.connected import Connected
from tests.sources.kit import Rows, landed
from tests.sources.test_connected import definition, equals_its_source

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
ORGANISATION, OTHER = "so-y-te", "so-xay-dung"
FIELDS = {
    "ma": "int", "ten": "text", "so_tien": "numeric", "ngay": "date", "luc": "timestamp",
    "dung": "bool", "them": "json",
}  # fmt: skip
PRIVATE = """
    kind: ckan
    auth: {kind: api_key, token: {env: KIT_TOKEN}}
    fetch: {package: kin, page_size: 10, resource: {access: datastore}}
"""
PUBLIC = "{kind: ckan, fetch: {package: %s, resource: {access: datastore}}}"
FILE = "{kind: ckan, fetch: {package: tep, resource: {access: file, format: CSV}}}"
CATALOG = """
    kind: ckan
    auth: {kind: api_key, token: {env: KIT_TOKEN}}
    fetch: {catalog: {page_size: 5, include_private: true%s}}
"""


@pytest.fixture(scope="session")
def started() -> Iterator[Ckan]:
    """Started once a worker, which may come back to this module when it has done another."""
    with ckan_server.running() as site:
        site.call("organization_create", name=ORGANISATION, title="Sở Y tế")
        site.call("organization_create", name=OTHER, title="Sở Xây dựng")
        yield site


@pytest.fixture
def site(started: Ckan) -> Iterator[Ckan]:
    """The catalog, without packages at the end."""
    yield started
    for name in started.call("package_search", rows=1000, include_private=True)["results"]:
        started.call("dataset_purge", id=name["id"])


def package(site: Ckan, name: str, **more: Any) -> str:
    said: dict[str, Any] = {"title": f"Gói {name}", "owner_org": ORGANISATION, **more}
    identifier: str = site.call("package_create", name=name, **said)["id"]
    return identifier


def record(number: int, **more: Any) -> dict[str, Any]:
    return {
        "ma": number, "ten": f"Trạm y tế xã Đồng Quý số {number}", "ngay": "2026-10-01",
        "so_tien": f"{number}.10", "luc": "2026-10-01T08:00:00", "dung": number % 2 == 0,
        "them": {"xã": [number]}, **more,
    }  # fmt: skip


def table(site: Ckan, name: str, records: Rows) -> str:
    """Make a datastore table, and return its resource's id."""
    identifier: str = site.call(
        "datastore_create", resource={"package_id": name, "name": "bảng", "format": "CSV"},
        fields=[{"id": name, "type": kind} for name, kind in FIELDS.items()],
        primary_key=["ma"], records=records,
    )["resource_id"]  # fmt: skip
    return identifier


def member(site: Ckan, name: str, organisation: str | None = ORGANISATION) -> str:
    """Make an account, member of an organisation, and return its token."""
    mail = f"{name}@example.com"
    site.call("user_create", name=name, email=mail, password="mat-khau-dai-1")
    if organisation:
        site.call("organization_member_create", id=organisation, username=name, role="member")
    token: str = site.call("api_token_create", user=name, name="kho")["token"]
    return token


def pulled(site: Ckan, text: str, folder: Path, token: str = "") -> LandedBatch:
    """Pull without faults."""
    system = definition(Connected(text, list, lambda: None), folder)
    return pull(
        system, system.datasets[0], position=Position(), landing=Landing(folder),
        environment={"KIT_URL": site.url, "KIT_TOKEN": token},
    )  # fmt: skip


def moment(said: str) -> datetime:
    """Read a moment of CKAN's, which is UTC, as Vietnam's wall time to the second."""
    return datetime.fromisoformat(f"{said[:19]}+00:00").astimezone(VIETNAM).replace(tzinfo=None)


def described(site: Ckan, identifier: str) -> dict[str, Any]:
    """Return what is to be landed of a package, from what CKAN's database says of it."""
    held = site.call("package_show", id=identifier)
    return {
        "identifier": held["id"], "title": held["title"], "description": held["notes"],
        "publisher": "Sở Y tế", "modified": moment(held["metadata_modified"]).isoformat(),
        "issued": moment(held["metadata_created"]).isoformat(),
        "landing_page": f"{site.url}/dataset/{held['name']}",
        "keywords": ", ".join(tag["name"] for tag in held["tags"]) or None, "themes": None,
        "license": held["license_id"], "frequency": None,
        "formats": "CSV" if held["resources"] else None,
        "distribution_count": len(held["resources"]),
        "distributions": [
            {"url": one["url"], "title": one["name"], "format": one["format"]}
            for one in held["resources"]
        ],
        "package": held,
    }  # fmt: skip


def test_a_private_table_equals_what_ckan_holds(site: Ckan, tmp_path: Path) -> None:
    package(site, "kin", private=True)
    resource = table(site, "kin", [record(number) for number in range(1, 46)])
    token = member(site, "kho_bang")
    columns = """'_id', _id, 'ma', ma, 'ten', ten, 'so_tien', so_tien, 'ngay', ngay, 'luc',
        to_char(luc, 'YYYY-MM-DD"T"HH24:MI:SS.MS'), 'dung', dung, 'them', (them).json"""

    def truth() -> Rows:
        said = site.database.run(
            f'SELECT json_build_object({columns}) FROM "{resource}" ORDER BY _id', "datastore"
        )
        return [json.loads(line) for line in said.splitlines()]

    def change() -> None:
        new = record(99, ten=None, ngay="1945-09-02")
        for method, row in (("insert", new), ("update", record(3, ten="Đã sửa"))):
            site.call("datastore_upsert", resource_id=resource, method=method, records=[row])
        site.call("datastore_delete", resource_id=resource, filters={"ma": 7})

    equals_its_source(
        Connected(PRIVATE, truth, change, url=site.url, environment={"KIT_TOKEN": token}), tmp_path
    )


def test_values_are_landed_digit_for_digit(site: Ckan, tmp_path: Path) -> None:
    package(site, "kieu")
    table(site, "kieu", [record(1, so_tien="12345678901234567890.10", them=None)])
    batch = pulled(site, PUBLIC % "kieu", tmp_path)
    (line,) = landed_lines(batch)
    assert line == (
        '{"_id":1,"ma":1,"ten":"Trạm y tế xã Đồng Quý số 1","so_tien":12345678901234567890.10,'
        '"ngay":"2026-10-01","luc":"2026-10-01T08:00:00.000","dung":false,"them":null}'
    )


def test_an_uploaded_file_equals_what_was_uploaded(site: Ckan, tmp_path: Path) -> None:
    package(site, "tep")
    name = "Trạm y tế"
    first, second = ("mã,tên\r\n1,Đồng Quý\r\n".encode() * times for times in (1, 2))
    resource = site.call(
        "resource_create", upload=first, package_id="tep", name=name, format="CSV"
    )["id"]  # fmt: skip
    assert landed(pulled(site, FILE, tmp_path)) == [("bang.csv", first)]
    site.call("resource_update", upload=second, id=resource, name=name, format="CSV")
    assert landed(pulled(site, FILE, tmp_path)) == [("bang.csv", second)]


def test_a_whole_catalog_equals_what_ckan_says_of_each(site: Ckan, tmp_path: Path) -> None:
    links = [{"name": "Bảng", "format": "CSV", "url": "https://x.example/a.csv"}]
    held = [
        package(
            site, f"goi-{number}", notes="Mô tả <b>", license_id="cc-by", private=number == 2,
            tags=[{"name": "y tế"}], resources=links * (number % 3),
        )
        for number in range(1, 13)
    ]  # fmt: skip
    token = member(site, "kho_danh_muc")
    time.sleep(1.01)  # so that what is changed from here on is of a later second
    cursor = datetime.now(VIETNAM).replace(tzinfo=None, microsecond=0)

    def truth() -> Rows:
        return [described(site, identifier) for identifier in sorted(held)]

    def change() -> None:
        site.call("package_patch", id=held[3], title="Đã sửa")
        site.call("package_delete", id=held.pop(7))
        held.append(package(site, "goi-99"))

    def new(rows: Rows) -> Rows:
        return [row for row in rows if row["modified"] >= cursor.isoformat()]

    equals_its_source(
        Connected(
            CATALOG % "", truth, change, new, f"{cursor}", site.url,
            environment={"KIT_TOKEN": token},
        ),
        tmp_path,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        ("organization: so-y-te", ["goi-a", "goi-b"]),
        ("fq: res_format:CSV", ["goi-b"]),
        ("fq: '-res_format:CSV'", ["goi-a", "goi-c"]),
        ("by: list", ["goi-a", "goi-b", "goi-c"]),
    ],
)
def test_a_part_of_a_catalog(site: Ckan, tmp_path: Path, catalog: str, expected: list[str]) -> None:
    package(site, "goi-a")
    package(
        site, "goi-b", resources=[{"name": "Bảng", "format": "CSV", "url": "https://x.example/"}]
    )
    package(site, "goi-c", owner_org=OTHER)
    package(site, "goi-d", private=True)
    rows = landed(pulled(site, f"{{kind: ckan, fetch: {{catalog: {{{catalog}}}}}}}", tmp_path))
    assert sorted(row["package"]["name"] for row in rows) == expected


@pytest.mark.parametrize("text", [PRIVATE, CATALOG % ""])
def test_a_wrong_token_is_noticed(site: Ckan, tmp_path: Path, text: str) -> None:
    package(site, "mo")
    package(site, "kin", private=True)
    table(site, "kin", [record(1)])
    with pytest.raises(ConfigurationError, match="KIT_TOKEN") as caught:
        pulled(site, text, tmp_path, "khong-ai-biet")
    assert "khong-ai-biet" not in str(caught.value)


def test_an_account_without_an_organisation_is_noticed(site: Ckan, tmp_path: Path) -> None:
    package(site, "kin", private=True)
    token = member(site, "khach", None)
    with pytest.raises(ConfigurationError, match="may read no organisation's packages"):
        pulled(site, CATALOG % "", tmp_path, token)


def test_an_index_that_lost_its_documents_is_no_empty_catalog(
    site: Ckan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(site, "mo")
    with monkeypatch.context() as patch:
        patch.setattr(site.index, "held", {})
        with pytest.raises(TransientError, match="index is incomplete: it holds 0 of 1"):
            pulled(site, "{kind: ckan, fetch: {catalog: {}}}", tmp_path)


def test_a_search_that_is_down_is_an_outage(
    site: Ckan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(site.index, "down", True)
        with pytest.raises(TransientError, match=r"HTTP 500 .*\(3 attempts\)"):
            pulled(site, "{kind: ckan, fetch: {catalog: {}}}", tmp_path)


@pytest.mark.parametrize(
    ("fq", "words"),
    [("res_format:[CSV", r"HTTP 400.*not understood"), ("{!child of=x}y", "Local parameters must")],
)
def test_a_filter_that_is_refused_is_no_outage(
    site: Ckan, tmp_path: Path, fq: str, words: str
) -> None:
    with pytest.raises(ProviderError, match=words) as caught:
        pulled(site, f"{{kind: ckan, fetch: {{catalog: {{fq: {fq!r}}}}}}}", tmp_path)
    assert "q and fq" in str(caught.value.next_step)
