"""What is published of one table: its columns, the query that makes them, the rules that hold yet.

Data flow: a contract and the columns that the lake has -> :class:`PublishedTable` -> ``parquet``
runs its query, ``database``, ``datapackage`` and ``odcs`` describe its columns.

Left out are the system columns that say more than they seem to: the content hash (whoever guesses
a row can confirm it), the repairs (they name a cell's fault) and the batch (a digest of content).
A column of the lake that the contract does not know is not published.

Run it alone: ``python -m warehouse.publish.table assets/contracts/ho_so.odcs.yaml``.

What does not belong here: masks (``masks``), writing files.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from checks.contract import Contract, load_contract
from checks.model import STAGED, Column, Rule
from warehouse.publish.masks import Mask, mask_of
from warehouse.tables import SYSTEM_COLUMNS

SCHEMAS = ("dung_chung", "mo", "danh_muc", "chi_so")
"""Never ``dung_rieng`` (its owner's alone) and ``hub`` (it holds refused rows in full)."""
AUDIENCES = ("mo", "dung_chung")
SYSTEM = ("_source", "_loaded_at")
"""System columns that are published: where a row is from, and since when it stands so."""
_NOT_OF_ONE_TABLE = frozenset({"required", "type", "unique", "reference", "procedure_reference",
                               "unit_on_date"})  # fmt: skip
"""Rules that are said otherwise (type, key, required), or that look other tables up."""


@dataclass(frozen=True, slots=True)
class PublishedColumn:
    """One column as agencies get it."""

    name: str
    label: str
    description: str
    sql_type: str
    mask: Mask | None
    required: bool
    """No cell of it is empty."""
    contract: Column | None
    """The contract's column; None for a system column."""

    @property
    def comment(self) -> str:
        """Return label, description and mask, as the comment of the column."""
        told = f" {self.mask.told}" if self.mask else ""
        return f"{self.label}. {self.description}{told}" if self.label else self.description


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One table as agencies get it."""

    contract: Contract
    columns: tuple[PublishedColumn, ...]
    query: str
    """Makes the rows, from ``lake.<schema>.<table>``."""

    @property
    def name(self) -> str:
        """``schema.table``."""
        return self.contract.table

    @property
    def masked(self) -> tuple[str, ...]:
        """Names of the columns that are masked."""
        return tuple(column.name for column in self.columns if column.mask)

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that tell rows apart; none if a part of the key is masked."""
        return () if set(self.contract.key) & set(self.masked) else self.contract.key

    @property
    def comment(self) -> str:
        """Return the comment of the table."""
        return f"{self.contract.title}. {self.contract.description}"

    def rules(self) -> list[Rule]:
        """Return the rules that every published row keeps to.

        A rule of severity ``warn`` may be broken by rows of the table; one that looks at a masked
        column, at a raw cell or at another table cannot be tried on the file.
        """
        masked = set(self.masked)
        return [
            rule
            for rule in self.contract.rules
            if rule.severity == "error"
            and rule.kind not in _NOT_OF_ONE_TABLE
            and not masked & set(rule.columns)
            and not any(part in rule.violation for part in (STAGED, "lake.", "__raw"))
        ]


def is_published(contract: Contract) -> bool:
    """Say whether agencies get a contract's table: its schema, its audience and itself say so."""
    return (
        contract.published and contract.schema in SCHEMAS and contract.classification in AUDIENCES
    )


def published(contract: Contract, present: Mapping[str, str]) -> PublishedTable:
    """Return what is published of a table.

    Args:
        contract: Its contract.
        present: Column -> SQL type, as the lake has them. A column that only the contract has yet
            is published empty.
    """
    columns, parts = [], []
    for column in contract.columns:
        mask = mask_of(column)
        there = column.name in present
        value = mask.of(column) if mask else f'"{column.name}"'
        sql_type = mask.type_of(column) if mask else column.sql_type
        parts.append(f'{value if there else f"NULL::{sql_type}"} AS "{column.name}"')
        columns.append(
            PublishedColumn(
                name=column.name,
                label=column.label,
                description=column.description,
                sql_type=sql_type,
                mask=mask,
                required=column.required and there and (mask is None or mask.keeps_presence),
                contract=column,
            )
        )
    for name in SYSTEM:
        sql_type, comment = SYSTEM_COLUMNS[name]
        parts.append(f'"{name}"')
        columns.append(PublishedColumn(name, "", comment, sql_type, None, True, None))  # noqa: FBT003
    query = f"SELECT {', '.join(parts)} FROM lake.{contract.table}"
    return PublishedTable(contract, tuple(columns), query)


def main() -> None:
    """Print the query of a contract's published table."""
    contract = load_contract(Path(sys.argv[1]))
    table = published(contract, {column.name: column.sql_type for column in contract.columns})
    sys.stdout.write(f"{table.query}\n")


if __name__ == "__main__":
    main()
