"""Great Expectations counts exactly the rows that quarantine marks: every rule, every kind.

Data flow: each contract of the project, and one made here that has every kind of rule -> a batch
drawn so that every rule is broken by some rows and kept by others -> ``validate`` beside ``mark``.

Run it alone: ``pytest tests/checks/test_agreement.py``.

What does not belong here: whether a count is right (``test_validate``, ``test_identifiers``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from checks.contract import load_contract
from checks.forms import base_type
from checks.model import Column, Contract
from checks.quarantine import mark
from checks.rules import COLUMN_KINDS, COMPOUND
from checks.validate import validate
from tests.checks.contracts import CONTRACT, changed, stated, write
from tests.checks.staged import fill, staging
from tests.checks.test_identifiers import EXAMPLES

CONTRACTS = sorted(Path("assets/contracts").glob("*.odcs.yaml"))
ROWS = 250
ARGUMENTS = {
    "pattern": "regex: '^[0-9.]+$'",
    "in_set": "value_set: ['1.003290', '0612345678']",
    "length": "min_value: 5, max_value: 11",
    "reference": "table: danh_muc.thu_tuc_hanh_chinh, column: ma_tthc",
    "procedure_reference": "table: danh_muc.thu_tuc_hanh_chinh, column: ma_tthc",
    "personal_id": "also: ['099']",
    "personal_id_agrees": "birth_column: ngay_nhan, sex_column: trang_thai, male: ['1']",
    "tax_code": "persons: false",
    "document_number": "style: party",
    "unit_on_date": "date_column: ngay_nhan",
}
"""Kind -> arguments that some texts keep and others break."""
TEXTS = [
    *(text for pair in EXAMPLES.values() for side in pair for text in side),
    *("15", "10", "02647", "1", "2", "x", "An", "", "1.003290.H38", "null", "a@b.vn", "đỗ'%:x$1"),
]


def every_kind() -> str:
    """Return the small contract with a column for each kind of rule over texts."""
    rules = stated("unique.le_phi", COMPOUND, "columns: [chu_ho_so, le_phi]", 6)
    at = "    quality:\n      - name: row.nhan_truoc_tra"
    text = changed(at, f"    quality:\n{rules}      - name: row.nhan_truoc_tra", CONTRACT)
    for kind, found in COLUMN_KINDS.items():
        if kind == "range":  # has its own in the small contract; texts have no order
            continue
        severity = "warn" if found.warns_only else "error"
        text += (
            f"      - name: c_{kind}\n        businessName: Cột {kind}\n        description: Cột\n"
            "        logicalType: string\n        physicalType: VARCHAR\n        quality:\n"
        )
        arguments = ARGUMENTS.get(kind, "")
        text += stated(kind, found.expectation, arguments, severity=severity)
    return text


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with staging(tmp_path_factory.mktemp("staging")) as opened:
        opened.execute("CREATE SCHEMA lake.danh_muc")
        opened.execute("CREATE TABLE lake.danh_muc.trang_thai AS SELECT '1' AS trang_thai")
        opened.execute(
            "CREATE TABLE lake.danh_muc.thu_tuc_hanh_chinh AS SELECT '1.003290' AS ma_tthc"
        )
        opened.execute(
            """CREATE TABLE lake.danh_muc.don_vi_hanh_chinh AS SELECT * FROM (VALUES
            ('15', NULL, DATE '2025-06-30'), ('15', DATE '2025-07-01', NULL),
            ('02647', DATE '2025-07-01', NULL)) AS u(ma_don_vi, hieu_luc_tu, hieu_luc_den)"""
        )
        yield opened


def values(contract: Contract, column: Column) -> list[Any]:
    """Return what a cell may be, near the bounds of its own rules and far from them."""
    kind = base_type(column.sql_type)
    listed = [
        value
        for rule in contract.rules
        if rule.column == column.name
        for key, given in rule.expectation.kwargs.items()
        if key in {"value_set", "min_value", "max_value"}
        for value in (given if isinstance(given, list) else [given])
    ]
    if kind == "VARCHAR":
        quoted = [
            text
            for rule in contract.rules
            if rule.kind == "row" and column.name in rule.columns
            for text in re.findall("'([^']*)'", str(rule.expectation.kwargs["condition"]))
        ]
        long = ["dài " * 400] if any(isinstance(value, int) for value in listed) else []
        own = [v for v in listed if isinstance(v, str)] + quoted
        return TEXTS + long + own * (len(TEXTS) // max(1, len(own)))  # half of them, if any
    if kind in {"DATE", "TIMESTAMP"}:
        first = date(1990, 1, 1) if kind == "DATE" else datetime(1990, 1, 1)  # noqa: DTZ001
        days = [first + timedelta(days=1500 * n) for n in range(20)]
        return [*days, first.replace(year=2026), first.replace(year=2500)]
    if kind == "BOOLEAN":
        return [True, False]
    if kind == "JSON":
        return ["{}", "[1]"]
    numbers = [-1, 0, 1, 5, 20, 100, *(v for v in listed if isinstance(v, int))]
    near = [n + d for n in numbers for d in (-1, 0, 1)]
    return [Decimal(n) for n in near] if kind == "DECIMAL" else near


def drawn(contract: Contract) -> tuple[list[dict[str, Any]], list[str]]:
    """Return rows in which every rule is broken now and then, and the columns with a raw cell."""
    random = Random(contract.id)  # noqa: S311 - no secret
    pools = {column.name: values(contract, column) for column in contract.columns}
    raw = [column.name for column in contract.columns if not column.is_text][:20]
    rows = []
    for _ in range(ROWS):
        row = {name: random.choice(pool) for name, pool in pools.items()}
        row |= dict.fromkeys([name for name in pools if random.random() < 0.2])
        for name in raw:
            # Staging keeps the text of a typed cell; where typing failed the value is absent.
            untyped = row[name] is None and random.random() < 0.3
            row[f"{name}__raw"] = "không đọc được" if untyped else _text(row[name])
        rows.append(row)
    return rows + rows[:5], raw


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize("path", [*CONTRACTS, None], ids=lambda p: p.name if p else "every kind")
def test_counts_and_marks_agree(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, path: Path | None
) -> None:
    contract = load_contract(path or write(tmp_path, every_kind()))
    rows, raw = drawn(contract)
    fill(connection, contract, rows, raw)
    report = validate(connection, "stg.main.hang", contract)
    counted = {
        result.rule: result.unexpected
        for result in report.results
        if not (result.of_batch or result.rule == "key.unique")
    }
    marked = mark(connection, "stg.main.hang", contract)
    del marked["key.unique"]  # quarantine passes copies over, which Great Expectations counts
    assert counted == marked
    untouched = [name for name, count in counted.items() if not 0 < count < len(rows)]
    assert untouched == []
    refused = connection.execute(
        "SELECT name, count(*) FROM (SELECT unnest(rules) AS name FROM stg.main.vi_pham "
        "WHERE rules <> ['key.unique']) GROUP BY name"
    )
    errors = {rule.name for rule in contract.rules if rule.severity == "error"}
    assert dict(refused.fetchall()) == {n: c for n, c in counted.items() if n in errors}


def test_the_contract_of_every_kind_has_every_kind(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path, every_kind()))
    assert {rule.kind for rule in contract.rules} >= {*COLUMN_KINDS, "row", "compound", "unique"}
