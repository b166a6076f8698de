"""A server no one here wrote: datasette (Apache-2.0) over a SQLite file, pulled whole by kind rest.

It hands out at most so many rows a page, with the next page's address in ``next_url`` (keyset by
primary key), a ``Link`` header, and a ``next`` token for ``_next``; each is read and compared
with the file row by row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ProviderError
from sources.landing import Position
from tests.sources.conftest import Puller, landed_lines
from tests.sources.real_servers import datasette

COUNT = 2500


def row(number: int) -> tuple[int, str, str | None, float, str]:
    name = ["Đền Thượng", 'Chợ "Cốc Lếu"', "Hồ\nThác Bà", "Thác Bạc, Sa Pa\\", ""][number % 5]
    moment = f"2026-{1 + number % 12:02}-{1 + number % 28:02}T08:30:00"
    # Numbers with gaps, so that a count of rows is no key.
    return number * 7, name, None if number % 11 == 0 else f"xã {number}", number / 8, moment


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("datasette") / "tinh.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE diem (id INTEGER PRIMARY KEY, ten TEXT, xa TEXT, so REAL, luc TEXT)"
        )
        connection.executemany(
            "INSERT INTO diem VALUES (?, ?, ?, ?, ?)", [row(number) for number in range(COUNT)]
        )
    return path


@pytest.fixture(scope="module")
def address(database: Path) -> Iterator[str]:
    with datasette(database) as running:
        yield running


@pytest.fixture
def table(puller: Puller, address: str) -> Puller:
    puller.kind = "rest"
    puller.environment["THU_URL"] = address
    puller.fetch = {
        "path": "/tinh/diem.json",
        "params": {"_shape": "objects", "_size": "300", "_sort": "id"},
        "records": "rows",
        "total": "filtered_table_rows_count",
    }
    return puller


def held(database: Path, where: str = "1") -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(f"SELECT * FROM diem WHERE {where} ORDER BY id")
        return [dict(item) for item in found]


@pytest.mark.parametrize(
    "paging",
    [
        {"kind": "next_url", "path": "next_url"},
        {"kind": "next_url", "path": "next_url", "key": "id"},
        {"kind": "token", "path": "next", "parameter": "_next"},
        {"kind": "keyset", "field": "id", "parameter": "id__gt"},
        {"kind": "link_header"},
    ],
    ids=lambda paging: "-".join(map(str, paging.values())),
)
def test_a_table_of_datasette_equals_its_file_row_by_row(
    table: Puller, database: Path, paging: dict[str, str]
) -> None:
    table.fetch["paging"] = paging
    if paging["kind"] == "keyset":
        table.fetch["total"] = None  # it counts what is left behind the last row
    if paging["kind"] == "link_header":
        table.fetch.update(records="", total=None)
        table.fetch["params"] = {"_shape": "array", "_size": "300"}
    batch = table()
    assert [json.loads(line) for line in landed_lines(batch)] == held(database)
    assert batch.manifest.rows == COUNT
    assert batch.manifest.claimed == (None if table.fetch["total"] is None else COUNT)
    assert len(batch.manifest.files) == 9


def test_only_what_is_new_comes_by_its_filter(table: Puller, database: Path) -> None:
    table.fetch.update(
        paging={"kind": "next_url", "path": "next_url"},
        since_parameter="luc__gte", until_parameter="luc__lt", time_format="%Y-%m-%dT%H:%M:%S",
    )  # fmt: skip
    table.dataset.update(mode="incremental", cursor="ngay")
    batch = table(Position("b", "2026-09-15T00:00:00"))
    rows = [json.loads(line) for line in landed_lines(batch)]
    wanted = held(database, "luc >= '2026-09-15T00:00:00'")
    assert rows == wanted
    assert 0 < len(wanted) < COUNT


def test_windows_of_time_split_under_its_cap(table: Puller, database: Path) -> None:
    table.fetch.update(
        since_parameter="luc__gte", until_parameter="luc__lt", time_format="%Y-%m-%dT%H:%M:%S",
    )  # fmt: skip
    table.fetch["paging"] = {
        "kind": "date_windows", "start": "2026-01-01", "days": 200, "step": "hour", "cap": 301,
        "until_included": False,
    }  # fmt: skip
    table.dataset.update(mode="incremental", cursor="ngay")
    batch = table(Position("b", "2026-01-01T00:00:00"))
    rows = sorted((json.loads(line) for line in landed_lines(batch)), key=lambda item: item["id"])
    now = batch.manifest.started_at[:10]
    assert rows[-1]["id"] > 0
    assert [item for item in rows if item["luc"][:10] < now] == held(database, f"luc < '{now}'")


def test_a_table_that_is_not_there_is_one_line(table: Puller) -> None:
    table.fetch.update(path="/tinh/khong-co.json", paging={"kind": "none"})
    with pytest.raises(ProviderError, match=r"HTTP 404 from 127\.0\.0\.1"):
        table()


def test_its_errors_inside_json_are_no_rows(table: Puller) -> None:
    """An option it refuses answers with HTTP 400 and a JSON envelope without rows."""
    table.fetch["params"] = {"_size": "301"}
    table.fetch["paging"] = {"kind": "none"}
    with pytest.raises(ProviderError, match="HTTP 400"):
        table()
