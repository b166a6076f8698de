"""What a classification leaves of a value in published files: one mask for each, written once.

Data flow: a contract's column -> :func:`mask_of` -> the SQL that stands in its place, the type of
what comes out, and the Vietnamese sentence about it in comments, ``datapackage.json`` and the
generated contract.

A mask keeps nothing from which a person could be found again, alone or together with another
column. So there is no hash (twelve digits are enumerated in seconds) and no last digits either: a
few digits of an identity number and a few of a phone, in one row, name nearly anybody. Text keeps
only whether there was a value, a date keeps its year, everything else and everything unknown
keeps nothing.

Run it alone: ``python -m warehouse.publish.masks`` prints the masks.

What does not belong here: which columns are classified how (contracts).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from checks.forms import base_type
from checks.model import Column

MARK = "***"
"""Stands where a text was."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One way to publish a column without its values."""

    name: str
    sql: str
    """Expression over ``{column}``; ``{type}`` is the column's own type."""
    sql_type: str | None
    """Type of what comes out; None: the column's own."""
    told: str
    """What agencies read, with an English gloss."""
    keeps_presence: bool
    """Whether a cell is filled exactly where the source's was, so that ``required`` still holds."""

    def of(self, column: Column) -> str:
        """Return the expression for a column."""
        return self.sql.format(column=f'"{column.name}"', type=column.sql_type)

    def type_of(self, column: Column) -> str:
        """Return the SQL type of the published column."""
        return self.sql_type or column.sql_type


EMPTY = Mask(
    name="de_trong",
    sql="NULL::{type}",
    sql_type=None,
    told="Đã che: luôn để trống (masked: always empty).",
    keeps_presence=False,
)
MARKED = Mask(
    name="co_gia_tri",
    sql=f"CASE WHEN {{column}} IS NOT NULL THEN '{MARK}' END",
    sql_type="VARCHAR",
    told=f"Đã che: {MARK} nếu nguồn có giá trị (masked: {MARK} where there is a value).",
    keeps_presence=True,
)
YEAR = Mask(
    name="nam",
    sql="year({column})::INTEGER",
    sql_type="INTEGER",
    told="Đã che: chỉ còn năm (masked: the year alone).",
    keeps_presence=True,
)

_BASIC = {"VARCHAR": MARKED, "DATE": YEAR, "TIMESTAMP": YEAR}
"""Type of a column with basic personal data -> its mask; other types are emptied."""


def mask_of(column: Column) -> Mask | None:
    """Return the mask of a column; None if it may be published as it is.

    Only what is classified ``none`` goes out. Whatever the classification is otherwise, known or
    not, less is published rather than more.
    """
    classification: str = column.classification
    if classification == "none":
        return None
    if classification == "basic":
        return _BASIC.get(base_type(column.sql_type), EMPTY)
    return EMPTY


def main() -> None:
    """Print every mask with its SQL."""
    for mask in (MARKED, YEAR, EMPTY):
        sys.stdout.write(f"{mask.name}\t{mask.sql}\t{mask.told}\n")


if __name__ == "__main__":
    main()
