"""Folders of documents: WebDAV and pages of links, by servers that lie; then parsers by fuzzing."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.folder_listing import Entry, http_date, links, multistatus, place_of
from sources.landing import LandedBatch, Position
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, in_turn

ROOT = "/kho/Văn bản"
DAY = datetime(2026, 10, 1, 8, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
MARKER = re.compile("(?i)index of")


def response(path: str, *, size: int | None = None, day: datetime | None = DAY) -> str:
    kind = "<d:resourcetype><d:collection/></d:resourcetype>" if size is None else (
        f"<d:resourcetype/><d:getcontentlength>{size}</d:getcontentlength>"
        '<d:getetag>"e1"</d:getetag><d:getcontenttype>text/csv</d:getcontenttype>'
    )  # fmt: skip
    when = "" if day is None else f"<d:getlastmodified>{format_datetime(day)}</d:getlastmodified>"
    return (
        f"<d:response><d:href>{escape(path)}</d:href><d:propstat><d:prop>{kind}{when}</d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )


def listing(*responses: str) -> Reply:
    body = (
        f'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{"".join(responses)}</d:multistatus>'
    )
    return Reply(body.encode(), 207, {"Content-Type": "application/xml"})


class Store:
    """A tree of folders behind PROPFIND and GET."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.files: dict[str, tuple[bytes, datetime | None]] = {
            "a.csv": (b"ten\nA\n", DAY),
            "năm 2026/b #1?.csv": (b"ten\nB\n", DAY.replace(hour=9)),
            "năm 2026/quý/c.csv": (b"ten\nC\n", None),
            "năm 2026/quý/ghi chú.txt": (b"x", DAY),
        }
        self.prefix = ""
        for path in {"", *self.folders}:
            server.routes[self.address(path, folder=True)] = self.propfind
        for path in self.files:
            server.routes[self.address(path)] = self.get

    @property
    def folders(self) -> set[str]:
        return {path.rsplit("/", depth)[0] for path in self.files for depth in (1, 2)
                if path.count("/") >= depth}  # fmt: skip

    def address(self, path: str, *, folder: bool = False) -> str:
        full = f"{ROOT}/{path}" if path else ROOT
        return quote(full) + ("/" if folder else "")

    def propfind(self, asked: Asked) -> Reply:
        assert (asked.method, asked.headers["Depth"]) == ("PROPFIND", "1")
        found = [response(self.prefix + asked.path)]
        for path in sorted(self.folders):
            address = self.address(path, folder=True)
            if address.rstrip("/").rsplit("/", 1)[0] + "/" == asked.path:
                found.append(response(self.prefix + address, day=None))
        for path, (body, day) in self.files.items():
            address = self.address(path)
            if address.rsplit("/", 1)[0] + "/" == asked.path:
                found.append(response(self.prefix + address, size=len(body), day=day))
        return listing(*found)

    def get(self, asked: Asked) -> Reply:
        path = next(path for path in self.files if self.address(path) == asked.path)
        return Reply(self.files[path][0], headers={"ETag": '"7"'})


@pytest.fixture
def store(server: FaultServer, puller: Puller) -> Store:
    puller.kind, puller.fetch = "webdav", {"path": ROOT}
    return Store(server)


def rows(batch: LandedBatch) -> list[dict[str, Any]]:
    return [json.loads(line) for line in landed_lines(batch)]


@pytest.mark.parametrize("prefix", ["", "http://may-trong.invalid:8080"])
def test_every_file_below_is_listed_with_its_facts(
    puller: Puller, store: Store, prefix: str
) -> None:
    store.prefix = prefix
    batch = puller()
    found = rows(batch)
    assert [row["path"] for row in found] == sorted(store.files)
    assert found[1] == {
        "path": "năm 2026/b #1?.csv", "name": "b #1?.csv", "size": 6,
        "modified": "2026-10-01T09:30:00", "etag": '"e1"', "media": "text/csv",
    }  # fmt: skip
    assert found[2]["modified"] is None
    assert (batch.manifest.rows, batch.manifest.claimed) == (4, 4)
    assert len(store.server.asked) == 3


def test_matching_files_are_downloaded_with_path_and_time(puller: Puller, store: Store) -> None:
    puller.fetch.update(match="năm*.csv", download="csv")
    batch = puller()
    assert [(batch.path / file.name).read_bytes() for file in batch.manifest.files] == [
        b"ten\nB\n", b"ten\nC\n",
    ]  # fmt: skip
    assert [file.note for file in batch.manifest.files] == [
        {"path": "năm 2026/b #1?.csv", "modified": "2026-10-01T09:30:00"},
        {"path": "năm 2026/quý/c.csv"},
    ]
    assert {file.etag for file in batch.manifest.files} == {'"7"'}
    assert len(store.server.asked) == 5
    assert {file.media for file in batch.manifest.files} == {"csv"}


