"""What can go wrong with a system: it is down, it stalls, it is slow, it answers nonsense.

Data flow: each system's application is wrapped in a :class:`Front`, which counts requests and, as
the control server says, misbehaves before the application sees the request. ``down`` works below
HTTP: the connection is cut as soon as it is made (:func:`protocol`).

Run it alone: it is part of ``python -m hub.sandbox``.

What does not belong here: failures of a single record (``dirt``).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

MODES = (
    "none",
    "down",  # the connection is cut
    "stall",  # accepted, never answered, until the client leaves
    "slow",  # answered after some seconds
    "html",  # 200 with a web page
    "unauthorized",  # 401
    "unavailable",  # 502 with a web page, as a gateway answers
    "error",  # 200 with an error code inside
    "empty",  # 200, well-formed, nothing in it
    "truncated",  # the body ends halfway
)
STALL_LIMIT = 600
"""Seconds; no test waits so long."""
PAGE = (
    "<!DOCTYPE html><html><head><title>Bảo trì hệ thống</title></head>"
    "<body>Hệ thống đang bảo trì</body></html>"
)
ERRORS: dict[str, object] = {
    "lao_cai/dich_vu_cong": {
        "error_code": "-99",
        "error_message": "Lỗi",
        "total": "0",
        "result": [],
    },
    "yen_bai/van_ban": {"success": False, "errorCode": "20", "message": "Lỗi hệ thống"},
    "tuyen_quang/du_lieu_dung_chung": {
        "success": False,
        "error": {"__type": "Internal Server Error", "message": "Lỗi hệ thống"},
    },
}
EMPTIES: dict[str, object] = {
    "lao_cai/dich_vu_cong": {"error_code": "00", "error_message": "", "total": "0", "result": []},
    "yen_bai/van_ban": {"success": True, "errorCode": "0", "count": 0, "data": []},
    "tuyen_quang/du_lieu_dung_chung": {
        "success": True,
        "result": {"count": 0, "results": [], "resources": [], "records": [], "total": 0},
    },
}


class Front:
    """A system's application, counted, and spoilt on demand."""

    def __init__(self, system: str, app: ASGIApp) -> None:
        """Begin in good order."""
        self.system = system
        self.counts: Counter[str] = Counter()
        self._app = app
        self._mode = "none"
        self._path = ""
        self._seconds = 0.0
        self._stopping = False

    def set(self, mode: str, *, path: str = "", seconds: float = 2.0) -> None:
        """Misbehave in this way, on paths that begin so."""
        self._mode = mode
        self._path = path
        self._seconds = seconds

    def stop(self) -> None:
        """Let those that stall go: the sandbox ends."""
        self._stopping = True

    @property
    def down(self) -> bool:
        """Whether every connection is to be cut."""
        return self._mode == "down"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a request, then misbehave or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.counts[f"{scope['method']} {scope['path']}"] += 1
        mode = self._mode if scope["path"].startswith(self._path) else "none"
        if mode == "stall":
            if await self._stall(receive):
                return
            mode = "unavailable"
        if mode == "slow":
            await asyncio.sleep(self._seconds)
        answers = {
            "html": (200, "text/html; charset=utf-8", PAGE),
            "unavailable": (502, "text/html; charset=utf-8", PAGE),
            "unauthorized": (401, "application/json", '{"error":"unauthorized"}'),
            "error": (200, "application/json", json.dumps(ERRORS.get(self.system))),
            "empty": (200, "application/json", json.dumps(EMPTIES.get(self.system))),
        }
        if mode in answers:
            await _answer(send, *answers[mode])
        else:
            await self._app(scope, receive, _half(send) if mode == "truncated" else send)

    async def _stall(self, receive: Receive) -> bool:
        """Wait until the client leaves and return True; False if the sandbox gives up first."""
        for _ in range(STALL_LIMIT * 5):
            if self._stopping:
                return False
            try:
                async with asyncio.timeout(0.2):
                    if (await receive())["type"] == "http.disconnect":
                        return True
            except TimeoutError:
                continue
        return False


async def _answer(send: Send, status: int, kind: str, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _half(send: Send) -> Send:
    """Send only half of each body: the length announced then never comes."""

    async def cut(message: Any) -> None:  # noqa: ANN401 - ASGI messages are open dictionaries
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": False}
        await send(message)

    return cut


def protocol(front: Front) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP protocol, but cutting connections while the front is down."""
    base: Any = AutoHTTPProtocol

    class Cut(base):  # type: ignore[misc]
        """HTTP, unless down."""

        def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as in the base class
            """Cut a new connection."""
            super().connection_made(transport)
            if front.down:
                transport.abort()

        def data_received(self, data: bytes) -> None:
            """Cut a connection that was open before."""
            if front.down:
                self.transport.abort()
            else:
                super().data_received(data)

    return Cut
