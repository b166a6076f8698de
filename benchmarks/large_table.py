"""A large table in the hub's lake, made once, and nights that change it.

Data flow: a number of rows -> :func:`make_lake`: the hub's data folder with its table, a bare lake
with the same -> :func:`night_files`: a night as typed Parquet, for those who check nothing, and as
a landed batch -> :func:`load_night`: the hub's night from that batch on, as ``hub sync`` takes it.

The rows go into the table by one statement, with the columns, the hash and the partitions of a
first load: through pages ten millions would take minutes, and what is measured comes after.

Run it alone: ``python -m benchmarks.big_night`` uses it.

What does not belong here: what is measured of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from benchmarks.project import make
from benchmarks.rows import COLUMNS, PAGE, select, typed

if TYPE_CHECKING:
    from hub.load import Context
    from sources.landing import LandedBatch, Position

SYSTEM, TABLE = "thu/nghiem", "mo.ho_so"


def context_of(folder: Path) -> Context:
    """Return the deployment in a folder."""
    from hub.catalog import load_catalog  # noqa: PLC0415 - the peers' processes have no hub
    from hub.load import Context  # noqa: PLC0415
    from hub.settings import Settings  # noqa: PLC0415

    settings = Settings(data_dir=folder / "hub", assets_dir=folder / "assets")
    return Context.of(settings, load_catalog(settings.assets_dir))


def make_lake(folder: Path, rows: int, *, bare: bool = True) -> None:
    """Make the hub's data folder with so many rows in the table, and a bare lake with the same."""
    from hub.load import staged_in  # noqa: PLC0415 - as above
    from warehouse.stage import content_hash  # noqa: PLC0415

    make(folder / "assets", tombstones=True)
    context = context_of(folder)
    contract = context.catalog.contract(context.catalog.systems[SYSTEM].datasets[0])
    connection = context.lake.writer()
    with staged_in(context, connection, contract, "first"):
        pass
    names = ", ".join(COLUMNS)
    connection.execute(
        f"""INSERT INTO lake.{TABLE} ({names}, _source, _batch, _loaded_at, _hash)
        SELECT {names}, '{SYSTEM}', 'first', now(), {content_hash(contract, repairs=True)}
        FROM (SELECT *, NULL::VARCHAR[] AS _repairs FROM ({typed(f"({select(0, rows)})")}))"""
    )
    connection.close()
    if bare:
        shutil.copytree(folder / "hub" / "lake", folder / "bare", dirs_exist_ok=True)


def spread(rows: int, upserts: int) -> tuple[str, str]:
    """Return SQL of a night's upserts and deletions, spread evenly over a table of so many rows.

    Of the upserts a tenth are new rows; as many rows as are new are deleted.
    """
    new = max(upserts // 10, 1)
    changed = max(rows // (upserts - new), 2)
    gone = max(rows // new, 2)
    records = (
        f"{select(0, rows, shift=1, where=f'i % {changed} = 0')} "
        f"UNION ALL {select(rows, rows + new)}"
    )
    return records, select(0, rows, where=f"i % {gone} = 1 AND i % {changed} > 0")


def night_files(folder: Path, upserts: str, deletes: str) -> int:
    """Write a night as typed Parquet and as a landed batch; return the Parquet's bytes."""
    from sources.landing import Position  # noqa: PLC0415 - as above

    files = {
        folder / "upserts.parquet": typed(f"({upserts})"),
        folder / "deletes.parquet": f"SELECT ma_ho_so FROM ({deletes})",
    }
    for file, sql in files.items():
        duckdb.execute(f"COPY ({sql}) TO '{file}'")
    land(context_of(folder), upserts, deletes, Position())
    return sum(file.stat().st_size for file in files)


def land(context: Context, upserts: str, deletes: str, position: Position) -> LandedBatch:
    """Land a night as a source would send it: records, and tombstones for what was deleted."""
    from sources.landing import Landing, Window  # noqa: PLC0415 - as above

    window = Window(since=datetime(2026, 1, 1))  # noqa: DTZ001 - as sources write it
    dataset = context.catalog.systems[SYSTEM].datasets[0].name
    with Landing(context.settings.landing).open(SYSTEM, dataset, position, window) as writer:
        records = duckdb.execute(
            f"SELECT to_json(t)::VARCHAR FROM ({upserts} UNION ALL "
            f"SELECT * REPLACE ('da_xoa' AS trang_thai) FROM ({deletes})) t"
        )
        number = 0
        while page := records.fetchmany(PAGE):
            writer.page([row[0].encode() for row in page], url=f"page {number}")
            number += 1
        return writer.seal()


def load_night(context: Context, batch: LandedBatch) -> tuple[float, list[int]]:
    """Load a landed batch: staging, checks, Great Expectations, history, merge, load record.

    Returns:
        Seconds; rows inserted, updated, deleted.
    """
    import checks.validate  # noqa: F401, PLC0415 - imports are not what is measured
    from hub.load import Pulled, load  # noqa: PLC0415

    system = context.catalog.systems[SYSTEM]
    pulled = Pulled(batch, datetime.now(UTC), 0.0)
    started = time.perf_counter()
    outcome = load(context, system, system.datasets[0], pulled, run="bench")
    seconds = time.perf_counter() - started
    if outcome.error:
        sys.exit(str(outcome.error))
    record = outcome.record
    return seconds, [record.inserted, record.updated, record.deleted]


def linked(start: Path, place: Path) -> None:
    """Fill a folder from another: files that nobody changes are linked, the rest is copied."""
    place.mkdir(exist_ok=True)
    subprocess.run(["cp", "-al", f"{start}/.", place], check=True)  # noqa: S607 - coreutils
    for pattern in ("catalog.sqlite*", "*.lock"):
        for file in place.rglob(pattern):
            own = file.with_name(f"{file.name}.own")
            shutil.copy2(file, own)
            own.replace(file)
