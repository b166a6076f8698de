"""The end of history: superseded versions go once they are older than the contract keeps them.

Data flow: contract (``historyDays``) -> :func:`purge` removes what ended before then from
``<table>_lich_su`` and notes it in ``hub.purges`` in one transaction -> :func:`require` tells who
asks for changes since an earlier moment that they are not all there any more.

A row that its source deleted is kept in the history for the same time: so long it can be looked up
and compared when it returns. The live table is never touched.

Run it alone: ``hub query "from hub.purges"``.

What does not belong here: when it runs (``hub.maintain``), removing a person (``erasure``).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb

from checks.contract import Contract
from hub.errors import ConfigurationError
from warehouse.lake import Lake
from warehouse.tables import history_of


def purge(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    now: datetime,
    *,
    dry_run: bool = False,
) -> int:
    """Remove versions that ended more than ``historyDays`` before now.

    Args:
        lake: The lake attached to the connection; its commit lock is taken.
        connection: A writer of it.
        contract: Says how long; nothing is removed if it does not.
        now: An instant with zone.
        dry_run: Count them only.

    Returns:
        How many versions were removed, or would be.
    """
    if contract.history_days is None or not _there(connection, history_of(contract.table)):
        return 0
    before = now - timedelta(days=contract.history_days)
    history = f"lake.{history_of(contract.table)}"
    with lake.lock():
        counted = connection.execute(
            f"SELECT count(*) FROM {history} WHERE _superseded_at < ?", [before]
        ).fetchone()
        old = int(counted[0]) if counted else 0
        if not old or dry_run:
            return old
        connection.execute("BEGIN")
        try:
            connection.execute(f"DELETE FROM {history} WHERE _superseded_at < ?", [before])
            connection.execute(
                "INSERT INTO lake.hub.purges VALUES (?, ?, ?, ?)",
                [contract.table, before, now, old],
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return old


def require(connection: duckdb.DuckDBPyConnection, contract: Contract, since: datetime) -> None:
    """Raise ``ConfigurationError`` if versions that ended after a moment were removed."""
    if not _there(connection, "hub.purges"):
        return
    found = connection.execute(
        "SELECT max(before) FROM lake.hub.purges WHERE table_name = ?", [contract.table]
    ).fetchone()
    horizon = found[0] if found else None
    if horizon is not None and since < horizon:
        raise ConfigurationError(
            f"the history of {contract.table} before {horizon:%Y-%m-%d %H:%M} was removed",
            where=contract.path.name,
            next_step="take a fresh copy of the table, and changes from then on; `historyDays` of "
            "the contract says how long history is kept",
        )


def _there(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, name = table.split(".")
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name = ? "
        "AND table_name = ?",
        [schema, name],
    ).fetchone()
    return found is not None
