"""Lào Cai's public-service portal over HTTP: a token of short life, then pages of records.

Data flow: ``POST /token`` (WSO2 style, facts 4) -> ``GET /api/v1/hoso`` and ``/api/v1/thutuc``. All
values are strings, success is ``error_code`` "00" in an answer 200, and so is failure with another
code (facts 0.11, 3.1). A page is a join of bytes made once: 5,000 dossiers cost a few ms.

Run it alone: it is one of the servers of ``python -m hub.sandbox``.

What does not belong here: what dossiers are (``dossiers``).
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox.dossiers import encode
from hub.sandbox.province import Province
from hub.sandbox.shapes import PROCEDURES

Cut = Callable[[int, int], list[bytes]]
"""Records from one place to another, encoded."""

PAGE_CAP = 10_000
ZIP_FROM, ZIP_TO = 1_000, 300_000
"""Sizes between which an answer is zipped: a big page would cost more than it saves on loopback."""


@dataclass(slots=True)
class Tokens:
    """Tokens issued, each with the moment it dies."""

    life: float
    alive: dict[str, float] = field(default_factory=dict)

    def issue(self) -> str:
        """Make a token."""
        token = secrets.token_urlsafe(24)
        self.alive[token] = time.monotonic() + self.life
        return token

    def knows(self, header: str) -> bool:
        """Check an ``Authorization`` header."""
        scheme, _, token = header.partition(" ")
        return scheme.lower() == "bearer" and self.alive.get(token, 0.0) > time.monotonic()


class Portal:
    """The portal's endpoints over a province."""

    def __init__(self, province: Province, client_id: str, secret: str, token_life: float) -> None:
        """Keep the credentials that the portal accepts."""
        self._province = province
        self._credentials = (client_id, secret)
        self.tokens = Tokens(token_life)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/token", self.token, methods=["POST"]),
                Route("/api/v1/hoso", self.dossiers),
                Route("/api/v1/thutuc", self.procedures),
            ]
        )

    async def token(self, request: Request) -> Response:
        """Issue a token against the client's id and secret."""
        if _basic(request.headers.get("authorization", "")) != self._credentials:
            return _refuse(401, "invalid_client", "Client Authentication failed.")
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if form.get("grant_type") != ["client_credentials"]:
            return _refuse(400, "unsupported_grant_type", "Unsupported grant_type value")
        return JSONResponse(
            {
                "access_token": self.tokens.issue(),
                "token_type": "Bearer",
                "expires_in": f"{self.tokens.life:g}",
            }
        )

    async def dossiers(self, request: Request) -> Response:
        """Answer a page of dossiers, by update time."""
        query = request.query_params
        since, until = query.get("tuNgay", ""), query.get("denNgay", "")
        if any(text and not (text.isdigit() and len(text) == 14) for text in (since, until)):
            return _trouble("-2", "Tham số ngày phải có dạng yyyyMMddHHmmss")
        book = self._province.book
        low, high = book.window(since, until)
        return self._page(
            request, high - low, lambda a, b: [e[3] for e in book.entries[low + a : low + b]]
        )

    async def procedures(self, request: Request) -> Response:
        """Answer a page of procedures."""
        rows = self._province.tables[PROCEDURES.name].rows
        return self._page(request, len(rows), lambda a, b: [encode(row.cells) for row in rows[a:b]])

    def _page(self, request: Request, total: int, cut: Cut) -> Response:
        if not self.tokens.knows(request.headers.get("authorization", "")):
            return JSONResponse(
                {"error_code": "401", "error_message": "Token không hợp lệ hoặc đã hết hạn"},
                401,
                {"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        try:
            page = int(request.query_params.get("page", "1"))
            size = int(request.query_params.get("pageSize", "100"))
        except ValueError:
            return _trouble("-1", "Tham số page, pageSize phải là số")
        if page < 1 or size < 1:
            return _trouble("-1", "Tham số page, pageSize phải lớn hơn 0")
        size = min(size, PAGE_CAP)
        # An answer's low end may lie past the end: the portal then sends an empty result.
        low, high = min((page - 1) * size, total), min(page * size, total)
        head = encode(
            {
                "error_code": "00",
                "error_message": "",
                "total": str(total),
                "page": str(page),
                "pageSize": str(size),
            }
        )
        body = b"".join((head[:-1], b',"result":[', b",".join(cut(low, high)), b"]}"))
        return _send(request, body)


def _send(request: Request, body: bytes) -> Response:
    """Send JSON, zipped if the client takes it and it costs next to nothing."""
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", "") and ZIP_FROM < len(body) < ZIP_TO:
        body = gzip.compress(body, 1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type="application/json; charset=utf-8")


def _trouble(code: str, text: str) -> Response:
    """Say in an answer 200 that it went wrong, as such portals do."""
    body = {"error_code": code, "error_message": text, "total": "0", "result": []}
    return Response(json.dumps(body, ensure_ascii=False), media_type="application/json")


def _refuse(status: int, error: str, text: str) -> Response:
    return JSONResponse({"error": error, "error_description": text}, status)


def _basic(header: str) -> tuple[str, str] | None:
    """Read the id and secret of a Basic header."""
    scheme, _, value = header.partition(" ")
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, secret = text.partition(":")
    return (name, secret) if scheme.lower() == "basic" and colon else None
