"""``hub publish``: what it prints, what it leaves out, and when it fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bytesearch import holding
from tests.hub import small
from tests.hub.cli.conftest import Hub
from tests.warehouse.publish.lakes import ask

NAMES = ["Lò Văn An", "Bình Minh", "Giàng Kín", "Hoàng Thị Mật"]


def test_it_says_what_is_published_and_where(
    hub: Hub, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, assets = tmp_path / "data", tmp_path / "assets"
    shutil.copytree(deployed / "data", data)
    shutil.copytree(deployed / "assets", assets)
    monkeypatch.setenv("HUB_DATA_DIR", str(data))
    monkeypatch.setenv("HUB_ASSETS_DIR", str(assets))
    said = hub("publish")
    assert (said.code, said.err) == (0, "")
    (line,) = (line.split() for line in said.out.splitlines() if small.TABLE in line)
    assert (line[0], line[1], *line[3:]) == (small.TABLE, "3", "chu_ho_so", "written")
    assert f"agencies read {data / 'publish' / 'current'}\n" in said.out
    assert holding(data / "publish", NAMES) == []
    assert ask(data / "publish", f"SELECT count(*) FROM {small.TABLE}") == [(3,)]
    assert "unchanged since snapshot" in hub("publish").out

    # Of a broken contract nobody can say what is personal: its table goes, and that is a failure.
    contract = assets / "contracts" / "ho_so_nho.odcs.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("classification: basic", "classification: secret"))
    said = hub("publish")
    assert said.code == 1
    assert "there is no table to publish" in said.err
    assert ask(data / "publish", f"SELECT count(*) FROM {small.TABLE}") == [(3,)]
    contract.write_text(text, encoding="utf-8")
    (assets / "contracts" / "danh_ba.odcs.yaml").write_text("kind: DataContract\n")
    said = hub("publish")
    assert said.code == 1
    assert said.err.startswith("hub: danh_ba is not published: its contract is broken ")
    assert "unchanged since snapshot" in said.out
