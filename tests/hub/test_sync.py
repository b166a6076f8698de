"""A night in this process: trouble that nobody foresaw stays one dataset's own, and is told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hub import runs
from hub.catalog import Catalog, load_catalog
from hub.errors import HubError, InternalError, TransientError, unforeseen
from hub.land import _is_due, land
from hub.load import Context, Outcome, Pulled
from hub.settings import ROOT, Settings
from hub.sync import Report, _left_out, sync
from sources.session import Session
from warehouse import loads, stage

UNITS = "danh_muc/goi_don_vi"
CATALOG: Catalog = replace(load_catalog(ROOT / "assets"), derived={})


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context.of(Settings(data_dir=tmp_path), CATALOG)


def night(context: Context) -> tuple[Report, list[Outcome]]:
    """Sync the administrative units, which need no network."""
    finished: list[Outcome] = []
    report = sync(context, [f"{UNITS}/don_vi"], progress=lambda *_: None, finished=finished.append)
    return report, finished


def test_an_optional_system_is_left_out_unless_somebody_names_it(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "danh_muc/bang_chuyen_doi"
    assert _left_out(context, table, [])
    assert _left_out(context, table, ["danh_muc"])
    assert not _left_out(context, table, [table])
    assert not _left_out(context, UNITS, [])
    monkeypatch.setenv("BANG_CHUYEN_DOI_DIR", str(context.settings.data_dir))
    assert not _left_out(context, table, [])


def test_an_unforeseen_error_is_told_by_type_and_place_without_its_text() -> None:
    def inner() -> NoReturn:
        raise ValueError("could not convert 'Nguyễn Văn A'")

    try:
        inner()
    except ValueError as error:
        told = unforeseen(error)
    assert isinstance(told, InternalError)
    assert "ValueError at hub/test_sync.py:" in str(told)
    assert "Nguyễn" not in str(told)


def test_the_pages_of_the_checks_are_built_when_something_was_checked(context: Context) -> None:
    (outcome,) = night(context)[1]
    built = context.settings.docs / "site" / "index.html"
    name = f"{outcome.record.source}/{outcome.record.dataset}"
    assert name in built.read_text(encoding="utf-8")
    assert outcome.page == str(built.parent / f"{name}.html")
    assert Path(outcome.page).exists()
    before = built.stat().st_mtime_ns
    (unchanged,) = night(context)[1]
    assert unchanged.record.status == loads.UNCHANGED
    assert built.stat().st_mtime_ns == before


def test_a_bug_while_loading_fails_the_dataset_and_the_night(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> NoReturn:
        raise RuntimeError("a row's own words")

    monkeypatch.setattr(stage, "stage", broken)
    report, finished = night(context)
    assert report.failed
    (outcome,) = finished
    assert "unforeseen RuntimeError at" in str(outcome.error)
    assert "a row's own words" not in str(outcome.error)
    recorded = loads.latest(context.lake.reader())[(UNITS, "don_vi")]
    assert (recorded["status"], recorded["error"]) == ("failed", str(outcome.error))


def test_a_bug_while_pulling_fails_the_dataset_and_the_night(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> NoReturn:
        raise KeyError("x")

    monkeypatch.setattr("hub.land.pull", broken)
    report, (outcome,) = night(context)
    assert report.failed
    assert "unforeseen KeyError" in str(outcome.error)


def test_a_night_that_dagster_cannot_record_is_no_success(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any) -> NoReturn:
        raise OSError("database is locked")

    monkeypatch.setattr(runs, "_execute", locked)
    report, (outcome,) = night(context)
    assert report.failed
    assert (outcome.record.source, outcome.record.dataset) == (UNITS, "don_vi")
    assert "unforeseen OSError" in str(outcome.error)


def test_a_night_whose_records_cannot_be_written_is_no_success(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(context)

    def full(*_: Any) -> NoReturn:
        raise OSError("no space left on device")

    monkeypatch.setattr(loads, "record", full)
    report, (outcome,) = night(context)
    assert report.failed
    assert outcome.record.status == "unchanged"
    assert "unforeseen OSError" in str(outcome.error)


def staged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the datasets that are staged."""
    noted: list[str] = []
    real = stage.stage

    def noting(connection: Any, batch: Any, dataset: Any, contract: Any) -> int:
        noted.append(dataset.name)
        return real(connection, batch, dataset, contract)

    monkeypatch.setattr(stage, "stage", noting)
    return noted


