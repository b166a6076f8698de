"""``docs/publish.md``: its SQL and Python run over published files, its table knows every mask.

Run it alone: ``pytest tests/docs/test_publish.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from hub.catalog import load_catalog
from hub.publish import publish
from hub.sandbox import truth
from hub.sandbox.province import Province
from hub.settings import ROOT, Settings
from tests.warehouse.nights import Warehouse
from warehouse import tables
from warehouse.lake import Lake
from warehouse.publish import masks

TEXT = (ROOT / "docs" / "publish.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with published dossiers."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("docs"))
    catalog = load_catalog(settings.assets_dir)
    contract = catalog.contracts["ho_so"]
    lake = Lake(settings.lake)
    connection = lake.writer()
    tables.ensure(connection, contract)
    connection.close()
    dossiers = list(truth.rows(Province(1, 300), "lao_cai/dich_vu_cong/ho_so"))
    Warehouse(lake, contract, settings.staging).night(dossiers)
    publish(settings, catalog)
    return settings.data_dir


def block(language: str) -> str:
    """Return the one block in that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


def test_every_statement_runs_and_finds_rows(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    attach, *asked = block("sql").strip().splitlines()
    with duckdb.connect() as connection:
        connection.execute(attach)
        for statement in asked:
            assert connection.execute(statement).fetchall(), statement


def test_the_python_runs(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(data)
    exec(compile(block("python"), "docs/publish.md", "exec"), {})  # noqa: S102 - our own document
    counted, rows = capsys.readouterr().out.splitlines()
    assert counted.startswith("[(")
    assert int(rows) > 100


def test_the_table_of_masks_is_complete() -> None:
    listed = set(re.findall(r"^\| `(?:basic|sensitive)` \|.* \| `(\w+)` \|$", TEXT, re.MULTILINE))
    assert listed == {masks.EMPTY.name, masks.MARKED.name, masks.YEAR.name}
    assert f"`{masks.MARK}`" in TEXT
