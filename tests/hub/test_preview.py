"""A look at a dataset says what a night would do, shows nobody's data and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.catalog import Catalog, load_catalog
from hub.errors import ConfigurationError
from hub.load import Context
from hub.preview import preview
from hub.settings import ROOT, Settings
from tests.sources.faults import Asked, FaultServer, Reply, as_json

CATALOG: Catalog = load_catalog(ROOT / "assets")
PORTAL = CATALOG.systems["lao_cai/dich_vu_cong"]
GOOD = {
    "MaHoSo": "H38.01-261001-0001", "MaTTHC": "1.003290", "TenTTHC": "Cấp phép",
    "ChuHoSo": "Nguyễn Văn Không", "SoGiayToChuHoSo": "099080000001", "LoaiDoiTuong": "0",
    "NgayNopHoSo": "20261001080000", "NgayTiepNhan": "01/10/2026 09:00",
    "NgayHenTra": "20261009170000", "TrangThaiHoSo": "4", "MaDonViXuLy": "H38.01",
    "DonViXuLy": "Sở Y tế", "KenhThucHien": "2", "NgayCapNhat": "20261001090000",
}  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    running = FaultServer()
    running.routes["/token"] = lambda _: as_json(
        {"access_token": "the-khong-biet", "expires_in": 9}
    )
    monkeypatch.setenv("LAO_CAI_DICH_VU_CONG_URL", running.url)
    monkeypatch.setenv("LAO_CAI_DICH_VU_CONG_CLIENT_ID", "hub")
    monkeypatch.setenv("LAO_CAI_DICH_VU_CONG_CLIENT_SECRET", "bi-mat-cua-tinh")
    yield running
    running.close()


def context(folder: Path) -> Context:
    return Context.of(Settings(data_dir=folder / "data"), CATALOG)


def page(asked: Asked) -> Reply:
    """Two records a page of a list that claims a thousand: one page must be enough for a look."""
    number = int(asked.params["page"])
    rows = [
        GOOD | {"MaHoSo": f"H38.01-261001-{number:04}"},
        GOOD | {"MaHoSo": f"H38.01-261002-{number:04}", "NgayHenTra": "20260230080000"},
    ]
    return as_json({"error_code": "00", "total": "1000", "result": rows})


def test_a_look_says_what_a_night_would_do(server: FaultServer, tmp_path: Path) -> None:
    server.routes["/api/v1/hoso"] = page
    seen = preview(context(tmp_path), PORTAL, PORTAL.dataset("ho_so"), rows=2)
    assert (seen.records, seen.refused) == (2, 1)
    assert [(rule, count) for rule, count, _ in seen.broken] == [("ngay_hen_tra.type", 1)]
    fields = {field.column: field for field in seen.fields}
    assert (fields["ngay_hen_tra"].filled, fields["ngay_hen_tra"].untyped) == (2, 1)
    assert (fields["ngay_tiep_nhan"].repaired, fields["ngay_nop"].repaired) == (2, 0)
    assert fields["ngay_nop"].looks_like == "thoi_diem"
    (row,) = seen.rows
    shown = dict(zip(seen.names, row, strict=True))
    assert shown["ma_ho_so"] == "H38.01-261001-0001"
    assert (shown["chu_ho_so"], shown["so_giay_to"]) == ("***", "***")


def test_a_look_asks_for_little_and_writes_nothing(server: FaultServer, tmp_path: Path) -> None:
    server.routes["/api/v1/hoso"] = page
    preview(context(tmp_path), PORTAL, PORTAL.dataset("ho_so"), rows=2)
    assert server.paths().count("/api/v1/hoso") == 1
    assert not list(tmp_path.iterdir())


def test_what_a_night_would_stop_at_stops_a_look(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LAO_CAI_DICH_VU_CONG_URL"):
        preview(context(tmp_path), PORTAL, PORTAL.dataset("ho_so"), rows=2)
