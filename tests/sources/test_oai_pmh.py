"""OAI-PMH: a repository of the test with tokens that end, expire, circle; and whatever XML."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.landing import Position
from sources.oai_record import OaiError, listed
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, in_turn

START = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-10-01T00:00:00Z</responseDate>"
)
DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
)


def answer(inside: str) -> Reply:
    return Reply(f"{START}{inside}</OAI-PMH>".encode(), headers={"Content-Type": "text/xml"})


def refusal(code: str, sentence: str = "") -> Reply:
    return answer(f'<error code="{code}">{sentence}</error>')


def record(number: int, day: str, *, deleted: bool = False, fields: str | None = None) -> str:
    status = ' status="deleted"' if deleted else ""
    header = (
        f"<header{status}><identifier>oai:thu:{number}</identifier><datestamp>{day}</datestamp>"
        "<setSpec>sach</setSpec><setSpec>dia_chi</setSpec></header>"
    )
    if fields is None:
        fields = f"<dc:title>Địa chí {number}</dc:title>"
    metadata = "" if deleted else f"<metadata>{DC}{fields}</oai_dc:dc></metadata>"
    return f"<record>{header}{metadata}</record>"


def page(records: list[str], token: str | None = None, size: int | None = None) -> Reply:
    given_size = "" if size is None else f' completeListSize="{size}"'
    ending = "" if token is None else f"<resumptionToken{given_size}>{token}</resumptionToken>"
    return answer(f"<ListRecords>{''.join(records)}{ending}</ListRecords>")


class Repository:
    """Lists records by their day, two a page."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.held = {number: f"2026-10-{number:02}" for number in range(1, 6)}
        self.deleted = {4}
        self.grain = "YYYY-MM-DD"
        self.size: Callable[[int], int] = lambda total: total
        server.routes["/oai"] = self.oai

    def oai(self, asked: Asked) -> Reply:
        params = asked.params
        if params["verb"] == "Identify":
            return answer(f"<Identify><granularity>{self.grain}</granularity></Identify>")
        if params["verb"] != "ListRecords":
            return refusal("badVerb")
        since, until, start = params.get("from", ""), params.get("until", "9"), 0
        if "resumptionToken" in params:
            assert set(params) == {"verb", "resumptionToken"}
            since, until, place = params["resumptionToken"].split("|")
            start = int(place)
        else:
            assert params["metadataPrefix"] == "oai_dc"
        found = [number for number, day in self.held.items() if since <= day <= until]
        if not found:
            return refusal("noRecordsMatch", "không có")
        end = start + 2
        token = f"{since}|{until}|{end}" if end < len(found) else ""
        listing = [
            record(number, self.held[number], deleted=number in self.deleted)
            for number in found[start:end]
        ]
        return page(listing, token, self.size(len(found)))


@pytest.fixture
def repository(server: FaultServer, puller: Puller) -> Repository:
    puller.kind, puller.fetch = "oai_pmh", {"path": "/oai"}
    return Repository(server)


def identifiers(puller: Puller, *args: Any, **kwargs: Any) -> list[str]:
    rows = [json.loads(line) for line in landed_lines(puller(*args, **kwargs))]
    return [row["identifier"].rpartition(":")[2] for row in rows]


def test_all_records_come_and_deleted_ones_stay_visible(
    puller: Puller, repository: Repository
) -> None:
    batch = puller()
    rows = [json.loads(line) for line in landed_lines(batch)]
    assert [row["status"] for row in rows] == ["active"] * 3 + ["deleted", "active"]
    assert rows[0] == {
        "identifier": "oai:thu:1", "datestamp": "2026-10-01", "status": "active",
        "setSpec": "sach; dia_chi", "title": "Địa chí 1",
    }  # fmt: skip
    assert "title" not in rows[3]
    assert (batch.manifest.rows, batch.manifest.claimed) == (5, 5)
    assert len(repository.server.asked) == 3


