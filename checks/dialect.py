"""Lets Great Expectations read a DuckDB connection that is already open, as if it were PostgreSQL.

Data flow: :func:`lent` lends a connection under a URL of its own -> GX makes a SQLAlchemy engine
from that URL -> every statement runs on a cursor of the lent connection, which sees all that is
attached to it (staging file, lake) and is the caller's again afterwards.

The dialect is SQLAlchemy's PostgreSQL dialect with DuckDB's answers where the two differ:

- every statement gets a cursor of its own (``con.cursor()``): GX closes its connection before it
  fetches, and a shared cursor would lose the rows;
- commit, rollback and close do nothing: GX only reads, and the caller's transaction is not ours;
- a table's columns come from DuckDB, not from PostgreSQL's catalog;
- ``~`` becomes ``regexp_matches``, since DuckDB's ``~`` matches the whole string only.

GX picks its SQL by the dialect's name, so the name is ``postgresql``.

Run it alone: ``pytest tests/checks/test_dialect.py`` (it needs a connection).

What does not belong here: Great Expectations (nothing of it is imported), rules.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
from sqlalchemy import pool, types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchTableError

SCHEME = "hubduckdb"
_lent: dict[str, duckdb.DuckDBPyConnection] = {}
_numbers = itertools.count(1)

# Only what GX prints or compares by; no rule asks it for the type of a list or an unsigned number.
_TYPES: dict[str, type[types.TypeEngine[Any]]] = {
    "VARCHAR": types.String,
    "DATE": types.Date,
    "TIMESTAMP": types.DateTime,
    "SMALLINT": types.SmallInteger,
    "INTEGER": types.Integer,
    "BIGINT": types.BigInteger,
    "DOUBLE": types.Double,
    "DECIMAL": types.Numeric,
    "BOOLEAN": types.Boolean,
}


@contextmanager
def lent(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Lend an open connection to SQLAlchemy.

    Yields:
        The URL under which ``create_engine`` finds it, until the block ends.
    """
    name = str(next(_numbers))
    _lent[name] = connection
    try:
        yield f"{SCHEME}:///{name}"
    finally:
        del _lent[name]


class _Database:
    """What SQLAlchemy asks of a driver module."""

    apilevel = "2.0"
    threadsafety = 1
    paramstyle = "numeric_dollar"
    Error = duckdb.Error
    InterfaceError = DatabaseError = duckdb.Error
    DataError = duckdb.DataError
    OperationalError = duckdb.OperationalError
    IntegrityError = duckdb.IntegrityError
    InternalError = duckdb.InternalError
    ProgrammingError = duckdb.ProgrammingError
    NotSupportedError = duckdb.NotSupportedError


class _Cursor:
    """A cursor of its own for one statement."""

    arraysize = 1
    lastrowid = None

    def __init__(self, connection: duckdb.DuckDBPyConnection, zone: str) -> None:
        self._cursor = connection.cursor()
        # A cursor starts with the machine's zone, and `today` in a rule means the province's.
        self._cursor.execute("SET TimeZone = $1", [zone])

    @property
    def description(self) -> Any:  # noqa: ANN401 - as DuckDB's own stubs
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return -1

    def execute(self, statement: str, parameters: object = None) -> None:
        self._cursor.execute(statement, parameters or None)

    def fetchone(self) -> Any:  # noqa: ANN401 - as DuckDB's own stubs
        return self._cursor.fetchone()

    def fetchmany(self, size: int = 1) -> list[Any]:
        return self._cursor.fetchmany(size)

    def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    def close(self) -> None:
        self._cursor.close()


class _Connection:
    """The lent connection, without the power to end what the caller began."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        found = connection.execute("SELECT current_setting('TimeZone')").fetchone()
        self._zone = str(found[0]) if found else "UTC"

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection, self._zone)

    def commit(self) -> None:
        """Do nothing: nothing is written."""

    def rollback(self) -> None:
        """Do nothing: the transaction is the caller's."""

    def close(self) -> None:
        """Do nothing: the connection is the caller's."""


class _Compiler(PGCompiler):
    """Writes PostgreSQL's regular expression operators as DuckDB's function."""

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:  # noqa: ANN401 - as SQLAlchemy's
        if operator.opstring not in {"~", "!~"}:
            plain: str = super().visit_custom_op_binary(element, operator, **kw)  # type: ignore[no-untyped-call]
            return plain
        left, right = self.process(element.left, **kw), self.process(element.right, **kw)
        matches = f"regexp_matches({left}, {right})"
        return matches if operator.opstring == "~" else f"NOT {matches}"

    def limit_clause(self, select: Any, **kw: Any) -> str:  # noqa: ANN401 - as SQLAlchemy's
        """Write a limit of no rows out, so that DuckDB answers without a scan.

        GX asks so for the sample values of every rule that is told to return none.
        """
        if select._limit == 0:  # noqa: SLF001 - the compiler's own way to a limit's value
            return " LIMIT 0"
        plain: str = super().limit_clause(select, **kw)  # type: ignore[no-untyped-call]
        return plain


class HubDialect(PGDialect):
    """PostgreSQL to Great Expectations, DuckDB below."""

    driver = SCHEME
    default_paramstyle = "numeric_dollar"
    supports_statement_cache = False  # a cached statement would outlive the lent connection
    statement_compiler = _Compiler

    @classmethod
    def import_dbapi(cls) -> Any:  # noqa: ANN401 - as SQLAlchemy's
        """Return the driver."""
        return _Database

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:  # noqa: ARG003 - as SQLAlchemy's
        """One connection, the lent one."""
        return pool.StaticPool

    def create_connect_args(self, url: URL) -> Any:  # noqa: ANN401 - as SQLAlchemy's
        """Return the number under which the connection was lent."""
        return [url.database], {}

    def connect(self, *cargs: Any, **_: Any) -> Any:  # noqa: ANN401 - as SQLAlchemy's
        """Return the lent connection."""
        return _Connection(_lent[cargs[0]])

    def initialize(self, connection: Any) -> None:  # noqa: ANN401, ARG002 - as SQLAlchemy's
        """Skip the questions a PostgreSQL server would answer."""
        self.server_version_info = (16, 0)
        self.default_schema_name = None

    def get_columns(  # type: ignore[override]
        self,
        connection: Any,  # noqa: ANN401 - as SQLAlchemy's
        table_name: str,
        schema: str | None = None,
        **_: Any,  # noqa: ANN401 - as SQLAlchemy's
    ) -> list[dict[str, Any]]:
        """Return the columns of a table as DuckDB describes them."""
        name = f"{schema}.{table_name}" if schema else table_name
        try:
            found = connection.exec_driver_sql(f"DESCRIBE {name}").fetchall()
        except Exception as error:
            raise NoSuchTableError(table_name) from error
        return [
            {
                "name": column[0],
                "type": _TYPES.get(str(column[1]).split("(", maxsplit=1)[0], types.String)(),
                "nullable": True,
                "default": None,
            }
            for column in found
        ]

    def get_pk_constraint(  # type: ignore[override]
        self,
        connection: Any,  # noqa: ANN401, ARG002 - as SQLAlchemy's
        table_name: str,  # noqa: ARG002 - as SQLAlchemy's
        schema: str | None = None,  # noqa: ARG002 - as SQLAlchemy's
        **_: Any,  # noqa: ANN401 - as SQLAlchemy's
    ) -> dict[str, Any]:
        """Staging tables have no keys."""
        return {"constrained_columns": [], "name": None}


registry.register(SCHEME, __name__, HubDialect.__name__)
