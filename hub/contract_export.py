"""A private export: rows unmasked, and their contracts for datacontract-cli beside them.

Data flow: contracts that a person chose -> ``warehouse.private_export`` (Parquet at one snapshot)
-> ``checks.standard`` (each contract with its server and its rules in the standard's words) ->
``<contract>.odcs.yaml``, written last: an export that was cut off has none.

Run it alone: ``hub contract export --all --to DIR``.

What does not belong here: printing (``cli``), what agencies may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from checks.contract import Contract
from checks.standard import in_the_standard
from hub.catalog import Catalog
from hub.load import Context
from sources.disk import write_private
from warehouse import private_export
from warehouse.private_export import DATABASE, Exported

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def chosen(catalog: Catalog, selection: list[str]) -> list[Contract]:
    """Return the contracts of what a selection names; every one that there is if it is empty.

    Raises:
        ConfigurationError: A name fits nothing, or a contract is broken.
    """
    stems = [*catalog.contracts, *(name for name in catalog.errors if "/" not in name)]
    if selection:
        found = catalog.select(selection)
        if found.broken:
            raise catalog.errors[found.broken[0]]
        datasets = [dataset for group in found.datasets.values() for dataset in group]
        stems = [d.contract for d in datasets] + [d.contract for d in found.derived]
    return [catalog.contract_named(stem) for stem in dict.fromkeys(stems)]


def export(context: Context, contracts: Sequence[Contract], folder: Path) -> Exported:
    """Write tables and contracts into a folder that is new or empty.

    Raises:
        ConfigurationError: None of the tables is there yet, or the folder will not do.
    """
    done = private_export.export(context.lake, contracts, folder)
    try:
        day = datetime.now(_ZONE).date()
        present = {table for table, rows in done.rows.items() if rows}
        for contract in contracts:
            if contract.table in done.rows:
                said = in_the_standard(contract, database=DATABASE, day=day, present=present)
                write_private(folder / contract.path.name, said.encode())
    except BaseException:
        private_export.empty(folder)
        raise
    return done
