"""A file that has not changed is asked for and not sent; whatever is in doubt is fetched anew."""

from __future__ import annotations

import pytest

from hub.errors import ProviderError
from sources.landing import LandedBatch, Position
from tests.sources.conftest import Puller
from tests.sources.faults import Asked, FaultServer, Reply, as_json

BODY = b"ma,ten\n1,An\n"
PATH = "/tep/du%20lieu.csv"
STAMP = "Mon, 05 Oct 2026 08:00:00 GMT"


class Shelf:
    """A catalog with one CSV, as its server keeps it."""

    def __init__(self, server: FaultServer, **tags: str) -> None:
        self.body = BODY
        self.tags = tags
        self.sent = 0
        server.routes[PATH] = self.file
        server.routes["/api/3/action/package_show"] = lambda _: as_json(
            {"success": True, "result": {"resources": [
                {"format": "CSV", "url": f"{server.url}/tep/du lieu.csv"}
            ]}}
        )  # fmt: skip

    def file(self, asked: Asked) -> Reply:
        tag, stamp = self.tags.get("ETag"), self.tags.get("Last-Modified")
        same = (tag and asked.headers.get("If-None-Match") == tag) or (
            stamp and asked.headers.get("If-Modified-Since") == stamp
        )
        if same:
            return Reply(b"", 304, self.tags)
        self.sent += 1
        return Reply(self.body, 200, self.tags)


@pytest.fixture
def catalog(puller: Puller) -> Puller:
    puller.kind = "ckan"
    puller.fetch = {"package": "p", "resource": {"access": "file", "format": "CSV"}}
    return puller


def after(batch: LandedBatch) -> Position:
    return Position(batch=batch.manifest.batch)


@pytest.mark.parametrize("tags", [{"ETag": 'W/"7"'}, {"Last-Modified": STAMP}])
def test_an_unchanged_file_is_linked_not_sent(
    server: FaultServer, catalog: Puller, tags: dict[str, str]
) -> None:
    shelf = Shelf(server, **tags)
    first = catalog()
    second = catalog(after(first))
    assert shelf.sent == 1
    assert second.manifest.content_sha256 == first.manifest.content_sha256
    (old,), (new,) = first.manifest.files, second.manifest.files
    assert (second.path / new.name).samefile(first.path / old.name)
    # On the nights that follow there is nothing to write at all.
    third = catalog(after(first))
    assert third.path == second.path
    assert shelf.sent == 1


def test_a_changed_file_is_sent(server: FaultServer, catalog: Puller) -> None:
    shelf = Shelf(server, ETag='"1"')
    first = catalog()
    shelf.body, shelf.tags = BODY + b"2,Binh\n", {"ETag": '"2"'}
    second = catalog(after(first))
    assert (second.path / second.manifest.files[0].name).read_bytes() == shelf.body
    assert second.manifest.content_sha256 != first.manifest.content_sha256


def test_a_source_without_tags_is_asked_in_full(server: FaultServer, catalog: Puller) -> None:
    shelf = Shelf(server)
    catalog(after(catalog()))
    assert shelf.sent == 2


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_file_that_landing_no_longer_has_is_fetched_anew(
    server: FaultServer, catalog: Puller, harm: str
) -> None:
    shelf = Shelf(server, ETag='"1"')
    first = catalog()
    kept = first.path / first.manifest.files[0].name
    if harm == "gone":
        kept.unlink()
    else:
        kept.write_bytes(BODY.replace(b"An", b"Em"))
    second = catalog(after(first))
    assert shelf.sent == 2
    assert (second.path / second.manifest.files[0].name).read_bytes() == BODY


def test_not_modified_without_being_asked_is_the_sources_fault(
    server: FaultServer, catalog: Puller
) -> None:
    Shelf(server)
    server.routes[PATH] = lambda _: Reply(b"", 304)
    with pytest.raises(ProviderError, match="HTTP 304"):
        catalog()
