"""The kinds of rule about identifiers that a contract may state: arguments -> predicate.

Data flow: the arguments in a contract -> checked here -> the predicate of :mod:`checks.identifiers`
and the expectation that counts by the same one. :mod:`checks.rules` looks a kind up in
:data:`IDENTIFIER_KINDS` beside the general ones of :mod:`checks.kinds`.

Run it alone: ``python -c "from checks.identifier_kinds import IDENTIFIER_KINDS as k; print(*k)"``.

What does not belong here: the predicates (``identifiers``), Great Expectations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from checks.identifiers import BROKEN, STYLES, UNITS
from checks.kinds import IDENTIFIER, Built, ColumnKind, RuleMistake, referenced
from checks.model import Column, Expectation, Kind, Reference

_SEX = ("male", "female")
_BESIDE = ("province_column", "sex_column", "birth_column")


def _text(column: Column) -> None:
    if not column.is_text:
        raise RuleMistake(
            f"column {column.name} is a {column.sql_type}, which loses leading zeros",
            "make it VARCHAR",
        )


def _prefixes(value: object) -> list[str]:
    if isinstance(value, list) and all(
        isinstance(item, str) and re.fullmatch("[0-9]{3}", item) for item in value
    ):
        return list(value)
    raise RuleMistake("`also` is no list of first three digits", "write ['099']", "also")


def _name(value: object, key: str) -> str:
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise RuleMistake(f"`{value}` is no column", "name a column of this table", key)
    return value


def _words(value: object, key: str) -> list[str]:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return list(value)
    raise RuleMistake(f"`{key}` is no list of texts", "write how the column says it", key)


def _checked(key: str, value: object) -> object:
    """Return an argument as the predicate takes it."""
    if key == "also":
        return _prefixes(value)
    if key in _SEX:
        return _words(value, key)
    if key in {*_BESIDE, "date_column"}:
        return _name(value, key)
    if key == "persons" and not isinstance(value, bool):
        raise RuleMistake("`persons` is neither true nor false", "write true or false", key)
    if key == "style" and value not in STYLES:
        raise RuleMistake(f"unknown style `{value}`", f"use one of {', '.join(STYLES)}", key)
    return value


def _kind(
    kind: Kind,
    *allowed: str,
    needed: frozenset[str] = frozenset(),
    looks_up: bool = False,
    warns_only: bool = False,
) -> ColumnKind:
    """Make a kind whose predicate is the one of that name in :data:`identifiers.BROKEN`."""
    expectation = f"expect_column_values_to_be_{kind}"

    def build(column: Column, arguments: Mapping[str, Any], lake: str) -> Built:
        _text(column)
        kwargs = {key: _checked(key, value) for key, value in arguments.items()}
        beside = tuple(str(kwargs[k]) for k in (*_BESIDE, "date_column") if k in kwargs)
        if warns_only and not beside:
            raise RuleMistake("nothing to compare with", f"give one of {', '.join(_BESIDE)}")
        reference: Reference | None = None
        if looks_up:
            kwargs.setdefault("table", UNITS)
            kwargs.setdefault("column", "ma_don_vi")
            reference = referenced(kwargs, lake)
            del kwargs["table"], kwargs["column"]
            kwargs["reference_table"] = reference.table
            if "date_column" not in kwargs:
                kwargs["reference_column"] = reference.column
        return Built(
            BROKEN[kind](column.name, **kwargs),
            Expectation(expectation, {"column": column.name, **kwargs}),
            reference,
            beside,
        )

    return ColumnKind(kind, expectation, needed, frozenset(allowed), build, warns_only=warns_only)


IDENTIFIER_KINDS: dict[str, ColumnKind] = {
    kind.kind: kind
    for kind in (
        _kind("agency_code"),
        _kind("dossier_number"),
        _kind("procedure_code"),
        _kind("procedure_reference", needed=frozenset({"table", "column"}), looks_up=True),
        _kind("personal_id", "also"),
        _kind("personal_id_agrees", *_BESIDE, *_SEX, warns_only=True),
        _kind("tax_code", "also", "persons"),
        _kind("identity_number", "also"),
        _kind("document_number", "style"),
        _kind("unit_on_date", "table", needed=frozenset({"date_column"}), looks_up=True),
        _kind("health_facility_code"),
        _kind("phone_number"),
    )
}
"""Name of the rule in a property's ``quality`` -> what it is."""
