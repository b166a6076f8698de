"""Great Expectations counts what quarantine marks, fast, and lets no value out.

Data flow: rows written by hand or by hypothesis -> ``validate`` on a real staging table -> the
report and GX's own document, held against the marks.

Run it alone: ``pytest tests/checks/test_validate.py``.

What does not belong here: what becomes of the rows.
"""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from checks.model import Contract
from checks.quarantine import mark
from checks.validate import validate
from hub.errors import ConfigurationError, InternalError
from tests.checks.contracts import CONTRACT, changed, contract
from tests.checks.staged import GOOD, RAW, fill, rows, staging

_COLUMN = """\
      - name: {name}
        businessName: Cột
        description: Cột (column)
        logicalType: {logical}
        physicalType: {type}
        customProperties:
          - {{property: form, value: {form}}}
        quality:
"""
_RULE = """\
          - name: {name}
            type: custom
            engine: greatExpectations
            dimension: conformity
            severity: error
            description: Sai
            implementation: {{type: {type}, kwargs: {{{kwargs}}}}}
"""
_SET = "expect_column_values_to_be_in_set"
_BETWEEN = "expect_column_values_to_be_between"
_TYPES = [
    ("ngay", "date", "DATE", "ngay", "[2026-01-01, '2026-01-02']", "2026-01-01, 2026-01-03"),
    (
        "luc",
        "timestamp",
        "TIMESTAMP",
        "thoi_diem",
        "['2026-01-01 08:00:00', '2026-01-02T00:00:00']",
        "2026-01-01, '2026-01-03T12:00:00'",
    ),
    ("dem", "integer", "BIGINT", "so_may", "[1, 2]", "1, 3"),
    ("dai", "number", "DOUBLE", "so_may", "[0.1, 2]", "0.1, 3"),
    ("tien", "number", "DECIMAL(18,2)", "so_thap_phan", "[0.1, 2]", "0.1, 3"),
    ("co", "boolean", "BOOLEAN", "dung_sai", "[true]", None),
]


def _wide() -> str:
    """Return a contract with a set and a range on a column of each type."""
    start = CONTRACT.index("    quality:\n      - name: row.")
    end = CONTRACT.index("      - name: ngay_nhan")
    key = CONTRACT[CONTRACT.index("    properties:") : end]
    head = CONTRACT[:start].replace("      - {property: versionColumn, value: cap_nhat}\n", "")
    text = head + key
    for name, logical, sql_type, form, values, bounds in _TYPES:
        text += _COLUMN.format(name=name, logical=logical, type=sql_type, form=form)
        text += _RULE.format(name="in_set", type=_SET, kwargs=f"value_set: {values}")
        if bounds:
            low, high = bounds.split(", ")
            kwargs = f"min_value: {low}, max_value: {high}"
            text += _RULE.format(name="range", type=_BETWEEN, kwargs=kwargs)
    return text


WIDE = _wide()
_DAYS = [None, *(date(2026, 1, day) for day in range(1, 5))]
WIDE_ROWS: list[dict[str, Any]] = [
    {"ngay": day, "luc": at, "dem": n, "dai": n and (0.1 if n == 1 else n), "tien": n, "co": yes}
    for day, at, n, yes in zip(
        _DAYS,
        [
            None,
            "2026-01-01 08:00:00",
            "2026-01-02 00:00:00",
            "2026-01-03 12:00:00",
            "2026-01-03 12:00:00.000001",
        ],
        [None, 1, 2, 3, 4],
        [None, True, False, True, True],
        strict=True,
    )
]
WIDE_ROWS += [{"dai": float("nan")}]

TABLE = "stg.main.hang"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return contract(tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with staging(tmp_path_factory.mktemp("staging")) as opened:
        opened.execute("CREATE SCHEMA lake.danh_muc")
        opened.execute("CREATE TABLE lake.danh_muc.trang_thai AS SELECT '1' AS trang_thai")
        opened.execute("INSERT INTO lake.danh_muc.trang_thai VALUES ('10'), (NULL)")
        yield opened


def counts(
    connection: duckdb.DuckDBPyConnection, contract_: Contract
) -> tuple[dict[str, int], dict[str, int]]:
    found = validate(connection, TABLE, contract_)
    return {r.rule: r.unexpected for r in found.results}, mark(connection, TABLE, contract_)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows())
