"""``hub status``: for each dataset the last good sync, rows, rejects, freshness and last error.

Data flow: definitions on disk and ``hub.loads`` in the lake -> one line per dataset. It needs no
Dagster, no network and no secret.

Run it alone: ``hub status --json``.

What does not belong here: changing anything.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON")] = False,
) -> None:
    """Show how fresh every dataset is and what went wrong last."""
    from hub.catalog import load_catalog
    from hub.settings import Settings

    settings = Settings()
    catalog = load_catalog(settings.assets_dir)
    found = rows(settings.lake, catalog, datetime.now(UTC))
    if as_json:
        json.dump(found, sys.stdout, ensure_ascii=False, indent=2, default=str)
        sys.stdout.write("\n")
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, 100))
    console.print(_table(found))
    for row in found:
        if row["last_error"]:
            line = f"last error  {row['last_error']}"
            console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    for name, error in catalog.errors.items():
        line = f"broken  {name}: {error}"
        console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)


def _table(found: list[dict[str, Any]]) -> Table:
    """Return one line per dataset, grouped by system."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("dataset", "last good sync"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "rejected"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("freshness", no_wrap=True)
    styles = {"fresh": "green", "stale": "red", "never synced": "yellow"}
    group = None
    for row in found:
        source, _, dataset = row["dataset"].rpartition("/")
        if source != group:
            group = source
            table.add_row(f"[bold]{source}[/]")
        good = row["last_good_sync"]
        table.add_row(
            f"  {dataset}",
            f"{good:%Y-%m-%d %H:%M}" if good else "-",
            f"{row['rows']:,}",
            f"{row['rejected']:,}",
            f"[{styles[row['freshness']]}]{row['freshness']}[/]",
        )
    return table


def rows(lake_folder: Any, catalog: Any, now: datetime) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return the state of every dataset and derived table that is defined."""
    from warehouse import loads
    from warehouse.lake import Lake

    lake = Lake(lake_folder)
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    good: dict[tuple[str, str], dict[str, Any]] = {}
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    defined = _defined(catalog)
    if lake.exists:
        connection = lake.reader()
        newest, good = loads.latest(connection), loads.latest(connection, status="good")
        counts = _counts(connection, {key: table for key, table, _ in defined})
    found = []
    for key, table, hours in defined:
        last, last_good = newest.get(key), good.get(key)
        ended = last_good["ended_at"] if last_good else None
        late = bool(ended and hours and now - ended > timedelta(hours=hours))
        held, rejected = counts.get(key, (0, 0))
        found.append(
            {
                "dataset": "/".join(key),
                "table": table,
                "last_good_sync": ended,
                "rows": held,
                "rejected": rejected,
                "freshness": "never synced" if ended is None else "stale" if late else "fresh",
                "deadline_hours": hours,
                "last_error": last["error"] if last and last["status"] == loads.FAILED else None,
            }
        )
    return found


def _defined(catalog: Any) -> list[tuple[tuple[str, str], str, float | None]]:  # noqa: ANN401
    found = []
    for system in catalog.systems.values():
        for dataset in system.datasets:
            contract = catalog.contracts.get(dataset.contract)
            table = contract.table if contract else ""
            hours = contract.freshness_hours if contract else None
            found.append(((system.name, dataset.name), table, hours))
    for derived in catalog.derived.values():
        contract = catalog.contracts.get(derived.contract)
        schema, _, name = derived.name.partition("/")
        hours = contract.freshness_hours if contract else None
        found.append(((schema, name), contract.table if contract else "", hours))
    return found


def _counts(
    connection: Any,  # noqa: ANN401 - duckdb is imported late
    tables: dict[tuple[str, str], str],
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return rows held and records in quarantine by dataset."""
    present = {
        name
        for (name,) in connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
            "WHERE database_name = 'lake'"
        ).fetchall()
    }
    held: dict[tuple[str, str], int] = {}
    for table in sorted(set(tables.values()) & present):
        by_source = dict(
            connection.execute(f"SELECT _source, count(*) FROM {table} GROUP BY 1").fetchall()
        )
        held |= {key: by_source.get(key[0], 0) for key, name in tables.items() if name == table}
    refused = {
        (source, dataset): count
        for source, dataset, count in connection.execute(
            "SELECT _source, dataset, count(*) FROM hub.quarantine "
            "WHERE _resolved_at IS NULL GROUP BY ALL"
        ).fetchall()
    }
    return {key: (held.get(key, 0), refused.get(key, 0)) for key in tables}
