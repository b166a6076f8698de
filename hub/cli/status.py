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
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hub.errors import HubError

if TYPE_CHECKING:
    import duckdb

    from hub.catalog import Catalog


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON")] = False,
) -> None:
    """Show how fresh every dataset is and what went wrong last."""
    from hub.catalog import load_catalog
    from hub.settings import Settings

    settings = Settings()
    catalog = load_catalog(settings.assets_dir)
    found = rows(settings.lake, catalog, datetime.now(UTC))
    _mark_left_out(found, catalog, settings.environment())
    if as_json:
        found += [
            _broken(name, str(error)) for name, error in catalog.errors.items() if "/" in name
        ]
        json.dump(found, sys.stdout, ensure_ascii=False, indent=2, default=_as_text)
        sys.stdout.write("\n")
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, 100))
    console.print(_table(found))
    for row in found:
        for waiting in row["held_back"]:
            line = (
                f"held back  {row['dataset']}: batch {waiting['batch']} since "
                f"{waiting['since']:%Y-%m-%d %H:%M}; `hub approve {row['dataset']}` shows why"
            )
            console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)
        if row["last_error"]:
            line = f"last error  {row['last_error']}"
            console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    for name, error in catalog.errors.items():
        line = f"broken  {name}: {error}"
        console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)


def _mark_left_out(
    found: list[dict[str, Any]], catalog: Catalog, environment: dict[str, str]
) -> None:
    """Say of optional datasets that were never supplied that they are just that."""
    from sources.session import left_out

    absent = {s.name for s in catalog.systems.values() if left_out(s, environment)}
    for row in found:
        if row["freshness"] == "never synced" and row["dataset"].rpartition("/")[0] in absent:
            row["freshness"] = "not supplied"


def _broken(name: str, error: str) -> dict[str, Any]:
    """Return the entry of a definition that cannot be read: nobody knows its datasets."""
    unknown = dict.fromkeys(("table", "last_good_sync", "rows", "rejected"))
    unknown["held_back"] = None
    return {"dataset": name, **unknown, "freshness": "broken", "deadline_hours": None,
            "last_error": None, "broken": error}  # fmt: skip


def _as_text(value: Any) -> str:  # noqa: ANN401 - whatever JSON lacks
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _table(found: list[dict[str, Any]]) -> Table:
    """Return one line per dataset, grouped by system."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("dataset", "last good sync"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "rejected"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("freshness", no_wrap=True)
    styles = {"fresh": "green", "stale": "red", "never synced": "yellow", "not supplied": "dim"}
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


def rows(lake_folder: Path, catalog: Catalog, now: datetime) -> list[dict[str, Any]]:
    """Return the state of every dataset and derived table that is defined."""
    from warehouse import loads
    from warehouse.lake import Lake

    broken = _broken_contracts(catalog)
    lake = Lake(lake_folder)
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    good: dict[tuple[str, str], dict[str, Any]] = {}
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    waiting: list[dict[str, Any]] = []
    defined = _defined(catalog)
    tables = {key: table for key, _, table, _ in defined}
    if lake.exists:
        connection = lake.reader()
        newest, good = loads.latest(connection), loads.latest(connection, status="good")
        # A dataset whose contract is broken still has the table that it filled.
        tables = {k: table or good.get(k, {}).get("table_name", "") for k, table in tables.items()}
        counts = _counts(connection, tables)
        waiting = loads.waiting(connection)
    found = []
    for key, stem, _, hours in defined:
        last, last_good = newest.get(key), good.get(key)
        ended = last_good["ended_at"] if last_good else None
        late = bool(ended and hours and now - ended > timedelta(hours=hours))
        held, rejected = counts.get(key, (0, 0))
        found.append(
            {
                "dataset": "/".join(key),
                "table": tables[key],
                "last_good_sync": ended,
                "rows": held,
                "rejected": rejected,
                "freshness": "never synced" if ended is None else "stale" if late else "fresh",
                "deadline_hours": hours,
                "last_error": last["error"] if last and last["status"] == loads.FAILED else None,
                "held_back": [
                    {"batch": one["batch"], "since": one["ended_at"]}
                    for one in waiting
                    if (one["_source"], one["dataset"]) == key
                ],
                "broken": broken.get(stem),
            }
        )
    return found


def _broken_contracts(catalog: Catalog) -> dict[str, str]:
    """Return contract -> why nobody can keep it."""
    found = {}
    for _, stem, _, _ in _defined(catalog):
        try:
            catalog.contract_named(stem)
        except HubError as error:
            found[stem] = str(error)
    return found


def _defined(
    catalog: Catalog,
) -> list[tuple[tuple[str, str], str, str, float | None]]:
    """Return key, contract, table and deadline of all that is defined; no table if it is broken."""
    named = [
        *(((s.name, d.name), d.contract) for s in catalog.systems.values() for d in s.datasets),
        *((d.name.partition("/")[::2], d.contract) for d in catalog.derived.values()),
    ]
    found = []
    for key, stem in named:
        contract = catalog.contracts.get(stem)
        table, hours = (contract.table, contract.freshness_hours) if contract else ("", None)
        found.append((key, stem, table, hours))
    return found


def _counts(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[tuple[str, str], str],
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return rows held and records in quarantine by dataset."""
    from warehouse.lake import table_names

    held: dict[tuple[str, str], int] = {}
    for table in sorted(set(tables.values()) & table_names(connection)):
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
