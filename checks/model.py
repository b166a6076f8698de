"""What a contract says, as plain frozen data: columns, rules, thresholds.

Data flow: :mod:`checks.contract` builds these from a file, :mod:`checks.rules` builds the
rules among them; ``warehouse`` reads columns and keys, ``checks.quarantine`` and
``checks.validate`` read rules. Everything here is immutable and knows neither YAML nor SQL
engines, so it may be passed between threads and compared in tests.

Run it alone: ``python -m checks.contract assets/contracts/ho_so.odcs.yaml`` prints one.

What does not belong here: reading files, building predicates, running anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warn"]
"""``error`` keeps the row out of the shared table, ``warn`` only counts it."""

Dimension = Literal[
    "schema_volume", "completeness_conformity", "uniqueness_consistency", "timeliness"
]
"""The four groups shown as checks; every rule belongs to one."""

DIMENSIONS: dict[str, Dimension] = {
    "accuracy": "completeness_conformity",
    "completeness": "completeness_conformity",
    "conformity": "completeness_conformity",
    "consistency": "uniqueness_consistency",
    "coverage": "schema_volume",
    "timeliness": "timeliness",
    "uniqueness": "uniqueness_consistency",
}
"""ODCS quality dimension -> the group that shows it."""

Kind = Literal[
    "required", "type", "pattern", "in_set", "range", "length", "reference", "row", "unique",
    "agency_code", "dossier_number", "procedure_code", "procedure_reference", "personal_id",
    "personal_id_agrees", "tax_code", "identity_number", "document_number", "unit_on_date",
    "health_facility_code", "phone_number", "compound",
]  # fmt: skip


BatchKind = Literal["volume", "mean", "freshness"]

STAGED = "{staged}"
"""Stands in a predicate for the staging table; ``staging.apply`` puts the name there."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the shared table."""

    name: str
    label: str
    """Vietnamese, with accents: what an agency reads."""
    description: str
    sql_type: str
    form: str
    """How the cell is written, see :data:`checks.forms.FORMS`; the normaliser obeys it."""
    required: bool
    classification: Literal["none", "basic", "sensitive"]
    key: bool

    @property
    def raw(self) -> str:
        """Name of the staging column that keeps the cell's text."""
        return f"{self.name}__raw"

    @property
    def is_text(self) -> bool:
        """Whether the cell is stored as it is written."""
        return self.sql_type == "VARCHAR"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A Great Expectations expectation by type and arguments, without importing it."""

    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """The column of another table in which a value must occur."""

    table: str
    """``lake.schema.table``, ready for SQL."""
    column: str


@dataclass(frozen=True, slots=True)
class Limit:
    """How many rows may break a rule before more happens than that they are marked.

    Beyond it a rule of severity ``error`` holds the whole batch back, one of severity ``warn``
    counts as failed.
    """

    amount: float
    unit: Literal["rows", "percent"]

    def allows(self, unexpected: int, evaluated: int, *, few: int = 0) -> bool:
        """Say whether so many rows of a batch are within it; ``few`` rows always are of a share."""
        if self.unit == "rows":
            return unexpected <= self.amount
        least = few if self.amount else 0
        return unexpected <= max(least, self.amount / 100 * evaluated)

    def __str__(self) -> str:
        """Write it as a person would."""
        return f"{self.amount:g} rows" if self.unit == "rows" else f"{self.amount:g}%"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold for every row."""

    name: str
    """``<column>.<kind>``, ``key.unique`` or ``row.<name>``, unique in the contract."""
    kind: Kind
    dimension: Dimension
    severity: Severity
    column: str | None
    columns: tuple[str, ...]
    """Every contract column the rule looks at."""
    reason: str
    """One Vietnamese sentence for the agency whose row is refused; never holds a value."""
    violation: str
    """SQL over the typed staging table: TRUE for a bad row, never NULL. That of ``key.unique``
    is a window over the whole table, so it belongs in a select list, not in ``WHERE``."""
    expectation: Expectation
    reference: Reference | None = None
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class BatchRule:
    """One thing that must hold for a batch as a whole, seen beside the loads before it."""

    name: str
    """``volume``, ``<column>.mean`` or ``<column>.freshness``."""
    kind: BatchKind
    dimension: Dimension
    severity: Severity
    """``error`` holds the batch back, ``warn`` only reports."""
    column: str | None
    reason: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of earlier loads of a dataset when a batch of it is judged."""

    rows: tuple[int, ...]
    """Rows of the last good whole loads, the newest first."""
    means: Mapping[str, float]
    """Number column -> mean of the rows that the table holds now."""
    whole: bool
    """Whether the batch is all that the source has."""
    now: datetime
    """Naive Vietnam time, as the columns are."""


@dataclass(frozen=True, slots=True)
class ShrinkGuard:
    """How much of a table one full load may take away before a person must agree."""

    share: float
    rows: int


@dataclass(frozen=True, slots=True)
class Contract:
    """One ODCS contract, understood."""

    id: str
    version: str
    name: str
    table: str
    """``schema.table`` in the warehouse."""
    schema: str
    title: str
    description: str
    owner: str
    classification: Literal["mo", "dung_chung", "dung_rieng"]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rules: tuple[Rule, ...]
    """Every rule that may apply; ``rules.staged`` fits them to what a source gives."""
    batch_rules: tuple[BatchRule, ...]
    reject_threshold: float
    """Share of a batch's rows that may be refused before the whole batch is held back."""
    shrink: ShrinkGuard
    fewest_rows: int
    """Records that a source sends at least when it sends all it has; fewer are held back."""
    freshness_hours: float | None
    version_column: str | None
    """Column that tells which of two versions of a row is the newer one."""
    partition_by: tuple[str, ...]
    """What the table's files are divided by besides the source, as DuckLake writes it."""
    path: Path
    history_days: float | None = None
    """Days for which superseded and deleted versions are kept; None: for good."""
    drift_new: Literal["report", "ignore", "refuse"] = "report"
    """What to do when a source sends a field that nobody maps and that it never sent before."""
    drift_missing: Literal["warn", "block"] = "warn"
    """What to do when no record has a mapped field any more."""

    published: bool = False
    """Whether the masked table is among the files that agencies fetch (``warehouse.publish``)."""

    def column(self, name: str) -> Column:
        """Return the column of that name; raises ``KeyError`` if there is none."""
        return {column.name: column for column in self.columns}[name]

    def rule(self, name: str) -> Rule:
        """Return the rule of that name; raises ``KeyError`` if there is none."""
        return {rule.name: rule for rule in self.rules}[name]
