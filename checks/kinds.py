"""The kinds of rule a contract may state for one column: pattern, in_set, range, length, reference.

Data flow: :mod:`checks.rules` looks a kind up in :data:`GENERAL_KINDS`, checks the arguments'
names against it and calls ``build`` -> SQL predicate and Great Expectations expectation. The
names in a predicate are bare (it stands in queries over the one staging table) and come from
patterns that the loader has checked; values are written as literals, typed as the column.

Run it alone: ``python -c "from checks.kinds import GENERAL_KINDS; print(*GENERAL_KINDS)"``.

What does not belong here: identifiers (``identifier_kinds``), rules that follow from the columns
themselves, and row rules (``rules``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from checks.forms import base_type
from checks.model import Column, Expectation, Kind, Reference

REFERENCED = "expect_column_values_to_be_in_reference"
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


class Built(NamedTuple):
    """What a rule of a contract comes to."""

    violation: str
    expectation: Expectation
    reference: Reference | None = None
    beside: tuple[str, ...] = ()
    """Other columns of the table that it looks at."""


NUMBERS = {"SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL"}


class RuleMistake(ValueError):  # noqa: N818 - the loader turns it into a ConfigurationError
    """A rule that cannot be built.

    Args:
        what: What is wrong with it.
        next_step: How to write it instead.
        key: The argument at fault, which gives the line.
    """

    def __init__(self, what: str, next_step: str, key: str = "") -> None:
        """Keep the parts for the loader, which knows the line."""
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.key = key


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _value(column: Column, value: object, key: str) -> tuple[str, object]:
    """Return a value of the contract as SQL literal and as GX argument, typed as the column."""
    kind = base_type(column.sql_type)
    if kind == "VARCHAR" and isinstance(value, str):
        return _quoted(value), value
    if kind in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value), value
    if kind == "BOOLEAN" and isinstance(value, bool):
        return str(value).upper(), value
    if kind in {"DATE", "TIMESTAMP"}:
        try:
            moment = value if isinstance(value, date) else datetime.fromisoformat(str(value))
        except ValueError:
            moment = None
        if kind == "DATE" and moment is not None:
            day = moment.date() if isinstance(moment, datetime) else moment
            return f"DATE '{day.isoformat()}'", day
        if moment is not None and getattr(moment, "tzinfo", None) is None:
            at = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
            return f"TIMESTAMP '{at.isoformat(sep=' ')}'", at
    remedy = "quote it in the YAML" if kind == "VARCHAR" else f"write a {kind} value"
    raise RuleMistake(f"`{value}` is no value for column {column.name} ({kind})", remedy, key)


def literal(column: Column, value: object) -> str:
    """Return a value of the contract as an SQL literal of the column's type."""
    return _value(column, value, "")[0]


def _bounds(column: Column, arguments: Mapping[str, Any]) -> dict[str, tuple[str, object]]:
    """Return the bounds given, at least one, in order."""
    found = {
        key: _value(column, arguments[key], key)
        for key in ("min_value", "max_value")
        if arguments.get(key) is not None
    }
    if not found:
        raise RuleMistake("a range without bounds", "give min_value, max_value or both")
    low, high = found.get("min_value"), found.get("max_value")
    if low and high and low[1] > high[1]:  # type: ignore[operator]  # _value made them of one type
        raise RuleMistake("min_value is greater than max_value", "swap them", "min_value")
    return found


def _outside(expression: str, bounds: Mapping[str, tuple[str, object]]) -> str:
    signs = {"min_value": "<", "max_value": ">"}
    tests = " OR ".join(f"{expression} {signs[key]} {sql}" for key, (sql, _) in bounds.items())
    return f"coalesce({tests}, FALSE)"


def _pattern(column: Column, arguments: Mapping[str, Any], _lake: str) -> Built:
    if not isinstance(regex := arguments["regex"], str) or not column.is_text:
        raise RuleMistake("a pattern is text for a VARCHAR column", "give regex as text", "regex")
    return Built(
        f"coalesce(NOT regexp_matches({column.name}, {_quoted(regex)}), FALSE)",
        Expectation(_PATTERN.expectation, {"column": column.name, "regex": regex}),
    )


