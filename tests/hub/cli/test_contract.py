"""``hub contract draft``: what is printed, what is written, what is never overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from checks.contract import load_contract
from tests.hub.cli.conftest import Hub

DATASET = "tinh/thu/bang"
DEFINITION = """\
type: hub.components.SourceSystem
attributes:
  name: tinh/thu
  title: Thử
  owner: team:thu
  kind: files
  datasets:
    - name: khac
      title: Khác
      contract: khac
      fetch: {format: csv, folder: {env: THU_FOLDER}, pattern: "*.csv"}
      columns: {}
    - name: bang   # a comment that stays
      title: Bảng
      contract: bang
      columns: {} # goes
      fetch: {format: csv, folder: {env: THU_FOLDER}, pattern: "*.csv"}
"""
ROWS = "MaXa,Chủ hộ,Ngày\n" + "".join(
    f"0{2000 + n},Lò Văn {'ABCDEFGH'[n % 8]},{1 + n % 28}/9/2026\n" for n in range(40)
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A definition without contract and columns, and a file."""
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HUB_ASSETS_DIR", str(tmp_path / "assets"))
    monkeypatch.setenv("THU_FOLDER", str(tmp_path / "giao"))
    for path, text in {"assets/tinh/thu/defs.yaml": DEFINITION, "giao/a.csv": ROWS}.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "assets" / "contracts").mkdir()
    return tmp_path


def test_check_tells_how_to_begin(hub: Hub, folder: Path) -> None:
    said = hub("check")
    assert said.code == 1
    assert "let `hub contract draft DATASET --output assets/contracts/bang.odcs.yaml`" in said.out
    assert folder.exists()


def test_printed_it_is_a_contract_with_the_columns_as_a_comment(hub: Hub, folder: Path) -> None:
    said = hub("contract", "draft", DATASET)
    assert (said.code, said.err) == (0, "")
    path = folder / "bang.odcs.yaml"
    path.write_text(said.out, encoding="utf-8")
    contract = load_contract(path)
    assert [c.name for c in contract.columns] == ["ma_xa", "chu_ho", "ngay"]
    assert contract.key == ("ma_xa",)
    assert "# For the dataset in defs.yaml:" in said.out
    assert "Lò Văn" not in said.out
    assert not (folder / "data").exists()


def test_written_and_filled_in_all_is_there(hub: Hub, folder: Path) -> None:
    output = folder / "assets" / "contracts" / "bang.odcs.yaml"
    definition = folder / "assets" / "tinh" / "thu" / "defs.yaml"
    said = hub("contract", "draft", DATASET, "--output", str(output), "--fill")
    assert said.out.splitlines() == [
        f"# {output}: 40 rows looked at, 0 would be refused.", f"# {definition}: 3 columns",
    ]  # fmt: skip
    inner = ["columns:", "ma_xa: MaXa", "chu_ho: Chủ hộ",
             'ngay: {source: "Ngày", dates: ["%d/%m/%Y"]}']  # fmt: skip
    expected = DEFINITION.replace("columns: {} # goes", "\n        ".join(inner))
    assert definition.read_text(encoding="utf-8") == expected
    again = hub("contract", "draft", "tinh/thu/khac", "--output",
                str(output.with_name("khac.odcs.yaml")), "--fill")  # fmt: skip
    assert again.code == 0
    assert hub("check").out.endswith("all is there\n")
    document = yaml.safe_load(definition.read_text(encoding="utf-8"))
    first, second = document["attributes"]["datasets"]
    assert first["columns"] == second["columns"]


def test_nothing_is_overwritten_without_being_told(hub: Hub, folder: Path) -> None:
    output = folder / "kept.yaml"
    output.write_text("mine", encoding="utf-8")
    said = hub("contract", "draft", DATASET, "--output", str(output))
    assert (said.code, said.out, output.read_text()) == (1, "", "mine")
    assert "add --force" in said.err
    assert hub("contract", "draft", DATASET, "--output", str(output), "--force").code == 0
    assert output.read_text(encoding="utf-8").startswith("# Drafted by")


def test_columns_that_somebody_wrote_are_not_touched(hub: Hub, folder: Path) -> None:
    definition = folder / "assets" / "tinh" / "thu" / "defs.yaml"
    mine = DEFINITION.replace("columns: {} # goes", "columns: {ma_xa: MaXa}")
    definition.write_text(mine, encoding="utf-8")
    said = hub("contract", "draft", DATASET, "--output", str(folder / "x.yaml"), "--fill")
    assert said.code == 1
    assert "does not say `columns: {}`" in said.err
    assert definition.read_text(encoding="utf-8") == mine


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("tinh/thu/gi",), 1, "there is no dataset 'tinh/thu/gi'"),
        ((DATASET, "--fill"), 2, "--fill needs --output"),
        ((DATASET, "--output", "/khong/co/x.yaml"), 1, "cannot be written"),
    ],
)
def test_wrong_use_is_a_line(
    hub: Hub, folder: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    assert folder.exists()
    said = hub("contract", "draft", *arguments)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
