"""What is asked of a database: the options of a dataset -> one statement.

Data flow: :class:`Fetch` and the columns that the server names -> :func:`rows_sql`, which gives
each row as a JSON object and beside it the server's own count of them. Names are checked, and
quoted as the server quotes them; the server casts each cell to text itself, since DuckDB would
read an unbounded ``numeric`` as a binary fraction. Instants come as Vietnam time without zone.

Run it alone: ``pytest tests/sources/test_database.py``.

What does not belong here: connecting, landing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import duckdb
from pydantic import Field, field_validator, model_validator

from hub.errors import ConfigurationError, ProviderError
from sources.database_address import Address
from sources.landing import Window
from sources.scanner import Tls, text
from sources.spec import Strict

_NAME = r"[^\W\d][\w$ -]*"
Name = Annotated[str, Field(pattern=f"^{_NAME}$", max_length=128)]
TableName = Annotated[str, Field(pattern=rf"^{_NAME}(\.{_NAME})?$", max_length=257)]

_ZONE = "Asia/Ho_Chi_Minh"
_INSTANT = "TIMESTAMP WITH TIME ZONE"
_TIMES = ("DATE", "TIMESTAMP")
_COUNT = "rows_in_all"


class Fetch(Strict):
    """Options of a dataset."""

    table: TableName | None = None
    """``table`` or ``schema.table`` (PostgreSQL), ``database.table`` (MySQL), exactly as listed."""
    query: str | None = None
    """Or one SELECT in the database's own SQL."""
    columns: tuple[Name, ...] = ()
    """Columns to read; all, if none is named."""
    since_column: Name | None = None
    """Column of dates or times by which rows are asked for since, and until, a moment."""
    order: tuple[Name, ...] = ()
    """Columns that put the rows in order, so that equal content makes an equal batch."""
    tls: Tls = "verify-full"
    page_size: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Rows per landed page."""

    @field_validator("tls", mode="before")
    @classmethod
    def _is_a_word(cls, value: object) -> object:
        """YAML reads a bare ``off`` as false."""
        return "off" if value is False else value

    @model_validator(mode="after")
    def _one_origin(self) -> Fetch:
        """Rows come from a table or from a query."""
        if (self.table is None) == (self.query is None):
            msg = "say either `table` or `query`"
            raise ValueError(msg)
        return self

    @property
    def windows(self) -> tuple[bool, bool]:
        """Whether rows can be asked for since, and until, a moment."""
        return (self.since_column is not None,) * 2


def columns_of(
    connection: duckdb.DuckDBPyConnection, address: Address, options: Fetch
) -> dict[str, str]:
    """Return the columns there are and DuckDB's word for their types; raises if one is missing."""
    empty = f"SELECT * FROM {_origin(address, options)} WHERE 1 = 0"
    found = connection.execute(f"DESCRIBE FROM {_ask(address, empty)}").fetchall()
    offered: dict[str, str] = {name: kind for name, kind, *_ in found}
    wanted = [*options.columns, *options.order, *filter(None, [options.since_column])]
    missing = [name for name in wanted if name not in offered]
    if missing:
        raise ProviderError(
            f"there is no column {', '.join(missing)} (there are: {', '.join(offered)[:300]})",
            next_step="compare fetch with the table; was a column renamed?",
        )
    since = options.since_column
    if since and not offered[since].startswith(_TIMES):
        raise ConfigurationError(
            f"column {since} holds no dates or times but {offered[since]}",
            next_step="name another fetch.since_column, or cast it in fetch.query",
        )
    return offered


def require_session(connection: duckdb.DuckDBPyConnection, address: Address) -> None:
    """Raise if the session is not as it was asked for: a pooler may drop settings in silence."""
    if address.engine != "postgres":
        return
    asked = "SELECT current_setting('DateStyle') AS style, current_setting('TimeZone') AS zone"
    found = connection.execute(f"SELECT style, zone FROM {_ask(address, asked)}").fetchone()
    if found is None or not found[0].startswith("ISO") or found[1] != _ZONE:
        raise ConfigurationError(
            "the session has other dates and times than were asked for",
            next_step=f"let {address.name} lead to PostgreSQL itself, not to a connection pooler",
        )


