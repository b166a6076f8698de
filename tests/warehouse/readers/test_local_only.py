"""Staging reads what lies on this machine and nothing else, whatever a file or a name says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import duckdb
import pytest

from tests.warehouse.readers.conftest import Batch
from warehouse.lake import connect


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """Return the address of a server that would answer, and what it was asked."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"a\n1\n")

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}", paths
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return the connection that staging really has."""
    with connect() as made:
        yield made


@pytest.fixture
def staging(batch: Batch, connection: duckdb.DuckDBPyConnection) -> Iterator[Batch]:
    """Return a folder with that connection."""
    connection.execute(f"ATTACH '{batch.path.parent / 'own.duckdb'}' AS stg")
    batch.connection = connection
    yield batch
    connection.execute("DETACH stg")


@pytest.mark.parametrize("reader", ["read_csv", "read_parquet", "read_json", "read_text"])
@pytest.mark.parametrize("scheme", ["http", "s3", "hf", "gcs", "az"])
def test_no_address_can_be_read(
    staging: Batch, asked: tuple[str, list[str]], reader: str, scheme: str
) -> None:
    with pytest.raises(duckdb.Error):
        staging.connection.execute(f"FROM {reader}('{scheme}://{asked[0]}/a')").fetchall()
    assert asked[1] == []


@pytest.mark.parametrize("extension", ["httpfs", "postgres_scanner", "aws", "azure"])
def test_no_extension_comes_by_itself(staging: Batch, extension: str) -> None:
    with pytest.raises(duckdb.Error):
        staging.connection.execute(f"LOAD {extension}")
    found = staging.connection.execute(
        "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
    ).fetchall()
    assert sorted(found) == [
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
    ]


def test_addresses_in_files_are_text(staging: Batch, asked: tuple[str, list[str]]) -> None:
    where = f"http://{asked[0]}"
    markup = f'<svg onload="x"><image href="{where}/a"/></svg><script src="{where}"></script>'
    quoted = markup.replace('"', '""')
    staging.land(f'a,b\n{where}/b.csv,"{quoted}"\n'.encode(), "csv")
    assert staging.read(["a", "b"])[0]["b"] == markup
    escaped = markup.replace('"', '\\"')
    staging.again(f'[{{"a": "{where}", "b": "{escaped}"}}]'.encode(), "json")
    assert staging.read(["b"])[0]["b"] == markup
    ns = f'xmlns="{where}" xmlns:xi="http://www.w3.org/2001/XInclude"'
    include = f'<xi:include href="{where}/c" parse="text"/>'
    style = f'<?xml-stylesheet href="{where}/d"?>'
    data = f"{style}<ds {ns}><r><b><![CDATA[{markup}]]>{include}</b></r></ds>"
    staging.again(data.encode(), "xml")
    assert staging.read(["b"], {"record": "r"})[0]["b"] == markup
    assert asked[1] == []
