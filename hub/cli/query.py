"""``hub query``: read the warehouse, at its newest snapshot or an older one.

Data flow: SQL -> a read-only connection to the lake -> a table for people, or CSV, JSON or Parquet
streamed by DuckDB. A reader never waits for a sync and sees whole loads only.

Run it alone: ``hub query "from hub.loads" --format csv``.

What does not belong here: agencies' access over the network (a service of its own, later).
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb

FOLDED = 36
"""Width to which a long cell may be folded before a table is given up for one column a line."""

TABLES = '`hub query "select schema, name from (show all tables)"` lists what there is'


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


COPY_OPTIONS = {
    Format.csv: "FORMAT csv, HEADER",
    Format.json: "FORMAT json, ARRAY true",
    Format.parquet: "FORMAT parquet",
}


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT, for example: from hub.loads")],
    form: Annotated[
        Format, typer.Option("--format", help="How to write the answer")
    ] = Format.table,
    at: Annotated[
        str | None,
        typer.Option(help="Snapshot number, or a time such as 2026-10-01 or 2026-10-01T08:00"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, not to the terminal")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows shown in a table")] = 50,
) -> None:
    """Ask the warehouse in SQL (DuckDB's dialect)."""
    from hub.settings import Settings
    from warehouse import macros
    from warehouse.lake import Lake

    version, time = _moment(at)
    if form is Format.table and output is not None:
        raise typer.BadParameter("--output wants --format csv, json or parquet")
    connection = Lake(Settings().lake).reader(version=version, time=time)
    macros.install(connection)
    if form is Format.table:
        print_table(connection, sql, limit=limit, console=Console())
    else:
        copy(connection, sql, form, output)


def _moment(at: str | None) -> tuple[int | None, datetime | None]:
    """Read ``--at``: a snapshot's number or a time; a time without zone is Viet Nam's."""
    from hub.cli.sync import VIETNAM

    if at is None:
        return None, None
    if at.isdecimal():
        return int(at), None
    try:
        time = datetime.fromisoformat(at)
    except ValueError as error:
        raise typer.BadParameter(
            "--at wants a snapshot number or a time such as 2026-10-01T08:00"
        ) from error
    return None, time if time.tzinfo else time.replace(tzinfo=VIETNAM)


def _fail(error: duckdb.Error) -> ConfigurationError:
    """Return DuckDB's complaint as one line, with what helps against it."""
    import duckdb

    first = str(error).split("\n\nLINE", maxsplit=1)[0].replace("\n", " ")
    remedy = "correct the SQL"
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
        remedy = TABLES
    elif isinstance(error, duckdb.IOException):
        remedy = "give a file that can be read or written"
    return ConfigurationError(f"the query does not run: {first}", next_step=remedy)


def _one_question(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the one statement of a text, without the semicolon at its end.

    Raises:
        ConfigurationError: There is none, there are several, or it asks for nothing.
    """
    import duckdb

    text = sql.encode()
    ends = [at for at, _ in duckdb.tokenize(sql) if text[at : at + 1] == b";"]
    while ends and not duckdb.tokenize(text[ends[-1] + 1 :].decode()):
        text = text[: ends.pop()]
    try:
        statements = connection.extract_statements(text.decode())
    except duckdb.Error as error:
        raise _fail(error) from error
    # DuckDB makes two statements of one PIVOT, so the semicolons are what counts.
    if ends or not statements:
        number = "several" if ends else "no"
        raise ConfigurationError(f"{number} statements were given", next_step="ask one at a time")
    if statements[-1].expected_result_type != [duckdb.ExpectedResultType.QUERY_RESULT]:
        raise ConfigurationError(
            "this statement asks for nothing, and the warehouse is only read here",
            next_step="a query begins with SELECT, FROM, WITH, SHOW or DESCRIBE",
        )
    return text.decode()


def print_table(
    connection: duckdb.DuckDBPyConnection, sql: str, *, limit: int, console: Console
) -> None:
    """Print at most ``limit`` rows: as a table if it fits, else one column a line."""
    import duckdb

    body = _one_question(connection, sql)
    try:
        answer = connection.execute(body)
        rows = answer.fetchmany(limit + 1)
    except duckdb.Error as error:
        raise _fail(error) from error
    names = [column[0] for column in answer.description or ()]
    shown = [[_show(value) for value in row] for row in rows[:limit]]
    widths = [max(map(len, column)) for column in zip(names, *shown, strict=True)]
    folded = sum(min(width, FOLDED) for width in widths)
    if folded + 3 * len(widths) + 1 <= console.width or not shown:
        table = Table(header_style="bold")
        for number, name in enumerate(names):
            figures = all(_is_figure(row[number]) for row in rows)
            table.add_column(
                Text(name), overflow="fold", justify="right" if rows and figures else "left"
            )
        for cells in shown:
            table.add_row(*(Text(cell) for cell in cells))
        console.print(table)
    else:
        _print_records(console, names, shown)
    if len(rows) > limit:
        is_only = "row is" if limit == 1 else f"{limit} rows are"
        console.print(f"only the first {is_only} shown; --limit shows more", style="dim")


def _print_records(console: Console, names: list[str], shown: list[list[str]]) -> None:
    """Print one column a line where a table would be wider than the terminal."""
    longest = max(map(len, names))
    for number, cells in enumerate(shown, start=1):
        console.print(f"row {number}", style="bold")
        for name, cell in zip(names, cells, strict=True):
            line = f"  {name:<{longest}}  {cell}".rstrip()
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def _show(value: Any) -> str:  # noqa: ANN401 - any SQL value
    if isinstance(value, list):
        return ", ".join(_show(item) for item in value)
    return "" if value is None else str(value)


def _is_figure(value: Any) -> bool:  # noqa: ANN401 - any SQL value
    return value is None or (
        isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    )


def copy(
    connection: duckdb.DuckDBPyConnection, sql: str, form: Format, output: Path | None = None
) -> None:
    """Stream an answer to a file or to standard output."""
    import duckdb

    from warehouse.lake import quote

    if form is Format.parquet and output is None and sys.stdout.isatty():
        raise typer.BadParameter("--format parquet wants --output, or a pipe")
    # The line break ends a comment that the SQL may end with.
    body = f"FROM (\n{_one_question(connection, sql)}\n)"
    try:
        if output is not None:
            connection.execute(f"COPY ({body}) TO '{quote(output)}' ({COPY_OPTIONS[form]})")
        else:
            _copy_to_stdout(connection, body, COPY_OPTIONS[form])
    except duckdb.Error as error:
        raise _fail(error) from error


def _copy_to_stdout(connection: duckdb.DuckDBPyConnection, body: str, options: str) -> None:
    """Let DuckDB write into a pipe that is emptied into standard output.

    Opening ``/dev/stdout`` would be shorter, but it empties the file of ``hub query >> file``.
    """
    readable, writable = os.pipe()
    trouble: list[OSError] = []

    def empty() -> None:
        try:
            with os.fdopen(readable, "rb") as pipe:
                shutil.copyfileobj(pipe, sys.stdout.buffer)
            sys.stdout.flush()
        except OSError as error:  # the reader of our output went away: DuckDB's next write fails
            trouble.append(error)

    sys.stdout.flush()
    thread = Thread(target=empty, daemon=True)
    thread.start()
    patience: float | None = (
        1.0  # an interrupted query may keep the pipe open, and the thread waiting
    )
    try:
        connection.execute(f"COPY ({body}) TO '/dev/fd/{writable}' ({options})")
        patience = None
    finally:
        os.close(writable)
        thread.join(patience)
        if trouble:
            raise trouble[0]
