"""List the macros: ``python -m warehouse.macros``."""

from __future__ import annotations

import sys

from warehouse.macros import MACROS

sys.stdout.writelines(
    f"{macro.name}{macro.arguments}\t{' '.join(macro.needs)}\n" for macro in MACROS
)
