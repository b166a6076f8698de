"""Rules that exclude each other, and arguments that say nothing, are refused with file and line.

Data flow: the small contract with one more rule -> ``load_contract`` -> the error's parts.

Run it alone: ``pytest tests/checks/test_contradictions.py``.

What does not belong here: mistakes of form (``test_contract``).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.contract import load_contract
from checks.rules import COLUMN_KINDS
from hub.errors import ConfigurationError
from tests.checks.contracts import CONTRACT, changed, contract, stated, write

BETWEEN = "expect_column_values_to_be_between"
LENGTHS = "expect_column_value_lengths_to_be_between"
UNDER = {
    "ma": "                regex: '^[A-Z]\\d{1,3}$'\n",
    "ngay_nhan": "              kwargs: {min_value: 2000-01-01, max_value: '2030-12-31'}\n",
    "chu_ho_so": "              kwargs: {min_value: 2, max_value: 12}\n",
    "trang_thai": "              kwargs: {value_set: ['1', '2', '10']}\n",
    "le_phi": "              kwargs: {min_value: 0}\n",
    "table": '          kwargs: {condition: "ngay_nhan <= ngay_tra"}\n',
}
"""Column -> the end of its first rule, after which another can stand."""


def beside(column: str, name: str, kwargs: str, type_: str | None = None, **other: str) -> str:
    """Return the contract with one more rule under a column, or under the table."""
    expectation = type_ or COLUMN_KINDS[name.partition(".")[0]].expectation
    indent = 6 if column == "table" else 10
    return changed(
        UNDER[column], UNDER[column] + stated(name, expectation, kwargs, indent, **other)
    )


VOLUME = "expect_table_row_count_to_be_between"
MEAN = "expect_column_mean_to_be_between"
MAX = "expect_column_max_to_be_between"
UNIQUE = "expect_columns_to_be_unique"
ROW = "expect_row_to_satisfy"
CASES = {
    "ranges apart": (
        beside("ngay_nhan", "range.moi", "min_value: 2031-01-01"), "no value keeps both", "2031"),
    "lengths apart": (
        beside("chu_ho_so", "length.dai", "min_value: 13"), "no value keeps both", "min_value: 13"),
    "no length": (
        beside("trang_thai", "length", "max_value: 0"), "wants empty texts", "max_value: 0"),
    "beyond the type": (
        beside("le_phi", "range.lon", "min_value: 1.0e+17"), "more than a DECIMAL(18,2) holds",
        "1.0e+17"),
    "listed value breaks a pattern": (
        beside("trang_thai", "pattern", "regex: '^[0-9]$'"),
        "lists `10`, which trang_thai.pattern refuses", "'1', '2', '10'"),
    "listed value is too long": (
        beside("trang_thai", "length", "max_value: 1"),
        "lists `10`, which trang_thai.length refuses", "'1', '2', '10'"),
    "listed value is no identifier": (
        beside("trang_thai", "tax_code", ""), "lists `1`, which", "'1', '2', '10'"),
    "lists apart": (
        beside("trang_thai", "in_set.moi", "value_set: ['3']"), "lists `1`, which", "'1', '2'"),
    "two identifiers": (
        changed(
            "          - name: length\n",
            stated("phone_number", COLUMN_KINDS["phone_number"].expectation, "")
            + stated("tax_code", COLUMN_KINDS["tax_code"].expectation, "")
            + "          - name: length\n",
        ),
        "no value keeps both chu_ho_so.phone_number and chu_ho_so.tax_code", "tax_code"),
    "condition without columns": (
        beside("table", "row.khac", "condition: '1 = 2'", ROW), "names no column", "1 = 2"),
    "date from a text": (
        beside("trang_thai", "unit_on_date", "date_column: chu_ho_so"), "which is a VARCHAR",
        "date_column"),
    "column that is not there": (
        beside("trang_thai", "unit_on_date", "date_column: ngay_gui"), "names `ngay_gui`",
        "date_column"),
    "personal id that would refuse rows": (
        beside("chu_ho_so", "personal_id_agrees", "birth_column: ngay_nhan"),
        "would refuse sound rows", "kwargs"),
    "personal id beside nothing": (
        beside("chu_ho_so", "personal_id_agrees", "male: [Nam]", severity="warn"),
        "nothing to compare", "kwargs"),
    "identifier in a number": (
        beside("le_phi", "tax_code", ""), "loses leading zeros", "kwargs"),
    "prefixes": (
        beside("chu_ho_so", "personal_id", "also: [99]"), "no list of first three digits", "also"),
    "style": (
        beside("chu_ho_so", "document_number", "style: all"), "unknown style `all`", "style"),
    "persons": (
        beside("chu_ho_so", "tax_code", "persons: 1"), "neither true nor false", "persons"),
    "limit never reached": (
        beside("ma", "pattern.hai", "regex: '^A'", mustBeLessOrEqualTo="30", unit="percent"),
        "rejectThreshold 0.25 holds the batch back before", "regex: '^A'"),
    "limit without a number": (
        beside("ma", "pattern.hai", "regex: '^A'", unit="percent"), "a unit without a limit",
        "unit: percent"),
    "unit": (
        beside("ma", "pattern.hai", "regex: '^A'", mustBeLessOrEqualTo="3", unit="cells"),
        "unknown unit `cells`", "unit: cells"),
    "limit below nothing": (
        beside("ma", "pattern.hai", "regex: '^A'", mustBeLessOrEqualTo="-1"), "a limit of -1",
        "mustBeLessOrEqualTo"),
    "other limit": (
        beside("ma", "pattern.hai", "regex: '^A'", mustBe="0"), "`mustBe` has no effect", "mustBe"),
    "freshness of a text": (
        beside("ma", "freshness", "days: 3", MAX), "freshness of what is no date", "days: 3"),
    "freshness without days": (
        beside("ngay_nhan", "freshness", "", MAX), "without an age", "kwargs"),
    "mean of a date": (
        beside("ngay_nhan", "mean", "share: 1", MEAN), "mean of what is no number", "share: 1"),
    "mean without bounds": (beside("le_phi", "mean", "", MEAN), "without bounds", "kwargs"),
    "mean below nothing": (
        beside("le_phi", "mean", "share: -1", MEAN), "`share` is `-1`", "share: -1"),
    "batch rule with a limit": (
        beside("le_phi", "mean", "share: 1", MEAN, mustBeLessOrEqualTo="3"), "not about its rows",
        "mustBeLessOrEqualTo"),
    "value of a personal column": (
        changed(
            "        physicalType: DECIMAL(18,2)\n",
            "        physicalType: DECIMAL(18,2)\n        classification: basic\n",
            beside("le_phi", "mean", "share: 1", MEAN),
        ),
        "holds personal data", "share: 1"),
    "volume that never is": (
        beside("table", "volume", "min_share: 1.2", VOLUME), "no ordinary night has", "1.2"),
    "volume that always is": (
        beside("table", "volume", "max_share: 0.5", VOLUME), "every ordinary night has", "0.5"),
    "volume without bounds": (
        beside("table", "volume", "loads: 3", VOLUME), "without bounds", "loads: 3"),
    "volume of no load": (
        beside("table", "volume", "loads: 101, min_share: 0.5", VOLUME), "`loads` is `101`", "101"),
    "unknown argument": (
        beside("table", "volume", "share: 0.5", VOLUME), "no argument `share`", "share: 0.5"),
    "unique over the key": (
        beside("table", "unique.x", "columns: [ma, ngay_nhan]", UNIQUE), "contains the key",
        "columns"),
    "unique over nothing known": (
        beside("table", "unique.x", "columns: [khac]", UNIQUE), "are no columns", "columns"),
    "unique twice": (
        beside("table", "unique.x", "columns: [le_phi, le_phi]", UNIQUE), "stands twice",
        "columns"),
    "files divided by a date itself": (
        changed("{property: versionColumn", "{property: partitionBy, value: [ngay_nhan]}\n"
                "      - {property: versionColumn"), "cannot be divided", "partitionBy"),
    "files divided by a person": (
        changed("{property: versionColumn", "{property: partitionBy, value: [chu_ho_so]}\n"
                "      - {property: versionColumn"), "cannot be divided", "partitionBy"),
    "files divided by nothing known": (
        changed("{property: versionColumn", "{property: partitionBy, value: [day(ngay_nhan)]}\n"
                "      - {property: versionColumn"), "is no column", "partitionBy"),
    "files divided by a word": (
        changed("{property: versionColumn", "{property: partitionBy, value: ngay_nhan}\n"
                "      - {property: versionColumn"), "is no list", "partitionBy"),
    "unknown rule of the table": (
        beside("table", "khac.x", "columns: [le_phi]", UNIQUE), "unknown rule `khac.x`", "khac.x"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_with_file_and_line(tmp_path: Path, case: str) -> None:
    text, sentence, on_line = CASES[case]
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_contract(path)
    assert sentence in caught.value.what
    assert caught.value.next_step
    file, _, line = caught.value.where.rpartition(":")
    assert file == str(path)
    assert on_line in text.splitlines()[int(line) - 1]


@pytest.mark.parametrize(
    "text",
    [
        beside("ngay_nhan", "range.moi", "min_value: 2030-12-31"),
        beside("trang_thai", "in_set.moi", "value_set: ['1', '3']"),
        beside("trang_thai", "pattern", "regex: '^[0-9]+$'"),
        beside("chu_ho_so", "personal_id", "also: ['099']"),
        beside("chu_ho_so", "personal_id_agrees", "birth_column: ngay_nhan", severity="warn"),
        beside("ma", "pattern.hai", "regex: '^A'", mustBeLessOrEqualTo="25", unit="percent"),
        beside("table", "unique.x", "columns: [ngay_nhan, le_phi]", UNIQUE),
        CONTRACT,
    ],
)
def test_what_can_be_kept_is_not_refused(tmp_path: Path, text: str) -> None:
    assert contract(tmp_path, text).rules
