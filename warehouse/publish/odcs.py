"""The contract of a published file: ODCS 3.1, generated, about what is in the file and no more.

Data flow: a published table and its files -> ``<table>.odcs.yaml`` beside them. ``datacontract
test`` run in that folder reads the Parquet file and tries every rule; a rule is the very predicate
that the hub judged the rows by, written as SQL. The table's own contract stays the source: of it
come id, version, team, deadline, labels; masked columns have the type and the description that
their mask gives them, and no personal classification any more.

Run it alone: ``pytest tests/warehouse/publish/test_documents.py``.

What does not belong here: reading contracts (``checks``).
"""

from __future__ import annotations

from typing import Any

import yaml

from checks.forms import LOGICAL_TYPES, base_type
from checks.model import Rule
from warehouse.publish.manifest import Manifest, Table
from warehouse.publish.parquet import FOLDER
from warehouse.publish.table import PublishedColumn, PublishedTable

AUDIENCE = {"mo": "public", "dung_chung": "internal"}
"""Audience of the table -> classification of its published columns."""
_DIMENSIONS = {
    "schema_volume": "coverage",
    "completeness_conformity": "conformity",
    "uniqueness_consistency": "consistency",
    "timeliness": "timeliness",
}
_PHYSICAL = {"TIMESTAMPTZ": "TIMESTAMP_TZ", "JSON": "VARCHAR"}
"""Types that ``datacontract`` knows by another name."""
_WIDTH = 110


def contract(table: PublishedTable, stored: Table, manifest: Manifest) -> str:
    """Return the contract as YAML."""
    of = table.contract
    masked = f" Các cột đã che: {', '.join(table.masked)}." if table.masked else ""
    document: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"{of.id}_cong_bo",
        "name": f"{of.title} (bản công bố)",
        "version": of.version,
        "status": "active",
        "description": {
            "purpose": f"{of.description}. Tệp công bố cho cơ quan chỉ cần tệp (published file).",
            "limitations": (
                f"Theo ảnh chụp {manifest.snapshot} của kho lúc "
                f"{manifest.snapshot_at.isoformat(timespec='seconds')}.{masked}"
            ),
        },
        "team": {"name": of.owner},
    }
    if of.freshness_hours is not None:
        document["slaProperties"] = [
            {"property": "latency", "value": of.freshness_hours, "unit": "h"}
        ]
    document["servers"] = [
        {"server": "tep", "type": "local", "path": _place(table, stored), "format": "parquet"}
    ]
    schema: dict[str, Any] = {
        "name": of.name,
        "businessName": of.title,
        "physicalType": "file",
        "description": of.description,
        "customProperties": [{"property": "phanLoai", "value": of.classification}],
        "properties": [_property(table, column) for column in table.columns],
    }
    if rules := [_quality(rule) for rule in table.rules()]:
        schema["quality"] = rules
    document["schema"] = [schema]
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=_WIDTH)


def _place(table: PublishedTable, stored: Table) -> str:
    """Return the files' place as seen from the contract's folder."""
    begin = f"{FOLDER}/{table.contract.schema}/"
    if len(stored.files) == 1:
        return stored.files[0].path.removeprefix(begin)
    return f"{table.contract.name}/*.parquet"


def _property(table: PublishedTable, column: PublishedColumn) -> dict[str, Any]:
    told: dict[str, Any] = {"name": column.name}
    if column.label:
        told["businessName"] = column.label
    mask = f" {column.mask.told}" if column.mask else ""
    told |= {
        "description": f"{column.description}{mask}",
        "logicalType": _logical(column.sql_type),
        "physicalType": _PHYSICAL.get(column.sql_type, column.sql_type),
        "classification": AUDIENCE[table.contract.classification],
        "required": column.required,
    }
    if column.name in table.key:
        told |= {"primaryKey": True, "primaryKeyPosition": table.key.index(column.name) + 1}
    if column.mask:
        told["customProperties"] = [{"property": "cheDuLieu", "value": column.mask.name}]
    return told


def _logical(sql_type: str) -> str:
    kinds = LOGICAL_TYPES.get(base_type(sql_type), {"timestamp"})
    return "string" if "string" in kinds else next(iter(kinds))


def _quality(rule: Rule) -> dict[str, Any]:
    """Return a rule as SQL that counts the rows which break it."""
    return {
        "name": rule.name,
        "type": "sql",
        "dimension": _DIMENSIONS[rule.dimension],
        "severity": "error",
        "description": rule.reason,
        "query": (
            "SELECT count(*) FILTER (WHERE xau) FROM "
            f"(SELECT ({rule.violation}) AS xau FROM ${{table}})"
        ),
        "mustBe": 0,
    }
