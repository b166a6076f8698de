"""Administrative units of both periods, as the package has them, with its oddities named."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ConfigurationError, ProviderError
from sources import admin_units
from sources.landing import LandedBatch, Landing, Position
from sources.pull import pull
from sources.spec import SystemSpec
from tests.sources.conftest import landed_lines

SYSTEM = SystemSpec.model_validate(
    {
        "name": "danh_muc/don_vi",
        "title": "Đơn vị",
        "owner": "team:thu",
        "kind": "admin_units",
        "datasets": [
            {"name": "don_vi", "title": "Đơn vị", "contract": "x", "columns": {"ma": "ma_don_vi"}}
        ],
    }
)


def land(root: Path) -> LandedBatch:
    return pull(
        SYSTEM, SYSTEM.datasets[0], position=Position(), landing=Landing(root), environment={}
    )


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return [json.loads(line) for line in landed_lines(land(tmp_path_factory.mktemp("landing")))]


def test_the_numbers_are_those_of_the_two_lists(units: list[dict[str, Any]]) -> None:
    assert Counter((unit["ky"], unit["cap"]) for unit in units) == {
        ("tu_2025_07_01", "tinh"): 34,
        ("tu_2025_07_01", "xa"): 3321,
        ("truoc_2025_07_01", "tinh"): 63,
        ("truoc_2025_07_01", "huyen"): 696,
        ("truoc_2025_07_01", "xa"): 10035,
    }


def test_a_code_means_one_unit_in_one_period(units: list[dict[str, Any]]) -> None:
    keys = Counter((unit["ma_don_vi"], unit["cap"], unit["ky"]) for unit in units)
    assert max(keys.values()) == 1


def test_a_recycled_code_is_two_units(units: list[dict[str, Any]]) -> None:
    found = {unit["ky"]: unit for unit in units if unit["ma_don_vi"] == "02647"}
    new, old = found["tu_2025_07_01"], found["truoc_2025_07_01"]
    assert (old["ten"], old["ma_tinh"], old["ten_huyen"]) == (
        "Phường Kim Tân", "10", "Thành phố Lào Cai",
    )  # fmt: skip
    assert (new["ten"], new["ma_tinh"], new["ten_tinh"]) == (
        "Phường Lào Cai", "15", "Tỉnh Lào Cai",
    )  # fmt: skip
    assert (old["hieu_luc_tu"], old["hieu_luc_den"]) == (None, "2025-06-30")
    assert (new["hieu_luc_tu"], new["hieu_luc_den"]) == ("2025-07-01", None)
    assert new["dien_tich_km2"] > 0
    assert new["ma_huyen"] is None


def test_types_of_provinces_are_told_from_their_names(units: list[dict[str, Any]]) -> None:
    assert {unit["loai"] for unit in units if unit["cap"] == "tinh"} == {"Tỉnh", "Thành phố"}


def test_oddities_are_landed_and_named(units: list[dict[str, Any]]) -> None:
    noted = Counter(unit["ghi_chu"] for unit in units if unit["ghi_chu"])
    assert noted == {
        "loại ghi trong nguồn khác với tên": 17,
        "diện tích trong nguồn không dương": 2,
    }
    (odd,) = [unit for unit in units if unit["ma_don_vi"] == "10543" and unit["ghi_chu"]]
    assert (odd["ten"], odd["loai"]) == ("Phường Việt Hòa", "Xã")


def test_a_code_with_two_names_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "dataset.db"
    with sqlite3.connect(copy) as target, sqlite3.connect(":memory:") as _:
        source = admin_units._open()
        source.backup(target)
        source.close()
        target.execute("UPDATE admin_units_legacy SET wardCode = '02485' WHERE wardCode = '02482'")
    target.close()
    monkeypatch.setattr(admin_units, "_open", lambda: sqlite3.connect(copy))
    batch = land(tmp_path / "landing")
    odd = [json.loads(line) for line in landed_lines(batch) if "nhiều tên" in line]
    assert [unit["ten"] for unit in odd] == ["Xã Công Đa", "Xã Phú Thịnh"]


def test_a_package_that_is_missing_or_changed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_units, "_open", lambda: sqlite3.connect(":memory:"))
    with pytest.raises(ProviderError, match="not as expected: no such table"):
        land(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(admin_units, "PACKAGE", "goi_khong_co")
    with pytest.raises(ConfigurationError, match="goi_khong_co is not installed"):
        land(tmp_path)
