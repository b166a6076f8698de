"""Predicates of Vietnam's public identifiers, as SQL: which texts cannot be one.

Data flow: a column's name and the arguments of a rule -> one of :data:`BROKEN` -> SQL that is TRUE
for a bad row and never NULL. Quarantine (through ``identifier_kinds``) and Great Expectations
(through ``identifier_expectations``) take the very same text, so they cannot disagree. DuckDB
judges all rows; no value ever reaches Python.

Texts are judged as the warehouse's forms have cleaned them: one kind of hyphen, no blanks, leading
zeros restored. ``facts`` in the docstrings is the project's domain brief, ``[GK]`` in it what no
document at hand confirms; such parts are never a reason to refuse a row.

Run it alone: ``python -m checks.identifiers`` prints every predicate for a column ``x``.

What does not belong here: the arguments a contract may give (``identifier_kinds``), cleaning
(``warehouse``), Great Expectations.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

AGENCY = (
    r"(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}"
    r"|[A-Z][0-9]{2}(?:\.[0-9]{1,3}){0,3}"
    r"|[0-9]{2,3}(?:\.[0-9]{2,3}){0,2}\.[A-Z][0-9]{2})"
)
"""The three live spellings of an agency's code: ``000.00.15.H51`` (QCVN 102:2016), ``H37.02.02``
(QĐ 20/2020/QĐ-TTg, amended by QĐ 09/2025/QĐ-TTg) and the reversed short one ``28.22.H17``."""

PROCEDURE = r"[0-9]\.[0-9]{6}(?:\.[0-9]{2})?(?:\.(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.)?[A-Z][0-9]{2})?"
BASE_LENGTH = 8
"""Characters of a procedure code that name the procedure: ``1.003290`` of ``1.003290.01.H38``."""

PROVINCES = (
    "01", "02", "04", "06", "08", "10", "11", "12", "14", "15", "17", "19", "20", "22", "24",
    "25", "26", "27", "30", "31", "33", "34", "35", "36", "37", "38", "40", "42", "44", "45",
    "46", "48", "49", "51", "52", "54", "56", "58", "60", "62", "64", "66", "67", "68", "70",
    "72", "74", "75", "77", "79", "80", "82", "83", "84", "86", "87", "89", "91", "92", "93",
    "94", "95", "96",
)  # fmt: skip
"""The 63 provinces of before 1 July 2025. A person keeps the code of the province where the birth
was registered, and a health facility its number, so these stay valid after the merger."""

_LETTERS = "A-Za-zĐđÀ-ỹ0-9"
STATE_NUMBER = (
    rf"[0-9]{{1,6}}[A-Za-z]?/(?:(?:19|20)[0-9]{{2}}/)?[A-ZĐ][{_LETTERS}]*(?:-[{_LETTERS}]+)*"
)
PARTY_NUMBER = r"[0-9]{1,5}-[A-ZĐ][A-Za-zĐđ]*/[A-ZĐ][A-ZĐ0-9-]*"
STYLES = {
    "any": f"(?:{STATE_NUMBER}|{PARTY_NUMBER})",
    "state": STATE_NUMBER,
    "party": PARTY_NUMBER,
}

UNITS = "danh_muc.don_vi_hanh_chinh"
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def listed(values: Sequence[str]) -> str:
    """Return values as the inside of an SQL list."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {listed([pattern])})"


def _bad(column: str, valid: str) -> str:
    """Return the predicate of a column whose values must be valid; NULL passes."""
    return f"({column} IS NOT NULL AND NOT coalesce({valid}, FALSE))"


def agency_code(column: str) -> str:
    """Mã định danh cơ quan in any of its three spellings (:data:`AGENCY`; facts 1.1).

    Which codes are given out is not checked: no list is public, and codes of before the merger
    stay valid aliases.
    """
    return _bad(column, _matches(column, AGENCY))


def dossier_number(column: str) -> str:
    """Mã số hồ sơ: agency code, date, number of the day (TT 01/2018/TT-VPCP; facts 1.2).

    The date is ``yymmdd`` in provinces and ``yyyymmdd`` in a ministry; it must be a real day and
    not lie in the future, seen from the day of the check.
    """
    shape = rf"{AGENCY}-(?:[0-9]{{6}}|[0-9]{{8}})-[0-9]{{4,8}}"
    day = f"try_strptime(split_part({column}, '-', 2), ['%y%m%d', '%Y%m%d'])::DATE"
    return _bad(column, f"{_matches(column, shape)} AND {day} <= current_date")


