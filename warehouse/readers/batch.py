"""A landed batch of whatever media -> ``stg.main.tho``: chooses the reader.

Data flow: manifest -> the module named after the files' media -> ``stg.main.tho`` with ``_row``,
``_file``, ``_line`` and one text column per source field. A batch holds files of one medium; one
without any file (an incremental pull that found nothing) makes an empty table. A reader whose
records carry files (``KEEPS_FILES``) is given the store beside landing to put them into.

Run it alone: ``pytest tests/warehouse/readers``.

What does not belong here: reading any medium.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any

import duckdb

from hub.errors import InternalError
from sources.landing import LandedBatch
from warehouse.attachment_store import FOLDER, Store
from warehouse.readers.options import store

_SHARED = {"xls": "xlsx", "tsv": "csv"}
"""Media that another one's module reads too."""


def reader_of(media: str) -> ModuleType:
    """Return the module that reads a medium."""
    return import_module(f"warehouse.readers.{_SHARED.get(media, media)}")


def read_batch(
    connection: duckdb.DuckDBPyConnection,
    batch: LandedBatch,
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Fill ``stg.main.tho`` from a batch.

    Args:
        connection: Has the staging file attached as ``stg``.
        batch: What was landed.
        fields: Source fields that the definition maps.
        options: The definition's options for the reader.

    Raises:
        ProviderError: A file is not what its medium says.
    """
    forget(connection)
    reader = _reader(batch)
    if reader is None:
        store(connection, fields, [])
        return
    landed = (connection, batch.path, batch.manifest.files, list(fields), dict(options))
    if getattr(reader, "KEEPS_FILES", False):
        with Store(batch.beside(FOLDER)) as kept:
            reader.read(*landed, store=kept)
    else:
        reader.read(*landed)


def view_batch(
    connection: duckdb.DuckDBPyConnection,
    batch: LandedBatch,
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> int | None:
    """As :func:`read_batch`, but cells that DuckDB can read again stay where they are.

    Returns:
        None if ``tho`` is a table. Else it is a view, ``stg.main.o`` has its bare cells in the
        same order, and so many rows must come from it: whoever reads it first counts them and
        calls an error of DuckDB's ``ndjson.unreadable``.
    """
    forget(connection)
    reader = _reader(batch)
    if reader is not None and hasattr(reader, "view"):
        landed = (connection, batch.path, batch.manifest.files, list(fields), dict(options))
        promised: int | None = reader.view(*landed)
        if promised is not None:
            return promised
    read_batch(connection, batch, fields, options)
    return None


def copy_table(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Make ``tho`` or ``hang`` a table if it is a view, for whoever changes rows or the batch."""
    if is_view(connection, name):
        connection.execute(f"CREATE TABLE stg.main.ban_sao AS FROM stg.main.{name}")
        forget(connection, name)
        connection.execute(f"ALTER TABLE stg.main.ban_sao RENAME TO {name}")


def is_view(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Say whether ``tho`` or ``hang`` is a view of files."""
    found = connection.execute(
        "SELECT 1 FROM duckdb_views() WHERE database_name = 'stg' AND view_name = $1", [name]
    ).fetchone()
    return found is not None


def forget(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Drop what another batch left: DuckDB replaces no table by a view, nor a view by a table.

    Without names, all that a batch's cells are read from.
    """
    for name in names or ("o", "tho"):
        for kind in ("VIEW", "TABLE"):
            with suppress(duckdb.CatalogException):  # it is of the other kind
                connection.execute(f"DROP {kind} IF EXISTS stg.main.{name}")


def names_in(
    connection: duckdb.DuckDBPyConnection, batch: LandedBatch, options: Mapping[str, Any]
) -> list[str]:
    """Return the source fields that a batch has, as a definition's columns may name them.

    Args:
        connection: Any; nothing is written.
        batch: What was landed.
        options: The definition's options for the reader.

    Raises:
        ProviderError: A file is not what its medium says.
    """
    reader = _reader(batch)
    if reader is None:
        return []
    found: list[str] = reader.names(connection, batch.path, batch.manifest.files, dict(options))
    return found


def _reader(batch: LandedBatch) -> ModuleType | None:
    """Return the module that reads a batch's files; None if it has none."""
    media = {file.media for file in batch.manifest.files}
    if len(media) > 1:
        raise InternalError(
            f"a batch with files of several media: {', '.join(sorted(media))}",
            where=str(batch.path),
            next_step="report it; a kind module must land one medium per dataset",
        )
    return reader_of(media.pop()) if media else None
