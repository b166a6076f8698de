"""A draft is accepted at once, and what it was drafted from loads: real servers, real files.

Data flow: a definition without columns and without a contract -> ``draft`` -> both written ->
the catalog read anew -> a night of the dataset -> what the lake holds.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.catalog import load_catalog
from hub.drafting.draft import Draft, draft
from hub.errors import ConfigurationError, DataError
from hub.land import land
from hub.load import Context, Outcome, load
from hub.sandbox.province import Province
from hub.sandbox.server import Sandbox
from hub.settings import ROOT, Settings
from tests.warehouse.readers.test_xlsx import book
from warehouse import loads

SERVED = {
    "lao_cai/dich_vu_cong": ("ho_so", "thu_tuc"),
    "tuyen_quang/du_lieu_dung_chung": (
        "vung_huu_co", "cay_trong", "gia_vat_lieu", "di_san", "du_lich", "can_bo_dau_moi",
    ),
    "yen_bai/van_ban": ("van_ban", "trang_thai"),
}  # fmt: skip
PEOPLE = {"chu_ho_so", "so_giay_to_chu_ho_so", "email", "so_dien_thoai", "ho_ten", "so_dinh_danh",
          "thu_dien_tu", "staff_name", "staff_phone", "staff_email", "signer_name", "dien_thoai",
          "ma_can_bo", "dan_toc"}  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The province's servers in a thread of their own."""
    made = Sandbox(Province(1, 600), token_life=600)
    thread = threading.Thread(target=lambda: asyncio.run(made.serve()))
    thread.start()
    deadline = time.monotonic() + 20
    while not made.ready and time.monotonic() < deadline:
        time.sleep(0.01)
    yield made
    made.stop()
    thread.join(10)
    assert not thread.is_alive()


class Desk:
    """An assets folder in which somebody connects a source."""

    def __init__(self, folder: Path, definition: dict[str, Any]) -> None:
        """Write the definition."""
        self.settings = Settings(data_dir=folder / "data", assets_dir=folder / "assets")
        self.name = str(definition["name"])
        self.definition = definition
        (self.settings.assets_dir / "contracts").mkdir(parents=True)
        self._write()

    def _write(self) -> None:
        path = self.settings.assets_dir / self.name / "defs.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"type": "hub.components.SourceSystem", "attributes": self.definition}
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    @property
    def context(self) -> Context:
        """The deployment, read anew."""
        return Context.of(self.settings, load_catalog(self.settings.assets_dir))

    def draft(self, rows: int = 500) -> Draft:
        """Draft the one dataset; keep contract and columns as a person would."""
        context = self.context
        system = context.catalog.systems[self.name]
        (dataset,) = system.datasets
        made = draft(context, system, dataset, rows)
        contracts = self.settings.assets_dir / "contracts"
        (contracts / f"{dataset.contract}.odcs.yaml").write_text(made.contract, encoding="utf-8")
        self.definition["datasets"][0] |= yaml.safe_load(made.columns)
        self._write()
        assert self.context.catalog.errors == {}
        return made

    def night(self) -> Outcome:
        """Pull and load it."""
        context = self.context
        system = context.catalog.systems[self.name]
        (dataset,) = system.datasets
        pulled = land(context, system, [dataset], lambda *_: None)[dataset.name]
        return load(context, system, dataset, pulled, run="test")

    def columns(self) -> dict[str, dict[str, Any]]:
        """Return the drafted columns as ODCS has them."""
        (path,) = (self.settings.assets_dir / "contracts").iterdir()
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {item["name"]: item for item in document["schema"][0]["properties"]}


def served(folder: Path, system: str, dataset: str) -> Desk:
    """Take a system's definition with one dataset, as if nobody had described its columns."""
    document = yaml.safe_load((ROOT / "assets" / system / "defs.yaml").read_text(encoding="utf-8"))
    definition = document["attributes"]
    (chosen,) = [d for d in definition["datasets"] if d["name"] == dataset]
    for name in ("columns", "cursor", "reconcile_days", "mode"):
        chosen.pop(name, None)
    return Desk(folder, definition | {"datasets": [chosen]})


@pytest.mark.parametrize(
    ("system", "dataset"), [(system, name) for system, names in SERVED.items() for name in names]
)
def test_what_the_sandbox_serves_loads_under_its_draft(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, dataset: str
) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    desk = served(tmp_path, system, dataset)
    made = desk.draft()
    outcome = desk.night()
    assert outcome.error is None
    assert outcome.record.status == loads.LOADED
    # The sandbox plants dirt: it is refused for a reason that the draft names, and it is little.
    assert outcome.record.rejected <= 0.1 * outcome.record.fetched
    assert outcome.record.fetched > 30
    assert f"Under it {made.refused} of these {made.rows} rows would be refused." in made.contract
    found = desk.columns()
    personal = {name for name, item in found.items() if item["classification"] != "none"}
    assert personal >= PEOPLE & set(found)
    rules = [(name, rule["name"]) for name in personal for rule in found[name].get("quality", ())]
    assert [item for item in rules if item[1] != "pattern"] == []


