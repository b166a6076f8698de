"""Procedure codes: the part of a code that names the procedure, for joins (domain notes 1.3).

Data flow: the rule's own SQL (``checks.identifiers``) -> one macro.

Run it alone: ``python -m warehouse.macros`` lists it.

What does not belong here: whether a code is one (``checks``).
"""

from __future__ import annotations

from checks.identifiers import procedure_base
from warehouse.macros.macro import Macro

MACROS = (Macro("ma_tthc_goc", "(ma)", procedure_base("ma")),)
