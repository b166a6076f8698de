"""``hub changes``: what changed since a moment or a snapshot, in every format, nobody's name."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.hub import small
from tests.hub.cli.conftest import Hub


def test_changes_since_a_time_are_listed_with_kind_and_batch(hub: Hub) -> None:
    said = hub("changes", small.TABLE, "--since", "2000-01-01", "--format", "json")
    found = [(one["_kind"], one["ma"], one["_batch"]) for one in json.loads(said.out)]
    assert found == [
        ("insert", "A1", "b1"), ("insert", "A2", "b1"), ("update", "A2", "b2"),
        ("insert", "A3", "b2"),
    ]  # fmt: skip
    assert said.err.startswith("next time: --since 2")
    following = hub("changes", small.TABLE, "--since", said.err.split()[-1], "--format", "csv")
    assert list(csv.DictReader(io.StringIO(following.out))) == []


def test_changes_since_a_snapshot_begin_with_the_next_one(hub: Hub) -> None:
    listed = hub("query", "select min(snapshot_id) as n from lake.snapshots() "
                 "where commit_message like '%batch b1'", "--format", "json")  # fmt: skip
    (first,) = json.loads(listed.out)
    said = hub("changes", small.TABLE, "--since", str(first["n"]), "--format", "json")
    assert [one["ma"] for one in json.loads(said.out)] == ["A2", "A3"]


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_no_format_shows_a_person(hub: Hub, form: str) -> None:
    said = hub("changes", small.TABLE, "--since", "2000-01-01", "--format", form)
    assert said.code == 0
    assert "***" in said.out
    assert not any(name in said.out for name in ("Văn An", "Bình", "Giàng"))


def test_what_cannot_be_answered_is_one_line(hub: Hub) -> None:
    said = hub("changes", small.TABLE, "--since", "99999")
    assert (said.code, said.out) == (1, "")
    assert "there is no snapshot 99999, or it has expired" in said.err
    assert hub("changes", "mo.khong_co", "--since", "1").code == 2
    assert hub("changes", small.TABLE, "--since", "hôm qua").code == 2


def test_what_waits_for_nobody_cannot_be_approved(hub: Hub) -> None:
    said = hub("approve", f"{small.PORTAL}/ho_so")
    assert said.code == 1
    assert "nothing of this dataset is held back" in said.err
