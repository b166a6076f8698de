"""A CKAN catalog that caps, hides, renames and refuses."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from hub.errors import ConfigurationError, HubError, ProviderError
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json

API = "/api/3/action"


def ok(result: object) -> Reply:
    return as_json({"help": "…", "success": True, "result": result})


def error(kind: str, message: str, status: int) -> Reply:
    return as_json({"success": False, "error": {"__type": kind, "message": message}}, status)


def xlsx() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return held.getvalue()


class Catalog:
    """One package, a datastore that serves at most ``cap`` rows a call, and its files."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.cap = 500
        self.held: list[dict[str, Any]] = [{"_id": n, "ten": f"Vùng {n}"} for n in range(1, 8)]
        self.total: object = None
        self.more: dict[str, object] = {}
        self.resources: list[dict[str, Any]] = [
            {"id": "r-table", "format": "CSV", "name": "bảng", "datastore_active": True}
        ]
        server.routes[f"{API}/package_show"] = self.show
        server.routes[f"{API}/datastore_search"] = self.search

    def show(self, asked: Asked) -> Reply:
        assert asked.params == {"id": "goi"}
        return ok({"name": "goi", "resources": self.resources})

    def search(self, asked: Asked) -> Reply:
        assert asked.params["resource_id"] == "r-table"
        assert asked.params["sort"] == "_id"
        start = int(asked.params["offset"])
        end = start + min(int(asked.params["limit"]), self.cap)
        total = len(self.held) if self.total is None else self.total
        return ok({"records": self.held[start:end], "total": total, **self.more})

    def serve(self, name: str, body: bytes, form: str) -> None:
        path = f"/dataset/goi/resource/r/download/{name}"
        self.resources = [{"id": "r", "format": form, "url": self.server.url + path}]
        self.server.routes[path] = lambda _: Reply(body, headers={"ETag": '"7"'})


@pytest.fixture
def catalog(server: FaultServer, puller: Puller) -> Catalog:
    puller.kind = "ckan"
    puller.fetch = {"package": "goi", "resource": {"access": "datastore"}}
    return Catalog(server)


def use_token(puller: Puller) -> None:
    puller.auth = {"kind": "api_key", "token": {"env": "THU_TOKEN"}}
    puller.environment["THU_TOKEN"] = "ma-bi-mat"


def offsets(server: FaultServer) -> list[str]:
    return [asked.params["offset"] for asked in server.asked if "offset" in asked.params]


@pytest.mark.parametrize(("cap", "asked"), [(500, ["0"]), (3, ["0", "2", "4"]), (7, ["0"])])
def test_a_silent_cap_is_paged_by_what_really_came(
    server: FaultServer, puller: Puller, catalog: Catalog, cap: int, asked: list[str]
) -> None:
    catalog.cap = cap
    batch = puller()
    assert [json.loads(line) for line in landed_lines(batch)] == catalog.held
    assert batch.manifest.claimed == 7
    assert offsets(server) == asked


def test_an_empty_table_is_a_batch_without_rows(puller: Puller, catalog: Catalog) -> None:
    catalog.held = []
    assert puller().manifest.rows == 0


@pytest.mark.parametrize("total", [9, 5])
def test_a_total_that_does_not_add_up(puller: Puller, catalog: Catalog, total: int) -> None:
    catalog.total = total
    with pytest.raises(ProviderError, match=f"{total} rows and sent 7"):
        puller()


def test_an_estimated_total_is_no_claim(
    server: FaultServer, puller: Puller, catalog: Catalog
) -> None:
    catalog.cap, catalog.total, catalog.more = 4, 1000, {"total_was_estimated": True}
    assert puller().manifest.rows == 7
    assert offsets(server) == ["0", "3", "6"]


