"""Which columns tell the rows of a sample apart.

Data flow: ``stg.main.nhap`` (typed rows) -> ``stg.main.khac`` (each different row once, since an
identical copy is no second thing) -> counts of different values, of one column, of pairs, then
of more -> :class:`Key`. All of it is counted in DuckDB.

Run it alone: ``pytest tests/hub/drafting``.

What does not belong here: whether a key stays one (only the source's owner knows).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import duckdb

from hub.drafting import names
from hub.drafting.judge import Judged

_NEARLY = 0.95
"""Part of the rows that a code may tell apart and still be the key: the rest is dirt."""
_TRIED = 10
"""Columns of which pairs are tried."""
_MOST = 4
_LONGEST = 100
_PLACE = re.compile(r"^(?:stt|so_tt|so_thu_tu|tt|no)$")
"""A row's place in a list is another one tomorrow."""


@dataclass(frozen=True)
class Key:
    """The columns that a draft proposes."""

    columns: tuple[str, ...]
    rows: int
    """Different rows of the sample."""
    told: int
    """Different values of the key among them."""

    @property
    def note(self) -> str:
        """English sentence for the comments."""
        if self.told == self.rows:
            return f"unique in all {self.rows} different rows of the sample"
        return (
            f"NOT unique: {self.told} different values in {self.rows} different rows; "
            "rows that share one are refused"
        )


def find(
    connection: duckdb.DuckDBPyConnection, judged: Sequence[Judged], parent: str | None = None
) -> Key:
    """Return the key: a single column if one will do, else a pair, else up to four columns.

    Args:
        connection: Has ``stg.main.nhap``.
        judged: The columns.
        parent: Column that must be part of it: the rows are children of another record.
    """
    listed = ", ".join(one.column.name for one in judged)
    connection.execute(
        f"CREATE OR REPLACE TABLE stg.main.khac AS SELECT DISTINCT {listed} FROM stg.main.nhap"
    )
    able = [one for one in judged if _able(one)] or list(judged)
    sets = [(one.column.name,) for one in able]
    rows, told = _told(connection, sets)
    single = _single(able, told, rows)
    if single is not None and parent in {None, single}:
        return Key((single,), rows, told[(single,)])
    best = sorted(able, key=lambda one: -told[(one.column.name,)])[:_TRIED]
    order = {one.column.name: place for place, one in enumerate(judged)}
    listed_names = [one.column.name for one in best if one.column.name != parent]
    pairs = combinations(listed_names, 2) if parent is None else ((parent, n) for n in listed_names)
    tried = [tuple(sorted(pair, key=order.__getitem__)) for pair in pairs]
    found = Key(sets[0], rows, told[sets[0]])
    while tried:
        _, counts = _told(connection, tried)
        columns = max(tried, key=lambda c: (counts[c], sum(names.is_code(n) for n in c)))
        found = Key(columns, rows, counts[columns])
        if found.told == rows or len(columns) == _MOST:
            break
        tried = [tuple(sorted((*columns, one.column.name), key=order.__getitem__))
                 for one in best if one.column.name not in columns]  # fmt: skip
    return found


def _told(
    connection: duckdb.DuckDBPyConnection, sets: Sequence[tuple[str, ...]]
) -> tuple[int, dict[tuple[str, ...], int]]:
    """Count the different rows, and the different values of each set of columns."""
    counts = ", ".join(
        "count(DISTINCT {}) FILTER ({})".format(
            f"({', '.join(columns)})" if len(columns) > 1 else columns[0],
            " AND ".join(f"{name} IS NOT NULL" for name in columns),
        )
        for columns in sets
    )
    found = connection.execute(f"SELECT count(*), {counts} FROM stg.main.khac").fetchone()
    rows, *values = (int(value) for value in found or ())
    return rows, dict(zip(sets, values, strict=True))


def _able(one: Judged) -> bool:
    """Say whether a column may be part of a key at all."""
    measured = (
        one.column.sql_type in {"JSON", "BOOLEAN", "DOUBLE"} or "DECIMAL" in one.column.sql_type
    )
    return not (
        measured
        or one.is_personal
        or not one.profile.filled
        or _PLACE.fullmatch(one.column.name)
        or one.profile.counts["longest"] > _LONGEST
    )


def _single(able: Sequence[Judged], told: dict[tuple[str, ...], int], rows: int) -> str | None:
    """Return the column that tells all rows apart alone, or nearly all if it is a code.

    A code comes first: a date or a document's number may be unique in a sample by chance.
    """
    ranked = []
    for place, one in enumerate(able):
        name, count = one.column.name, told[(one.column.name,)]
        code = names.is_code(name)
        sure = count == rows
        if (sure and (code or one.column.is_text)) or (code and count >= _NEARLY * rows):
            ranked.append((not code, not sure, one.column.form == "van_ban", place, name))
    return min(ranked)[-1] if ranked else None
