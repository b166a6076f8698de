"""A deployment in miniature: two systems, three contracts, one derived table, a lake of two nights.

Data flow: :func:`define` writes an assets folder -> :func:`two_nights` commits a few rows through
``tests.warehouse.nights``, with records refused and mended -> :func:`note` adds load records.

What does not belong here: assertions, the contracts of real datasets.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.catalog import load_catalog
from hub.load import Context
from hub.settings import Settings
from tests.checks import contracts
from tests.warehouse.nights import Row, Warehouse, row
from warehouse import loads
from warehouse.lake import Lake

PORTAL = "tinh/cong"
UNITS = "tinh/danh_ba"
COUNTS = "chi_so/dem_ho_so"
TABLE = "dung_chung.ho_so_nho"

DEFINITION = """\
type: hub.components.SourceSystem
attributes:
  name: tinh/cong
  title: Cổng
  owner: team:trung_tam
  kind: portal
  base_url: {env: TINH_CONG_URL}
  auth:
    kind: oauth2_client_credentials
    client_id: {env: TINH_CONG_CLIENT_ID}
    client_secret: {env: TINH_CONG_CLIENT_SECRET}
  datasets:
    - name: ho_so
      title: Hồ sơ
      contract: ho_so_nho
      fetch: {path: /hoso, page_size: 10}
      columns: {ma: ma, ngay_nhan: ngay_nhan, ngay_tra: ngay_tra, chu_ho_so: chu_ho_so,
                trang_thai: trang_thai, le_phi: le_phi}
"""
"""``cap_nhat`` is not mapped: nobody knows whether that field of a record is personal."""

SECOND = """\
type: hub.components.SourceSystem
attributes:
  name: tinh/danh_ba
  title: Danh bạ
  owner: team:trung_tam
  kind: admin_units
  datasets:
    - {name: don_vi, title: Đơn vị, contract: danh_ba,
       columns: {ma: ma_don_vi, ngay_nhan: hieu_luc_tu, trang_thai: cap}}
"""

DERIVED = """\
type: hub.components.DerivedTable
attributes:
  name: chi_so/dem_ho_so
  title: Đếm hồ sơ
  owner: team:trung_tam
  contract: dem_ho_so
  sql: dem_ho_so.sql
  inputs: [dung_chung.ho_so_nho]
"""

SQL = "select trang_thai, count(*) as so_ho_so from dung_chung.ho_so_nho group by 1;\n"

COUNTS_CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: dem_ho_so
name: Đếm hồ sơ
version: 1.0.0
status: active
team: {name: trung_tam}
slaProperties:
  - {property: latency, value: 26, unit: h}
schema:
  - name: dem_ho_so
    physicalName: chi_so.dem_ho_so
    description: Hồ sơ theo trạng thái (dossiers by state)
    customProperties:
      - {property: phanLoai, value: mo}
    properties:
      - name: trang_thai
        businessName: Trạng thái
        description: Mã trạng thái (state)
        logicalType: string
        physicalType: VARCHAR
        primaryKey: true
        required: true
      - name: so_ho_so
        businessName: Số hồ sơ
        description: Số hồ sơ (count)
        logicalType: integer
        physicalType: BIGINT
        customProperties:
          - {property: form, value: so_may}
"""


def define(folder: Path) -> Path:
    """Write the definitions and contracts; returns the assets folder."""
    assets = folder / "assets"
    for name, text in {
        f"{PORTAL}/defs.yaml": DEFINITION,
        f"{UNITS}/defs.yaml": SECOND,
        f"{COUNTS}/defs.yaml": DERIVED,
        f"{COUNTS}/dem_ho_so.sql": SQL,
        "contracts/ho_so_nho.odcs.yaml": contracts.CONTRACT,
        "contracts/danh_ba.odcs.yaml": contracts.CONTRACT.replace("ho_so_nho", "danh_ba"),
        "contracts/dem_ho_so.odcs.yaml": COUNTS_CONTRACT,
    }.items():
        (assets / name).parent.mkdir(parents=True, exist_ok=True)
        (assets / name).write_text(text, encoding="utf-8")
    return assets


def context(folder: Path) -> Context:
    """Read the deployment below a folder anew, as a new process would."""
    settings = Settings(data_dir=folder / "data", assets_dir=folder / "assets")
    return Context.of(settings, load_catalog(settings.assets_dir))


def warehouse(folder: Path) -> Warehouse:
    """Return the lake of a deployment, to be filled night by night."""
    (folder / "scratch").mkdir(exist_ok=True)
    made = Warehouse.at(folder / "scratch")
    return Warehouse(Lake(folder / "data" / "lake"), made.contract, made.scratch)


def two_nights(folder: Path) -> Warehouse:
    """Commit two nights: A2 changes, A3 is refused and then mended, A4 is refused twice."""
    filled = warehouse(folder)
    early: Row = {"ngay_nhan": "2026-02-01", "ngay_tra": "2026-01-01"}
    refused = row("A4", "Hoàng Thị Mật", trang_thai="9", **early)
    filled.night([row("A1", "Lò Văn An"), row("A2", "Bình"), row("A3", "Giàng Kín", **early),
                  refused])  # fmt: skip
    filled.night([row("A1", "Lò Văn An"), row("A2", "Bình Minh"), row("A3", "Giàng Kín"), refused])
    return filled


def note(folder: Path, name: str, status: str, *, hours: float = 0, **other: Any) -> None:
    """Record an attempt that brought no rows, so many hours ago."""
    source, _, dataset = name.rpartition("/")
    lake = Lake(folder / "data" / "lake")
    ended = datetime.now(UTC) - timedelta(hours=hours)
    connection = lake.writer()
    load = loads.LoadRecord(
        run="test", source=source, dataset=dataset, table_name=TABLE, status=status,
        started_at=ended, ended_at=ended, **other,
    )  # fmt: skip
    loads.record(lake, connection, load)
    connection.close()
