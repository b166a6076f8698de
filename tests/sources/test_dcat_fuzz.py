"""Documents that strangers wrote: rows or a typed error; no crash, no request, no lost row."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ProviderError
from sources import dcat_rdf, dcat_us
from tests.sources.catalogs import DOCUMENTS, LINKED, PREFIXES

ADDRESS = "http://mo.example/catalog"
RDF_FORMATS = ["json_ld", "turtle", "rdf_xml"]
FEW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make whatever would connect fail in a way that no parser's error hides."""

    def connect(*_: object) -> None:
        pytest.exit("a parser went to the network", returncode=3)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)


def rows(body: bytes, form: Any) -> list[dict[str, Any]]:
    found = dcat_us.rows(body) if form == "dcat_us" else dcat_rdf.read(body, form, ADDRESS).rows
    return [json.loads(row) for row in found]


def rows_or_error(body: bytes, form: str) -> list[dict[str, Any]] | None:
    try:
        found = rows(body, form)
    except ProviderError:
        return None
    for row in found:
        assert isinstance(row["identifier"], str)
        assert row["distribution_count"] == len(row["distributions"])
    return found


cuts = st.tuples(
    st.floats(0, 1), st.integers(0, 40),
    st.sampled_from([b"", b"<", b">", b'"', b"{", b"[" * 50, b"\\", b"@prefix", b"\xff", b"\x00",
                     b"&x;", b"]", b"^^", b"_:a", b"null", b"file:///etc/passwd", b"{}", b";;"]),
)  # fmt: skip


@pytest.mark.parametrize("form", DOCUMENTS)
@FEW
@given(st.lists(cuts, min_size=1, max_size=4))
def test_a_damaged_document(form: str, changes: list[tuple[float, int, bytes]]) -> None:
    body = DOCUMENTS[form]
    for where, gone, put in changes:
        place = int(where * len(body))
        body = body[:place] + put + body[place + gone :]
    rows_or_error(body, form)


@pytest.mark.parametrize("form", DOCUMENTS)
@FEW
@given(st.binary(max_size=200))
def test_any_bytes(form: str, body: bytes) -> None:
    rows_or_error(body, form)


names = st.sampled_from([
    *LINKED["@context"], "@context", "@id", "@type", "@graph", "@list", "@set", "@value", "@vocab",
    "@language", "@reverse", "@included", "@nest", "@import", "@base", "@container", "dct:title",
    "dcat:distribution", "http://www.w3.org/ns/dcat#theme",
])  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.sampled_from([
    "", "a", "dcat:Dataset", "@id", "@json", "http://mo.example/x", "_:b", "vi", "//", "http://[",
])  # fmt: skip
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents, st.booleans())
def test_any_json_ld(document: Any, inside: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    if inside:
        document = {**LINKED, "dcat:extra": document}
    rows_or_error(json.dumps(document).encode(), "json_ld")


@FEW
@given(documents)
def test_any_data_json(document: Any) -> None:
    rows_or_error(json.dumps({"dataset": document}).encode(), "dcat_us")


literals = st.text("aảĐ<>&;'\" \n\\\t", max_size=9)


@FEW
@given(
    st.dictionaries(st.integers(0, 50), st.tuples(literals, st.sampled_from(["", "@vi", "@en"])))
)
def test_every_dataset_of_a_graph_is_a_row(held: dict[int, tuple[str, str]]) -> None:
    body = PREFIXES + "<http://mo.example/> a dcat:Catalog .\n"
    for number, (title, language) in held.items():
        # JSON writes these texts as Turtle does.
        body += f"<http://mo.example/{number}> a dcat:Dataset ; "
        body += f"dct:title {json.dumps(title, ensure_ascii=False)}{language} .\n"
    found = {row["identifier"]: row["title"] for row in rows(body.encode(), "turtle")}
    assert found == {
        f"http://mo.example/{number}": title.strip() or None for number, (title, _) in held.items()
    }


@pytest.mark.parametrize("form", RDF_FORMATS)
def test_deep_documents_end_in_an_error(form: str) -> None:
    deep = {
        "turtle": PREFIXES + "<http://a/> dct:title " + "[ dct:title " * 5_000 + '"a"',
        "rdf_xml": "<a>" * 5_000 + "</a>" * 5_000,
        "json_ld": '{"http://a/": ' * 5_000 + "1" + "}" * 5_000,
    }
    assert rows_or_error(deep[form].encode(), form) is None


@pytest.mark.parametrize(
    "literal",
    [
        '"2026-13-45"^^xsd:date',
        '"R/P1D"^^xsd:dateTime',
        f'"{"9" * 9999}"^^xsd:integer',
        '"1e"^^xsd:double',
    ],
)
def test_values_that_do_not_fit_their_type_stay_text(
    literal: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = PREFIXES + f"<http://mo.example/1> a dcat:Dataset ; dct:modified {literal} ."
    (row,) = rows(body.encode(), "turtle")
    assert row["modified"] == literal.split('"')[1]
    assert caplog.text == ""


def test_contexts_that_grow_with_their_square_are_refused() -> None:
    terms = {f"t{number}": f"http://a/{number}" for number in range(11_000)}
    nodes = [{"@context": {"x": "http://x/"}, f"t{number}": "a"} for number in range(11_000)]
    document = {"@context": terms, "@graph": nodes}
    with pytest.raises(ProviderError, match="over and over"):
        rows(json.dumps(document).encode(), "json_ld")
