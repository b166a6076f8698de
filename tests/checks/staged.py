"""A typed staging table made from Python rows, and hypothesis rows full of trouble.

Data flow: dictionaries of a row's cells -> ``stg.main.hang`` in a file of its own, as staging
makes it (``_row``, columns, raw cells, ``_repairs``, ``_hash``), with ``lake`` attached beside.

Run it alone: ``pytest tests/checks/test_quarantine.py`` uses it.

What does not belong here: tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import strategies as st

from checks.model import Contract

GOOD: dict[str, Any] = {
    "ma": "A1",
    "ngay_nhan": date(2026, 1, 2),
    "ngay_tra": date(2026, 1, 9),
    "chu_ho_so": "Lò Văn A",
    "trang_thai": "1",
    "le_phi": Decimal(5),
    "cap_nhat": datetime(2026, 1, 3, 8),  # noqa: DTZ001 - business time, as in the lake
}
"""A row of the small contract that breaks nothing."""

RAW = ("ngay_nhan", "ngay_tra", "le_phi", "cap_nhat")


@contextmanager
def staging(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with a staging file and a stand-in for the lake attached."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{folder / 'stg.duckdb'}' AS stg")
        connection.execute(f"ATTACH '{folder / 'lake.duckdb'}' AS lake")
        yield connection


def fill(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    rows: Sequence[Mapping[str, Any]],
    raw: Sequence[str] = RAW,
) -> None:
    """Make ``stg.main.hang``; a row may give ``<column>__raw`` where typing failed."""
    cells = [f"{column.name} {column.sql_type}" for column in contract.columns]
    cells += [f"{name}__raw VARCHAR" for name in raw]
    connection.execute(
        f"CREATE OR REPLACE TABLE stg.main.hang (_row BIGINT, {', '.join(cells)}, "
        "_repairs VARCHAR[], _hash UBIGINT)"
    )
    names = [column.name for column in contract.columns]
    values = []
    for number, row in enumerate(rows, start=1):
        raws = [row.get(f"{name}__raw", _text(row.get(name))) for name in raw]
        values.append([number, *(row.get(name) for name in names), *raws])
    if values:
        # One statement: row by row, some hundred rows of a wide contract take seconds.
        places = f"({', '.join('?' * len(values[0]))}, NULL, 0)"
        connection.execute(
            f"INSERT INTO stg.main.hang VALUES {', '.join([places] * len(values))}",
            [cell for cells in values for cell in cells],
        )
    content = ", ".join(f"coalesce({name}::VARCHAR, chr(1))" for name in names)
    connection.execute(
        f"UPDATE stg.main.hang SET _hash = md5_number_lower(concat_ws(chr(31), {content}))"
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def rows() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw tables in which every rule of the small contract is broken now and then."""
    days = st.none() | st.dates(date(1999, 12, 25), date(2000, 1, 8)) | st.just(date(2031, 1, 1))
    cell = {
        "ma": st.none() | st.sampled_from(["A1", "A2", "B12", "A1x", "a1", "A1234", "Ă1", "A1\n"]),
        "ngay_nhan": days,
        "ngay_tra": days,
        "chu_ho_so": st.none() | st.text("aă🙂e\u0301'", max_size=14),
        "trang_thai": st.none() | st.sampled_from(["1", "2", "10", "3", "", "'"]),
        "le_phi": st.none() | st.decimals(-2, 2, places=2),
        "cap_nhat": st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2)),  # noqa: DTZ001 - Vietnam time
        "ngay_nhan__raw": st.none() | st.just("32/13/2026"),
        "le_phi__raw": st.none() | st.just("năm đồng"),
    }
    return st.lists(st.fixed_dictionaries(cell).map(_keep_raw), max_size=12)


def _keep_raw(row: dict[str, Any]) -> dict[str, Any]:
    """Staging keeps the text of a typed cell; only where typing failed may the value be absent."""
    for name in ("ngay_nhan", "le_phi"):
        if row[name] is not None:
            row[f"{name}__raw"] = str(row[name])
    return row
