"""Acknowledging: never unless told to, never another's, never before the rows are safe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.errors import ConfigurationError, TransientError
from sources.edoc_list import Entry
from sources.edoc_receipts import is_addressed
from sources.landing import LandedBatch, Position
from tests.sources.conftest import Puller
from tests.sources.faults import FaultServer, Reply, as_json
from tests.sources.vxp import OTHER, OWN, Node, document
from tests.sources.vxp import node as make_node


@pytest.fixture
def node(server: FaultServer, puller: Puller) -> Node:
    made = make_node(server, puller)
    puller.fetch.update(acknowledge=True, organ_ids=[OWN])
    return made


def after(batch: LandedBatch) -> Position:
    """Return the position once a batch is committed."""
    return Position(batch.id)


def ledger(puller: Puller) -> Path:
    return puller.root.parent / "acknowledged" / "tinh" / "thu" / "thu.json"


def test_nothing_is_acknowledged_before_it_is_committed(puller: Puller, node: Node) -> None:
    puller()
    assert node.acknowledged == []
    # The commit failed: the same pull again, from the same position.
    puller()
    assert node.acknowledged == []
    assert len(node.waiting) == 3


def test_the_hubs_own_messages_are_acknowledged_once_committed(puller: Puller, node: Node) -> None:
    first = puller()
    second = puller(after(first))
    assert node.acknowledged == ["d-1", "d-2"]
    assert list(node.waiting) == ["d-3"]
    assert [file.note["docId"] for file in second.manifest.files] == ["d-3"]


def test_another_agencys_message_is_left_in_its_queue(puller: Puller, node: Node) -> None:
    first = puller()
    puller(after(first))
    assert "d-3" not in node.acknowledged
    assert "d-3" in node.waiting


def test_nothing_is_said_twice(puller: Puller, node: Node) -> None:
    first = puller()
    puller(after(first))
    puller(after(first))  # a night in which nothing changed: the position stays
    assert node.acknowledged == ["d-1", "d-2"]
    assert json.loads(ledger(puller).read_bytes()) == {"batch": first.id, "refused": []}


def test_a_crash_while_acknowledging_ends_in_all_of_them(
    server: FaultServer, puller: Puller, node: Node
) -> None:
    first = puller()
    real = server.routes["/updateStatus"]
    server.routes["/updateStatus"] = lambda asked: (
        Reply(status=503) if b"d-2" in asked.body else real(asked)
    )
    with pytest.raises(TransientError, match="503"):
        puller(after(first))
    assert not ledger(puller).exists()
    server.routes["/updateStatus"] = real
    puller(after(first))
    assert set(node.acknowledged) == {"d-1", "d-2"}
    assert list(node.waiting) == ["d-3"]


def test_a_refusal_is_told_tried_again_and_stops_nothing(puller: Puller, node: Node) -> None:
    first = puller()
    node.refused = {"d-2"}
    second = puller(after(first))
    (line,) = puller.warnings
    assert "does not take the acknowledgement of 1 of 2 messages (docId d-2: " in line
    assert second.manifest.rows == 2
    node.refused = set()
    puller(after(second))
    assert list(node.waiting) == ["d-3"]
    assert json.loads(ledger(puller).read_bytes())["refused"] == []
    assert len(puller.warnings) == 1


def test_a_held_message_is_never_acknowledged(puller: Puller, node: Node) -> None:
    node.waiting["d-1"] = document("bố trí", OWN, secret="Mật")
    first = puller()
    puller(after(first))
    assert node.acknowledged == ["d-2"]
    assert "d-1" in node.waiting


def test_without_the_option_no_such_call_is_made(
    server: FaultServer, puller: Puller, node: Node
) -> None:
    puller.fetch.update(acknowledge=False)
    first = puller()
    puller(after(first))
    assert "/updateStatus" not in server.paths()
    assert not ledger(puller).parent.exists()
    assert len(node.waiting) == 3


def test_it_needs_a_system_id_of_its_own(puller: Puller, node: Node) -> None:
    puller.auth = {"kind": "bearer", "token": {"env": "THU_SECRET"}}
    with pytest.raises(ConfigurationError, match="the hub's own system id"):
        puller()
    assert node.acknowledged == []


def test_an_lgsp_axis(server: FaultServer, puller: Puller, node: Node) -> None:
    puller.fetch["transport"] = "lgsp"
    puller.auth = {
        "kind": "login_token", "username": {"env": "THU_SYSTEM"}, "password": {"env": "THU_SECRET"},
        "extra_headers": {"X-SystemId": {"env": "THU_SYSTEM"}},
    }  # fmt: skip
    server.routes["/v1/auth/login"] = lambda _: as_json({"data": {"token": "the-tam"}})
    data = [{"docId": doc_id, "updatedTime": "2026/08/01 08:00:00"} for doc_id in node.waiting]
    server.routes["/v1/syncReceivedEdocList"] = lambda asked: as_json(
        {"success": True, "count": 3, "data": data}
        if asked.params["fromDate"] == "2026/08/01"
        else {"success": True, "count": 0, "data": []}
    )
    server.routes["/v1/getEdoc"] = lambda asked: Reply(node.waiting[asked.params["docId"]])
    server.routes["/v1/updateStatus"] = lambda _: as_json({"success": True, "errorCode": "0"})
    first = puller()
    puller(after(first))
    told = [json.loads(one.body) for one in server.asked if one.path == "/v1/updateStatus"]
    assert sorted(one["docId"] for one in told) == ["d-1", "d-2"]
    assert {one["status"] for one in told} == {"done"}
    assert all(
        one.headers["X-SystemId"] == puller.environment["THU_SYSTEM"]
        for one in server.asked
        if one.path == "/v1/updateStatus"
    )


@pytest.mark.parametrize(
    ("body", "listed", "ours"),
    [
        (document("x", OWN), OTHER, True),
        (document("x", OTHER), OWN, False),  # the message counts, not the list
        (document("x"), f"{OTHER}; {OWN}", True),  # a status message has no receiver
        (document("x"), OTHER, False),
        (document("x", OWN)[:-9], OWN, False),  # cannot be read
        (b"", OWN, False),
        (b"<edXML><Subject><To><OrganId>000.00.09.H63</OrganId></To></Subject></edXML>", "", False),
    ],
)
def test_whose_a_message_is(body: bytes, listed: str, *, ours: bool) -> None:
    assert is_addressed(body, Entry("d", {"to": listed}), [OWN]) is ours


def test_a_damaged_ledger_means_saying_it_again(puller: Puller, node: Node) -> None:
    first = puller()
    ledger(puller).parent.mkdir(parents=True)
    ledger(puller).write_bytes(b"{")
    puller(after(first))
    assert node.acknowledged == ["d-1", "d-2"]
