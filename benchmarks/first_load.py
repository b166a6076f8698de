"""A first load: a million records of 20 columns, by numbered JSON pages, into a warehouse.

Data flow: pages made once, handed out by nginx -> in turn: the hub (landing, staging, fifteen rules
by Great Expectations, quarantine, merge, load record), dlt's ``rest_api`` with its fastest
settings, dlt with Arrow tables made by hand in two ways, and the limit (bytes to disk, DuckDB's
``read_json`` to Parquet; no checks, no merge) -> one table.

Run it alone: ``python -m benchmarks.first_load --rows 100000 --runs 1``.

What does not belong here: what the peers are asked to do (``peers``).
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from benchmarks.contest import Contestant, hold, me, peer, run_alone, table, tell
from benchmarks.project import make
from benchmarks.rows import COLUMNS, PAGE, write_pages
from benchmarks.static_server import serving

THREADS = 4
"""Those of the hub's definition."""


class Envelope(msgspec.Struct):
    """A page; its records stay bytes."""

    total: int
    data: list[msgspec.Raw]


def hub(folder: Path) -> None:
    """Land and load once, as a night does; everything is imported before the clock starts."""
    import checks.validate  # noqa: F401, PLC0415 - imports are not what is measured
    from hub.catalog import load_catalog  # noqa: PLC0415
    from hub.land import land  # noqa: PLC0415
    from hub.load import Context, load  # noqa: PLC0415
    from hub.settings import Settings  # noqa: PLC0415

    settings = Settings(data_dir=folder / "data", assets_dir=folder / "assets")
    context = Context.of(settings, load_catalog(settings.assets_dir))
    system = context.catalog.systems["thu/nghiem"]
    (dataset,) = system.datasets
    started = time.perf_counter()
    pulled = land(context, system, [dataset], lambda *_: None)[dataset.name]
    landed = time.perf_counter() - started
    outcome = load(context, system, dataset, pulled, run="bench")
    seconds = time.perf_counter() - started
    if outcome.error:
        sys.exit(str(outcome.error))
    tell(seconds, rows=outcome.record.inserted, landing=round(landed, 2))


def limit(folder: Path) -> None:
    """Keep the bytes as lines and let DuckDB make Parquet of them: the least that can be done."""
    import duckdb  # noqa: PLC0415
    import requests  # noqa: PLC0415

    address, session = os.environ["BENCH_URL"], requests.Session()
    decoder = msgspec.json.Decoder(Envelope)
    started = time.perf_counter()

    def page(number: int) -> int:
        answer = session.get(f"{address}/rows", params={"page": number}, stream=True, timeout=60)
        found = decoder.decode(answer.raw.read(decode_content=True))
        (folder / f"{number:05}.ndjson").write_bytes(b"\n".join(found.data))
        return found.total

    pages = -(-page(1) // PAGE)
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(page, range(2, pages + 1)):
            pass
    columns = ", ".join(f"{name}: '{sql_type}'" for name, (sql_type, _) in COLUMNS.items())
    rows = duckdb.execute(
        f"COPY (FROM read_json('{folder}/*.ndjson', format = 'newline_delimited', "
        f"columns = {{{columns}}})) TO '{folder}/rows.parquet'"
    ).fetchone()
    tell(time.perf_counter() - started, rows=rows[0] if rows else 0)


ROLES = {"hub": hub, "limit": limit}


def measure(rows: int, runs: int, folder: Path) -> str:
    """Hold the contest; returns its table."""
    write_pages(folder / "pages", rows)
    with serving(folder / "pages", folder / "nginx") as address:
        here = {"BENCH_URL": address}
        contestants = [
            Contestant("hub", me("first_load", "--as", "hub", "--folder", "{folder}"), here),
            Contestant("limit", me("first_load", "--as", "limit", "--folder", "{folder}"), here),
            Contestant("dlt, Arrow (C++)", peer("dlt_arrow", address, str(rows), "{folder}")),
            Contestant(
                "dlt, Arrow (from_pylist)",
                peer("dlt_arrow", address, str(rows), "{folder}", "from_pylist"),
            ),
            Contestant("dlt, rest_api", peer("dlt_rest", address, str(rows), "{folder}")),
        ]
        results = hold(contestants, runs, folder, lambda place: make(place / "assets"))
    return f"## First load: {rows:,} records\n\n{table(results, 'hub')}\n"


if __name__ == "__main__":
    run_alone(__doc__, measure, ROLES, rows=1_000_000)