def test_the_same_content_under_the_same_rules_is_not_staged_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = staged(monkeypatch)
    _, (first,) = night(context)
    _, (second,) = night(context)
    assert noted == ["don_vi"]
    assert second.record.status == "unchanged"
    assert second.record.unchanged == first.record.inserted > 3000
    assert second.checks == first.checks


def test_a_changed_contract_has_the_same_content_judged_anew(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    noted = staged(monkeypatch)
    night(context)
    assets = tmp_path / "assets"
    shutil.copytree(ROOT / "assets", assets)
    path = assets / "contracts" / "don_vi_theo_goi.odcs.yaml"
    path.write_text(path.read_text().replace("version: 1.0.0", "version: 1.0.1"))
    changed = Context.of(context.settings, replace(load_catalog(assets), derived={}))
    _, (second,) = night(changed)
    assert noted == ["don_vi", "don_vi"]
    assert second.record.status == "unchanged"
    night(changed)
    assert noted == ["don_vi", "don_vi"]


def test_changed_code_has_the_same_content_judged_anew(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = staged(monkeypatch)
    night(context)
    monkeypatch.setattr("hub.fingerprint.code", lambda: "another version")
    night(context)
    assert noted == ["don_vi", "don_vi"]


class _Out:
    """A session whose system never answers."""

    out = True

    def close(self) -> None:
        """Nothing is open."""


def test_a_system_that_never_answers_is_asked_once(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = CATALOG.systems["tuyen_quang/du_lieu_dung_chung"]
    asked: list[str] = []

    def silent(_system: Any, dataset: Any, *, session: Session, **_: Any) -> NoReturn:
        assert session.out
        asked.append(dataset.name)
        raise TransientError("no answer")

    monkeypatch.setattr("hub.land.open_session", lambda *_: _Out())
    monkeypatch.setattr("hub.land.pull", silent)
    landed = land(context, system, system.datasets, lambda *_: None)
    assert asked == [system.datasets[0].name]
    assert landed.keys() == {dataset.name for dataset in system.datasets}
    errors = {str(pulled.result) for pulled in landed.values()}
    assert len(errors) == 1
    assert errors.pop().startswith("tuyen_quang/du_lieu_dung_chung: no answer [network]")


def test_one_slow_dataset_of_a_system_that_answers_stops_no_other(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = CATALOG.systems["tuyen_quang/du_lieu_dung_chung"]
    alive = _Out()
    alive.out = False
    asked: list[str] = []

    def slow(_system: Any, dataset: Any, **_: Any) -> NoReturn:
        asked.append(dataset.name)
        raise TransientError("deadline passed")

    monkeypatch.setattr("hub.land.open_session", lambda *_: alive)
    monkeypatch.setattr("hub.land.pull", slow)
    landed: dict[str, Pulled] = land(context, system, system.datasets, lambda *_: None)
    assert asked == [dataset.name for dataset in system.datasets]
    assert all(isinstance(pulled.result, HubError) for pulled in landed.values())


DAY = timedelta(days=1)
NOW = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "last", "due"),
    [
        (None, None, False),
        (7, None, True),
        (7, NOW - 6 * DAY, False),
        (7, NOW - 7 * DAY, True),
        (7, NOW - 7 * DAY + timedelta(hours=3), True),  # last week's night began later
        (1, NOW - DAY, True),
    ],
)
def test_a_reconciliation_is_due(every: int | None, last: datetime | None, *, due: bool) -> None:
    dataset = CATALOG.systems["lao_cai/dich_vu_cong"].dataset("ho_so")
    asked = dataset.model_copy(update={"reconcile_days": every})
    assert _is_due(asked, last, NOW) is due
