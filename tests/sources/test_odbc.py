"""PostgreSQL through its ODBC driver, as SQL Server and Oracle are read; skipped without it."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.database_address import Address, parse
from sources.landing import LandedBatch, Position
from sources.odbc import SAID
from sources.scanner import explain
from tests.sources.conftest import Puller, landed_lines
from tests.sources.databases import PASSWORD, USER, Server, postgres

ROWS = 5_000
TABLE = f"""
    CREATE TABLE "Hồ sơ" (
        ma int PRIMARY KEY, ten text, ngay date, luc timestamp, tien numeric(30, 6), ghi bytea);
    INSERT INTO "Hồ sơ" SELECT i,
        CASE WHEN i % 7 = 0 THEN NULL ELSE 'Nguyễn Thị Đào "' || i || E'"\\n\\\\ \\t xã Ỷ La' END,
        date '2026-01-01' + i % 365, timestamp '2026-01-01 00:00:00' + i * interval '1 minute',
        CASE WHEN i % 11 = 0 THEN NULL ELSE i * 123456789012345678.012345 END, decode('00ff', 'hex')
    FROM generate_series(1, {ROWS}) i"""

needs_driver = pytest.mark.skipif(
    shutil.which("odbcinst") is None
    or "PostgreSQL Unicode" not in Path("/etc/odbcinst.ini").read_text(encoding="utf-8"),
    reason="needs Debian's odbc-postgresql",
)


@pytest.fixture(scope="module")
def pg() -> Iterator[Server]:
    with postgres() as server:
        server.run(TABLE)
        yield server


def place(port: int, **changed: str) -> str:
    attributes = {
        "Driver": "{PostgreSQL Unicode}", "Server": "127.0.0.1", "Port": str(port),
        "Database": "kho", "SSLmode": "disable", **changed,
    }  # fmt: skip
    return ";".join(f"{name}={value}" for name, value in attributes.items())


@pytest.fixture
def odbc(puller: Puller) -> Puller:
    puller.kind = "database"
    puller.fetch = {"table": "Hồ sơ", "order": ["ma"]}
    puller.auth = {
        "kind": "basic",
        "username": {"env": "THU_USER"},
        "password": {"env": "THU_PASS"},
    }
    puller.environment = {"THU_USER": USER, "THU_PASS": PASSWORD}
    return puller


@pytest.fixture
def reader(odbc: Puller, pg: Server) -> Callable[..., LandedBatch]:
    """Pull with these options and attributes of the connection."""

    def read(*args: Any, attributes: dict[str, str] | None = None, **fetch: Any) -> LandedBatch:
        odbc.fetch.update(fetch)
        odbc.environment["THU_URL"] = place(pg.port, **attributes or {})
        return odbc(*args)

    return read


def rows(batch: LandedBatch) -> list[dict[str, Any]]:
    return [json.loads(line) for line in landed_lines(batch)]


@needs_driver
def test_every_row_equals_the_servers_own(pg: Server, reader: Callable[..., LandedBatch]) -> None:
    batch = reader(page_size=1500)
    listed = pg.run(
        "SET datestyle = ISO; SELECT json_build_object("
        "'ma', ma::text, 'ten', ten, 'ngay', ngay::text, 'luc', luc::text,"
        " 'tien', tien::text, 'ghi', ghi::text) FROM \"Hồ sơ\" ORDER BY ma"
    )
    own = [json.loads(line) for line in listed.splitlines()]
    assert [{**row, "ghi": row["ghi"].lower()} for row in rows(batch)] == own
    assert len(own) == ROWS == batch.manifest.claimed
    assert [file.rows for file in batch.manifest.files][-1] <= 1500  # type: ignore[operator]
    assert batch.manifest.files[0].url == f"odbc://127.0.0.1:{pg.port}/kho"


@needs_driver
def test_a_query_and_an_empty_table(pg: Server, reader: Callable[..., LandedBatch]) -> None:
    pg.run("CREATE TABLE trong (ma int)")
    query = 'SELECT ma, ten FROM "Hồ sơ" WHERE ma <= 3 -- ba dòng\n;'
    assert [row["ma"] for row in rows(reader(table=None, query=query))] == ["1", "2", "3"]
    empty = reader(table="trong", query=None).manifest
    assert (empty.rows, empty.claimed, empty.files) == (0, 0, [])


@needs_driver
@pytest.mark.parametrize("column", ["luc", "ngay"])
def test_an_incremental_pull_brings_what_is_new(
    pg: Server, reader: Callable[..., LandedBatch], odbc: Puller, column: str
) -> None:
    pg.run(
        "DROP TABLE IF EXISTS moi; CREATE TABLE moi (ma int, ngay date, luc timestamp); "
        "INSERT INTO moi VALUES (1, '2026-09-30', '2026-09-30 08:29:59'), "
        "(2, '2026-10-01', '2026-10-01 08:29:59'), (3, '2026-10-01', '2026-10-01 08:30:00'), "
        "(4, NULL, NULL), (5, '2026-10-02', '2026-10-02 00:00:00')"
    )
    odbc.dataset.update(mode="incremental", cursor="ngay", overlap_minutes=0)
    later = reader(Position("truoc", "2026-10-01T08:30:00"), table="moi", since_column=column)
    found = [row["ma"] for row in rows(later)]
    assert found == (["3", "4", "5"] if column == "luc" else ["2", "3", "4", "5"])
    until = datetime(2026, 10, 2)  # noqa: DTZ001 - Vietnam time
    window = odbc(since=datetime(2026, 10, 1, 8, 30), until=until)  # noqa: DTZ001 - as above
    assert [row["ma"] for row in rows(window)] == [ma for ma in found if ma != "5"]


@needs_driver
@pytest.mark.parametrize(
    ("change", "kind", "what"),
    [
        ({"THU_PASS": "sai-mat-khau"}, ConfigurationError, "user name or password is refused"),
        ({"Driver": "{Khong co}"}, ConfigurationError, "no such ODBC driver"),
        ({"Server": "khong-co.invalid"}, ConfigurationError, "name is not known"),
        ({"Database": "khac"}, ConfigurationError, "no such database"),
        ({"Port": "1"}, TransientError, "does not answer"),
        ({"table": "khong_co"}, ProviderError, "no table khong_co "),
        ({"columns": ["ma", "cot_la"]}, ProviderError, r"no column cot_la \(there are: ma, ten"),
        ({"table": None, "query": "SELECT cot_la"}, ProviderError, "no column cot_la "),
        ({"table": None, "query": "SELEC 1"}, ConfigurationError, "does not understand"),
        ({"table": None, "query": "SELECT 1/0 AS ma"}, ProviderError, "SQLSTATE 22012"),
        ({"since_column": "ten"}, ConfigurationError, "holds no dates or times"),
        ({"SSLmode": "verify-full"}, ConfigurationError, "no trusted TLS"),
    ],
)
def test_a_mistake_is_one_line_without_secret(
    odbc: Puller,
    reader: Callable[..., LandedBatch],
    change: dict[str, Any],
    kind: type[HubError],
    what: str,
) -> None:
    attributes = {name: value for name, value in change.items() if name[0].isupper()}
    odbc.environment["THU_PASS"] = attributes.pop("THU_PASS", PASSWORD)
    fetch = {name: value for name, value in change.items() if name[0].islower()}
    with pytest.raises(kind, match=what) as caught:
        reader(attributes=attributes, **fetch)
    line = str(caught.value)
    assert line.startswith("tinh/thu/thu")
    assert "\n" not in line
    for secret in (PASSWORD, "sai-mat-khau", USER):
        assert secret not in line


@needs_driver
def test_a_server_that_accepts_and_stays_silent_is_left_at_the_deadline(odbc: Puller) -> None:
    odbc.limits = {"dataset_deadline": 1, "retries": 0}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        odbc.environment["THU_URL"] = place(silent.getsockname()[1])
        with pytest.raises(TransientError, match=r"deadline of 1 s passed|does not answer"):
            odbc()


def test_user_and_password_may_have_variables_of_their_own(odbc: Puller, pg: Server) -> None:
    """For PostgreSQL and MySQL too, whose address may hold them as well."""
    odbc.fetch["tls"] = "off"
    odbc.environment["THU_URL"] = f"postgresql://127.0.0.1:{pg.port}/kho"
    assert odbc().manifest.rows == ROWS
    odbc.environment["THU_URL"] = f"postgresql://ai:gi@127.0.0.1:{pg.port}/kho"
    with pytest.raises(ConfigurationError, match="stand in THU_URL and in variables of their own"):
        odbc()


def test_no_other_auth_fits_a_database(odbc: Puller) -> None:
    odbc.auth = {"kind": "bearer", "token": {"env": "THU_USER"}}
    with pytest.raises(ConfigurationError, match="knows no auth of kind bearer"):
        odbc()


@pytest.mark.parametrize(
    "address",
    [
        "Driver={x};UID=ai;Server=may",
        "Driver={x};Server=may;Pwd=gi",
        "DSN=kho;Password = gi",
        "Driver={x};Driver={y}",
        "Driver={x};Server",
        "Driver={x;Server=may",
    ],
)
def test_a_connection_string_that_holds_a_login_or_makes_no_sense_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\bURL\b") as caught:
        parse(address, "URL")
    assert "gi" not in str(caught.value).split()


def test_a_connection_string_is_read_for_what_messages_need() -> None:
    address = "Driver={ODBC Driver 18 for SQL Server};Server=may,1433;Database=kho;Encrypt=yes;"
    found = parse(address, "URL", ("ai", "gi;{}"))
    assert (found.engine, found.url) == ("odbc", "odbc://may,1433/kho")
    assert (found.user, found.password) == ("ai", "gi;{}")
    assert "gi;" not in repr(found)


@given(st.text().map(lambda rest: f"Driver={rest}"))
def test_any_connection_string_is_read_or_refused(address: str) -> None:
    with contextlib.suppress(ConfigurationError):
        assert parse(address, "URL").engine == "odbc"


@given(st.text(), st.from_regex(r"[0-9A-Z]{5}", fullmatch=True))
def test_whatever_a_driver_says_becomes_one_line_without_its_words(said: str, state: str) -> None:
    address = Address("odbc", "may", 0, "kho", "ai", "bi-mat", "", "URL", "Driver={x}")
    whole = f"'SQLExecute' failed, query: 'bi-mat', {SAID}{state}(1): bi-mat {said} bi-mat'"
    line = str(explain(duckdb.IOException(whole), address))
    assert "bi-mat" not in line
    assert "\n" not in line
