"""Derived tables: computed when something changed, over the last good data, stale inputs named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub import derive as module
from hub.derive import Input, awaited, derive
from hub.errors import ConfigurationError
from hub.load import Outcome
from hub.sync import fed
from tests.hub import small
from tests.warehouse.nights import Warehouse, row
from warehouse import loads, tables
from warehouse.lake import Lake

NAME = f"{small.PORTAL}/ho_so"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment in which nothing was synced yet."""
    small.define(tmp_path)
    return tmp_path


@pytest.fixture
def warehouse(folder: Path) -> Warehouse:
    """Its lake, with three rows in the input of the derived table."""
    filled = small.warehouse(folder)
    filled.night([row("A1"), row("A2"), row("A3", trang_thai="2")])
    return filled


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The SQL files that were run so far."""
    ran: list[Path] = []
    real: Callable[..., int] = module._compute

    def noted(connection: object, sql: str, contract: object, file: Path) -> int:
        ran.append(file)
        return real(connection, sql, contract, file)

    monkeypatch.setattr(module, "_compute", noted)
    return ran


def run(folder: Path) -> tuple[Outcome, list[Input]]:
    """Derive the table as a new process would."""
    context = small.context(folder)
    return derive(context, context.catalog.derived[small.COUNTS], run="test")


def counts(folder: Path) -> dict[str, int]:
    """Return the derived table."""
    reader = Lake(folder / "data" / "lake").reader()
    return dict(reader.execute("SELECT trang_thai, so_ho_so FROM chi_so.dem_ho_so").fetchall())


def replace_in(path: Path, old: str, new: str) -> None:
    """Change a file in which the text must occur."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def sql_of(folder: Path) -> Path:
    """Return the SQL file."""
    return folder / "assets" / small.COUNTS / "dem_ho_so.sql"


@pytest.mark.usefixtures("warehouse")
def test_it_is_computed_once_and_then_left_alone(folder: Path, computed: list[Path]) -> None:
    outcome, stale = run(folder)
    assert (outcome.error, stale) == (None, [])
    assert (outcome.record.status, outcome.record.fetched, outcome.record.inserted) == (
        "loaded", 2, 2,
    )  # fmt: skip
    assert counts(folder) == {"1": 2, "2": 1}
    assert outcome.checks
    again, _ = run(folder)
    assert (again.record.status, again.record.changed) == ("unchanged", 0)
    assert again.checks == outcome.checks
    assert computed == [sql_of(folder)]


def test_a_new_batch_of_an_input_is_taken_in(
    folder: Path, warehouse: Warehouse, computed: list[Path]
) -> None:
    run(folder)
    warehouse.night([row("A1"), row("A2", trang_thai="2"), row("A3", trang_thai="2"), row("A4")])
    outcome, _ = run(folder)
    assert (outcome.record.status, outcome.record.updated) == ("loaded", 1)
    assert counts(folder) == {"1": 2, "2": 2}
    assert len(computed) == 2


@pytest.mark.usefixtures("warehouse")
def test_changed_sql_is_run(folder: Path, computed: list[Path]) -> None:
    run(folder)
    replace_in(sql_of(folder), "count(*)", "10 * count(*)")
    outcome, _ = run(folder)
    assert (outcome.record.status, outcome.record.updated) == ("loaded", 2)
    assert counts(folder) == {"1": 20, "2": 10}
    assert len(computed) == 2


@pytest.mark.usefixtures("warehouse")
def test_a_new_version_of_the_contract_is_applied(folder: Path, computed: list[Path]) -> None:
    run(folder)
    contract = folder / "assets" / "contracts" / "dem_ho_so.odcs.yaml"
    replace_in(contract, "version: 1.0.0", "version: 1.1.0")
    outcome, _ = run(folder)
    assert outcome.record.status == "unchanged"  # computed anew, with the same rows
    assert len(computed) == 2


@pytest.mark.usefixtures("warehouse")
def test_a_failed_input_is_named_and_its_last_good_data_is_used(folder: Path) -> None:
    small.note(folder, NAME, loads.FAILED, error="no answer [network]")
    outcome, (stale,) = run(folder)
    assert outcome.error is None
    assert counts(folder) == {"1": 2, "2": 1}
    assert stale.name == NAME
    assert stale.last_good is not None
    assert stale.stale == f"last good {stale.last_good:%Y-%m-%d %H:%M}; no answer [network]"


@pytest.mark.parametrize(("hours", "is_stale"), [(25.9, False), (26.1, True)])
def test_an_input_past_its_deadline_is_stale(folder: Path, hours: float, *, is_stale: bool) -> None:
    small.note(folder, NAME, loads.UNCHANGED, hours=hours)
    _, stale = run(folder)
    assert [i.name for i in stale] == ([NAME] if is_stale else [])


@pytest.mark.usefixtures("warehouse")
def test_a_table_that_was_never_filled_is_waited_for(folder: Path) -> None:
    defs = folder / "assets" / small.COUNTS / "defs.yaml"
    replace_in(defs, "[dung_chung.ho_so_nho]", "[dung_chung.ho_so_nho, dung_chung.danh_ba]")
    outcome, (stale,) = run(folder)
    assert str(outcome.error) == (
        f"{small.COUNTS}: never loaded: dung_chung.danh_ba [configuration] -> "
        f"`hub sync {small.UNITS}/don_vi` first"
    )
    assert (stale.name, stale.stale) == (f"{small.UNITS}/don_vi", "never loaded")


