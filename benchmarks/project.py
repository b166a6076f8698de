"""A hub project for the benchmarks: one contract with fifteen rules and the definition of a source.

Data flow: :func:`make` writes ``contracts/ho_so.odcs.yaml`` and ``thu/nghiem/defs.yaml`` into an
assets folder, which ``HUB_ASSETS_DIR`` names. What the rules demand is what ``rows`` makes, so
that a first load has nothing to refuse; the peers, which check nothing, load the same.

Run it alone: ``python benchmarks/project.py FOLDER``.

What does not belong here: serving, measuring.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.rows import COLUMNS, PAGE, STATUSES

LOGICAL = {
    "VARCHAR": "string",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "number",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BOOLEAN": "boolean",
}
KEY = "ma_ho_so"
TOMBSTONE = {"field": "trang_thai", "values": ["da_xoa"]}
RULES: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "ma_ho_so": [("pattern", "match_regex", {"regex": r"^H\d{2}\.\d{2}-\d{6}-\d{8}$"})],
    "ma_thu_tuc": [("pattern", "match_regex", {"regex": r"^\d\.\d{6}$"})],
    "trang_thai": [("in_set", "be_in_set", {"value_set": list(STATUSES)})],
    "kenh": [("in_set", "be_in_set", {"value_set": ["truc_tuyen", "truc_tiep", "buu_chinh"]})],
    "don_vi": [("length", "length_between", {"min_value": 3, "max_value": 100})],
    "ma_don_vi": [("pattern", "match_regex", {"regex": r"^\d{5}$"})],
    "le_phi": [("range", "be_between", {"min_value": 0, "max_value": 10_000_000})],
    "so_to": [("range", "be_between", {"min_value": 0, "max_value": 100})],
    "danh_gia": [("range", "be_between", {"min_value": 1, "max_value": 5})],
    "vi_do": [("range", "be_between", {"min_value": 20, "max_value": 25})],
    "kinh_do": [("range", "be_between", {"min_value": 102, "max_value": 106})],
}
"""Eleven; with ``key.unique``, the row rule and two required columns (the key, the status) fifteen,
beside one ``type`` rule for each column that is no text."""
EXPECTATIONS = {
    "match_regex": "expect_column_values_to_match_regex",
    "be_in_set": "expect_column_values_to_be_in_set",
    "length_between": "expect_column_value_lengths_to_be_between",
    "be_between": "expect_column_values_to_be_between",
}


def contract(name: str = "ho_so") -> dict[str, Any]:
    """Return the contract as ODCS."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "name": "Hồ sơ thử nghiệm",
        "version": "1.0.0",
        "status": "active",
        "team": {"name": "thu_nghiem"},
        "schema": [
            {
                "name": name,
                "physicalName": f"mo.{name}",
                "description": "Hồ sơ thử nghiệm (dossiers of the benchmark)",
                "customProperties": [
                    {"property": "shrinkShare", "value": 0.5},
                    {"property": "shrinkRows", "value": 5_000_000},
                    {"property": "versionColumn", "value": "cap_nhat"},
                ],
                "quality": [_row_rule()],
                "properties": [_property(name) for name in COLUMNS],
            }
        ],
    }


def _row_rule() -> dict[str, Any]:
    return {
        "name": "row.hen_tra_sau_tiep_nhan",
        **_custom("expect_row_to_satisfy", {"condition": "ngay_tiep_nhan <= ngay_hen_tra"}),
    }


def _custom(kind: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "custom",
        "engine": "greatExpectations",
        "dimension": "conformity",
        "severity": "error",
        "description": "Không đúng quy tắc",
        "implementation": {"type": kind, "kwargs": kwargs},
    }


def _property(name: str) -> dict[str, Any]:
    sql_type = COLUMNS[name][0]
    entry: dict[str, Any] = {
        "name": name,
        "businessName": name,
        "description": name,
        "logicalType": LOGICAL[sql_type],
        "physicalType": sql_type,
        "required": name in {KEY, "trang_thai"},
        "classification": "none",
    }
    if name == KEY:
        entry |= {"primaryKey": True, "primaryKeyPosition": 1}
    if sql_type in {"BIGINT", "INTEGER", "DOUBLE"}:
        entry["customProperties"] = [{"property": "form", "value": "so_may"}]
    rules = [
        {"name": kind, **_custom(EXPECTATIONS[what], kwargs)}
        for kind, what, kwargs in RULES.get(name, ())
    ]
    return {**entry, "quality": rules} if rules else entry


def definition(datasets: int = 1, *, tombstones: bool = False) -> dict[str, Any]:
    """Return the definition of the source: one table by numbered pages, or many by a file each.

    With ``tombstones`` a record of status ``da_xoa`` says that a row was deleted.
    """
    columns: dict[str, Any] = {name: name for name in COLUMNS}
    for name, (sql_type, _) in COLUMNS.items():
        if sql_type in {"DATE", "TIMESTAMP"}:
            columns[name] = {"source": name, "dates": ["iso"]}
    one = datasets == 1
    paging = {"kind": "page", "stands_still": True, "size_parameter": None, "page_size": PAGE}
    fetch: dict[str, Any] = {
        "path": "/rows", "records": "data", "total": "total", "paging": paging,
    }  # fmt: skip
    return {
        "type": "hub.components.SourceSystem",
        "attributes": {
            "name": "thu/nghiem",
            "title": "Hệ thống thử nghiệm",
            "description": "Máy chủ tĩnh (a static server)",
            "owner": "team:thu_nghiem",
            "kind": "rest" if one else "files",
            "base_url": {"env": "BENCH_URL"},
            "limits": {"threads": 4},
            "datasets": [
                {
                    "name": "ho_so" if one else f"ho_so_{number:03}",
                    "title": "Hồ sơ",
                    "contract": "ho_so" if one else f"ho_so_{number:03}",
                    "fetch": fetch
                    if one
                    else {
                        "format": "json",
                        "paths": [f"/set/{number}"],
                        "reader": {"records": "data"},
                    },
                    "columns": columns,
                    **({"tombstone": TOMBSTONE} if tombstones else {}),
                }
                for number in range(datasets)
            ],
        },
    }


def make(folder: Path, datasets: int = 1, *, tombstones: bool = False) -> None:
    """Write the project's assets."""
    (folder / "contracts").mkdir(parents=True, exist_ok=True)
    (folder / "thu" / "nghiem").mkdir(parents=True, exist_ok=True)
    names = ["ho_so"] if datasets == 1 else [f"ho_so_{number:03}" for number in range(datasets)]
    written = {f"contracts/{name}.odcs.yaml": contract(name) for name in names}
    written["thu/nghiem/defs.yaml"] = definition(datasets, tombstones=tombstones)
    for name, document in written.items():
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
