"""What a macro is, as data.

Data flow: the neighbours write :class:`Macro` -> ``install`` makes SQL of it.

Run it alone: ``python -m warehouse.macros`` lists all.

What does not belong here: any macro.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Macro:
    """One SQL macro."""

    name: str
    arguments: str
    """In brackets, with defaults: ``(ma, ngay, cap := 'xa')``."""
    sql: str
    """An expression, or a SELECT if ``table``. Columns are written with their table's alias: a bare
    name that is called like an argument would be replaced by it."""
    needs: tuple[str, ...] = ()
    """Tables that must be in the lake, as ``schema.table``."""
    table: bool = False

    @property
    def body(self) -> str:
        """What follows the name in ``CREATE MACRO``."""
        return f"{self.arguments} AS {'TABLE' if self.table else ''} ({self.sql})"
