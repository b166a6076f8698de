"""Every identifier's predicate says what a plain Python reading of its source says.

Data flow: texts drawn near the real shapes, and the examples of the domain brief -> the SQL
predicate in DuckDB -> held against a reference written with ``re`` and ``datetime`` alone. The
numbers of persons begin with 099, which nobody has, or are drawn and belong to nobody known.

Run it alone: ``pytest tests/checks/test_identifiers.py``.

What does not belong here: contracts and Great Expectations (``test_agreement``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import identifiers
from checks.identifiers import BROKEN, PROVINCES

TODAY = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
AGENCY = (
    r"(?:\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}|[A-Z]\d{2}(?:\.\d{1,3}){0,3}"
    r"|\d{2,3}(?:\.\d{2,3}){0,2}\.[A-Z]\d{2})"
)
STATE = r"\d{1,6}[A-Za-z]?/(?:(?:19|20)\d{2}/)?[A-ZĐ][A-Za-zĐđÀ-ỹ0-9]*(?:-[A-Za-zĐđÀ-ỹ0-9]+)*"
PARTY = r"\d{1,5}-[A-ZĐ][A-Za-zĐđ]*/[A-ZĐ][A-ZĐ0-9-]*"


def full(pattern: str, text: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, text, re.ASCII)


def dossier(text: str) -> bool:
    found = full(rf"{AGENCY}-(\d{{6}}|\d{{8}})-\d{{4,8}}", text)
    if not found:
        return False
    digits = found[1] if len(found[1]) == 8 else f"20{found[1]}"
    if len(found[1]) == 6 and int(found[1][:2]) > 68:
        digits = f"19{found[1]}"
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return day <= TODAY


def person(text: str) -> bool:
    if not full(r"\d{12}", text):
        return False
    known = text[:3] in {f"0{code}" for code in PROVINCES} or text[0] != "0"
    return known and 1900 + 100 * (int(text[3]) // 2) + int(text[4:6]) <= TODAY.year


def tax(text: str) -> bool:
    """As python-stdnum's ``vn.mst``, for texts in the two spellings that are stored."""
    if not full(r"\d{10}(?:-\d{3})?", text) or text[2:9] == "0000000" or text[10:] == "-000":
        return False
    weights = (31, 29, 23, 19, 17, 13, 7, 5, 3)
    total = sum(weight * int(digit) for weight, digit in zip(weights, text, strict=False))
    return str(10 - total % 11) == text[9]


VALID: dict[str, Callable[[str], bool]] = {
    "agency_code": lambda text: bool(full(AGENCY, text)),
    "dossier_number": dossier,
    "procedure_code": lambda text: bool(
        full(r"\d\.\d{6}(?:\.\d{2})?(?:\.(?:\d{3}\.\d{2}\.\d{2}\.)?[A-Z]\d{2})?", text)
    ),
    "personal_id": person,
    "tax_code": lambda text: tax(text) or person(text),
    "identity_number": lambda text: tax(text) or person(text) or bool(full(r"\d{9}", text)),
    "document_number": lambda text: bool(full(STATE, text) or full(PARTY, text)),
    "health_facility_code": lambda text: bool(
        full(r"\d{2}[0-9A-Z]\d{2}", text) and text[:2] in PROVINCES
    ),
    "phone_number": lambda text: bool(full(r"0[1-9]\d{8}|02\d{9}", text)),
}
EXAMPLES = {
    "agency_code": (
        ["000.00.00.H41", "000.00.15.H51", "H37.02.02", "H15.50.05.13", "28.22.H17", "H38", "G22",
         "002.00.20.H13"],
        ["null", "vxp.saas.03", "H37.DN.001", "h38", "000.00.00.H4", "H38 ", "0100100079"],
    ),
    "dossier_number": (
        ["000.00.01.H68-230101-0001", "H15.50.05.13-261008-0975", "G09.20-20260609-0092637"],
        ["000.00.01.H68-230230-0001", "H15-991332-0975", "G09.20-29260609-0092637",
         "H15/261008/0975", "H15-261008-975", "H68-680101-0001"],
    ),
    "procedure_code": (
        ["1.003290", "1.003290.01", "1.011443.000.00.00.H38", "1.012753.H19", "5.000001.02.H38"],
        ["1.00329", "1003290", "1.003290.1", "1.003290.01.38"],
    ),
    "personal_id": (
        ["010099123456", "015199000001", "008206123456", "101090123456"],
        ["099088123456", "010999123456", "000090123456", "01009912345", "0100991234567",
         "003090123456", "01009912345O"],
    ),
    "tax_code": (
        ["0100100079", "0100112437", "0314409058-002", "0100233488", "010099123456"],
        ["0100233480", "0314409058-000", "0100000007", "010023348", "0100100079-01",
         "0314409058002"],
    ),
    "identity_number": (
        ["010099123456", "060123456", "0100100079"], ["01009912", "0100233480", "A10099123456"],
    ),
    "document_number": (
        ["2015/QĐ-UBND", "15/CTr-UBND", "7816/VPCP-TTĐT", "60/2022/NQ-HĐND", "194/2025/NĐ-CP",
         "60/2024/QH15", "51-NQ/TU", "56-CTr/TU", "01/QĐ-UBND"],
        ["QĐ-UBND", "2015/qđ-ubnd", "2015 /QĐ-UBND", "2015/QĐ–UBND", "51-/TU", "2015/QÐ UBND"],
    ),
    "health_facility_code": (["01C51", "10001", "15A02"], ["97C51", "01c51", "1C51", "01C5"]),
    "phone_number": (
        ["0612345678", "02143840418", "0383840418"], ["+84612345678", "061234567", "06123456789",
         "0012345678"],
    ),
}  # fmt: skip
"""Kind -> good and bad; those of the domain brief first."""

