"""A good contract is understood, a bad one gives one clear line with file and line number.

Data flow: a small valid contract, changed in one place per case -> ``load_contract`` -> the
error's parts. The line expected is computed from a text that stands on it, not counted.

Run it alone: ``pytest tests/checks/test_contract.py``.

What does not belong here: running rules on data.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from open_data_contract_standard import model

from checks.contract import load_contract
from hub.errors import ConfigurationError
from tests.checks.contracts import CONTRACT, changed, contract, write

STANDARD = Path(model.__file__).with_name("schema.json")
CONTRACTS = sorted(Path("assets/contracts").glob("*.odcs.yaml"))

MA_FORM = """\
        customProperties:
          - {property: form, value: ma}
        quality:
          - name: pattern
"""

# what is wrong, text to replace, replacement, part of the sentence, text on the line expected
MISTAKES = [
    ("not yaml", "id: ho_so_nho", "id: [", "not valid YAML", None),
    ("tab", "  name: trung_tam", "\tname: trung_tam", "not valid YAML", "name: trung_tam"),
    ("key twice", "version: 1.0.0", "version: 1.0.0\nid: khac", "twice", "id: khac"),
    ("unknown top key", "status: active", "stauts: active", "unknown key `stauts`", "stauts"),
    (
        "unknown rule key",
        "        severity: error",
        "        severty: error",
        "unknown key `severty`",
        "severty",
    ),
    (
        "unknown column key",
        "        classification: basic",
        "        clasification: basic",
        "unknown key `clasification`",
        "clasification",
    ),
    ("wrong shape", "version: 1.0.0", "version: [1]", "`version`", "version: [1]"),
    ("old standard", "apiVersion: v3.1.0", "apiVersion: v2.2.2", "apiVersion", "v2.2.2"),
    ("other kind", "kind: DataContract", "kind: Data", "kind is `Data`", "kind: Data"),
    ("no id", "id: ho_so_nho\n", "", "`id` is missing", None),
    ("empty title", "name: Hồ sơ nhỏ", "name: ' '", "`name` is missing", "name: ' '"),
    ("no team", "team:\n  name: trung_tam\n", "", "no team", None),
    (
        "latency unit",
        "unit: h}",
        "unit: fortnight}",
        "latency in `fortnight`",
        "unit: fortnight}",
    ),
    (
        "unknown schema",
        "dung_chung.ho_so_nho",
        "chung.ho_so_nho",
        "unknown schema `chung`",
        "chung.ho_so_nho",
    ),
    (
        "other table name",
        "dung_chung.ho_so_nho",
        "dung_chung.ho_so",
        "not called as",
        "physicalName: dung_chung.ho_so",
    ),
    (
        "audience contradicts",
        "phanLoai, value: dung_chung",
        "phanLoai, value: mo",
        "contradicts schema",
        "phanLoai",
    ),
    (
        "unknown audience",
        "phanLoai, value: dung_chung",
        "phanLoai, value: tat_ca",
        "phanLoai `tat_ca`",
        "tat_ca",
    ),
    (
        "unknown custom property",
        "property: rejectThreshold",
        "property: rejectTreshold",
        "unknown custom property `rejectTreshold`",
        "rejectTreshold",
    ),
    ("threshold", "value: 0.25", "value: 25", "rejectThreshold is `25`", "value: 25"),
    ("threshold text", "value: 0.25", "value: '0.25'", "rejectThreshold", "rejectThreshold"),
    (
        "version column",
        "versionColumn, value: cap_nhat",
        "versionColumn, value: sua",
        "versionColumn `sua`",
        "versionColumn",
    ),
    (
        "version column is text",
        "versionColumn, value: cap_nhat",
        "versionColumn, value: chu_ho_so",
        "cannot tell which",
        "versionColumn",
    ),
    ("column name", "- name: chu_ho_so", "- name: chủ_hồ_sơ", "is no name", "chủ_hồ_sơ"),
    ("column name case", "- name: chu_ho_so", "- name: ChuHoSo", "is no name", "ChuHoSo"),
    ("column name raw", "- name: chu_ho_so", "- name: chu__raw", "is no name", "chu__raw"),
    ("column name of SQL", "- name: chu_ho_so", "- name: to", "is a word of SQL", "- name: to"),
    ("column twice", "- name: chu_ho_so", "- name: trang_thai", "twice", None),
    ("no label", "        businessName: Chủ hồ sơ\n", "", "`businessName`", None),
    ("no description", "        description: Họ tên (name)\n", "", "`description`", None),
    (
        "no type",
        "        physicalType: TIMESTAMP\n",
        "",
        "`physicalType` is missing",
        None,
    ),
    ("bad type", "DECIMAL(18,2)", "DECIMAL(99,2)", "unknown type", "DECIMAL(99,2)"),
    ("zoned type", "TIMESTAMP", "TIMESTAMPTZ", "unknown type", "TIMESTAMPTZ"),
    (
        "no logical type",
        "        logicalType: timestamp\n",
        "",
        "logicalType is missing",
        None,
    ),
    (
        "types contradict",
        "logicalType: date",
        "logicalType: string",
        "logicalType is string beside physicalType DATE",
        None,
    ),
    ("unknown form", "form, value: so_thap_phan", "form, value: so", "unknown form", "value: so}"),
    (
        "form of another type",
        "form, value: so_thap_phan",
        "form, value: ngay",
        "does not give",
        "value: ngay}",
    ),
    (
        "number without form",
        "        customProperties:\n          - {property: form, value: so_thap_phan}\n",
        "",
        "without `form`",
        "DECIMAL",
    ),
    (
        "classification",
        "classification: basic",
        "classification: secret",
        "unknown classification",
        "secret",
    ),
    ("no key", "        primaryKey: true\n", "", "no column is the key", "properties:"),
    (
        "key not required",
        "        primaryKey: true\n        required: true\n",
        "        primaryKey: true\n",
        "is not required",
        "primaryKey",
    ),
    (
        "effectless key of the standard",
        "        classification: basic",
        "        unique: true",
        "`unique` has no effect",
        "unique: true",
    ),
    (
        "unknown rule name",
        "- name: pattern",
        "- name: regex",
        "unknown rule `regex`",
        "- name: regex",
    ),
    (
        "unknown table rule",
        "row.nhan_truoc_tra",
        "nhan_truoc_tra",
        "unknown rule `nhan_truoc_tra`",
        "- name: nhan_truoc_tra",
    ),
    (
        "type of another rule",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_be_in_set",
        "rule pattern with",
        None,
    ),
    (
        "unknown argument",
        "regex: '^",
        "mostly: 1\n                regex: '^",
        "no argument",
        "mostly",
    ),
    ("missing argument", "kwargs: {value_set: ['1', '2', '10']}", "kwargs: {}", "lacks", "{}"),
    ("bad regex", "regex: '^[A-Z]", "regex: '^(?=x)[A-Z]", "is not SQL", "(?=x)"),
    ("open regex", "regex: '^[A-Z]", "regex: '^([A-Z]", "is not SQL", "^([A-Z]"),
    (
        "unknown column in condition",
        "ngay_nhan <= ngay_tra",
        "ngay_nhan <= ngay_tre",
        "ngay_tre",
        "ngay_nhan <= ngay_tre",
    ),
    (
        "type clash in condition",
        "ngay_nhan <= ngay_tra",
        "ngay_nhan <= ma",
        "is not SQL",
        "ngay_nhan <= ma",
    ),
    (
        "two statements",
        "ngay_nhan <= ngay_tra",
        "true)); DROP TABLE hang; --",
        "is not SQL",
        "DROP TABLE",
    ),
    ("comment", "ngay_nhan <= ngay_tra", "ngay_nhan <= ngay_tra -- x", "is not SQL", "-- x"),
    ("aggregate", "ngay_nhan <= ngay_tra", "count(*) > 1", "is not SQL", "count(*)"),
    ("empty condition", "ngay_nhan <= ngay_tra", " ", "`condition`", "condition"),
    (
        "other argument of a row rule",
        "{condition: ",
        "{where: ",
        "exactly one argument",
        "{where: ",
    ),
    ("no dimension", "        dimension: consistency\n", "", "unknown dimension", None),
    ("severity", "severity: warn", "severity: warning", "unknown severity", "warning"),
    ("no reason", "            description: Lệ phí âm\n", "", "`description`", None),
    ("engine", "engine: greatExpectations", "engine: soda", "another type or engine", None),
    (
        "kwargs missing",
        "kwargs: {min_value: 0}",
        "mustBe: 0",
        "without kwargs",
        None,
    ),
    (
        "swapped bounds",
        "{min_value: 2, max_value: 12}",
        "{min_value: 13, max_value: 12}",
        "greater",
        "13",
    ),
    ("negative length", "{min_value: 2, max_value: 12}", "{min_value: -2}", "no length", "-2"),
    ("no bounds", "kwargs: {min_value: 0}", "kwargs: {}", "without bounds", "kwargs: {}"),
    ("text bound", "kwargs: {min_value: 0}", "kwargs: {min_value: '0'}", "is no value", "'0'"),
    ("bad day", "'2030-12-31'", "'2030-13-31'", "is no value", "2030-13-31"),
    ("unquoted code", "['1', '2', '10']", "['1', 2, '10']", "`2` is no value", "['1', 2"),
    ("empty set", "['1', '2', '10']", "[]", "no list of values", "[]"),
    ("reference table", "danh_muc.trang_thai,", "trang_thai,", "is no table", "table: trang_thai"),
    (
        "reference column",
        "column: trang_thai}",
        "column: 'a b'}",
        "is no column",
        "column: 'a b'",
    ),
    (
        "rule twice",
        "          - name: reference",
        "          - name: in_set",
        "rule in_set with",
        None,
    ),
    ("two tables", "schema:\n", "schema:\n  - name: khac\n", "not exactly one table", "schema:"),
]


@pytest.mark.parametrize(
    ("old", "new", "sentence", "on_line"),
    [pytest.param(*case[1:], id=case[0]) for case in MISTAKES],
)
def test_a_mistake_gives_one_line_with_file_and_line(
    tmp_path: Path, old: str, new: str, sentence: str, on_line: str | None
) -> None:
    text = changed(old, new)
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_contract(path)
    error = caught.value
    assert sentence in error.what
    assert error.next_step
    assert "\n" not in str(error)
    file, _, line = error.where.rpartition(":")
    assert file == str(path)
    if on_line is not None:
        assert on_line in text.splitlines()[int(line) - 1]
    else:
        assert 1 <= int(line) <= len(text.splitlines()) + 1


def test_a_rule_name_twice_is_refused(tmp_path: Path) -> None:
    entry = CONTRACT[
        CONTRACT.index("          - name: pattern") : CONTRACT.index("      - name: ngay_nhan")
    ]
    text = changed(entry, entry + entry)
    with pytest.raises(ConfigurationError, match=r"rule ma\.pattern stands twice"):
        contract(tmp_path, text)
    named = changed(entry, entry + entry.replace("name: pattern", "name: pattern.moi"))
    assert {"ma.pattern", "ma.pattern.moi"} <= {
        rule.name for rule in contract(tmp_path, named).rules
    }


@pytest.mark.parametrize("content", [b"", b"- a\n", b"a: \xff\n", b"&a [*a]\n", b"1: 2\n"])
def test_what_is_no_contract_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.odcs.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_contract(path)
    assert str(path) in caught.value.where


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_contract(tmp_path / "khong_co.odcs.yaml")


def test_a_good_contract_is_understood(tmp_path: Path) -> None:
    found = contract(tmp_path)
    assert (found.table, found.schema, found.name) == (
        "dung_chung.ho_so_nho",
        "dung_chung",
        "ho_so_nho",
    )
    assert (found.title, found.owner, found.version) == ("Hồ sơ nhỏ", "trung_tam", "1.0.0")
    assert found.key == ("ma",)
    assert (found.freshness_hours, found.version_column) == (26, "cap_nhat")
    assert (found.reject_threshold, found.shrink.share, found.shrink.rows) == (0.25, 0.2, 50)
    assert found.column("ngay_nhan").form == "ngay"
    assert found.column("chu_ho_so").classification == "basic"
    assert [rule.name for rule in found.rules] == [
        "ma.required",
        "ma.type",
        "ma.pattern",
        "ngay_nhan.required",
        "ngay_nhan.type",
        "ngay_nhan.range",
        "ngay_tra.type",
        "chu_ho_so.type",
        "chu_ho_so.length",
        "trang_thai.required",
        "trang_thai.type",
        "trang_thai.in_set",
        "trang_thai.reference",
        "le_phi.type",
        "le_phi.range",
        "cap_nhat.type",
        "row.nhan_truoc_tra",
        "key.unique",
    ]
    assert found.rule("ma.required").reason == "Thiếu mã hồ sơ"
    assert found.rule("row.nhan_truoc_tra").columns == ("ngay_nhan", "ngay_tra")
    assert found.rule("trang_thai.type").reason == "Trạng thái không có trong bảng mã của nguồn"
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.title = "khác"  # type: ignore[misc]


def test_the_name_of_the_lake_is_the_callers(tmp_path: Path) -> None:
    rule = load_contract(write(tmp_path), lake="kho").rule("trang_thai.reference")
    assert rule.reference is not None
    assert rule.reference.table == "kho.danh_muc.trang_thai"
    assert "FROM kho.danh_muc.trang_thai" in rule.violation


def test_the_example_keeps_the_standards_own_schema() -> None:
    schema = json.loads(STANDARD.read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.dumps(yaml.safe_load(CONTRACT), default=str)), schema)


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name.split(".")[0])
def test_every_contract_of_the_project_loads_and_keeps_the_standard(path: Path) -> None:
    found = load_contract(path)
    assert found.name
    schema = json.loads(STANDARD.read_text(encoding="utf-8"))
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.dumps(values, default=str)), schema)


def test_the_loader_imports_neither_great_expectations_nor_pandas() -> None:
    code = (
        "import sys, checks.contract; "
        "sys.exit(any(m in sys.modules for m in "
        "('great_expectations', 'pandas', 'sqlalchemy', 'numpy', 'dagster')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_modules_run_alone(tmp_path: Path) -> None:
    path = str(write(tmp_path))
    for module, expected in (("checks.contract", "ngay_nhan.range"), ("checks.odcs", "ho_so_nho")):
        done = subprocess.run(
            [sys.executable, "-m", module, path], check=True, capture_output=True, text=True
        )
        assert expected in done.stdout
    broken = str(write(tmp_path, changed("kind: DataContract", "kind: x")))
    done = subprocess.run(
        [sys.executable, "-m", "checks.contract", broken],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
