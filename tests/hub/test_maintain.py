"""Maintenance of a deployment: its assets run, Dagster's old runs go, what is shown stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from hub import maintain, runs
from hub.catalog import load_catalog
from hub.maintain import Line
from hub.maintenance_assets import JOB, maintenance_definitions
from hub.settings import Settings
from tests.hub import small
from warehouse import cleanup


def test_the_scheduled_job_runs_and_reports_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.two_nights(tmp_path)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HUB_ASSETS_DIR", str(small.define(tmp_path)))
    definitions = dg.Definitions.merge(
        maintenance_definitions(), dg.Definitions(executor=dg.in_process_executor)
    )
    with runs.instance(Settings()) as instance:
        ended = definitions.resolve_job_def(JOB).execute_in_process(instance=instance)
        event = instance.get_latest_materialization_event(dg.AssetKey(["bao_tri", "dung_luong"]))
    assert ended.success
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata[f"{small.TABLE}: rows"].value == 3
    assert metadata["lake/files: files"].value != 0


def test_old_runs_go_but_not_the_one_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path)

    @dg.asset
    def shown() -> None: ...

    with runs.instance(settings) as instance:
        ended = [dg.materialize([shown], instance=instance).run_id for _ in range(3)]
        lines: list[Line] = []
        maintain.clean_runs(settings, instance, dry_run=False, noted=lines.append)
        assert lines.pop().count == 0
        monkeypatch.setattr(cleanup, "age", lambda *_: datetime.now(UTC) + timedelta(hours=1))
        maintain.clean_runs(settings, instance, dry_run=True, noted=lines.append)
        assert lines.pop().count == 2
        assert instance.get_runs_count() == 3
        maintain.clean_runs(settings, instance, dry_run=False, noted=lines.append)
        left = [run.run_id for run in instance.get_runs()]
        assert instance.get_latest_materialization_event(dg.AssetKey("shown"))
    assert left == ended[-1:]
    stored = {path.stem for path in (tmp_path / "dagster" / "history" / "runs").glob("*-*.db")}
    assert stored == set(left)


def test_history_ends_when_its_contract_says(tmp_path: Path) -> None:
    small.two_nights(tmp_path)
    settings = Settings(data_dir=tmp_path / "data", assets_dir=small.define(tmp_path))
    catalog = load_catalog(settings.assets_dir)
    (name,) = (n for n, c in catalog.contracts.items() if c.table == small.TABLE)
    short = replace(catalog.contracts[name], history_days=1e-9)
    catalog = replace(catalog, contracts={**catalog.contracts, name: short})
    lines: list[Line] = []
    for dry_run in (True, False, False):
        maintain.maintain_lake(settings, catalog, dry_run=dry_run, noted=lines.append)
    purged = [line.count for line in lines if line.what == "purged_versions"]
    assert len(purged) == 2
    assert purged[0] == purged[1] > 0
