"""Definitions read alone: what is wrong is one line, and no value of a variable is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hub.errors import ConfigurationError
from sources.environment import folders, references
from sources.kinds import check_spec
from sources.spec import read_definition

ROOT = Path(__file__).parents[2]
DEFINITIONS = [
    path
    for path in sorted((ROOT / "assets").glob("*/*/defs.yaml"))
    if "hub.components.SourceSystem" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.parent.name)
def test_the_projects_definitions_are_valid(path: Path) -> None:
    system = read_definition(path)
    check_spec(system)
    assert bool(references(system)) == (system.base_url is not None or bool(folders(system)))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: [", "no readable definition"),
        ("- a", "no readable definition"),
        ("attributes: {name: a/b}", "title: fill it in; owner: fill it in"),
        ("{name: a, surplus: 1}", "surplus: Extra inputs are not permitted"),
    ],
)
def test_a_broken_definition_is_one_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "defs.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=what) as caught:
        read_definition(path)
    assert caught.value.where == str(path)


def test_a_definition_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no readable definition"):
        read_definition(tmp_path / "defs.yaml")


def test_the_modules_run_alone(tmp_path: Path) -> None:
    path = ROOT / "assets/danh_muc/goi_don_vi/defs.yaml"
    shown = subprocess.run(
        [sys.executable, "-m", "sources.spec", str(path)],
        capture_output=True, check=True, cwd=ROOT, text=True,
    )  # fmt: skip
    assert '"kind": "admin_units"' in shown.stdout
    landed = subprocess.run(
        [sys.executable, "-m", "sources.pull", str(path), "don_vi", str(tmp_path)],
        capture_output=True, check=True, cwd=ROOT, text=True,
    )  # fmt: skip
    assert '"rows": 14149' in landed.stdout
