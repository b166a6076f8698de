"""The part of ``workbook`` that runs in a process of its own: a sheet's cells to standard output.

Data flow: path, sheet (blank: the first) and limits as arguments -> calamine -> one JSON array a
row. Text, numbers and booleans are themselves; a date is ``{"d": ...}``, a date with a time
``{"t": ...}``. If calamine refuses the file, the kind of its error goes to standard error and the
exit code is 3; if it needs more memory than it may have, the process aborts.

It imports nothing of the project: it starts in 50 ms and is run by path, without the project's
folders on the path, where modules are called ``csv`` and ``json``.

Run it alone: ``python -P warehouse/readers/workbook_child.py book.xlsx '' 4000000000 60``.

What does not belong here: what a table is.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from datetime import date, datetime

from python_calamine import CalamineWorkbook

REFUSED = 3


def main(path: str, name: str, memory: str, seconds: str) -> int:
    """Print the cells of a sheet."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        book = CalamineWorkbook.from_path(path)
        sheet = book.get_sheet_by_name(name) if name else book.get_sheet_by_index(0)
        for row in sheet.to_python(skip_empty_area=False):
            cells = json.dumps([_plain(cell) for cell in row], ensure_ascii=False)
            sys.stdout.buffer.write(cells.encode() + b"\n")
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - a panic of Rust is no Exception
        sys.stderr.write(f"\n{type(error).__name__}")
        return REFUSED
    return 0


def _plain(cell: object) -> object:
    """Return a cell as JSON has it."""
    if cell is None or isinstance(cell, str | bool | int):
        return cell
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else str(cell)
    if isinstance(cell, datetime):
        return {"t": cell.isoformat()}
    return {"d": cell.isoformat()} if isinstance(cell, date) else str(cell)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
