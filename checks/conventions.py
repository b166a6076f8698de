"""This project's conventions inside a contract: columns, custom properties, quality entries.

Data flow: :mod:`checks.contract` hands each part of the standard's models here with its path
in the file -> :class:`Column` and :class:`Rule`, or a ConfigurationError with that path's line.

Run it alone: ``python -m checks.contract assets/contracts/ho_so.odcs.yaml`` (it needs a file).

What does not belong here: what concerns the table as a whole (``contract``), predicates
(``rules``, ``kinds``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar, cast

from open_data_contract_standard.model import CustomProperty, DataQuality, SchemaProperty

from checks.batch_rules import BATCH_KINDS, batch_rule
from checks.forms import DEFAULT_FORMS, FORMS, LOGICAL_TYPES, base_type, fits, is_sql_type
from checks.kinds import IDENTIFIER, RuleMistake
from checks.model import (
    DIMENSIONS,
    BatchRule,
    Column,
    Dimension,
    Limit,
    Rule,
    Severity,
)
from checks.odcs import Document, Where
from checks.rules import COLUMN_KINDS, COMPOUND, ROW, compound, of_column, row

_Rule = TypeVar("_Rule", Rule, BatchRule)
_WHOLE = 100
_ENGINE = "greatExpectations"
_UNUSED = {
    "unique": "make it the primaryKey",
    "logicalTypeOptions": "state a pattern, length or range rule in quality",
    "enum": "state an in_set rule in quality",
    "relationships": "state a reference rule in quality",
    "properties": "a shared table has flat columns: add one per value, or form json",
    "items": "a shared table has flat columns: use form json",
    "map": "a shared table has flat columns: use form json",
    "physicalName": "the name is the column's name",
}
"""Keys of the standard that would promise something the hub does not do, and what does it."""
_OTHER_LIMITS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan",
    "mustBeBetween", "mustNotBeBetween", "metric", "query", "rule", "arguments",
)  # fmt: skip
Stated = list[tuple[Rule | BatchRule, Where]]
"""Rules with the path of the main argument of each."""


def text(document: Document, at: Where, value: object, next_step: str) -> str:
    """Return a text that must be there and say something."""
    if not isinstance(value, str) or not value.strip():
        raise document.mistake(at, f"`{at[-1]}` is missing or empty", next_step)
    return " ".join(value.split())


def identifier(document: Document, at: Where, value: object) -> str:
    """Return a name that is safe in SQL as it stands."""
    name = text(document, at, value, "name it in unaccented snake_case, as ma_ho_so")
    if not IDENTIFIER.fullmatch(name) or name.endswith("__raw"):
        raise document.mistake(
            at,
            f"`{name}` is no name for a column or table",
            "use a-z, 0-9 and _, starting with a letter and not ending in __raw",
        )
    return name


def custom(
    document: Document, at: Where, items: list[CustomProperty] | None, allowed: Collection[str]
) -> dict[str, tuple[Any, Where]]:
    """Return custom properties by name with the path of each value; unknown ones are mistakes."""
    found: dict[str, tuple[Any, Where]] = {}
    for position, item in enumerate(items or ()):
        place = (*at, "customProperties", position)
        name = item.property or ""
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise document.mistake(
                (*place, "property"), f"unknown custom property `{name}`", f"known here: {known}"
            )
        if name in found:
            raise document.mistake(place, f"`{name}` is given twice", "keep one of them")
        found[name] = (item.value, (*place, "value"))
    return found


def column_of(document: Document, at: Where, item: SchemaProperty) -> Column:
    """Return one column."""
    for key, remedy in _UNUSED.items():
        if getattr(item, key) not in (None, False):
            raise document.mistake((*at, key), f"`{key}` has no effect here", remedy)
    name = identifier(document, (*at, "name"), item.name)
    sql_type = _type(document, at, name, item)
    if item.primaryKey and not item.required:
        raise document.mistake(
            (*at, "primaryKey"), f"key column {name} is not required", "add `required: true`"
        )
    classification = item.classification or "none"
    if classification not in {"none", "basic", "sensitive"}:
        raise document.mistake(
            (*at, "classification"),
            f"unknown classification `{classification}`",
            "use none, basic or sensitive",
        )
    return Column(
        name=name,
        label=text(
            document, (*at, "businessName"), item.businessName, "give the label in Vietnamese"
        ),
        description=text(
            document, (*at, "description"), item.description, "say what the column holds"
        ),
        sql_type=sql_type,
        form=_form(document, at, item, sql_type),
        required=bool(item.required),
        classification=cast("Literal['none', 'basic', 'sensitive']", classification),
        key=bool(item.primaryKey),
    )


def _type(document: Document, at: Where, name: str, item: SchemaProperty) -> str:
    place = (*at, "physicalType")
    types = ", ".join(LOGICAL_TYPES).replace("DECIMAL", "DECIMAL(18,2)")
    sql_type = text(document, place, item.physicalType, f"give column {name} one of {types}")
    if not is_sql_type(sql_type):
        raise document.mistake(place, f"unknown type `{sql_type}`", f"use one of {types}")
    logical = LOGICAL_TYPES[base_type(sql_type)]
    if item.logicalType not in logical:  # the standard asks for both
        given = item.logicalType or "missing"
        raise document.mistake(
            (*at, "logicalType"),
            f"logicalType is {given} beside physicalType {sql_type}",
            f"write {' or '.join(sorted(logical))}, or change the physicalType",
        )
    return sql_type


def _form(document: Document, at: Where, item: SchemaProperty, sql_type: str) -> str:
    given = custom(document, at, item.customProperties, {"form"})
    form, place = given.get("form", (DEFAULT_FORMS.get(sql_type), (*at, "physicalType")))
    if form is None:
        raise document.mistake(
            place,
            f"a number column ({sql_type}) without `form`",
            "say so_nguyen or so_thap_phan (Vietnamese writing) or so_may (machine writing)",
        )
    if form not in FORMS:
        raise document.mistake(place, f"unknown form `{form}`", f"use one of {', '.join(FORMS)}")
    if not fits(form, sql_type):
        raise document.mistake(
            place, f"form {form} does not give a {sql_type}", "change the form or the physicalType"
        )
    return str(form)


@dataclass(frozen=True)
class _Stated:
    """A quality entry whose common parts have been checked."""

    name: str
    dimension: Dimension
    severity: Severity
    reason: str
    implementation: str
    arguments: Mapping[str, Any]
    limit: Limit | None

    @property
    def common(self) -> dict[str, Any]:
        """Return what every builder takes besides the arguments."""
        return {"dimension": self.dimension, "severity": self.severity, "reason": self.reason}


def _stated(document: Document, at: Where, entry: DataQuality) -> _Stated:
    if entry.type != "custom" or entry.engine != _ENGINE:
        raise document.mistake(
            at, "a quality entry of another type or engine", f"use type custom, engine {_ENGINE}"
        )
    if entry.dimension not in DIMENSIONS:
        raise document.mistake(
            (*at, "dimension"),
            f"unknown dimension `{entry.dimension}`",
            f"use one of {', '.join(DIMENSIONS)}",
        )
    if entry.severity not in {"error", "warn"}:
        raise document.mistake(
            (*at, "severity"), f"unknown severity `{entry.severity}`", "use error or warn"
        )
    place = (*at, "implementation")
    given = entry.implementation
    if not isinstance(given, dict) or not isinstance(given.get("kwargs"), dict):
        raise document.mistake(place, "an implementation without kwargs", "write {type, kwargs}")
    if unknown := sorted(str(key) for key in given if key not in {"type", "kwargs"}):
        raise document.mistake((*place, unknown[0]), f"unknown key `{unknown[0]}`", "remove it")
    return _Stated(
        name=text(document, (*at, "name"), entry.name, "name the rule"),
        dimension=DIMENSIONS[entry.dimension],
        severity=cast("Severity", entry.severity),
        reason=text(
            document, (*at, "description"), entry.description, "give the reason in Vietnamese"
        ),
        implementation=str(given.get("type")),
        arguments=given["kwargs"],
        limit=_limit(document, at, entry),
    )


def _limit(document: Document, at: Where, entry: DataQuality) -> Limit | None:
    """Return how many rows may break the rule: ``mustBeLessOrEqualTo`` in a ``unit``."""
    for key in _OTHER_LIMITS:
        if getattr(entry, key) is not None:
            raise document.mistake(
                (*at, key), f"`{key}` has no effect here", "write mustBeLessOrEqualTo and unit"
            )
    amount = entry.mustBeLessOrEqualTo
    if amount is None:
        if entry.unit is not None:
            raise document.mistake(
                (*at, "unit"), "a unit without a limit", "add mustBeLessOrEqualTo, or remove it"
            )
        return None
    unit = entry.unit or "rows"  # as the standard says
    if unit not in {"rows", "percent"}:
        raise document.mistake((*at, "unit"), f"unknown unit `{unit}`", "use rows or percent")
    place = (*at, "mustBeLessOrEqualTo")
    if isinstance(amount, bool) or amount < 0 or (unit == "percent" and amount > _WHOLE):
        raise document.mistake(place, f"a limit of {amount} {unit}", "0 or more; percent up to 100")
    return Limit(float(amount), cast("Literal['rows', 'percent']", unit))


def _of_type(document: Document, at: Where, stated: _Stated, expected: str) -> None:
    if stated.implementation != expected:
        raise document.mistake(
            (*at, "implementation", "type"),
            f"rule {stated.name} with implementation type `{stated.implementation}`",
            f"write {expected}",
        )


def _argued(document: Document, kwargs: Where, build: Callable[[], _Rule]) -> _Rule:
    """Build a rule; a mistake in its arguments gets the line of the argument."""
    try:
        return build()
    except RuleMistake as mistake:
        where = (*kwargs, mistake.key) if mistake.key else kwargs
        raise document.mistake(where, mistake.what, mistake.next_step) from mistake


def _of_batch(document: Document, at: Where, stated: _Stated, column: Column | None) -> BatchRule:
    _of_type(document, at, stated, BATCH_KINDS[stated.name].expectation)
    if stated.limit is not None:
        raise document.mistake(
            (*at, "mustBeLessOrEqualTo"),
            f"rule {stated.name} is about the batch, not about its rows",
            "remove the limit; the bounds stand in kwargs",
        )
    return _argued(
        document,
        (*at, "implementation", "kwargs"),
        lambda: batch_rule(column, stated.name, stated.arguments, **stated.common),
    )


def column_rules(
    document: Document, at: Where, item: SchemaProperty, column: Column, lake: str
) -> Stated:
    """Return the rules stated for a column, each with the path of its main argument."""
    rules: Stated = []
    batch = [name for name, kind in BATCH_KINDS.items() if kind.of_column]
    for position, entry in enumerate(item.quality or ()):
        place = (*at, "quality", position)
        stated = _stated(document, place, entry)
        kwargs = (*place, "implementation", "kwargs")
        main = (*kwargs, *list(stated.arguments)[:1])
        if stated.name in batch:
            rules.append((_of_batch(document, place, stated, column), main))
            continue
        kind, _, suffix = stated.name.partition(".")
        if kind not in COLUMN_KINDS or ("." in stated.name and not IDENTIFIER.fullmatch(suffix)):
            raise document.mistake(
                (*place, "name"),
                f"unknown rule `{stated.name}` for a column",
                f"use one of {', '.join([*COLUMN_KINDS, *batch])}, with a suffix (pattern.moi) if "
                "need be",
            )
        _of_type(document, place, stated, COLUMN_KINDS[kind].expectation)
        build = partial(
            of_column, column, stated.name, stated.arguments,
            lake=lake, limit=stated.limit, **stated.common,
        )  # fmt: skip
        rules.append((_argued(document, kwargs, build), main))
    return rules


def table_rules(
    document: Document, at: Where, entries: list[DataQuality] | None, columns: tuple[Column, ...]
) -> Stated:
    """Return the rules stated for the table, each with the path of its main argument."""
    rules: Stated = []
    for position, entry in enumerate(entries or ()):
        place = (*at, "quality", position)
        stated = _stated(document, place, entry)
        kwargs = (*place, "implementation", "kwargs")
        kind, _, name = stated.name.partition(".")
        if stated.name == "volume":
            main = (*kwargs, *list(stated.arguments)[:1])
            rules.append((_of_batch(document, place, stated, None), main))
        elif kind in _OF_TABLE and IDENTIFIER.fullmatch(name):
            argument, expectation, build = _OF_TABLE[kind]
            _of_type(document, place, stated, expectation)
            if set(stated.arguments) != {argument}:
                raise document.mistake(
                    kwargs, f"rule {stated.name} takes exactly one argument", f"give `{argument}`"
                )
            at_argument = (*kwargs, argument)
            rules.append((build(document, at_argument, stated, columns), at_argument))
        else:
            raise document.mistake(
                (*place, "name"),
                f"unknown rule `{stated.name}` for a table",
                "name it row.<name>, unique.<name> or volume; rules of one column stand under "
                "that column",
            )
    return rules


def _row(document: Document, at: Where, stated: _Stated, columns: tuple[Column, ...]) -> Rule:
    condition = text(document, at, stated.arguments["condition"], "write SQL")
    return row(stated.name, condition, columns=columns, limit=stated.limit, **stated.common)


def _compound(document: Document, at: Where, stated: _Stated, columns: tuple[Column, ...]) -> Rule:
    known = {column.name: column for column in columns}
    names = stated.arguments["columns"]
    if not isinstance(names, list) or not names or not all(name in known for name in names):
        raise document.mistake(at, f"`{names}` are no columns of this table", "list columns of it")
    if len(set(names)) < len(names):
        raise document.mistake(at, "a column stands twice in the list", "name each once")
    key = [column for column in columns if column.key]
    if {column.name for column in key} <= set(names):
        raise document.mistake(
            at, f"rule {stated.name} holds always: it contains the key", "remove it"
        )
    return compound(
        stated.name, [known[name] for name in names], key, limit=stated.limit, **stated.common
    )


_OF_TABLE = {"row": ("condition", ROW, _row), "unique": ("columns", COMPOUND, _compound)}
"""Kind of a table's rule -> its one argument, its expectation, what builds it."""
