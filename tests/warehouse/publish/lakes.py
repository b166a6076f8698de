"""A lake of two published tables and one of its owner's, filled by hand.

Data flow: :func:`filled` commits nights through ``tests.warehouse.nights``; :func:`plan_of` is
what a deployment would publish of it.

What does not belong here: assertions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from checks.contract import Contract, load_contract
from tests.checks import contracts
from tests.warehouse.nights import Warehouse, row
from warehouse import tables
from warehouse.lake import Lake
from warehouse.publish.build import Plan

NAMES = ["Lò Văn An", "Giàng Thị Kín"]
FIRST, SECOND, PRIVATE = "dung_chung.ho_so_nho", "dung_chung.danh_ba", "dung_rieng.rieng"


def contract(folder: Path, name: str, **changes: str) -> Contract:
    """Write the small contract under another name, with parts replaced, and load it."""
    text = contracts.CONTRACT.replace("ho_so_nho", name)
    for old, new in changes.items():
        text = contracts.changed(old, new, text)
    path = folder / f"{name}.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path)


def filled(folder: Path) -> dict[str, Warehouse]:
    """Return table -> a warehouse in one lake; each table has had a night."""
    lake = Lake(folder / "lake")
    private = contract(folder, "rieng", **{"dung_chung.rieng": "dung_rieng.rieng",
                                           "value: dung_chung}": "value: dung_rieng}"})  # fmt: skip
    made = {
        one.table: Warehouse(lake, one, folder / "staging")
        for one in (contract(folder, "ho_so_nho"), contract(folder, "danh_ba"), private)
    }
    rows = [row("A1", NAMES[0]), row("A2", NAMES[1], chu_ho_so=None), row("A3", NAMES[1])]
    for number, warehouse in enumerate(made.values()):
        warehouse.batches = number * 10
        connection = lake.writer()
        with lake.lock():
            tables.ensure(connection, warehouse.contract)
        connection.close()
    night(made[FIRST], rows)
    return made


def night(warehouse: Warehouse, rows: list[dict[str, Any]]) -> None:
    """Commit a night of a table of the lake."""
    warehouse.night(rows)


def plan_of(made: dict[str, Warehouse], **other: Any) -> Plan:
    """Return the plan of a lake."""
    return Plan([one.contract for one in made.values()], {"tinh/cong": "Cổng"}, **other)


def ask(published: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask the DuckDB file that readers get."""
    with duckdb.connect(str(published / "current" / "kho_du_lieu.duckdb"), read_only=True) as file:
        return file.execute(sql).fetchall()
