"""Marks the rows of a batch that must not reach the shared table, in one scan.

Data flow: ``stg.main.hang`` + contract -> ``stg.main.vi_pham`` (``_row``, names of the
error rules the row breaks) and ``stg.main.bo_qua`` (``_row``, why): copies that need no
quarantine because another row of the batch says the same or more. What is in neither is
accepted, and its keys are proven unique before anything is committed: the lake has no keys,
so a key twice would be inserted twice without an error (design section 3.4).

Duplicates are judged among the rows that break no other error rule: a broken copy does not
drag its sound twin into quarantine, and a row without its key is no copy of another.

Run it alone: ``pytest tests/checks/test_quarantine.py`` (it needs a staged batch).

What does not belong here: reasons and records for the quarantine table (``warehouse``),
Great Expectations.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from checks.model import Contract, Rule
from checks.rules import UNIQUE_NAME
from checks.staging import apply, refusal
from hub.errors import InternalError

IDENTICAL = "identical"
"""Same key and same content as an earlier row of the batch."""
SUPERSEDED = "superseded"
"""Same key, and another row of the batch is newer by the contract's version column."""


def mark(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    into: str = "stg.main.vi_pham",
) -> dict[str, int]:
    """Mark the rows of a typed staging table.

    Args:
        connection: Has the staging file attached, and the lake if the contract has references.
        table: The typed staging table, with ``_row`` and ``_hash``.
        contract: The rules.
        into: Table to write the violations to; ``bo_qua`` is written beside it.

    Returns:
        Rule name -> rows that break it, for every rule that ran, warnings included. For
        ``key.unique`` it counts the rows refused as contradictory copies.

    Raises:
        ConfigurationError: A row rule fails on these rows, for example in a cast.
        InternalError: The accepted rows' keys are not unique.
    """
    rules = [rule for rule in apply(connection, table, contract).rules if rule.kind != "unique"]
    errors = [rule for rule in rules if rule.severity == "error"]
    skipped_over = f"{into.rpartition('.')[0]}.bo_qua"
    try:
        _mark_violations(connection, table, errors, into)
        counts = _counts(connection, table, rules, into)
    except (duckdb.DataError, duckdb.ProgrammingError) as error:
        trouble = type(error).__name__
        raise refusal(connection, table, contract, rules, trouble) from None  # no value goes on
    counts[UNIQUE_NAME] = 0
    connection.execute(f"CREATE OR REPLACE TABLE {skipped_over} (_row BIGINT, why VARCHAR)")
    if not _are_unique(connection, table, contract, into, skipped_over):
        counts[UNIQUE_NAME] = _mark_copies(connection, table, contract, into, skipped_over)
        if not _are_unique(connection, table, contract, into, skipped_over):
            raise InternalError(
                f"the accepted rows are not unique by ({', '.join(contract.key)})",
                where=contract.table,
                next_step="nothing was written; report it with the landing batch",
            )
    return counts


def _mark_violations(
    connection: duckdb.DuckDBPyConnection, table: str, errors: Sequence[Rule], into: str
) -> None:
    """Write the rows that break a rule; the names are put together for those rows only."""
    any_broken = " OR ".join(rule.violation for rule in errors)
    names = ", ".join(f"CASE WHEN {rule.violation} THEN '{rule.name}' END" for rule in errors)
    connection.execute(
        f"""CREATE OR REPLACE TABLE {into} AS
        SELECT _row, list_filter([{names}], name -> name IS NOT NULL) AS rules
        FROM {table} WHERE {any_broken}"""
    )


def _counts(
    connection: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule], into: str
) -> dict[str, int]:
    """Count the rows per rule: errors from the marks, warnings by a scan of their columns."""
    found = dict(
        connection.execute(
            f"SELECT name, count(*) FROM (SELECT unnest(rules) AS name FROM {into}) GROUP BY name"
        ).fetchall()
    )
    warnings = [rule for rule in rules if rule.severity == "warn"]
    if warnings:
        select = ", ".join(f"count(*) FILTER ({rule.violation})" for rule in warnings)
        counted = connection.execute(f"SELECT {select} FROM {table}").fetchone() or ()
        found |= dict(zip((rule.name for rule in warnings), counted, strict=True))
    return {rule.name: int(found.get(rule.name, 0)) for rule in rules}


def _mark_copies(
    connection: duckdb.DuckDBPyConnection, table: str, contract: Contract, into: str, over: str
) -> int:
    """Sort out rows of one key: copies and older versions are passed over, the rest refused.

    Where two different rows are equally new, nobody can say which is right: both are refused,
    and an older third one is passed over, since loading it would be knowingly wrong.
    """
    keys = ", ".join(contract.key)
    version = contract.version_column or "NULL"
    connection.execute(
        f"""CREATE OR REPLACE TABLE {over} AS
        WITH sound AS (
            SELECT _row, {keys}, _hash, {version} AS _version FROM {table}
            WHERE _row NOT IN (SELECT _row FROM {into})
        ), copies AS (
            SELECT * FROM sound SEMI JOIN
                (SELECT {keys} FROM sound GROUP BY ALL HAVING count(*) > 1) USING ({keys})
        ), placed AS (
            SELECT *, row_number() OVER (PARTITION BY {keys}, _hash ORDER BY _row) AS copy,
                rank() OVER (PARTITION BY {keys} ORDER BY _version DESC NULLS LAST) AS age
            FROM copies
        ), judged AS (
            SELECT _row, copy, age,
                count(*) FILTER (age = 1 AND copy = 1) OVER (PARTITION BY {keys}) AS newest
            FROM placed
        )
        SELECT _row, CASE WHEN copy > 1 THEN '{IDENTICAL}' WHEN age > 1 THEN '{SUPERSEDED}'
            WHEN newest > 1 THEN '{UNIQUE_NAME}' END AS why
        FROM judged WHERE why IS NOT NULL"""
    )
    connection.execute(
        f"INSERT INTO {into} SELECT _row, [why] FROM {over} WHERE why = '{UNIQUE_NAME}'"
    )
    deleted = connection.execute(f"DELETE FROM {over} WHERE why = '{UNIQUE_NAME}'").fetchone()
    return int(deleted[0]) if deleted else 0


def _are_unique(
    connection: duckdb.DuckDBPyConnection, table: str, contract: Contract, into: str, over: str
) -> bool:
    """Say whether the rows that are left have a whole key each, and none has another's."""
    keys = ", ".join(contract.key)
    blank = " OR ".join(f"{name} IS NULL" for name in contract.key)
    bad = connection.execute(
        f"""SELECT 1 FROM {table}
        WHERE _row NOT IN (SELECT _row FROM {into}) AND _row NOT IN (SELECT _row FROM {over})
        GROUP BY {keys} HAVING count(*) > 1 OR {blank} LIMIT 1"""
    ).fetchone()
    return bad is None
