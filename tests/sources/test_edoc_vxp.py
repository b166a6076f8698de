"""The Government Office's axis: signed requests, messages out of base64, a queue and no archive."""

from __future__ import annotations

import contextlib
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError
from sources.edoc_list import decoded
from sources.kinds import check_spec
from sources.landing import Position
from tests.sources.conftest import Puller
from tests.sources.faults import FaultServer, Reply, as_json, in_turn
from tests.sources.vxp import OTHER, OWN, SECRET, Node, document, ok
from tests.sources.vxp import node as make_node


@pytest.fixture
def node(server: FaultServer, puller: Puller) -> Node:
    return make_node(server, puller)


def test_every_message_is_fetched_with_a_right_signature(puller: Puller, node: Node) -> None:
    batch = puller()
    assert node.wrong == []
    files = batch.manifest.files
    assert [file.note["docId"] for file in files] == ["d-1", "d-2", "d-3"]
    assert [(batch.path / file.name).read_bytes() for file in files] == list(node.waiting.values())
    assert files[0].note == {
        "docId": "d-1", "createdTime": "2026/08/01 00:00:00", "updatedTime": "2026/08/01 00:00:00",
        "from": OTHER, "to": OWN, "status": "initial",
    }  # fmt: skip
    assert (batch.manifest.claimed, batch.manifest.rows) == (3, 3)


def test_a_wrong_key_is_noticed_by_the_axis(puller: Puller, node: Node) -> None:
    puller.environment["THU_SECRET"] = "mot-khoa-khac"
    with pytest.raises(ProviderError, match="status FAIL, ErrorCode 401: sai chữ ký") as caught:
        puller()
    assert node.wrong == ["/getReceivedEdocList"]
    assert "mot-khoa-khac" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_list_that_names_less_is_no_deletion(puller: Puller, node: Node) -> None:
    assert node.waiting
    assert puller().manifest.whole is False


def test_only_reading_requests_are_made(server: FaultServer, puller: Puller, node: Node) -> None:
    puller()
    puller(Position("before"))
    assert set(server.paths()) == {"/getReceivedEdocList", "/getEdoc"}
    assert node.acknowledged == []


def test_the_window_is_kept_whatever_way_times_are_written(puller: Puller, node: Node) -> None:
    puller.dataset.update(mode="incremental", cursor="ngay")
    node.entries = {
        "d-1": {"updated_time": "2026-08-02T00:59:59+07:00"},
        "d-2": {"updated_time": "2026-08-01T18:00:00Z"},  # 01:00 in Vietnam
        "d-3": {"updated_time": "2026-08-02"},
    }
    batch = puller(Position("before", "2026-08-02T01:00:00"))
    assert [file.note["docId"] for file in batch.manifest.files] == ["d-2", "d-3"]
    batch = puller(until=datetime(2026, 8, 2, 1))  # noqa: DTZ001 - Vietnam time
    assert [file.note["docId"] for file in batch.manifest.files] == ["d-1", "d-3"]


def test_an_id_as_the_standard_writes_them(puller: Puller, node: Node) -> None:
    doc_id = "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"
    node.waiting = {doc_id: document("Về việc", OTHER)}
    (file,) = puller().manifest.files
    assert file.note["docId"] == doc_id
    assert node.wrong == []


def test_an_id_that_no_header_can_hold(puller: Puller, node: Node) -> None:
    node.waiting = {"d\r\nX-Admin: 1": b""}
    with pytest.raises(ProviderError, match="no header can hold"):
        puller()


def test_a_state_secret_is_held_here_too(puller: Puller, node: Node) -> None:
    node.waiting["d-2"] = document("bố trí", OTHER, secret="Mật")
    node.entries["d-3"] = {"title": "MẬT: Về việc"}
    batch = puller()
    assert (batch.manifest.rows, batch.manifest.held) == (1, 2)
    assert "(Mật 2)" in puller.warnings[0]