def test_a_table_that_ignores_the_offset_is_caught(
    server: FaultServer, puller: Puller, catalog: Catalog
) -> None:
    server.routes[f"{API}/datastore_search"] = lambda _: ok(
        {"records": catalog.held[:3], "total": 7}
    )
    with pytest.raises(ProviderError, match="repeats itself"):
        puller()


def test_dkan_wraps_the_package_in_a_list(
    server: FaultServer, puller: Puller, catalog: Catalog
) -> None:
    server.routes[f"{API}/package_show"] = lambda _: ok(
        [{"resources": [{"id": "r-table", "format": "csv"}]}]
    )
    assert puller().manifest.rows == 7
    assert catalog.resources


@pytest.mark.parametrize("result", [None, [], {}, "x", [[]]])
def test_a_package_without_resources_is_named(
    server: FaultServer, puller: Puller, catalog: Catalog, result: object
) -> None:
    server.routes[f"{API}/package_show"] = lambda _: ok(result)
    with pytest.raises(ProviderError, match="names no resources") as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu catalog"
    assert catalog.cap


@pytest.mark.parametrize("status", [200, 403])
def test_a_private_dataset_names_the_tokens_variable(
    server: FaultServer, puller: Puller, catalog: Catalog, status: int
) -> None:
    use_token(puller)
    server.routes[f"{API}/datastore_search"] = lambda asked: error(
        "Authorization Error", f"Access denied to {asked.headers['Authorization']}", status
    )
    with pytest.raises(ConfigurationError, match=r"Access denied to \*\*\*.*THU_TOKEN") as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu page 1"
    assert catalog.cap


def test_a_private_dataset_without_a_token_asks_for_one(
    server: FaultServer, puller: Puller, catalog: Catalog
) -> None:
    server.routes[f"{API}/package_show"] = lambda _: error("Authorization Error", "no", 403)
    with pytest.raises(ConfigurationError, match="give the definition a token"):
        puller()
    assert catalog.cap


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (error("Not Found Error", "Not found", 404), "Not Found Error: Not found, HTTP 404"),
        (error("Validation Error", "", 409), "Validation Error, HTTP 409"),
        (error("Search Query Error", "bad", 200), "Search Query Error: bad, HTTP 200"),
        (as_json({"success": False, "error": "text"}, 200), "wrong shape"),
        (as_json({"success": False}, 200), "no reason given"),
        (as_json({"result": {}}), "no reason given"),
        (Reply(b"<html><title>404</title>", 404), r"HTTP 404 from 127.0.0.1 \(HTML page"),
        (Reply(b"", 404), "HTTP 404 from"),
    ],
)
def test_errors_of_the_api_are_told_in_its_words(
    server: FaultServer, puller: Puller, catalog: Catalog, reply: Reply, what: str
) -> None:
    server.routes[f"{API}/package_show"] = lambda _: reply
    with pytest.raises(ProviderError, match=what) as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu catalog"
    assert catalog.cap


def test_a_hidden_private_package_points_at_the_token(puller: Puller, catalog: Catalog) -> None:
    use_token(puller)
    catalog.server.routes[f"{API}/package_show"] = lambda _: error("Not Found Error", "no", 404)
    with pytest.raises(ProviderError, match="to a wrong token a private one looks the same"):
        puller()


@pytest.mark.parametrize(
    ("form", "body", "wanted"),
    [("csv", "\ufeffMã,Tên\r\n1,Ả\r\n".encode(), "CSV"), (" .XLSX ", xlsx(), "XLSX")],
)
def test_a_file_lands_as_it_is(
    puller: Puller, catalog: Catalog, form: str, body: bytes, wanted: str
) -> None:
    catalog.serve("du lieu.bin", body, form)
    puller.fetch["resource"] = {"access": "file", "format": wanted}
    puller.fetch["reader"] = {"header_row": 4}
    # A blank in the address is what catalogs write; requests quotes it.
    catalog.server.routes = {
        path.replace(" ", "%20"): answer for path, answer in catalog.server.routes.items()
    }
    (file,) = puller().manifest.files
    assert (file.media, file.rows, file.etag) == (wanted.lower(), None, '"7"')
    assert (next(puller.folder.iterdir()) / file.name).read_bytes() == body


