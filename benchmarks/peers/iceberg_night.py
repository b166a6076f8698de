"""A night on an Iceberg table by pyiceberg, with a catalog in SQLite, from Parquet files.

Data flow: ``make``: the rows as Parquet -> an Iceberg table in the run's folder. ``night``: the
table is read into Arrow, the rows with a changed or deleted key are left out, the changed and new
ones put behind, and the whole replaces the table by ``overwrite`` -> seconds.

pyiceberg writes by copy on write only, and a night that is spread evenly touches every file, so
that each way ends in writing all rows anew. This one was the fastest of its documented ways: at
100,000 rows 0.8 s, against 11 s for ``overwrite`` with a filter of the keys, 14 s for ``delete``
and ``append`` in one transaction, and 29 s for ``upsert`` (one Python comparison for each row).
``dynamic_partition_overwrite`` would do the same as this one, partition by partition. It takes the
memory of two whole tables.

Run it alone: ``python -m benchmarks.peers.iceberg_night FOLDER make`` and then ``... night``, in
the peers' environment.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog

KEY = "ma_ho_so"
NAME = "mo.ho_so"


def catalog(folder: Path) -> SqlCatalog:
    """Open the catalog of a run."""
    place = folder / "iceberg"
    place.mkdir(exist_ok=True)
    return SqlCatalog("bench", uri=f"sqlite:///{place}/catalog.db", warehouse=f"file://{place}")


def make(folder: Path) -> None:
    """Make the table."""
    rows = pq.read_table(folder / "rows.parquet")
    opened = catalog(folder)
    opened.create_namespace("mo")
    opened.create_table(NAME, schema=rows.schema).append(rows)


def night(folder: Path) -> None:
    """Take the night, print the seconds."""
    upserts = pq.read_table(folder / "upserts.parquet")
    deletes = pq.read_table(folder / "deletes.parquet")
    table = catalog(folder).load_table(NAME)
    started = time.perf_counter()
    before = table.scan().to_arrow()
    touched = pa.chunked_array(
        [*upserts[KEY].chunks, *deletes[KEY].chunks], type=upserts.schema.field(KEY).type
    ).cast(before.schema.field(KEY).type)
    kept = before.filter(pc.invert(pc.is_in(before[KEY], value_set=touched)))
    table.overwrite(pa.concat_tables([kept, upserts.cast(before.schema)]))
    seconds = time.perf_counter() - started
    told = {"rows": table.scan().count(), "touched": before.num_rows - kept.num_rows}
    print(json.dumps({"seconds": seconds, **told}))


if __name__ == "__main__":
    {"make": make, "night": night}[sys.argv[2]](Path(sys.argv[1]))
