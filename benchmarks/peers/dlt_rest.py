"""dlt's ``rest_api`` source into DuckDB, with the fastest settings that its documentation names.

Data flow: numbered JSON pages -> ``rest_api`` -> extract, normalise in two processes, load as
Parquet into a DuckDB file. Column types are given, so that nothing is inferred; orjson is
installed. Of the page on performance: files rotate every 100,000 items, as in its own example for
a million, so that both processes have work; buffers are large; files between the stages are not
compressed; processes are forked, its default (its advice to spawn is for programs with threads;
each would import everything once more). Tried at 100,000 records, in CPU seconds of all processes:
spawned and compressed 21, forked 17, forked and not compressed 14. Loading as JSON lines (19) is
slower than as Parquet. Asking for the pages in threads (``parallelized``, by a resource of page
numbers) made no clear difference (13.2 for 13.9), and threads want spawned processes.

Run it alone: ``python -m benchmarks.peers.dlt_rest ADDRESS ROWS FOLDER``, peers' environment.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "NORMALIZE__WORKERS": "2",
        "DATA_WRITER__BUFFER_MAX_ITEMS": "50000",
        "DATA_WRITER__FILE_MAX_ITEMS": "100000",
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
        "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
        "NORMALIZE__DATA_WRITER__BUFFER_MAX_ITEMS": "50000",
        "LOAD__WORKERS": "2",
    }
)

import dlt
from dlt.sources.rest_api import rest_api_source

from benchmarks.rows import COLUMNS

TYPES = {
    "VARCHAR": "text",
    "BIGINT": "bigint",
    "INTEGER": "bigint",
    "DOUBLE": "double",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BOOLEAN": "bool",
}


def main() -> None:
    """Load everything once and print the rows, and the seconds after the imports."""
    address, rows, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    started = time.perf_counter()
    source = rest_api_source(
        {
            "client": {
                "base_url": address,
                "paginator": {
                    "type": "page_number",
                    "base_page": 1,
                    "total_path": None,
                    "page_param": "page",
                    "maximum_page": rows // 10_000 + 1,
                },
            },
            "resources": [
                {
                    "name": "ho_so",
                    "endpoint": {"path": "rows", "data_selector": "data"},
                    "write_disposition": "append",
                    "primary_key": "ma_ho_so",
                    "columns": {
                        name: {"data_type": TYPES[sql_type]}
                        for name, (sql_type, _) in COLUMNS.items()
                    },
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        "hub_bench",
        destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
        dataset_name="mo",
        pipelines_dir=str(folder / "pipelines"),
    )
    pipeline.run(source, loader_file_format="parquet")
    seconds = time.perf_counter() - started
    with pipeline.sql_client() as client:
        counted = client.execute_sql("SELECT count(*) FROM ho_so")
    print(json.dumps({"seconds": seconds, "rows": counted[0][0]}))


if __name__ == "__main__":
    main()
