"""Kind rest over real HTTP: every paging kind, POST bodies, windows, parents and children."""

from __future__ import annotations

import importlib
import json
import re
import textwrap
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.kinds import KINDS
from sources.landing import Position
from sources.spec import DatasetSpec
from tests.sources.answers import Rows, by_offset, envelope, found, incremental, paging, rows
from tests.sources.conftest import Puller
from tests.sources.faults import Answerer, Asked, FaultServer, Reply, as_json


def by_page(held: Rows) -> Answerer:
    def answer(asked: Asked) -> Reply:
        size = int(asked.params["pageSize"])
        first = (int(asked.params["page"]) - 1) * size
        return envelope(held[first : first + size])

    return answer


def behind(held: Rows, most: int = 4) -> Answerer:
    def answer(asked: Asked) -> Reply:
        last = int(asked.params.get("lastId", 0))
        return envelope([row for row in held if row["Ma"] > last][:most])

    return answer


def by_token(held: Rows, most: int = 4) -> Answerer:
    def answer(asked: Asked) -> Reply:
        first = int(asked.params.get("resumptionToken", 0))
        assert list(asked.params) == (["resumptionToken"] if first else ["loai"])
        more = str(first + most) if first + most < len(held) else ""
        return envelope(held[first : first + most], token={"value": more})

    return answer


def by_link(held: Rows, *, header: bool, most: int = 4) -> Answerer:
    def answer(asked: Asked) -> Reply:
        first = int(asked.params.get("from", 0))
        assert asked.params["loai"] == "1"
        more = f"?loai=1&from={first + most}" if first + most < len(held) else ""
        if header:
            link = f'</x>; rel="prev", <{more}>; rel="next"' if more else '</x>; rel="prev"'
            return as_json({"data": {"items": held[first : first + most]}}, Link=link)
        return envelope(held[first : first + most], links={"next": more or None})

    return answer


SOURCES: dict[str, tuple[dict[str, Any], Callable[[Rows], Answerer]]] = {
    "none": ({"kind": "none"}, lambda held: lambda _: envelope(held)),
    "page": ({"kind": "page", "key": "Ma", "page_size": 20}, by_page),
    "still page": ({"kind": "page", "stands_still": True, "page_size": 4}, by_page),
    "offset": ({"kind": "offset", "key": "Ma", "page_size": 4}, by_offset),
    "still offset": ({"kind": "offset", "stands_still": True, "page_size": 4}, by_offset),
    "keyset": ({"kind": "keyset", "field": "Ma"}, behind),
    "next url": ({"kind": "next_url", "path": "links.next"}, lambda h: by_link(h, header=False)),
    "link header": ({"kind": "link_header"}, lambda h: by_link(h, header=True)),
    "token": (
        {
            "kind": "token",
            "path": "token.value",
            "parameter": "resumptionToken",
            "token_only": True,
        },
        by_token,
    ),
}


@pytest.mark.parametrize("count", [0, 1, 4, 8, 37])
@pytest.mark.parametrize("name", SOURCES)
def test_every_paging_kind_reads_a_list_whole_and_in_order(
    server: FaultServer, rest: Puller, name: str, count: int
) -> None:
    rest.fetch["paging"], make = SOURCES[name]
    rest.fetch["params"] = {"loai": "1"}
    server.routes["/rows"] = make(rows(count))
    assert found(rest) == rows(count)


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - {"none"}))
def test_a_page_that_breaks_off_lands_nothing(server: FaultServer, rest: Puller, name: str) -> None:
    rest.fetch["paging"], make = SOURCES[name]
    rest.fetch["params"] = {"loai": "1"}
    whole = make(rows(50))
    server.routes["/rows"] = lambda asked: (
        whole(asked) if len(server.asked) < 3 else Reply(b"", 503)
    )
    with pytest.raises(TransientError, match="HTTP 503") as caught:
        rest()
    assert str(caught.value).startswith("tinh/thu/thu page ")
    assert rest.left == []


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - {"none", "keyset", "offset", "page"}))
def test_a_source_that_sends_the_same_page_for_ever_is_caught(
    server: FaultServer, rest: Puller, name: str
) -> None:
    rest.fetch["paging"], _ = SOURCES[name]

    def answer(_: Asked) -> Reply:
        number = len(server.asked)
        more = {"links": {"next": f"?n={number}"}, "token": {"value": f"t{number}"}}
        body = {"data": {"items": rows(4)}, **more}
        return as_json(body, Link=f"<?n={number}>; rel=next")

    server.routes["/rows"] = answer
    with pytest.raises(ProviderError, match="repeats itself"):
        rest()
    assert len(server.asked) < 6


def test_an_endless_list_ends_at_the_page_cap(server: FaultServer, rest: Puller) -> None:
    paging(rest, kind="link_header")
    rest.fetch["max_pages"] = 3

    def answer(asked: Asked) -> Reply:
        number = int(asked.params.get("n", 0))
        body = {"data": {"items": [{"Ma": number}]}}
        return as_json(body, Link=f"<?n={number + 1}>; rel=next")

    server.routes["/rows"] = answer
    with pytest.raises(ProviderError, match="4 pages or more"):
        rest()


