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

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.landing import Position
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json
from tests.sources.resuming import (
    PAGES,
    ROWS,
    STILL,
    cut_off,
    dying,
    healthy,
    journals,
    out,
    page_of,
    pages,
)


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
    if hours:
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