def procedure_code(column: str) -> str:
    """Mã thủ tục hành chính: ``d.dddddd``, then perhaps a case and an agency (facts 1.3)."""
    return _bad(column, _matches(column, PROCEDURE))


def procedure_base(text: str) -> str:
    """Return SQL of the part of a procedure code that a join must use (facts 1.3)."""
    return f"left({text}, {BASE_LENGTH})"


def procedure_reference(column: str, reference_table: str, reference_column: str) -> str:
    """The procedure must be in the index, whatever case or agency either side adds (facts 3.4)."""
    known = (
        f"SELECT {procedure_base(f'ref.{reference_column}')} FROM {reference_table} AS ref "
        f"WHERE ref.{reference_column} IS NOT NULL"
    )
    return f"({column} IS NOT NULL AND {procedure_base(column)} NOT IN ({known}))"


def _century_and_year(text: str) -> str:
    """Return SQL of the three digits after the province: century with sex, year of birth."""
    return f"TRY_CAST(substr({text}, 4, 3) AS INTEGER)"


def _birth_year(text: str) -> str:
    digits = _century_and_year(text)
    return f"(1900 + 100 * ({digits} // 200) + {digits} % 100)"


def _valid_personal_id(text: str, also: Sequence[str]) -> str:
    prefixes = "|".join([f"0(?:{'|'.join(PROVINCES)})", "[1-9][0-9]{2}", *also])
    shape = _matches(text, f"(?:{prefixes})[0-9]{{9}}")
    born = f"{_birth_year(text)} <= year(current_date)"
    return f"(CASE WHEN {shape} THEN {born} ELSE FALSE END)"


def personal_id(column: str, also: Sequence[str] = ()) -> str:
    """Số định danh cá nhân: province, century and sex, year of birth, six digits (facts 1.4).

    NĐ 137/2015/NĐ-CP, Điều 13; provinces after TT 07/2016/TT-BCA. There is no check digit. From
    100 up the first three digits are a country of birth, whose list is not at hand [GK], so none
    of them is refused. ``also`` names further first three digits that are let pass.
    """
    return _bad(column, _valid_personal_id(column, also))


def personal_id_agrees(
    column: str,
    *,
    province_column: str | None = None,
    sex_column: str | None = None,
    birth_column: str | None = None,
    male: Sequence[str] = ("Nam",),
    female: Sequence[str] = ("Nữ",),
) -> str:
    """What a personal id says must agree with the columns beside it (facts 1.4).

    A warning and never a refusal: who moved, was registered late or was corrected is no mistake.
    A column that is empty, or says a sex that is in neither list, is not compared.
    """
    tests = []
    if province_column:
        tests.append(f"lpad({province_column}::VARCHAR, 3, '0') <> left({column}, 3)")
    if sex_column:
        woman = f"{_century_and_year(column)} // 100 % 2"
        tests.append(f"({sex_column} IN ({listed(male)}) AND {woman} = 1)")
        tests.append(f"({sex_column} IN ({listed(female)}) AND {woman} = 0)")
    if birth_column:
        tests.append(f"left({birth_column}::VARCHAR, 4) <> {_birth_year(column)}::VARCHAR")
    return f"coalesce({_matches(column, '[0-9]{12}')} AND ({' OR '.join(tests)}), FALSE)"


def _valid_tax_code(text: str) -> str:
    # A lambda binds the number, which would be cast nine times; CASE spares the rest of the rows.
    total = " + ".join(
        f"{weight} * (n // {10 ** (8 - place)} % 10)" for place, weight in enumerate(_WEIGHTS)
    )
    check = f"10 - ({total}) % 11 = TRY_CAST(substr({text}, 10, 1) AS INTEGER)"
    right = f"list_transform([TRY_CAST(left({text}, 9) AS BIGINT)], lambda n: {check})[1]"
    given_out = f"substr({text}, 3, 7) <> '0000000' AND right({text}, 4) <> '-000'"
    shape = _matches(text, "[0-9]{10}(?:-[0-9]{3})?")
    return f"(CASE WHEN {shape} THEN {given_out} AND {right} ELSE FALSE END)"


