"""Parquet: every type has one way to be written as text, damage is told."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, ProviderError
from tests.warehouse.readers.conftest import Batch


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (pa.array(["007"]), "007"),
        (pa.array([" Bát \n Xát "]), " Bát \n Xát "),
        (pa.array(["<svg onload='x'>"]), "<svg onload='x'>"),
        (pa.array(["a"]).dictionary_encode(), "a"),
        (pa.array([9007199254740993]), "9007199254740993"),
        (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
        (pa.array([1837.0]), "1837"),
        (pa.array([83.92]), "83.92"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([-0.0000001]), "-0.0000001"),
        (pa.array([1e-300]), "1e-300"),
        (pa.array([1e17]), "100000000000000000"),
        (pa.array([0.0]), "0"),
        (pa.array([float("inf")]), "inf"),
        (pa.array([Decimal("1.50")]), "1.50"),
        (pa.array([True]), "true"),
        (pa.array([date(2026, 9, 1)]), "2026-09-01"),
        (pa.array([datetime(2026, 9, 1, 8, 30)]), "2026-09-01 08:30:00"),  # noqa: DTZ001 - Vietnam time
        (pa.array([datetime(2026, 9, 1, 20, 0, tzinfo=UTC)]), "2026-09-02 03:00:00"),
        (pa.array([time(8, 30)]), "08:30:00"),
        (pa.array([[1, None]]), "[1,null]"),
        (pa.array([{"a": [{"b": "ế"}]}]), '{"a":[{"b":"ế"}]}'),
        (pa.array(["ế".encode()]), "ế"),
        (pa.array([b"\xff\x00"]), "ff00"),
        (pa.array([None], pa.string()), None),
    ],
)
def test_each_type_as_text(batch: Batch, cells: pa.Array, text: str | None) -> None:
    batch.land(parquet({"Mã": cells}), "parquet")
    batch.connection.execute("SET TimeZone = 'America/New_York'")
    assert [row["Mã"] for row in batch.read(["Mã"])] == [text]


def test_a_missing_field_is_told(batch: Batch) -> None:
    batch.land(parquet({"Mã": [1], "Khác": [0]}), "parquet")
    with pytest.raises(ProviderError, match="missing: Tên; not known: Mã, Khác") as caught:
        batch.read(["Tên"])
    assert caught.value.where == "batch/files/00000.parquet"


def test_names_may_hold_blanks_and_quotes(batch: Batch) -> None:
    batch.land(parquet({" Mã\n\"số' ": [1]}), "parquet")
    with pytest.raises(ProviderError, match="not known: Mã \"số'"):
        batch.read(["Tên"])
    batch.again(parquet({" Giá  (đồng)\n(*)": [1], 'x"y': [2]}), "parquet")
    assert batch.read(["Giá (đồng)"])[0]["Giá (đồng)"] == "1"


def test_rows_keep_their_order_and_place(batch: Batch) -> None:
    batch.land(parquet({"Ma (*)": list(range(7))}, row_group_size=2), "parquet")
    batch.land(parquet({"Khac": ["x"], "Ma": ["y"]}), "parquet")
    rows = batch.read(["Ma"])
    assert [row["Ma"] for row in rows] == [*"0123456", "y"]
    assert [row["_line"] for row in rows] == [*range(1, 8), 1]
    assert {row["_file"] for row in rows} == {"files/00000.parquet", "files/00001.parquet"}


def test_a_table_without_rows(batch: Batch) -> None:
    batch.land(parquet({"Ma": pa.array([], pa.int64())}), "parquet")
    assert batch.read(["Ma"]) == []


def test_there_are_no_options(batch: Batch) -> None:
    batch.land(parquet({"Ma": ["1"]}), "parquet")
    with pytest.raises(ConfigurationError, match="`delimiter`"):
        batch.read(["Ma"], {"delimiter": ","})


SOUND = parquet(
    {"Ma": [f"{n:03}" for n in range(60)], "So": [n / 7 for n in range(60)], "Ds": [["x"]] * 60},
    row_group_size=25,
)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.integers(0, len(SOUND) - 1),
    length=st.integers(0, 20),
    put=st.binary(max_size=20),
    cut=st.integers(0, 2) | st.integers(0, len(SOUND)),
)
def test_a_spoilt_file_gives_all_rows_or_a_told_error(
    batch: Batch, place: int, length: int, put: bytes, cut: int
) -> None:
    data = SOUND[:place] + put + SOUND[place + length :]
    batch.again(data[: len(data) - cut], "parquet")
    if batch.outcome(["Ma", "So", "Ds"]) == "rows":
        assert len(batch.read(["Ma", "So", "Ds"])) == 60


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=100))
def test_any_bytes_give_a_told_error(batch: Batch, data: bytes) -> None:
    assert batch.again(b"PAR1" + data + b"PAR1", "parquet").outcome(["Ma"]) != "rows"
