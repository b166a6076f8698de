"""A night on a delta-rs table: upserts by ``merge``, deletions by another, from Parquet files.

Data flow: ``make``: the rows as Parquet -> a Delta table in the run's folder. ``night``: one merge
for the upserts, one for the deletions, as its documentation does -> seconds. No checks, no history
beyond Delta's own versions.

Run it alone: ``python -m benchmarks.peers.delta_night FOLDER make`` and then ``... night``, in the
peers' environment.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from pyarrow.dataset import dataset


def make(folder: Path) -> None:
    """Make the table."""
    rows = dataset(folder / "rows.parquet", format="parquet")
    write_deltalake(str(folder / "delta"), rows.scanner().to_reader())


def night(folder: Path) -> None:
    """Take the night, print the seconds."""
    upserts = pq.read_table(folder / "upserts.parquet")
    deletes = pq.read_table(folder / "deletes.parquet")
    table = DeltaTable(str(folder / "delta"))
    started = time.perf_counter()
    same = {"predicate": "t.ma_ho_so = s.ma_ho_so", "source_alias": "s", "target_alias": "t"}
    merged = (
        table.merge(upserts, **same)
        .when_matched_update_all()
        .when_not_matched_insert_all()
        .execute()
    )
    gone = table.merge(deletes, **same).when_matched_delete().execute()
    seconds = time.perf_counter() - started
    counts = [merged["num_target_rows_inserted"], merged["num_target_rows_updated"]]
    print(json.dumps({"seconds": seconds, "counts": [*counts, gone["num_target_rows_deleted"]]}))


if __name__ == "__main__":
    {"make": make, "night": night}[sys.argv[2]](Path(sys.argv[1]))
