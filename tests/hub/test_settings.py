"""Settings: where everything lies, which value wins, missing overlays, no secret shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.errors import ConfigurationError
from hub.settings import ROOT, Settings


@pytest.fixture
def overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An overlay file that HUB_ENV names."""
    path = tmp_path / "overlay.env"
    path.write_text('# secrets\nHUB_TEST_A=overlay\nHUB_TEST_B="with space"\nHUB_TEST_EMPTY\n')
    monkeypatch.setenv("HUB_ENV", str(path))
    return path


def test_everything_that_is_written_lies_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
    settings = Settings()
    folders = [settings.landing, settings.lake, settings.staging, settings.locks,
               settings.dagster_home, settings.sandbox]  # fmt: skip
    assert {folder.parent for folder in folders} == {tmp_path}
    assert len(set(folders)) == len(folders)
    assert list(tmp_path.iterdir()) == []


def test_without_any_variable_it_lies_beside_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    settings = Settings()
    assert (settings.data_dir, settings.assets_dir) == (ROOT / "data", ROOT / "assets")
    assert (settings.assets_dir / "contracts").is_dir()
    assert (settings.env, settings.dataset_deadline) == (None, None)


@pytest.mark.usefixtures("overlay")
def test_the_overlay_gives_what_the_process_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TEST_C", "process")
    environment = Settings().environment()
    assert environment["HUB_TEST_A"] == "overlay"
    assert environment["HUB_TEST_B"] == "with space"
    assert environment["HUB_TEST_C"] == "process"
    assert environment["HUB_TEST_EMPTY"] == ""


@pytest.mark.usefixtures("overlay")
@pytest.mark.parametrize("value", ["process", ""])
def test_the_process_wins_over_the_overlay(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HUB_TEST_A", value)
    assert Settings().environment()["HUB_TEST_A"] == value


def test_the_overlay_is_read_anew_each_time(overlay: Path) -> None:
    settings = Settings()
    assert settings.environment()["HUB_TEST_A"] == "overlay"
    overlay.write_text("HUB_TEST_A=rotated\n")
    assert settings.environment()["HUB_TEST_A"] == "rotated"


def test_an_overlay_that_is_not_there_is_named_and_nothing_is_guessed(overlay: Path) -> None:
    overlay.unlink()
    with pytest.raises(ConfigurationError, match=r"HUB_ENV names .*overlay\.env") as caught:
        Settings().environment()
    assert "hub sandbox up" in caught.value.next_step


def test_a_folder_is_no_overlay(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="HUB_ENV names"):
        Settings(env=tmp_path).environment()


@pytest.mark.parametrize(
    ("name", "value"),
    [("HUB_DATASET_DEADLINE", "0"), ("HUB_DATASET_DEADLINE", "soon"), ("HUB_LOCK_TIMEOUT", "-1")],
)
def test_a_senseless_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("HUB_").lower()):
        Settings()


def test_run_alone_it_prints_every_setting_and_no_secret(overlay: Path, tmp_path: Path) -> None:
    overlay.write_text("LAO_CAI_DICH_VU_CONG_CLIENT_SECRET=never-shown\n")
    done = subprocess.run(
        [sys.executable, "-m", "hub.settings"], cwd=ROOT, capture_output=True, text=True,
        check=True, env={"HUB_ENV": str(overlay), "HUB_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    printed = [line.partition("=")[0] for line in done.stdout.splitlines()]
    assert printed == [f"HUB_{name.upper()}" for name in Settings.model_fields]
    assert f"HUB_DATA_DIR={tmp_path}  # Everything the hub writes" in done.stdout
    assert "never-shown" not in done.stdout