def test_a_draft_holds_no_value_of_a_personal_column(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    desk = served(tmp_path, "lao_cai/dich_vu_cong", "ho_so")
    made = desk.draft()
    assert desk.night().rows > 500
    reader = desk.context.lake.reader()
    found = desk.columns()
    assert found["so_giay_to_chu_ho_so"]["classification"] == "basic"
    for name in PEOPLE & set(found):
        held = reader.execute(f"SELECT DISTINCT {name} FROM dung_rieng.ho_so").fetchall()
        assert len(held) > 50
        assert [value for (value,) in held if value and value in made.contract] == []
    reader.close()


def folder_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, **reader: Any) -> Desk:
    """Define a folder of files."""
    inside = tmp_path / "giao"
    inside.mkdir()
    monkeypatch.setenv("THU_FOLDER", str(inside))
    fetch = {"format": form, "folder": {"env": "THU_FOLDER"}, "pattern": f"*.{form}",
             "reader": reader}  # fmt: skip
    dataset = {"name": "bang", "title": "Bảng thử", "contract": "bang_thu", "fetch": fetch}
    return Desk(tmp_path, {
        "name": "tinh/thu", "title": "Thử", "owner": "team:thu", "kind": "files",
        "datasets": [dataset],
    })  # fmt: skip


FAMILIES = ("Nguyễn Văn An", "Lò Thị Bình", "Giàng A Páo", "Đặng Minh Châu")
HEADER = ["STT", "Mã hồ sơ", "Họ và tên", "SĐT", "Số CCCD", "Mã số thuế", "Ngày nộp",
          "Lệ phí (đồng)", "Tỷ lệ (%)", "Trực tuyến", "Trạng thái", "Mã bưu cục",
          "Ghi chú"]  # fmt: skip


def line(number: int) -> list[str]:
    """Return a row as people write it."""
    return [
        str(number), f"H38.01-2609{1 + number % 28:02}-{number:04}", FAMILIES[number % 4],
        f"09{12000000 + number * 7919 % 87000000:08}", f"010{number % 4}90{number:06}",
        ("0100100079", "0100112437")[number % 2], f"{1 + number % 28}/9/2026",
        f"{1 + number % 9}.{number % 7}00.000", f"{number % 100},{number % 10}",
        ("x", "")[number % 2], ("Đã trả", "Đang xử lý", "Mới")[number % 3], f"0{31000 + number}",
        ("-", "…")[number % 2],
    ]  # fmt: skip


def test_a_folder_of_csv_is_typed_as_people_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = folder_of(tmp_path, monkeypatch, "csv", delimiter=";")
    rows = [HEADER, *(line(n) for n in range(200))]
    text = "\n".join(";".join(row) for row in rows) + "\n"
    (tmp_path / "giao" / "thang 9.csv").write_text(text, encoding="utf-8")
    made = desk.draft()
    assert (made.rows, made.refused) == (200, 0)
    found = desk.columns()
    assert {name: (i["physicalType"], i["customProperties"][0]["value"], i["classification"])
            for name, i in found.items()} == {
        "stt": ("BIGINT", "so_nguyen", "none"),
        "ma_ho_so": ("VARCHAR", "ma", "none"),
        "ho_va_ten": ("VARCHAR", "van_ban", "basic"),
        "sdt": ("VARCHAR", "so_dien_thoai", "basic"),
        "so_cccd": ("VARCHAR", "so_dinh_danh", "basic"),
        "ma_so_thue": ("VARCHAR", "ma_so_thue", "none"),
        "ngay_nop": ("DATE", "ngay", "none"),
        "le_phi_dong": ("BIGINT", "so_nguyen", "none"),
        "ty_le": ("DECIMAL(18,2)", "so_thap_phan", "none"),
        "truc_tuyen": ("BOOLEAN", "dung_sai", "none"),
        "trang_thai": ("VARCHAR", "van_ban", "none"),
        "ma_buu_cuc": ("VARCHAR", "ma", "none"),
        "ghi_chu": ("VARCHAR", "van_ban", "none"),
    }  # fmt: skip
    assert [name for name, item in found.items() if item.get("primaryKey")] == ["ma_ho_so"]
    assert "required" not in found["truc_tuyen"]
    (rule,) = found["trang_thai"]["quality"]
    assert set(rule["implementation"]["kwargs"]["value_set"]) == {"Đã trả", "Đang xử lý", "Mới"}
    assert [name for name in FAMILIES if name in made.contract] == []
    outcome = desk.night()
    assert (outcome.error, outcome.rows, outcome.record.rejected) == (None, 200, 0)
    kept = desk.context.lake.reader().execute(
        "SELECT le_phi_dong, ty_le, truc_tuyen, ma_buu_cuc, ngay_nop::VARCHAR "
        "FROM dung_rieng.bang_thu WHERE ma_ho_so = 'H38.01-260912-0123'"
    )
    assert [str(cell) for cell in kept.fetchone() or ()] == [
        "7400000", "23.30", "None", "031123", "2026-09-12",
    ]  # fmt: skip


