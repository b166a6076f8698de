"""Writes the rows of tables as they are, personal cells in the clear, for one reader alone.

Data flow: live tables at one snapshot -> one Parquet file each, written by DuckDB ->
``lake.duckdb`` with a view of each file under its name in the warehouse, so that a check may say
``lake.<schema>.<table>`` there as here. The views name their files without a folder: the export
may be moved, and is read from within.

Meant for a tool that must see what is stored, and for no reader: nothing is masked. The folder is
new or empty and shut to others before a row is written; whatever goes wrong takes back all of it.

Run it alone: ``pytest tests/hub/cli/test_contract_export.py``.

What does not belong here: contracts in the standard's words (``checks.standard``), what agencies
may have (masked).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from checks.contract import Contract
from checks.standard import SOURCE
from hub.errors import ConfigurationError
from sources.disk import writing
from warehouse.lake import Lake, bound, connect, quote, table_names

DATABASE = "lake.duckdb"
"""Its name without the ending is the name under which DuckDB attaches it: the warehouse's own."""
_PRIVATE_FOLDER, _PRIVATE_FILE, _OTHERS = 0o700, 0o600, 0o077
_SPILL = ".spill"


@dataclass(frozen=True)
class Exported:
    """What an export holds."""

    snapshot: int
    """Snapshot of the lake that all its tables are of."""
    rows: dict[str, int]
    """Table -> its rows."""
    missing: tuple[str, ...]
    """Tables that nothing was ever loaded into."""


def export(lake: Lake, contracts: Sequence[Contract], folder: Path) -> Exported:
    """Write the tables of contracts into a folder of their own.

    Raises:
        ConfigurationError: None of the tables is there yet, the folder holds something or others
            may read it, or the disk is full.
    """
    with closing(lake.reader()) as connection:
        connection.execute("BEGIN")  # all that follows is read at one snapshot
        known = table_names(connection)
        missing = tuple(sorted({contract.table for contract in contracts} - known))
        there = [contract for contract in contracts if contract.table in known]
        if not there:
            raise ConfigurationError(
                f"nothing was loaded into {', '.join(missing)} yet",
                next_step="run `hub sync` first",
            )
        with writing(folder):
            _open_folder(folder)
        try:
            with writing(folder):
                bound(connection, lake.memory, folder / _SPILL)
                connection.execute("SET preserve_insertion_order = false")
                ((snapshot,),) = connection.execute(
                    "SELECT id FROM lake.current_snapshot()"
                ).fetchall()
                rows = {contract.table: _copy(connection, contract, folder) for contract in there}
                _finish(there, folder)
                return Exported(int(snapshot), rows, missing)
        except BaseException:
            empty(folder)
            raise


def _open_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(mode=_PRIVATE_FOLDER)
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} is no empty folder", next_step="name a new one, or remove what is in it"
        )
    if folder.stat().st_mode & _OTHERS or folder.stat().st_uid != os.geteuid():
        raise ConfigurationError(
            f"others than you may read {folder}", next_step="name a new folder, or `chmod 700` it"
        )


def empty(folder: Path) -> None:
    """Take back an export that was not finished."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _copy(connection: duckdb.DuckDBPyConnection, contract: Contract, folder: Path) -> int:
    columns = ", ".join([SOURCE, *(column.name for column in contract.columns)])
    try:
        (count,) = connection.execute(
            f"COPY (SELECT {columns} FROM lake.{contract.table}) "
            f"TO '{quote(folder / _file(contract))}' (FORMAT parquet)"
        ).fetchone() or (0,)
    except duckdb.BinderException as error:
        raise ConfigurationError(
            f"{contract.table} lacks a column of its contract",
            where=str(contract.path),
            next_step="sync the dataset, or `hub reload` it, which adds it",
        ) from error
    except duckdb.IOException as error:
        raise ConfigurationError(
            f"{contract.table} cannot be written to {folder}",
            next_step="free space or permit writing there, then run it again",
        ) from error
    return int(count)


def _file(contract: Contract) -> str:
    return f"{contract.table}.parquet"


def _finish(contracts: Sequence[Contract], folder: Path) -> None:
    """Make the file by which a tool finds the tables under their names; shut every file."""
    connection = connect()
    connection.execute(f"SET file_search_path = '{quote(folder)}'")
    connection.execute(f"ATTACH '{quote(folder / DATABASE)}' AS made")
    for contract in contracts:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS made.{contract.schema}")
        connection.execute(
            f"CREATE VIEW made.{contract.table} AS FROM read_parquet('{quote(_file(contract))}')"
        )
    connection.close()
    shutil.rmtree(folder / _SPILL, ignore_errors=True)
    for path in folder.iterdir():
        path.chmod(_PRIVATE_FILE)  # the folder is shut already; a copy of a file is, too