def test_only_files_of_the_window_are_taken_and_those_without_time(
    puller: Puller, store: Store
) -> None:
    puller.dataset.update(mode="incremental", cursor="ngay")
    found = rows(puller(Position("truoc", "2026-10-01T09:00:00")))
    assert [row["name"] for row in found] == ["b #1?.csv", "c.csv"]
    assert store.server.asked
    until = datetime(2026, 10, 1, 9)  # noqa: DTZ001 - Vietnam time
    assert [row["name"] for row in rows(puller(until=until))] == ["a.csv", "c.csv", "ghi chú.txt"]


def test_a_file_that_changes_while_read_is_not_landed(puller: Puller, store: Store) -> None:
    puller.fetch.update(match="a.csv", download="csv")
    store.server.routes[store.address("a.csv")] = lambda _: Reply(b"ten\nA\nB\n")
    with pytest.raises(TransientError, match="says 6 bytes and 8 came") as caught:
        puller()
    assert "a.csv" in caught.value.where


def test_a_listing_that_fails_or_is_cut_is_asked_for_again(puller: Puller, store: Store) -> None:
    address = store.address("", folder=True)
    whole = store.propfind

    def cut(asked: Asked) -> Reply:
        return Reply(whole(asked).body[:-40], 207)

    store.server.routes[address] = in_turn(Reply(status=503), cut, whole)
    assert puller().manifest.rows == 4
    assert len(store.server.asked) == 5


@pytest.mark.parametrize("media", ["csv", "edxml"])
def test_a_login_page_is_no_file(puller: Puller, store: Store, media: str) -> None:
    puller.fetch.update(match="a.csv", download=media)
    store.server.routes[store.address("a.csv")] = lambda _: Reply(b"<html>dang nhap</html>")
    with pytest.raises(ProviderError, match="HTML page instead of"):
        puller()


def test_a_tree_without_end_is_left(puller: Puller, store: Store) -> None:
    puller.fetch["max_depth"] = 3

    class Endless(dict[str, Any]):
        def get(self, path: str, *_: object) -> Any:
            return lambda _: listing(response(path), response(f"{path}vong/"))

    store.server.routes = Endless()
    with pytest.raises(ProviderError, match="more than 3 deep"):
        puller()
    puller.fetch.update(max_depth=50, max_folders=10)
    with pytest.raises(ProviderError, match="11 folders or more"):
        puller()


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/etc/passwd", "does not lie in the folder"),
        (f"{ROOT}/x/y.csv", "does not lie in the folder"),
        (f"{ROOT}/../y.csv", "name that no file may have"),
        (f"{ROOT}/%2e%2e", "name that no file may have"),
        (f"{ROOT}/a%2Fb.csv", "name that no file may have"),
        (f"{ROOT}/a%00b.csv", "name that no file may have"),
        ("http://[", "address that is none"),
    ],
)
def test_an_entry_cannot_lead_out_of_its_folder(
    puller: Puller, store: Store, path: str, what: str
) -> None:
    root = store.address("", folder=True)
    store.server.routes[root] = lambda _: listing(response(root), response(path, size=1))
    with pytest.raises(ProviderError, match=what) as caught:
        puller()
    assert "folder kho/Văn bản/" in caught.value.where


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (listing(), "does not even hold the folder itself"),
        (Reply(b"<html>x</html>"), "HTML page"),
        (Reply(b"<rss/>"), "no WebDAV listing but <rss>"),
        (Reply(b"", 405), "HTTP 405"),
        (
            listing(response("/kho/V%C4%83n%20b%E1%BA%A3n/"),
                    response("/kho/V%C4%83n%20b%E1%BA%A3n/a", size=1).replace("200 OK", "403 No")),
            "does not say what it is",
        ),
    ],
)  # fmt: skip
def test_what_is_no_listing_is_named(puller: Puller, store: Store, reply: Reply, what: str) -> None:
    store.server.routes[store.address("", folder=True)] = lambda _: reply
    with pytest.raises(ProviderError, match=what):
        puller()


APACHE = """<!DOCTYPE HTML><html><head><title>Index of /kho</title></head><body>
<table><tr><th><a href="?C=N;O=D">Name</a></th></tr>
<tr><td><a href="/">Parent Directory</a></td><td>&nbsp;</td><td> - </td></tr>
<tr><td><a href="b%C3%A1o%20c%C3%A1o.csv">báo cáo.csv</a></td>
<td>2026-10-01 08:30  </td><td>1.2K</td></tr>
<tr><td><a href="c%C5%A9/">cũ/</a></td><td>2026-10-01 08:30  </td><td> - </td></tr>
<tr><td><a href="http://noi-khac.invalid/x.csv">x</a><a href="/icons/a.png">i</a></td></tr>
</table></body></html>"""
NGINX = """<html><head><title>Index of /kho/c/</title></head><body><h1>Index of</h1><hr><pre>
<a href="../">../</a>
<a href="d.csv">d.csv</a>                                   01-Oct-2026 09:30                6
<a href="e.csv">e.csv</a>                                   01-Oct-2026 09:30               1K
</pre></body></html>"""


