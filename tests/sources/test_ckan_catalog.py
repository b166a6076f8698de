"""Whole CKAN catalogs: every package once, or a line that says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.ckan_catalog import Catalog, row
from sources.dataset_entry import text
from sources.landing import Position, Window
from sources.session import open_session
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json

API = "/api/3/action"
TOKEN = "ma-bi-mat"
REFUSED = f"Search error: '{'q' * 300} Solr responded with an error (HTTP 400): [Reason: bad fq]'"
Json = dict[str, Any]


def package(number: int, **more: Any) -> Json:
    return {
        "id": str(UUID(int=number * 7919 % 1000)),
        "name": f"goi-{number}",
        "title": f"Gói {number}",
        "notes": "Mô tả <script>alert(1)</script>",
        "organization": {"name": "so-y-te", "title": "Sở Y tế"},
        "metadata_created": "2026-09-30T20:00:00.123456",
        "metadata_modified": "2026-10-01T17:30:00",
        "license_id": "cc-by",
        "tags": [{"name": "y-te", "display_name": "y tế"}, {"name": "bệnh viện"}],
        "groups": [{"name": "y-te", "title": "Y tế"}],
        "resources": [
            {"name": "Bảng", "format": ".csv", "url": "https://x.example/a.csv", "size": 12},
            {"name": "Bản đồ", "format": "SHP", "url": "https://x.example/b.zip"},
        ],
        "private": False,
        **more,
    }


def ok(result: object) -> Reply:
    return as_json({"success": True, "result": result})


def failed(kind: str, message: str, status: int) -> Reply:
    return as_json({"success": False, "error": {"__type": kind, "message": message}}, status)


class Site:
    """A catalog whose packages may change before the second page."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.held = [package(number) for number in range(1, 31)]
        self.listed: list[str] | None = None
        self.indexed: int | None = None
        self.members: list[Json] = [{"name": "so-y-te"}]
        self.change: Callable[[list[Json]], None] = lambda _: None
        self.pages = 0
        self.found: list[Asked] = []
        server.routes[f"{API}/package_search"] = self.search
        server.routes[f"{API}/package_list"] = self.list
        server.routes[f"{API}/package_show"] = self.show
        server.routes[f"{API}/organization_list_for_user"] = self.account

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("Authorization") == TOKEN

    def account(self, asked: Asked) -> Reply:
        return ok(self.members if self.knows(asked) else [])

    def list(self, asked: Asked) -> Reply:
        assert asked.params == {}
        names = [one["name"] for one in self.held if not one["private"]]
        return ok(names if self.listed is None else self.listed)

    def show(self, asked: Asked) -> Reply:
        found = [one for one in self.held if asked.params["id"] == one["name"]]
        return ok([found[0]]) if found else failed("Not Found Error", "Not found", 404)

    def search(self, asked: Asked) -> Reply:
        if asked.params.get("rows") == "0":
            count = len(self.held) if self.indexed is None else self.indexed
            return ok({"count": count, "results": []})
        assert asked.params["sort"] == "id asc"
        self.pages += 1
        if self.pages == 2:
            self.change(self.held)
        self.found.append(asked)
        private = asked.params.get("include_private") == "true" and self.knows(asked)
        seen = sorted(
            (one for one in self.held if private or not one["private"]),
            key=lambda one: str(one["id"]),
        )
        start = int(asked.params["start"])
        end = start + min(int(asked.params["rows"]), 1000)
        return ok({"count": len(seen), "results": seen[start:end]})


@pytest.fixture
def site(server: FaultServer, puller: Puller) -> Site:
    puller.kind = "ckan"
    puller.fetch = {"catalog": {"page_size": 10}}
    return Site(server)


def use_token(puller: Puller, value: str = TOKEN) -> None:
    puller.auth = {"kind": "api_key", "token": {"env": "THU_TOKEN"}}
    puller.environment["THU_TOKEN"] = value


def landed(puller: Puller, **window: Any) -> list[Json]:
    return [json.loads(one) for one in landed_lines(puller(**window))]


def test_every_package_lands_in_neutral_form_with_its_own_json(
    puller: Puller, site: Site, server: FaultServer
) -> None:
    rows = landed(puller)
    assert {one["identifier"]: one["package"] for one in rows} == {
        one["id"]: one for one in site.held
    }
    first = next(one for one in rows if one["title"] == "Gói 1")
    del first["package"], first["identifier"]
    assert first == {
        "title": "Gói 1",
        "description": "Mô tả <script>alert(1)</script>",
        "publisher": "Sở Y tế",
        "modified": "2026-10-02T00:30:00",
        "issued": "2026-10-01T03:00:00",
        "landing_page": f"{server.url}/dataset/goi-1",
        "keywords": "y tế; bệnh viện",
        "themes": "Y tế",
        "license": "cc-by",
        "frequency": None,
        "formats": "CSV; SHP",
        "distribution_count": 2,
        "distributions": [
            {"url": "https://x.example/a.csv", "title": "Bảng", "format": "CSV", "bytes": "12"},
            {"url": "https://x.example/b.zip", "title": "Bản đồ", "format": "SHP"},
        ],
    }
    assert puller.seen[-1] == (30, 30)


