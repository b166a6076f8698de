"""``hub status``: never synced, fresh, stale, last error, broken; as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hub import small
from tests.hub.cli.conftest import Hub

PORTAL, UNITS = f"{small.PORTAL}/ho_so", f"{small.UNITS}/don_vi"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment of the test's own, in which nothing was synced yet."""
    small.define(tmp_path)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HUB_ASSETS_DIR", str(tmp_path / "assets"))
    return tmp_path


def by_name(hub: Hub) -> dict[str, dict[str, Any]]:
    """Return the JSON of ``hub status`` by dataset."""
    said = hub("status", "--json")
    assert (said.code, said.err) == (0, "")
    return {entry["dataset"]: entry for entry in json.loads(said.out)}


def line_of(hub: Hub, dataset: str) -> list[str]:
    """Return the words of a dataset's line."""
    said = hub("status")
    assert said.code == 0
    (line,) = [line for line in said.out.splitlines() if line.strip().startswith(dataset + " ")]
    return line.split()


def test_before_the_first_sync_everything_is_never_synced(hub: Hub, folder: Path) -> None:
    found = by_name(hub)
    assert set(found) == {PORTAL, UNITS, small.COUNTS}
    assert {entry["freshness"] for entry in found.values()} == {"never synced"}
    assert line_of(hub, "ho_so") == ["ho_so", "-", "0", "0", "never", "synced"]
    assert not (folder / "data").exists()


def test_after_a_sync_rows_and_rejects_are_counted(hub: Hub) -> None:
    entry = by_name(hub)[PORTAL]
    assert (entry["rows"], entry["rejected"], entry["freshness"]) == (3, 1, "fresh")
    assert (entry["table"], entry["deadline_hours"]) == (small.TABLE, 26)
    assert entry["last_good_sync"][10] == "T"
    assert entry["last_good_sync"].endswith("+07:00")
    assert line_of(hub, "ho_so")[3:] == ["3", "1", "fresh"]


def test_past_the_contracts_deadline_it_is_stale(hub: Hub, folder: Path) -> None:
    for hours, freshness in ((26.1, "stale"), (25.9, "fresh")):
        small.note(folder, PORTAL, "unchanged", hours=hours)
        assert by_name(hub)[PORTAL]["freshness"] == freshness
        assert line_of(hub, "ho_so")[-1] == freshness


def test_the_last_error_stands_beside_the_last_good_sync(hub: Hub, folder: Path) -> None:
    trouble = f"{PORTAL}: [bold]no[/] answer [network] -> " + "wait a while " * 9
    small.note(folder, PORTAL, "failed", error="no answer")
    assert by_name(hub)[PORTAL]["freshness"] == "never synced"
    small.note(folder, PORTAL, "unchanged", hours=3)
    small.note(folder, PORTAL, "failed", error=trouble)
    entry = by_name(hub)[PORTAL]
    assert (entry["freshness"], entry["last_error"]) == ("fresh", trouble)
    # One line, as it is: not folded, no part taken for colours.
    assert f"last error  {trouble}" in hub("status").out.splitlines()
    small.note(folder, PORTAL, "unchanged")
    assert by_name(hub)[PORTAL]["last_error"] is None
    assert "last error" not in hub("status").out


def test_a_dataset_whose_contract_broke_keeps_its_figures(hub: Hub, folder: Path) -> None:
    small.two_nights(folder)
    (folder / "assets" / "contracts" / "ho_so_nho.odcs.yaml").write_text("kind: no\n")
    entry = by_name(hub)[PORTAL]
    assert (entry["table"], entry["rows"], entry["rejected"]) == (small.TABLE, 3, 1)
    assert "ho_so_nho.odcs.yaml" in entry["broken"]
    (line,) = [line for line in hub("status").out.splitlines() if line.startswith("broken  ")]
    assert "ho_so_nho.odcs.yaml" in line


def test_a_broken_definition_is_named_in_text_and_json(hub: Hub, folder: Path) -> None:
    (folder / "assets" / small.PORTAL / "defs.yaml").write_text("type: [\n")
    found = by_name(hub)
    assert PORTAL not in found
    assert found[small.PORTAL]["freshness"] == "broken"
    assert "defs.yaml:" in found[small.PORTAL]["broken"]
    assert f"broken  {small.PORTAL}: " in hub("status").out
