"""``datapackage.json`` of one schema: Data Package v2, as tools for open data read it.

Data flow: the published tables of a schema, their files and sources -> one document beside them.
Constraints say only what every row keeps to (``PublishedTable.rules``).

Run it alone: ``pytest tests/warehouse/publish/test_documents.py``.

What does not belong here: contracts (``odcs``), which say all of a table's rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from checks.forms import base_type
from warehouse.lake import SCHEMAS
from warehouse.publish.manifest import Manifest, Source, Table
from warehouse.publish.parquet import FOLDER
from warehouse.publish.table import PublishedColumn, PublishedTable

NAME = "datapackage.json"
_PROFILES = "https://datapackage.org/profiles/2.0"
TYPES = {
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "TIMESTAMPTZ": "datetime",
    "BOOLEAN": "boolean",
    "JSON": "any",
    "SMALLINT": "integer",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "DOUBLE": "number",
    "DECIMAL": "number",
}
"""SQL type without its arguments -> type of a Table Schema field."""


def package(
    schema: str,
    tables: Sequence[tuple[PublishedTable, Table, list[Source]]],
    manifest: Manifest,
    licence: str | None,
) -> dict[str, Any]:
    """Return the document of a schema.

    Args:
        schema: Its name.
        tables: What is published of each table, its files, its sources.
        manifest: Of the generation.
        licence: Open Definition identifier of the terms; it goes with open data alone.
    """
    document: dict[str, Any] = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": schema.replace("_", "-"),
        "title": SCHEMAS[schema],
        "description": (
            f"Bản công bố đã che dữ liệu cá nhân, theo ảnh chụp {manifest.snapshot} của kho lúc "
            f"{manifest.snapshot_at.isoformat(timespec='seconds')} (published files, personal "
            "columns masked)."
        ),
        "version": str(manifest.snapshot),
        "created": manifest.made_at.isoformat(timespec="seconds"),
    }
    if licence and schema == "mo":
        document["licenses"] = [{"name": licence}]
    named = {source.name: source for *_, sources in tables for source in sources}
    document["sources"] = [_source(source) for _, source in sorted(named.items())]
    document["resources"] = [_resource(*of_table) for of_table in tables]
    return document


def _source(source: Source) -> dict[str, str]:
    return {"title": f"{source.title} ({source.name})"}


def _resource(table: PublishedTable, stored: Table, sources: list[Source]) -> dict[str, Any]:
    begin = f"{FOLDER}/{table.contract.schema}/"
    paths = [file.path.removeprefix(begin) for file in stored.files]
    schema: dict[str, Any] = {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": [_field(table, column) for column in table.columns],
        "missingValues": [],
    }
    if table.key:
        schema["primaryKey"] = list(table.key)
    return {
        "$schema": f"{_PROFILES}/dataresource.json",
        "name": table.contract.name.replace("_", "-"),
        "type": "table",
        "title": table.contract.title,
        "description": table.contract.description,
        "path": paths[0] if len(paths) == 1 else paths,
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "bytes": stored.bytes,
        "hash": f"sha256:{_digest(stored)}",
        "sources": [_source(source) for source in sources],
        "schema": schema,
    }


def _digest(stored: Table) -> str:
    """Return the digest of the file; of several files, that of their digests in order."""
    digests = [file.sha256 for file in stored.files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _field(table: PublishedTable, column: PublishedColumn) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": TYPES[base_type(column.sql_type)]}
    if column.label:
        field["title"] = column.label
    field["description"] = column.comment
    if constraints := _constraints(table, column):
        field["constraints"] = constraints
    return field


def _constraints(table: PublishedTable, column: PublishedColumn) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if column.required:
        constraints["required"] = True
    if table.key == (column.name,):
        constraints["unique"] = True
    kind = TYPES[base_type(column.sql_type)]
    for rule in table.rules():
        if rule.column != column.name:
            continue
        arguments = rule.expectation.kwargs
        if rule.kind == "in_set" and kind == "string":
            constraints["enum"] = list(arguments["value_set"])
        if rule.kind == "range" and kind in {"integer", "number"}:
            constraints |= _bounds(arguments, "minimum", "maximum")
        if rule.kind == "length":
            constraints |= _bounds(arguments, "minLength", "maxLength")
    return constraints


def _bounds(arguments: Any, least: str, most: str) -> dict[str, Any]:  # noqa: ANN401 - of a rule
    found = {least: arguments.get("min_value"), most: arguments.get("max_value")}
    return {name: value for name, value in found.items() if value is not None}
