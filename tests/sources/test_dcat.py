"""DCAT catalogs: one catalog in four notations is the same rows; nothing is fetched behind it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from hub.errors import ConfigurationError, ProviderError, TransientError
from tests.sources.catalogs import DATA_JSON, DOCUMENTS, EXPECTED, LINKED, PREFIXES, TURTLE
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply

Json = dict[str, Any]
RDF_FORMATS = ["json_ld", "turtle", "rdf_xml"]


@pytest.fixture
def catalog(puller: Puller) -> Puller:
    puller.kind = "dcat"
    puller.fetch = {"path": "/catalog", "format": "turtle"}
    return puller


def serve(catalog: Puller, body: bytes | str | Json, form: str = "turtle") -> None:
    if isinstance(body, dict):
        body = json.dumps(body, ensure_ascii=False)
    data = body.encode() if isinstance(body, str) else body
    catalog.fetch["format"] = form
    catalog.server.routes["/catalog"] = lambda _: Reply(data)


def landed(catalog: Puller) -> list[Json]:
    return [json.loads(line) for line in landed_lines(catalog())]


@pytest.mark.parametrize("form", DOCUMENTS)
def test_four_notations_give_the_same_rows(catalog: Puller, form: str) -> None:
    serve(catalog, DOCUMENTS[form], form)
    rows = landed(catalog)
    raw = [row.pop("dataset", None) for row in rows]
    assert rows == EXPECTED
    assert raw == (DATA_JSON["dataset"] if form == "dcat_us" else [None, None])


@pytest.mark.parametrize("form", RDF_FORMATS)
def test_the_same_catalog_has_the_same_bytes_every_night(catalog: Puller, form: str) -> None:
    """RDF has no order and blank nodes have new names each time; rows must not show it."""
    serve(catalog, DOCUMENTS[form], form)
    assert len({catalog().manifest.content_sha256 for _ in range(3)}) == 1


def test_data_json_keeps_each_datasets_own_bytes(catalog: Puller) -> None:
    serve(catalog, b'{"dataset":[{"identifier":"a" ,"x":1.10}]}', "dcat_us")
    assert landed_lines(catalog())[0].endswith(',"dataset":{"identifier":"a" ,"x":1.10}}')


def test_data_json_says_how_often_in_the_place_of_when(catalog: Puller) -> None:
    serve(catalog, {"dataset": [{"identifier": "a", "modified": "R/P1M"}]}, "dcat_us")
    (row,) = landed(catalog)
    assert (row["modified"], row["frequency"]) == (None, "R/P1M")


def test_a_catalog_without_datasets_is_empty(catalog: Puller) -> None:
    serve(catalog, PREFIXES + "<https://mo.example/> a dcat:Catalog .")
    assert catalog().manifest.rows == 0
    serve(catalog, {"dataset": []}, "dcat_us")
    assert catalog().manifest.rows == 0


def test_a_dataset_that_is_only_named_is_a_row(catalog: Puller) -> None:
    """It has no title, so the contract refuses it and says so; it is not lost."""
    serve(catalog, PREFIXES + "<https://a/> a dcat:Catalog ; dcat:dataset <https://a/ds/9> .")
    (row,) = landed(catalog)
    assert (row["identifier"], row["title"]) == ("https://a/ds/9", None)


@pytest.mark.parametrize(
    ("form", "body", "what"),
    [
        ("turtle", "@prefix a: <http://a/> . a:b a:c", "cannot be read as turtle"),
        ("turtle", "<!doctype html><title>Bảo trì</title>", "HTML page .'Bảo trì'. instead of"),
        ("turtle", " \n", r"empty answer instead of a DCAT catalog \(3 attempts\)"),
        ("turtle", "<http://a/> <http://b/> <http://c/> .", "neither a DCAT catalog nor"),
        ("turtle", b"\xff\xfe<", "not UTF-8"),
        ("rdf_xml", "<a/>", "neither a DCAT catalog nor|cannot be read"),
        ("rdf_xml", "<a><b></a>", "XML is damaged"),
        ("rdf_xml", DOCUMENTS["rdf_xml"][:-20], r"ends in the middle .*\(3 attempts\)"),
        ("json_ld", "[]", "neither a DCAT catalog nor"),
        ("json_ld", "{", "cannot be read as json_ld"),
        ("json_ld", "[" * 100_000, "cannot be read as json_ld"),
        ("json_ld", '{"@context": {"@vocab": 7}, "a": 1}', "neither|cannot be read"),
        ("dcat_us", "{}", "has no `dataset`"),
        ("dcat_us", '{"dataset": [1]}', "not a JSON object"),
        ("dcat_us", "<html>", "HTML page instead of JSON"),
    ],
)
def test_what_is_no_catalog_is_named(
    catalog: Puller, form: str, body: bytes | str, what: str
) -> None:
    serve(catalog, body, form)
    with pytest.raises(ProviderError, match=what) as caught:
        catalog()
    assert caught.value.where == "tinh/thu/thu page 1"
    assert "\n" not in str(caught.value)


def test_an_error_does_not_quote_the_document(catalog: Puller) -> None:
    serve(catalog, PREFIXES + '<http://a/> dct:title "Nguyễn Văn A 099123456789" ,, .')
    with pytest.raises(ProviderError) as caught:
        catalog()
    assert "Nguyễn" not in str(caught.value)


DTD = """<?xml version="1.0"?><!DOCTYPE rdf:RDF [<!ENTITY x SYSTEM "{url}/entity">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">&x;</rdf:RDF>"""


@pytest.mark.parametrize(
    ("form", "body", "what"),
    [
        ("json_ld", '{{"@context": "{url}/context", "a": 1}}', "names a context by its address"),
        ("json_ld", '{{"@context": [{{}}, "{url}/context"]}}', "names a context by its address"),
        ("json_ld", '{{"@context": ""}}', "names a context by its address"),
        ("json_ld", '{{"@context": {{"@version": 1.1, "@import": "{url}/c"}}}}', "by its address"),
        ("json_ld", '{{"@context": {{"a": {{"@context": "{url}/c"}}}}, "a": {{}}}}', "by its addr"),
        ("json_ld", '[{{"a": [{{"@context": "file:///etc/passwd"}}]}}]', "by its address"),
        ("rdf_xml", DTD, "brings a document type"),
    ],
)
def test_nothing_is_fetched_by_a_parser(
    catalog: Puller, server: FaultServer, form: str, body: str, what: str
) -> None:
    serve(catalog, body.format(url=server.url), form)
    with pytest.raises(ProviderError, match=what):
        catalog()
    assert server.paths() == ["/catalog"]


def test_a_context_of_the_definition_takes_the_place_of_an_address(
    catalog: Puller, server: FaultServer
) -> None:
    serve(catalog, {**LINKED, "@context": f"{server.url}/context"}, "json_ld")
    catalog.fetch["context"] = LINKED["@context"]
    assert landed(catalog) == EXPECTED
    assert server.paths() == ["/catalog"]


def test_markup_stays_text(catalog: Puller) -> None:
    evil = '<svg onload="alert(1)"><script>fetch("http://a/")</script>'
    rdf = "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> ."
    start = f"{rdf}\n{PREFIXES}<http://a/> a dcat:Dataset ; dct:title {json.dumps(evil)}"
    serve(catalog, {"dataset": [{"identifier": "a", "title": evil}]}, "dcat_us")
    assert [row["title"] for row in landed(catalog)] == [evil]
    for kind in ("", "^^rdf:HTML", "^^rdf:XMLLiteral"):
        serve(catalog, f"{start}{kind} .")
        assert [row["title"] for row in landed(catalog)] == [evil]


PAGE = (
    PREFIXES
    + """
<{url}/catalog?page={page}> a hydra:PagedCollection ; hydra:totalItems {total} {following} .
<{url}/> a dcat:Catalog .
"""
)


def paged(server: FaultServer, catalog: Puller, pages: list[list[str]], total: int) -> None:
    """Serve pages of datasets, each naming the next."""

    def answer(asked: Asked) -> Reply:
        page = int(asked.params.get("page", "1"))
        following = f"; hydra:next </catalog?page={page + 1}>" if page < len(pages) else ""
        body = PAGE.format(url=server.url, page=page, total=total, following=following)
        body += "".join(
            f'<http://a/{ds}> a dcat:Dataset ; dct:title "{ds}" .\n' for ds in pages[page - 1]
        )
        headers = {"Link": f'</catalog?page={page + 1}>; rel="next"'} if page < len(pages) else {}
        return Reply(body.encode(), headers=headers)

    server.routes["/catalog"] = answer
    catalog.fetch["pages"] = "hydra"


@pytest.mark.parametrize("pages", ["hydra", "link_header"])
def test_pages_are_followed(catalog: Puller, server: FaultServer, pages: str) -> None:
    paged(server, catalog, [["1", "2"], ["2", "3"], ["4"]], 4)
    catalog.fetch["pages"] = pages
    assert [row["title"] for row in landed(catalog)] == ["1", "2", "3", "4"]


def test_pages_that_lack_a_dataset_are_not_believed(catalog: Puller, server: FaultServer) -> None:
    paged(server, catalog, [["1", "2"], ["3"]], 5)
    with pytest.raises(ProviderError, match="5 rows and sent 3"):
        catalog()


def test_pages_that_shrink_are_not_believed(catalog: Puller, server: FaultServer) -> None:
    paged(server, catalog, [["1", "2"], ["3"]], 4)
    first = server.routes["/catalog"]

    def shrinking(asked: Asked) -> Reply:
        reply = first(asked)
        return Reply(reply.body.replace(b"Items 4", b"Items 3")) if asked.params else reply

    server.routes["/catalog"] = shrinking
    with pytest.raises(TransientError, match="shrank from 4 to 3"):
        catalog()


def test_pages_that_go_round_are_caught(catalog: Puller, server: FaultServer) -> None:
    body = PAGE.format(url=server.url, page=1, total=9, following="; hydra:nextPage </catalog>")
    serve(catalog, body)
    catalog.fetch["pages"] = "hydra"
    with pytest.raises(ProviderError, match="repeats itself"):
        catalog()


def test_a_next_page_on_another_host_is_not_asked_for(catalog: Puller) -> None:
    address = "http://169.254.169.254/latest/meta-data"
    serve(catalog, TURTLE + f"<http://a/> hydra:next <{address}> .")
    catalog.fetch["pages"] = "hydra"
    with pytest.raises(ProviderError, match="another host or port"):
        catalog()


def test_a_next_page_inside_our_network_is_not_asked_for(catalog: Puller) -> None:
    """Even where the definition lets a catalog point anywhere in the open Internet."""
    serve(catalog, TURTLE + "<http://a/> hydra:next <http://10.0.0.1/catalog> .")
    catalog.fetch["pages"] = "hydra"
    catalog.extra["hosts"] = [{"host": "*"}]
    with pytest.raises(ProviderError, match="leads into a private network"):
        catalog()


def test_a_document_too_large_for_a_graph_is_refused(
    catalog: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.dcat_rdf._LARGEST", 100)
    serve(catalog, TURTLE)
    with pytest.raises(ProviderError, match="ask for a paged catalog"):
        catalog()


def test_a_format_is_said_not_guessed(catalog: Puller) -> None:
    del catalog.fetch["format"]
    with pytest.raises(ConfigurationError, match=r"fetch\.format: fill it in"):
        catalog()


def test_definitions_load_without_rdflib() -> None:
    program = "import sources.dcat, sys; sys.exit('rdflib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
