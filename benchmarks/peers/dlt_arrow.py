"""dlt with hand-made Arrow tables into DuckDB: it checks nothing and infers nothing.

Data flow: numbered JSON pages -> records split by msgspec -> pyarrow's own JSON reader with the
schema given -> ``dlt.resource`` of Arrow tables -> Parquet -> a DuckDB file. This is what dlt's
documentation advises for large loads: row ids are not added (its default for Arrow), the Parquet
passes through normalizing as it is, buffers of 100,000 rows make row groups that are not tiny
(at 100,000 records 6.2 CPU seconds for 6.7). The fetching is ours, in four threads, as the hub's.

With a fourth argument ``from_pylist`` the tables are made as most examples do: the page decoded
by orjson, then ``pa.Table.from_pylist``.

Run it alone: ``python -m benchmarks.peers.dlt_arrow ADDRESS ROWS FOLDER``, peers' environment.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "LOAD__WORKERS": "2",
        "NORMALIZE__WORKERS": "1",
        "DATA_WRITER__BUFFER_MAX_ITEMS": "100000",
    }
)

import dlt
import msgspec
import orjson
import pyarrow as pa
import pyarrow.json as pj
import requests

from benchmarks.rows import COLUMNS, PAGE

TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
}
SCHEMA = pa.schema([(name, TYPES[sql_type]) for name, (sql_type, _) in COLUMNS.items()])
# pyarrow's reader takes no dates: they come as text and are cast, which is quick.
READ = pa.schema([(f.name, pa.string() if f.type == pa.date32() else f.type) for f in SCHEMA])


class Envelope(msgspec.Struct):
    """A page; its records stay bytes."""

    data: list[msgspec.Raw]


def main() -> None:
    """Load everything once and print the rows, and the seconds after the imports."""
    address, rows, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    started = time.perf_counter()
    session, decoder = requests.Session(), msgspec.json.Decoder(Envelope)
    options = pj.ParseOptions(explicit_schema=READ, unexpected_field_behavior="ignore")

    def page(number: int) -> pa.Table:
        answer = session.get(f"{address}/rows", params={"page": number}, timeout=60)
        lines = b"\n".join(decoder.decode(answer.content).data)
        return pj.read_json(io.BytesIO(lines), parse_options=options).cast(SCHEMA)

    def decoded(number: int) -> pa.Table:
        answer = session.get(f"{address}/rows", params={"page": number}, timeout=60)
        return pa.Table.from_pylist(orjson.loads(answer.content)["data"])

    make = decoded if sys.argv[4:] == ["from_pylist"] else page

    def records() -> Iterator[pa.Table]:
        with ThreadPoolExecutor(4) as pool:
            yield from pool.map(make, range(1, rows // PAGE + 1))

    pipeline = dlt.pipeline(
        "hub_bench",
        destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
        dataset_name="mo",
        pipelines_dir=str(folder / "pipelines"),
    )
    resource = dlt.resource(records, name="ho_so", write_disposition="append")
    pipeline.run(resource, loader_file_format="parquet")
    seconds = time.perf_counter() - started
    with pipeline.sql_client() as client:
        counted = client.execute_sql("SELECT count(*) FROM ho_so")
    print(json.dumps({"seconds": seconds, "rows": counted[0][0]}))


if __name__ == "__main__":
    main()