def test_great_expectations_and_quarantine_count_the_same(
    small: Contract, connection: duckdb.DuckDBPyConnection, drawn: list[dict[str, Any]]
) -> None:
    fill(connection, small, drawn)
    by_expectation, by_mark = counts(connection, small)
    assert set(by_expectation) == set(by_mark)
    differing = {name for name in by_mark if by_mark[name] != by_expectation[name]}
    assert differing <= {"key.unique"}
    # GX sees every row of a repeated key, also those that break other rules or are passed over.
    assert by_expectation["key.unique"] >= by_mark["key.unique"]


def test_the_counts_are_right_by_hand(
    small: Contract, connection: duckdb.DuckDBPyConnection
) -> None:
    bad = [
        GOOD,
        GOOD,
        GOOD | {"trang_thai": "2"},
        GOOD | {"ma": "A2", "ngay_nhan": date(1999, 1, 1), "chu_ho_so": "x" * 13},
        GOOD | {"ma": "A3", "ngay_nhan": None, "ngay_nhan__raw": "31/02/2026", "le_phi": -1},
        GOOD | {"ma": None, "ngay_nhan": None, "trang_thai": "7"},
        GOOD | {"ma": None, "trang_thai": None, "trang_thai__raw": "ZZ"},
        GOOD | {"ma": "hỏng'\"%$1 :x", "ngay_tra": date(2025, 12, 31)},
    ]
    fill(connection, small, bad, raw=(*RAW, "trang_thai"))
    report = validate(connection, TABLE, small)
    assert {r.rule: r.unexpected for r in report.results if r.unexpected} == {
        "ma.required": 2,
        "ma.pattern": 1,
        "ngay_nhan.required": 1,
        "ngay_nhan.type": 1,
        "ngay_nhan.range": 1,
        "chu_ho_so.length": 1,
        "trang_thai.type": 1,
        "trang_thai.in_set": 1,
        "trang_thai.reference": 2,
        "le_phi.range": 1,
        "row.nhan_truoc_tra": 1,
        "key.unique": 3,
    }
    assert {r.evaluated for r in report.results} == {len(bad)}
    assert [r.rule for r in report.results] == [
        rule.name
        for rule in small.rules
        if rule.kind != "type" or rule.column in {*RAW, "trang_thai"}
    ]
    assert not report.by_dimension()["completeness_conformity"]["success"]
    assert mark(connection, TABLE, small)["key.unique"] == 2  # one of the three is a plain copy


