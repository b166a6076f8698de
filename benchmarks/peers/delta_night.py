"""A night on a delta-rs table: upserts by ``merge``, deletions by another, from Parquet files.

Data flow: the rows as Parquet -> a Delta table in the run's folder (not timed) -> one merge for the
upserts, one for the deletions, as its documentation does -> seconds. No checks, no history beyond
Delta's own versions.

Run it alone: ``python -m benchmarks.peers.delta_night FOLDER``, in the peers' environment.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from pyarrow.dataset import dataset


def main() -> None:
    """Make the table, take the night, print the seconds."""
    folder = Path(sys.argv[1])
    place = str(folder / "delta" / "table")
    rows = dataset(folder / "delta" / "rows.parquet", format="parquet")
    write_deltalake(place, rows.scanner().to_reader())
    upserts = pq.read_table(folder / "upserts.parquet")
    deletes = pq.read_table(folder / "deletes.parquet")
    table = DeltaTable(place)
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
    main()
