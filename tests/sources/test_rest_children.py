"""Kind rest with parents: children of each, with their parent's id, bounded and guarded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.errors import ProviderError
from tests.sources.answers import Rows, by_offset, envelope, found
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json

PARENTS: Rows = [{"id": f"Đ/{number}", "x": 1} for number in range(1, 8)]


def family(rest: Puller, **parent: Any) -> None:
    rest.fetch.update(path="/ho-so/{id}/buoc", records="buoc")
    rest.fetch["parent"] = {
        "path": "/rows", "records": "data.items", "total": "total", "id": "id", "into": "ma_ho_so",
        "paging": {"kind": "offset", "key": "id", "page_size": 3}, **parent,
    }  # fmt: skip


def steps(server: FaultServer, counts: dict[str, int]) -> None:
    server.routes["/rows"] = by_offset(PARENTS)
    for parent in PARENTS:
        path = f"/ho-so/%C4%90%2F{parent['id'][2:]}/buoc"
        held = [{"buoc": number} for number in range(counts.get(parent["id"], 2))]
        server.routes[path] = lambda _, held=held: as_json({"buoc": held})  # type: ignore[misc]


def test_children_of_all_parents_land_with_their_parents_id(
    server: FaultServer, rest: Puller
) -> None:
    steps(server, {"Đ/3": 0})
    family(rest)
    assert found(rest) == [
        {"ma_ho_so": parent["id"], "buoc": number}
        for parent in PARENTS
        for number in range(0 if parent["id"] == "Đ/3" else 2)
    ]
    assert len([path for path in server.paths() if path.startswith("/ho-so")]) == 7


def test_children_are_paged_and_counted(server: FaultServer, rest: Puller) -> None:
    server.routes["/rows"] = by_offset(PARENTS)
    family(rest)
    rest.fetch.update(path="/buoc", params={"ho_so": "{id}"}, total="total")
    rest.fetch["paging"] = {"kind": "page", "stands_still": True, "page_size": 2}

    def answer(asked: Asked) -> Reply:
        held = [{"cua": asked.params["ho_so"], "n": number} for number in range(5)]
        first = (int(asked.params["page"]) - 1) * 2
        return as_json({"buoc": held[first : first + 2], "total": 5})

    server.routes["/buoc"] = answer
    batch = rest()
    assert (batch.manifest.rows, batch.manifest.claimed) == (35, 35)
    assert all(row["cua"] == row["ma_ho_so"] for row in map(json.loads, landed_lines(batch)))
    assert len(batch.manifest.files) == 1


def test_the_id_goes_into_a_body_too(server: FaultServer, rest: Puller) -> None:
    server.routes["/rows"] = by_offset(PARENTS)
    family(rest)
    rest.fetch.update(path="/buoc", method="POST", body={"data": [{"MaHoSo": "{id}"}], "n": 1})
    server.routes["/buoc"] = lambda asked: as_json({"buoc": json.loads(asked.body)["data"]})
    assert [row["MaHoSo"] for row in found(rest)] == [parent["id"] for parent in PARENTS]


@pytest.mark.parametrize("childless", [True, False])
def test_a_parent_without_children_is_none_only_if_the_definition_says_so(
    server: FaultServer, rest: Puller, *, childless: bool
) -> None:
    steps(server, {})
    del server.routes["/ho-so/%C4%90%2F4/buoc"]
    family(rest, **({"childless": [404]} if childless else {}))
    if childless:
        assert len(found(rest)) == 12
        return
    with pytest.raises(ProviderError, match="HTTP 404") as caught:
        rest()
    assert caught.value.where == "tinh/thu/thu parent Đ/4 page 1"
    assert rest.left == []


def test_a_parent_whose_children_repeat_is_caught(server: FaultServer, rest: Puller) -> None:
    steps(server, {})
    family(rest)
    rest.fetch["paging"] = {"kind": "page", "stands_still": True, "page_size": 2}
    with pytest.raises(ProviderError, match="repeats itself") as caught:
        rest()
    assert caught.value.where == "tinh/thu/thu parent Đ/1 page 2"


@pytest.mark.parametrize("bad", [".", "..", ""])
def test_an_id_that_would_change_the_path_is_refused(
    server: FaultServer, rest: Puller, bad: str
) -> None:
    server.routes["/rows"] = by_offset([{"id": bad}])
    family(rest)
    with pytest.raises(ProviderError, match="which no path can hold"):
        rest()
    assert server.paths() == ["/rows"]


def test_more_parents_than_believed_are_refused(server: FaultServer, rest: Puller) -> None:
    steps(server, {})
    family(rest, most=6)
    with pytest.raises(ProviderError, match="more than 6 parents"):
        rest()


def test_a_parent_list_that_repeats_is_caught(server: FaultServer, rest: Puller) -> None:
    family(rest, total=None, paging={"kind": "page", "stands_still": True, "page_size": 7})
    server.routes["/rows"] = lambda _: envelope(PARENTS)
    with pytest.raises(ProviderError, match="repeats itself") as caught:
        rest()
    assert caught.value.where == "tinh/thu/thu parents page 2"


def test_a_child_that_has_the_field_already_is_named(server: FaultServer, rest: Puller) -> None:
    steps(server, {})
    family(rest, into="buoc")
    with pytest.raises(ProviderError, match="already have a field `buoc`"):
        rest()
