"""What changed in a table between two moments: rows that came, changed or went, in order.

Data flow: the live table and its history -> when each version began (``_loaded_at``) and ended
(``_superseded_at``) -> one entry for each beginning and each deletion. Replaying the entries over a
copy of the table as it was at the first moment gives the table as it is at the last.

DuckLake's own ``table_changes`` tells the same while snapshots are kept, 30 days as a rule,
and a reader who comes after 31 would have to be answered by other code. The history is asked
always, so that an answer does not depend on when maintenance ran.

Moments are those of ``hub.loads``: a commit takes its time under the commit lock and always later
than the last one, so that :func:`mark` of what a reader has seen passes over nothing that comes.

Run it alone: ``hub changes dung_chung.ho_so --since 2026-10-01``.

What does not belong here: masking and printing (``hub.cli.changes``), removing history
(``history``).
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from checks.contract import Contract
from warehouse.diff import same_key
from warehouse.tables import history_of

LATE = "late"
"""``_change`` of a version that came when a newer one was there: it was never in the table."""


def changes_sql(contract: Contract) -> str:
    """Return the SQL of a table's changes after ``$since`` up to and with ``$until``.

    Columns: ``_kind`` (insert, update, delete), ``_at``, ``_batch``, ``_source``, then the
    contract's: the new version, or the last one of a row that went.
    """
    columns = ", ".join(column.name for column in contract.columns)
    history = f"lake.{history_of(contract.table)}"
    within = "> $since AND {0} <= $until"
    same = same_key(contract, "v", "h")
    order = ", ".join(contract.key)
    return f"""WITH ended AS (
            SELECT * FROM {history} WHERE _superseded_at {within.format("_superseded_at")}
                AND _change <> '{LATE}'
        ), begun AS (
            SELECT {columns}, _source, _batch, _loaded_at FROM lake.{contract.table}
            WHERE _loaded_at {within.format("_loaded_at")}
            UNION ALL
            SELECT {columns}, _source, _batch, _loaded_at FROM {history}
            WHERE _loaded_at {within.format("_loaded_at")} AND _change <> '{LATE}'
        )
        SELECT CASE WHEN EXISTS (SELECT 1 FROM ended h WHERE h._source = v._source AND {same}
                AND h._superseded_at = v._loaded_at AND h._change = 'update')
            THEN 'update' ELSE 'insert' END AS _kind,
            _loaded_at AS _at, _batch, _source, {columns} FROM begun v
        UNION ALL
        SELECT 'delete', _superseded_at, _superseded_by, _source, {columns} FROM ended
        WHERE _change = 'delete'
        ORDER BY _at, _source, {order}"""


def mark(connection: duckdb.DuckDBPyConnection, *, version: int | None = None) -> datetime | None:
    """Return the moment of the newest commit of rows that a reader sees; None if there is none.

    Args:
        connection: A reader of the lake.
        version: Of this snapshot instead of the one that is read.

    Raises:
        duckdb.Error: There is no such snapshot any more.
    """
    at = f" AT (VERSION => {version:d})" if version is not None else ""
    found = connection.execute(
        f"SELECT max(ended_at) FROM lake.hub.loads{at} WHERE status = 'loaded'"
    ).fetchone()
    return found[0] if found else None
