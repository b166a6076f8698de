"""``docs/contracts.md`` has a row for every kind of rule, with the arguments that the code takes.

Run it alone: ``pytest tests/docs/test_contracts.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from checks.batch_rules import BATCH_KINDS
from checks.contract import load_contract
from checks.rules import COLUMN_KINDS, COMPOUND, ROW
from tests.checks.contracts import CONTRACT, changed, write

DOCUMENT = Path(__file__).parents[2] / "docs" / "contracts.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
ROWS = {
    cells[0].strip("` "): cells
    for line in TEXT.splitlines()
    if line.startswith("| `") and (cells := line.strip("|").split(" | "))
}


@pytest.mark.parametrize("kind", [*COLUMN_KINDS])
def test_a_column_rule_has_its_row_and_arguments(kind: str) -> None:
    found = COLUMN_KINDS[kind]
    assert set(re.findall(r"`(\w+)`", ROWS[kind][1])) == found.needed | found.allowed


@pytest.mark.parametrize("kind", [*BATCH_KINDS])
def test_a_batch_rule_has_its_row_and_arguments(kind: str) -> None:
    found = BATCH_KINDS[kind]
    assert set(re.findall(r"`(\w+)`", ROWS[kind][2])) == found.allowed
    assert found.expectation in TEXT


def test_no_row_is_about_a_rule_that_there_is_not() -> None:
    assert ROWS.keys() == {*COLUMN_KINDS, *BATCH_KINDS, "row.<name>", "unique.<name>"}
    assert ROW in TEXT
    assert COMPOUND in TEXT


def test_the_example_is_a_rule(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    assert yaml.safe_load(block[1])["quality"][0]["name"] == "personal_id"
    entries = "".join(f"        {line}\n" for line in block[1].splitlines()[1:])
    at = "        quality:\n          - name: length\n"
    text = changed(at, f"        quality:\n{entries}          - name: length\n", CONTRACT)
    rule = load_contract(write(tmp_path, text)).rule("chu_ho_so.personal_id")
    assert str(rule.limit) == "2%"
