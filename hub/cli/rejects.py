"""``hub rejects``: which records of a dataset were refused and why, personal cells masked.

Data flow: ``hub.quarantine`` in the lake and the contract (which columns are personal) -> a summary
by rule and the records, or the records alone as CSV, JSON or Parquet. What is not known to be
harmless is masked: a field that the definition no longer maps may hold a person's data too.

Run it alone: ``hub rejects lao_cai/dich_vu_cong/ho_so --limit 3``.

What does not belong here: deciding what is refused (``checks``), mending records (the source does).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.cli.query import Format, copy, print_table

if TYPE_CHECKING:
    import duckdb

    from hub.catalog import Catalog

MASK = "***"


def rejects(
    dataset: Annotated[str, typer.Argument(help="province/system/dataset")],
    form: Annotated[
        Format, typer.Option("--format", help="How to write the answer")
    ] = Format.table,
    limit: Annotated[int, typer.Option(min=1, help="Records shown in a table")] = 20,
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
    harmless = _harmless_fields(catalog, dataset)
    source, _, name = dataset.rpartition("/")
    connection = Lake(settings.lake).reader()
    held = f"FROM hub.quarantine WHERE _source = '{quote(source)}' AND dataset = '{quote(name)}'"
    mended = ""
    if everything:
        mended = "strftime(_resolved_at, '%Y-%m-%d %H:%M') AS mended, "
    else:
        held += " AND _resolved_at IS NULL"
    sql = (
        "SELECT array_to_string(rules, ', ') AS rules, array_to_string(reasons, '; ') AS reasons, "
        f"file, line, strftime(_quarantined_at, '%Y-%m-%d %H:%M') AS since, {mended}"
        f"{_masked('record', harmless)} AS record {held} ORDER BY rules, file, line"
    )
    if form is not Format.table:
        copy(connection, sql, form)
        return
    console = Console()
    if _print_summary(connection, held, dataset, console):
        print_table(connection, sql, limit=limit, console=console)


def _print_summary(
    connection: duckdb.DuckDBPyConnection, held: str, dataset: str, console: Console
) -> int:
    """Print how many records broke which rule; returns how many records there are."""
    counted = connection.execute(f"SELECT count(*) {held}").fetchone()
    records = int(counted[0]) if counted else 0
    if not records:
        console.print(f"no record of {dataset} is refused", highlight=False)
        return 0
    console.print(f"refused records of {dataset}: {records:,}", style="bold", highlight=False)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("records", justify="right", no_wrap=True)
    table.add_column("rule", overflow="fold")
    table.add_column("reason", overflow="fold")
    for rule, reason, count in connection.execute(
        "SELECT rule, reason, count(*) AS records "
        f"FROM (SELECT unnest(rules) AS rule, unnest(reasons) AS reason {held}) "
        "GROUP BY ALL ORDER BY records DESC, rule"
    ).fetchall():
        table.add_row(f"{count:,}", Text(rule), Text(reason))
    console.print(table)
    return records


def _harmless_fields(catalog: Catalog, dataset: str) -> list[str]:
    """Return the fields of a dataset's records that feed no personal column.

    Raises:
        ConfigurationError: The contract is missing or broken.
        typer.BadParameter: There is no such dataset.
    """
    source, _, name = dataset.rpartition("/")
    sources: dict[str, str] = {}
    if dataset in catalog.derived:
        contract = catalog.contract_named(catalog.derived[dataset].contract)
        sources = {column.name: column.name for column in contract.columns}
    elif source in catalog.systems and name in {d.name for d in catalog.systems[source].datasets}:
        found = catalog.systems[source].dataset(name)
        contract = catalog.contract_named(found.contract)
        sources = {column: spec.source for column, spec in found.columns.items()}
    else:
        known = [f"{s.name}/{d.name}" for s in catalog.systems.values() for d in s.datasets]
        raise typer.BadParameter(
            f"there is no dataset '{dataset}'; choose among: "
            + ", ".join([*known, *catalog.derived])
        )
    personal = {
        sources[column.name]
        for column in contract.columns
        if column.classification != "none" and column.name in sources
    }
    return sorted(set(sources.values()) - personal)


def _masked(record: str, harmless: list[str]) -> str:
    """Return SQL that hides all cells of a JSON record but the harmless and the blank ones."""
    from warehouse.lake import quote

    shown = ", ".join(f"'{quote(name)}'" for name in harmless)
    pointer = "'/' || replace(replace(field, '~', '~0'), '/', '~1')"
    cell = f"json_extract_string({record}, {pointer})"
    return (
        f"to_json(map_from_entries(list_transform(json_keys({record}), lambda field: (field, "
        f"CASE WHEN coalesce(trim({cell}), '') = '' OR field IN ({shown}) THEN {cell} "
        f"ELSE '{MASK}' END))))"
    )