@pytest.mark.parametrize(
    "link", ["http://example.com/rows?n=1", "//example.com/rows", "https://127.0.0.1/x", "http://["]
)
def test_a_next_page_elsewhere_is_not_followed(
    server: FaultServer, rest: Puller, link: str
) -> None:
    paging(rest, kind="next_url")
    server.routes["/rows"] = lambda _: envelope(rows(1), next=link)
    with pytest.raises(ProviderError, match=r"another host|next page is none"):
        rest()
    assert len(server.asked) == 1


def test_an_answer_that_is_the_list_itself(server: FaultServer, rest: Puller) -> None:
    rest.fetch.update(records="", total_header="X-Total-Count")
    server.routes["/rows"] = lambda _: Reply(
        b"\xef\xbb\xbf" + json.dumps(rows(3), indent=1).encode(), headers={"x-total-count": "3"}
    )
    assert found(rest) == rows(3)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"error":"x"}', "wrong shape: Expected `array`"),
        (b"<html>", "HTML page instead of JSON"),
        (b"[1]", "not a JSON object"),
        (b"[{}", r"truncated.* \(3 attempts\)"),
        (b"", r"empty answer instead of JSON \(3 attempts\)"),
    ],
)
def test_what_is_not_the_list_asked_for_is_named(
    server: FaultServer, rest: Puller, body: bytes, what: str
) -> None:
    rest.fetch["records"] = ""
    server.routes["/rows"] = lambda _: Reply(body)
    with pytest.raises(ProviderError, match=what):
        rest()


@pytest.mark.parametrize("total", [2, 4])
@pytest.mark.parametrize("by_header", [True, False])
def test_a_claim_is_compared_with_what_came(
    server: FaultServer, rest: Puller, total: int, *, by_header: bool
) -> None:
    rest.fetch.update({"total_header": "X-Total"} if by_header else {"total": "total"})
    body = {"data": {"items": rows(3)}, "total": str(total)}
    server.routes["/rows"] = lambda _: as_json(body, 200, **{"X-Total": str(total)})
    with pytest.raises(ProviderError, match=f"says it has {total} rows and sent 3"):
        rest()


@pytest.mark.parametrize("value", ["", "ba"])
def test_a_header_that_counts_nothing_is_named(
    server: FaultServer, rest: Puller, value: str
) -> None:
    rest.fetch["total_header"] = "X-Total"
    server.routes["/rows"] = lambda _: as_json({"data": {"items": []}}, 200, **{"X-Total": value})
    with pytest.raises(ProviderError, match="header X-Total should be the number of rows"):
        rest()


def test_a_post_has_its_paging_in_the_body_at_any_depth(server: FaultServer, rest: Puller) -> None:
    """The national portal's list: POST, keyset, ``code`` beside the rows (facts.md 3.3)."""
    rest.fetch.update(
        method="POST",
        body={"filter": {"type": 1}, "page": {"sort": "ma"}},
        success={"path": "code", "values": ["OK"], "message": "message"},
    )
    paging(rest, kind="keyset", field="Ma", parameter="page.lastId", size_parameter="page.size")
    bodies: list[dict[str, Any]] = []

    def answer(asked: Asked) -> Reply:
        assert (asked.method, asked.params) == ("POST", {})
        assert asked.headers["Content-Type"] == "application/json"
        bodies.append(json.loads(asked.body))
        last = int(bodies[-1]["page"].get("lastId", 0))
        return envelope([row for row in rows(5) if row["Ma"] > last][:3], code="OK")

    server.routes["/rows"] = answer
    assert found(rest) == rows(5)
    fixed = {"sort": "ma", "size": 200}
    assert [body["page"] for body in bodies] == [
        fixed, {**fixed, "lastId": "3"}, {**fixed, "lastId": "5"},
    ]  # fmt: skip
    assert all(body["filter"] == {"type": 1} for body in bodies)


def test_a_post_may_have_its_paging_in_the_address(server: FaultServer, rest: Puller) -> None:
    rest.fetch.update(method="POST", body={"a": 1}, parameters_in="query")
    paging(rest, kind="offset", key="Ma", page_size=4)
    server.routes["/rows"] = by_offset(rows(9))
    assert found(rest) == rows(9)
    assert {asked.body for asked in server.asked} == {b'{"a":1}'}


def test_a_body_without_room_for_a_parameter_is_named(rest: Puller) -> None:
    rest.fetch.update(method="POST", body={"page": 1})
    paging(rest, kind="offset", key="Ma", offset_parameter="page.offset")
    with pytest.raises(ConfigurationError, match="plain value at `page`"):
        rest()