def test_every_kind_on_every_type_it_allows(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    wide = contract(tmp_path, WIDE)
    fill(connection, wide, [{"ma": f"A{n}"} | cells for n, cells in enumerate(WIDE_ROWS)], raw=())
    by_expectation, by_mark = counts(connection, wide)
    assert by_expectation == by_mark
    assert by_mark == {
        "ma.required": 0,
        "ma.pattern": 0,
        "ngay.in_set": 2,
        "ngay.range": 1,
        "luc.in_set": 2,
        "luc.range": 1,
        "dem.in_set": 2,
        "dem.range": 1,
        "dai.in_set": 3,
        "dai.range": 2,
        "tien.in_set": 3,
        "tien.range": 1,
        "co.in_set": 1,
        "key.unique": 0,
    }


def test_an_empty_table_breaks_nothing(
    small: Contract, connection: duckdb.DuckDBPyConnection
) -> None:
    fill(connection, small, [])
    report = validate(connection, TABLE, small)
    assert report.success
    assert {r.evaluated for r in report.results} == {0}


def test_a_key_of_several_columns(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    text = changed(
        "        physicalType: DATE\n        required: true\n",
        "        physicalType: DATE\n        required: true\n        primaryKey: true\n",
    )
    pair = contract(tmp_path, text)
    assert pair.key == ("ma", "ngay_nhan")
    other = {"ngay_nhan": date(2026, 1, 3)}
    fill(connection, pair, [GOOD, GOOD | other, GOOD | other, GOOD | {"ma": None}] * 2)
    assert counts(connection, pair)[0]["key.unique"] == 6


PLANTED = "Giàng A Tráng 010203004567"


def test_a_planted_personal_value_appears_nowhere(
    small: Contract,
    connection: duckdb.DuckDBPyConnection,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    planted = {"ma": PLANTED, "chu_ho_so": PLANTED, "trang_thai": PLANTED, "le_phi": -1}
    planted |= {"ngay_nhan": None, "ngay_nhan__raw": PLANTED, "ngay_tra": date(1999, 1, 1)}
    fill(connection, small, [GOOD, *[GOOD | planted] * 3])
    with caplog.at_level(logging.DEBUG):
        report = validate(connection, TABLE, small)
    assert sum(not r.success for r in report.results) == 7
    whole = json.dumps([report.document, report.by_dimension()], ensure_ascii=False) + repr(report)
    assert PLANTED not in whole
    assert "partial_unexpected" not in whole
    assert "unexpected_list" not in whole
    assert not any(PLANTED in record.getMessage() for record in caplog.records)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_a_value_that_breaks_a_cast_is_not_quoted(
    tmp_path: Path,
    connection: duckdb.DuckDBPyConnection,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    casting = contract(tmp_path, changed("ngay_nhan <= ngay_tra", "chu_ho_so::INTEGER > 0"))
    fill(connection, casting, [GOOD | {"chu_ho_so": PLANTED}])
    with pytest.raises(ConfigurationError, match=r"rule row\.nhan_truoc_tra") as caught:
        validate(connection, TABLE, casting)
    shown = (
        "".join(traceback.format_exception(caught.value))
        + caplog.text
        + "".join(capfd.readouterr())
    )
    assert PLANTED not in shown


def test_a_failure_of_great_expectations_itself_is_the_hubs(
    small: Contract, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, small, [GOOD])
    monkeypatch.setattr("checks.validate._run", lambda *_: {"results": []})
    with pytest.raises(InternalError, match=r"cannot run on the staging table \(KeyError\)"):
        validate(connection, TABLE, small)


def test_nothing_is_sent_and_no_thread_is_left(
    small: Contract, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    fill(connection, small, [GOOD])
    before = set(threading.enumerate())
    validate(connection, TABLE, small)
    assert set(threading.enumerate()) == before


def test_two_validations_at_once(small: Contract, tmp_path: Path) -> None:
    def run(number: int) -> int:
        folder = tmp_path / str(number)
        folder.mkdir()
        with staging(folder) as connection:
            fill(connection, small, [GOOD | {"ma": "hỏng"}] * number)
            report = validate(connection, TABLE, small)
        return next(r.unexpected for r in report.results if r.rule == "ma.pattern")

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(run, [1, 2, 3])) == [1, 2, 3]


def test_importing_it_is_silent_even_if_warnings_are_errors() -> None:
    code = "import checks.validate, threading, sys; sys.exit(threading.active_count() != 1)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_fifteen_expectations_on_200_000_rows_take_less_than_a_second_and_a_half(
    small: Contract, connection: duckdb.DuckDBPyConnection
) -> None:
    connection.execute(
        """CREATE OR REPLACE TABLE stg.main.hang AS
        SELECT i AS _row, 'A' || i % 1000 AS ma, DATE '2026-01-01' + (i % 90)::INTEGER AS ngay_nhan,
            DATE '2026-02-01' + (i % 90)::INTEGER AS ngay_tra, 'Người ' || i AS chu_ho_so,
            (1 + i % 3)::VARCHAR AS trang_thai, (i % 7)::DECIMAL(18,2) AS le_phi,
            TIMESTAMP '2026-01-01' AS cap_nhat, 'x' AS ngay_nhan__raw, NULL AS ngay_tra__raw,
            'x' AS le_phi__raw, 'x' AS cap_nhat__raw, NULL::VARCHAR[] AS _repairs,
            i::UBIGINT AS _hash
        FROM range(200_000) AS t(i)"""
    )
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        report = validate(connection, TABLE, small)
        seconds.append(time.perf_counter() - start)
    assert len(report.results) == 15
    assert min(seconds) < 1.5
