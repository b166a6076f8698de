"""SQLAlchemy reads a lent DuckDB connection and leaves it as it was.

Data flow: an open connection with an attached file -> ``lent`` -> an engine -> statements.

Run it alone: ``pytest tests/checks/test_dialect.py``.

What does not belong here: Great Expectations.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from checks.dialect import lent


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        opened.execute(f"ATTACH '{tmp_path / 'stg.duckdb'}' AS stg")
        opened.execute("CREATE TABLE stg.main.hang (ma VARCHAR, so DECIMAL(18,2), co VARCHAR[])")
        opened.execute("INSERT INTO stg.main.hang VALUES ('A1', 1.5, NULL), ('xA1x', 2, ['y'])")
        yield opened


@pytest.fixture
def engine(connection: duckdb.DuckDBPyConnection) -> Iterator[sa.Engine]:
    with lent(connection) as url:
        made = sa.create_engine(url)
        yield made
        made.dispose()


HANG = sa.table(sa.quoted_name("stg.main.hang", quote=False), sa.column("ma"), sa.column("so"))


def test_rows_can_be_fetched_after_the_connection_is_closed(engine: sa.Engine) -> None:
    with engine.connect() as opened:
        first = opened.execute(sa.select(HANG.c.so).order_by(HANG.c.so))
        second = opened.execute(sa.select(sa.func.count()).select_from(HANG))
    assert [float(row[0]) for row in first.fetchall()] == [1.5, 2]
    assert second.scalar() == 2


def test_regular_expressions_search_as_in_postgresql(engine: sa.Engine) -> None:
    matches = HANG.c.ma.op("~")("A[0-9]")
    with engine.connect() as opened:
        assert opened.execute(sa.select(sa.func.count()).where(matches)).scalar() == 2
        anchored = HANG.c.ma.op("!~")("^A[0-9]$")
        assert opened.execute(sa.select(HANG.c.ma).where(anchored)).scalars().all() == ["xA1x"]
        other = opened.execute(sa.select(HANG.c.ma.op("||")("!")).order_by(HANG.c.ma)).scalars()
        assert other.all() == ["A1!", "xA1x!"]


def test_the_callers_transaction_is_left_alone(
    connection: duckdb.DuckDBPyConnection, engine: sa.Engine
) -> None:
    connection.begin()
    connection.execute("INSERT INTO stg.main.hang VALUES ('B', 0, NULL)")
    with engine.connect() as opened:
        assert opened.execute(sa.select(sa.func.count()).select_from(HANG)).scalar() == 2
        opened.rollback()
    with engine.begin() as opened:
        opened.execute(sa.text("SELECT 1"))
    engine.dispose()
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM stg.main.hang").fetchone() == (2,)


def test_statements_run_in_the_time_zone_of_the_caller() -> None:
    with duckdb.connect(":memory:") as connection:
        for zone in ("Asia/Ho_Chi_Minh", "UTC"):
            connection.execute(f"SET TimeZone = '{zone}'")
            with lent(connection) as url, sa.create_engine(url).connect() as opened:
                found = opened.execute(sa.text("SELECT current_setting('TimeZone')")).scalar()
            assert found == zone


def test_columns_are_described(engine: sa.Engine) -> None:
    inspector = sa.inspect(engine)
    columns = inspector.get_columns("stg.main.hang")
    assert [(column["name"], type(column["type"]).__name__) for column in columns] == [
        ("ma", "String"),
        ("so", "Numeric"),
        ("co", "String"),
    ]
    assert inspector.get_pk_constraint("stg.main.hang")["constrained_columns"] == []
    with pytest.raises(NoSuchTableError):
        inspector.get_columns("stg.main.khong_co")


@pytest.mark.parametrize(("limit", "rows"), [(0, 0), (1, 1), (None, 2)])
def test_limits(engine: sa.Engine, limit: int | None, rows: int) -> None:
    select = sa.select(HANG.c.ma).limit(limit)
    with engine.connect() as opened:
        assert len(opened.execute(select).fetchall()) == rows
    assert ("LIMIT 0" in str(select.compile(engine))) == (limit == 0)


def test_an_error_of_duckdb_is_an_error_of_sqlalchemy(engine: sa.Engine) -> None:
    with engine.connect() as opened, pytest.raises(DBAPIError):
        opened.execute(sa.text("SELECT khong_co FROM stg.main.hang"))


def test_two_connections_lent_at_once_are_kept_apart() -> None:
    with duckdb.connect(":memory:") as one, duckdb.connect(":memory:") as two:
        one.execute("CREATE TABLE t AS SELECT 1 AS x")
        two.execute("CREATE TABLE t AS SELECT 2 AS x")
        with lent(one) as first, lent(two) as second:
            found = []
            for url in (first, second):
                engine = sa.create_engine(url)
                with engine.connect() as opened:
                    found.append(opened.execute(sa.text("SELECT x FROM t")).scalar())
        assert found == [1, 2]


def test_what_was_lent_is_not_reachable_afterwards() -> None:
    with duckdb.connect(":memory:") as connection, lent(connection) as url:
        pass
    with pytest.raises(KeyError):
        sa.create_engine(url).connect()
