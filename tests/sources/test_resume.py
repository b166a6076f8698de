"""A pull that died goes on from there: what was answered is not asked again, what comes is right."""

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


@pytest.fixture
def portal(puller: Puller) -> Puller:
    puller.limits = {"threads": 1, "retries": 0}
    puller.server.routes["/rows"] = healthy
    return puller


def test_only_what_was_not_answered_is_asked_for(portal: Puller, tmp_path: Path) -> None:
    portal.server.routes["/rows"] = dying(6, out)
    with pytest.raises(TransientError, match="503"):
        portal()
    assert 5 in pages(portal.server)
    assert [path.name for path in journals(portal)] == [".journal"]
    portal.server.routes["/rows"] = healthy
    batch = portal()
    assert pages(portal.server) == [6, 7, 8]
    assert batch.manifest.resumed == 5
    assert journals(portal) == []
    fresh = Puller(portal.server, tmp_path / "other")()
    assert (fresh.id, fresh.manifest.resumed) == (batch.id, 0)
    assert landed_lines(batch) == landed_lines(fresh)
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def test_a_pull_cut_off_again_and_again_comes_to_its_end(portal: Puller) -> None:
    for at in (3, 5, 5, 8):
        portal.server.routes["/rows"] = dying(at, out)
        with pytest.raises(TransientError):
            portal()
    pages(portal.server)
    portal.server.routes["/rows"] = healthy
    batch = portal()
    assert pages(portal.server) == [8]
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def test_a_killed_pull_is_gone_on_with(portal: Puller, tmp_path: Path) -> None:
    process: subprocess.Popen[bytes] | None = None

    def kill() -> Reply:
        assert process is not None
        process.send_signal(signal.SIGKILL)
        return out()

    portal.server.routes["/rows"] = dying(6, kill)
    definition = tmp_path / "defs.yaml"
    with definition.open("w") as file:
        attributes = portal.system.model_dump(mode="json", exclude_none=True)
        YAML().dump({"type": "hub.components.SourceSystem", "attributes": attributes}, file)
    process = subprocess.Popen(
        [sys.executable, "-m", "sources.pull", str(definition), "thu", str(portal.root)],
        env={**os.environ, **portal.all_values},
    )
    assert process.wait(60) == -signal.SIGKILL
    assert [path.name for path in journals(portal)] == [f".journal-{process.pid}"]
    pages(portal.server)
    portal.server.routes["/rows"] = healthy
    batch = portal()
    assert pages(portal.server) == [6, 7, 8]
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS
    assert sorted(path.name for path in portal.folder.iterdir()) == [batch.id]