DIGITS = st.text("0123456789", min_size=1, max_size=14)
SHAPED = st.one_of(
    DIGITS,
    st.from_regex(AGENCY, fullmatch=True),
    st.from_regex(rf"{AGENCY}-2[0-9][01][0-9][0-3][0-9]-[0-9]{{4}}", fullmatch=True),
    st.from_regex(rf"{AGENCY}-20[0-9][0-9][01][0-9][0-3][0-9]-[0-9]{{7}}", fullmatch=True),
    st.from_regex(r"[0-9]\.[0-9]{6}(\.[0-9]{2})?(\.H[0-9]{2})?", fullmatch=True),
    st.from_regex(r"0[0-9]{2}[0-4][0-9]{8}", fullmatch=True),
    st.from_regex(r"[0-9]{10}(-[0-9]{3})?", fullmatch=True),
    st.from_regex(
        r"[0-9]{1,4}[a-z]?[-/](20[0-9]{2}/)?[A-ZĐ]{2}[-/][A-ZĐỹ0-9]{1,4}", fullmatch=True
    ),
    st.from_regex(r"[0-9]{2}[0-9A-Za-z][0-9]{2}", fullmatch=True),
    st.text("0123456789.-/ĐÐHGđ٣\n 'QA", max_size=16),
)


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """Return one database for all examples, in the province's time as the hub's own is."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'Asia/Ho_Chi_Minh'")
    return connection


def broken(kind: str, texts: list[str | None], **arguments: object) -> list[str | None]:
    """Return the texts that the predicate finds."""
    found = engine().execute(
        f"SELECT x FROM (SELECT unnest($1::VARCHAR[]) AS x) WHERE {BROKEN[kind]('x', **arguments)}",
        [texts],
    )
    return [text for (text,) in found.fetchall()]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_examples_of_the_brief(kind: str) -> None:
    good, bad = EXAMPLES[kind]
    assert broken(kind, [*good, None, *bad]) == bad
    assert [VALID[kind](text) for text in good + bad] == [True] * len(good) + [False] * len(bad)


@settings(max_examples=25, deadline=None)
@given(st.lists(SHAPED, min_size=20, max_size=60))
def test_sql_and_python_agree(texts: list[str]) -> None:
    texts = [text for text in texts if "\0" not in text]
    for kind, valid in VALID.items():
        assert broken(kind, [*texts]) == [text for text in texts if not valid(text)], kind


def test_a_drawn_tax_code_passes_only_with_its_own_check_digit() -> None:
    for stem in ("010010007", "010011243", "990000001", "123456789"):
        right = [f"{stem}{digit}" for digit in range(10) if tax(f"{stem}{digit}")]
        assert len(right) <= 1
        every = [f"{stem}{digit}" for digit in range(10)]
        assert broken("tax_code", [*every]) == [text for text in every if text not in right]


def test_what_else_a_contract_may_let_pass() -> None:
    assert broken("personal_id", ["099090123456", "003090123456"], also=["099"]) == ["003090123456"]
    assert broken("tax_code", ["010099123456"], persons=False) == ["010099123456"]
    assert broken("document_number", ["51-NQ/TU", "1/QĐ-CP"], style="state") == ["51-NQ/TU"]
    assert broken("document_number", ["51-NQ/TU", "1/QĐ-CP"], style="party") == ["1/QĐ-CP"]


PEOPLE = """(VALUES
    ('010099123456', '10', 'Nam', DATE '1999-05-01'), ('010099123456', '010', NULL, NULL),
    ('010199123456', '10', 'Nam', DATE '1999-05-01'), ('010099123456', '10', 'Nữ', NULL),
    ('015099123456', '10', 'Nam', NULL), ('010099123456', '10', 'Nam', DATE '1998-12-31'),
    ('010299123456', '10', 'khác', DATE '2099-01-01'), ('không', '15', 'Nữ', DATE '1900-01-01'),
    (NULL, '15', 'Nữ', DATE '1900-01-01')) AS p(id, tinh, gioi, sinh)"""


def test_a_personal_id_that_disagrees_with_what_stands_beside_it() -> None:
    def found(**arguments: object) -> list[bool]:
        predicate = identifiers.personal_id_agrees("id", **arguments)  # type: ignore[arg-type]
        return [row[0] for row in duckdb.sql(f"SELECT {predicate} FROM {PEOPLE}").fetchall()]

    no, yes = False, True
    assert found(province_column="tinh") == [no, no, no, no, yes, no, no, no, no]
    assert found(sex_column="gioi") == [no, no, yes, yes, no, no, no, no, no]
    assert found(birth_column="sinh") == [no, no, no, no, no, yes, no, no, no]
    assert found(sex_column="gioi", male=["khác"]) == [no, no, no, yes, no, no, no, no, no]
    every = found(province_column="tinh", sex_column="gioi", birth_column="sinh")
    assert every == [no, no, yes, yes, yes, yes, no, no, no]


def test_a_unit_is_judged_on_the_day_of_the_row() -> None:
    with duckdb.connect() as connection:
        connection.execute("""CREATE TABLE units AS SELECT * FROM (VALUES
            ('15', NULL, DATE '2025-06-30'), ('15', DATE '2025-07-01', NULL),
            ('10', NULL, DATE '2025-06-30'), ('06978', DATE '2026-04-30', NULL)
        ) AS u(ma_don_vi, hieu_luc_tu, hieu_luc_den)""")
        # The row's column has the same name as the reference's: neither may take the other's place.
        connection.execute("""CREATE TABLE hang AS SELECT * FROM (VALUES
            ('15', TIMESTAMP '2020-01-01 08:00'), ('15', '2026-01-01'),
            ('10', '2025-06-30 23:59'), ('10', '2025-07-01'), ('06978', '2026-04-29'),
            ('06978', '2026-04-30'), ('99', '2026-04-30'), ('99', NULL), (NULL, '2026-01-01')
        ) AS h(ma_don_vi, ngay)""")
        predicate = identifiers.unit_on_date("ma_don_vi", "ngay", "units")
        found = connection.execute(f"SELECT {predicate} FROM hang").fetchall()
        assert [row[0] for row in found] == [
            False, False, False, True, True, False, True, False, False,
        ]  # fmt: skip
        counted = connection.execute(f"SELECT count(*) FILTER ({predicate}) FROM hang").fetchone()
        assert counted == (3,)


def test_procedures_are_joined_on_the_base_of_their_code() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE ix AS SELECT unnest(['1.003290.01', NULL]) AS ma_tthc")
        connection.execute(
            "CREATE TABLE hang AS SELECT unnest(['1.003290', '1.003290.H38', '1.00329', NULL]) "
            "AS ma_tthc"
        )
        predicate = identifiers.procedure_reference("ma_tthc", "ix", "ma_tthc")
        found = connection.execute(f"SELECT ma_tthc FROM hang WHERE {predicate}").fetchall()
        assert found == [("1.00329",)]
