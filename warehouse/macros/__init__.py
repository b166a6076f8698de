"""Functions of the reference data for whoever writes SQL: units, agencies, days, procedures.

Data flow: the modules here say each macro as SQL -> :func:`install` makes those whose tables the
lake has, as temporary macros of one connection (``hub query``, the SQL of derived tables, ``hub
unit``). They are joins, not loops: millions of rows cost a hash join with a few thousand.

Temporary, because a macro that was stored in the catalog would stay as it was when the code moves
on, and an older snapshot would have older ones. DuckDB proves the names in a macro when it is
made, so one whose tables were never loaded, or not yet in the snapshot asked for, is left out.

Run it alone: ``python -m warehouse.macros`` lists names and needed tables.

What does not belong here: tables (they have contracts), forms of cells (``text_forms``).
"""

from __future__ import annotations

import duckdb

from warehouse.lake import table_names
from warehouse.macros import agencies, calendar, lists, names, procedures, sums, units
from warehouse.macros.macro import Macro

MACROS: tuple[Macro, ...] = (
    *names.MACROS,
    *lists.MACROS,
    *units.MACROS,
    *sums.MACROS,
    *agencies.MACROS,
    *calendar.MACROS,
    *procedures.MACROS,
)
"""In the order in which they are made: each may use those before it."""


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros on a connection that has the lake attached as ``lake``."""
    present = table_names(connection)
    for macro in MACROS:
        if present.issuperset(macro.needs):
            connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro.name}{macro.body}")
