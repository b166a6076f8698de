"""Finds rules of one contract that no row, or no listed value, could keep together.

Data flow: columns and rules, each proven alone (``proof``) -> :func:`found` -> the first rule that
contradicts another, in words; the loader adds file and line. Only what is certain and cheap is
looked for: whether two patterns exclude each other, nobody computes.

Run it alone: ``python -m checks.contract assets/contracts/ho_so.odcs.yaml`` includes it.

What does not belong here: mistakes within one rule (``kinds``, ``identifier_kinds``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from checks.forms import base_type
from checks.kinds import literal
from checks.model import Column, Rule
from checks.proof import staging_table

_SHAPES = {
    "agency_code": "mã cơ quan",
    "dossier_number": "mã hồ sơ",
    "procedure_code": "mã thủ tục",
    "procedure_reference": "mã thủ tục",
    "personal_id": "số giấy tờ",
    "tax_code": "số giấy tờ",
    "identity_number": "số giấy tờ",
    "document_number": "số ký hiệu",
    "unit_on_date": "mã đơn vị hành chính",
    "health_facility_code": "mã cơ sở khám chữa bệnh",
    "phone_number": "số điện thoại",
}
"""Kind -> the family whose values it accepts; values of two families are never the same."""


@dataclass(frozen=True)
class Contradiction:
    """A rule that cannot be kept beside what else the contract says."""

    rule: str
    what: str
    next_step: str


def found(
    columns: Sequence[Column], rules: Sequence[Rule], reject_threshold: float
) -> Contradiction | None:
    """Return the first contradiction, or None.

    Args:
        columns: The contract's columns.
        rules: Its rules, those that follow from the columns included.
        reject_threshold: Share of refused rows beyond which a batch is held back anyway.
    """
    by_name = {column.name: column for column in columns}
    looks = (
        _constant(rules),
        _dates(by_name, rules),
        _limits(rules, reject_threshold),
        _bounds(by_name, rules),
        _families(rules),
        _listed(columns, rules),
    )
    return next((one for look in looks for one in look), None)


def _constant(rules: Sequence[Rule]) -> Iterator[Contradiction]:
    for rule in rules:
        if rule.kind == "row" and not rule.columns:
            yield Contradiction(
                rule.name,
                f"rule {rule.name} names no column, so it holds for every row or for none",
                "compare columns of this table",
            )


def _dates(columns: dict[str, Column], rules: Sequence[Rule]) -> Iterator[Contradiction]:
    for rule in rules:
        name = rule.expectation.kwargs.get("date_column")
        if name and base_type(columns[name].sql_type) not in {"DATE", "TIMESTAMP"}:
            yield Contradiction(
                rule.name,
                f"rule {rule.name} takes the date from column {name}, which is a "
                f"{columns[name].sql_type}",
                "name a DATE or TIMESTAMP column",
            )


def _limits(rules: Sequence[Rule], reject_threshold: float) -> Iterator[Contradiction]:
    for rule in rules:
        limit = rule.limit
        if limit is None or rule.severity != "error" or not limit.amount:
            continue
        share = limit.amount / 100 if limit.unit == "percent" else 0.0
        if reject_threshold == 0 or share > reject_threshold:
            yield Contradiction(
                rule.name,
                f"rule {rule.name} spares {limit}, but rejectThreshold {reject_threshold:g} holds "
                "the batch back before",
                "lower the limit of the rule, or raise rejectThreshold",
            )


def _bounds(columns: dict[str, Column], rules: Sequence[Rule]) -> Iterator[Contradiction]:
    """Ranges or lengths of one column that no value can keep together, or not at all."""
    for kind in ("range", "length"):
        bounded = [rule for rule in rules if rule.kind == kind]
        for rule in bounded:
            yield from _alone(columns[str(rule.column)], rule)
        for one, other in combinations(bounded, 2):
            if one.column != other.column:
                continue
            for low, high in ((one, other), (other, one)):
                least = low.expectation.kwargs.get("min_value")
                most = high.expectation.kwargs.get("max_value")
                if least is not None and most is not None and least > most:
                    yield Contradiction(
                        other.name,
                        f"no value keeps both {one.name} and {other.name}: at least {least} and "
                        f"at most {most}",
                        "make the two overlap, or keep one of them",
                    )


def _alone(column: Column, rule: Rule) -> Iterator[Contradiction]:
    bounds = rule.expectation.kwargs
    if rule.kind == "length":
        if bounds.get("max_value") == 0:
            yield Contradiction(
                rule.name,
                f"rule {rule.name} wants empty texts, and an empty cell has no value to be judged",
                "give a greater max_value",
            )
        return
    least = bounds.get("min_value")
    if isinstance(least, int | float):
        with staging_table([]) as connection:
            query = f"SELECT TRY_CAST({least!r} AS {column.sql_type}) IS NULL"
            beyond = connection.execute(query).fetchone()
        if beyond and beyond[0]:
            yield Contradiction(
                rule.name,
                f"rule {rule.name} wants at least {least}, more than a {column.sql_type} holds",
                "lower min_value, or give the column a wider type",
            )


def _families(rules: Sequence[Rule]) -> Iterator[Contradiction]:
    shaped = [rule for rule in rules if rule.kind in _SHAPES and rule.severity == "error"]
    for one, other in combinations(shaped, 2):
        if one.column == other.column and _SHAPES[one.kind] != _SHAPES[other.kind]:
            yield Contradiction(
                other.name,
                f"no value keeps both {one.name} and {other.name}: one wants a "
                f"{_SHAPES[one.kind]}, the other a {_SHAPES[other.kind]}",
                "keep the one that the column holds",
            )


def _listed(columns: Sequence[Column], rules: Sequence[Rule]) -> Iterator[Contradiction]:
    """Values that an ``in_set`` lists and another rule of the same column refuses."""
    for rule in rules:
        if rule.kind != "in_set":
            continue
        beside = [
            other
            for other in rules
            if other is not rule
            and other.columns == rule.columns
            and other.reference is None
            and other.kind not in {"required", "type", "unique", "compound", "row"}
        ]
        if not beside:
            continue
        column = next(column for column in columns if column.name == rule.column)
        values: list[Any] = rule.expectation.kwargs["value_set"]
        for other in beside:
            bad = _broken(column, values, other)
            if bad and (other.kind != "in_set" or len(bad) == len(values)):
                yield Contradiction(
                    rule.name,
                    f"rule {rule.name} lists `{bad[0]}`, which {other.name} refuses",
                    "take the value out of the list, or change the other rule",
                )


def _broken(column: Column, values: Sequence[Any], rule: Rule) -> list[Any]:
    """Return the values that break a rule of their column; they are the contract's own."""
    with staging_table([column]) as connection:
        rows = ", ".join(f"({n}, {literal(column, v)})" for n, v in enumerate(values))
        connection.execute(f"INSERT INTO hang (_row, {column.name}) VALUES {rows}")
        broken = connection.execute(f"SELECT _row FROM hang WHERE {rule.violation} ORDER BY _row")
        return [values[number] for (number,) in broken.fetchall()]
