"""Where the next pull begins: never behind a change that this one may have passed over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from hub.settle import _cursor

ASKED = datetime(2026, 10, 1, 19, 0, tzinfo=UTC)
"""02:00 of the next day in Viet Nam."""


@pytest.fixture
def staged() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Ho_Chi_Minh'")
        connection.execute("ATTACH ':memory:' AS stg")
        connection.execute("CREATE TABLE stg.main.hang (_row BIGINT, cap_nhat TIMESTAMP)")
        connection.execute("CREATE TABLE stg.main.vi_pham (_row BIGINT)")
        yield connection


def hold(connection: duckdb.DuckDBPyConnection, *moments: str) -> None:
    connection.executemany(
        "INSERT INTO stg.main.hang VALUES (?, ?::TIMESTAMP)", list(enumerate(moments))
    )


def test_the_newest_accepted_change_is_the_next_starting_point(
    staged: duckdb.DuckDBPyConnection,
) -> None:
    hold(staged, "2026-10-01 08:30", "2026-10-02 01:59:59", "2026-10-02 01:59:58")
    staged.execute("INSERT INTO stg.main.vi_pham VALUES (1)")
    assert _cursor(staged, "cap_nhat", ASKED, None) == "2026-10-02T01:59:58"
    assert _cursor(staged, "cap_nhat", ASKED, "2026-10-05T00:00:00") == "2026-10-05T00:00:00"


def test_a_change_made_while_the_list_was_read_does_not_move_it(
    staged: duckdb.DuckDBPyConnection,
) -> None:
    """Another row may have changed a second before it, on a page that was read already."""
    hold(staged, "2026-10-02 01:00", "2026-10-02 02:00:00", "2026-10-02 02:00:01", "2926-01-01")
    assert _cursor(staged, "cap_nhat", ASKED, None) == "2026-10-02T02:00:00"


def test_without_rows_or_column_it_stays(staged: duckdb.DuckDBPyConnection) -> None:
    assert _cursor(staged, "cap_nhat", ASKED, None) is None
    assert _cursor(staged, "cap_nhat", ASKED, "2026-10-01T00:00:00") == "2026-10-01T00:00:00"
    hold(staged, "2026-10-02 01:00")
    assert _cursor(staged, None, ASKED, "2026-10-01T00:00:00") == "2026-10-01T00:00:00"
