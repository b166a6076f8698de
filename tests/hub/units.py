"""A deployment with the reference data only: synced without Dagster, official files if wanted.

Data flow: ``assets/danh_muc`` as it is, or a copy that a test has changed -> :func:`bring_in` lands
and loads every system of it and computes what is derived -> a lake.

What does not belong here: assertions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from hub.catalog import load_catalog
from hub.derive import derive
from hub.load import Context, Outcome, Pulled, land, load
from hub.settings import ROOT, Settings
from sources.session import left_out
from warehouse import macros
from warehouse.lake import Lake

HEADER = (
    "Đơn vị hành chính từ ngày 01/7/2025,,,Đơn vị hành chính trước ngày 01/7/2025,,,,,\n"
    '"Tỉnh, thành phố",Tên Xã mới,Mã Xã mới,Tên Xã cũ,Mã Xã cũ,Ghi chú,Quận/huyện,Tỉnh cũ,\n'
)
OFFICE = "Tỉnh Thành Phố,Mã TP,Quận Huyện,Mã QH,Phường Xã,Mã PX,Cấp,Tên Tiếng Anh\n"


def bring_in(data: Path, assets: Path = ROOT / "assets") -> dict[str, Outcome]:
    """Sync ``danh_muc`` as a night does; what is optional and not supplied is left out."""
    settings = Settings(data_dir=data, assets_dir=assets)
    context = Context.of(settings, load_catalog(assets))
    environment = settings.environment()
    outcomes = {}
    for system in context.catalog.systems.values():
        if system.province != "danh_muc" or left_out(system, environment):
            continue
        landed = land(context, system, system.datasets, lambda *_: None)
        for dataset in system.datasets:
            pulled: Pulled = landed[dataset.name]
            outcome = load(context, system, dataset, pulled, run="test")
            outcomes[f"{system.name}/{dataset.name}"] = outcome
    for spec in context.catalog.derived.values():
        if spec.name.startswith("danh_muc/"):
            outcomes[spec.name], _ = derive(context, spec, run="test")
    return outcomes


def asked(data: Path, sql: str) -> list[tuple[Any, ...]]:
    """Return the answer of the lake, with the macros there."""
    with opened(data) as connection:
        return connection.execute(sql).fetchall()


def opened(data: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection as ``hub query`` has it."""
    connection = Lake(Settings(data_dir=data).lake).reader()
    macros.install(connection)
    return connection
