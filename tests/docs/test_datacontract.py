"""What ``docs/contracts.md`` says of datacontract-cli runs as it stands, from lint to clean-up.

Run it alone: ``pytest tests/docs/test_datacontract.py``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

from hub.catalog import load_catalog
from hub.sandbox import truth
from hub.sandbox.province import Province
from tests.checks.datacontract_cli import BIN, PATIENCE, environment, required
from tests.warehouse.nights import Warehouse
from warehouse import tables
from warehouse.lake import Lake

ROOT = Path(__file__).resolve().parents[2]
DATASET = "lao_cai/dich_vu_cong/ho_so"


def commands() -> list[str]:
    """Return the lines of the section's block."""
    text = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    section = r"^## Check with datacontract-cli\n.*?```sh\n(.*?)```"
    block = re.search(section, text, re.DOTALL | re.MULTILINE)
    assert block is not None
    return block[1].splitlines()


def test_the_commands_run_as_they_stand(tmp_path: Path) -> None:
    required()
    data, place = tmp_path / "data", tmp_path / "place"
    contracts = load_catalog(ROOT / "assets").contracts
    lake = Lake(data / "lake")
    connection = lake.writer()
    for name in ("ho_so", "thu_tuc_hanh_chinh", "don_vi_hanh_chinh"):  # its rules look there
        tables.ensure(connection, contracts[name])
    connection.close()
    dossiers = list(islice(truth.rows(Province(1, 300), DATASET), 40))
    Warehouse(lake, contracts["ho_so"], tmp_path / "staging").night(dossiers)
    place.mkdir()
    for name in ("assets", BIN.parent.name):
        (place / name).symlink_to(ROOT / name)
    install, *others = commands()
    assert install == "make datacontract"  # it is there
    env = {**environment(tmp_path), "HUB_DATA_DIR": str(data)}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-euc", "\n".join(others)], cwd=place, env=env, text=True, check=False,
        capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "dung_chung.ho_so\t" in done.stdout
    assert done.stdout.count("🟢 Data contract is valid") == 2
    assert "holds personal data in the clear" in done.stderr
    assert not (place / "export").exists()