@pytest.fixture
def pages(server: FaultServer, puller: Puller) -> FaultServer:
    puller.kind, puller.fetch = "webdav", {"path": "kho", "listing": "links"}
    server.routes["/kho/"] = lambda _: Reply(APACHE.encode())
    server.routes["/kho/c%C5%A9/"] = lambda _: Reply(NGINX.encode())
    return server


def test_pages_of_links_are_walked_as_folders(puller: Puller, pages: FaultServer) -> None:
    found = [(row["path"], row["size"], row["modified"]) for row in rows(puller())]
    assert found == [
        ("báo cáo.csv", None, "2026-10-01T08:30:00"),
        ("cũ/d.csv", 6, "2026-10-01T09:30:00"),
        ("cũ/e.csv", None, "2026-10-01T09:30:00"),
    ]
    assert len(pages.asked) == 2


def test_the_head_of_a_file_knows_more_than_the_page(puller: Puller, pages: FaultServer) -> None:
    puller.fetch.update(head=True, match="cũ/d*")
    heads = {"Last-Modified": format_datetime(DAY), "ETag": '"9"', "Content-Type": "text/csv"}
    pages.routes["/kho/c%C5%A9/d.csv"] = lambda _: Reply(b"123456", headers=heads)
    (row,) = rows(puller())
    assert (row["modified"], row["etag"], row["media"]) == (
        "2026-10-01T08:30:00",
        '"9"',
        "text/csv",
    )
    assert pages.asked[-1].method == "HEAD"


@pytest.mark.parametrize("body", [b"<html><a href='x.csv'>dang nhap</a>", b"xin chao", b"<a/>"])
def test_a_page_with_links_that_is_no_listing_is_no_empty_folder(
    puller: Puller, pages: FaultServer, body: bytes
) -> None:
    pages.routes["/kho/"] = lambda _: Reply(body)
    with pytest.raises(ProviderError, match="none of the words of a listing"):
        puller()


@pytest.mark.parametrize("fetch", [{"marker": "("}, {"download": "exe"}, {"max_depth": -1}])
def test_options_are_checked(puller: Puller, store: Store, fetch: dict[str, Any]) -> None:
    puller.fetch.update(fetch)
    with pytest.raises(ConfigurationError, match=r"fetch\."):
        puller()
    assert store.server.asked == []


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda name: name not in {".", ".."} and "/" not in name
)


@given(st.lists(NAMES, unique=True, max_size=5))
def test_every_name_comes_out_of_a_webdav_listing_as_it_is(names: list[str]) -> None:
    body = listing(
        response("/kho/"), *(response(f"/kho/{quote(name, safe='')}", size=1) for name in names)
    ).body
    assert [entry.place for entry in multistatus(body, ("kho",))] == [("kho", n) for n in names]


@given(st.binary() | st.text().map(lambda inside: listing(inside).body))
def test_any_bytes_are_a_webdav_listing_or_a_typed_error(body: bytes) -> None:
    with contextlib.suppress(HubError):
        assert multistatus(body, ("kho",)) is not None


HREFS = st.text(st.sampled_from("./?#%2eF:[]@ab\\&<>\"'\x00 ")) | st.text()


@given(st.lists(HREFS, max_size=5), st.text())
def test_no_link_leads_out_of_the_folder(hrefs: list[str], beside: str) -> None:
    inside = "".join(f"<a href='{escape(href)}'>x</a>{escape(beside)}\n" for href in hrefs)
    body = f"<html>Index of {inside}".encode("utf-8", "surrogatepass")
    found: list[Entry] = []
    with contextlib.suppress(HubError):
        found = links(body, "http://may/kho/", ("kho",), MARKER)
    for entry in found:
        assert entry.place[:-1] == ("kho",)
        assert entry.place[-1] not in {".", "..", ""}


@given(st.binary())
def test_any_bytes_are_a_page_of_links_or_a_typed_error(body: bytes) -> None:
    with contextlib.suppress(HubError):
        assert links(b"<html>index of" + body, "http://may/kho/", ("kho",), MARKER) is not None


@given(st.text())
def test_a_date_or_a_path_is_read_or_left(written: str) -> None:
    moment = http_date(written)
    assert moment is None or moment.tzinfo is None
    with contextlib.suppress(ProviderError):
        assert all(place_of(written))
