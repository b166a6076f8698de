"""``hub changes``: what changed in a table since a moment, deletions too, personal cells masked.

Data flow: the contract of the table and ``warehouse.changes`` -> a table for people, CSV, JSON or
Parquet. What to give next time as ``--since`` is said on standard error, so that nothing is missed
and nothing comes twice.

Run it alone: ``hub changes dung_chung.ho_so --since 2026-10-01 --format csv``.

What does not belong here: which changes there are (``warehouse.changes``).
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hub.cli.query import Format, copy, print_table
from hub.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb

    from checks.contract import Contract
    from hub.catalog import Catalog

MASK = "***"


def changes(
    table: Annotated[str, typer.Argument(help="schema.table, for example dung_chung.ho_so")],
    since: Annotated[
        str, typer.Option(help="After this snapshot number or time, such as 2026-10-01T08:00")
    ],
    until: Annotated[
        str | None, typer.Option(help="Up to and with this snapshot or time; default: the newest")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="How to write the answer")
    ] = Format.table,
    limit: Annotated[int, typer.Option(min=1, help="Changes shown in a table")] = 50,
) -> None:
    """Show rows that were inserted, updated or deleted; personal cells are masked."""
    from hub.catalog import load_catalog
    from hub.settings import Settings
    from warehouse import history
    from warehouse.changes import changes_sql, mark
    from warehouse.lake import Lake

    settings = Settings()
    contract = _contract(load_catalog(settings.assets_dir), table)
    connection = Lake(settings.lake).reader()
    newest = mark(connection)
    begin = _moment(connection, since, "--since")
    end = min(_moment(connection, until, "--until"), newest or begin) if until else newest
    history.require(connection, contract, begin)
    shown = ", ".join(
        column.name
        if column.classification == "none"
        else f"CASE WHEN {column.name} IS NOT NULL THEN '{MASK}' END AS {column.name}"
        for column in contract.columns
    )
    inner = changes_sql(contract)
    for name, moment in (("$since", begin), ("$until", end or begin)):
        inner = inner.replace(name, f"TIMESTAMPTZ '{moment.isoformat()}'")
    sql = f"SELECT _kind, _at, _batch, _source, {shown} FROM ({inner})"
    if form is Format.table:
        print_table(connection, sql, limit=limit, console=Console())
    else:
        copy(connection, sql, form)
    if end is not None:
        sys.stderr.write(f"next time: --since {max(begin, end).isoformat()}\n")


def _contract(catalog: Catalog, table: str) -> Contract:
    """Return the contract of a table; raises ``typer.BadParameter`` if there is none."""
    found = {contract.table: contract for contract in catalog.contracts.values()}
    if table not in found:
        raise typer.BadParameter(
            f"there is no table '{table}'; choose among: {', '.join(sorted(found))}"
        )
    return found[table]


def _moment(connection: duckdb.DuckDBPyConnection, given: str, option: str) -> datetime:
    """Read a snapshot's number or a time; a time without zone is Viet Nam's.

    Raises:
        ConfigurationError: The snapshot is not there, or not any more.
    """
    import duckdb

    from hub.cli.sync import VIETNAM
    from warehouse.changes import mark

    if given.isdecimal():
        try:
            moment = mark(connection, version=int(given))
        except duckdb.Error:
            raise ConfigurationError(
                f"there is no snapshot {given}, or it has expired",
                next_step="give the time of it instead; the history goes further back",
            ) from None
        return moment or datetime.fromtimestamp(0, UTC)
    try:
        time = datetime.fromisoformat(given)
    except ValueError as error:
        raise typer.BadParameter(
            f"{option} wants a snapshot number or a time such as 2026-10-01T08:00"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=VIETNAM)