def tax_code(column: str, also: Sequence[str] = (), *, persons: bool = True) -> str:
    """Mã số thuế: ten digits of which the last is a check digit, ``-NNN`` for a branch (facts 1.5).

    The check digit is 10 - (31·N1 + 29·N2 + 23·N3 + 19·N4 + 17·N5 + 13·N6 + 7·N7 + 5·N8 + 3·N9)
    mod 11; where that is 10, no code exists (python-stdnum, ``vn.mst``; as there, neither number
    0000000 of a province nor branch 000 exists). With ``persons`` a personal id will do as well:
    since 1 July 2025 it is the tax code of a person and of a household business [GK].
    """
    valid = _valid_tax_code(column)
    if persons:
        person = _valid_personal_id(column, also)
        valid = f"CASE length({column}) WHEN 12 THEN {person} ELSE {valid} END"
    return _bad(column, valid)


def identity_number(column: str, also: Sequence[str] = ()) -> str:
    """Number of the paper of a person or an organisation: personal id, CMND, or tax code.

    What ``SoGiayToChuHoSo`` of the national exchange record holds (facts 3.1); a CMND has nine
    digits and no further rule (facts 1.4).
    """
    valid = (
        f"CASE length({column}) WHEN 12 THEN {_valid_personal_id(column, also)} "
        f"WHEN 9 THEN {_matches(column, '[0-9]{9}')} ELSE {_valid_tax_code(column)} END"
    )
    return _bad(column, valid)


def document_number(column: str, style: str = "any") -> str:
    """Số, ký hiệu văn bản of the state (``60/2022/NQ-HĐND``) or the Party (``51-NQ/TU``).

    NĐ 30/2020/NĐ-CP, Phụ lục III; legal documents carry the year (facts 1.6).
    """
    return _bad(column, _matches(column, STYLES[style]))


def unit_on_date(column: str, date_column: str, reference_table: str) -> str:
    """The administrative unit must exist on the day of the row (QĐ 19/2025/QĐ-TTg; facts 0, 1.7).

    Codes were given out anew on 1 July 2025: 15 was Yên Bái and is Lào Cai, so a code means nothing
    without a day. A row without a day is not judged. The first and the last day are included, and
    an open end is open.
    """
    # Names with an underscore in front are no contract's: inside EXISTS a bare name would mean the
    # other table's column of that name.
    units = (
        "SELECT ma_don_vi AS _unit, hieu_luc_tu AS _first, hieu_luc_den AS _last "
        f"FROM {reference_table}"
    )
    day = f"{date_column}::DATE"
    return (
        f"({column} IS NOT NULL AND {date_column} IS NOT NULL AND NOT EXISTS "
        f"(SELECT 1 FROM ({units}) WHERE _unit = {column} "
        f"AND coalesce(_first <= {day}, TRUE) AND coalesce(_last >= {day}, TRUE)))"
    )


def health_facility_code(column: str) -> str:
    """Mã cơ sở khám chữa bệnh: old province code, a letter or digit, two digits (facts 1.8)."""
    return _bad(column, _matches(column, f"(?:{'|'.join(PROVINCES)})[0-9A-Z][0-9]{{2}}"))


def phone_number(column: str) -> str:
    """Phone in domestic writing: 0 and nine digits, or a fixed line 02 and nine digits (facts 1.8).

    Fixed lines have eleven digits since 2017 (area codes 2xx); older numbers of ten are let pass.
    """
    return _bad(column, _matches(column, "0[1-9][0-9]{8}|02[0-9]{9}"))


BROKEN: dict[str, Callable[..., str]] = {
    rule.__name__: rule
    for rule in (
        agency_code, dossier_number, procedure_code, procedure_reference, personal_id,
        personal_id_agrees, tax_code, identity_number, document_number, unit_on_date,
        health_facility_code, phone_number,
    )
}  # fmt: skip
"""Kind of rule -> predicate from the column and the expectation's arguments."""


def main() -> None:
    """Print every predicate."""
    extra = {
        "procedure_reference": {"reference_table": "t", "reference_column": "y"},
        "personal_id_agrees": {"birth_column": "y"},
        "unit_on_date": {"date_column": "y", "reference_table": "t"},
    }
    for kind, rule in BROKEN.items():
        sys.stdout.write(f"{kind}: {rule('x', **extra.get(kind, {}))}\n")


if __name__ == "__main__":
    main()
