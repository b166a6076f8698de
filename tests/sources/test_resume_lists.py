"""Lists that moved between the night that was cut off and the next one: nothing lost or doubled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.errors import TransientError
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Answerer, Asked, FaultServer, Reply, as_json
from tests.sources.resuming import (
    LIST,
    ROWS,
    SIZE,
    cut_off,
    healthy,
    journals,
    out,
    page_of,
    pages,
)


@pytest.mark.parametrize("kind", ["portal", "rest"])
def test_a_list_with_a_key_that_moved_meanwhile_is_gone_on_with(puller: Puller, kind: str) -> None:
    """One row went and one came: the count is the same, every later row is one place further."""
    paging = {"kind": "page", "page_size": 20, "key": "ma"}
    keyed: dict[str, dict[str, Any]] = {
        "portal": {"path": "/rows", "page_size": 20, "key": "ma"},
        "rest": {**LIST, "paging": paging},
    }
    puller.kind, puller.fetch = kind, keyed[kind]
    puller.limits = {"threads": 1, "retries": 0}
    rows = [{"ma": str(number)} for number in range(200)]
    asked_for = 0

    def answer(asked: Asked) -> Reply:
        nonlocal asked_for
        asked_for += 1
        size = int(asked.params["pageSize"])
        begin = (int(asked.params["page"]) - 1) * size
        shown = {"error_code": "00", "total": len(rows), "result": rows[begin : begin + size]}
        return as_json(shown) if asked_for != 6 else out()

    puller.server.routes["/rows"] = answer
    with pytest.raises(TransientError):
        puller()
    gone = rows.pop(3)
    rows.append({"ma": "new"})
    batch = puller()
    assert batch.manifest.resumed == 5
    found = [json.loads(line)["ma"] for line in landed_lines(batch)]
    assert len(set(found)) == len(found)
    assert {row["ma"] for row in rows} <= set(found) <= {gone["ma"], *(row["ma"] for row in rows)}


@pytest.fixture
def unkeyed(puller: Puller) -> Puller:
    """A list without a key, whose definition promises nothing either; read in threads."""
    puller.limits = {"threads": 3, "retries": 0}
    return puller


def test_pages_without_a_key_are_gone_on_with_up_to_the_first_gap(unkeyed: Puller) -> None:
    """The page before the gap is asked for again: only if it stands there do old and new fit."""
    unkeyed.server.routes["/rows"] = lambda asked: (
        out() if asked.params["page"] == "4" else healthy(asked)
    )
    with pytest.raises(TransientError):
        unkeyed()
    assert pages(unkeyed.server)[:4] == [1, 2, 3, 4]
    unkeyed.server.routes["/rows"] = healthy
    batch = unkeyed()
    # A request of the first pull may still be on its way when the second begins.
    assert sorted(set(pages(unkeyed.server))) == [3, 4, 5, 6, 7, 8]
    assert batch.manifest.resumed == 3
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def test_pages_without_a_key_that_moved_are_read_from_the_start(unkeyed: Puller) -> None:
    unkeyed.limits["threads"] = 1
    cut_off(unkeyed)
    moved = [{"ma": "new", "ten": "x"}, *ROWS[:-1]]  # the count stays as it is
    unkeyed.server.routes["/rows"] = lambda asked: page_of(moved, int(asked.params["page"]))
    batch = unkeyed()
    assert batch.manifest.resumed == 0
    assert [json.loads(line) for line in landed_lines(batch)] == moved


def test_a_pull_that_had_everything_asks_for_none(unkeyed: Puller) -> None:
    """It died between its last page and the seal."""
    unkeyed.server.routes["/rows"] = lambda asked: page_of(ROWS, int(asked.params["page"]))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sources.landing.BatchWriter.seal", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            unkeyed()
    pages(unkeyed.server)
    batch = unkeyed()
    assert pages(unkeyed.server) == []
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def linked(rows: list[dict[str, str]], secret: str = "") -> Answerer:
    """Answer with pages whose links count rows, as most do."""

    def answer(asked: Asked) -> Reply:
        begin = int(asked.params.get("from", 0))
        following = begin + SIZE
        link = f"/rows?from={following}{secret}" if following < len(rows) else None
        return as_json({"result": rows[begin:following], "total": len(rows), "next": link})

    return answer


@pytest.fixture
def links(puller: Puller) -> Puller:
    puller.kind = "rest"
    puller.fetch = {**LIST, "success": None, "paging": {"kind": "next_url", "path": "next"}}
    puller.limits = {"threads": 1, "retries": 0}
    return puller


def starts(server: FaultServer) -> list[int]:
    found = [int(asked.params.get("from", 0)) for asked in server.asked]
    server.asked.clear()
    return found


def dies_at(row: int, then: Answerer) -> Answerer:
    return lambda asked: out() if asked.params.get("from") == str(row) else then(asked)


def test_links_are_followed_from_where_they_ended(links: Puller) -> None:
    links.server.routes["/rows"] = dies_at(10, linked(ROWS))
    with pytest.raises(TransientError):
        links()
    starts(links.server)
    links.server.routes["/rows"] = linked(ROWS)
    batch = links()
    assert starts(links.server) == [8, 10, 12, 14]  # the last page again: did it move?
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def test_links_into_a_list_that_moved_are_followed_from_the_start(links: Puller) -> None:
    links.server.routes["/rows"] = dies_at(10, linked(ROWS))
    with pytest.raises(TransientError):
        links()
    moved = [*ROWS[1:], {"ma": "new", "ten": "x"}]
    links.server.routes["/rows"] = linked(moved)
    assert [json.loads(line) for line in landed_lines(links())] == moved


def test_an_outage_while_the_last_page_is_asked_again_costs_nothing(links: Puller) -> None:
    for row in (10, 8):
        links.server.routes["/rows"] = dies_at(row, linked(ROWS))
        with pytest.raises(TransientError):
            links()
    starts(links.server)
    links.server.routes["/rows"] = linked(ROWS)
    links()
    assert starts(links.server) == [8, 10, 12, 14]


def test_an_answer_with_a_secret_in_it_is_not_kept(links: Puller) -> None:
    """Some sources repeat the key in the link to the next page."""
    links.auth = {"kind": "api_key_query", "parameter": "key", "token": {"env": "THU_KEY"}}
    links.environment = {"THU_KEY": "s3cret-of-the-portal"}
    answer = linked(ROWS, "&key=s3cret-of-the-portal")
    links.server.routes["/rows"] = dies_at(10, answer)
    with pytest.raises(TransientError):
        links()
    assert journals(links) == []
    links.server.routes["/rows"] = answer
    assert [json.loads(line) for line in landed_lines(links())] == ROWS


def test_an_answer_with_a_secret_in_a_header_is_not_kept_either(links: Puller) -> None:
    links.auth = {"kind": "api_key_query", "parameter": "key", "token": {"env": "THU_KEY"}}
    links.environment = {"THU_KEY": "s3cret-of-the-portal"}
    answer = linked(ROWS)

    def telling(asked: Asked) -> Reply:
        reply = answer(asked)
        link = f"</rows?key={asked.params['key']}>; rel=self"
        return Reply(reply.body, 200, {**reply.headers, "Link": link})

    links.server.routes["/rows"] = dies_at(10, telling)
    with pytest.raises(TransientError):
        links()
    assert journals(links) == []


def test_an_outage_at_a_question_that_is_never_kept_costs_nothing(puller: Puller) -> None:
    """A whole CKAN catalog is first asked how it is, whatever an earlier pull was told."""
    packages = [{"id": f"p{number:02}", "name": f"n{number}"} for number in range(12)]
    state = {"down": False, "dies": True}
    asked_for: list[str] = []

    def search(asked: Asked) -> Reply:
        start, rows = int(asked.params.get("start", 0)), int(asked.params["rows"])
        asked_for.append(f"{start}+{rows}")
        if state["down"] or (state["dies"] and start > 6):
            return out()
        result = {"count": len(packages), "results": packages[start : start + rows]}
        return as_json({"success": True, "result": result})

    listed = as_json({"success": True, "result": [package["name"] for package in packages]})
    puller.server.routes["/api/3/action/package_search"] = search
    puller.server.routes["/api/3/action/package_list"] = lambda _: listed
    puller.kind, puller.fetch = "ckan", {"catalog": {"page_size": 3}}
    puller.limits = {"threads": 1, "retries": 0}
    for state["down"] in (False, True):
        with pytest.raises(TransientError):
            puller()
    state.update(down=False, dies=False)
    asked_for.clear()
    batch = puller()
    assert batch.manifest.resumed >= 3
    assert asked_for[0] == "0+0"
    assert "0+3" not in asked_for
    assert [json.loads(line)["identifier"] for line in landed_lines(batch)] == [
        package["id"] for package in packages
    ]