def insert(held: list[Json]) -> None:
    held.extend(package(number) for number in range(100, 115))


def remove_and_add(held: list[Json]) -> None:
    del held[:8]
    held.extend(package(number) for number in range(200, 208))


def shrink(held: list[Json]) -> None:
    del held[::4]


@pytest.mark.parametrize("change", [insert, remove_and_add, shrink])
def test_packages_that_stay_all_come_while_others_come_and_go(
    puller: Puller, site: Site, change: Callable[[list[Json]], None]
) -> None:
    site.change = change
    before = {one["id"] for one in site.held}
    came = [one["identifier"] for one in landed(puller)]
    assert site.pages > 2
    assert len(came) == len(set(came))
    assert before & {one["id"] for one in site.held} <= set(came)


def test_the_bytes_of_a_package_stay_as_they_came() -> None:
    raw = b'{"id":"a" , "x":1.10,"y":"\\u1ea3","z":12345678901234567890}'
    assert row(raw, "http://a").endswith(b',"package":' + raw + b"}")


def test_filters_and_window_become_one_solr_filter(puller: Puller, site: Site) -> None:
    puller.fetch["catalog"] |= {"q": "y tế", "fq": "res_format:CSV", "organization": "so-y-te"}
    puller.dataset |= {"mode": "incremental", "cursor": "ngay", "overlap_minutes": 60}
    puller(Position("truoc", "2026-10-01T08:00:00"))
    assert site.found[0].params["q"] == "y tế"
    assert site.found[0].params["fq"] == (
        '+(res_format:CSV) +organization:"so-y-te" +metadata_modified:[2026-10-01T00:00:00Z TO *]'
    )
    window = Window(None, datetime(2026, 10, 1, 7), backfill=True)  # noqa: DTZ001 - Vietnam time
    assert Catalog().parameters(window) == {"fq": "+metadata_modified:[* TO 2026-10-01T00:00:00Z}"}
    assert Catalog().parameters(Window()) == {}


@pytest.mark.parametrize(
    ("indexed", "complete"), [(0, False), (20, False), (26, False), (27, True)]
)
def test_an_index_that_is_empty_or_half_built_is_no_empty_catalog(
    puller: Puller, site: Site, indexed: int, *, complete: bool
) -> None:
    site.indexed = indexed
    if complete:
        assert puller().manifest.rows == 30
        return
    with pytest.raises(TransientError, match=f"it holds {indexed} of 30 listed packages"):
        puller()
    assert site.pages == 0


def test_a_catalog_that_lists_nothing_is_empty(puller: Puller, site: Site) -> None:
    site.held = []
    assert puller().manifest.rows == 0


@pytest.mark.parametrize(
    ("reply", "kind", "what"),
    [
        (failed("Search Error", "Search error: 'SOLR'", 409), TransientError, "search is down"),
        (failed("Search Index Error", "x", 200), TransientError, "search is down"),
        (failed("Search Error", REFUSED, 409), ProviderError, "400.: .Reason: bad fq.*q and fq"),
        (failed("Search Error", "x", 500), TransientError, r"HTTP 500 .*\(3 attempts\)"),
        (Reply(b"<html><title>500</title>", 500), TransientError, "HTTP 500 from"),
        (failed("Search Query Error", "bad fq", 400), ProviderError, "bad fq.*q and fq"),
        (failed("Bad Request", "Action name not known", 400), ProviderError, "not known"),
        (ok({"results": []}), ProviderError, "`result.count` should be the number"),
        (ok([]), ProviderError, "wrong shape"),
    ],
)
def test_a_search_that_fails_is_one_line(
    puller: Puller, site: Site, reply: Reply, kind: type[HubError], what: str
) -> None:
    site.server.routes[f"{API}/package_search"] = lambda _: reply
    with pytest.raises(kind, match=what) as caught:
        puller()
    assert "\n" not in str(caught.value)
    assert site.pages == 0


@pytest.mark.parametrize("result", [{"a": 1}, "x", None, [1]])
def test_a_list_that_is_none_is_named(
    server: FaultServer, puller: Puller, site: Site, result: object
) -> None:
    server.routes[f"{API}/package_list"] = lambda _: ok(result)
    with pytest.raises(ProviderError, match="package_list is no list of names"):
        puller()
    assert site.pages == 0


def test_private_packages_come_with_a_token_that_is_known(puller: Puller, site: Site) -> None:
    use_token(puller)
    puller.fetch["catalog"]["include_private"] = True
    site.held.append(package(77, private=True))
    assert "Gói 77" in {one["title"] for one in landed(puller)}


def test_private_packages_without_a_token_are_refused(puller: Puller, site: Site) -> None:
    puller.fetch["catalog"]["include_private"] = True
    with pytest.raises(ConfigurationError, match=r"only shown to somebody.*give the definition"):
        puller()
    assert site.pages == 0


def test_a_token_that_is_silently_ignored_is_noticed(puller: Puller, site: Site) -> None:
    """CKAN answers a wrong token as it answers anybody: with success, and less."""
    use_token(puller, "ma-da-thu-hoi")
    with pytest.raises(
        ConfigurationError, match=r"ignores the token.*value of THU_TOKEN"
    ) as caught:
        puller()
    assert "ma-da-thu-hoi" not in str(caught.value)
    assert site.pages == 0


