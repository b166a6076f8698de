"""Lists within records -> ``stg.main.tho``: one row per child, the parent's key in each.

Data flow: pages of JSON objects -> the last record of each parent (``reader.explode``) -> its
list, unnested by DuckDB -> one text column per field of a child, those of the parent that are
kept, and ``#``, the child's place. ``stg.main.cha`` holds every parent whose list could be read,
also those without a child: what the lake has of such a parent and the list does not has vanished,
though the batch is no full snapshot.

A list that is none, or that holds something else than objects, becomes a row with its parent's
key and no other cell, which the contract rejects; its parent is not in ``cha``, so that nothing
vanishes by a source's mistake. A parent without a key becomes a row without any.

Run it alone: ``pytest tests/warehouse/readers/test_nested.py``.

What does not belong here: reading of pages (``ndjson``), what vanishes (``diff``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import duckdb
from pydantic import Field, model_validator

from sources.spec import Strict
from warehouse.lake import quote

PLACE = "#"
"""Field with a child's place in its list, from 1."""


class NestedOptions(Strict):
    """The rows are the objects in a list of each record."""

    explode: Annotated[str, Field(min_length=1)] | None = None
    """Field of the record that holds the list."""
    parent: Annotated[str, Field(min_length=1)] | None = None
    """Field of the record that tells it from others; each child row has it."""
    keep: tuple[str, ...] = ()
    """Further fields of the record for each child row; a child's own of that name is hidden."""

    @model_validator(mode="after")
    def _together(self) -> NestedOptions:
        """Children without their parent's key could not be told apart."""
        if (self.explode is None) != (self.parent is None) or (self.keep and not self.explode):
            msg = "`explode` and `parent` go together, and `keep` with them"
            raise ValueError(msg)
        return self

    @property
    def of_record(self) -> tuple[str, ...]:
        """Fields that come from the record, not from the child."""
        return () if self.parent is None else tuple(dict.fromkeys((self.parent, *self.keep)))


def explode(
    connection: duckdb.DuckDBPyConnection, fields: Sequence[str], options: NestedOptions
) -> None:
    """Make ``tho`` and ``cha`` of children from a ``tho`` of records.

    Args:
        connection: Has ``stg.main.tho`` with the record's own fields and the list.
        fields: Fields wanted of each child row.
        options: Which list, and what is kept of the record.
    """
    whole = f'"{options.explode}"'
    key = f'"{options.parent}"'
    # Twice in a batch, the last that came is the newest: its list replaces the earlier one's.
    connection.execute(
        f"""CREATE OR REPLACE TABLE stg.main.ban_ghi AS
        SELECT *, CASE WHEN json_valid({whole}) THEN json_type({whole}) ELSE 'BROKEN' END AS _kind
        FROM (SELECT * REPLACE (coalesce({whole}, 'null') AS {whole}) FROM stg.main.tho)
        QUALIFY coalesce(trim({key}), '') = ''
            OR row_number() OVER (PARTITION BY trim({key}) ORDER BY _row DESC) = 1"""
    )
    kept = ", ".join(f'b."{name}"' for name in options.of_record)
    connection.execute(
        f"""CREATE OR REPLACE TABLE stg.main.con AS
        SELECT b._row AS _of, b._file, b._line, {kept}, unnest(b.list) AS _child,
            generate_subscripts(b.list, 1) AS _place
        FROM (SELECT *, CASE
                WHEN coalesce(trim({key}), '') = '' THEN ['null'::JSON]
                WHEN _kind = 'ARRAY' THEN json_extract({whole}, '$[*]')
                WHEN _kind = 'NULL' THEN []::JSON[]
                ELSE ['null'::JSON] END AS list
            FROM stg.main.ban_ghi) b"""
    )
    cells = "".join(f", {_cell(field, options)}" for field in fields)
    connection.execute(
        f"""CREATE OR REPLACE TABLE stg.main.tho AS
        SELECT row_number() OVER (ORDER BY _of, _place) AS _row, _file, _line{cells}
        FROM stg.main.con"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TABLE stg.main.cha AS
        SELECT {kept} FROM stg.main.ban_ghi b
        WHERE coalesce(trim(b.{key}), '') <> '' AND b._kind IN ('ARRAY', 'NULL')
            AND b._row NOT IN (SELECT _of FROM stg.main.con WHERE json_type(_child) <> 'OBJECT')"""
    )
    connection.execute("DROP TABLE stg.main.con")
    connection.execute("DROP TABLE stg.main.ban_ghi")


def children_names(connection: duckdb.DuckDBPyConnection, options: NestedOptions) -> list[str]:
    """Return the fields of all children in a ``tho`` of records, as :func:`explode` makes them."""
    found = connection.execute(
        f"""SELECT name FROM (
            SELECT n, unnest(json_keys(child)) AS name,
                generate_subscripts(json_keys(child), 1) AS place
            FROM (SELECT _row AS n, unnest(json_extract("{options.explode}", '$[*]')) AS child
                  FROM stg.main.tho WHERE json_valid("{options.explode}")))
        GROUP BY name ORDER BY min(n), min(place)"""
    ).fetchall()
    own = [str(name) for (name,) in found if name not in {*options.of_record, PLACE}]
    return [*options.of_record, PLACE, *own]


def _cell(field: str, options: NestedOptions) -> str:
    """Return SQL of one cell of a child row."""
    name = f'"{field}"'
    if field in options.of_record:
        return name
    if field == PLACE:
        return f"CASE WHEN json_type(_child) = 'OBJECT' THEN _place::VARCHAR END AS {name}"
    pointer = quote("/" + field.replace("~", "~0").replace("/", "~1"))
    return f"json_extract_string(_child, '{pointer}') AS {name}"