@pytest.mark.parametrize(
    ("separator", "subject", "title"),
    [("; ", "đất; nước", ""), (None, ["đất", "", "nước"], [""])],
)
def test_repeated_fields_keep_every_value(
    puller: Puller, repository: Repository, separator: str | None, subject: object, title: object
) -> None:
    puller.fetch["separator"] = separator
    fields = (
        "<dc:subject> đất\n</dc:subject><dc:subject/><dc:subject>nước</dc:subject><dc:title/>"
        "<dc:identifier>http://x</dc:identifier>"
        "<dc:description>a<b>c</b>d<!-- e --></dc:description>"
    )
    repository.server.routes["/oai"] = lambda _: page([record(1, "2026-10-01", fields=fields)])
    row = json.loads(landed_lines(puller())[0])
    assert (row["subject"], row["title"]) == (subject, title)
    assert row["identifier"] == "oai:thu:1"
    assert row["dc_identifier"] in ("http://x", ["http://x"])
    assert row["description"] in ("acd", ["acd"])


@pytest.mark.parametrize(
    ("grain", "since", "until"),
    [
        ("YYYY-MM-DD", "2026-10-02", "2026-10-04"),
        ("YYYY-MM-DDThh:mm:ssZ", "2026-10-02T23:30:00Z", "2026-10-04T17:00:00Z"),
    ],
)
def test_a_window_is_asked_for_in_the_repositorys_grain(
    puller: Puller, repository: Repository, grain: str, since: str, until: str
) -> None:
    puller.dataset.update(mode="incremental", cursor="ngay", overlap_minutes=60)
    repository.grain = grain
    assert identifiers(puller, Position("truoc", "2026-10-03T07:30:00"))[-1] == "5"
    assert repository.server.asked[1].params["from"] == since
    window = {"since": datetime(2026, 10, 3, 6, 30), "until": datetime(2026, 10, 5)}  # noqa: DTZ001 - Vietnam time
    assert identifiers(puller, **window)
    asked = [one.params["until"] for one in repository.server.asked if "until" in one.params]
    assert asked == [until]


def test_nothing_new_is_an_empty_batch(puller: Puller, repository: Repository) -> None:
    puller.dataset.update(mode="incremental", cursor="ngay")
    batch = puller(Position("truoc", "2026-11-03T07:30:00"))
    assert (batch.manifest.rows, batch.manifest.claimed) == (0, 0)
    assert repository.server.asked[-1].params["from"] == "2026-11-03"


def test_a_token_that_expired_makes_the_list_be_read_anew_once(
    puller: Puller, repository: Repository
) -> None:
    first_time = True

    def oai(asked: Asked) -> Reply:
        nonlocal first_time
        if first_time and asked.params.get("resumptionToken", "").endswith("|4"):
            first_time = False
            return refusal("badResumptionToken")
        return repository.oai(asked)

    repository.server.routes["/oai"] = oai
    batch = puller()
    assert (batch.manifest.rows, len(batch.manifest.files)) == (5, 3)
    repository.server.routes["/oai"] = repository.oai
    assert puller().id == batch.id


def test_tokens_that_always_expire_are_an_error(puller: Puller, repository: Repository) -> None:
    repository.server.routes["/oai"] = lambda asked: (
        refusal("badResumptionToken")
        if "resumptionToken" in asked.params
        else repository.oai(asked)
    )
    with pytest.raises(ProviderError, match="forgets its resumption tokens"):
        puller()
    assert len(repository.server.asked) == 4
    assert puller.left == []


def test_tokens_in_a_circle_are_caught(puller: Puller, repository: Repository) -> None:
    repository.server.routes["/oai"] = lambda _: page(
        [record(len(repository.server.asked), "2026-10-01")],
        f"t{len(repository.server.asked) % 3}",
    )
    with pytest.raises(ProviderError, match="in a circle") as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu page 4"


def test_a_repository_that_ignores_its_tokens_is_caught(
    puller: Puller, repository: Repository
) -> None:
    repository.server.routes["/oai"] = lambda _: page(
        [record(1, "2026-10-01")], f"t{len(repository.server.asked)}"
    )
    with pytest.raises(ProviderError, match="repeats itself"):
        puller()


def test_endless_new_pages_end_at_the_cap(puller: Puller, repository: Repository) -> None:
    puller.fetch["max_pages"] = 3
    repository.server.routes["/oai"] = lambda _: page(
        [record(len(repository.server.asked), "2026-10-01")], f"t{len(repository.server.asked)}"
    )
    with pytest.raises(ProviderError, match="more than 3 pages"):
        puller()
    assert len(repository.server.asked) == 3


