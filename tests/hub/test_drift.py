"""A source that changes what it sends: told, held back, and never taken in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.catalog import load_catalog
from tests.hub.feed import DATASET, Source, record
from tests.sources.faults import FaultServer


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    with closing(FaultServer()) as server:
        monkeypatch.setenv("TINH_NGUON_URL", server.url)
        yield Source(tmp_path, server)


def renew(source: Source, day: int, **other: object) -> None:
    source.records = [record(number, day, **other) for number in range(30)]


def test_a_new_field_is_told_once_and_loads_all_the_same(source: Source) -> None:
    assert source.night().warnings == ()
    renew(source, 2, phone=912, name="đổi")
    outcome = source.night()
    assert outcome.error is None
    (told,) = outcome.warnings
    assert told.startswith("the source sends a new field `phone` (number); to take it over: ")
    assert "`hub reload`" in told
    assert set(source.names().values()) == {"đổi"}
    renew(source, 3, phone=913)
    assert source.night().warnings == ()
    renew(source, 4)
    assert source.night().warnings == ()  # nobody maps it, so nobody misses it


@pytest.mark.parametrize(("policy", "held"), [("ignore", False), ("refuse", True)])
def test_a_contract_may_ignore_or_refuse_new_fields(
    source: Source, policy: str, *, held: bool
) -> None:
    source.contract(driftNew=policy)
    source.night()
    renew(source, 2, phone="1", name="đổi")
    outcome = source.night()
    assert outcome.warnings == ()
    assert (outcome.error is not None) == held
    assert ("đổi" in source.names().values()) != held


def test_a_mapped_field_that_is_gone_is_told_or_held(source: Source) -> None:
    source.define({**DATASET, "columns": {**DATASET["columns"], "ten": "title"}})
    source.records = [{**record(n), "title": "cũ"} for n in range(30)]
    source.night()
    renew(source, 2)
    outcome = source.night()
    assert "no record has field `title` any more" in str([*outcome.warnings, outcome.error])
    source.contract(driftMissing="block")
    outcome = source.night()
    assert outcome.error is not None
    assert "no record has field `title` any more" in outcome.error.what


def test_a_text_that_becomes_a_number_is_held_with_the_difference(source: Source) -> None:
    renew(source, 1, name="012")
    source.night()
    renew(source, 2, name=12)
    outcome = source.night()
    assert outcome.error is not None
    assert "field `name` was text and is number now" in outcome.error.what
    assert set(source.names().values()) == {"012"}


def test_cells_that_are_written_in_another_way_are_held_and_shown_by_shape(source: Source) -> None:
    source.records = [record(number) for number in range(300)]
    source.night()
    source.records = [
        *(record(number, 2, name="mới") for number in range(270)),
        *(record(number, at=f"2026-09-02 lúc {number} giờ") for number in range(270, 300)),
    ]
    outcome = source.night(whole=True)
    assert outcome.error is not None
    assert (
        "field `at` is not TIMESTAMP any more: 10% of its cells cannot be read, 0% last time; "
        "written as `9999-99-99 aaa 999 aaa`"
    ) in outcome.error.what
    assert "mới" not in source.names().values()


def test_a_contract_with_another_word_is_refused(source: Source) -> None:
    source.contract(driftNew="add")
    (error,) = load_catalog(source.settings.assets_dir).errors.values()
    assert "driftNew is `add`" in str(error)
    assert "write report or ignore or refuse" in str(error)
