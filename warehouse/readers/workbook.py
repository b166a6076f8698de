"""The cells of a workbook's sheet, read where a bad file can do no harm.

Data flow: a file -> calamine in a process of its own (``workbook_child``), with a limit of memory
and of time -> rows of cells.

calamine makes room for the whole rectangle that a sheet's cells span. One cell at the far end of
a sheet (a slip of a finger in Excel, or a damaged byte in an XLS) asks for hundreds of gigabytes,
and a process that does not get them aborts: no error can be caught, and the night would end.

Run it alone: ``python -m warehouse.readers.workbook book.xlsx`` prints the cells of a sheet.

What does not belong here: finding a table among the cells (``xlsx``).
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from hub.errors import ProviderError
from warehouse.readers import workbook_child

LARGEST = 512 * 2**20
"""Bytes of a workbook's parts after unpacking."""
MEMORY = 4 * 2**30
"""Bytes that reading may take: a sheet of a million rows and twenty columns takes half."""
SECONDS = 300
"""Time of the processor that reading may take."""

_WAIT = 2 * SECONDS
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_rows = msgspec.json.Decoder(list[Any])


def sheet(path: Path, name: str | None = None) -> list[list[Any]]:
    """Return the cells of a sheet, from its first row and column on.

    Args:
        path: The workbook.
        name: Name of the sheet; the first, if none is given.

    Raises:
        ProviderError: It is no workbook, lacks the sheet, or takes too much to read.
    """
    try:
        _require_size(path)
        done = subprocess.run(  # noqa: S603 - our own file, and arguments that no shell sees
            [
                sys.executable, "-P", workbook_child.__file__,
                str(path), name or "", str(MEMORY), str(SECONDS),
            ],
            capture_output=True, check=False, timeout=_WAIT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _too_much() from None
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise _unreadable(type(error).__name__) from None
    kind = done.stderr.rpartition(b"\n")[2].decode("ascii", "replace")
    if done.returncode == workbook_child.REFUSED and kind != "MemoryError":
        raise _unreadable(kind[:40])
    if done.returncode:
        raise _too_much()
    return [[_cell(cell) for cell in _rows.decode(row)] for row in done.stdout.splitlines()]


def _cell(cell: Any) -> Any:  # noqa: ANN401 - whatever stands in a cell
    """Return a cell as calamine gave it."""
    if not isinstance(cell, dict):
        return cell
    return datetime.fromisoformat(cell["t"]) if "t" in cell else date.fromisoformat(cell["d"])


def _require_size(path: Path) -> None:
    """Raise if a workbook is too large once it is unpacked; the older format is not packed."""
    with path.open("rb") as file:
        if file.read(len(_OLE)) == _OLE:
            return
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > LARGEST:
        raise ProviderError(
            f"the workbook unpacks to {size} bytes",
            next_step=f"more than {LARGEST} are not read; ask the provider for a CSV",
        )


def _unreadable(kind: str) -> ProviderError:
    return ProviderError(
        f"the file cannot be read as a workbook ({kind})",
        next_step="open it; if it opens, ask the provider to save it as XLSX again",
    )


def _too_much() -> ProviderError:
    return ProviderError(
        f"the workbook takes more than {MEMORY // 2**30} GiB or {SECONDS} s to read",
        next_step="look for cells far below or far right of the table (Ctrl+End) and delete those "
        "rows and columns, or ask the provider for a CSV",
    )


def main() -> int:
    """Print the cells of a workbook's first sheet."""
    try:
        rows = sheet(Path(sys.argv[1]))
    except ProviderError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.writelines(f"{row}\n" for row in rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
