"""One field of a record, read and written by its bytes."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ProviderError
from sources.record_keys import Field, Keys, tag

values = st.text(max_size=8) | st.integers()
names = st.text(
    st.characters(exclude_characters='"\\', exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(values, st.text(max_size=5)), max_size=8))
def test_a_field_is_read_by_its_bytes(pairs: list[tuple[str | int, str]]) -> None:
    records = [json.dumps({"z": other, "a": {"b": value}}).encode() for value, other in pairs]
    assert Field("a.b").texts(records) == [str(value) for value, _ in pairs]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,ab1n\\ ', max_size=40).map(str.encode))
def test_no_record_gives_anything_but_a_key_or_a_typed_error(record: bytes) -> None:
    with contextlib.suppress(ProviderError):
        Field("a")([record])
    with contextlib.suppress(ProviderError):
        tag([record], "a", "1")


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.text(max_size=4), values, max_size=4),
    names,
    st.text(max_size=6),
)
def test_a_parents_id_is_written_into_any_row(row: dict[str, Any], name: str, value: str) -> None:
    record = json.dumps(row).encode()
    if name in row:
        with pytest.raises(ProviderError, match="already have a field"):
            tag([record], name, value)
        return
    (tagged,) = tag([record], name, value)
    assert json.loads(tagged) == {name: value, **row}


def test_keys_of_several_fields_do_not_run_together() -> None:
    keys = Keys("a", "b")
    raw = [msgspec.Raw(b'{"a":1,"b":12}'), msgspec.Raw(b'{"a":11,"b":2}')]
    assert len(keys.fresh(raw, keys.of(raw))) == len(keys) == 2
