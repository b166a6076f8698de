"""The closed table of rule kinds: each yields a SQL predicate for bad rows and a GX expectation.

Data flow: :mod:`checks.contract` calls one builder per rule it reads -> :class:`Rule`;
``quarantine`` scans with ``violation``, ``validate`` runs ``expectation``. The two say the
same thing independently, and a test holds their counts against each other.

What a predicate promises: it is TRUE for a bad row and never NULL; every kind but
``required`` lets NULL pass, since an absent value breaks only the rule that it be there; its
names are bare, so it may stand in any query over the one staging table; names come from
patterns that the loader has checked and values are written as literals here.

Run it alone: ``python -m checks.contract assets/contracts/ho_so.odcs.yaml`` lists the
predicates of a contract.

What does not belong here: YAML, connections, Great Expectations itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from checks.forms import base_type
from checks.identifier_kinds import IDENTIFIER_KINDS
from checks.kinds import GENERAL_KINDS, IDENTIFIER, RuleMistake
from checks.model import STAGED, Column, Contract, Dimension, Expectation, Limit, Rule, Severity

COLUMN_KINDS = GENERAL_KINDS | IDENTIFIER_KINDS
"""Every rule that a contract may state for one column."""

ROW = "expect_row_to_satisfy"
TYPED = "expect_column_values_to_be_typed"
UNIQUE = "expect_key_to_be_unique"
COMPOUND = "expect_columns_to_be_unique"

UNIQUE_NAME = "key.unique"

_TYPED_REASONS = {
    "DATE": "không phải là ngày hợp lệ",
    "TIMESTAMP": "không phải là thời điểm hợp lệ",
    "SMALLINT": "không phải là số nguyên hợp lệ",
    "INTEGER": "không phải là số nguyên hợp lệ",
    "BIGINT": "không phải là số nguyên hợp lệ",
    "DOUBLE": "không phải là số hợp lệ",
    "DECIMAL": "không phải là số hợp lệ",
    "BOOLEAN": "không phải là giá trị đúng/sai",
    "JSON": "không phải là JSON hợp lệ",
    "VARCHAR": "không có trong bảng mã của nguồn",
}


def required(column: Column, *, raw: bool = False) -> Rule:
    """The value must be there.

    Where staging keeps the cell's text (``raw``), a text that could not be typed is not missing:
    it breaks ``type``, and telling the agency that the date is missing would be wrong.
    """
    name = column.name
    violation = f"({name} IS NULL)"
    expectation = Expectation("expect_column_values_to_not_be_null", {"column": name})
    if raw:
        violation = f"({name} IS NULL AND {column.raw} IS NULL)"
        expectation = Expectation(
            ROW, {"condition": f"{name} IS NOT NULL OR {column.raw} IS NOT NULL"}
        )
    return Rule(
        name=f"{name}.required",
        kind="required",
        dimension="completeness_conformity",
        severity="error",
        column=name,
        columns=(name,),
        reason=f"Thiếu {_lowered(column.label)}",
        violation=violation,
        expectation=expectation,
    )


def typed(column: Column) -> Rule:
    """The text must be readable as the column's type, or be a code that the source's list has."""
    return Rule(
        name=f"{column.name}.type",
        kind="type",
        dimension="completeness_conformity",
        severity="error",
        column=column.name,
        columns=(column.name,),
        reason=f"{column.label} {_TYPED_REASONS[base_type(column.sql_type)]}",
        violation=f"({column.raw} IS NOT NULL AND {column.name} IS NULL)",
        expectation=Expectation(TYPED, {"column": column.name}),
    )


def unique(columns: tuple[Column, ...]) -> Rule:
    """A key may stand once; a key with a part missing is no key and breaks ``required`` alone."""
    names = tuple(column.name for column in columns)
    whole = " AND ".join(f"{name} IS NOT NULL" for name in names)
    labels = ", ".join(_lowered(column.label) for column in columns)
    return Rule(
        name=UNIQUE_NAME,
        kind="unique",
        dimension="uniqueness_consistency",
        severity="error",
        column=None,
        columns=names,
        reason=f"Nhiều dòng trong cùng một lô trùng khóa ({labels}) nhưng khác nội dung",
        violation=f"({whole} AND count(*) OVER (PARTITION BY {', '.join(names)}) > 1)",
        expectation=Expectation(UNIQUE, {"columns": list(names)}),
    )


def compound(
    name: str,
    columns: Sequence[Column],
    key: Sequence[Column],
    *,
    dimension: Dimension,
    severity: Severity,
    reason: str,
    limit: Limit | None = None,
) -> Rule:
    """Columns in which no two records may agree, besides the key; an empty one agrees with none.

    Judged within the batch, between rows of different keys: copies of one record are not two.
    """
    names = [column.name for column in columns]
    whole = " AND ".join(f"{name} IS NOT NULL" for name in names)
    differ = " OR ".join(f"min({k.name}) <> max({k.name})" for k in key)
    shared = (
        f"SELECT row({', '.join(names)}) FROM {STAGED} WHERE {whole} "
        f"GROUP BY {', '.join(names)} HAVING {differ}"
    )
    return Rule(
        name=name,
        kind="compound",
        dimension=dimension,
        severity=severity,
        column=None,
        columns=tuple(names),
        reason=reason,
        violation=f"({whole} AND row({', '.join(names)}) IN ({shared}))",
        expectation=Expectation(COMPOUND, {"columns": names, "key": [k.name for k in key]}),
        limit=limit,
    )


def row(
    name: str,
    condition: str,
    *,
    dimension: Dimension,
    severity: Severity,
    reason: str,
    columns: tuple[Column, ...],
    limit: Limit | None = None,
) -> Rule:
    """A condition over several columns; where it is NULL the row passes."""
    tokens = set(IDENTIFIER.findall(re.sub(r"'(?:[^']|'')*'", " ", condition)))
    return Rule(
        name=name,
        kind="row",
        dimension=dimension,
        severity=severity,
        column=None,
        columns=tuple(column.name for column in columns if column.name in tokens),
        reason=reason,
        violation=f"(NOT coalesce(({condition}), TRUE))",
        expectation=Expectation(ROW, {"condition": condition}),
        limit=limit,
    )


def of_column(
    column: Column,
    name: str,
    arguments: Mapping[str, Any],
    *,
    dimension: Dimension,
    severity: Severity,
    reason: str,
    lake: str,
    limit: Limit | None = None,
) -> Rule:
    """Build a rule that a contract states for a column; ``name`` is ``kind`` or ``kind.suffix``."""
    kind = COLUMN_KINDS[name.partition(".")[0]]
    for key in arguments:
        if key not in kind.needed | kind.allowed:
            known = ", ".join(sorted(kind.needed | kind.allowed))
            raise RuleMistake(f"rule {name} has no argument `{key}`", f"it takes {known}", key)
    if missing := sorted(kind.needed - set(arguments)):
        raise RuleMistake(f"rule {name} lacks `{missing[0]}`", "add it to kwargs")
    if kind.warns_only and severity == "error":
        raise RuleMistake(f"rule {name} would refuse sound rows", "make its severity warn")
    built = kind.build(column, arguments, lake)
    return Rule(
        name=f"{column.name}.{name}",
        kind=kind.kind,
        dimension=dimension,
        severity=severity,
        column=column.name,
        columns=(column.name, *built.beside),
        reason=reason,
        violation=built.violation,
        expectation=built.expectation,
        reference=built.reference,
        limit=limit,
    )


def staged(contract: Contract, present: Collection[str]) -> tuple[Rule, ...]:
    """Fit a contract's rules to one staging table, by the names of its columns.

    Staging keeps the raw cell of a column that it had to convert: one that is no text, or whose
    codes the source maps (an unlisted code leaves the column NULL). Which columns those are is
    the source's business, not the contract's; the others can break no ``type``.
    """
    fitted = []
    for rule in contract.rules:
        column = contract.column(rule.column) if rule.column else None
        if column is None or rule.kind not in {"required", "type"}:
            fitted.append(rule)
        elif rule.kind == "required":
            fitted.append(required(column, raw=column.raw in present))
        elif column.raw in present:
            fitted.append(rule)
    return tuple(fitted)


def _lowered(label: str) -> str:
    """Lower the first letter inside a sentence, unless the label starts with an abbreviation."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
