"""Proves a contract's SQL before any data is there: every predicate runs on an empty table.

Data flow: columns and rules -> a private in-memory DuckDB with an empty staging table of that
shape -> the first predicate that DuckDB refuses, with DuckDB's own sentence (no row has been
read, so it can hold no value). A regular expression that RE2 does not know, a column that does
not exist, a date compared with a text: all are found when the contract is loaded, not at night.

Run it alone: ``python -m checks.contract assets/contracts/ho_so.odcs.yaml`` includes it.

What does not belong here: data, the lake (reference rules read another table and are proven
when they run).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import duckdb

from checks.model import STAGED, Column, Rule


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Return the one private database; a loader of many contracts would pay 10 ms for each."""
    return duckdb.connect(":memory:", config={"threads": 1})


@cache
def _words() -> frozenset[str]:
    """Return the words that SQL keeps for itself."""
    with _engine().cursor() as connection:
        rows = connection.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
        ).fetchall()
    return frozenset(str(word) for (word,) in rows)


def unusable_names(names: Iterable[str]) -> list[str]:
    """Return the names that are words of SQL, so that no query needs to quote any."""
    return [name for name in names if name in _words()]


@contextmanager
def staging_table(columns: Iterable[Column]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a connection with an empty staging table ``hang`` of these columns."""
    cells = "".join(f"{c.name} {c.sql_type}, {c.raw} VARCHAR, " for c in columns)
    with _engine().cursor() as connection:  # temporary tables are a cursor's own
        connection.execute(f"CREATE TEMP TABLE hang (_row BIGINT, {cells}_hash UBIGINT)")
        yield connection


def refused(columns: Iterable[Column], rules: Iterable[Rule]) -> tuple[Rule, str] | None:
    """Return the first rule whose predicate DuckDB refuses, and DuckDB's reason."""
    here = [rule for rule in rules if rule.reference is None]
    with staging_table(columns) as connection:
        if _reason(connection, here) is None:
            return None
        for rule in here:
            if reason := _reason(connection, [rule]):
                return rule, reason
    return None


def _reason(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> str | None:
    """Return DuckDB's reason to refuse these rules, or None if it runs them."""
    try:
        for rule in rules:
            if rule.kind == "row":
                # A single expression: nothing that could close the parenthesis around it.
                duckdb.SQLExpression(str(rule.expectation.kwargs["condition"]))
        whole = ", ".join(rule.violation for rule in rules if rule.kind == "unique")
        each = ", ".join(
            f"count_if({rule.violation.replace(STAGED, 'hang')})"
            for rule in rules
            if rule.kind != "unique"
        )
        for select in filter(None, (whole, each)):
            connection.execute(f"SELECT {select} FROM hang")
    except duckdb.Error as error:
        return str(error).split("\n", maxsplit=1)[0]
    return None
