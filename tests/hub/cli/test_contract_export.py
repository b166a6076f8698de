"""``hub contract export``: what lies where, who may read it, and what datacontract-cli says of it.

Data flow: a small deployment of two tables -> an export -> datacontract-cli, on the rows as they
are and on rows that the test has broken. Every contract of the project is tested so in
``tests/e2e/test_nights.py``, where there is a whole night.

Run it alone: ``pytest tests/hub/cli/test_contract_export.py``.
"""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import duckdb
import pytest
import yaml

from checks.model import Contract
from hub import contract_export
from hub.errors import ConfigurationError
from tests.checks.contracts import changed
from tests.checks.datacontract_cli import BIN, PATIENCE, Judged, environment, judged, required
from tests.hub import small
from tests.hub.cli.conftest import Hub
from tests.warehouse.nights import Warehouse, row
from warehouse import private_export
from warehouse.private_export import Exported

HOLDER = "Lò Văn An"
"""Holder of dossier A1: what must be in an export and in nothing that is printed about it."""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables have rows, and one contract has no table yet."""
    folder = tmp_path_factory.mktemp("export")
    small.define(folder)
    filled = small.two_nights(folder)
    directory = small.context(folder).catalog.contracts["danh_ba"]
    Warehouse(filled.lake, directory, filled.scratch).night([row("B1", "Mai Thị Bích")])
    return folder


def export(deployment: Path, to: Path, *selection: str) -> Exported:
    """Export what is selected, or everything."""
    context = small.context(deployment)
    contracts = contract_export.chosen(context.catalog, list(selection))
    return contract_export.export(context, contracts, to)


def test_only_its_owner_may_read_what_is_in_the_clear(deployment: Path, tmp_path: Path) -> None:
    to = tmp_path / "out"
    done = export(deployment, to)
    assert done.rows == {"dung_chung.danh_ba": 1, "dung_chung.ho_so_nho": 3}
    assert done.missing == ("chi_so.dem_ho_so",)
    names = {f"dung_chung.{n}.parquet" for n in ("danh_ba", "ho_so_nho")}
    names |= {"danh_ba.odcs.yaml", "ho_so_nho.odcs.yaml", "lake.duckdb"}
    assert {path.name for path in to.iterdir()} == names
    assert stat.S_IMODE(to.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in to.iterdir()} == {0o600}
    parquet = to / "dung_chung.ho_so_nho.parquet"
    found = duckdb.sql(f"SELECT _source, chu_ho_so FROM '{parquet}' WHERE ma = 'A1'").fetchall()
    assert found == [("tinh/cong", HOLDER)]


def test_a_contract_of_an_export_says_where_its_rows_are(deployment: Path, tmp_path: Path) -> None:
    to = tmp_path / "out"
    export(deployment, to, small.PORTAL)
    (path,) = to.glob("*.odcs.yaml")
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["servers"] == [
        {"server": "export", "type": "duckdb", "database": "lake.duckdb", "schema": "dung_chung"}
    ]
    assert str(tmp_path) not in text  # the folder may be moved
    assert str(tmp_path).encode() not in (to / "lake.duckdb").read_bytes()


def test_all_tables_are_of_one_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small.define(tmp_path)
    filled = small.two_nights(tmp_path)
    copy = private_export._copy

    def late(connection: duckdb.DuckDBPyConnection, contract: Contract, folder: Path) -> int:
        filled.night([row("A1", HOLDER), row("A2", "Bình Minh"), row("A3"), row("A9", "Đến Sau")])
        return copy(connection, contract, folder)

    ((before,),) = filled.query("SELECT max(snapshot_id) FROM lake.snapshots()")
    monkeypatch.setattr(private_export, "_copy", late)
    done = export(tmp_path, tmp_path / "out", small.PORTAL)
    assert (done.snapshot, done.rows) == (before, {small.TABLE: 3})
    assert len(filled.live()) == 4


def test_a_folder_that_will_not_do_is_refused(deployment: Path, tmp_path: Path) -> None:
    used, shared, file = tmp_path / "used", tmp_path / "shared", tmp_path / "file"
    used.mkdir(mode=0o700)
    (used / "mine").write_text("mine")
    shared.mkdir()
    shared.chmod(0o750)
    file.write_text("")
    for folder, why in ((used, "no empty folder"), (shared, "others than you"), (file, "no empty"),
                        (tmp_path / "not" / "there", "cannot write")):  # fmt: skip
        with pytest.raises(ConfigurationError, match=why):
            export(deployment, folder)
    assert [path.name for path in used.iterdir()] == ["mine"]
    assert list(shared.iterdir()) == []


def test_a_column_that_the_table_does_not_have_yet_is_told(tmp_path: Path) -> None:
    small.define(tmp_path)
    small.two_nights(tmp_path)
    path = tmp_path / "assets" / "contracts" / "ho_so_nho.odcs.yaml"
    entry = "name: ngay_them\n        businessName: Ngày thêm\n        description: Ngày (day)\n"
    kind = "        logicalType: date\n        physicalType: DATE\n"
    text = path.read_text(encoding="utf-8")
    path.write_text(changed("name: ngay_tra\n", f"{entry}{kind}      - name: ngay_tra\n", text))
    with pytest.raises(ConfigurationError, match="lacks a column of its contract"):
        export(tmp_path, tmp_path / "out", small.PORTAL)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_was_not_finished_is_taken_back(
    deployment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        assert any(path.suffix == ".parquet" for path in (tmp_path / "out").iterdir())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(contract_export, "in_the_standard", broken)
    with pytest.raises(OSError, match="No space"):
        export(deployment, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_command_says_what_it_wrote_and_warns(hub: Hub, tmp_path: Path) -> None:
    code, out, err, _ = hub("contract", "export", small.PORTAL, "--to", str(tmp_path / "out"))
    assert (code, out) == (0, f"{small.TABLE}\t3\n")
    assert err.startswith(f"{tmp_path / 'out'} holds personal data in the clear, as of snapshot ")
    assert err.count("\n") == 1
    code, _, err, _ = hub("contract", "export", "--all", "--to", str(tmp_path / "all"))
    assert code == 0
    assert "left out: chi_so.dem_ho_so, into which nothing was loaded yet\n" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "name datasets, or give --all"),
        ((small.PORTAL, "--all"), 2, "name datasets, or give --all"),
        (("tinh/nowhere",), 1, "nothing is called 'tinh/nowhere'"),
        ((small.COUNTS,), 1, "nothing was loaded into chi_so.dem_ho_so yet"),
    ],
)
def test_wrong_use_is_told_and_leaves_nothing(
    hub: Hub, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    answer = hub("contract", "export", *arguments, "--to", str(tmp_path / "out"))
    assert answer.code == code
    assert said in " ".join(answer.err.replace("│", " ").split())
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


BROKEN_ROWS = {
    "INSERT INTO rows FROM rows WHERE ma = 'A2'": "ho_so_nho__primary_key_unique",
    "UPDATE rows SET ngay_tra = '2026-01-01' WHERE ma = 'A2'": "ho_so_nho__quality_sql_1",
    "UPDATE rows SET ngay_nhan = NULL WHERE ma = 'A1'": "ho_so_nho__ngay_nhan__field_required",
    "UPDATE rows SET ngay_nhan = '1999-12-31' WHERE ma = 'A3'": (
        "ho_so_nho__ngay_nhan__field_minimum"
    ),
    "UPDATE rows SET trang_thai = '7' WHERE ma = 'A3'": (
        "ho_so_nho__trang_thai__field_invalid_values"
    ),
    "UPDATE rows SET ma = 'a3' WHERE ma = 'A3'": "ho_so_nho__ma__field_invalid_values",
}
"""What is done to the exported dossiers -> the one check that it fails."""
BROKEN_COLUMNS = {
    "ALTER TABLE rows ALTER ngay_nhan TYPE TIMESTAMP": "ho_so_nho__ngay_nhan__field_type",
    "ALTER TABLE rows DROP chu_ho_so": "ho_so_nho__chu_ho_so__field_is_present",
}
WARNED = "UPDATE rows SET le_phi = -1"
"""What breaks a rule that the contract gives the severity ``warn``."""


@pytest.fixture(scope="module")
def judgements(
    deployment: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Judged]]:
    """What datacontract-cli says of each contract, by what was done to the dossiers."""
    required()
    folder = tmp_path_factory.mktemp("judged")
    export(deployment, folder / "whole")
    for name, statements in {
        "rows": BROKEN_ROWS, "columns": BROKEN_COLUMNS, "warned": [WARNED]
    }.items():  # fmt: skip
        shutil.copytree(folder / "whole", folder / name)
        spoil(folder / name / f"{small.TABLE}.parquet", *statements)
    found = judged("test", folder.glob("*/*.odcs.yaml"), folder)
    return {
        place.name: {path.name: one for path, one in found.items() if path.parent == place}
        for place in folder.iterdir()
    }


def test_rows_that_keep_their_contract_pass(judgements: dict[str, dict[str, Judged]]) -> None:
    assert {name: (one.result, one.not_passed) for name, one in judgements["whole"].items()} == {
        "danh_ba.odcs.yaml": ("passed", []),
        "ho_so_nho.odcs.yaml": ("passed", []),
    }


def test_each_broken_row_fails_in_its_own_contract(
    judgements: dict[str, dict[str, Judged]],
) -> None:
    found = judgements["rows"]
    assert found["ho_so_nho.odcs.yaml"].failed() == set(BROKEN_ROWS.values())
    assert found["ho_so_nho.odcs.yaml"].result == "failed"
    assert found["danh_ba.odcs.yaml"].result == "passed"


def test_columns_of_another_type_or_none_fail(judgements: dict[str, dict[str, Judged]]) -> None:
    found = judgements["columns"]["ho_so_nho.odcs.yaml"]
    assert found.failed() >= set(BROKEN_COLUMNS.values())
    assert {key.split("__")[1] for key in found.failed()} == {"ngay_nhan", "chu_ho_so"}


def test_what_only_warns_is_a_warning(judgements: dict[str, dict[str, Judged]]) -> None:
    found = judgements["warned"]["ho_so_nho.odcs.yaml"]
    (warned,) = found.not_passed
    assert (found.result, warned["result"]) == ("warning", "warning")
    assert warned["qualityId"] == "le_phi-range"


def test_the_command_itself_fails_and_shows_no_value(deployment: Path, tmp_path: Path) -> None:
    """That it passes on sound rows is shown in ``tests/docs/test_datacontract.py``."""
    required()
    to = tmp_path / "out"
    export(deployment, to)
    spoil(to / f"{small.TABLE}.parquet", *BROKEN_ROWS)
    done = subprocess.run(
        [BIN / "datacontract", "test", "ho_so_nho.odcs.yaml"], cwd=to, text=True, check=False,
        env=environment(tmp_path), capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Data contract is invalid" in done.stdout
    assert HOLDER not in done.stdout + done.stderr


def spoil(parquet: Path, *statements: str) -> None:
    """Change the rows of a file, which are the table ``rows`` meanwhile."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE rows AS FROM '{parquet}'")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"COPY rows TO '{parquet}' (FORMAT parquet)")