def test_a_token_is_proved_once_a_session(puller: Puller, site: Site, server: FaultServer) -> None:
    use_token(puller)
    with open_session(puller.system, puller.all_values) as session:
        puller(session=session)
        puller(session=session)
    assert server.paths().count(f"{API}/organization_list_for_user") == 1
    puller()
    assert server.paths().count(f"{API}/organization_list_for_user") == 2
    assert site.pages


def test_without_a_token_nobody_is_asked_who_it_is(
    puller: Puller, site: Site, server: FaultServer
) -> None:
    puller()
    assert f"{API}/organization_list_for_user" not in server.paths()
    assert site.pages


def use_list(puller: Puller) -> None:
    puller.fetch = {"catalog": {"by": "list"}}


def test_a_catalog_without_a_search_is_read_package_by_package(
    puller: Puller, site: Site, server: FaultServer
) -> None:
    """As DKAN has it: the package in a list, and no search."""
    use_list(puller)
    del server.routes[f"{API}/package_search"]
    site.listed = [one["name"] for one in site.held] + ["goi-da-xoa"]
    rows = landed(puller)
    assert [one["package"] for one in rows] == site.held
    assert puller.seen[-1] == (30, 31)


def test_a_list_of_packages_that_nobody_knows_is_no_empty_catalog(
    puller: Puller, site: Site
) -> None:
    use_list(puller)
    site.listed = [f"khac-{number}" for number in range(10)] + ["goi-1"]
    with pytest.raises(ProviderError, match="lists 11 packages and knows 1 of them"):
        puller()


@pytest.mark.parametrize("by", ["search", "list"])
def test_a_password_in_the_address_lands_nowhere(puller: Puller, site: Site, by: str) -> None:
    puller.fetch = {"catalog": {"by": by}}
    puller.environment["THU_URL"] = site.server.url.replace("://", "://hub:mat-khau@")
    batch = puller()
    assert json.loads(landed_lines(batch)[0])["landing_page"].startswith(site.server.url)
    for path in batch.path.rglob("*"):
        assert path.is_dir() or b"mat-khau" not in path.read_bytes()


@pytest.mark.parametrize("result", [[], [1, 2], None, "x", {"name": "no id"}, 7])
def test_a_package_that_is_none_is_named(
    server: FaultServer, puller: Puller, site: Site, result: object
) -> None:
    use_list(puller)
    server.routes[f"{API}/package_show"] = lambda _: ok(result)
    with pytest.raises(ProviderError):
        puller()
    assert site.held


@pytest.mark.parametrize(
    ("fetch", "what"),
    [
        ({}, "say `package` and `resource`, or `catalog`"),
        ({"package": "a"}, "say `package` and `resource`, or `catalog`"),
        ({"resource": {"access": "datastore"}}, "say `package` and `resource`"),
        (
            {"package": "a", "resource": {"access": "datastore"}, "catalog": {}},
            "say `package` and `resource`",
        ),
        ({"catalog": {"by": "list", "q": "a"}}, "need `by: search`"),
        ({"catalog": {"organization": 'a" OR b'}}, "organization"),
        ({"catalog": {"page_size": 1001}}, "page_size"),
    ],
)
def test_options_that_do_not_fit_together(
    puller: Puller, site: Site, fetch: Json, what: str
) -> None:
    puller.fetch = fetch
    with pytest.raises(ConfigurationError, match=re.escape(what)):
        puller()
    assert site.pages == 0


def test_a_list_cannot_be_asked_for_what_is_new(puller: Puller, site: Site) -> None:
    use_list(puller)
    puller.dataset |= {"mode": "incremental", "cursor": "ngay"}
    with pytest.raises(ConfigurationError, match="rows since a moment"):
        puller()
    assert site.pages == 0


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aảĐ<>&;\"' \n\x00", max_size=9)
    | st.sampled_from(["2026-10-01", "2026-10-01T00:00:00Z", "9999-12-31T23:59:59", "0001-01-01"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["title", "name", "vi", "url", "format"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
fields = st.sampled_from([*package(1), "frequency", "author", "license_title"])


@given(st.dictionaries(fields, values, max_size=12))
def test_any_package_is_a_row_or_a_named_error(found: Json) -> None:
    raw = json.dumps(found).encode()
    try:
        made = json.loads(row(raw, "http://a"))
    except ProviderError:
        assert text(found.get("id")) is None
        return
    assert made["identifier"]
    assert all(isinstance(made[name], str | None) for name in ("title", "publisher", "keywords"))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_row_or_a_named_error(raw: bytes) -> None:
    try:
        json.loads(row(raw, "http://a"))
    except ProviderError:
        return
    assert b'"id"' in raw


def test_times_are_vietnams_wall_time() -> None:
    made = json.loads(row(b'{"id":"a","metadata_modified":"2026-12-31T17:00:00.9"}', "http://a"))
    assert made["modified"] == "2027-01-01T00:00:00"
