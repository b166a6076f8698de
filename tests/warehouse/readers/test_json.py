"""JSON files: the array is found, its objects arrive as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError
from tests.warehouse.readers.conftest import Batch

ROWS = [{"Ma": "007", "Ten": "Bát\nXát", "Ds": [{"a": 1}]}, {"Ma": 12345678901234567890123}, {}]
WANTED = [("007", "Bát\nXát", '[{"a":1}]'), ("12345678901234567890123", None, None), (None,) * 3]


def written(document: object, indent: int | None = None) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=indent).encode()


def cells(batch: Batch, options: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    rows = batch.read(["Ma", "Ten", "Ds"], options)
    return [(row["Ma"], row["Ten"], row["Ds"] and "".join(row["Ds"].split())) for row in rows]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\r\n "])
def test_an_array(batch: Batch, indent: int | None, mark: bytes) -> None:
    batch.land(mark + written(ROWS, indent) + b"\n", "json")
    assert cells(batch) == WANTED


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_inside_an_object(batch: Batch, indent: int | None) -> None:
    batch.land(written({"n": 3, "data": {"ds": ROWS}}, indent), "json")
    assert cells(batch, {"records": "data.ds"}) == WANTED


def test_several_files_and_empty_ones(batch: Batch) -> None:
    for data in (b"[]", written(ROWS[:2]), b" [ ] ", written(ROWS[2:])):
        batch.land(data, "json")
    assert cells(batch) == WANTED
    rows = batch.read(["Ma"])
    assert [(row["_file"], row["_line"]) for row in rows] == [
        ("files/00001.json", 1), ("files/00001.json", 2), ("files/00003.json", 1),
    ]  # fmt: skip


def test_only_empty_files(batch: Batch) -> None:
    batch.land(b"[]", "json")
    assert cells(batch) == []
    batch.again(b'{"a": null}', "json")
    assert cells(batch, {"records": "a"}) == []


@pytest.mark.parametrize(
    ("data", "options", "told"),
    [
        (b'{"a": []}', {}, "set reader.records"),
        (b'{"a": []}', {"records": "b.c"}, "has no `b.c`"),
        (b'{"a": {}}', {"records": "a"}, "`a` has the wrong shape"),
        (b"[1]", {}, "not a JSON object"),
        (b'[{"Ma": 1}, [2]]', {}, "not a JSON object"),
        (b'[{"Ma": 1}', {}, "not whole JSON"),
        (b'[{"Ma": 1}],"r":[]', {}, "not whole JSON"),
        (b'[{"Ma": "\xff"}]', {}, "not UTF-8"),
        (b"<html>", {}, "HTML page instead of JSON"),
        (b"", {}, "empty answer instead of JSON"),
        (b"[" * 100_000, {}, "nested too deeply|not whole JSON"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    batch: Batch, data: bytes, options: dict[str, Any], told: str
) -> None:
    batch.land(data, "json")
    with pytest.raises(ProviderError, match=told) as caught:
        batch.read(["Ma"], options)
    assert caught.value.where == "batch/files/00000.json"


def test_unknown_options_are_refused(batch: Batch) -> None:
    batch.land(b"[]", "json")
    with pytest.raises(ConfigurationError, match="`path`"):
        batch.read(["Ma"], {"path": "a"})


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(TEXTS, max_size=20), indent=st.none() | st.integers(0, 2))
def test_any_text_arrives_as_it_was(batch: Batch, texts: list[str], indent: int | None) -> None:
    data = written([{"Ma": text} for text in texts], indent)
    assert [row["Ma"] for row in batch.again(data, "json").read(["Ma"])] == texts


SOUND = written([{"Ma": f"{n}", "Ten": "Bát Xát"} for n in range(9)])


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.integers(0, len(SOUND)),
    length=st.integers(0, 20),
    put=st.binary(max_size=6) | st.text(alphabet='[]{},:"\\ \n0n', max_size=6).map(str.encode),
    tail=st.integers(0, 3) | st.integers(0, len(SOUND)),
)
def test_a_spoilt_file_is_read_as_python_reads_it_or_refused(
    batch: Batch, place: int, length: int, put: bytes, tail: int
) -> None:
    data = SOUND[:place] + put + SOUND[place + length :]
    data = data[: len(data) - tail]
    batch.again(data, "json")
    try:
        rows = batch.read(["Ma", "Ten"])
    except HubError:
        return
    # Nothing is lost: as many rows as the array has objects, whatever is in them.
    assert len(rows) == len(json.loads(data)) if _is_json(data) else rows


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True