def rows_sql(address: Address, options: Fetch, columns: dict[str, str], window: Window) -> str:
    """Return DuckDB's statement: rows as JSON text, beside it the server's count of them."""
    condition = _condition(address, options.since_column, columns, window)
    origin = f"{_origin(address, options)}{condition}"
    chosen = [(name, columns[name]) for name in options.columns or columns]
    cells = ", ".join(
        f"{_cell(address, name, kind)} AS c{number}" for number, (name, kind) in enumerate(chosen)
    )
    order = ", ".join(_quoted(address, name) for name in options.order)
    asked = (
        f"SELECT {cells}, (SELECT count(*) FROM {origin}) AS {_COUNT} FROM {origin}"
        f"{f' ORDER BY {order}' if order else ''}"
    )
    members = ", ".join(
        f"{text(name)}, {_shown(address, number, kind)}"
        for number, (name, kind) in enumerate(chosen)
    )
    return (
        f"SELECT encode(json_object({members})::VARCHAR) AS line, {_COUNT} "
        f"FROM {_ask(address, asked, stream=True)}"
    )


def _condition(
    address: Address, since_column: str | None, columns: dict[str, str], window: Window
) -> str:
    """Return the WHERE clause of a window.

    A moment is written as a literal and not bound: PostgreSQL's scanner reads by ``COPY``, which
    takes no parameters. It is a ``datetime``, so there is nothing in it to escape.
    """
    if since_column is None or (window.since is None and window.until is None):
        return ""
    name = _quoted(address, since_column)
    kind = columns[since_column]
    bounds: list[str] = []
    if window.since is not None:
        # A date is a whole day: one that began before the moment still belongs to it.
        since = window.since.replace(hour=0, minute=0, second=0, microsecond=0)
        bounds.append(f"{name} >= {_moment(address, since if kind == 'DATE' else window.since)}")
    if window.until is not None:
        bounds.append(f"{name} < {_moment(address, window.until)}")
    return f" WHERE (({' AND '.join(bounds)}) OR {name} IS NULL)"


def _moment(address: Address, moment: datetime) -> str:
    """Return a literal; of no zone, so the session's, Vietnam's, holds for instants."""
    written = moment.isoformat(sep=" ")
    if address.engine == "odbc":
        return f"{{ts '{written}'}}"
    return f"'{written}'::timestamp" if address.engine == "postgres" else f"'{written}'"


def _cell(address: Address, name: str, kind: str) -> str:
    """Return a column as the server itself writes it as text.

    Behind ODBC each server has its own way of saying that, so there the driver's types stand.
    """
    column = _quoted(address, name)
    if address.engine == "postgres":
        local = f"({column} AT TIME ZONE '{_ZONE}')" if kind == _INSTANT else column
        return f"{local}::text"
    if kind == "BLOB" or address.engine == "odbc":
        return column
    # A BIT(1), which the scanner takes for a boolean, would be cast to a control character.
    return f"CAST({column} + 0 AS CHAR)" if kind == "BOOLEAN" else f"CAST({column} AS CHAR)"


def _shown(address: Address, number: int, kind: str) -> str:
    """Return a cell as it is landed: MySQL calls JSON and bytes the same, so bytes are tried."""
    if address.engine == "mysql" and kind == "BLOB":
        return rf"coalesce(TRY(decode(c{number})), '\x' || hex(c{number}))"
    if address.engine == "odbc":
        return rf"'\x' || hex(c{number})" if kind == "BLOB" else f"c{number}::VARCHAR"
    return f"c{number}"


def _ask(address: Address, statement: str, *, stream: bool = False) -> str:
    """Return DuckDB's table function that has the server run a statement."""
    if address.engine == "odbc":
        return f"odbc_query(getvariable('src'), {text(statement)}, decimal_columns_as_chars = true)"
    streamed = ", stream_results = true" if stream and address.engine == "mysql" else ""
    return f"{address.engine}_query('src', {text(statement)}{streamed})"


def _origin(address: Address, options: Fetch) -> str:
    """Return what stands after FROM."""
    if options.query is not None:
        return f"({options.query.strip().rstrip(';')}\n) asked"  # Oracle knows no AS here
    return ".".join(_quoted(address, part) for part in (options.table or "").split("."))


def _quoted(address: Address, name: str) -> str:
    """Return a name as the server quotes it."""
    mark = "`" if address.engine == "mysql" else '"'
    return mark + name.replace(mark, mark * 2) + mark
