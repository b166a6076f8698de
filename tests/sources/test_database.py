"""Real PostgreSQL and MariaDB servers: every row as the server itself writes it, or one line why.

Both run where Debian's packages are installed (``.ci/run`` does that); else these are skipped.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hub.errors import ConfigurationError, HubError, InternalError, ProviderError, TransientError
from sources import database as database_kind
from sources.landing import LandedBatch, Position
from tests.sources.conftest import Puller, landed_lines
from tests.sources.databases import PASSWORD, PERCENT, Server, mariadb, postgres
from warehouse.readers.batch import read_batch

ROWS = 10_000
COLUMNS = ("ma", "ten", "ngay", "luc", "tien", "tre", "kieu")
POSTGRES = f"""
    CREATE TABLE "Hồ sơ" (
        ma int PRIMARY KEY, ten text, ngay date, luc timestamptz, tien numeric, tre boolean,
        kieu jsonb, ghi bytea);
    INSERT INTO "Hồ sơ" SELECT i,
        CASE WHEN i % 7 = 0 THEN NULL ELSE 'Nguyễn Thị Đào "' || i || E'"\\n\\\\ \\t xã Ỷ La' END,
        date '2026-01-01' + i % 365,
        timestamptz '2026-01-01 00:00:00Z' + i * interval '1 minute',
        CASE WHEN i % 11 = 0 THEN NULL ELSE i * 1234567890123456789.012345678901234567 END,
        i % 2 = 0, jsonb_build_object('số', i), decode('00ff', 'hex')
    FROM generate_series(1, {ROWS}) i"""
MARIADB = f"""
    CREATE TABLE `Hồ sơ` (
        ma int PRIMARY KEY, ten varchar(200), ngay date, luc timestamp NULL, tien decimal(60, 18),
        tre boolean, kieu json, ghi blob) CHARACTER SET utf8mb4;
    SET time_zone = '+00:00';
    INSERT INTO `Hồ sơ` SELECT seq,
        IF(seq % 7 = 0, NULL, concat('Nguyễn Thị Đào "', seq, '"\\n\\\\ \\t xã Ỷ La')),
        date '2026-01-01' + INTERVAL seq % 365 DAY,
        timestamp '2026-01-01 00:00:00' + INTERVAL seq MINUTE,
        IF(seq % 11 = 0, NULL, seq * 1234567890123456789.012345678901234567),
        seq % 2 = 0, json_object('số', seq), x'00ff'
    FROM seq_1_to_{ROWS}"""


@pytest.fixture(scope="module")
def pg() -> Iterator[Server]:
    with postgres() as server:
        server.run(POSTGRES)
        yield server


@pytest.fixture(scope="module")
def my() -> Iterator[Server]:
    with mariadb() as server:
        server.run(MARIADB)
        yield server


@pytest.fixture(params=["pg", "my"])
def database(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def reader(puller: Puller) -> Callable[..., LandedBatch]:
    """Pull with these options from that server."""

    def read(database: Server, *args: Any, url: str = "", **fetch: Any) -> LandedBatch:
        puller.kind = "database"
        puller.fetch = {"table": "Hồ sơ", "tls": "off", "order": ["ma"], **fetch}
        puller.environment["THU_URL"] = url or database.url()
        return puller(*args)

    return read


def rows(batch: LandedBatch) -> list[dict[str, Any]]:
    return [json.loads(line) for line in landed_lines(batch)]


def expected(number: int, *, is_pg: bool) -> dict[str, Any]:
    """Return a row as Python would write it, worked out without any database."""
    whole = number * 1234567890123456789012345678901234567
    day = datetime(2026, 1, 1).toordinal() + number % 365  # noqa: DTZ001 - a day
    minutes = 7 * 60 + number
    luc = datetime.fromordinal(datetime(2026, 1, 1).toordinal() + minutes // 1440)  # noqa: DTZ001 - a day
    late = number % 2 == 0
    return {
        "ma": str(number),
        "ten": None if number % 7 == 0 else f'Nguyễn Thị Đào "{number}"\n\\ \t xã Ỷ La',
        "ngay": datetime.fromordinal(day).date().isoformat(),
        "luc": f"{luc.date()} {minutes // 60 % 24:02}:{minutes % 60:02}:00",
        "tien": None if number % 11 == 0 else f"{str(whole)[:-18]}.{str(whole)[-18:]}",
        "tre": str(late).lower() if is_pg else str(int(late)),
        "kieu": f'{{"số": {number}}}',
    }


def test_every_row_equals_the_servers_own(
    database: Server, reader: Callable[..., LandedBatch]
) -> None:
    batch = reader(database, columns=COLUMNS, page_size=3000)
    is_pg = database.scheme == "postgresql"
    assert rows(batch) == [expected(number, is_pg=is_pg) for number in range(1, ROWS + 1)]
    assert (batch.manifest.rows, batch.manifest.claimed) == (ROWS, ROWS)
    assert sum(file.rows or 0 for file in batch.manifest.files) == ROWS
    assert max(file.rows or 0 for file in batch.manifest.files) <= 3000


def test_staging_reads_what_was_landed(
    database: Server, reader: Callable[..., LandedBatch]
) -> None:
    batch = reader(database, columns=COLUMNS)
    is_pg = database.scheme == "postgresql"
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS stg")
        read_batch(connection, batch, COLUMNS, {})
        listed = ", ".join(COLUMNS)
        found = connection.execute(f"SELECT {listed} FROM stg.main.tho ORDER BY _row").fetchall()
    assert found == [tuple(expected(number, is_pg=is_pg).values()) for number in range(1, ROWS + 1)]


def test_bytes_that_are_no_text_are_landed_as_hexadecimal(
    database: Server, reader: Callable[..., LandedBatch]
) -> None:
    ghi = {row["ghi"].lower() for row in rows(reader(database, columns=("ghi",)))}
    # Two bytes that happen to be UTF-8 would be text in MySQL, which calls JSON bytes too.
    assert ghi == {r"\x00ff"}


def test_a_query_is_read_as_a_table_is(
    database: Server, reader: Callable[..., LandedBatch]
) -> None:
    table = '"Hồ sơ"' if database.scheme == "postgresql" else "`Hồ sơ`"
    query = f"SELECT ma, count(*) OVER () AS n FROM {table} WHERE ma <= 3 -- ba dòng\n;"
    batch = reader(database, table=None, query=query)
    assert rows(batch) == [{"ma": str(ma), "n": "3"} for ma in (1, 2, 3)]


def test_equal_content_is_an_equal_batch_and_an_empty_table_an_empty_one(
    database: Server, reader: Callable[..., LandedBatch]
) -> None:
    assert reader(database).id == reader(database).id
    database.run("CREATE TABLE trong (ma int)")
    empty = reader(database, table="trong")
    assert (empty.manifest.rows, empty.manifest.claimed, empty.manifest.files) == (0, 0, [])


@pytest.mark.parametrize("column", ["luc", "ngay"])
def test_an_incremental_pull_brings_what_is_new_and_what_has_no_time(
    database: Server, reader: Callable[..., LandedBatch], puller: Puller, column: str
) -> None:
    kind = "timestamptz" if database.scheme == "postgresql" else "timestamp NULL"
    database.run(f"DROP TABLE IF EXISTS moi; CREATE TABLE moi (ma int, ngay date, luc {kind})")
    zone = "+07" if database.scheme == "postgresql" else ""
    written = ", ".join(
        f"({ma}, {day}, {moment})"
        for ma, day, moment in (
            (1, "'2026-09-30'", f"'2026-09-30 08:29:59{zone}'"),
            (2, "'2026-10-01'", f"'2026-10-01 08:29:59{zone}'"),
            (3, "'2026-10-01'", f"'2026-10-01 08:30:00{zone}'"),
            (4, "NULL", "NULL"),
            (5, "'2026-10-02'", f"'2026-10-02 00:00:00{zone}'"),
        )
    )
    database.run(f"SET time_zone = '+07:00'; INSERT INTO moi VALUES {written}"
                 if not zone else f"INSERT INTO moi VALUES {written}")  # fmt: skip
    puller.dataset.update(mode="incremental", cursor="ngay", overlap_minutes=0)
    options = {"table": "moi", "since_column": column}
    assert reader(database, **options).manifest.rows == 5
    later = reader(database, Position("truoc", "2026-10-01T08:30:00"), **options)
    # A date has no hour: the whole day of the cursor is asked for again.
    assert [row["ma"] for row in rows(later)] == (
        ["3", "4", "5"] if column == "luc" else ["2", "3", "4", "5"]
    )
    until = datetime(2026, 10, 2)  # noqa: DTZ001 - Vietnam time
    window = puller(since=datetime(2026, 10, 1, 8, 30), until=until)  # noqa: DTZ001 - as above
    assert {row["ma"] for row in rows(window)} == {row["ma"] for row in rows(later)} - {"5"}


def test_rows_that_are_written_meanwhile_come_whole_or_not_at_all(
    database: Server, reader: Callable[..., LandedBatch]
) -> None:
    database.run("DROP TABLE IF EXISTS doi; CREATE TABLE doi (ma int)")
    stop = threading.Event()

    def write() -> None:
        for number in range(200):
            if stop.is_set():
                return
            database.run(
                f"BEGIN; INSERT INTO doi VALUES ({number}); INSERT INTO doi VALUES ({number}); "
                "COMMIT"
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            found = [row["ma"] for row in rows(reader(database, table="doi", page_size=7))]
            assert found[::2] == found[1::2]
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize(
    ("change", "kind", "what"),
    [
        (
            {"password": "sai-mat-khau"},
            ConfigurationError,
            "refused.*check user and password, in THU_URL",
        ),
        ({"host": "khong-co.invalid"}, ConfigurationError, "name is not known"),
        ({"name": "khac"}, ConfigurationError, "no such database"),
        ({"table": "khong_co"}, ProviderError, r"no table (kho\.)?khong_co "),
        ({"columns": ["ma", "cot_la"]}, ProviderError, r"no column cot_la \(there are: ma, ten"),
        ({"table": None, "query": "SELECT cot_la"}, ProviderError, "no column cot_la "),
        ({"table": None, "query": "SELEC 1"}, ConfigurationError, "does not understand"),
        ({"since_column": "ten"}, ConfigurationError, "holds no dates or times"),
        ({"tls": "verify-full"}, ConfigurationError, "no trusted TLS"),
    ],
)
def test_a_mistake_is_one_line_without_secret(
    database: Server,
    reader: Callable[..., LandedBatch],
    change: dict[str, Any],
    kind: type[HubError],
    what: str,
) -> None:
    place = {name: change[name] for name in ("password", "host", "name") if name in change}
    fetch = {name: value for name, value in change.items() if name not in place}
    with pytest.raises(kind, match=what) as caught:
        reader(database, url=database.url(**place), **fetch)
    line = str(caught.value)
    assert line.startswith("tinh/thu/thu")
    assert "\n" not in line
    for secret in (PASSWORD, PERCENT, "sai-mat-khau", "doc_kho"):
        assert secret not in line


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_hangs_up_is_asked_again(puller: Puller, scheme: str) -> None:
    calls: list[object] = []

    def hang_up() -> None:
        while True:
            try:
                connection, caller = door.accept()
            except OSError:
                return
            calls.append(caller)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as door:
        listener = threading.Thread(target=hang_up)
        listener.start()
        puller.kind, puller.fetch = "database", {"table": "t", "tls": "off"}
        port = door.getsockname()[1]
        puller.environment["THU_URL"] = f"{scheme}://ai:gi@127.0.0.1:{port}/kho"
        with pytest.raises(TransientError, match="does not answer, or hung up"):
            puller()
        door.shutdown(socket.SHUT_RDWR)
        listener.join()
    assert len(calls) >= 3


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_is_not_there_is_named(puller: Puller, scheme: str) -> None:
    puller.kind, puller.fetch = "database", {"table": "t"}
    puller.environment["THU_URL"] = f"{scheme}://ai:gi@127.0.0.1:1/kho"
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1/kho: the database does not answer"):
        puller()


def test_a_reader_that_is_killed_is_no_end_of_the_table(
    pg: Server, reader: Callable[..., LandedBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hand_over_and_kill(process: subprocess.Popen[bytes], _: object) -> None:
        process.kill()
        process.wait()

    monkeypatch.setattr(database_kind, "_hand_over", hand_over_and_kill)
    with pytest.raises(TransientError, match="ended before it was done"):
        reader(pg)


def test_a_scanner_that_is_not_installed_is_told(
    puller: Puller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "duckdb_extension_postgres_scanner.py").write_text("raise ValueError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    puller.kind, puller.fetch = "database", {"table": "t"}
    puller.environment["THU_URL"] = "postgresql://ai:gi@127.0.0.1:1/kho"
    with pytest.raises(InternalError, match="unforeseen ValueError at"):
        puller()


def test_users_and_passwords_of_the_environment_are_not_used(
    pg: Server, reader: Callable[..., LandedBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with pytest.raises(ConfigurationError, match="refused"):
        reader(pg, url=f"postgresql://doc_kho@127.0.0.1:{pg.port}/kho")


def test_a_row_that_breaks_the_statement_is_not_quoted(
    pg: Server, reader: Callable[..., LandedBatch]
) -> None:
    query = "SELECT 'Nguyễn Văn Kín'::int AS ma"
    with pytest.raises(HubError) as caught:
        reader(pg, table=None, query=query)
    assert "Kín" not in str(caught.value)


def test_a_certificate_is_verified_against_the_authority_that_the_address_names(
    database: Server, reader: Callable[..., LandedBatch]
) -> None:
    url = f"{database.url()}?ca={database.ca}"
    assert reader(database, url=url, tls="verify-full").manifest.rows == ROWS
    assert reader(database, tls="require").manifest.rows == ROWS


def test_a_certificate_for_another_name_is_refused(
    pg: Server, reader: Callable[..., LandedBatch]
) -> None:
    url = f"{pg.url(host='localhost')}?ca={pg.ca}"
    with pytest.raises(ConfigurationError, match="no trusted TLS"):
        reader(pg, url=url, tls="verify-full")
    assert reader(pg, url=url, tls="verify-ca").manifest.rows == ROWS


def test_a_server_behind_a_unix_socket_needs_no_certificate(
    database: Server, reader: Callable[..., LandedBatch]
) -> None:
    folder = database.ca.parent
    door = folder if database.scheme == "postgresql" else folder / "door"
    url = f"{database.scheme}://doc_kho:{PERCENT}@:{database.port}/kho?host={door}"
    assert reader(database, url=url, tls="verify-full").manifest.rows == ROWS


def test_a_pooler_that_drops_the_sessions_settings_is_noticed(
    pg: Server, reader: Callable[..., LandedBatch]
) -> None:
    # As a pooler does that ignores startup parameters: here the server overrules them.
    pg.run(
        "CREATE SCHEMA gia; CREATE FUNCTION gia.current_setting(text) RETURNS text LANGUAGE sql AS "
        "$$SELECT 'SQL, DMY'$$; GRANT ALL ON SCHEMA gia TO doc_kho;"
        "ALTER USER doc_kho SET search_path = gia, pg_catalog, public"
    )
    try:
        with pytest.raises(ConfigurationError, match="other dates and times"):
            reader(pg)
    finally:
        pg.run("ALTER USER doc_kho RESET search_path")


def test_the_hub_cannot_write(pg: Server, reader: Callable[..., LandedBatch]) -> None:
    pg.run("CREATE TABLE ghi_vao (ma int); GRANT ALL ON ghi_vao TO doc_kho")
    pg.run(
        "CREATE FUNCTION them() RETURNS int LANGUAGE sql AS "
        "'INSERT INTO ghi_vao VALUES (1) RETURNING ma'"
    )
    with pytest.raises(HubError):
        reader(pg, table=None, query="SELECT them() AS ma")
    assert pg.run("SELECT count(*) FROM ghi_vao").strip() == "0"


def test_a_statement_that_never_ends_is_stopped(
    pg: Server, reader: Callable[..., LandedBatch], puller: Puller
) -> None:
    puller.limits["dataset_deadline"] = 0.5
    with pytest.raises(TransientError, match=r"deadline of 0.5 s passed|did not finish"):
        reader(pg, table=None, query="SELECT 1 AS ma FROM pg_sleep(60)")


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_accepts_and_stays_silent_is_left_at_the_deadline(
    tmp_path: Path, scheme: str
) -> None:
    definition = tmp_path / "defs.yaml"
    definition.write_text(
        "{name: tinh/kho, title: K, owner: 'team:k', kind: database, base_url: {env: KHO},"
        " limits: {dataset_deadline: 1, retries: 0}, datasets: [{name: t, title: T, contract: t,"
        " columns: {ma: ma}, fetch: {table: t, tls: 'off'}}]}"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"{scheme}://ai:gi@127.0.0.1:{silent.getsockname()[1]}/kho"
        done = subprocess.run(
            [sys.executable, "-m", "sources.pull", definition, "t", tmp_path / "landing"],
            env={**os.environ, "KHO": address},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert re.fullmatch(
        r"tinh/kho/t at .*(deadline of 1 s passed|does not answer).*\n", done.stderr
    )
