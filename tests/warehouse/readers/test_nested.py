"""Lists within records: every child once, every parent's whole list, nothing lost by bad ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError
from tests.warehouse.readers.conftest import Batch
from warehouse.readers.batch import reader_of

OPTIONS = {"explode": "TaiLieuNop", "parent": "MaHoSo", "keep": ["NgayCapNhat"]}
FIELDS = ["MaHoSo", "NgayCapNhat", "#", "TepId", "Ten/~1"]
DOSSIERS: list[dict[str, Any]] = [
    {"MaHoSo": "A", "NgayCapNhat": "1", "TaiLieuNop": [
        {"TepId": 12345678901234567890, "Ten/~1": "x", "MaHoSo": "hidden"},
        {"TepId": None, "Ten/~1": {"y": [1]}}]},
    {"MaHoSo": "B", "NgayCapNhat": "2", "TaiLieuNop": []},
    {"MaHoSo": "C", "NgayCapNhat": "3", "TaiLieuNop": None},
    {"MaHoSo": "D", "NgayCapNhat": "4"},
    {"MaHoSo": "E", "NgayCapNhat": "5", "TaiLieuNop": "hỏng"},
    {"MaHoSo": "F", "NgayCapNhat": "6", "TaiLieuNop": [{"TepId": 1}, 7]},
    {"NgayCapNhat": "7", "TaiLieuNop": [{"TepId": 2}]},
]  # fmt: skip


def landed(batch: Batch, *records: dict[str, Any]) -> Batch:
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return batch.again(text.encode(), "ndjson", rows=len(records))


def parents(batch: Batch) -> list[tuple[Any, ...]]:
    return batch.connection.execute("FROM stg.main.cha ORDER BY ALL").fetchall()


def test_each_child_is_a_row_with_its_parents_fields_and_its_place(batch: Batch) -> None:
    rows = landed(batch, *DOSSIERS).read(FIELDS, OPTIONS)
    assert [tuple(row.values())[2:] for row in rows] == [
        (1, "A", "1", "1", "12345678901234567890", "x"),
        (1, "A", "1", "2", None, '{"y":[1]}'),
        (5, "E", "5", None, None, None),
        (6, "F", "6", "1", "1", None),
        (6, "F", "6", None, None, None),
        (7, None, "7", None, None, None),
    ]
    # Parents whose list is not to be trusted keep what the lake has of them.
    assert parents(batch) == [("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")]


def test_of_a_record_that_comes_twice_the_last_one_counts(batch: Batch) -> None:
    again = DOSSIERS[0] | {"MaHoSo": " A ", "NgayCapNhat": "9", "TaiLieuNop": [{"TepId": 5}]}
    rows = landed(batch, *DOSSIERS, again).read(["MaHoSo", "TepId"], OPTIONS)
    assert [(row["MaHoSo"], row["TepId"]) for row in rows if "A" in (row["MaHoSo"] or "")] == [
        (" A ", "5")
    ]


def test_a_json_file_has_lists_too(batch: Batch) -> None:
    batch.land(json.dumps({"d": DOSSIERS}).encode(), "json")
    assert len(batch.read(FIELDS, {"records": "d", **OPTIONS})) == 6


def test_the_childrens_fields_are_named(batch: Batch) -> None:
    landed(batch, *DOSSIERS)
    reader = reader_of("ndjson")
    found = reader.names(batch.connection, batch.path, batch.files, OPTIONS)
    assert found == ["MaHoSo", "NgayCapNhat", "#", "TepId", "Ten/~1"]


@pytest.mark.parametrize("options", [{"explode": "x"}, {"parent": "x"}, {"keep": ["x"]}])
def test_half_an_option_is_an_error(batch: Batch, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="go together"):
        landed(batch, *DOSSIERS).read(FIELDS, options)


VALUES = st.one_of(
    st.none(), st.integers(), st.text(max_size=4), st.lists(st.integers(), max_size=2)
)
CHILD = st.one_of(st.dictionaries(st.sampled_from(["TepId", "x"]), VALUES, max_size=2), VALUES)
RECORD = st.fixed_dictionaries(
    {}, optional={"MaHoSo": st.one_of(VALUES, st.sampled_from("AB")),
                  "TaiLieuNop": st.one_of(VALUES, st.lists(CHILD, max_size=3))},
)  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(RECORD, min_size=1, max_size=5))
def test_whatever_a_source_sends_no_list_is_lost_in_silence(
    batch: Batch, records: list[dict[str, Any]]
) -> None:
    """Each parent is either wholly read, or there is a row that a contract refuses."""
    rows = landed(batch, *records).read(["MaHoSo", "#", "TepId"], OPTIONS)
    trusted = {key for key, _ in parents(batch)}
    refused = {row["MaHoSo"] for row in rows if row["#"] is None}
    assert trusted.isdisjoint(refused)
    for record in records:
        key = record.get("MaHoSo")
        if isinstance(key, str) and key in {"A", "B"}:
            assert key in trusted | refused
    for key in trusted & {"A", "B"}:
        last = [r for r in records if str(r.get("MaHoSo") or "").strip() == key][-1]
        assert sum(row["MaHoSo"] == key for row in rows) == len(last.get("TaiLieuNop") or [])
