"""``hub check``: what is missing and how to set it; what is broken and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hub import small
from tests.hub.cli.conftest import Hub

VARIABLES = {
    "TINH_CONG_URL": "http://127.0.0.1:1",
    "TINH_CONG_CLIENT_ID": "hub",
    "TINH_CONG_CLIENT_SECRET": "never-shown",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment of the test's own, with every variable set."""
    small.define(tmp_path)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HUB_ASSETS_DIR", str(tmp_path / "assets"))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def problems(hub: Hub) -> list[str]:
    """Return the lines that name a problem; the last line counts them."""
    code, out, err, _ = hub("check")
    first, *lines, last = out.splitlines()
    assert first.startswith("systems: ")
    assert err == ""
    assert "never-shown" not in out
    assert last == (f"{len(lines)} problem{'s' * (len(lines) > 1)}" if lines else "all is there")
    assert code == (1 if lines else 0)
    return lines


def test_all_is_there(hub: Hub, folder: Path) -> None:
    assert problems(hub) == []
    counted = f"systems: 2, datasets: 2, derived tables: 1, contracts: 3 in {folder / 'assets'}\n"
    assert hub("check").out == counted + "all is there\n"


@pytest.mark.usefixtures("folder")
def test_each_missing_variable_is_a_line_that_says_how_to_set_it(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINH_CONG_URL")
    monkeypatch.setenv("TINH_CONG_CLIENT_ID", "  ")
    assert problems(hub) == [
        f"missing   {small.PORTAL}: set {name} (or {name}_FILE), in the environment or in the file "
        "that HUB_ENV names"
        for name in ("TINH_CONG_URL", "TINH_CONG_CLIENT_ID")
    ]


def test_a_mounted_file_will_do(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINH_CONG_CLIENT_SECRET")
    monkeypatch.setenv("TINH_CONG_CLIENT_SECRET_FILE", str(folder / "secret"))
    (line,) = problems(hub)
    assert f"TINH_CONG_CLIENT_SECRET_FILE names {folder / 'secret'}, which is empty" in line
    (folder / "secret").write_text("never-shown\n")
    assert problems(hub) == []


def test_an_overlay_will_do(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name)
    (folder / "overlay").write_text("".join(f"{k}={v}\n" for k, v in VARIABLES.items()))
    monkeypatch.setenv("HUB_ENV", str(folder / "overlay"))
    assert problems(hub) == []


def test_a_missing_overlay_is_one_line(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_ENV", str(folder / "nothing"))
    code, out, err, _ = hub("check")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "HUB_ENV names" in err


def test_a_broken_contract_is_one_line_with_its_place(hub: Hub, folder: Path) -> None:
    path = folder / "assets" / "contracts" / "danh_ba.odcs.yaml"
    path.write_text(path.read_text().replace("logicalType: date", "logicalType: dat", 1))
    (line,) = problems(hub)
    assert line.startswith(f"broken    danh_ba: {path}:")


def test_a_missing_contract_is_named_with_its_dataset(hub: Hub, folder: Path) -> None:
    (folder / "assets" / "contracts" / "danh_ba.odcs.yaml").unlink()
    (line,) = problems(hub)
    assert line.startswith(
        f"broken    {small.UNITS}/don_vi: there is no contract danh_ba.odcs.yaml"
    )


def test_a_broken_definition_is_one_line_with_its_place(hub: Hub, folder: Path) -> None:
    path = folder / "assets" / small.UNITS / "defs.yaml"
    path.write_text(path.read_text() + "nonsense: [\n")
    (line,) = problems(hub)
    assert line.startswith(f"broken    {small.UNITS}: {path}:")


def test_an_input_that_nothing_fills_is_named(hub: Hub, folder: Path) -> None:
    path = folder / "assets" / small.COUNTS / "defs.yaml"
    path.write_text(path.read_text().replace("ho_so_nho]", "ho_so_lon]"))
    assert problems(hub) == [
        f"broken    {small.COUNTS}: no dataset fills its input dung_chung.ho_so_lon"
    ]


def test_missing_sql_is_named(hub: Hub, folder: Path) -> None:
    path = folder / "assets" / small.COUNTS / "dem_ho_so.sql"
    path.unlink()
    assert problems(hub) == [f"missing   {small.COUNTS}: its SQL, {path}"]


def test_a_folder_without_definitions_is_a_problem(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_ASSETS_DIR", str(tmp_path))
    (line,) = problems(hub)
    assert "HUB_ASSETS_DIR" in line
