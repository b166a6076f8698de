"""A person is erased, and no reload, no full pull and no old backup brings them back."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hub import erase as erasing
from hub.errors import ConfigurationError, TransientError
from hub.load import Context
from tests.bytesearch import holding
from tests.hub.registry import CCCD, NAME, PERSON, PHONE, REQUEST, SECRET, Registry
from warehouse import backup, erasure, maintenance, suppression
from warehouse.person import Person, flat


def test_erased_everywhere_and_never_back(registry: Registry, tmp_path: Path) -> None:
    registry.night()
    taken = backup.back_up(registry.settings.data_dir, tmp_path / "kho", keep=timedelta(days=30))
    registry.people[7]["name"] = NAME  # the old name moves to the history
    registry.people[1]["state"] = "2"
    registry.night()
    data = registry.settings.data_dir
    connection = Context.of(registry.settings, registry.catalog).lake.writer()
    stored = maintenance.sizes(connection)
    connection.close()
    assert {one.table: one.inlined for one in stored}["dung_chung.nguoi"] > 0
    places = {line.partition("/")[0] for line in holding(data, SECRET)}
    assert {"lake", "landing"} <= places

    counts = erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=True)
    assert registry.rows(f"FROM dung_chung.nguoi WHERE so_dinh_danh = '{CCCD}'")  # all still there
    assert counts["table dung_chung.nguoi"] == 2
    assert counts["table hub.quarantine"] == 1
    removed = erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    assert removed["table dung_chung.nguoi_lich_su"] == 1
    assert removed["landing: landed_records"] == 6
    assert holding(data, SECRET) == []
    assert registry.rows("SELECT count(*) FROM dung_chung.nguoi") == [(27,)]
    certificate = json.loads(next((data / "erasures").glob("*.json")).read_text())
    assert certificate["removed"] == removed
    assert certificate["outcome"] == "erased"

    # The source still has the person: pulled in full, changed and unchanged.
    for _ in range(2):
        outcome = registry.night()
        assert outcome.rows == 27
        assert holding(data, SECRET) == []
    registry.people[2]["state"] = "3"
    assert registry.night().record.updated == 1
    assert holding(data, SECRET) == []
    with pytest.raises(ConfigurationError, match="erased on request"):
        Context.of(registry.settings, registry.catalog).lake.reader(version=3)

    # An old backup still has the person; what is restored from it has not, nor its next night.
    assert holding(taken, SECRET)
    known, new = registry.settings.suppression, tmp_path / "moi"
    _, again = erasing.restored(registry.settings, registry.catalog, taken, new)
    assert again["table dung_chung.nguoi"] == 2
    assert holding(new, SECRET) == []
    registry.settings = registry.settings.model_copy(
        update={"data_dir": new, "suppression_dir": known}
    )
    assert registry.rows("SELECT count(*) FROM dung_chung.nguoi") == [(27,)]
    assert registry.night().rows == 27
    assert holding(new, SECRET) == []


@pytest.mark.parametrize("point", ["delete", "commit", "flush", "rewrite", "expire", "clean_up"])
def test_killed_in_the_middle_the_same_command_does_the_rest(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    registry.night()
    registry.people[7]["name"] = NAME
    registry.night()
    real = maintenance.step

    def stopping(connection: Any, name: str, sql: str) -> Any:
        result = real(connection, name, sql)
        if name == point:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(maintenance, "step", stopping)
    monkeypatch.setattr(erasure, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    monkeypatch.setattr(maintenance, "step", real)
    monkeypatch.setattr(erasure, "step", real)
    erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    assert holding(registry.settings.data_dir, SECRET) == []
    assert registry.rows("SELECT count(*) FROM dung_chung.nguoi") == [(27,)]


def test_an_open_reader_makes_the_erasure_wait_and_say_so(registry: Registry) -> None:
    registry.night()
    reader = Context.of(registry.settings, registry.catalog).lake.reader()
    with pytest.raises(TransientError, match="open elsewhere"):
        erasing.erase(registry.settings, registry.catalog, PERSON, REQUEST, dry_run=False)
    reader.close()


def test_a_refusal_is_recorded_and_removes_nothing(registry: Registry) -> None:
    registry.night()
    erasing.refuse(registry.settings, REQUEST, "Luật Lưu trữ, Điều 15")
    told = json.loads(next((registry.settings.data_dir / "erasures").glob("*.json")).read_text())
    assert told["outcome"] == "refused: statutory retention"
    assert told["legal_basis"] == "Luật Lưu trữ, Điều 15"
    assert registry.rows("SELECT count(*) FROM dung_chung.nguoi") == [(29,)]


def test_the_hash_in_sql_is_the_hmac() -> None:
    for key in (b"k", b"x" * 64, b"y" * 100):
        sql = suppression.hash_sql(key, "'Lò Thị É'")
        (found,) = duckdb.sql(f"SELECT {sql}").fetchone() or ("",)
        assert found == hmac.new(key, "Lò Thị É".encode(), "sha256").hexdigest()


def test_nobody_is_named_by_a_short_number() -> None:
    with pytest.raises(ConfigurationError, match="fewer than 8"):
        Person.of(["12-34"])
    assert flat(" 0912.345 678") == PHONE
    assert "84912345678" in Person.of([PHONE]).numbers
