"""A published table as Parquet: written masked from the lake, or linked from the last generation.

Data flow: a :class:`~warehouse.publish.table.PublishedTable` and a connection at one snapshot of
the lake -> ``parquet/<schema>/<table>.parquet``, or for a large table a folder of that name with
several files -> their sizes and digests. Rows go through DuckDB alone, and what a file's
statistics and dictionaries hold is what came out of the masks.

Run it alone: ``pytest tests/warehouse/publish/test_build.py``.

What does not belong here: which rows a file has to have (``build``).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import duckdb

from warehouse.lake import quote
from warehouse.publish.manifest import Stored, Table
from warehouse.publish.table import PublishedTable

FOLDER = "parquet"
MANY_ROWS = 5_000_000
"""A table with more rows is divided into files."""
FILE_BYTES = 256_000_000
"""Size at which the next file begins, before compression; a row group is not divided."""
_COMPRESSION = "FORMAT parquet, COMPRESSION zstd"


def path_of(name: str) -> str:
    """Return where a table's files lie in a generation, without their ending."""
    return f"{FOLDER}/{name.replace('.', '/')}"


def write(
    connection: duckdb.DuckDBPyConnection,
    table: PublishedTable,
    rows: int,
    generation: Path,
) -> list[Stored]:
    """Write a table's rows; returns its files in their order."""
    place = generation / path_of(table.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    if rows > MANY_ROWS:
        connection.execute(
            f"COPY ({table.query}) TO '{quote(place)}' ({_COMPRESSION}, "
            f"FILE_SIZE_BYTES {FILE_BYTES}, FILENAME_PATTERN '{place.name}-{{i}}')"
        )
        files = sorted(place.iterdir(), key=lambda path: int(path.stem.rpartition("-")[2]))
    else:
        file = place.with_name(f"{place.name}.parquet")
        connection.execute(f"COPY ({table.query}) TO '{quote(file)}' ({_COMPRESSION})")
        files = [file]
    return [_described(generation, file) for file in files]


def link(old: Path, new: Path, table: Table) -> list[Stored]:
    """Take a table's files over from the last generation: the same files, in no more room."""
    for file in table.files:
        target = new / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(old / file.path, target)
        except OSError:  # a disk without links
            shutil.copyfile(old / file.path, target)
    return table.files


def scan(generation: Path, files: list[Stored]) -> str:
    """Return SQL that reads a table's files."""
    listed = ", ".join(f"'{quote(generation / file.path)}'" for file in files)
    return f"read_parquet([{listed}])"


def _described(generation: Path, path: Path) -> Stored:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Stored(path.relative_to(generation).as_posix(), path.stat().st_size, digest)
