"""Yên Bái's document axis over HTTP: login, list by date window, get a document, update a status.

Data flow: ``POST /v1/auth/login`` -> a token, then every call with it and the two system headers
(facts 2.7, transport B). ``syncReceivedEdocList`` lists by day of update, 31 days at most a call;
``getEdoc`` sends the edXML; neither changes anybody's queue. ``updateStatus`` does, for every
receiver that has the document: that is why the hub must never call it (facts 2.6).

Run it alone: it is one of the servers of ``python -m hub.sandbox``.

What does not belong here: messages (``documents``) and their XML (``edxml``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox import edxml
from hub.sandbox.documents import HUB_SYSTEM, Message
from hub.sandbox.province import Province

WINDOW_DAYS = 31
DESCRIPTIONS = {"initial": "Khởi tạo", "processing": "Đang xử lý", "done": "Đã nhận", "fail": "Lỗi"}


@dataclass(frozen=True, slots=True)
class Access:
    """What the axis accepts from the hub."""

    username: str
    password: str
    system_id: str
    secret_key: str


class Axis:
    """The axis's endpoints over a province."""

    def __init__(self, province: Province, access: Access, token_life: float = 1800) -> None:
        """Keep the credentials; the signing key lives as long as the process."""
        self._province = province
        self._access = access
        self._life = token_life
        self._key = secrets.token_bytes(32)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/auth/login", self.login, methods=["POST"]),
                Route("/v1/syncReceivedEdocList", self.listing),
                Route("/v1/getEdoc", self.document),
                Route("/v1/updateStatus", self.update, methods=["POST"]),
            ]
        )

    async def login(self, request: Request) -> Response:
        """Issue a token against user name and password."""
        body = await _json(request)
        given = (str(body.get("username")), str(body.get("password")))
        if given != (self._access.username, self._access.password):
            return _fail(401, "15", "Sai tên đăng nhập hoặc mật khẩu")
        token = self._token(time.time() + self._life)
        return JSONResponse(
            {
                "success": True,
                "errorCode": "0",
                "data": {"token": token, "expiresIn": int(self._life)},
            }
        )

    async def listing(self, request: Request) -> Response:
        """List messages updated in a window of days."""
        refused = self._refuse(request)
        if refused:
            return refused
        query = request.query_params
        try:
            first = datetime.strptime(query.get("fromDate", ""), "%Y/%m/%d")  # noqa: DTZ007 - Vietnam time
            last = datetime.strptime(query.get("toDate", ""), "%Y/%m/%d")  # noqa: DTZ007 - Vietnam time
        except ValueError:
            return _fail(200, "20", "fromDate, toDate phải có dạng yyyy/MM/dd")
        if (last - first).days >= WINDOW_DAYS or last < first:
            return _fail(200, "20", f"Khoảng thời gian tối đa {WINDOW_DAYS} ngày")
        low, high = f"{first:%Y/%m/%d}", f"{last:%Y/%m/%d} 24"
        kind = query.get("messageType", "edoc")
        found = [
            self._entry(message)
            for message in self._province.axis.messages
            if message.kind == kind and low <= message.updated < high
        ]
        return JSONResponse({"success": True, "errorCode": "0", "count": len(found), "data": found})

    async def document(self, request: Request) -> Response:
        """Send the edXML of a message."""
        refused = self._refuse(request)
        if refused:
            return refused
        message = self._province.axis.find(request.query_params.get("docId", ""))
        if message is None:
            return _fail(200, "10", "Không tìm thấy văn bản")
        return Response(edxml.write(message), media_type="application/xml")

    async def update(self, request: Request) -> Response:
        """Set a document's status in its receivers' queues: their business, not the hub's."""
        refused = self._refuse(request)
        if refused:
            return refused
        body = await _json(request)
        status = str(body.get("status"))
        if status not in DESCRIPTIONS:
            return _fail(200, "20", "Trạng thái không hợp lệ")
        if not self._province.axis.queue.update(str(body.get("docId", body.get("docid"))), status):
            return _fail(200, "10", "Không tìm thấy văn bản")
        return JSONResponse({"success": True, "errorCode": "0"})

    def _entry(self, message: Message) -> dict[str, str]:
        state = self._province.axis.queue.state(message)
        return {
            "serviceType": "eDoc",
            "createdTime": message.created,
            "updatedTime": message.updated,
            "messageType": message.kind,
            "docId": message.doc_id,
            "from": message.sender,
            "to": ";".join(message.receivers),
            "status": state,
            "statusDesc": DESCRIPTIONS[state],
        }

    def _refuse(self, request: Request) -> Response | None:
        """Check the token and the two system headers; return the refusal, if any."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._valid(token):
            body = {"success": False, "errorCode": "15", "licenseInfo": "invalid"}
            return JSONResponse(body | {"message": "Token không hợp lệ hoặc đã hết hạn"}, 401)
        given = (request.headers.get("x-systemid"), request.headers.get("x-secretkey"))
        if given != (self._access.system_id, self._access.secret_key):
            return _fail(401, "15", "Sai SystemId hoặc SecretKey")
        return None

    def _token(self, until: float) -> str:
        """Sign a JWT for the hub's system."""
        head = _pack({"alg": "HS256", "typ": "JWT"})
        body = _pack({"sub": HUB_SYSTEM, "exp": until})
        return f"{head}.{body}.{self._sign(f'{head}.{body}')}"

    def _sign(self, text: str) -> str:
        digest = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _valid(self, token: str) -> bool:
        text, _, signature = token.rpartition(".")
        if not text or not hmac.compare_digest(signature, self._sign(text)):
            return False
        payload = text.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"]) > time.time()


def _pack(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def _json(request: Request) -> dict[str, object]:
    """Read a JSON object from the body; anything else counts as an empty one."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _fail(status: int, code: str, text: str) -> Response:
    return JSONResponse({"success": False, "errorCode": code, "message": text}, status)
