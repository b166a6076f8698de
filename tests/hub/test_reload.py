"""Loading again from landing gives what the contract would have given, had it been so then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import ConfigurationError
from hub.load import Context, Outcome, Pulled, load
from hub.reload import chosen, reload
from sources.landing import LandedBatch
from tests.hub.feed import NAME, Source, pattern, record
from tests.sources.faults import FaultServer
from warehouse import loads


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    def without_dagster(context: Context, name: str, batch: LandedBatch) -> list[Outcome]:
        system, dataset = context.catalog.dataset(name)
        pulled = Pulled(batch, datetime.now(UTC), 0.0)
        return [load(context, system, dataset, pulled, run="lai")]

    monkeypatch.setattr("hub.reload.load_again", without_dagster)
    with closing(FaultServer()) as server:
        monkeypatch.setenv("TINH_NGUON_URL", server.url)
        yield Source(tmp_path, server)


def three_nights(source: Source) -> None:
    """Load everything, then two changes, the second of which the first contract refuses."""
    source.contract(pattern("^[a-zê ]+[0-9]+$"))
    source.records = [*source.records, record(90, name="SAI 90")]
    source.night()
    source.records[3] = record(3, 2, name="đổi 3")  # refused: no such letter in the pattern
    source.records[4] = record(4, 2, name="ten 4")
    source.night()
    source.records[5] = record(5, 3, name="ten 5")
    source.night()


def test_a_looser_contract_lets_in_what_was_refused(source: Source) -> None:
    three_nights(source)
    assert source.names()["r003"] == "tên 3"
    assert source.rows("SELECT count(*) FROM hub.quarantine WHERE _resolved_at IS NULL") == [(2,)]
    (before,) = source.rows("SELECT batch, cursor_after FROM hub.loads ORDER BY seq DESC LIMIT 1")
    asked = source.asked

    source.contract(pattern("^.+[0-9]+$"))
    (outcome,) = reload(source.context(), NAME)
    assert outcome.error is None
    assert (outcome.record.inserted, outcome.record.updated, outcome.record.deleted) == (1, 1, 0)
    expected = {one["id"]: one["name"] for one in source.records}
    assert source.names() == expected
    assert source.rows("SELECT count(*) FROM hub.quarantine WHERE _resolved_at IS NULL") == [(0,)]
    assert source.asked == asked
    (after,) = source.rows("SELECT batch, cursor_after FROM hub.loads ORDER BY seq DESC LIMIT 1")
    assert after == before

    (once_more,) = reload(source.context(), NAME)
    assert once_more.record.status == loads.UNCHANGED
    assert source.night().record.status == loads.UNCHANGED  # and the next pull starts as before


def test_a_stricter_contract_takes_out_what_it_refuses(source: Source) -> None:
    three_nights(source)
    source.contract(pattern("^ten [0-9]+$|^tên [0-9]+$"))
    source.contract(pattern("^(ten|tên) ([1-9][0-9]*)$"))  # r000 is refused now
    (outcome,) = reload(source.context(), NAME)
    assert outcome.error is None
    assert outcome.record.deleted == 1
    assert "r000" not in source.names()
    assert source.rows("SELECT ma, _change FROM dung_chung.thu_lich_su WHERE ma = 'r000'") == [
        ("r000", "delete")
    ]
    refused = source.rows("SELECT record_key FROM hub.quarantine WHERE _resolved_at IS NULL")
    assert {'{"ma":"r000"}', '{"ma":"r003"}', '{"ma":"r090"}'} == {key for (key,) in refused}


def test_too_much_is_held_back_until_a_person_agrees(source: Source) -> None:
    source.night()
    source.contract(pattern("^tên 1[0-9]?$"))
    (held,) = reload(source.context(), NAME)
    assert held.error is not None
    assert f"`hub reload {NAME} --reason ...`" in held.error.next_step
    assert len(source.names()) == 30
    (passed,) = reload(source.context(), NAME, reason="quy ước mới")
    assert passed.error is None
    assert len(source.names()) == 11
    assert source.rows("SELECT reason, deleted FROM hub.approvals") == [("quy ước mới", 19)]
    with pytest.raises(ConfigurationError, match="no reload of this dataset was held back"):
        reload(source.context(), NAME, reason="lần nữa")


def test_what_landing_lacks_is_said(source: Source) -> None:
    with pytest.raises(ConfigurationError, match="never loaded"):
        reload(source.context(), NAME)
    three_nights(source)
    batches = chosen(source.context(), NAME, None)
    assert [batch.manifest.whole for batch in batches] == [True, False, False]
    later = chosen(source.context(), NAME, batches[1].id[:8])
    assert [batch.id for batch in later] == [batch.id for batch in batches[1:]]
    shutil.rmtree(batches[1].path)
    with pytest.raises(
        ConfigurationError, match=f"landing has batch {batches[1].id} of .* no more"
    ):
        reload(source.context(), NAME)
    source.contract()
    (outcome,) = reload(source.context(), NAME, batch=batches[2].id)
    assert outcome.error is None
    assert source.names()["r003"] == "đổi 3"  # it came again in the last batch
    assert "r090" not in source.names()  # it did not
    with pytest.raises(ConfigurationError, match="batch abc was never loaded"):
        reload(source.context(), NAME, batch="abc")


def test_a_batch_with_misread_text_among_others(source: Source) -> None:
    # Its rows are staged with the columns in another order than those of a sound batch.
    source.contract(pattern("^.+[0-9]+$"))
    source.night()
    source.records[4] = record(4, 2, name="Huyß╗çn 4")
    source.night()
    expected = {one["id"]: one["name"] for one in source.records} | {"r004": "Huyện 4"}
    assert source.names() == expected
    (outcome,) = reload(source.context(), NAME)
    assert outcome.error is None
    assert source.names() == expected
    assert outcome.record.status == loads.UNCHANGED
