"""Says a contract in the standard's own words, for tools that know ODCS and not this hub.

Data flow: a contract of ``assets/contracts`` and the place where its rows lie -> the same contract
with a server, and with every rule of one row said once more as the standard says it: a metric of
its library (``invalidValues``), ``logicalTypeOptions``, or SQL that counts the bad rows. So a tool
that passes over ``engine: greatExpectations``, as datacontract-cli does, still judges the rows.

Two things are said of the stored table and not of one source's batch: a row's key is its system and
the contract's key, and ``current_date`` is the day that is given, in whatever zone it is judged.

What is not said: the rules of a batch (``volume``, ``mean``, ``freshness``), which need the loads
before it; ``unique.<name>``, which is a rule within one batch; limits, since a stored row has
passed them; a rule that looks up a table which does not lie there, or is empty.

Run it alone: ``python -m checks.standard assets/contracts/ho_so.odcs.yaml`` prints one.

What does not belong here: where rows are written (``warehouse.private_export``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import (
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    Server,
)

from checks.contract import load_contract
from checks.model import Contract, Rule
from checks.odcs import Document
from hub.errors import HubError

SOURCE = "_source"
"""Column that tells which system a stored row is from."""

SERVER = "export"
_BY_COLUMNS = {"required", "type", "unique"}
"""Kinds that the standard says with ``required``, the types and ``primaryKey``."""
_OPTIONS = {
    "range": {"min_value": "minimum", "max_value": "maximum"},
    "length": {"min_value": "minLength", "max_value": "maxLength"},
}
_METRICS = {"pattern": ("regex", "pattern"), "in_set": ("value_set", "validValues")}


def is_said(rule: Rule, present: Collection[str]) -> bool:
    """Say whether a rule can be said of a stored table; ``present`` are the tables to look up."""
    if rule.kind == "compound":
        return False
    looked_up = rule.reference.table.partition(".")[2] if rule.reference else None
    return looked_up is None or looked_up in present


def identity(rule: Rule) -> str:
    """Return the rule's name as the standard lets an ``id`` be written."""
    return rule.name.replace(".", "-")


def in_the_standard(
    contract: Contract, *, database: str, day: date, present: Collection[str]
) -> str:
    """Return the text of the contract for a DuckDB file that holds its table.

    Args:
        contract: A contract, loaded with the ``lake`` that the file is attached as.
        database: The file, as the tool's process will find it.
        day: What ``current_date`` of a rule means: the day on which the rows were current.
        present: Tables (``schema.table``) of the file that have rows.
    """
    odcs: OpenDataContractStandard = Document(contract.path).odcs
    (table,) = odcs.schema_ or []
    odcs.servers = [Server(server=SERVER, type="duckdb", database=database, schema=contract.schema)]
    table.physicalName = contract.name  # the schema stands in the server
    _key_by_source(table)
    for rule in contract.rules:
        if rule.kind not in _BY_COLUMNS and is_said(rule, present):
            _say(table, rule, day)
    return odcs.to_yaml()


def _key_by_source(table: SchemaObject) -> None:
    """Put the system before the key: several may fill one table, each with keys of its own."""
    keys = [item for item in table.properties or () if item.primaryKey]
    for place, item in enumerate(sorted(keys, key=lambda key: key.primaryKeyPosition or 0)):
        item.primaryKeyPosition = place + 2
    source = SchemaProperty(
        name=SOURCE, businessName="Hệ thống nguồn", description="Hệ thống nguồn (source system)",
        logicalType="string", physicalType="VARCHAR", required=True,
        primaryKey=True, primaryKeyPosition=1,
    )  # fmt: skip
    table.properties = [source, *(table.properties or ())]


def _say(table: SchemaObject, rule: Rule, day: date) -> None:
    """Add a rule where the standard has it, else as SQL."""
    item = {item.name: item for item in table.properties or ()}.get(rule.column)
    options = _options(rule)
    # What is out of an option's bounds fails; there is no way to say that it only warns.
    if item and options and rule.severity == "error" and not item.logicalTypeOptions:
        item.logicalTypeOptions = options
        return
    where = item or table
    where.quality = [*(where.quality or ()), _quality(rule, day)]


def _options(rule: Rule) -> dict[str, Any]:
    names = _OPTIONS.get(rule.kind, {})
    given = rule.expectation.kwargs
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for key, name in names.items()
        if (value := given.get(key)) is not None
    }


def _quality(rule: Rule, day: date) -> DataQuality:
    said = DataQuality(
        id=identity(rule), name=rule.name, description=rule.reason, severity=rule.severity, mustBe=0
    )
    if rule.kind in _METRICS:
        argument, name = _METRICS[rule.kind]
        said.type, said.metric = "library", "invalidValues"
        said.arguments = {name: rule.expectation.kwargs[argument]}
        return said
    bad = re.sub(r"\bcurrent_date\b", f"DATE '{day.isoformat()}'", rule.violation)
    said.type, said.query = "sql", f"SELECT count(*) FROM {{model}} WHERE {bad}"
    return said


def main() -> int:
    """Print a contract as it is said to others, or its first mistake."""
    try:
        contract = load_contract(Path(sys.argv[1]))
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    day = date.today()  # noqa: DTZ011 - only shown
    sys.stdout.write(in_the_standard(contract, database="lake.duckdb", day=day, present=()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
