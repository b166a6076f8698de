"""An OAI-PMH repository that no one here wrote: the server of ``oaipmh`` (BSD), over a JSON file.

Data flow: ``records.json`` of a folder, read for each request -> ``oaipmh.server`` -> pages of
:data:`PAGE` records with resumption tokens, by sets of time, tombstones included.

Run it alone: ``python -m tests.sources.real_servers oaipmh FOLDER`` prints the port.

What does not belong here: the records; each test writes its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from oaipmh.common import Header, Identify, Metadata
from oaipmh.metadata import MetadataRegistry
from oaipmh.server import BatchingServer, oai_dc_writer

PAGE = 20
_FIRST = datetime(2026, 1, 1)  # noqa: DTZ001 - the library's times have no zone; they are UTC


class _Repository:
    """What the library asks for records."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def identify(self) -> Any:
        return Identify(
            "Kho thử", "http://127.0.0.1/oai", "2.0", ["kho@example.com"], _FIRST, "persistent",
            "YYYY-MM-DDThh:mm:ssZ", ["identity"],
        )  # fmt: skip

    def listRecords(  # noqa: N802, PLR0917 - the library's name and arguments
        self,
        metadataPrefix: str,  # noqa: N803 - as above
        set: str | None = None,  # noqa: A002 - as above
        from_: datetime | None = None,
        until: datetime | None = None,
        cursor: int = 0,
        batch_size: int = PAGE,
    ) -> list[Any]:
        del metadataPrefix, set
        found = [
            one
            for one in self._all()
            if (from_ is None or one[0].datestamp() >= from_)
            and (until is None or one[0].datestamp() <= until)
        ]
        return found[cursor : cursor + batch_size]

    def _all(self) -> Iterator[Any]:
        for row in json.loads(self._file.read_text(encoding="utf-8")):
            stamp = datetime.strptime(row["luc"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - UTC
            header = Header(None, row["ma"], stamp, ["sach"], row["xoa"])
            yield header, Metadata(None, {"title": [row["ten"]]}), None


def oaipmh(folder: Path) -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application."""
    registry = MetadataRegistry()
    registry.registerWriter("oai_dc", oai_dc_writer)
    server = BatchingServer(_Repository(folder / "records.json"), registry, None, PAGE)
    front = Flask(__name__)

    @front.get("/oai")
    def answer() -> Response:
        return Response(server.handleRequest(dict(request.args)), content_type="text/xml")

    served: Callable[..., Iterable[bytes]] = front
    return served