def test_a_folder_of_workbooks_is_drafted_past_its_titles_and_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = folder_of(tmp_path, monkeypatch, "xlsx", key="Mã hồ sơ", decimal=",")
    body = [line(n) for n in range(60)]
    (tmp_path / "giao" / "a.xlsx").write_bytes(
        book(
            ["DANH SÁCH HỒ SƠ"], ["(Kèm theo Công văn)"], [], HEADER, *body, [], ["Người lập biểu"]
        )
    )
    made = desk.draft()
    assert (made.rows, made.refused) == (60, 0)
    outcome = desk.night()
    assert (outcome.error, outcome.rows, outcome.record.rejected) == (None, 60, 0)


def test_a_key_is_found_among_pairs_and_codes_stay_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = folder_of(tmp_path, monkeypatch, "ndjson")
    rows = [
        {"MaDonVi": f"{n % 10:03}", "Nam": 2016 + n // 10, "SoLuong": n * 1.5, "LoaiDon": n % 3,
         "ChiTiet": {"HoTen": "x"}}
        for n in range(100)
    ]  # fmt: skip
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "giao" / "a.ndjson").write_text(text, encoding="utf-8")
    desk.draft()
    found = desk.columns()
    assert [name for name, item in found.items() if item.get("primaryKey")] == ["ma_don_vi", "nam"]
    assert found["ma_don_vi"]["physicalType"] == "VARCHAR"
    assert found["loai_don"]["physicalType"] == "VARCHAR"
    assert found["so_luong"]["physicalType"] == "DECIMAL(18,2)"
    assert found["chi_tiet"]["physicalType"] == "JSON"
    assert found["chi_tiet"]["classification"] == "basic"
    assert desk.night().rows == 100


def test_numbers_among_words_are_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = folder_of(tmp_path, monkeypatch, "csv", delimiter=";")
    rows = [f"X{n:03};{('gần', 'hơn')[n % 2]} {n + 1}.200 hồ sơ;{n % 9}" for n in range(50)]
    text = "\n".join(["Mã;Số tiếp nhận;Loại", *rows])
    (tmp_path / "giao" / "a.csv").write_text(text, encoding="utf-8")
    made = desk.draft()
    found = desk.columns()["so_tiep_nhan"]
    assert found["customProperties"] == [{"property": "form", "value": "so_kem_chu"}]
    assert "form muc_so (gần) and don_vi_so" in made.contract
    assert desk.night().rows == 50
    kept = desk.context.lake.reader().execute(
        "SELECT so_tiep_nhan::INT, loai FROM dung_chung.bang_thu WHERE ma = 'X007'"
    )
    assert kept.fetchone() == (8200, "7")


def test_names_that_no_definition_can_hold_are_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = folder_of(tmp_path, monkeypatch, "ndjson")
    rows = [{"ma": n, "MA": n, 'x"y': 1, "order": n, "_row": 2, "a\nb": 3} for n in range(30)]
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "giao" / "a.ndjson").write_text(text, encoding="utf-8")
    made = desk.draft()
    assert list(desk.columns()) == ["ma", "cot_order", "a_b"]
    told = [line for line in made.columns.splitlines() if "# left out: " in line]
    assert [line.partition(": ")[2] for line in told] == ['"MA"', r'"x\"y"', '"_row"']
    assert desk.night().rows == 30


def test_nothing_to_draft_from_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = folder_of(tmp_path, monkeypatch, "csv")
    (tmp_path / "giao" / "a.csv").write_text("Mã,Tên\n", encoding="utf-8")
    with pytest.raises(DataError, match="no row"):
        desk.draft()


def test_a_dataset_without_columns_is_not_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = folder_of(tmp_path, monkeypatch, "csv")
    (tmp_path / "giao" / "a.csv").write_text("Mã,Tên\n1,x\n2,y\n", encoding="utf-8")
    desk.draft()
    desk.definition["datasets"][0]["columns"] = {}
    desk._write()
    outcome = desk.night()
    assert isinstance(outcome.error, ConfigurationError)
    assert "maps no columns" in str(outcome.error)
    assert not desk.settings.landing.exists()
