"""Loads a contract: an ODCS 3.1 file under this project's conventions -> :class:`Contract`.

Data flow: ``assets/contracts/<name>.odcs.yaml`` -> :mod:`checks.odcs` (the standard's models
and line numbers) -> conventions checked here -> columns and rules -> :mod:`checks.proof` runs
every predicate once on an empty table of the contract's shape, :mod:`checks.contradictions` looks
for rules that exclude each other -> :class:`Contract`. Every mistake is one
:class:`~hub.errors.ConfigurationError` that names file and line and says what to write instead.

Conventions, one table per contract:

- ``schema[0]``: ``name``, ``physicalName`` (``<schema>.<name>``), ``description``;
  ``customProperties`` ``phanLoai`` (mo, dung_chung, dung_rieng; may be left out in schemas of
  these names), ``rejectThreshold``, ``shrinkShare``, ``shrinkRows``, ``fewestRows``,
  ``versionColumn``, ``partitionBy``, ``historyDays``, ``driftNew``, ``driftMissing``,
  ``publish``, ``freshnessHours`` (or the SLA property ``latency``); ``quality``: ``row.<x>`` (a
  ``condition`` that is true for a good row), ``unique.<x>`` (``columns``), ``volume``.
- each property: ``name``, ``businessName`` (Vietnamese label), ``description``,
  ``physicalType``, ``logicalType``; ``required``, ``primaryKey`` (needs ``required``),
  ``classification`` (none, basic, sensitive), custom property ``form``; ``quality``: rules
  named as in ``rules.COLUMN_KINDS``, with a suffix (``pattern.dang_cu``) when one column has two
  of a kind, or as in ``batch_rules.BATCH_KINDS``.
- each rule: ``type: custom``, ``engine: greatExpectations``, ``dimension``, ``severity``
  (error, warn), ``description`` (the reason told to the agency, in Vietnamese),
  ``implementation: {type, kwargs}``; perhaps a limit, ``mustBeLessOrEqualTo`` with ``unit``
  (rows, percent).

Run it alone: ``python -m checks.contract assets/contracts/ho_so.odcs.yaml`` lists columns and
predicates, or the first mistake.

What does not belong here: running rules on data, Great Expectations, the warehouse's DDL.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Literal, cast

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, Team

from checks.contradictions import found
from checks.conventions import (
    Stated,
    column_of,
    column_rules,
    custom,
    identifier,
    table_rules,
    text,
)
from checks.forms import base_type
from checks.model import BatchRule, Column, Contract, Expectation, Reference, Rule, ShrinkGuard
from checks.odcs import Document, Where
from checks.proof import refused, unusable_names
from checks.rules import required, typed, unique
from hub.errors import HubError

__all__ = [
    "Column",
    "Contract",
    "Expectation",
    "Reference",
    "Rule",
    "ShrinkGuard",
    "load_contract",
]

_SCHEMAS = ("dung_chung", "mo", "dung_rieng", "danh_muc", "chi_so")
_AUDIENCES = ("mo", "dung_chung", "dung_rieng")
_HOURS = {"h": 1, "hour": 1, "hours": 1, "d": 24, "day": 24, "days": 24}
_DEFAULTS = {"rejectThreshold": 0.1, "shrinkShare": 0.2, "shrinkRows": 50, "fewestRows": 0}
_DRIFT = {"driftNew": ("report", "ignore", "refuse"), "driftMissing": ("warn", "block")}
"""Property -> what it may say; the first is meant where it is not there. There is no `add`: of a
column without label, form and classification nobody could say who may see it."""
_OPTIONS = {
    "phanLoai", "versionColumn", "freshnessHours", "partitionBy", "historyDays", "publish",
    *_DEFAULTS, *_DRIFT,
}  # fmt: skip
_Audience = Literal["mo", "dung_chung", "dung_rieng"]


def load_contract(path: Path | str, *, lake: str = "lake") -> Contract:
    """Read, check and prove one contract.

    Args:
        path: The file, ``assets/contracts/<name>.odcs.yaml``.
        lake: Name under which the warehouse is attached; reference rules look tables up there.

    Returns:
        The contract.

    Raises:
        ConfigurationError: Anything in the file is wrong; ``where`` is ``file:line``.
    """
    document = Document(Path(path))
    odcs = document.odcs
    _header(document, odcs)
    if not odcs.schema_ or len(odcs.schema_) != 1:
        raise document.mistake(("schema",), "not exactly one table", "write one file per table")
    at: Where = ("schema", 0)
    table = odcs.schema_[0]
    schema, name = _table_name(document, at, table)
    columns, stated = _columns(document, at, table, lake)
    stated += table_rules(document, at, table.quality, columns)
    key = tuple(column.name for column in columns if column.key)
    options = custom(document, at, table.customProperties, _OPTIONS)
    reject_threshold = _number(document, options, "rejectThreshold", most=1)
    audience = _audience(document, at, schema, options.get("phanLoai"))
    return Contract(
        id=text(document, ("id",), odcs.id, "give the contract an id"),
        version=text(document, ("version",), odcs.version, "give the contract a version"),
        name=name,
        table=f"{schema}.{name}",
        schema=schema,
        title=text(document, ("name",), odcs.name, "give the contract a title in Vietnamese"),
        description=text(document, (*at, "description"), table.description, "say what one row is"),
        owner=_owner(document, odcs),
        classification=audience,
        columns=columns,
        key=key,
        rules=_rules(document, columns, stated, reject_threshold),
        batch_rules=tuple(rule for rule, _ in stated if isinstance(rule, BatchRule)),
        reject_threshold=reject_threshold,
        shrink=ShrinkGuard(
            share=_number(document, options, "shrinkShare", most=1),
            rows=int(_number(document, options, "shrinkRows")),
        ),
        fewest_rows=int(_number(document, options, "fewestRows")),
        freshness_hours=_freshness(document, odcs, options.get("freshnessHours")),
        version_column=_version_column(document, columns, options.get("versionColumn")),
        partition_by=_partitions(document, columns, options.get("partitionBy")),
        path=document.path,
        history_days=(
            _number(document, options, "historyDays") if "historyDays" in options else None
        ),
        drift_new=cast("Any", _choice(document, options, "driftNew")),
        drift_missing=cast("Any", _choice(document, options, "driftMissing")),
        published=_published(document, audience, options.get("publish")),
    )


def _header(document: Document, odcs: OpenDataContractStandard) -> None:
    if odcs.kind != "DataContract":
        raise document.mistake(("kind",), f"kind is `{odcs.kind}`", "write `kind: DataContract`")
    if not re.fullmatch(r"v3\.1\.\d+", odcs.apiVersion or ""):
        raise document.mistake(
            ("apiVersion",),
            f"apiVersion is `{odcs.apiVersion}`",
            "write `apiVersion: v3.1.0`, the standard this hub reads",
        )


def _table_name(document: Document, at: Where, table: SchemaObject) -> tuple[str, str]:
    name = identifier(document, (*at, "name"), table.name)
    place = (*at, "physicalName")
    whole = text(document, place, table.physicalName, f"write <schema>.{name}")
    schema, _, rest = whole.partition(".")
    if schema not in _SCHEMAS:
        raise document.mistake(
            place, f"unknown schema `{schema}`", f"use one of {', '.join(_SCHEMAS)}"
        )
    if rest != name:
        raise document.mistake(
            place, f"table `{whole}` is not called as the schema entry", f"write {schema}.{name}"
        )
    return schema, name


def _columns(
    document: Document, at: Where, table: SchemaObject, lake: str
) -> tuple[tuple[Column, ...], Stated]:
    """Return the columns and the rules stated under them."""
    columns: dict[str, Column] = {}
    stated: Stated = []
    places: dict[str, Where] = {}
    for position, item in enumerate(table.properties or ()):
        place = (*at, "properties", position)
        column = column_of(document, place, item)
        if column.name in columns:
            raise document.mistake(
                (*place, "name"), f"column {column.name} stands twice", "keep one of them"
            )
        columns[column.name] = column
        places[column.name] = place
        stated += column_rules(document, place, item, column, lake)
    if not any(column.key for column in columns.values()):
        raise document.mistake(
            (*at, "properties"),
            "no column is the key",
            "mark the columns that tell rows apart with `primaryKey: true` and `required: true`",
        )
    if taken := unusable_names(columns):
        raise document.mistake(
            (*places[taken[0]], "name"), f"`{taken[0]}` is a word of SQL", "name it more fully"
        )
    return tuple(columns.values()), stated


def _rules(
    document: Document, columns: tuple[Column, ...], stated: Stated, reject_threshold: float
) -> tuple[Rule, ...]:
    """Join derived and stated rules, column by column; prove their SQL and that they agree."""
    places: dict[str, Where] = {}
    for rule, place in stated:
        if rule.name in places:
            raise document.mistake(
                place, f"rule {rule.name} stands twice", "give the second one a name of its own"
            )
        places[rule.name] = place
    names = {column.name for column in columns}
    given = [rule for rule, _ in stated if isinstance(rule, Rule)]
    for rule in given:
        if unknown := [name for name in rule.columns if name not in names]:
            raise document.mistake(
                places[rule.name],
                f"rule {rule.name} names `{unknown[0]}`, which is no column of this table",
                "name a column of it",
            )
    rules: list[Rule] = []
    for column in columns:
        rules += [required(column)] if column.required else []
        rules += [typed(column)]
        rules += [rule for rule in given if rule.column == column.name]
    rules += [rule for rule in given if rule.column is None]
    rules += [unique(tuple(column for column in columns if column.key))]
    if bad := refused(columns, rules):
        rule, reason = bad
        raise document.mistake(
            places.get(rule.name, ()),
            f"rule {rule.name} is not SQL for this table: {reason}",
            "mend it; patterns are RE2, conditions are one DuckDB expression over the columns",
        )
    if contradiction := found(columns, rules, reject_threshold):
        raise document.mistake(
            places.get(contradiction.rule, ()), contradiction.what, contradiction.next_step
        )
    return tuple(rules)


def _owner(document: Document, odcs: OpenDataContractStandard) -> str:
    if not isinstance(odcs.team, Team):
        raise document.mistake(
            ("team",), "no team answers for the data", "write `team: {name: ...}`"
        )
    return text(document, ("team", "name"), odcs.team.name, "name the team")


def _audience(
    document: Document, at: Where, schema: str, given: tuple[Any, Where] | None
) -> _Audience:
    value, place = given or (schema, (*at, "physicalName"))
    if value not in _AUDIENCES:
        raise document.mistake(
            place,
            f"phanLoai `{value}` says not who may see the table",
            f"add the custom property phanLoai: {', '.join(_AUDIENCES)}",
        )
    if schema in _AUDIENCES and value != schema:
        raise document.mistake(
            place, f"phanLoai {value} contradicts schema {schema}", "change one of the two"
        )
    return cast("_Audience", value)


def _published(document: Document, audience: _Audience, given: tuple[Any, Where] | None) -> bool:
    """Return whether agencies get the table as files; what only its owner may see never is."""
    private = audience == "dung_rieng"
    if given is None:
        return not private
    value, place = given
    if not isinstance(value, bool):
        raise document.mistake(place, f"publish is `{value}`", "write true or false")
    if value and private:
        raise document.mistake(
            place, "publish true contradicts phanLoai dung_rieng", "change one of the two"
        )
    return value


def _number(
    document: Document,
    options: dict[str, tuple[Any, Where]],
    name: str,
    most: float = float("inf"),
) -> float:
    value, place = options.get(name, (_DEFAULTS.get(name), ()))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        limit = f"from 0 to {most:g}" if most != float("inf") else "of at least 0"
        raise document.mistake(place, f"{name} is `{value}`", f"write a number {limit}")
    return value


def _choice(document: Document, options: dict[str, tuple[Any, Where]], name: str) -> str:
    known = _DRIFT[name]
    value, place = options.get(name, (known[0], ()))
    if value not in known:
        raise document.mistake(place, f"{name} is `{value}`", f"write {' or '.join(known)}")
    return str(value)


def _freshness(
    document: Document, odcs: OpenDataContractStandard, given: tuple[Any, Where] | None
) -> float | None:
    """Return the hours after which the data counts as stale, if the contract says."""
    hours = _number(document, {"freshnessHours": given}, "freshnessHours") if given else None
    for position, sla in enumerate(odcs.slaProperties or ()):
        if sla.property != "latency":
            continue
        place: Where = ("slaProperties", position)
        if sla.unit not in _HOURS:
            raise document.mistake(
                (*place, "unit"), f"latency in `{sla.unit}`", "give it in h (hours) or d (days)"
            )
        latency = _number(document, {"latency": (sla.value, (*place, "value"))}, "latency")
        if hours is not None:
            raise document.mistake(
                place, "the freshness deadline stands twice", "keep latency or freshnessHours"
            )
        hours = latency * _HOURS[sla.unit]
    return hours


def _version_column(
    document: Document, columns: tuple[Column, ...], given: tuple[Any, Where] | None
) -> str | None:
    """Return the column that orders the versions of a row, if the contract names one."""
    if given is None:
        return None
    value, place = given
    column = {column.name: column for column in columns}.get(value)
    if column is None:
        raise document.mistake(place, f"versionColumn `{value}` is no column", "name a column")
    if column.key or base_type(column.sql_type) in {"VARCHAR", "BOOLEAN", "JSON"}:
        raise document.mistake(
            place,
            f"versionColumn {value} cannot tell which version is newer",
            "name a DATE, TIMESTAMP or number column outside the key",
        )
    return column.name


def _partitions(
    document: Document, columns: tuple[Column, ...], given: tuple[Any, Where] | None
) -> tuple[str, ...]:
    """Return what the table's files are divided by: columns, or year or month of a date."""
    if given is None:
        return ()
    value, place = given
    if not isinstance(value, list) or not value:
        raise document.mistake(place, "partitionBy is no list", "write [year(ngay), ma_xa]")
    by_name = {column.name: column for column in columns}
    for item in value:
        found = re.fullmatch(r"(?:(year|month)\((\w+)\)|(\w+))", str(item))
        column = by_name.get(found[2] or found[3]) if found else None
        if found is None or column is None:
            raise document.mistake(
                place,
                f"partitionBy `{item}` is no column",
                "name a column, year(...) or month(...)",
            )
        dated = base_type(column.sql_type) in {"DATE", "TIMESTAMP"}
        if dated != (found[1] is not None) or column.classification != "none":
            raise document.mistake(
                place,
                f"files cannot be divided by {item}",
                "take the year or month of a date, or a column of few values; none with personal "
                "data, since the values become names of folders",
            )
    return tuple(str(item) for item in value)


def main() -> int:
    """Print columns and predicates of the contract files named, or the first mistake."""
    try:
        for name in sys.argv[1:]:
            contract = load_contract(name)
            sys.stdout.write(f"{contract.table} {contract.version}: {contract.title}\n")
            for column in contract.columns:
                sys.stdout.write(f"  {column.name} {column.sql_type} ({column.form})\n")
            for rule in contract.rules:
                sys.stdout.write(f"  {rule.severity:5} {rule.name}: {rule.violation}\n")
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
