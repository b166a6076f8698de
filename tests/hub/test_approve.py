"""A batch that is held back passes once, by a person's word, and not another one with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.approve import approve, chosen, waiting, who
from hub.errors import ConfigurationError
from tests.hub.feed import NAME, Source, record
from tests.sources.faults import FaultServer
from warehouse import loads


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    with closing(FaultServer()) as server:
        monkeypatch.setenv("TINH_NGUON_URL", server.url)
        yield Source(tmp_path, server)


def test_a_real_shrink_passes_by_a_word_that_is_kept(source: Source) -> None:
    source.night()
    source.records = [record(1), record(2, name="khác", at="2026-09-02T08:00:00")]
    held = source.night(whole=True)
    assert held.error is not None
    assert "28 of 30 rows would vanish, 6 may" in held.error.what
    assert f"`hub approve {NAME} --reason ...`" in held.error.next_step
    assert len(source.names()) == 30
    asked = source.asked

    one = chosen(source.context(), NAME, None)
    assert one.would == {"inserted": 0, "updated": 1, "deleted": 28, "rejected": 0}
    (outcome,) = approve(source.context(), one, "đã hỏi đơn vị")
    assert outcome.error is None
    assert (outcome.record.status, outcome.record.deleted) == (loads.LOADED, 28)
    assert source.names() == {"r001": "tên 1", "r002": "khác"}
    assert source.asked == asked
    assert source.rows(
        "SELECT approved_by, reason, batch, guards, updated, deleted FROM hub.approvals"
    ) == [(who(), "đã hỏi đơn vị", one.batch, ["shrink"], 1, 28)]
    with pytest.raises(ConfigurationError, match="nothing of this dataset is held back"):
        chosen(source.context(), NAME, None)


def test_a_misspelt_dataset_is_told_as_such(source: Source) -> None:
    with pytest.raises(ConfigurationError, match="there is no dataset 'tinh/cong/hoso'"):
        chosen(source.context(), "tinh/cong/hoso", None)


def test_a_batch_that_a_later_one_overtook_can_be_approved_no_more(source: Source) -> None:
    source.night()
    everything = source.records
    source.records = everything[:3]
    source.night(whole=True)
    (one,) = waiting(source.context())
    source.records = [*everything, record(40, 3)]
    assert source.night(whole=True).error is None
    assert waiting(source.context()) == []
    (outcome,) = approve(source.context(), one, "quá muộn")  # as if somebody had been slower
    assert outcome.error is not None
    assert "another sync committed a batch" in outcome.error.what
    assert len(source.names()) == 31
    assert source.rows("FROM hub.approvals") == []


def test_a_word_covers_what_was_seen_and_nothing_else(source: Source) -> None:
    source.night()
    source.records = source.records[:3]
    source.night(whole=True)
    (one,) = waiting(source.context())
    source.contract(fewestRows=10)
    (outcome,) = approve(source.context(), one, "đã hỏi")
    assert outcome.error is not None
    assert "expects 10 or more" in outcome.error.what
    assert len(source.names()) == 30
    assert [guard for guard, _ in waiting(source.context())[-1].objections] == ["too_few", "shrink"]
