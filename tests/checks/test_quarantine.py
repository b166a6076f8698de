"""Bad rows and copies are marked in one pass, and what is left is unique.

Data flow: rows written by hand or by hypothesis -> ``mark`` -> the two tables of marks, held
against a plain Python model of the same words.

Run it alone: ``pytest tests/checks/test_quarantine.py``.

What does not belong here: Great Expectations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.model import Contract
from checks.quarantine import mark
from checks.staging import apply
from hub.errors import ConfigurationError, InternalError
from tests.checks.contracts import CONTRACT, changed, contract
from tests.checks.staged import GOOD, RAW, fill, rows, staging

EARLIER = GOOD["cap_nhat"] - timedelta(hours=1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return contract(tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="module")
def unversioned(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    text = changed("      - {property: versionColumn, value: cap_nhat}\n", "")
    return contract(tmp_path_factory.mktemp("contract"), text)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with staging(tmp_path_factory.mktemp("staging")) as opened:
        yield opened


def marks(
    connection: duckdb.DuckDBPyConnection, contract_: Contract, rows_: list[dict[str, Any]]
) -> tuple[dict[int, list[str]], dict[int, str], dict[str, int]]:
    fill(connection, contract_, rows_)
    counts = mark(connection, "stg.main.hang", contract_)
    bad = dict(connection.execute("SELECT _row, rules FROM stg.main.vi_pham").fetchall())
    over = dict(connection.execute("SELECT _row, why FROM stg.main.bo_qua").fetchall())
    return bad, over, counts


def test_each_broken_rule_is_named_and_counted(
    connection: duckdb.DuckDBPyConnection, small: Contract
) -> None:
    bad, over, counts = marks(
        connection,
        small,
        [
            GOOD,
            GOOD | {"ma": "hỏng"},
            GOOD | {"ma": "A2", "ngay_nhan": None, "ngay_nhan__raw": "31/02/2026"},
            GOOD | {"ma": "A3", "ngay_nhan": None},
            GOOD | {"ma": "A4", "ngay_tra": date(2026, 1, 1), "trang_thai": "7"},
            GOOD | {"ma": None},
            GOOD | {"ma": None},
            GOOD | {"ma": "A5", "chu_ho_so": "A", "le_phi": -1},
            GOOD | {"ma": "A6", "ngay_tra": None, "le_phi": None, "chu_ho_so": None},
        ],
    )
    assert bad == {
        2: ["ma.pattern"],
        3: ["ngay_nhan.type"],
        4: ["ngay_nhan.required"],
        5: ["trang_thai.in_set", "row.nhan_truoc_tra"],
        6: ["ma.required"],
        7: ["ma.required"],
    }
    assert over == {}
    assert {name: count for name, count in counts.items() if count} == {
        "ma.pattern": 1,
        "ngay_nhan.type": 1,
        "ngay_nhan.required": 1,
        "trang_thai.in_set": 1,
        "row.nhan_truoc_tra": 1,
        "ma.required": 2,
        "chu_ho_so.length": 1,
        "le_phi.range": 1,
    }
    assert "trang_thai.reference" not in counts  # that table is not there yet
    assert "ma.type" not in counts  # a text column whose codes are not mapped


def test_copies_are_passed_over_and_the_newest_version_stays(
    connection: duckdb.DuckDBPyConnection, small: Contract
) -> None:
    bad, over, counts = marks(
        connection,
        small,
        [
            GOOD | {"trang_thai": "2", "cap_nhat": EARLIER},
            GOOD,
            GOOD,
            GOOD | {"trang_thai": "2", "cap_nhat": EARLIER},
            GOOD | {"trang_thai": "10", "cap_nhat": None},
        ],
    )
    assert bad == {}
    assert over == {1: "superseded", 3: "identical", 4: "identical", 5: "superseded"}
    assert counts["key.unique"] == 0


def test_equally_new_versions_are_all_refused(
    connection: duckdb.DuckDBPyConnection, small: Contract
) -> None:
    bad, over, counts = marks(
        connection,
        small,
        [
            GOOD,
            GOOD | {"trang_thai": "2"},
            GOOD | {"trang_thai": "2"},
            GOOD | {"trang_thai": "10", "cap_nhat": EARLIER},
            GOOD | {"ma": "A2"},
        ],
    )
    assert bad == {1: ["key.unique"], 2: ["key.unique"]}
    assert over == {3: "identical", 4: "superseded"}
    assert counts["key.unique"] == 2


def test_without_a_version_column_every_contradiction_is_refused(
    connection: duckdb.DuckDBPyConnection, unversioned: Contract
) -> None:
    bad, over, _ = marks(
        connection, unversioned, [GOOD, GOOD | {"cap_nhat": EARLIER}, GOOD, GOOD | {"ma": "A2"}]
    )
    assert bad == {1: ["key.unique"], 2: ["key.unique"]}
    assert over == {3: "identical"}


def test_a_broken_copy_does_not_drag_its_sound_twin_along(
    connection: duckdb.DuckDBPyConnection, unversioned: Contract
) -> None:
    bad, over, _ = marks(connection, unversioned, [GOOD | {"trang_thai": "7"}, GOOD])
    assert bad == {1: ["trang_thai.in_set"]}
    assert over == {}


def test_an_unlisted_code_breaks_type_and_is_not_called_missing(
    connection: duckdb.DuckDBPyConnection, small: Contract
) -> None:
    row = GOOD | {"trang_thai": None, "trang_thai__raw": "ZZ"}
    fill(connection, small, [row], raw=(*RAW, "trang_thai"))
    mark(connection, "stg.main.hang", small)
    found = connection.execute("SELECT rules FROM stg.main.vi_pham").fetchall()
    assert found == [(["trang_thai.type"],)]


def test_a_column_that_the_source_lacks_is_missing_and_nothing_else(
    connection: duckdb.DuckDBPyConnection, small: Contract
) -> None:
    fill(connection, small, [GOOD | {"ngay_nhan": None}], raw=())
    mark(connection, "stg.main.hang", small)
    found = connection.execute("SELECT rules FROM stg.main.vi_pham").fetchall()
    assert found == [(["ngay_nhan.required"],)]


def test_an_empty_table(connection: duckdb.DuckDBPyConnection, small: Contract) -> None:
    bad, over, counts = marks(connection, small, [])
    assert (bad, over, sum(counts.values())) == ({}, {}, 0)


def test_references_are_judged_once_their_table_is_filled(tmp_path: Path) -> None:
    strict = contract(
        tmp_path,
        changed("name: reference", "name: reference", CONTRACT).replace(
            "dimension: consistency\n            severity: warn",
            "dimension: consistency\n            severity: error",
        ),
    )
    with staging(tmp_path) as connection:
        fill(connection, strict, [GOOD, GOOD | {"ma": "A2", "trang_thai": "2"}])
        assert [rule.name for rule, _ in apply(connection, "stg.main.hang", strict).skipped] == [
            "trang_thai.reference"
        ]
        connection.execute("CREATE SCHEMA lake.danh_muc")
        connection.execute("CREATE TABLE lake.danh_muc.trang_thai (trang_thai VARCHAR)")
        assert apply(connection, "stg.main.hang", strict).skipped
        connection.execute("INSERT INTO lake.danh_muc.trang_thai VALUES ('1'), (NULL)")
        counts = mark(connection, "stg.main.hang", strict)
        assert counts["trang_thai.reference"] == 1
        found = connection.execute("SELECT _row, rules FROM stg.main.vi_pham").fetchall()
        assert found == [(2, ["trang_thai.reference"])]


def test_a_rule_that_fails_on_the_rows_is_named_without_their_values(tmp_path: Path) -> None:
    casting = contract(tmp_path, changed("ngay_nhan <= ngay_tra", "chu_ho_so::INTEGER > 0"))
    with staging(tmp_path) as connection:
        fill(connection, casting, [GOOD])
        with pytest.raises(ConfigurationError, match=r"rule row\.nhan_truoc_tra") as caught:
            mark(connection, "stg.main.hang", casting)
    assert "Lò Văn A" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_staging_table_without_a_column_is_the_hubs_fault(
    connection: duckdb.DuckDBPyConnection, small: Contract
) -> None:
    connection.execute("CREATE OR REPLACE TABLE stg.main.hang (_row BIGINT)")
    with pytest.raises(InternalError, match="lacks columns ma, ngay_nhan"):
        mark(connection, "stg.main.hang", small)


def test_keys_that_are_still_not_unique_stop_the_load(
    connection: duckdb.DuckDBPyConnection, small: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(connection: duckdb.DuckDBPyConnection, *arguments: object) -> int:
        connection.execute(f"CREATE OR REPLACE TABLE {arguments[-1]} (_row BIGINT, why VARCHAR)")
        return 0

    monkeypatch.setattr("checks.quarantine._mark_copies", forget)
    fill(connection, small, [GOOD, GOOD])
    with pytest.raises(InternalError, match=r"not unique by \(ma\)"):
        mark(connection, "stg.main.hang", small)


few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
moments = st.sampled_from([None, EARLIER, GOOD["cap_nhat"]])


@few
@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("12"), moments), max_size=9),
    st.booleans(),
)
def test_copies_against_a_model(
    small: Contract,
    unversioned: Contract,
    connection: duckdb.DuckDBPyConnection,
    drawn: list[tuple[str, str, datetime | None]],
    versioned: bool,  # noqa: FBT001 - drawn
) -> None:
    tables = [
        GOOD | {"ma": f"{key}1", "trang_thai": state, "cap_nhat": at} for key, state, at in drawn
    ]
    bad, over, _ = marks(connection, small if versioned else unversioned, tables)
    refused, passed = model(drawn, versioned=versioned)
    assert set(bad) == refused
    assert over == passed
    kept = [drawn[n - 1][0] for n in range(1, len(drawn) + 1) if n not in bad and n not in over]
    assert len(kept) == len(set(kept))


def model(
    drawn: list[tuple[str, str, datetime | None]], *, versioned: bool
) -> tuple[set[int], dict[int, str]]:
    groups: dict[str, dict[tuple[str, datetime | None], int]] = defaultdict(dict)
    passed: dict[int, str] = {}
    for number, (key, state, at) in enumerate(drawn, start=1):
        if (state, at) in groups[key]:
            passed[number] = "identical"
        else:
            groups[key][state, at] = number
    refused: set[int] = set()
    for versions in groups.values():
        ages = {at for _, at in versions if at is not None}
        newest = max(ages) if ages and versioned else None
        top = [n for (_, at), n in versions.items() if not versioned or at == newest]
        if len(top) > 1:
            refused |= set(top)
        passed |= {n: "superseded" for n in versions.values() if n not in top}
    return refused, passed


@few
@given(rows())
def test_what_is_left_breaks_no_error_rule_and_every_mark_is_earned(
    small: Contract, connection: duckdb.DuckDBPyConnection, drawn: list[dict[str, Any]]
) -> None:
    bad, over, counts = marks(connection, small, drawn)
    assert not set(bad) & set(over)
    for rule in apply(connection, "stg.main.hang", small).rules:
        if rule.kind == "unique":
            continue
        broken = {
            number
            for (number,) in connection.execute(
                f"SELECT _row FROM stg.main.hang WHERE {rule.violation}"
            ).fetchall()
        }
        assert counts[rule.name] == len(broken)
        if rule.severity == "error":
            assert broken == {number for number, names in bad.items() if rule.name in names}
        null = connection.execute(
            f"SELECT count(*) FROM stg.main.hang WHERE ({rule.violation}) IS NULL"
        ).fetchone()
        assert null == (0,)
