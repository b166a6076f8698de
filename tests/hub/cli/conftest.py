"""The ``hub`` command called in this process, over a small deployment that is built once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from hub.cli import main
from tests.hub import small
from warehouse.lake import Lake


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str
    raw: bytes = b""
    """Standard output before decoding, where it was no text."""


Hub = Callable[..., Said]
PROGRAM = Path(sys.executable).with_name("hub")
"""For processes of their own: under ``python -c`` DuckDB draws progress bars among the answers."""


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with definitions and a lake of two nights, which no test changes.

    Its newest snapshot is opened once: loading the extensions takes longer than a command does.
    """
    folder = tmp_path_factory.mktemp("deployed")
    small.define(folder)
    filled = small.two_nights(folder)
    real = Lake.reader
    opened = filled.lake.reader()

    def reader(lake: Lake, **at: Any) -> duckdb.DuckDBPyConnection:
        if lake != filled.lake or any(at.values()):
            return real(lake, **at)
        cursor = opened.cursor()
        cursor.execute("USE lake")
        return cursor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "reader", reader)
        yield folder


@pytest.fixture
def hub(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], deployed: Path
) -> Hub:
    """Run ``hub`` with these arguments in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("HUB_DATA_DIR", str(deployed / "data"))
    monkeypatch.setenv("HUB_ASSETS_DIR", str(deployed / "assets"))

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["hub", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        assert isinstance(ended.value.code, int)
        try:
            return Said(ended.value.code, out.decode(), err.decode())
        except UnicodeDecodeError:
            return Said(ended.value.code, "", err.decode(), out)

    return run
