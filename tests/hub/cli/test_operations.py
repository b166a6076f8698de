"""``hub maintain``, ``erase``, ``backup`` and ``restore``: what they print, what they refuse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bytesearch import holding
from tests.hub import small
from tests.hub.cli.conftest import Hub
from warehouse import lake

NAME = "Hoàng Thị Mật"


@pytest.fixture
def data(tmp_path: Path, hub: Hub, deployed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point ``hub`` at a copy of the deployment that it may change."""
    del hub  # its environment comes first
    shutil.copytree(deployed / "data", tmp_path / "data")
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def test_maintenance_says_what_it_would_do_and_then_does_it(hub: Hub, data: Path) -> None:
    would = hub("maintain", "--dry-run").out
    assert f"flushed rows  {small.TABLE}" in would
    assert would.splitlines()[-1] == "all this would be done; nothing was"
    assert f"flushed rows  {small.TABLE}" in hub("maintain").out
    assert "flushed rows" not in hub("maintain").out
    sizes = hub("maintain", "--sizes").out
    assert f"               3  rows  {small.TABLE}\n" in sizes
    assert (data / "lake").exists()


def test_a_person_is_erased_and_never_named(hub: Hub, data: Path) -> None:
    assert holding(data, [NAME])
    asked = ("erase", "--id", NAME)
    counted = hub(*asked, "--dry-run")
    assert counted.out == "         1  table hub.quarantine\nnothing was removed\n"
    assert hub(*asked).code == 2  # no request, no reason
    done = hub(*asked, "--request", "1/YC", "--reason", "theo yêu cầu")
    assert done.code == 0
    assert NAME not in done.out + done.err
    assert holding(data, [NAME]) == []
    assert len(list((data / "erasures").iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["--id", "12"], 1, "fewer than 8"),
        ([], 1, "nobody is named"),
        (["--name", "A"], 2, "belong"),
        (["--name", "Lò Văn An", "--born", "hôm qua"], 2, "wants a day"),
    ],
)
def test_wrong_use_is_told(hub: Hub, data: Path, arguments: list[str], code: int, why: str) -> None:
    said = hub("erase", "--dry-run", *arguments)
    assert (said.code, why in said.err) == (code, True)
    assert not (data / "erasures").exists()


def test_a_refusal_is_recorded(hub: Hub, data: Path) -> None:
    said = hub("erase", "--request", "2/YC", "--reason", "x", "--refused", "Luật Lưu trữ")
    assert said.code == 0
    (text,) = (data / "erasures").glob("*.txt")
    assert "outcome: refused: statutory retention" in text.read_text()


def test_a_backup_is_restored_without_whoever_was_erased_since(
    hub: Hub, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = hub("backup", str(tmp_path / "kho"))
    assert "it may be kept until " in said.out
    (taken,) = (tmp_path / "kho").iterdir()
    assert holding(taken, [NAME])
    hub("erase", "--id", NAME, "--request", "1/YC", "--reason", "theo yêu cầu")
    assert "is not empty" in hub("restore", str(taken), str(data)).err
    restored = hub("restore", str(taken), str(tmp_path / "moi"))
    assert "taken out again: 1 in table hub.quarantine" in restored.out
    assert holding(tmp_path / "moi", [NAME]) == []
    lake._instance.cache_clear()
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "moi"))
    assert hub("query", f"select count(*) n from {small.TABLE}", "--format", "csv").out == "n\n3\n"
    assert hub("backup", str(tmp_path / "kho"), "--prune").out == ""
    assert taken.exists()