def _in_set(column: Column, arguments: Mapping[str, Any], _lake: str) -> Built:
    if not isinstance(values := arguments["value_set"], list) or not values:
        raise RuleMistake("value_set is no list of values", "list the values", "value_set")
    pairs = [_value(column, value, "value_set") for value in values]
    return Built(
        f"coalesce({column.name} NOT IN ({', '.join(sql for sql, _ in pairs)}), FALSE)",
        Expectation(
            _IN_SET.expectation,
            {"column": column.name, "value_set": [value for _, value in pairs]},
        ),
    )


def _range(column: Column, arguments: Mapping[str, Any], _lake: str) -> Built:
    if base_type(column.sql_type) not in NUMBERS | {"DATE", "TIMESTAMP"}:
        raise RuleMistake(
            f"a range on column {column.name}, which has no order", "use in_set or length"
        )
    bounds = _bounds(column, arguments)
    kwargs = {key: value for key, (_, value) in bounds.items()}
    return Built(
        _outside(column.name, bounds),
        Expectation(_RANGE.expectation, {"column": column.name, **kwargs}),
    )


def _length(column: Column, arguments: Mapping[str, Any], _lake: str) -> Built:
    if not column.is_text:
        raise RuleMistake(f"a length on column {column.name}, which is no text", "use range")
    for key, value in arguments.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise RuleMistake(f"`{key}` is no length", "give a number of characters", key)
    bounds = _bounds(replace(column, sql_type="BIGINT"), arguments)
    kwargs = {key: value for key, (_, value) in bounds.items()}
    return Built(
        _outside(f"length({column.name})", bounds),
        Expectation(_LENGTH.expectation, {"column": column.name, **kwargs}),
    )


def referenced(arguments: Mapping[str, Any], lake: str) -> Reference:
    """Return the column that ``table`` and ``column`` name, or raise :class:`RuleMistake`."""
    table, target = str(arguments["table"]), str(arguments["column"])
    if not re.fullmatch(rf"{IDENTIFIER.pattern}\.{IDENTIFIER.pattern}", table):
        raise RuleMistake(f"`{table}` is no table", "write schema.table", "table")
    if not IDENTIFIER.fullmatch(target):
        raise RuleMistake(f"`{target}` is no column", "use a-z, 0-9 and _", "column")
    return Reference(f"{lake}.{table}", target)


def _reference(column: Column, arguments: Mapping[str, Any], lake: str) -> Built:
    reference = referenced(arguments, lake)
    target = reference.column
    known = f"SELECT ref.{target} FROM {reference.table} AS ref WHERE ref.{target} IS NOT NULL"
    # IN, not EXISTS: inside EXISTS a bare name would mean the other table's column of that name.
    return Built(
        f"({column.name} IS NOT NULL AND {column.name} NOT IN ({known}))",
        Expectation(
            REFERENCED,
            {"column": column.name, "reference_table": reference.table, "reference_column": target},
        ),
        reference,
    )


@dataclass(frozen=True)
class ColumnKind:
    """A kind of rule that a contract may state for a column."""

    kind: Kind
    expectation: str
    needed: frozenset[str]
    allowed: frozenset[str]
    build: Callable[[Column, Mapping[str, Any], str], Built]
    warns_only: bool = False
    """Whether a contract may not refuse rows for it."""


_BOUNDS = frozenset({"min_value", "max_value"})
_PATTERN = ColumnKind(
    "pattern", "expect_column_values_to_match_regex", frozenset({"regex"}), frozenset(), _pattern
)
_IN_SET = ColumnKind(
    "in_set", "expect_column_values_to_be_in_set", frozenset({"value_set"}), frozenset(), _in_set
)
_RANGE = ColumnKind("range", "expect_column_values_to_be_between", frozenset(), _BOUNDS, _range)
_LENGTH = ColumnKind(
    "length", "expect_column_value_lengths_to_be_between", frozenset(), _BOUNDS, _length
)
_REFERENCE = ColumnKind(
    "reference", REFERENCED, frozenset({"table", "column"}), frozenset(), _reference
)
GENERAL_KINDS: dict[str, ColumnKind] = {
    k.kind: k for k in (_PATTERN, _IN_SET, _RANGE, _LENGTH, _REFERENCE)
}
"""Name of the rule in a property's ``quality`` -> what it is. A new kind is one more line."""
