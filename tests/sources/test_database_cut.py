"""A PostgreSQL whose connection is cut in the middle of a table: all rows, or none and one line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hub.errors import TransientError
from tests.sources.conftest import Puller, landed_lines
from tests.sources.databases import PASSWORD, PERCENT, Server, postgres
from tests.sources.relay import Relay

ROWS = 5_000
TABLE = f"""
    CREATE TABLE ho_so (ma int PRIMARY KEY, ten text);
    INSERT INTO ho_so SELECT i, 'Nguyễn Thị Đào ' || i FROM generate_series(1, {ROWS}) i"""
MIDDLE = 60_000
"""Bytes of the server: more than everything about the table, less than its rows."""


@pytest.fixture(scope="module")
def pg() -> Iterator[Server]:
    with postgres() as server:
        server.run(TABLE)
        yield server


def through(puller: Puller, pg: Server, relay: Relay) -> Puller:
    puller.kind = "database"
    puller.fetch = {"table": "ho_so", "tls": "off", "order": ["ma"], "page_size": 1000}
    puller.environment["THU_URL"] = pg.url().replace(f":{pg.port}/", f":{relay.port}/")
    return puller


@pytest.mark.parametrize("cuts", [0, 1])
def test_a_connection_that_is_cut_once_costs_no_row(puller: Puller, pg: Server, cuts: int) -> None:
    with Relay(pg.port, after=MIDDLE, cuts=cuts) as relay:
        batch = through(puller, pg, relay)()
        assert relay.made == cuts
    rows = [json.loads(line) for line in landed_lines(batch)]
    assert rows == [
        {"ma": str(number), "ten": f"Nguyễn Thị Đào {number}"} for number in range(1, ROWS + 1)
    ]
    assert batch.manifest.claimed == ROWS


def test_a_connection_that_is_always_cut_lands_nothing(puller: Puller, pg: Server) -> None:
    with Relay(pg.port, after=MIDDLE, cuts=1000) as relay:
        with pytest.raises(TransientError) as caught:
            through(puller, pg, relay)()
        assert relay.made > puller.system.limits.retries
    line = str(caught.value)
    assert line.startswith("tinh/thu/thu")
    assert "[network] -> " in line
    assert PASSWORD not in line
    assert PERCENT not in line
    assert list(puller.folder.iterdir()) == []