def test_what_the_node_sent(server: FaultServer, puller: Puller, node: Node) -> None:
    puller.fetch["list"] = "sent"
    (file,) = puller().manifest.files
    assert file.note == {
        "docId": "d-3", "createdTime": "2026/08/02 00:00:00", "to": OTHER,
    }  # fmt: skip
    assert "/getReceivedEdocList" not in server.paths()
    assert node.wrong == []


@pytest.mark.parametrize(
    ("path", "reply", "what"),
    [
        ("/getReceivedEdocList", as_json({"status": "FAIL", "ErrorCode": "9"}), r"ErrorCode 9 \["),
        ("/getReceivedEdocList", as_json({"status": "OK", "ErrorCode": "1"}), r"ErrorCode 1 \["),
        ("/getReceivedEdocList", as_json({}), "status none, ErrorCode none"),
        ("/getReceivedEdocList", as_json([]), "wrong shape"),
        ("/getReceivedEdocList", ok([{"from": "x"}]), "entry 1 of the list has no docId"),
        ("/getReceivedEdocList", ok("x"), "`data` has the wrong shape"),
        ("/getReceivedEdocList", Reply(b"<html><title>WAF</title>"), r"HTML page \('WAF'\)"),
        ("/getEdoc", as_json({"status": "FAIL", "ErrorCode": "10"}), r"ErrorCode 10 \["),
        ("/getEdoc", ok("%%%"), "inside the JSON is no base64"),
        ("/getEdoc", ok(None), r"empty answer instead of edXML \(3 attempts\)"),
        ("/getEdoc", ok("PGh0bWw+PHRpdGxlPng8L3RpdGxlPg=="), "HTML page"),
        ("/getEdoc", Reply(b'{"status":"OK","Err'), "attempts"),
    ],
)  # fmt: skip
def test_an_answer_that_is_wrong(
    server: FaultServer, puller: Puller, node: Node, *, path: str, reply: Reply, what: str
) -> None:
    server.routes[path] = lambda _: reply
    with pytest.raises(ProviderError) as caught:
        puller()
    assert node.waiting
    assert caught.match(what)
    assert list(puller.folder.iterdir()) == []


def test_a_request_that_is_sent_again_is_signed_again(
    server: FaultServer, puller: Puller, node: Node
) -> None:
    real = server.routes["/getEdoc"]
    server.routes["/getEdoc"] = in_turn(Reply(status=503), real)
    assert puller().manifest.rows == 3
    assert node.wrong == []


@pytest.mark.parametrize(
    ("fetch", "what"),
    [
        ({"list": "sent", "transport": "lgsp"}, "`list: sent` is for transport vxp"),
        ({"list": "sent", "acknowledge": True, "organ_ids": [OWN]}, "is not acknowledged"),
        ({"acknowledge": True}, "`acknowledge` needs `organ_ids`"),
        ({"transport": "soap"}, "fetch.transport"),
    ],
)
def test_options_that_do_not_fit(
    puller: Puller, node: Node, fetch: dict[str, object], what: str
) -> None:
    assert node.waiting
    puller.fetch.update(fetch)
    with pytest.raises(ConfigurationError, match=what):
        check_spec(puller.system)


@given(st.text(max_size=80))
def test_any_data_is_decoded_or_refused(text: str) -> None:
    with contextlib.suppress(ProviderError):
        assert isinstance(decoded(text), bytes)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    answer=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["status", "ErrorCode", "data", "docId", "from", "x"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_as_a_list_is_read_or_refused(
    server: FaultServer, puller: Puller, node: Node, answer: object
) -> None:
    server.routes["/getReceivedEdocList"] = lambda _: ok(answer)
    server.routes["/getEdoc"] = lambda _: ok("<a/>")
    try:
        batch = puller()
    except HubError:
        return
    assert node.waiting
    assert batch.manifest.rows == len(batch.manifest.files)
