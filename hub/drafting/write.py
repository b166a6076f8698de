"""The text of a draft: an ODCS contract with comments, and the ``columns`` of a definition.

Data flow: judged columns, key, rules -> lines in the form of ``assets/contracts/*.odcs.yaml``.
YAML libraries drop comments, and the comments are half of a draft, so the lines are written here;
every scalar goes through PyYAML.

Run it alone: ``pytest tests/hub/drafting``.

What does not belong here: what anything is judged to be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from checks.forms import LOGICAL_TYPES, base_type
from hub.drafting.judge import Judged
from sources.spec import DatasetSpec, SystemSpec


@dataclass(frozen=True)
class Stated:
    """A rule of one column."""

    name: str
    severity: str
    reason: str
    implementation: str
    arguments: Mapping[str, Any]
    note: str


@dataclass(frozen=True)
class Drafted:
    """Everything that the text says."""

    system: SystemSpec
    dataset: DatasetSpec
    columns: Sequence[Judged]
    key: Sequence[str]
    key_note: str
    required: Sequence[str]
    rules: Mapping[str, Sequence[Stated]]
    rows: int
    version_column: str | None = None
    threshold: float = 0.1
    outcome: Sequence[str] = field(default=())
    """What became of the sample under this contract, a line each."""
    left_out: Sequence[str] = field(default=())

    @property
    def schema(self) -> str:
        """``dung_rieng`` while any column is personal: to open a table is a person's decision."""
        return "dung_rieng" if any(one.is_personal for one in self.columns) else "dung_chung"


def contract_text(drafted: Drafted) -> str:
    """Return the contract."""
    return "\n".join([*_head(drafted), *_table(drafted), *_properties(drafted)]) + "\n"


def columns_text(drafted: Drafted) -> str:
    """Return what belongs under the dataset in ``defs.yaml``, with its indentation."""
    lines = ["      columns:"]
    for one in drafted.columns:
        source = scalar(one.spec.source)
        dates = f", dates: {_flow(list(one.spec.dates))}" if one.spec.dates else ""
        mapped = f"{{source: {_flow(one.spec.source)}{dates}}}" if dates else source
        lines.append(f"        {one.column.name}: {mapped}")
    lines += [f"        # left out: {json.dumps(n, ensure_ascii=False)}" for n in drafted.left_out]
    return "\n".join(lines) + "\n"


def scalar(value: object) -> str:
    """Return a value as YAML writes it on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, width=10**6, default_flow_style=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _flow(value: object) -> str:
    """Return a value as it may stand within braces: JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    """Return a comment; a source's field name may hold line ends."""
    return f"# {' '.join(text.split())}"


def _head(drafted: Drafted) -> Iterator[str]:
    system, dataset = drafted.system, drafted.dataset
    yield _comment(
        f"Drafted by `hub contract draft {system.name}/{dataset.name}` from a sample of "
        f"{drafted.rows} rows. Go over each"
    )
    yield _comment("comment, write labels and reasons in Vietnamese, then delete the comments.")
    yield from map(_comment, drafted.outcome)
    yield "apiVersion: v3.1.0"
    yield "kind: DataContract"
    yield f"id: {dataset.contract}"
    yield f"name: {scalar(dataset.title)}"
    yield "version: 0.1.0"
    yield "status: draft"
    yield f"domain: {system.system}"
    yield "description:"
    yield f"  purpose: {scalar(dataset.title)} # what for, and by which law"
    yield "  limitations: Bản nháp, chưa được rà soát. (Draft, not gone over yet.)"
    yield "  usage: Bản nháp, chưa được rà soát. (Draft, not gone over yet.)"
    yield "team:"
    yield f"  name: {scalar(system.owner.removeprefix('team:'))}"
    yield "slaProperties:"
    yield "  - property: latency"
    yield "    value: 26 # a night and two hours"
    yield "    unit: h"


def _table(drafted: Drafted) -> Iterator[str]:
    name, title = drafted.dataset.contract, scalar(drafted.dataset.title)
    why = "has personal columns" if drafted.schema == "dung_rieng" else "mo if anyone may see it"
    yield "schema:"
    yield f"  - name: {name}"
    yield f"    businessName: {title}"
    yield f"    physicalName: {drafted.schema}.{name} # {why}"
    yield "    physicalType: table"
    yield f"    description: {title} # say what one row is"
    yield "    customProperties:"
    yield f"      - {{property: phanLoai, value: {drafted.schema}}} # as the schema above"
    yield f"      - {{property: rejectThreshold, value: {drafted.threshold:g}}}"
    yield "      - {property: shrinkShare, value: 0.2}"
    yield "      - {property: shrinkRows, value: 50}"
    if drafted.version_column:
        yield f"      - {{property: versionColumn, value: {drafted.version_column}}}"
    yield "    properties:"


def _properties(drafted: Drafted) -> Iterator[str]:
    for one in drafted.columns:
        column, seen = one.column, one.profile
        key = column.name in drafted.key
        counted = "" if one.is_personal else f", {seen.counts['distinct']} different"
        yield (
            f"      - name: {column.name} "
            + _comment(f"{one.spec.source}: seen in {seen.filled} of {seen.rows} rows{counted}")
        )
        yield from (f"        {_comment(note)}" for note in one.notes)
        spoken = "" if not column.label.isascii() else " # write it in Vietnamese"
        yield f"        businessName: {scalar(column.label)}{spoken}"
        yield f"        description: {scalar(column.description)}"
        yield f"        logicalType: {_logical(column.sql_type)}"
        yield f"        physicalType: {column.sql_type}"
        if key:
            yield f"        primaryKey: true {_comment(drafted.key_note)}"
        if key or column.name in drafted.required:
            yield "        required: true"
        yield f"        classification: {column.classification}"
        yield "        customProperties:"
        yield f"          - {{property: form, value: {column.form}}}"
        yield from _quality(drafted.rules.get(column.name, ()))


def _quality(rules: Sequence[Stated]) -> Iterator[str]:
    if rules:
        yield "        quality:"
    for rule in rules:
        yield f"          - name: {rule.name} {_comment(rule.note)}"
        yield "            type: custom"
        yield "            engine: greatExpectations"
        yield "            dimension: conformity"
        yield f"            severity: {rule.severity}"
        yield f"            description: {scalar(rule.reason)}"
        yield "            implementation:"
        yield f"              type: {rule.implementation}"
        yield "              kwargs:"
        for name, value in rule.arguments.items():
            yield f"                {name}: {scalar(value)}"


def _logical(sql_type: str) -> str:
    """Return the ODCS type; JSON may be one of three."""
    base = base_type(sql_type)
    return "object" if base == "JSON" else next(iter(LOGICAL_TYPES[base]))
