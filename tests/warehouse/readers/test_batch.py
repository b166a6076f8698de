"""A landed batch finds the reader of its medium, from the pull to the rows."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hub.errors import InternalError
from sources.landing import Landing, Position, Window
from sources.pull import pull
from sources.spec import SystemSpec
from tests.warehouse.readers.conftest import written
from tests.warehouse.readers.xls import xls
from warehouse.readers.batch import read_batch, view_batch

ROWS = [["Mã", "Tên"], ["007", "Phố Ràng"], ["8", "Bát Xát"]]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as made:
        made.execute("ATTACH ':memory:' AS stg")
        yield made


def packed(name: str, data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
    return target.getvalue()


def lines(sign: str) -> str:
    return "".join(sign.join(row) + "\r\n" for row in ROWS)


@pytest.mark.parametrize(
    ("form", "data", "options"),
    [
        ("csv", packed("cũ/a.csv", written(lines(","), "tcvn3")), {"encoding": "tcvn3"}),
        ("tsv", packed("a.tsv", lines("\t").encode("utf-16")), {"encoding": "detect"}),
        ("xls", packed("a.xls", xls(*ROWS)), {}),
        ("json", packed("a.json", '{"d":[{"Mã":"007","Tên":"Phố Ràng"},{"Mã":8,"Tên":"Bát Xát"}]}'
            .encode()), {"records": "d"}),
        ("ndjson", packed("a", '{"Mã":"007","Tên":"Phố Ràng"}\n{"Mã":8,"Tên":"Bát Xát"}'
            .encode()), {}),
        ("xml", packed("a.xml", "<a><r><Mã>007</Mã><Tên>Phố Ràng</Tên></r><r><Mã>8</Mã>"
            "<Tên>Bát Xát</Tên></r></a>".encode()), {"record": "r"}),
    ],
)  # fmt: skip
def test_from_an_archive_in_a_folder_to_rows(
    tmp_path: Path,
    connection: duckdb.DuckDBPyConnection,
    form: str,
    data: bytes,
    options: dict[str, Any],
) -> None:
    inside = tmp_path / "giao"
    inside.mkdir()
    (inside / "thang 9.zip").write_bytes(data)
    system = SystemSpec.model_validate({
        "name": "tinh/thu", "title": "Thử", "owner": "team:thu", "kind": "files",
        "datasets": [{
            "name": "thu", "title": "Thử", "contract": "thu", "columns": {"ma": "Mã", "ten": "Tên"},
            "fetch": {
                "format": form, "folder": {"env": "THU_FOLDER"}, "pattern": "*.zip",
                "zip": {"members": "*"}, "reader": options,
            },
        }],
    })  # fmt: skip
    batch = pull(
        system, system.datasets[0], position=Position(), landing=Landing(tmp_path / "landing"),
        environment={"THU_FOLDER": str(inside)},
    )  # fmt: skip
    read_batch(connection, batch, ["Mã", "Tên"], options)
    found = connection.execute('SELECT "Mã", "Tên" FROM stg.main.tho ORDER BY _row').fetchall()
    assert found == [("007", "Phố Ràng"), ("8", "Bát Xát")]


def test_media_are_not_mixed(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    with Landing(tmp_path).open("tinh/thu", "thu", Position(), Window()) as writer:
        writer.file(b"a\n", suffix=".csv", media="csv", url="x")
        writer.file(b"a\n", suffix=".tsv", media="tsv", url="x")
        batch = writer.seal()
    with pytest.raises(InternalError, match="several media: csv, tsv"):
        read_batch(connection, batch, ["a"], {})


def test_a_batch_without_files_is_an_empty_table(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    with Landing(tmp_path).open("tinh/thu", "thu", Position(), Window()) as writer:
        batch = writer.seal()
    read_batch(connection, batch, ["a"], {"delimiter": ";"})
    assert connection.execute("SELECT * FROM stg.main.tho").fetchall() == []


def test_pages_of_the_hubs_own_are_read_where_they_lie(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    with Landing(tmp_path).open("tinh/thu", "thu", Position(), Window()) as writer:
        writer.page([b'{"Ma":"a"}', b"{}"], url="x")
        writer.page([b'{"Ma":"b"}'], url="y")
        batch = writer.seal()
    assert view_batch(connection, batch, ["Ma"], {}) == 3
    bare = connection.execute("SELECT Ma FROM stg.main.o").fetchall()
    seen = connection.execute("SELECT * FROM stg.main.tho ORDER BY _row").fetchall()
    assert bare == [("a",), (None,), ("b",)]
    assert seen == [
        (1, "pages/00000.ndjson", 1, "a"), (2, "pages/00000.ndjson", 2, None),
        (3, "pages/00001.ndjson", 1, "b"),
    ]  # fmt: skip
    read_batch(connection, batch, ["Ma"], {})  # a table in the place of the view
    assert connection.execute("SELECT * FROM stg.main.tho ORDER BY _row").fetchall() == seen
    assert view_batch(connection, batch, ["Ma"], {}) == 3  # and back


def test_a_file_of_somebody_else_is_copied(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    with Landing(tmp_path).open("tinh/thu", "thu", Position(), Window()) as writer:
        writer.file(b'{"Ma":"a"}', suffix=".ndjson", media="ndjson", url="x")
        batch = writer.seal()
    assert view_batch(connection, batch, ["Ma"], {}) is None
    assert connection.execute("SELECT Ma FROM stg.main.tho").fetchall() == [("a",)]
