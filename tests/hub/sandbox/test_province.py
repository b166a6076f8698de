"""The province is the same for the same seed, scale and day, and a day changes what it says."""

from __future__ import annotations

import pytest

from hub.sandbox import edxml, files, planting, truth
from hub.sandbox.dossiers import decode
from hub.sandbox.province import Province
from hub.sandbox.shapes import DOSSIERS, HERITAGE, PRICES, PROCEDURES, SHAPES, TOURISM
from hub.sandbox.units import LAO_CAI, TUYEN_QUANG, communes, portal_agencies


def everything(province: Province) -> list[object]:
    """Return all that a province serves, as it serves it."""
    tables = province.tables
    return [
        province.book.entries,
        [(m.updated, edxml.write(m)) for m in province.axis.messages],
        province.axis.queue.states,
        [[row.cells for row in table.rows] for table in tables.values()],
        files.xlsx_bytes(tables[PRICES.name]),
        files.csv_bytes(tables[HERITAGE.name]),
        files.csv_bytes(tables[TOURISM.name]),
        truth.report(province),
    ]


def test_same_inputs_same_bytes(day_zero: Province) -> None:
    assert everything(Province(1, 300)) == everything(day_zero)
    assert Province(2, 300).book.entries != day_zero.book.entries


def test_moving_is_starting_there_and_back_is_day_zero(day_zero: Province) -> None:
    moved = Province(1, 300)
    moved.move(1)
    moved.move(2)
    assert everything(moved) == everything(Province(1, 300, 2))
    moved.move(0)
    assert everything(moved) == everything(day_zero)
    with pytest.raises(ValueError, match="day 0"):
        moved.move(-1)


def test_a_day_touches_only_what_it_says(day_zero: Province) -> None:
    later = Province(1, 300, 1)
    before = {entry[2]: entry for entry in day_zero.book}
    after = {entry[2]: entry for entry in later.book}
    change = later.changes[DOSSIERS.name]
    assert before.keys() < after.keys(), "dossiers do not vanish"
    new = after.keys() - before.keys()
    moved = [serial for serial in before if before[serial][3] != after[serial][3]]
    assert (change.new, change.changed, change.deleted) == (len(new), len(moved), 0)
    for serial in (*new, *moved):
        assert decode(after[serial])["NgayCapNhat"].startswith("20261002")
    assert max(entry[0] for entry in day_zero.book) < "20261002"
    old = {message.doc_id: message for message in day_zero.axis.messages}
    for message in later.axis.messages:
        if message.doc_id in old:
            assert edxml.write(message) == edxml.write(old[message.doc_id])


def test_a_day_withdraws_documents_and_deletes_rows(day_zero: Province) -> None:
    later = Province(1, 300, 1)
    fresh = later.axis.messages[len(day_zero.axis.messages) :]
    kinds = {m.fields["bussiness_doc_type"] for m in fresh if m.kind == "edoc"}
    assert kinds == {"0", "1", "2", "3"}
    assert any(message.kind == "status" for message in fresh)
    for name in (PROCEDURES.name, TOURISM.name):
        assert later.changes[name].deleted
        assert later.changes[name].new
    assert later.changes[PRICES.name].changed == 8
    assert later.changes[HERITAGE.name].new == later.changes[HERITAGE.name].changed == 0


def test_a_recall_names_a_document_that_was_sent(day_zero: Province) -> None:
    sent = [m for m in day_zero.axis.messages if m.kind == "edoc" and m.dirt is None]
    known = {m.fields["document_id"] for m in day_zero.axis.messages if m.kind == "edoc"}
    recalls = [m for m in sent if m.fields["bussiness_doc_type"] in ("1", "2")]
    assert recalls
    assert all(m.fields["bussiness_document_id"] in known for m in recalls)


def test_units_are_the_official_ones() -> None:
    assert (len(communes(LAO_CAI)), len(communes(TUYEN_QUANG))) == (99, 124)
    codes = [agency.code for agency in portal_agencies()]
    assert len(set(codes)) == len(codes)
    assert all(code.startswith("H38.") for code in codes)


def test_dates_of_clean_dossiers_stand_in_order(day_zero: Province) -> None:
    for row in truth.rows(day_zero, DOSSIERS.name):
        dates = [row[f"ngay_{name}"] for name in ("nop", "tiep_nhan", "ket_thuc", "tra")]
        there = [date for date in dates if date]
        assert there == sorted(there)
        assert (row["trang_thai"] == "10") == (row["ngay_tra"] is not None)


def test_a_sandbox_too_small_says_so() -> None:
    with pytest.raises(RuntimeError, match="too small"):
        Province(1, 20)
    assert planting.SMALL > 300
    assert set(truth.report(Province(3, 300))["datasets"]) == set(SHAPES)  # type: ignore[call-overload]
