"""A deployment publishes no personal value; an erased person's row goes from what is published."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from hub import erase as erasing
from hub import maintain, runs
from hub.errors import InternalError, TransientError
from hub.maintain import Line
from hub.publish import publish
from hub.publish_assets import JOB, KEY, definitions
from hub.settings import Settings
from hub.system_lock import publish_lock
from tests.bytesearch import holding
from tests.hub.registry import PERSON, REQUEST, SECRET, Registry
from tests.warehouse.publish.lakes import ask


def test_no_personal_value_is_published_and_an_erased_persons_row_goes(registry: Registry) -> None:
    registry.night()
    settings = registry.settings
    people = [
        str(person[name])
        for person in registry.people.values()
        for name in ("name", "cccd", "phone")
        if person[name]
    ]
    first = publish(settings, registry.catalog)
    assert holding(settings.data_dir / "lake", people)
    assert holding(settings.publish, people) == []
    left = "SELECT DISTINCT ho_ten, so_dinh_danh, ngay_sinh FROM dung_chung.nguoi ORDER BY ALL"
    assert ask(settings.publish, left) == [("***", None, 1980), ("***", None, 1999)]
    theirs = "SELECT count(*) FROM dung_chung.nguoi WHERE ma IN ('r7', 'r9')"
    assert ask(settings.publish, theirs) == [(2,)]

    counts = erasing.erase(settings, registry.catalog, PERSON, REQUEST, dry_run=True)
    assert counts[erasing.PUBLISHED] == 1
    assert first.generation.exists()
    registry.people[3]["state"] = "2"
    registry.night()
    publish(settings, registry.catalog)  # two generations; the older one in its grace
    removed = erasing.erase(settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    assert removed[erasing.PUBLISHED] == 2
    assert ask(settings.publish, theirs) == [(0,)]
    assert ask(settings.publish, "SELECT count(*) FROM dung_chung.nguoi") == [(27,)]
    generations = list(settings.publish.glob("[0-9]*"))
    assert len(generations) == 1
    assert holding(settings.data_dir, SECRET) == []
    (told,) = (settings.data_dir / "erasures").glob("*.json")
    assert "fetch them again" in json.loads(told.read_text())["published"]


def test_nobody_publishes_beside_another_and_an_erasure_waits(registry: Registry) -> None:
    registry.night()
    settings = registry.settings.model_copy(update={"lock_timeout": 0.1})
    with publish_lock(settings):
        with pytest.raises(TransientError, match="being made elsewhere"):
            publish(settings, registry.catalog)
        with pytest.raises(TransientError, match="being made elsewhere"):
            erasing.erase(settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    assert publish(settings, registry.catalog).changed


def test_an_error_of_duckdb_is_told_without_the_row_that_it_quotes(registry: Registry) -> None:
    registry.night()
    memory = registry.settings.model_copy(update={"memory": "1MB"})
    with pytest.raises(
        InternalError, match=r"unforeseen OutOfMemoryException at \w+/\w+.py"
    ) as told:
        publish(memory, registry.catalog)
    assert told.value.__suppress_context__
    assert publish(registry.settings, registry.catalog).changed


def test_the_scheduled_job_publishes_and_maintenance_removes_old_generations(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.night()
    settings = registry.settings
    monkeypatch.setenv("HUB_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("HUB_ASSETS_DIR", str(settings.assets_dir))
    broken = settings.assets_dir / "contracts" / "hong.odcs.yaml"
    broken.write_text("kind: DataContract\n", encoding="utf-8")
    both = dg.Definitions.merge(definitions(), dg.Definitions(executor=dg.in_process_executor))
    with runs.instance(Settings()) as instance:
        assert both.resolve_job_def(JOB).execute_in_process(instance=instance).success
        event = instance.get_latest_materialization_event(KEY)
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    shown = {name: metadata[name].value for name in ("changed", "rows", "tables", "left_out")}
    assert shown == {"changed": True, "rows": 29, "tables": 1, "left_out": ["hong"]}
    broken.unlink()

    registry.people[3]["state"] = "2"
    registry.night()
    assert publish(settings, registry.catalog).changed
    lines: list[Line] = []
    monkeypatch.setattr(maintain, "datetime", Later)
    maintain.clean_up(settings, dry_run=False, noted=lines.append)
    assert {line.what: line.count for line in lines}["removed_generations"] == 1
    assert len(list(settings.publish.glob("[0-9]*"))) == 1
    with publish_lock(settings):
        maintain.clean_up(settings, dry_run=False, noted=lines.append)
    assert "passed_over_while_publishing" in {line.what for line in lines}


class Later(datetime):
    """A clock that is two days ahead."""

    @classmethod
    def now(cls, tz: object = None) -> Later:
        del tz
        return cls.fromtimestamp((datetime.now(UTC) + timedelta(days=2)).timestamp(), UTC)
