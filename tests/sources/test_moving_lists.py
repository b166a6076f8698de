"""Kinds `ckan` and `portal` over real HTTP, while rows of their lists come and go.

Every row that stays in the list lands once, whatever happens between two pages. The walk itself is
tried on many more changes in ``test_paging.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hub.errors import ConfigurationError, HubError, TransientError
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json

API = "/api/3/action"
COUNT = 90
Held = list[dict[str, Any]]
Change = Callable[[Held], None]


def row(number: int) -> dict[str, Any]:
    return {"_id": number, "ten": f"Vùng {number}"}


def insert_in_front(held: Held) -> None:
    held[:0] = [row(1001), row(1002), row(1003)]


def remove_and_add(held: Held) -> None:
    """A removal in front of the place, behind an unchanged total."""
    del held[3]
    held.append(row(1001))


def remove_and_add_many(held: Held) -> None:
    del held[:25]
    held.extend(row(1001 + extra) for extra in range(25))


def shrink(held: Held) -> None:
    del held[5:15]


CHANGES = [insert_in_front, remove_and_add, remove_and_add_many, shrink]


class Source:
    """A list behind both kinds of answer; ``change`` happens once, before the second page."""

    def __init__(self, server: FaultServer) -> None:
        self.held: Held = [row(number) for number in range(1, COUNT + 1)]
        self.before = {item["_id"] for item in self.held}
        self.change: Change = lambda _: None
        self.asked = 0
        self.resource = {"id": "r", "format": "CSV", "datastore_active": True}
        server.routes[f"{API}/package_show"] = self.show
        server.routes[f"{API}/datastore_search"] = self.search
        server.routes["/rows"] = self.page

    def show(self, _: Asked) -> Reply:
        return as_json({"success": True, "result": {"resources": [self.resource]}})

    def search(self, asked: Asked) -> Reply:
        found = self.slice(int(asked.params["offset"]), int(asked.params["limit"]))
        return as_json({"success": True, "result": {"records": found, "total": len(self.held)}})

    def page(self, asked: Asked) -> Reply:
        size = int(asked.params["pageSize"])
        found = self.slice((int(asked.params["page"]) - 1) * size, size)
        return as_json({"error_code": "00", "total": str(len(self.held)), "result": found})

    def slice(self, start: int, size: int) -> Held:
        self.asked += 1
        if self.asked == 2:
            self.change(self.held)
        return self.held[start : start + size]


@pytest.fixture
def source(server: FaultServer) -> Source:
    return Source(server)


def use_ckan(puller: Puller) -> None:
    puller.kind = "ckan"
    puller.fetch = {"package": "goi", "resource": {"access": "datastore"}, "page_size": 20}


def use_portal(puller: Puller) -> None:
    puller.fetch = {"path": "/rows", "page_size": 20, "key": "_id"}


@pytest.mark.parametrize("use", [use_ckan, use_portal])
@pytest.mark.parametrize("change", CHANGES)
def test_rows_that_stay_all_come_once(
    puller: Puller, source: Source, use: Callable[[Puller], None], change: Change
) -> None:
    use(puller)
    source.change = change
    landed = [json.loads(line)["_id"] for line in landed_lines(puller())]
    stayed = source.before & {item["_id"] for item in source.held}
    assert source.asked > 2
    assert len(landed) == len(set(landed))
    assert stayed <= set(landed)


def test_a_portal_that_sends_rows_twice_is_read_whole_too(puller: Puller, source: Source) -> None:
    """Copies side by side, and a record of the same key that says something else."""
    use_portal(puller)
    puller.fetch["copies"] = True
    twice = [{**item, "lan": number} for item in source.held for number in (1, 1, 2)]
    source.held = list(twice)
    still = [json.loads(line) for line in landed_lines(puller())]
    assert still == twice
    source.asked, source.change = 0, remove_and_add
    moved = [json.loads(line) for line in landed_lines(puller())]
    assert all(item in moved for item in source.held[:-1])


def test_a_portal_without_a_key_says_so_when_its_list_shrinks(
    puller: Puller, source: Source
) -> None:
    use_portal(puller)
    del puller.fetch["key"]
    puller.limits["threads"] = 1
    source.change = shrink
    with pytest.raises(TransientError, match=r"shrank from 90 to 80.*fetch\.key"):
        puller()


def test_a_portal_without_a_key_does_miss_a_row_behind_an_unchanged_total(
    puller: Puller, source: Source
) -> None:
    """What `key` is for: without one nothing can be seen. The docs say so."""
    use_portal(puller)
    del puller.fetch["key"]
    puller.limits["threads"] = 1
    source.change = remove_and_add
    landed = {json.loads(line)["_id"] for line in landed_lines(puller())}
    assert 21 not in landed


def test_a_key_wants_pages_that_can_overlap(puller: Puller, source: Source) -> None:
    use_portal(puller)
    puller.fetch["page_size"] = 19
    with pytest.raises(ConfigurationError, match="`key` needs `page_size` of 20 or more"):
        puller()
    assert source.asked == 0


@pytest.mark.parametrize(
    ("field", "value"), [("id", "r2"), ("last_modified", "2026-10-02T01:00:00"), ("hash", "f0")]
)
def test_a_table_loaded_anew_while_read_is_not_believed(
    puller: Puller, source: Source, field: str, value: str
) -> None:
    """Its rows are numbered anew, so the numbers known from the first page say nothing."""
    use_ckan(puller)

    def upload(_: Held) -> None:
        source.resource[field] = value

    source.change = upload
    with pytest.raises(TransientError, match="uploaded again while its table was read"):
        puller()
    assert puller.left == []


def test_a_table_is_sorted_by_its_key(puller: Puller, source: Source, server: FaultServer) -> None:
    use_ckan(puller)
    puller.fetch["key"] = "ten"
    assert puller().manifest.rows == COUNT
    sorts = {asked.params["sort"] for asked in server.asked if "sort" in asked.params}
    assert sorts == {"ten"}
    assert source.asked > 2


def test_a_table_whose_rows_lack_the_key_is_refused(puller: Puller, source: Source) -> None:
    use_ckan(puller)
    puller.fetch["key"] = "entry_id"
    with pytest.raises(HubError, match="a row has no `entry_id`"):
        puller()
    assert source.asked == 1
