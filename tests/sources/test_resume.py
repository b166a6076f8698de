"""A pull that died goes on from there: what was answered is not asked again, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.landing import Position
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Answerer, Asked, FaultServer, Reply, as_json

PAGES, SIZE = 8, 2
ROWS = [{"ma": str(number), "ten": "Đăng ký khai sinh"} for number in range(PAGES * SIZE)]


def page_of(rows: list[dict[str, str]], number: int, total: int | None = None) -> Reply:
    begin = (number - 1) * SIZE
    total = len(rows) if total is None else total
    return as_json({"error_code": "00", "total": total, "result": rows[begin : begin + SIZE]})


def healthy(asked: Asked) -> Reply:
    return page_of(ROWS, int(asked.params["page"]))


def dying(at: int, reply: Callable[[], Reply], then: Answerer = healthy) -> Answerer:
    """Answer as told from one page on, well before it."""
    return lambda asked: reply() if int(asked.params["page"]) >= at else then(asked)


def out() -> Reply:
    return Reply(b"busy", 503)


def pages(server: FaultServer) -> list[int]:
    found = sorted(int(asked.params["page"]) for asked in server.asked)
    server.asked.clear()
    return found


def journals(puller: Puller) -> list[Path]:
    return sorted(puller.folder.glob(".journal*"))


def cut_off(puller: Puller, at: int = 6, reply: Callable[[], Reply] = out) -> None:
    """Have a pull fail at a page and leave what came before it."""
    puller.server.routes["/rows"] = dying(at, reply)
    with pytest.raises(HubError):
        puller()
    puller.server.asked.clear()
    puller.server.routes["/rows"] = healthy


LIST = {"path": "/rows", "records": "result", "total": "total", "success": {}}
STILL = {**LIST, "paging": {"kind": "page", "stands_still": True, "page_size": SIZE}}


@pytest.fixture
def still(puller: Puller) -> Puller:
    """A list that its definition says to stand still, read in one thread."""
    puller.kind, puller.fetch = "rest", STILL
    puller.limits = {"threads": 1, "retries": 0}
    puller.server.routes["/rows"] = healthy
    return puller


def test_only_what_was_not_answered_is_asked_for(still: Puller, tmp_path: Path) -> None:
    still.server.routes["/rows"] = dying(6, out)
    with pytest.raises(TransientError, match="503") as caught:
        still()
    assert str(caught.value).endswith(
        "; the 5 answers so far are kept: the next pull, or hub retry, goes on"
    )
    assert 5 in pages(still.server)
    assert [path.name for path in journals(still)] == [".journal"]
    still.server.routes["/rows"] = healthy
    batch = still()
    assert pages(still.server) == [6, 7, 8]
    assert batch.manifest.resumed == 5
    assert journals(still) == []
    fresh = Puller(still.server, tmp_path / "other")()
    assert (fresh.id, fresh.manifest.resumed) == (batch.id, 0)
    assert landed_lines(batch) == landed_lines(fresh)
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def test_a_pull_cut_off_again_and_again_comes_to_its_end(still: Puller) -> None:
    for at in (3, 5, 5, 8):
        still.server.routes["/rows"] = dying(at, out)
        with pytest.raises(TransientError):
            still()
    pages(still.server)
    still.server.routes["/rows"] = healthy
    batch = still()
    assert pages(still.server) == [8]
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def test_a_killed_pull_is_gone_on_with(still: Puller, tmp_path: Path) -> None:
    process: subprocess.Popen[bytes] | None = None

    def kill() -> Reply:
        assert process is not None
        process.send_signal(signal.SIGKILL)
        return out()

    still.server.routes["/rows"] = dying(6, kill)
    definition = tmp_path / "defs.yaml"
    with definition.open("w") as file:
        attributes = still.system.model_dump(mode="json", exclude_none=True)
        YAML().dump({"type": "hub.components.SourceSystem", "attributes": attributes}, file)
    process = subprocess.Popen(
        [sys.executable, "-m", "sources.pull", str(definition), "thu", str(still.root)],
        env={**os.environ, **still.all_values},
    )
    assert process.wait(60) == -signal.SIGKILL
    assert [path.name for path in journals(still)] == [f".journal-{process.pid}"]
    pages(still.server)
    still.server.routes["/rows"] = healthy
    batch = still()
    assert pages(still.server) == [6, 7, 8]
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS
    assert sorted(path.name for path in still.folder.iterdir()) == [batch.id]


def test_a_person_who_stops_it_loses_nothing(
    still: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = "sources.client.Client.fetch"
    from sources.client import Client  # noqa: PLC0415 - the very function that is replaced

    whole = Client.fetch

    def stopped(client: Client, call, deadline, parse):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        if call.params["page"] == "6":
            raise KeyboardInterrupt
        return whole(client, call, deadline, parse)

    with monkeypatch.context() as patched:
        patched.setattr(fetch, stopped)
        with pytest.raises(KeyboardInterrupt):
            still()
    pages(still.server)
    still()
    assert pages(still.server) == [6, 7, 8]


def test_nothing_is_written_for_a_pull_of_one_request(still: Puller) -> None:
    seen: dict[int, list[Path]] = {}

    def watched(asked: Asked) -> Reply:
        seen[int(asked.params["page"])] = journals(still)
        return healthy(asked)

    still.server.routes["/rows"] = watched
    still()
    assert seen[1] == seen[2] == []
    assert [path.name for path in seen[3]] == [f".journal-{os.getpid()}"]


def test_what_is_kept_is_for_its_owner_and_holds_no_secret(
    still: Puller,
) -> None:
    still.auth = {"kind": "api_key_query", "parameter": "key", "token": {"env": "THU_KEY"}}
    still.environment = {"THU_KEY": "s3cret-of-the-portal"}

    def answer(asked: Asked) -> Reply:
        reply = healthy(asked)
        assert asked.params["key"] == "s3cret-of-the-portal"
        return Reply(reply.body, 200, {**reply.headers, "Set-Cookie": "session=tasty"})

    still.server.routes["/rows"] = dying(6, out, answer)
    with pytest.raises(TransientError):
        still()
    (kept,) = journals(still)
    data = kept.read_bytes()
    assert b"/rows?" in data
    assert b"s3cret" not in data
    assert b"tasty" not in data
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_another_definition_place_or_position_begins_anew(still: Puller) -> None:
    def fetch(**more: str) -> None:
        still.fetch = {**still.fetch, "params": more}

    cut_off(still)
    fetch(unit="H38")
    still()
    assert pages(still.server) == list(range(1, PAGES + 1))
    cut_off(still)
    still(Position(batch="before"))
    assert pages(still.server) == list(range(1, PAGES + 1))
    cut_off(still)
    other = FaultServer()
    other.routes["/rows"] = healthy
    still.environment = {"THU_URL": other.url}
    still()
    assert pages(other) == list(range(1, PAGES + 1))
    other.close()


@pytest.mark.parametrize("hours", [0, 0.0001])
def test_what_is_too_old_is_not_gone_on_with(still: Puller, hours: float) -> None:
    still.limits = {**still.limits, "resume_hours": hours}
    cut_off(still)
    time.sleep(1.5)  # moments are kept in whole seconds
    still()
    assert pages(still.server) == list(range(1, PAGES + 1))


def test_the_batch_says_when_the_first_of_the_pulls_began(still: Puller) -> None:
    before = datetime.now().astimezone()
    cut_off(still)
    (kept,) = journals(still)
    head, rest = kept.read_bytes().split(b"\n", 1)
    began = json.loads(head)["began"]
    earlier = f"{began[:-8]}00:00:00"
    kept.write_bytes(head.replace(began.encode(), earlier.encode()) + b"\n" + rest)
    still.limits = {**still.limits, "resume_hours": 48}
    started = datetime.fromisoformat(still().manifest.started_at)
    assert started <= before
    assert (started.minute, started.second) == (0, 0)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (lambda: Reply(b"no", 404), ProviderError),
        (lambda: Reply(b"<html><title>Login</title></html>", 200), ProviderError),
        (lambda: Reply(b'{"result": [', 200), HubError),
        (lambda: as_json({"error_code": "07", "result": []}), ProviderError),
    ],
)
def test_any_trouble_with_a_page_keeps_the_pages_before_it(
    still: Puller, reply: Callable[[], Reply], error: type[HubError]
) -> None:
    still.server.routes["/rows"] = dying(6, reply)
    with pytest.raises(error):
        still()
    pages(still.server)
    still.server.routes["/rows"] = healthy
    still()
    assert pages(still.server) == [6, 7, 8]


def test_a_page_that_is_refused_again_is_read_from_the_start(still: Puller) -> None:
    """A source may have forgotten the mark to which the kept pages lead."""
    cut_off(still, reply=lambda: Reply(b"no", 404))
    asked_before: list[int] = []

    def forgetful(asked: Asked) -> Reply:
        number = int(asked.params["page"])
        asked_before.append(number)
        return Reply(b"gone", 410) if 1 not in asked_before else healthy(asked)

    still.server.routes["/rows"] = forgetful
    batch = still()
    assert asked_before[0] == 6
    assert asked_before[-PAGES:] == list(range(1, PAGES + 1))
    assert batch.manifest.resumed == 0
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def test_wrong_credentials_do_not_cost_what_was_kept(still: Puller) -> None:
    still.auth = {"kind": "api_key", "token": {"env": "THU_KEY"}}
    still.environment = {"THU_KEY": "key-of-the-portal"}
    still.server.routes["/rows"] = dying(6, lambda: Reply(b"", 401))
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            still()
    pages(still.server)
    still.server.routes["/rows"] = healthy
    still()
    assert pages(still.server) == [6, 7, 8]


def test_a_list_that_grew_meanwhile_is_read_from_the_start(still: Puller) -> None:
    """Without a key nobody can say what moved; what was kept must not fail the night."""
    cut_off(still)
    grown = [{"ma": "new", "ten": "x"}, *ROWS]
    still.server.routes["/rows"] = lambda asked: page_of(grown, int(asked.params["page"]))
    batch = still()
    assert [json.loads(line) for line in landed_lines(batch)] == grown
    assert (batch.manifest.resumed, batch.manifest.claimed) == (0, len(grown))


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
    assert pages(unkeyed.server) == [3, 4, 5, 6, 7, 8]
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


FRACTION = st.floats(0, 1, exclude_max=True)


@given(wrong=st.lists(st.tuples(FRACTION, st.integers(0, 255)), max_size=3), length=FRACTION)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_befell_the_file_the_rows_are_right(
    still: Puller, wrong: list[tuple[float, int]], length: float
) -> None:
    """A crash may cut it, a disk may damage it: a wrong byte must never become a row."""
    cut_off(still)
    (path,) = journals(still)
    data = bytearray(path.read_bytes())
    for place, byte in wrong:
        data[int(place * len(data))] = byte
    path.write_bytes(data[: len(data) - int(length * len(data))])
    batch = still()
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS
    assert journals(still) == []
