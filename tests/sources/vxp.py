"""An exchange axis in the manner of VXP for the tests: verifies every signature, keeps a queue.

Data flow: a :class:`Node` registers its routes on a fault server; it answers only requests whose
HMAC over system id, timestamp, content type and body is right (facts.md 2.6).

What does not belong here: tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import Any

from tests.sources.conftest import Puller
from tests.sources.faults import Asked, FaultServer, Reply, as_json

SYSTEM, SECRET = "KHO.DU.LIEU", "khoa-bi-mat-cua-nut"
OWN, OTHER = "000.00.09.H63", "000.00.05.H63"
MOMENT = re.compile(r"\d{8}T\d{6}\+0700")


def document(subject: str, *receivers: str, secret: str = "") -> bytes:
    to = "".join(f"<To><OrganId>{code}</OrganId></To>" for code in receivers)
    return (
        f"<?xml version='1.0'?><edXML><MessageHeader>{to}<Subject>{subject}</Subject>"
        f"<OtherInfo><Secret>{secret}</Secret></OtherInfo></MessageHeader></edXML>"
    ).encode()


class Node:
    """The hub's own node: what waits for it, and what was done to it."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.waiting: dict[str, bytes] = {
            "d-1": document("Họp giao ban", OWN),
            "d-2": document("Rà soát", OTHER, OWN),
            "d-3": document("Giấy mời", OTHER),
        }
        self.entries: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self.wrong: list[str] = []
        """Requests that were not signed as they must be."""
        for path, answer in {
            "/getReceivedEdocList": self.listing,
            "/getSentEdocList": self.sent,
            "/getEdoc": self.document,
            "/updateStatus": self.update,
        }.items():
            server.routes[path] = self.guarded(answer)

    def guarded(self, answer: Any) -> Any:
        def checked(asked: Asked) -> Reply:
            headers = {name.lower(): value for name, value in asked.headers.items()}
            moment = headers.get("timestamp", "")
            signed = f"{headers.get('systemid')}{moment}{headers.get('content-type')}".encode()
            right = hmac.new(SECRET.encode(), signed + asked.body, hashlib.sha256).hexdigest()
            sound = (
                asked.method == "POST"
                and headers.get("systemid") == SYSTEM
                and MOMENT.fullmatch(moment)
                and headers.get("content-type") == "application/json"
                and headers.get("servicetype") == "eDoc"
                and hmac.compare_digest(headers.get("xroadvnpt-sign-header", ""), right)
            )
            if not sound:
                self.wrong.append(asked.path)
                return as_json({"status": "FAIL", "ErrorCode": "401", "ErrorDesc": "sai chữ ký"})
            reply: Reply = answer(asked, headers)
            return reply

        return checked

    def listing(self, asked: Asked, headers: dict[str, str]) -> Reply:
        assert json.loads(asked.body)["messagetype"] == headers["messagetype"]
        data = [
            {"docId": doc_id, "serviceType": "eDoc", "messageType": headers["messagetype"],
             "created_time": "2026/08/01 00:00:00", "updated_time": "2026/08/01 00:00:00",
             "from": OTHER, "to": OWN, "status": "initial", **self.entries.get(doc_id, {})}
            for doc_id in self.waiting
        ]  # fmt: skip
        return ok(data)

    def sent(self, _: Asked, __: dict[str, str]) -> Reply:
        return ok([{"senderDocId": "d-3", "sentTime": "2026/08/02 00:00:00", "toCode": OTHER}])

    def document(self, _: Asked, headers: dict[str, str]) -> Reply:
        doc_id = headers["docid"].encode("latin-1").decode()
        return ok(base64.b64encode(self.waiting[doc_id]).decode())

    def update(self, asked: Asked, _: dict[str, str]) -> Reply:
        body = json.loads(asked.body)
        if body["docid"] in self.refused:
            return as_json({"status": "FAIL", "ErrorCode": "10", "ErrorDesc": "không có"})
        assert body["status"] == "done"
        self.waiting.pop(body["docid"], None)
        return ok(None)

    @property
    def acknowledged(self) -> list[str]:
        return sorted(
            json.loads(asked.body)["docid"]
            for asked in self.server.asked
            if asked.path == "/updateStatus"
        )


def ok(data: Any) -> Reply:
    return as_json({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "data": data})


def node(server: FaultServer, puller: Puller) -> Node:
    """Describe a node to the puller."""
    puller.kind = "edxml"
    puller.fetch = {"transport": "vxp", "message_type": "edoc", "start": "2026-08-01"}
    puller.extra = {"classified_officer": "Chánh Văn phòng"}
    puller.auth = {
        "kind": "hmac", "encoding": "hex",
        "system_id": {"env": "THU_SYSTEM"}, "secret": {"env": "THU_SECRET"},
    }  # fmt: skip
    puller.environment = {"THU_SYSTEM": SYSTEM, "THU_SECRET": SECRET}
    return Node(server)