def test_a_table_whose_first_batch_was_held_back_is_waited_for(folder: Path) -> None:
    """It is there then, and empty: counted from it, the result would be wrong in silence."""
    context = small.context(folder)
    spec = context.catalog.derived[small.COUNTS]
    connection = context.lake.writer()
    tables.ensure(connection, context.catalog.contract_named("ho_so_nho"))
    assert awaited(context, connection, spec) == {small.TABLE: NAME}
    connection.close()
    small.note(folder, NAME, loads.FAILED, error="held back")
    outcome, _ = run(folder)
    assert f"never loaded: {small.TABLE}" in str(outcome.error)


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize(
    ("inputs", "waits"),
    [
        ("[dung_chung.ho_so_nho]", {}),
        ("[dung_chung.ho_so_nho, dung_chung.danh_ba]", {small.COUNTS: ["dung_chung.danh_ba"]}),
        ("[dung_chung.ho_so_nho]\n  optional_inputs: [dung_chung.danh_ba]", {}),
    ],
)
def test_a_table_nobody_named_is_no_failure_while_it_waits(
    folder: Path, inputs: str, waits: dict[str, list[str]]
) -> None:
    """Found by a first night of one system, in which three tables failed for want of another."""
    defs = folder / "assets" / small.COUNTS / "defs.yaml"
    replace_in(defs, "[dung_chung.ho_so_nho]", inputs)
    context = small.context(folder)
    source, dataset = NAME.rsplit("/", 1)
    now = datetime.now(UTC)
    loaded = loads.LoadRecord(
        run="test", source=source, dataset=dataset, table_name=small.TABLE, status=loads.LOADED,
        started_at=now, ended_at=now,
    )  # fmt: skip
    following, waiting = fed(context, [], [Outcome(loaded)])
    assert waiting == waits
    assert [spec.name for spec in following] == ([] if waits else [small.COUNTS])


def test_without_any_loaded_input_it_says_what_to_do(folder: Path) -> None:
    outcome, (stale,) = run(folder)
    assert isinstance(outcome.error, ConfigurationError)
    assert str(outcome.error) == (
        f"{small.COUNTS}: never loaded: {small.TABLE} [configuration] -> `hub sync {NAME}` first"
    )
    assert outcome.record.status == "failed"
    assert stale.stale == "never loaded"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("select", "selec", "syntax error"),
        ("ho_so_nho", "ho_so_lon", "ho_so_lon does not exist"),
        ("as so_ho_so", "as so", "so_ho_so"),
    ],
)
def test_broken_sql_is_one_error_with_the_file_and_changes_nothing(
    folder: Path, warehouse: Warehouse, old: str, new: str, says: str
) -> None:
    run(folder)
    replace_in(sql_of(folder), old, new)
    outcome, _ = run(folder)
    assert isinstance(outcome.error, ConfigurationError)
    line = str(outcome.error)
    assert line.startswith(f"{sql_of(folder)}: the SQL does not run: ")
    assert says in line
    assert "\n" not in line
    assert counts(folder) == {"1": 2, "2": 1}
    last = loads.latest(warehouse.lake.reader())["chi_so", "dem_ho_so"]
    assert (last["status"], last["error"]) == ("failed", line)
    # Mended, it is as before: nothing to do.
    replace_in(sql_of(folder), new, old)
    assert run(folder)[0].record.status == "unchanged"


@pytest.mark.usefixtures("warehouse")
def test_missing_sql_is_named(folder: Path) -> None:
    sql_of(folder).unlink()
    outcome, _ = run(folder)
    assert isinstance(outcome.error, ConfigurationError)
    assert "dem_ho_so.sql" in str(outcome.error)


@pytest.mark.usefixtures("warehouse")
def test_an_input_that_nothing_fills_is_an_error(folder: Path) -> None:
    defs = folder / "assets" / small.COUNTS / "defs.yaml"
    replace_in(defs, "[dung_chung.ho_so_nho]", "[dung_chung.khong_co]")
    outcome, _ = run(folder)
    assert str(outcome.error).startswith(f"{small.COUNTS}: no dataset fills dung_chung.khong_co")


@pytest.mark.usefixtures("warehouse")
def test_rows_that_break_the_contract_are_refused(folder: Path) -> None:
    replace_in(sql_of(folder), "select trang_thai", "select nullif(trang_thai, '2') as trang_thai")
    outcome, _ = run(folder)
    assert (outcome.record.inserted, outcome.record.rejected) == (1, 1)
    assert counts(folder) == {"1": 2}


def test_a_changed_input_with_the_same_result_is_computed_once(
    folder: Path, warehouse: Warehouse, computed: list[Path]
) -> None:
    run(folder)
    # Another name changes the input and not the counts.
    warehouse.night([row("A1", "Em"), row("A2"), row("A3", trang_thai="2")])
    assert run(folder)[0].record.status == "unchanged"
    assert len(computed) == 2
    assert run(folder)[0].record.status == "unchanged"
    assert len(computed) == 2


def test_a_value_that_the_sql_cannot_convert_is_not_quoted(
    folder: Path, warehouse: Warehouse
) -> None:
    sql = folder / "assets" / "chi_so" / "dem_ho_so" / "dem_ho_so.sql"
    assert warehouse.batches
    sql.write_text("select chu_ho_so::int::varchar as trang_thai, 1 as so_ho_so "
                   "from dung_chung.ho_so_nho;\n")  # fmt: skip
    outcome, _ = run(folder)
    assert "ConversionException on some row" in str(outcome.error)
    assert "'An'" not in str(outcome.error)
