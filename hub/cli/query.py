"""``hub query`` and ``hub rejects``: read the warehouse, at its newest snapshot or an older one.

Data flow: SQL -> a read-only connection to the lake -> a table for people, or CSV, JSON or Parquet
streamed by DuckDB. A reader never waits for a sync and sees whole loads only.

Run it alone: ``hub query "from hub.loads" --format csv``.

What does not belong here: agencies' access over the network (a service of its own, later).
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb

    from hub.catalog import Catalog

MASK = "***"
FOLDED = 36
"""Width to which a long cell may be folded before a table is given up for one column a line."""


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
    from warehouse.lake import Lake

    version, time = _moment(at)
    connection = Lake(Settings().lake).reader(version=version, time=time)
    if form is Format.table and output is None:
        print_table(connection, sql, limit=limit, console=Console())
    else:
        _copy(connection, sql, form, output)


def rejects(
    dataset: Annotated[str, typer.Argument(help="province/system/dataset")],
    form: Annotated[
        Format, typer.Option("--format", help="How to write the answer")
    ] = Format.table,
    limit: Annotated[int, typer.Option(min=1, help="Rows shown in a table")] = 20,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that the source has mended since")
    ] = False,
) -> None:
    """Show refused records with the reason in Vietnamese; personal cells are masked."""
    from hub.catalog import load_catalog
    from hub.settings import Settings
    from warehouse.lake import Lake, quote

    settings = Settings()
    catalog = load_catalog(settings.assets_dir)
    source, _, name = dataset.rpartition("/")
    if source not in catalog.systems or name not in {
        d.name for d in catalog.systems[source].datasets
    }:
        known = ", ".join(
            f"{s.name}/{d.name}" for s in catalog.systems.values() for d in s.datasets
        )
        raise typer.BadParameter(f"there is no dataset '{dataset}'; choose among: {known}")
    connection = Lake(settings.lake).reader()
    masked = _mask("record", _personal_fields(catalog, source, name))
    still = "" if everything else "AND _resolved_at IS NULL"
    sql = (
        "SELECT array_to_string(rules, ', ') AS rules, array_to_string(reasons, '; ') AS reasons, "
        f"file, line, strftime(_quarantined_at, '%Y-%m-%d %H:%M') AS since, {masked} AS record "
        f"FROM hub.quarantine WHERE _source = '{quote(source)}' AND dataset = '{quote(name)}' "
        f"{still} ORDER BY rules, file, line"
    )
    if form is Format.table:
        summary = (
            "SELECT rule, reason, count(*) AS records FROM "
            "(SELECT unnest(rules) AS rule, unnest(reasons) AS reason FROM hub.quarantine "
            f"WHERE _source = '{quote(source)}' AND dataset = '{quote(name)}' {still}) "
            "GROUP BY ALL ORDER BY records DESC, rule"
        )
        print_table(connection, summary, limit=100, console=Console())
        print_table(connection, sql, limit=limit, console=Console())
    else:
        _copy(connection, sql, form, None)


def _personal_fields(catalog: Catalog, source: str, name: str) -> list[str]:
    """Return the source fields that feed columns classified as personal."""
    dataset = catalog.systems[source].dataset(name)
    contract = catalog.contract(dataset)
    return sorted(
        {
            dataset.columns[column.name].source
            for column in contract.columns
            if column.classification != "none" and column.name in dataset.columns
        }
    )


def _mask(record: str, fields: list[str]) -> str:
    """Return SQL that hides the values of some fields of a JSON record."""
    if not fields:
        return record
    hidden = json.dumps(dict.fromkeys(fields, MASK), ensure_ascii=False).replace("'", "''")
    return f"json_merge_patch({record}, '{hidden}')"


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
    first = str(error).split("\n\nLINE", maxsplit=1)[0].replace("\n", " ")
    return ConfigurationError(
        f"the query does not run: {first}",
        next_step='`hub query "show all tables"` lists what there is',
    )


def print_table(
    connection: duckdb.DuckDBPyConnection, sql: str, *, limit: int, console: Console
) -> None:
    """Print at most ``limit`` rows: as a table if it fits, else one column a line."""
    import duckdb

    try:
        answer = connection.execute(sql)
        rows = answer.fetchmany(limit + 1)
    except duckdb.Error as error:
        raise _fail(error) from error
    names = [column[0] for column in answer.description or ()]
    shown = [[_show(value) for value in row] for row in rows[:limit]]
    widths = [max(map(len, column)) for column in zip(names, *shown, strict=True)]
    folded = sum(min(width, FOLDED) for width in widths)
    if folded + 3 * len(widths) + 1 <= console.width or not shown:
        table = Table(header_style="bold")
        for name in names:
            table.add_column(Text(name), overflow="fold")
        for cells in shown:
            table.add_row(*(Text(cell) for cell in cells))
        console.print(table)
    else:
        _print_records(console, names, shown)
    if len(rows) > limit:
        console.print(f"only the first {limit} rows are shown; --limit shows more", style="dim")


def _print_records(console: Console, names: list[str], shown: list[list[str]]) -> None:
    """Print one column a line where a table would be wider than the terminal."""
    longest = max(map(len, names))
    for number, cells in enumerate(shown, start=1):
        console.print(f"row {number}", style="bold")
        for name, cell in zip(names, cells, strict=True):
            line = f"  {name:<{longest}}  {cell}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def _show(value: Any) -> str:  # noqa: ANN401 - any SQL value
    if isinstance(value, list):
        return ", ".join(_show(item) for item in value)
    return "" if value is None else str(value)


def _copy(
    connection: duckdb.DuckDBPyConnection, sql: str, form: Format, output: Path | None
) -> None:
    """Stream an answer to a file or to standard output."""
    import duckdb

    from warehouse.lake import quote

    if form is Format.table:
        raise typer.BadParameter("--output wants --format csv, json or parquet")
    target = quote(output) if output else "/dev/stdout"
    body = sql.strip().rstrip(";")
    try:
        connection.execute(f"COPY (FROM ({body})) TO '{target}' ({COPY_OPTIONS[form]})")
    except duckdb.Error as error:
        raise _fail(error) from error
