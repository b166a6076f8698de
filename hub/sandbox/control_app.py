"""The control server: truth, days, faults, counts. Only tests and ``hub sandbox`` speak to it.

Data flow: ``GET /truth`` and ``/truth/rows/<province>/<system>/<dataset>`` from ``truth``;
``POST /day {"day": N}`` and ``POST /withdraw {"count": N}`` to ``province``;
``POST /fault {"system", "mode", "path"?, "seconds"?}`` to ``faults``;
``GET /requests`` (``DELETE`` sets the counts to nothing); ``GET /queue``.

Run it alone: it is one of the servers of ``python -m hub.sandbox``.

What does not belong here: anything a real system offers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from hub.sandbox import truth
from hub.sandbox.faults import MODES, Front
from hub.sandbox.province import Province
from hub.sandbox.shapes import SHAPES


class Control:
    """The control endpoints over a province and its systems' fronts."""

    def __init__(self, province: Province, fronts: Mapping[str, Front]) -> None:
        """Keep what is to be controlled."""
        self._province = province
        self._fronts = fronts

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/truth", self.truth),
                Route("/truth/rows/{dataset:path}", self.rows),
                Route("/day", self.day, methods=["POST"]),
                Route("/withdraw", self.withdraw, methods=["POST"]),
                Route("/fault", self.fault, methods=["POST"]),
                Route("/requests", self.requests, methods=["GET", "DELETE"]),
                Route("/queue", self.queue),
            ]
        )

    async def truth(self, _: Request) -> Response:
        """Answer the whole truth but the rows."""
        return JSONResponse(truth.report(self._province))

    async def rows(self, request: Request) -> Response:
        """Stream the loadable rows of a dataset as NDJSON."""
        dataset = request.path_params["dataset"]
        if dataset not in SHAPES:
            return _wrong(f"no such dataset: {dataset}", 404)
        return StreamingResponse(self._lines(dataset), media_type="application/x-ndjson")

    def _lines(self, dataset: str) -> Iterator[bytes]:
        """Write rows in chunks, so that 200,000 do not pass the loop one at a time."""
        chunk: list[bytes] = []
        for row in truth.rows(self._province, dataset):
            chunk.append(msgspec.json.encode(row) + b"\n")
            if len(chunk) == 2_000:
                yield b"".join(chunk)
                chunk = []
        yield b"".join(chunk)

    async def day(self, request: Request) -> Response:
        """Move the province to a day."""
        body = await _object(request)
        day = body.get("day")
        if not isinstance(day, int) or day < 0:
            return _wrong("day: a whole number from 0 on", 400)
        self._province.move(day)
        return JSONResponse({"day": self._province.day})

    async def withdraw(self, request: Request) -> Response:
        """Delete dossiers without notice."""
        count = (await _object(request)).get("count")
        if not isinstance(count, int) or count < 0:
            return _wrong("count: a whole number from 0 on", 400)
        return JSONResponse({"numbers": self._province.withdraw(count)})

    async def fault(self, request: Request) -> Response:
        """Make a system misbehave, or behave again."""
        body = await _object(request)
        system, mode = str(body.get("system")), str(body.get("mode"))
        if system not in self._fronts or mode not in MODES:
            known = f"systems {', '.join(self._fronts)}; modes {', '.join(MODES)}"
            return _wrong(f"unknown system or mode; {known}", 400)
        seconds = body.get("seconds", 2)
        self._fronts[system].set(
            mode,
            path=str(body.get("path") or ""),
            seconds=float(seconds) if isinstance(seconds, int | float) else 2.0,
        )
        return JSONResponse({"system": system, "mode": mode})

    async def requests(self, request: Request) -> Response:
        """Answer how often each system was asked what."""
        if request.method == "DELETE":
            for front in self._fronts.values():
                front.counts.clear()
        return JSONResponse({name: dict(front.counts) for name, front in self._fronts.items()})

    async def queue(self, _: Request) -> Response:
        """Answer the state of every consumer's document queue."""
        return JSONResponse(self._province.axis.queue.states)


async def _object(request: Request) -> dict[str, object]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _wrong(text: str, status: int) -> Response:
    return JSONResponse({"error": text}, status)