def test_an_error_inside_a_200_is_no_empty_list(server: FaultServer, rest: Puller) -> None:
    rest.fetch["success"] = {"path": "ok", "values": ["true"], "message": "why"}
    server.routes["/rows"] = lambda _: envelope([], ok=False, why="Hệ thống bận")
    with pytest.raises(ProviderError, match="ok 'false' in a 200: Hệ thống bận"):
        rest()


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, "20261001083000"),
        ({"time_format": "%d/%m/%Y %H:%M"}, "01/10/2026 08:30"),
        ({"time_format": "%Y-%m-%dT%H:%M:%SZ", "time_zone": "UTC"}, "2026-10-01T01:30:00Z"),
        ({"time_format": "epoch"}, "1790818200"),
        ({"time_format": "epoch_ms"}, "1790818200000"),
    ],
)
def test_an_incremental_pull_asks_from_the_cursor_as_the_source_writes_time(
    server: FaultServer, rest: Puller, options: dict[str, str], asked: str
) -> None:
    incremental(rest, **options)
    server.routes["/rows"] = lambda _: envelope(rows(1))
    rest(Position("b", "2026-10-01T08:30:00"))
    assert server.asked[0].params == {"tu": asked}


def test_a_window_by_hand_is_asked_for(server: FaultServer, rest: Puller) -> None:
    incremental(rest, time_format="%Y%m%d")
    server.routes["/rows"] = lambda _: envelope(rows(1))
    since, until = datetime(2026, 1, 1), datetime(2026, 2, 1)  # noqa: DTZ001 - Vietnam time
    assert rest(since=since, until=until).manifest.backfill
    assert server.asked[0].params == {"tu": "20260101", "den": "20260201"}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"paging": None}, "fetch.paging"),
        ({"records": None}, "fetch.records"),
        ({"body": {"a": 1}}, "need method POST"),
        ({"records": "", "total": "n"}, "no envelope"),
        ({"records": "", "paging": {"kind": "next_url"}}, "no envelope"),
        ({"total": "n", "total_header": "X"}, "not both"),
        ({"method": "POST", "paging": {"kind": "link_header"}}, "need method GET"),
        (
            {"method": "POST", "since_parameter": "a", "until_parameter": "b",
             "paging": {"kind": "date_windows", "start": "2026-01-01", "step": "day",
                        "until_included": True, "inner": {"kind": "link_header"}}},
            "need method GET",
        ),
        ({"path": "/a/{id}"}, "go together"),
        ({"time_zone": "Hà Nội"}, "no time zone"),
        (
            {"paging": {"kind": "date_windows", "start": "2026-01-01", "step": "day",
                        "until_included": True}},
            "needs `since_parameter`",
        ),
        ({"paging": {"kind": "offset"}}, "say `key`"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_one_clear_line(
    server: FaultServer, rest: Puller, change: dict[str, Any], what: str
) -> None:
    rest.fetch = {
        key: value for key, value in {**rest.fetch, **change}.items() if value is not None
    }
    with pytest.raises(ConfigurationError, match=what) as caught:
        rest()
    assert "\n" not in str(caught.value)
    assert server.asked == []


def test_a_list_that_moves_under_http_loses_nothing(server: FaultServer, rest: Puller) -> None:
    paging(rest, kind="offset", key="Ma", page_size=4)
    rest.fetch["total"] = "total"
    held = rows(20)

    def answer(asked: Asked) -> Reply:
        if len(server.asked) == 3:
            del held[:3]
            held.insert(0, {"Ma": 99})
        return by_offset(held)(asked)

    server.routes["/rows"] = answer
    landed = [row["Ma"] for row in found(rest)]
    assert len(landed) == len(set(landed))
    assert set(range(4, 21)) <= set(landed)


DOCUMENT = Path(__file__).parents[2] / "docs" / "sources.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_documents_examples_are_valid(text: str) -> None:
    document = yaml.safe_load(textwrap.dedent(text))
    kind = importlib.import_module(KINDS[document.get("kind", "rest")])
    for dataset in document.get("datasets", [document]):
        kind.Fetch.model_validate(dataset["fetch"])
        if "name" in dataset:
            DatasetSpec.model_validate(dataset)


def test_the_document_names_every_kind() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    kinds = re.findall(r'kind: Literal\["(\w+)"\]', "".join(
        (DOCUMENT.parents[1] / "sources" / name).read_text(encoding="utf-8")
        for name in ("spec.py", "paging_kinds.py", "date_windows.py")
    ))  # fmt: skip
    assert len(kinds) == 18
    assert [kind for kind in [*kinds, *KINDS] if f"| `{kind}` |" not in text] == []


def test_errors_are_the_hubs_own(server: FaultServer, rest: Puller) -> None:
    """Whatever stands where rows, total and cursor should be: rows or a typed error."""
    rest.fetch.update(total="total")
    paging(rest, kind="next_url", key="Ma")
    odds: tuple[Any, ...] = (
        None, True, 1, "x", [], {}, [[]], [{"Ma": None}], [{"Ma": [1]}], {"items": {}},
    )  # fmt: skip
    for odd in odds:
        for place in ("data", "total", "next"):
            body = {"data": {"items": rows(2)}, "total": 2, "next": None, place: odd}
            server.routes["/rows"] = lambda _, body=body: as_json(body)  # type: ignore[misc]
            try:
                assert rest().manifest.rows == 2
            except HubError as error:
                assert "page" in error.where or "tinh/thu/thu" in error.where  # noqa: PT017 - any error is fine, if it names its place
