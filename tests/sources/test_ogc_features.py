"""OGC API - Features: a server of the test that pages by links, caps, loops and miscounts."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.landing import Position
from sources.ogc_features import Fetch, _page
from sources.transport import Answer
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json, in_turn

ITEMS = "/collections/di%20t%C3%ADch/items"


def feature(number: int) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": number,
        "geometry": {"type": "Point", "coordinates": [104.87, 21.70 + number / 1000]},
        "properties": {"ten": f"Di tích {number}", "sửa": f"2026-10-{number:02}T01:00:00Z"},
    }


class Api:
    """Serves features by ``limit`` and ``offset``, at most ``cap`` a page."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.held = [feature(number) for number in range(1, 8)]
        self.cap = 3
        self.more: dict[str, Any] = {}
        self.absolute = True
        server.routes[ITEMS] = self.items

    def items(self, asked: Asked) -> Reply:
        first, interval = int(asked.params.get("offset", 0)), asked.params.get("datetime", "../..")
        since, until = interval.split("/")
        held = [
            one
            for one in self.held
            if (since == ".." or one["properties"]["sửa"] >= since)
            and (until == ".." or one["properties"]["sửa"] <= until)
        ]
        came = held[first : first + min(int(asked.params["limit"]), self.cap)]
        links = [{"rel": "self", "href": "#"}]
        if first + len(came) < len(held):
            query = f"limit={self.cap}&offset={first + len(came)}&datetime={interval}"
            base = self.server.url + ITEMS if self.absolute else ""
            links.append({"rel": "next", "href": f"{base}?{query}"})
        page = {
            "type": "FeatureCollection", "numberMatched": len(held), "numberReturned": len(came),
            "features": came, "links": links, **self.more,
        }  # fmt: skip
        return as_json({key: value for key, value in page.items() if value is not None})


@pytest.fixture
def api(server: FaultServer, puller: Puller) -> Api:
    puller.kind = "ogc_features"
    puller.fetch = {"collection": "di tích", "page_size": 100}
    return Api(server)


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("matched", [7, None])
def test_next_links_are_followed_to_the_end(
    puller: Puller, api: Api, matched: int | None, *, absolute: bool
) -> None:
    api.absolute, api.more = absolute, {"numberMatched": matched}
    batch = puller()
    assert [json.loads(line) for line in landed_lines(batch)] == api.held
    assert (batch.manifest.rows, batch.manifest.claimed) == (7, matched)
    assert len(api.server.asked) == 3


def test_a_flat_row_has_id_geometry_and_the_properties_own_bytes(puller: Puller, api: Api) -> None:
    puller.fetch["flat"] = True
    raw = (
        b'{"type":"FeatureCollection","features":['
        b'{"type":"Feature","id":"a","geometry":{"x":[1.0, 2]},"properties":{ "so": 1.50}},'
        b'{"type":"Feature","properties":{ }},{"type":"Feature","id":3,"properties":null}]}'
    )
    api.server.routes[ITEMS] = lambda _: Reply(raw)
    assert landed_lines(puller()) == [
        '{"_id":"a","_geometry":{"x":[1.0, 2]},"so": 1.50}',
        '{"_id":null,"_geometry":null}',
        '{"_id":3,"_geometry":null}',
    ]


def test_a_window_is_asked_for_in_utc_with_both_ends(puller: Puller, api: Api) -> None:
    puller.dataset.update(mode="incremental", cursor="ngay", overlap_minutes=60)
    batch = puller(Position("truoc", "2026-10-05T09:00:00"))
    assert api.server.asked[0].params["datetime"] == "2026-10-05T01:00:00Z/.."
    assert [json.loads(line)["id"] for line in landed_lines(batch)] == [5, 6, 7]
    since, until = datetime(2026, 10, 2), datetime(2026, 10, 3)  # noqa: DTZ001 - Vietnam time
    batch = puller(since=since, until=until)
    assert [json.loads(line)["id"] for line in landed_lines(batch)] == [2]
    assert batch.manifest.backfill


def test_an_empty_collection_is_a_batch_without_rows(puller: Puller, api: Api) -> None:
    api.held = []
    assert puller().manifest.rows == 0


def test_links_that_end_too_early_land_nothing(puller: Puller, api: Api) -> None:
    api.more = {"links": []}
    with pytest.raises(ProviderError, match="has 7 rows and sent 3"):
        puller()
    assert puller.left == []


def test_links_beyond_the_total_are_looked_at(puller: Puller, api: Api) -> None:
    api.more = {"numberMatched": 3}
    with pytest.raises(ProviderError, match="says it has 3 features, and its links lead to more"):
        puller()


