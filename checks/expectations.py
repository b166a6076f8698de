"""Expectations of our own: a condition on rows, typing, a reference, a key; they count, no more.

Data flow: :mod:`checks.rules` names one of these in a rule -> ``validate`` puts it into a suite
-> Great Expectations computes :class:`UnexpectedRows`, an aggregate, in the one query that it
bundles for the whole suite -> ``unexpected_count`` and ``element_count``. Unlike GX's column map
expectations these have no way to return values or rows, whatever result format is asked for.

Importing this module imports Great Expectations and registers the expectations with it; GX names
an expectation after its class, so the classes' names are those in the contracts.

Run it alone: ``pytest tests/checks/test_validate.py``.

What does not belong here: contracts, connections, results.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sqlalchemy_execution_engine import (
    SqlAlchemyExecutionEngine,
)
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

_METRIC = "table.unexpected_rows"
_ROWS = "table.row_count"


class UnexpectedRows(TableMetricProvider):
    """Number of rows for which ``predicate`` is true, or which share their whole ``key``.

    With ``apart`` only rows that differ in one of these columns count as sharing it.
    """

    metric_name = _METRIC
    value_keys = ("predicate", "key", "apart")

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # noqa: N805 - GX makes it a class method
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002 - as GX calls it
        runtime_configuration: dict[str, Any],  # noqa: ARG002 - as GX calls it
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        if key := metric_value_kwargs["key"]:
            table, *_ = execution_engine.get_compute_domain(
                metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
            )
            return _sharing(table, key, metric_value_kwargs["apart"]), metric_domain_kwargs, {}
        counted = f"count(*) FILTER ({metric_value_kwargs['predicate']})"
        return sa.literal_column(counted), metric_domain_kwargs, {}


def _sharing(
    table: Any,  # noqa: ANN401 - GX's selectable
    key: list[str],
    apart: list[str] | None,
) -> sa.ScalarSelect[Any]:
    """Count the rows whose key, if it is whole, another row has too."""
    differing = [sa.func.count(sa.distinct(sa.column(name))) > 1 for name in apart or ()]
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in key]
    groups = (
        sa.select(sa.func.count().label("copies"))
        .select_from(table.subquery() if isinstance(table, sa.Select) else table)
        .where(*(column.is_not(None) for column in columns))
        .group_by(*columns)
        .having(sa.or_(*differing) if differing else sa.func.count() > 1)
        .subquery()
    )
    return sa.select(sa.func.coalesce(sa.func.sum(groups.c.copies), 0)).scalar_subquery()


class CountingExpectation(BatchExpectation, ABC):
    """An expectation whose whole result is two counts."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC, _ROWS)

    @abstractmethod
    def counted(self) -> dict[str, Any]:
        """Return the metric's arguments: which rows are unexpected."""

    def get_validation_dependencies(
        self,
        execution_engine: ExecutionEngine[Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> ValidationDependencies:
        """Ask for the rows of this expectation besides what GX asks for by itself."""
        found = super().get_validation_dependencies(execution_engine, runtime_configuration)
        domain = found.metric_configurations[_ROWS].metric_domain_kwargs
        arguments = {"predicate": None, "key": None, "apart": None, **self.counted()}
        found.set_metric_configuration(_METRIC, MetricConfiguration(_METRIC, domain, arguments))
        return found

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002 - as GX calls it
        execution_engine: ExecutionEngine[Any] | None = None,  # noqa: ARG002 - as GX calls it
    ) -> dict[str, Any]:
        unexpected, rows = int(metrics[_METRIC]), int(metrics[_ROWS])
        return {
            "success": unexpected == 0,
            "result": {
                "element_count": rows,
                "unexpected_count": unexpected,
                "unexpected_percent": 100 * unexpected / rows if rows else 0.0,
            },
        }


class ExpectRowToSatisfy(CountingExpectation):
    """The condition must not be false; where it is NULL the row passes."""

    condition: str

    def counted(self) -> dict[str, Any]:
        """Count the rows for which the condition is false."""
        return {"predicate": f"NOT coalesce(({self.condition}), TRUE)"}


class ExpectColumnValuesToBeTyped(CountingExpectation):
    """A cell that says something must have become a value of the column's type."""

    column: str

    def counted(self) -> dict[str, Any]:
        """Count the cells whose text is kept and whose value is not there."""
        return {"predicate": f"{self.column}__raw IS NOT NULL AND {self.column} IS NULL"}


class ExpectColumnValuesToBeInReference(CountingExpectation):
    """A value must occur in a column of another table."""

    column: str
    reference_table: str
    reference_column: str

    def counted(self) -> dict[str, Any]:
        """Count the values that do not occur there."""
        target = f"ref.{self.reference_column}"
        known = f"SELECT {target} FROM {self.reference_table} AS ref WHERE {target} IS NOT NULL"
        return {"predicate": f"{self.column} IS NOT NULL AND {self.column} NOT IN ({known})"}


class ExpectKeyToBeUnique(CountingExpectation):
    """A whole key must stand once; every row that shares its key is counted, copies included."""

    columns: list[str]

    def counted(self) -> dict[str, Any]:
        """Count all rows of the keys that stand more than once."""
        return {"key": self.columns}


class ExpectColumnsToBeUnique(CountingExpectation):
    """No two records may agree in all of the columns; the key tells records apart."""

    columns: list[str]
    key: list[str]

    def counted(self) -> dict[str, Any]:
        """Count the rows that agree with a row of another key."""
        return {"key": self.columns, "apart": self.key}