@pytest.mark.parametrize(
    ("wanted", "body", "what"),
    [
        ("CSV", b"<!doctype html><html>", "HTML page instead of CSV"),
        ("CSV", b" \r\n", r"empty answer instead of CSV \(3 attempts\)"),
        ("CSV", b'{"success": false}', "JSON instead of CSV"),
        ("CSV", xlsx(), "ZIP or XLSX instead of CSV"),
        ("CSV", b"%PDF-1.7", "PDF instead of CSV"),
        ("XLSX", b"a,b\n", "something else instead of XLSX"),
        ("XLSX", b"\xd0\xcf\x11\xe0\xa1\xb1", r"old Excel \(XLS\) instead of XLSX"),
        ("XLSX", xlsx()[:-30], r"the XLSX file ends in the middle \(3 attempts\)"),
    ],
)
def test_a_file_that_is_something_else_is_refused(
    puller: Puller, catalog: Catalog, wanted: str, body: bytes, what: str
) -> None:
    catalog.serve("f", body, wanted)
    puller.fetch["resource"] = {"access": "file", "format": wanted}
    with pytest.raises(ProviderError, match=what) as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu file"


def test_a_file_on_another_host_is_not_fetched(puller: Puller, catalog: Catalog) -> None:
    use_token(puller)
    catalog.resources = [{"format": "CSV", "url": "http://example.com/a.csv?token=abc"}]
    puller.fetch["resource"] = {"access": "file", "format": "CSV"}
    with pytest.raises(
        ProviderError, match=r"another host or port: http://example.com/a.csv\?token=\*\*"
    ):
        puller()


def test_a_resource_without_address_is_named(puller: Puller, catalog: Catalog) -> None:
    catalog.resources = [{"format": "CSV"}]
    puller.fetch["resource"] = {"access": "file", "format": "CSV"}
    with pytest.raises(ProviderError, match="has no address"):
        puller()


MANY: list[dict[str, Any]] = [
    {"id": "a", "format": "PDF", "datastore_active": False},
    {"id": "r-table", "format": "csv.", "name": " năm 2025 ", "datastore_active": True},
    {"id": "c", "format": "CSV", "name": "năm 2024", "datastore_active": False},
    {"id": "d", "format": None, "name": "năm 2023", "datastore_active": True},
]


@pytest.mark.parametrize(
    "resource",
    [{"format": "CSV"}, {"name": "năm 2025"}, {"position": 0}],
)
def test_a_resource_is_found_by_format_name_or_position(
    puller: Puller, catalog: Catalog, resource: dict[str, Any]
) -> None:
    catalog.resources = MANY
    puller.fetch["resource"] = {"access": "datastore", **resource}
    assert puller().manifest.rows == 7


@pytest.mark.parametrize(
    ("resource", "kind", "what"),
    [
        ({}, ConfigurationError, "2 resources of package goi fit"),
        ({"format": "XLSX"}, ProviderError, r"no such resource \(offered: PDF, CSV, CSV, \?\)"),
        ({"name": "năm 2020"}, ProviderError, "no such resource"),
        ({"position": 2}, ProviderError, "no such resource"),
    ],
)
def test_a_resource_that_is_not_one_is_named(
    puller: Puller, catalog: Catalog, resource: dict[str, Any], kind: type[HubError], what: str
) -> None:
    catalog.resources = MANY
    puller.fetch["resource"] = {"access": "datastore", **resource}
    with pytest.raises(kind, match=what):
        puller()


def test_a_file_needs_its_format(puller: Puller, catalog: Catalog) -> None:
    puller.fetch["resource"] = {"access": "file"}
    with pytest.raises(ConfigurationError, match="access: file needs `format`"):
        puller()
    assert catalog.cap
