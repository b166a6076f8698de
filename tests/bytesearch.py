"""Search a whole folder for texts, in everything decompressed: the proof that somebody is gone.

Data flow: every file below a folder -> its bytes, and what is packed in them: Parquet values and
statistics, tables and comments of DuckDB files, bodies of journals, gzip, members of archives and
workbooks -> the files that hold one of the texts. SQLite files are searched raw, free pages and
logs included.

What does not belong here: how anything is removed.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import zstandard

from sources.journal_file import entries


def holding(folder: Path, texts: list[str]) -> list[str]:
    """Return the files that hold one of the texts, and which."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for data in _unpacked(path):
                found += [
                    f"{path.relative_to(folder)}: {number}"
                    for number, text in enumerate(texts)
                    if text.encode() in data or text.encode("utf-16-le") in data
                ]
    return found


def _unpacked(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    yield data
    if data.startswith(b"PAR1"):
        connection = duckdb.connect()
        name = str(path).replace("'", "''")
        for sql in (f"SELECT * FROM '{name}'", f"FROM parquet_metadata('{name}')"):
            yield repr(connection.execute(sql).fetchall()).encode()
        connection.close()
    if data[8:12] == b"DUCK":
        with duckdb.connect(str(path), read_only=True) as connection:
            for sql in (
                "SELECT comment FROM duckdb_tables()",
                "SELECT comment FROM duckdb_columns()",
                *(
                    f"FROM {name}"
                    for (name,) in connection.execute(
                        "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
                    ).fetchall()
                ),
            ):
                yield repr(connection.execute(sql).fetchall()).encode()
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield archive.read(member)
    if path.name.startswith(".journal"):
        with path.open("rb") as file:
            file.readline()
            for entry, begin in entries(file):
                yield zstandard.ZstdDecompressor().decompress(data[begin : begin + entry.size])
