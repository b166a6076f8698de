"""A deployment with the reference data only: synced without Dagster, official files if wanted.

Data flow: ``assets/danh_muc`` as it is, or a copy that a test has changed, and the official files
if :func:`supply` has written them -> :func:`bring_in` lands and loads every system of it and
computes what is derived -> a lake.

What does not belong here: assertions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from hub.catalog import load_catalog
from hub.derive import derive
from hub.land import land
from hub.load import Context, Outcome, Pulled, load
from hub.settings import ROOT, Settings
from sources.session import left_out
from warehouse import macros
from warehouse.lake import Lake

HEADER = (
    "Đơn vị hành chính từ ngày 01/7/2025,,,Đơn vị hành chính trước ngày 01/7/2025,,,,,\n"
    '"Tỉnh, thành phố",Tên Xã mới,Mã Xã mới,Tên Xã cũ,Mã Xã cũ,Ghi chú,Quận/huyện,Tỉnh cũ,\n'
)
OFFICE = "Tỉnh Thành Phố,Mã TP,Quận Huyện,Mã QH,Phường Xã,Mã PX,Cấp,Tên Tiếng Anh\n"
NEW, OLD = "Tỉnh Tuyên Quang (08)", "Huyện Yên Sơn (075),Tỉnh Tuyên Quang (08),\n"
TABLE = HEADER + "TỈNH TUYÊN QUANG  ,,,,,,,,\n" + "".join([
    f"{NEW},Xã Trung Sơn,02458,Xã Công Đa,02485,Nhập toàn bộ,{OLD}",
    f"{NEW},Xã Thái Bình,02494,Xã  Phú Thịnh ,02485,Nhập toàn bộ,{OLD}",  # 02482 in truth
    f"{NEW},Xã Thái Bình,02494,Xã Kim Phú,02497,Nhâp một phần,{OLD}",
    f"{NEW},Xã Trung Sơn,02458,Xã Kim Phú,02497,Nhập toàn bộ,{OLD}",
    f"{NEW},Xã Thái Bình,02494,Bãi ven sông,,Nhập toàn bộ,{OLD}",
    f"{NEW},Xã Trung Sơn,02458,Xã Lạ,99999,Nhập toàn bộ,{OLD}",
])  # fmt: skip
"""Right rows and errors of the real table: a code with two names, a typo, a blank and a wrong code;
and a split unit whose label says that it was not."""
COMMUNES = OFFICE + "".join(
    f"Tỉnh Tuyên Quang,08,Huyện Yên Sơn,075,{name},{code},Xã,\n"
    for name, code in (("Xã Công Đa", "02485"), ("Xã Phú Thịnh", "02482"), ("Xã Kim Phú", "02497"))
)


def supply(folder: Path) -> dict[str, str]:
    """Write both official files into a folder; returns the environment that names it."""
    folder.mkdir()
    (folder / "bang_chuyen_doi_2025-07.csv").write_text(TABLE, encoding="utf-8")
    (folder / "gso_xa_2025-01-04.csv").write_text(COMMUNES, encoding="utf-8")
    return {"BANG_CHUYEN_DOI_DIR": str(folder), "DS_XA_GSO_DIR": str(folder)}


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