def test_a_last_link_to_an_empty_page_does_no_harm(puller: Puller, api: Api) -> None:
    links = [
        {"rel": "next", "href": "?offset=99&limit=9", "type": "text/html"},
        {"rel": "next", "href": "?offset=7&limit=9", "type": "application/geo+json"},
    ]
    api.cap, api.more = 100, {"links": links, "numberMatched": 7}
    api.server.routes[ITEMS] = in_turn(
        api.items, as_json({"type": "FeatureCollection", "features": []})
    )
    assert puller().manifest.rows == 7
    assert api.server.asked[1].params == {"offset": "7", "limit": "9"}


def test_links_in_a_circle_are_caught_although_the_pages_differ(puller: Puller, api: Api) -> None:
    def answer(_: Asked) -> Reply:
        number = len(api.server.asked)
        link = {"rel": "next", "href": f"?p={number % 3}"}
        return as_json(
            {"type": "FeatureCollection", "features": [feature(number)], "links": [link]}
        )

    api.server.routes[ITEMS] = answer
    with pytest.raises(ProviderError, match="in a circle") as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu page 5"


def test_a_server_that_ignores_its_own_links_is_caught(puller: Puller, api: Api) -> None:
    api.server.routes[ITEMS] = lambda asked: as_json(
        {
            "type": "FeatureCollection",
            "features": [feature(1)],
            "links": [{"rel": "next", "href": f"?p={int(asked.params.get('p', 0)) + 1}"}],
        }
    )
    with pytest.raises(ProviderError, match="repeats itself"):
        puller()


def test_endless_new_pages_end_at_the_cap(puller: Puller, api: Api) -> None:
    puller.fetch["max_pages"] = 4
    api.held, api.cap, api.more = [feature(n) for n in range(99)], 1, {"numberMatched": None}
    with pytest.raises(ProviderError, match="at most 4"):
        puller()
    assert len(api.server.asked) == 5


def test_a_collection_that_shrinks_while_read_is_not_believed(puller: Puller, api: Api) -> None:
    whole = api.items

    def answer(asked: Asked) -> Reply:
        reply = whole(asked)
        api.held = api.held[:6]
        return reply

    api.server.routes[ITEMS] = answer
    with pytest.raises(TransientError, match="shrank from 7 to 6"):
        puller()


def test_another_host_is_not_followed(puller: Puller, api: Api) -> None:
    api.more = {"links": [{"rel": "next", "href": "http://noi-khac.invalid/items"}]}
    with pytest.raises(ProviderError, match="address on another host"):
        puller()


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"type": "Feature"}, "no FeatureCollection"),
        ({"type": "FeatureCollection"}, "has no `features`"),
        ({"type": "FeatureCollection", "features": {}}, "wrong shape"),
        ({"type": "FeatureCollection", "features": [1]}, "not a JSON object"),
        ({"type": "FeatureCollection", "features": [], "numberReturned": 3}, "says 3 features"),
        ({"type": "FeatureCollection", "features": [], "numberMatched": 3}, "3 rows and sent 0"),
        ({"type": "FeatureCollection", "features": [{}], "numberMatched": "x"}, "no number"),
        (
            {"type": "FeatureCollection", "features": [], "links": [{"rel": "next", "href": 7}]},
            "no address",
        ),
        (
            {
                "type": "FeatureCollection",
                "features": [],
                "links": [{"rel": "next", "href": "//["}],
            },
            "no address",
        ),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_named(
    puller: Puller, api: Api, document: object, what: str
) -> None:
    api.server.routes[ITEMS] = lambda _: as_json(document)
    with pytest.raises(ProviderError, match=what):
        puller()


def test_options_are_checked(puller: Puller, api: Api) -> None:
    puller.fetch = {"collection": ""}
    with pytest.raises(ConfigurationError, match=r"fetch\.collection"):
        puller()
    assert api.server.asked == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
MEMBERS = st.sampled_from(["type", "id", "geometry", "properties", "ten"])
FEATURES = st.lists(st.dictionaries(MEMBERS, JSON) | JSON, max_size=4)


@given(FEATURES | JSON, JSON, st.booleans())
def test_any_page_is_read_whole_or_refused(features: Any, links: Any, flat: bool) -> None:  # noqa: FBT001 - hypothesis
    body = msgspec.json.encode({"type": "FeatureCollection", "features": features, "links": links})
    answer = Answer(200, body, "http://may/items", "http://may/items", "", "", {}, None, None, None)
    try:
        page, following = _page(Fetch(collection="x", flat=flat), 1, answer)
    except HubError:
        return
    assert len(page.records) == len(features or [])
    assert following is None or following.startswith("http")
    if flat:
        for record, given_feature in zip(page.records, features or [], strict=True):
            row = msgspec.json.decode(record)
            for name, value in (given_feature["properties"] or {}).items():
                assert row[name] == value


@given(st.binary())
def test_any_bytes_are_a_page_or_a_typed_error(body: bytes) -> None:
    answer = Answer(200, body, "http://may/items", "http://may/items", "", "", {}, None, None, None)
    with contextlib.suppress(HubError):
        assert _page(Fetch(collection="x"), 1, answer)
