"""Whoever has the lake open keeps others from being alone with it, and only so long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.deployment import ROOT
from warehouse import lake
from warehouse.lake import Lake

OTHER = """
import sys
from pathlib import Path
from warehouse.lake import Lake
made = Lake(Path(sys.argv[1]))
connection = made.reader() if sys.argv[2] == "reader" else made.writer()
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("kind", ["reader", "writer"])
def test_another_process_that_has_it_open_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(lake, "ALONE_PATIENCE", 0.1)
    made = Lake(tmp_path / "lake")
    made.writer().close()
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(made.folder), kind],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    with made.alone() as alone:
        assert not alone
    other.communicate("\n", timeout=30)
    with made.alone() as alone:
        assert alone


def test_a_closed_reader_of_this_process_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake, "ALONE_PATIENCE", 0.1)
    made = Lake(tmp_path / "lake")
    made.writer().close()
    reader = made.reader()
    with made.alone() as alone:
        assert not alone
    del reader
    with made.alone() as alone:
        assert alone
