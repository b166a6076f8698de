"""Splitting a page into records: whatever JSON comes, the same records, one a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ProviderError
from sources import payload
from sources.ndjson import lines

keys = st.text(max_size=6)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
objects = st.lists(st.dictionaries(keys, values, max_size=4), max_size=6)


def split(body: bytes, path: str = "a.b") -> bytes:
    return lines(payload.records(payload.envelope(body), path))


@settings(max_examples=150, deadline=None)
@given(
    held=objects,
    indent=st.sampled_from([None, 0, 3, "\t"]),
    line_break=st.sampled_from(["\n", "\r\n", "\r"]),
    ascii_only=st.booleans(),
)
def test_records_survive_any_layout(
    held: list[dict[str, Any]],
    indent: int | str | None,
    line_break: str,
    *,
    ascii_only: bool,
) -> None:
    text = json.dumps({"a": {"b": held}, "c": 1}, indent=indent, ensure_ascii=ascii_only)
    data = split(text.replace("\n", line_break).encode())
    found = [json.loads(line) for line in data.split(b"\n")[:-1]]
    assert found == held
    assert b"\r" not in data


@settings(max_examples=100, deadline=None)
@given(objects)
def test_compact_records_keep_their_very_bytes(held: list[dict[str, Any]]) -> None:
    parts = [json.dumps(item).encode() for item in held]
    body = b'{"a":{"b":[' + b",".join(parts) + b"]}}"
    assert split(body) == b"".join(part + b"\n" for part in parts)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,ab1\\n ', max_size=60).map(str.encode))
def test_no_bytes_give_anything_but_rows_or_a_typed_error(body: bytes) -> None:
    try:
        split(body)
        split(b'{"a":{"b":[' + body + b"]}}")
    except ProviderError:
        pass


def both_ways(body: bytes, path: str) -> list[object]:
    """Return what is read of a page by two passes and by one; of what is wrong, what is said."""
    found: list[object] = []
    for in_one in (False, True):
        try:
            if in_one:
                outer, rows = payload._split(payload._whole(body), path)
            else:
                outer, rows = payload.envelope(body), None
            rows = payload.records(outer, path) if rows is None else rows
            first, *_ = path.split(".")
            around = {key: bytes(raw) for key, raw in outer.items() if key != first}
            found.append(([bytes(row) for row in rows], around))
        except ProviderError as error:
            found.append((type(error), str(error)))
    return found


@settings(max_examples=200, deadline=None)
@given(
    held=st.lists(values, max_size=6) | values,
    beside=st.dictionaries(keys, values, max_size=3),
    indent=st.sampled_from([None, 3]),
    path=st.sampled_from(["a", "a.b", "c", ""]),
    cut=st.integers(0, 40),
)
def test_one_pass_reads_what_two_do(
    held: object, beside: dict[str, object], indent: int | None, path: str, cut: int
) -> None:
    for inner in (held, {"b": held, **beside}):
        whole = json.dumps({**beside, "a": inner, "z": 1}, indent=indent).encode()
        for body in (whole, whole[: len(whole) - cut], whole.replace(b"{", b'{"a": [{}], ', 1)):
            by_two, by_one = both_ways(body, path or "a")
            assert by_one == by_two


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='{}[]":,ab1\\n ', max_size=60).map(str.encode))
def test_one_pass_says_what_two_do_of_any_bytes(body: bytes) -> None:
    for given_body in (body, b'{"a":[' + body + b"]}", b'{"a":{"b":[{},' + body + b']},"c":2}'):
        for path in ("a", "a.b"):
            by_two, by_one = both_ways(given_body, path)
            assert by_one == by_two


@pytest.mark.parametrize("record", [b"1", b"null", b'"{"', b"[{}]", b"true"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_record_that_is_no_object_is_refused(record: bytes, place: int) -> None:
    parts = [b"{}", b'{"a":"\\n{"}']
    parts.insert(place, record)
    with pytest.raises(ProviderError, match="not a JSON object"):
        lines(parts)


def test_small_values_are_found_by_path() -> None:
    outer = payload.envelope(b'{"a":{"n":"12","t":true,"z":null,"s":["x"]},"e":"","x":1.5}')
    paths = {"a.n": "12", "a.t": "true", "a.z": "", "e": "", "nowhere.at": "", "x": "1.5"}
    assert {path: payload.text(outer, path) for path in paths} == paths
    assert payload.count(outer, "a.n") == 12
    assert payload.value(outer, "a.s") == ["x"]
    assert payload.value(outer, "a.z.deeper") is None
    for path in ("x", "e", "a.t", "nowhere"):
        with pytest.raises(ProviderError, match=f"`{path}` should be the number"):
            payload.count(outer, path)
    with pytest.raises(ProviderError, match="`e` has the wrong shape"):
        payload.value(outer, "e.f")


def test_a_cut_letter_at_any_slice_edge_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "_SLICE", 4)
    body = "xăâđêôơư".encode()
    payload.require_utf8(body)
    for end in range(2, len(body), 2):
        with pytest.raises(payload.TruncatedError, match="in the middle of a letter"):
            payload.require_utf8(body[:end])
        with pytest.raises(ProviderError, match="not UTF-8"):
            payload.require_utf8(body[:end] + body)


def test_a_large_page_is_split_in_one_pass() -> None:
    rows = [{"ma": number, "ten": "Xã Mù Cang Chải " * 20} for number in range(2000)]
    body = json.dumps({"total": 2000, "a": {"b": rows}}, ensure_ascii=False).encode()
    outer, found = payload.split(body, "a.b")
    assert found is not None
    assert [json.loads(bytes(one)) for one in found] == rows
    assert payload.count(outer, "total") == 2000
    assert len(bytes(outer["a"])) < 20, "what is left of the envelope is small"
    small = json.dumps({"total": 1, "a": {"b": rows[:1]}}).encode()
    assert payload.split(small, "a.b")[1] is None
