"""The published DuckDB file: every table with its comments, and what it is as of when.

Data flow: the generation's own Parquet files, which are masked -> one DuckDB file, in a storage
version that DuckDB 1.4 and later read. It is made from nothing but those files, so that there is
no second place where a value could slip by its mask, and file and folder say the same.

Run it alone: ``pytest tests/warehouse/publish/test_build.py``.

What does not belong here: Parquet files (``parquet``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from warehouse.lake import quote
from warehouse.publish import parquet
from warehouse.publish.manifest import Manifest, Source, Table
from warehouse.publish.table import PublishedTable

NAME = "kho_du_lieu.duckdb"
STORAGE = "v1.4.0"
"""Oldest DuckDB that has to read the file; DuckDB writes what that one knows."""
ABOUT = "hub_xuat_ban"

_ABOUT_COLUMNS = {
    "bang": ("VARCHAR", "Bảng (table)"),
    "ten": ("VARCHAR", "Tên bảng (title)"),
    "phien_ban": ("VARCHAR", "Phiên bản hợp đồng dữ liệu (version of the contract)"),
    "cot_che": ("VARCHAR[]", "Các cột đã che (masked columns)"),
    "han_gio": ("DOUBLE", "Số giờ cho phép từ lần kiểm tra cuối (deadline in hours)"),
    "nguon": ("VARCHAR", "Hệ thống nguồn (source system)"),
    "ten_nguon": ("VARCHAR", "Tên hệ thống nguồn (title of the source)"),
    "so_dong": ("BIGINT", "Số dòng từ nguồn này (rows of this source)"),
    "nap_luc": ("TIMESTAMPTZ", "Dữ liệu thay đổi lần cuối (when rows last changed)"),
    "kiem_tra_luc": ("TIMESTAMPTZ", "Nguồn trả lời tốt lần cuối (last good answer of the source)"),
    "anh_chup": ("BIGINT", "Ảnh chụp kho mà mọi bảng được lấy (snapshot of the warehouse)"),
    "anh_chup_luc": ("TIMESTAMPTZ", "Thời điểm của ảnh chụp (time of the snapshot)"),
    "tao_luc": ("TIMESTAMPTZ", "Thời điểm tạo tệp này (when this file was made)"),
}


def write(
    connection: duckdb.DuckDBPyConnection,
    generation: Path,
    manifest: Manifest,
    tables: list[PublishedTable],
    sources: Mapping[str, list[Source]],
) -> None:
    """Write the file.

    Args:
        connection: Any; it needs no lake.
        generation: Folder with the Parquet files.
        manifest: What is in them.
        tables: The same tables, described.
        sources: Table -> what each system contributed.
    """
    connection.execute(
        f"ATTACH '{quote(generation / NAME)}' AS published (STORAGE_VERSION '{STORAGE}')"
    )
    for schema in sorted({table.contract.schema for table in tables}):
        connection.execute(f"CREATE SCHEMA published.{schema}")
    for table in tables:
        stored = manifest.table(table.name)
        assert stored is not None  # noqa: S101 - the manifest was made of these tables
        _table(connection, generation, table, stored)
    _about(connection, manifest, tables, sources)
    connection.execute("DETACH published")


def _table(
    connection: duckdb.DuckDBPyConnection, generation: Path, table: PublishedTable, stored: Table
) -> None:
    name = f"published.{table.name}"
    columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in table.columns)
    connection.execute(f"CREATE TABLE {name} ({columns})")
    connection.execute(f"INSERT INTO {name} FROM {parquet.scan(generation, stored.files)}")
    connection.execute(f"COMMENT ON TABLE {name} IS '{quote(table.comment)}'")
    for column in table.columns:
        connection.execute(
            f"COMMENT ON COLUMN {name}.\"{column.name}\" IS '{quote(column.comment)}'"
        )


def _about(
    connection: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    tables: list[PublishedTable],
    sources: Mapping[str, list[Source]],
) -> None:
    """Write the table that says of each table and source how new it is."""
    name = f"published.main.{ABOUT}"
    listed = ", ".join(f"{column} {kind}" for column, (kind, _) in _ABOUT_COLUMNS.items())
    connection.execute(f"CREATE TABLE {name} ({listed})")
    connection.execute(
        f"COMMENT ON TABLE {name} IS 'Các bảng trong tệp này, nguồn và độ mới; mỗi dòng là một "
        "bảng của một nguồn (tables of this file, their sources and how fresh they are)'"
    )
    for column, (_, comment) in _ABOUT_COLUMNS.items():
        connection.execute(f"COMMENT ON COLUMN {name}.{column} IS '{quote(comment)}'")
    marks = ", ".join("?" for _ in _ABOUT_COLUMNS)
    as_of = [manifest.snapshot, manifest.snapshot_at, manifest.made_at]
    for table in tables:
        contract = table.contract
        of_table = [contract.table, contract.title, contract.version, list(table.masked),
                    contract.freshness_hours]  # fmt: skip
        of_sources = [
            [source.name, source.title, source.rows, source.loaded_at, source.checked_at]
            for source in sources[table.name]
        ]
        for of_source in of_sources or [[None, None, 0, None, None]]:  # nothing filled it yet
            connection.execute(
                f"INSERT INTO {name} VALUES ({marks})", [*of_table, *of_source, *as_of]
            )
