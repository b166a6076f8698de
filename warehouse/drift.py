"""What a batch looks like as its source sends it: which fields, of which kinds, how many unread.

Data flow: the first records of the first and the last page (or the header of a file) and the text
that staging could not type -> :class:`Seen`, kept with each load in ``hub.loads.seen``, so that the
next one can be held against it. A few hundred records are looked at, whatever the batch's size:
what is found missing there is counted in the whole batch before anybody is told.

JSON says of each value whether it is text or a number. A code that was ``"012"`` and is ``12`` now
reads as text either way, and its zero is gone: only here it can be seen.

Run it alone: ``pytest tests/hub/test_drift.py``.

What does not belong here: what becomes of it (``hub.drift``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import duckdb
import msgspec

from checks.contract import Contract
from sources.landing import LandedBatch, LandedFile
from sources.spec import DatasetSpec
from warehouse.lake import quote
from warehouse.readers.batch import names_in
from warehouse.readers.ndjson import LARGEST

SAMPLE = 500
"""Records looked at in the first page, and as many in the last."""
_READ_FOR_NAMES = {"parquet": 1 << 40, "csv": 20 << 20, "tsv": 20 << 20, "xlsx": 1 << 20,
                   "xls": 1 << 20, "xml": 1 << 20, "json": 1 << 20}  # fmt: skip
"""Bytes of a file up to which its field names are read: what reading them a second time may cost.
Documents (``edxml``) have the fields of their standard."""
_KINDS = {"VARCHAR": "text", "BOOLEAN": "flag", "OBJECT": "object", "ARRAY": "list"}


class Seen(msgspec.Struct, frozen=True):
    """What a load saw; ``fields`` also holds what earlier loads of the dataset saw."""

    fields: dict[str, list[str]] = {}
    """Field -> kinds of its values: text, number, flag, object, list; none if nothing tells."""
    untyped: dict[str, float] = {}
    """Column -> share of its filled cells that could not be read as its type, where there are."""

    def after(self, earlier: Seen | None) -> Seen:
        """Return what was seen up to now, so that a field that comes and goes is new only once."""
        if earlier is None:
            return self
        names = earlier.fields.keys() | self.fields.keys()
        both = {
            name: sorted({*earlier.fields.get(name, ()), *self.fields.get(name, ())})
            for name in names
        }
        return Seen(both, self.untyped)


def look(
    connection: duckdb.DuckDBPyConnection, batch: LandedBatch, dataset: DatasetSpec
) -> dict[str, Counter[str]]:
    """Return the fields of a batch's first records, each with its kinds and how often they come.

    Empty where looking would cost as much as reading, or where rows stand in lists of records.
    """
    options = dataset.fetch.get("reader", {})
    files = [file for file in batch.manifest.files if file.bytes]
    if not files or options.get("explode") is not None:
        return {}
    ends = {file.name: file for file in (files[0], files[-1])}.values()
    media = files[0].media
    if media == "ndjson":
        return _of_objects(connection, batch, list(ends))
    if files[0].bytes > _READ_FOR_NAMES.get(media, -1):
        return {}
    one = LandedBatch(batch.path, msgspec.structs.replace(batch.manifest, files=[files[0]]))
    return {name: Counter() for name in names_in(connection, one, options)}


def _of_objects(
    connection: duckdb.DuckDBPyConnection, batch: LandedBatch, files: list[LandedFile]
) -> dict[str, Counter[str]]:
    parts = " UNION ALL ".join(
        f"(SELECT json FROM read_json_objects('{quote(batch.path / file.name)}', "
        f"format = 'newline_delimited', ignore_errors = true, "
        f"maximum_object_size = {min(LARGEST, file.bytes)}) LIMIT {SAMPLE})"
        for file in files
    )
    found: dict[str, Counter[str]] = {}
    for field, kind, count in connection.execute(
        f"SELECT key, type, count(*) FROM ({parts}) s, json_each(s.json) "
        "WHERE json_type(s.json) = 'OBJECT' GROUP BY ALL"
    ).fetchall():
        kinds = found.setdefault(field, Counter())
        if kind != "NULL":
            kinds[_KINDS.get(kind, "number")] += count
    return found


def is_missing(connection: duckdb.DuckDBPyConnection, field: str) -> bool:
    """Say whether no record of the staged batch has a value in a mapped field."""
    found = connection.execute(f'SELECT count("{field}") FROM stg.main.tho').fetchone()
    return not (found and found[0])


def untyped(
    connection: duckdb.DuckDBPyConnection, contract: Contract
) -> dict[str, tuple[int, float]]:
    """Return column -> cells of the staged batch that could not be typed, and their share."""
    present = {row[0] for row in connection.execute("DESCRIBE stg.main.hang").fetchall()}
    columns = [column for column in contract.columns if column.raw in present]
    if not columns:
        return {}
    counts = ", ".join(f"count({c.raw}), count({c.name})" for c in columns)
    found: tuple[Any, ...] = (
        connection.execute(f"SELECT {counts} FROM stg.main.hang").fetchone() or ()
    )
    told = {}
    for number, column in enumerate(columns):
        lost, typed = int(found[2 * number]), int(found[2 * number + 1])
        if lost:
            told[column.name] = (lost, lost / (lost + typed))
    return told


def shapes(connection: duckdb.DuckDBPyConnection, contract: Contract, name: str) -> list[str]:
    """Return how the most frequent untyped cells of a column are written, none if it is personal.

    Digits are 9 and letters a: enough to see what has changed, and nobody's value.
    """
    column = contract.column(name)
    if column.classification != "none":
        return []
    rows = connection.execute(
        f"""SELECT regexp_replace(regexp_replace(left({column.raw}, 40), '[0-9]', '9', 'g'),
                '\\p{{L}}', 'a', 'g') AS shape
        FROM stg.main.hang WHERE {column.raw} IS NOT NULL
        GROUP BY shape ORDER BY count(*) DESC, shape LIMIT 3"""
    ).fetchall()
    return [str(shape) for (shape,) in rows]


def decode(text: str | None) -> Seen | None:
    """Read back what a load kept; None if it kept nothing."""
    return msgspec.json.decode(text, type=Seen) if text else None


def encode(seen: Seen) -> str:
    """Return what a load keeps; the same for the same, whatever order the fields came in."""
    return msgspec.json.encode(seen, order="deterministic").decode()


def shares(lost: Mapping[str, tuple[int, float]]) -> dict[str, float]:
    """Return the shares alone, as they are kept."""
    return {name: round(share, 4) for name, (_, share) in lost.items()}
