"""What CKAN's search asks of Solr, and no more: CKAN's own documents, kept and found again.

Solr is in none of the package indexes that tests may use, so behind the real CKAN of
``ckan_server`` stands this instead. Everything that the hub sees is CKAN's answer; only which of
its documents match, and in which order, is decided here.

Data flow: CKAN posts documents to ``update`` and deletes by query; ``select`` answers which of
them fit ``q`` and every ``fq``, sorted and cut. A query that is not understood is refused with
Solr's HTTP 400: an answer that is merely likely would prove nothing. A moment counts to the
millisecond, as in Solr. Changes are seen at once, as where CKAN commits each (its default).

Run it alone: it has no program of its own; ``with running() as (url, _)`` serves until the end.

What does not belong here: words, ranks, facets, and whatever else the hub never asks for.
"""

from __future__ import annotations

import contextlib
import html
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Document = dict[str, Any]
Test = Callable[[Document], bool]

_TOKEN = re.compile(
    r"""\s*(?: (?P<range>[\[{][^\]}]*[\]}]) | (?P<mark>[()+-])
    | (?P<field>\w+|\*) : | (?P<text>"(?:[^"\\]|\\.)*" | (?:[^\s()"\\:\[\]{}]|\\.)+) )""",
    re.VERBOSE,
)
_RANGE = re.compile(r"([\[{])\s*(\S+)\s+TO\s+([^\s\]}]+)\s*([\]}])")
_MOMENTS = ("metadata_modified", "metadata_created")


class Index:
    """The documents, by their ``index_id``."""

    def __init__(self) -> None:
        self.held: dict[str, Document] = {}
        self.down = False
        """Whether whoever asks is left without an answer."""

    def update(self, body: bytes) -> None:
        """Take documents, or delete those of a query."""
        if body.startswith(b"["):
            self.held |= {one["index_id"]: one for one in json.loads(body)}
        elif found := re.search(r"<query>(.*)</query>", body.decode(), re.DOTALL):
            fits = parsed(html.unescape(found[1]))
            self.held = {key: one for key, one in self.held.items() if not fits(one)}
        elif not body.startswith(b"<commit"):
            raise ValueError("neither documents nor a query to delete")

    def select(self, asked: dict[str, list[str]]) -> Document:
        """Answer a search."""
        tests = [parsed(text) for name in ("q", "fq") for text in asked.get(name, [])]
        found = [one for one in list(self.held.values()) if all(fits(one) for fits in tests)]
        for part in reversed(asked.get("sort", ["index_id asc"])[0].split(",")):
            field, direction = part.split()
            if field != "score":
                found.sort(key=lambda one: str(one.get(field)), reverse=direction == "desc")
        start, rows = (int(asked.get(name, ["0"])[0]) for name in ("start", "rows"))
        fields = asked.get("fl", ["*"])[0].replace(",", " ").split()
        shown = [
            {key: value for key, value in one.items() if key in fields or fields == ["*"]}
            for one in found[start : start + rows]
        ]
        return {"response": {"numFound": len(found), "start": start, "docs": shown}}


def parsed(query: str) -> Test:
    """Read a query; raises ``ValueError`` if it says more than is understood here."""
    tokens = list(_tokens(query))
    test, rest = _group(tokens, "")
    if rest:
        raise ValueError(f"not understood from {rest[0]} on")
    return test


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    place, query = 0, query.rstrip()
    while place < len(query):
        found = _TOKEN.match(query, place)
        if found is None or found.lastgroup is None:
            raise ValueError(f"not understood: {query[place:]}")
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


def _group(tokens: list[tuple[str, str]], field: str) -> tuple[Test, list[tuple[str, str]]]:
    """Read clauses up to a closing bracket: all of them must fit, or any if there is ``OR``."""
    tests: list[Test] = []
    words = set()
    while tokens and tokens[0] != ("mark", ")"):
        if tokens[0] in (("text", "AND"), ("text", "OR")):
            words.add(tokens[0][1])
            tokens = tokens[1:]
            continue
        test, tokens = _clause(tokens, field)
        tests.append(test)
    if not tests or len(words) > 1:
        raise ValueError("nothing asked for, or AND and OR side by side")
    quantor = any if "OR" in words else all
    return (lambda one: quantor(test(one) for test in tests)), tokens


def _clause(tokens: list[tuple[str, str]], field: str) -> tuple[Test, list[tuple[str, str]]]:
    """Read one condition."""
    (kind, text), rest = tokens[0], tokens[1:]
    if (kind, text) == ("mark", "("):
        test, rest = _group(rest, field)
        if not rest:
            raise ValueError("a bracket stays open")
        return test, rest[1:]
    if kind == "mark" and text in "+-" and rest:
        test, rest = _clause(rest, field)
        return (test if text == "+" else lambda one: not test(one)), rest
    if kind == "field" and not field and rest:
        return _clause(rest, text)
    return _condition(kind, text, field), rest


def _condition(kind: str, text: str, field: str) -> Test:
    """Read what a field must be."""
    if kind == "range" and field in _MOMENTS:
        return _between(field, text)
    if kind == "text" and field == text == "*":
        return lambda _: True
    if kind == "text" and field and "*" not in text:
        wanted = re.sub(r"\\(.)", r"\1", text.strip('"'))
        return lambda one: wanted in _values(one, field)
    raise ValueError(f"not understood: {field}:{text}")


def _values(document: Document, field: str) -> list[str]:
    value = document.get(field)
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def _between(field: str, text: str) -> Test:
    """Read a range of moments; a brace leaves its end out."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"no range: {text}")
    first, last = (None if end == "*" else _moment(end) for end in (found[2], found[3]))

    def test(document: Document) -> bool:
        moment = _moment(document[field])
        late = first is None or (moment > first if found[1] == "{" else moment >= first)
        early = last is None or (moment < last if found[4] == "}" else moment <= last)
        return late and early

    return test


def _moment(text: str) -> datetime:
    if not text.endswith("Z"):
        raise ValueError(f"no moment of Solr's: {text}")
    read = datetime.fromisoformat(text)
    return read.replace(microsecond=read.microsecond // 1000 * 1000)


class _Handler(BaseHTTPRequestHandler):
    index: Index

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path.endswith("/schema"):
            self._say(200, b'<schema name="ckan-2.12"/>')
        else:
            self._answer(lambda: self.index.select(parse_qs(place.query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "/select" in self.path:
            self._answer(lambda: self.index.select(parse_qs(body.decode())))
        else:
            self._answer(lambda: self.index.update(body))

    def _answer(self, make: Callable[[], Document | None]) -> None:
        if self.index.down:
            return
        try:
            self._say(200, json.dumps(make() or {}).encode())
        except ValueError as error:
            refused = {"error": {"code": 400, "msg": f"stand-in: {error}"}}
            self._say(400, json.dumps(refused).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running() -> Iterator[tuple[str, Index]]:
    """Serve an empty index, and yield the address of its core."""
    index = Index()
    handler = type("Handler", (_Handler,), {"index": index})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/solr/ckan", index
        finally:
            server.shutdown()
