"""The commit: one DuckLake transaction that moves a checked batch into the lake, or nothing.

Data flow: the tables that ``diff`` left in staging -> history, live table, quarantine and the load
record with batch and cursor, in one transaction. Killed before ``COMMIT`` nothing happened;
killed after it the next run sees the batch as loaded. Under the lock the position is read again:
a batch that was pulled from another starting point than the one now stored is refused.

There is no three-way ``MERGE``: DuckLake takes a single update or delete action in one (tested),
so changed rows are deleted by key and written anew, which is what it would do anyway.

Every statement runs through :func:`step` under a name, so that a test can kill the process before
and after each of them.

What does not belong here: comparing (``diff``), checking (``checks``), asking the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from checks.contract import Contract
from hub.errors import InternalError, TransientError
from warehouse import approvals, loads, tables
from warehouse.changes import LATE
from warehouse.diff import same_key
from warehouse.lake import Lake, quote

Statement = tuple[str, str, list[Any]]


def step(connection: duckdb.DuckDBPyConnection, name: str, sql: str, values: list[Any]) -> None:
    """Run one named statement of a commit."""
    try:
        connection.execute(sql, values)
    except duckdb.Error as error:
        raise InternalError(
            f"the commit failed at '{name}': {type(error).__name__}",
            next_step="the transaction was rolled back; report this with the log",
        ) from error


def commit(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    load: loads.LoadRecord,
    *,
    approval: approvals.Approval | None = None,
) -> bool:
    """Move the staged, compared batch into the lake.

    Args:
        lake: The lake that is attached to the connection.
        connection: Has ``lake`` and ``stg`` attached.
        contract: The dataset's contract.
        load: The record to write; names the batch and the one it was pulled after.
        approval: A person's word that the batch may pass, to be kept with it.

    Returns:
        Whether rows were committed; False if this very batch already was.

    Raises:
        TransientError: Another sync moved the dataset on meanwhile.
        InternalError: A statement failed; everything was rolled back.
    """
    with lake.lock():
        stored = loads.position(connection, load.source, load.dataset)
        if stored.batch == load.batch and not load.reloaded:
            return False
        if stored.batch != load.previous_batch:
            raise TransientError(
                "another sync committed a batch of this dataset meanwhile",
                where=f"{load.source}/{load.dataset}",
                next_step="run again; the pull will start from the new position",
            )
        load = replace(load, ended_at=loads.moment(connection))
        for name, sql, values in _statements(contract, load, approval, _staged(connection)):
            try:
                step(connection, name, sql, values)
            except InternalError:
                with suppress(duckdb.TransactionException):  # a failed BEGIN or COMMIT left none
                    connection.execute("ROLLBACK")
                raise
    return True


@dataclass(frozen=True)
class _Staged:
    """What lies in staging: a statement that cannot move a row still costs 40 ms."""

    rows: int
    refused: int
    waiting: int
    """Records of the dataset that are in quarantine: any of them may be mended now."""


def _staged(connection: duckdb.DuckDBPyConnection) -> _Staged:
    counted = connection.execute(
        """SELECT (SELECT count(*) FROM stg.main.hang), (SELECT count(*) FROM stg.main.tu_choi_moi),
            (SELECT count(*) FROM stg.main.con_cho)"""
    ).fetchone()
    return _Staged(*(counted or (0, 0, 0)))


def _statements(
    contract: Contract,
    load: loads.LoadRecord,
    approval: approvals.Approval | None,
    staged: _Staged,
) -> Iterator[Statement]:
    table = f"lake.{contract.table}"
    history = f"lake.{tables.history_of(contract.table)}"
    business = ", ".join(column.name for column in contract.columns)
    stored = list(tables.columns_of(contract))
    same = same_key(contract, "t", "e")
    yield "begin", "BEGIN", []
    if load.updated + load.deleted:
        history_sql = f"""INSERT INTO {history} ({", ".join([*stored, *tables.HISTORY_COLUMNS])})
            SELECT {", ".join(stored)}, ?, ?, _change FROM stg.main.cu"""
        yield "history", history_sql, [load.ended_at, load.batch]
        delete_sql = f"DELETE FROM {table} t USING stg.main.cu e WHERE t._source = ? AND {same}"
        yield "delete", delete_sql, [load.source]
    if load.inserted + load.updated:
        # Where all rows go in, as in a first load, they need not be told apart.
        every = load.inserted + load.updated == staged.rows
        chosen = "" if every else "WHERE _row IN (SELECT _row FROM stg.main.thay_doi)"
        insert_sql = f"""INSERT INTO {table} ({", ".join(stored)})
            SELECT {business}, ?, ?, ?, _repairs, _hash FROM stg.main.hang {chosen}"""
        yield "insert", insert_sql, [load.source, load.batch, load.ended_at]
    if load.late:
        late_sql = f"""INSERT INTO {history} ({", ".join([*stored, *tables.HISTORY_COLUMNS])})
            SELECT {business}, ?, ?, ?, _repairs, _hash, ?, ?, '{LATE}'
            FROM stg.main.hang WHERE _row IN (SELECT _row FROM stg.main.tre)"""
        at = load.ended_at
        yield "late", late_sql, [load.source, load.batch, at, at, load.batch]
    if staged.refused:
        quarantine_sql = f"""INSERT INTO lake.hub.quarantine
            SELECT ?, ?, ?, record_hash, record_key, rules,
                list_transform(rules, rule -> {_reasons(contract)}), record, _file, _line,
                ?, ?, NULL, NULL
            FROM stg.main.tu_choi_moi ORDER BY record_hash"""
        named = [load.source, load.dataset, load.table_name, load.batch, load.ended_at]
        yield "quarantine", quarantine_sql, named
    if staged.waiting:
        resolve_sql = """UPDATE lake.hub.quarantine SET _resolved_at = ?, _resolved_by = ?
            WHERE _source = ? AND dataset = ? AND _resolved_at IS NULL
              AND record_hash IN (SELECT record_hash FROM stg.main.da_sua)"""
        yield "resolve", resolve_sql, [load.ended_at, load.batch, load.source, load.dataset]
    yield "load_record", *loads.insert([load])
    if approval is not None:
        yield "approval", approvals.INSERT, approvals.values(approval, load)
    message = quote(f"{load.source}/{load.dataset} batch {load.batch}")
    yield "message", f"CALL lake.set_commit_message('hub', '{message}')", []
    yield "commit", "COMMIT", []


def _reasons(contract: Contract) -> str:
    """Return SQL that gives a rule's reason in Vietnamese."""
    cases = " ".join(
        f"WHEN '{quote(rule.name)}' THEN '{quote(rule.reason)}'" for rule in contract.rules
    )
    return f"CASE rule {cases} ELSE rule END"