def test_a_person_who_stops_it_loses_nothing(portal: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
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
            portal()
    pages(portal.server)
    portal()
    assert pages(portal.server) == [6, 7, 8]


def test_nothing_is_written_for_a_pull_of_one_request(portal: Puller) -> None:
    seen: dict[int, list[Path]] = {}

    def watched(asked: Asked) -> Reply:
        seen[int(asked.params["page"])] = journals(portal)
        return healthy(asked)

    portal.server.routes["/rows"] = watched
    portal()
    assert seen[1] == seen[2] == []
    assert [path.name for path in seen[3]] == [f".journal-{os.getpid()}"]


def test_what_is_kept_is_for_its_owner_and_holds_no_secret(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THU_KEY", "s3cret-of-the-portal")
    puller.auth = {"kind": "api_key", "query": "key", "key": {"env": "THU_KEY"}}
    puller.environment = {"THU_KEY": "s3cret-of-the-portal"}
    puller.limits = {"retries": 0}

    def answer(asked: Asked) -> Reply:
        reply = healthy(asked)
        assert asked.params["key"] == "s3cret-of-the-portal"
        return Reply(reply.body, 200, {**reply.headers, "Set-Cookie": "session=tasty"})

    puller.server.routes["/rows"] = dying(6, out, answer)
    with pytest.raises(TransientError):
        puller()
    (kept,) = journals(puller)
    data = kept.read_bytes()
    assert b"/rows?" in data
    assert b"s3cret" not in data
    assert b"tasty" not in data
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_another_definition_place_or_position_begins_anew(portal: Puller) -> None:
    def fetch(**more: str) -> None:
        portal.fetch = {**portal.fetch, "params": more}

    cut_off(portal)
    fetch(unit="H38")
    portal()
    assert pages(portal.server) == list(range(1, PAGES + 1))
    cut_off(portal)
    portal(Position(batch="before"))
    assert pages(portal.server) == list(range(1, PAGES + 1))
    cut_off(portal)
    other = FaultServer()
    other.routes["/rows"] = healthy
    portal.environment = {"THU_URL": other.url}
    portal()
    assert pages(other) == list(range(1, PAGES + 1))
    other.close()


@pytest.mark.parametrize("hours", [0, 0.0001])
def test_what_is_too_old_is_not_gone_on_with(portal: Puller, hours: float) -> None:
    portal.limits = {**portal.limits, "resume_hours": hours}
    cut_off(portal)
    time.sleep(1.5)  # moments are kept in whole seconds
    portal()
    assert pages(portal.server) == list(range(1, PAGES + 1))


def test_the_batch_says_when_the_first_of_the_pulls_began(portal: Puller) -> None:
    before = datetime.now().astimezone()
    cut_off(portal)
    (kept,) = journals(portal)
    head, rest = kept.read_bytes().split(b"\n", 1)
    began = json.loads(head)["began"]
    earlier = f"{began[:-8]}00:00:00"
    kept.write_bytes(head.replace(began.encode(), earlier.encode()) + b"\n" + rest)
    portal.limits = {**portal.limits, "resume_hours": 48}
    started = datetime.fromisoformat(portal().manifest.started_at)
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
    portal: Puller, reply: Callable[[], Reply], error: type[HubError]
) -> None:
    portal.server.routes["/rows"] = dying(6, reply)
    with pytest.raises(error):
        portal()
    pages(portal.server)
    portal.server.routes["/rows"] = healthy
    portal()
    assert pages(portal.server) == [6, 7, 8]


def test_a_page_that_is_refused_again_is_read_from_the_start(portal: Puller) -> None:
    """A source may have forgotten the mark to which the kept pages lead."""
    cut_off(portal, reply=lambda: Reply(b"no", 404))
    asked_before: list[int] = []

    def forgetful(asked: Asked) -> Reply:
        number = int(asked.params["page"])
        asked_before.append(number)
        return Reply(b"gone", 410) if 1 not in asked_before else healthy(asked)

    portal.server.routes["/rows"] = forgetful
    batch = portal()
    assert asked_before == [6, *range(1, PAGES + 1)]
    assert batch.manifest.resumed == 0
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS


def test_wrong_credentials_do_not_cost_what_was_kept(
    portal: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THU_KEY", "key-of-the-portal")
    portal.auth = {"kind": "api_key", "header": "X-Key", "key": {"env": "THU_KEY"}}
    portal.environment = {"THU_KEY": "key-of-the-portal"}
    portal.server.routes["/rows"] = dying(6, lambda: Reply(b"", 401))
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            portal()
    pages(portal.server)
    portal.server.routes["/rows"] = healthy
    portal()
    assert pages(portal.server) == [6, 7, 8]


def test_a_list_that_grew_meanwhile_is_read_from_the_start(portal: Puller) -> None:
    """Without a key nobody can say what moved; what was kept must not fail the night."""
    cut_off(portal)
    grown = [{"ma": "new", "ten": "x"}, *ROWS]
    portal.server.routes["/rows"] = lambda asked: page_of(grown, int(asked.params["page"]))
    batch = portal()
    assert [json.loads(line) for line in landed_lines(batch)] == grown
    assert (batch.manifest.resumed, batch.manifest.claimed) == (0, len(grown))


def test_a_list_with_a_key_that_moved_meanwhile_is_gone_on_with(rest: Puller) -> None:
    rest.limits = {"threads": 1, "retries": 0}
    rest.fetch = {
        "path": "/rows", "records": "result", "total": "total", "success": None,
        "paging": {"kind": "page", "parameter": "page", "size_parameter": "n", "size": SIZE,
                   "key": "ma"},
    }  # fmt: skip
    cut_off(rest)
    moved = [{"ma": "new", "ten": "x"}, *ROWS[1:]]  # one row comes, one goes: the count stays
    rest.server.routes["/rows"] = lambda asked: page_of(moved, int(asked.params["page"]))
    batch = rest()
    found = [json.loads(line)["ma"] for line in landed_lines(batch)]
    assert len(set(found)) == len(found)
    assert {row["ma"] for row in ROWS[1:]} <= set(found)


FRACTION = st.floats(0, 1, exclude_max=True)


@given(wrong=st.lists(st.tuples(FRACTION, st.integers(0, 255)), max_size=3), length=FRACTION)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_befell_the_file_the_rows_are_right(
    portal: Puller, wrong: list[tuple[float, int]], length: float
) -> None:
    """A crash may cut it, a disk may damage it: a wrong byte must never become a row."""
    cut_off(portal)
    (path,) = journals(portal)
    data = bytearray(path.read_bytes())
    for place, byte in wrong:
        data[int(place * len(data))] = byte
    path.write_bytes(data[: len(data) - int(length * len(data))])
    batch = portal()
    assert [json.loads(line) for line in landed_lines(batch)] == ROWS
    assert journals(portal) == []