def test_a_size_that_does_not_add_up_lands_nothing_unless_it_is_an_estimate(
    puller: Puller, repository: Repository
) -> None:
    repository.size = lambda total: total + 1
    with pytest.raises(ProviderError, match="6 rows and sent 5"):
        puller()
    puller.fetch["exact_size"] = False
    assert puller().manifest.claimed is None


def test_a_list_that_shrinks_while_read_is_not_believed(
    puller: Puller, repository: Repository
) -> None:
    repository.size = lambda total: total - len(repository.server.asked) + 1
    with pytest.raises(TransientError, match="shrank from 5 to 3"):
        puller()


@pytest.mark.parametrize(
    ("reply", "kind", "what"),
    [
        (refusal("cannotDisseminateFormat", "chỉ oai_dc"), ConfigurationError, "chỉ oai_dc"),
        (refusal("noSetHierarchy"), ConfigurationError, "noSetHierarchy"),
        (refusal("badVerb"), ProviderError, "badVerb"),
        (refusal("badResumptionToken"), ProviderError, "badResumptionToken"),
        (answer(""), ProviderError, "neither ListRecords nor an error"),
        (Reply(b"<rss/>"), ProviderError, "no answer of an OAI-PMH repository but <rss>"),
        (Reply(b"<html><title>Dang nhap</title>"), ProviderError, "HTML page"),
        (Reply(b"{}"), ProviderError, "something else instead of XML"),
        (answer("<ListRecords><record/></ListRecords>"), ProviderError, "record 1 .* identifier"),
        (Reply(b"<a><b></a>"), ProviderError, r"XML is damaged \(line 1\)"),
        (Reply(b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"), ProviderError, "document type"),
    ],
)
def test_an_answer_that_is_no_list_is_named(
    puller: Puller, repository: Repository, reply: Reply, kind: type[HubError], what: str
) -> None:
    repository.server.routes["/oai"] = lambda _: reply
    with pytest.raises(kind, match=what) as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu page 1"
    assert len(repository.server.asked) == 1


def test_xml_cut_in_the_middle_is_asked_for_again(puller: Puller, repository: Repository) -> None:
    whole = page([record(1, "2026-10-01")])
    cut = Reply(whole.body[:-30])
    repository.server.routes["/oai"] = in_turn(cut, Reply(b" "), whole)
    assert puller().manifest.rows == 1


def test_entities_are_neither_expanded_nor_fetched(puller: Puller, repository: Repository) -> None:
    bomb = (
        b'<!DOCTYPE OAI-PMH [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">'
        b'<!ENTITY c SYSTEM "file:///etc/passwd">]>'
    )
    repository.server.routes["/oai"] = lambda _: Reply(
        bomb + START.partition("\n")[2].encode() + b"<x>&b;&c;</x></OAI-PMH>"
    )
    with pytest.raises(ProviderError) as caught:
        puller()
    assert "root:" not in str(caught.value)


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


@given(st.lists(st.lists(TEXTS, max_size=3), max_size=4))
def test_whatever_stands_in_fields_comes_out_as_it_is(values: list[list[str]]) -> None:
    records = [
        record(
            number,
            "2026-10-01",
            fields="".join(f"<dc:subject>{escape(value)}</dc:subject>" for value in subjects),
        )
        for number, subjects in enumerate(values)
    ]
    found = [json.loads(row) for row in listed(page(records).body, None).records]
    assert [row.get("subject", []) for row in found] == [
        [value.strip() for value in subjects] for subjects in values
    ]


@given(st.binary() | st.text().map(lambda inside: answer(inside).body))
def test_any_bytes_are_a_page_or_a_typed_error(body: bytes) -> None:
    with contextlib.suppress(HubError, OaiError):
        assert listed(body, "; ").records is not None


@given(st.data())
def test_a_page_with_a_changed_byte_is_a_page_or_a_typed_error(data: st.DataObject) -> None:
    body = bytearray(page([record(1, "2026-10-01"), record(2, "x", deleted=True)], "t", 2).body)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(HubError, OaiError):
        assert len(listed(bytes(body), None).records) <= 2
