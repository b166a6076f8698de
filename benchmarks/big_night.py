"""A night on a large table: 100,000 rows changed or new and 10,000 deleted, of ten million.

Data flow: a table of N rows, made once -> copies of its folder, one per contestant and run ->
each takes the same night in a process of its own: the hub from the landed batch on (staging,
checks, Great Expectations, history, merge, load record), bare DuckLake (delete and insert by key
from a typed Parquet file, no checks, no history), and in the peers' environment delta-rs.

Run it alone: ``python -m benchmarks.big_night --rows 1000000 --runs 1``.

What does not belong here: fetching (``first_load``), reading (``queries``).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.contest import Contestant, hold, me, peer, run_alone, table, tell
from benchmarks.project import make
from benchmarks.rows import COLUMNS, select, typed

CHANGED, NEW, DELETED = 90_000, 10_000, 10_000


def night_sql(rows: int, scale: float = 1.0) -> tuple[str, str]:
    """Return SQL of the rows that changed or are new, and of those deleted, spread evenly."""
    changed, new, deleted = (int(n * scale) for n in (CHANGED, NEW, DELETED))
    every = max(rows // changed, 2)
    gone = max(rows // deleted, 2)
    upserts = (
        f"{select(0, rows, shift=1, where=f'i % {every} = 0')} UNION ALL {select(rows, rows + new)}"
    )
    return upserts, select(0, rows, where=f"i % {gone} = 1 AND i % {every} > 0")


def build(folder: Path, rows: int) -> None:
    """Make what all start from: the hub's data folder, a bare lake, and a night's files."""
    from hub.catalog import load_catalog  # noqa: PLC0415 - the peers' processes have no hub
    from hub.load import Context, staged_in  # noqa: PLC0415
    from hub.settings import Settings  # noqa: PLC0415
    from sources.landing import Landing, Position, Window  # noqa: PLC0415
    from warehouse.stage import content_hash  # noqa: PLC0415

    make(folder / "assets", tombstones=True)
    settings = Settings(data_dir=folder / "hub", assets_dir=folder / "assets")
    context = Context.of(settings, load_catalog(settings.assets_dir))
    system = context.catalog.systems["thu/nghiem"]
    contract = context.catalog.contract(system.datasets[0])
    connection = context.lake.writer()
    with staged_in(context, connection, contract, "first"):
        pass
    names = ", ".join(COLUMNS)
    connection.execute(
        f"""INSERT INTO lake.mo.ho_so ({names}, _source, _batch, _loaded_at, _hash)
        SELECT {names}, 'thu/nghiem', 'first', now(), {content_hash(contract, repairs=True)}
        FROM (SELECT *, NULL::VARCHAR[] AS _repairs FROM ({typed(f"({select(0, rows)})")}))"""
    )
    connection.close()
    bare = duckdb.connect()
    shutil.copytree(folder / "hub" / "lake", folder / "bare", dirs_exist_ok=True)
    upserts, deletes = night_sql(rows)
    bare.execute(f"COPY ({typed(f'({upserts})')}) TO '{folder}/upserts.parquet'")
    bare.execute(f"COPY (SELECT ma_ho_so FROM ({deletes})) TO '{folder}/deletes.parquet'")
    (folder / "delta").mkdir()
    bare.execute(f"COPY ({typed(f'({select(0, rows)})')}) TO '{folder}/delta/rows.parquet'")
    with Landing(settings.landing).open(
        "thu/nghiem",
        "ho_so",
        Position(),
        Window(since=datetime(2026, 1, 1)),  # noqa: DTZ001
    ) as writer:
        gone = deletes.replace("AS trang_thai", "AS trang_thai_cu").replace(
            "SELECT ", "SELECT 'da_xoa' AS trang_thai, ", 1
        )
        records = bare.execute(
            f"SELECT to_json(t)::VARCHAR FROM ({upserts}) t UNION ALL "
            f"SELECT to_json(t)::VARCHAR FROM ({gone}) t"
        )
        number = 0
        while page := records.fetchmany(10_000):
            writer.page([row[0].encode() for row in page], url=f"page {number}")
            number += 1
        writer.seal()


def hub_night(folder: Path) -> None:
    """Load the landed batch as a night does, everything but the fetching."""
    import checks.validate  # noqa: F401, PLC0415 - imports are not what is measured
    from hub.catalog import load_catalog  # noqa: PLC0415
    from hub.load import Context, Pulled, load  # noqa: PLC0415
    from hub.settings import Settings  # noqa: PLC0415
    from sources.landing import Landing  # noqa: PLC0415

    settings = Settings(data_dir=folder / "hub", assets_dir=folder / "assets")
    context = Context.of(settings, load_catalog(settings.assets_dir))
    system = context.catalog.systems["thu/nghiem"]
    (path,) = (settings.landing / "thu/nghiem/ho_so").iterdir()
    batch = Landing.load(path)
    started = time.perf_counter()
    outcome = load(
        context, system, system.datasets[0], Pulled(batch, datetime.now(UTC), 0.0), run="bench"
    )
    seconds = time.perf_counter() - started
    if outcome.error:
        sys.exit(str(outcome.error))
    record = outcome.record
    tell(seconds, counts=[record.inserted, record.updated, record.deleted])


def bare_night(folder: Path) -> None:
    """Do the same to a bare DuckLake, from typed files: delete by key, insert, commit."""
    from warehouse.lake import Lake  # noqa: PLC0415

    connection = Lake(folder / "bare").writer()
    names = ", ".join(COLUMNS)
    started = time.perf_counter()
    connection.execute("BEGIN")
    upserts, deletes = f"'{folder}/upserts.parquet'", f"'{folder}/deletes.parquet'"
    statements = {
        "delete": f"DELETE FROM lake.mo.ho_so t USING {deletes} d WHERE t.ma_ho_so = d.ma_ho_so",
        "update": f"DELETE FROM lake.mo.ho_so t USING {upserts} d WHERE t.ma_ho_so = d.ma_ho_so",
        "insert": f"INSERT INTO lake.mo.ho_so ({names}, _source) "
        f"SELECT {names}, 'thu/nghiem' FROM {upserts}",
    }
    counts = [connection.execute(statement).fetchone() for statement in statements.values()]
    connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    tell(seconds, counts=[int(count[0]) if count else 0 for count in counts])


ROLES = {"hub": hub_night, "ducklake": bare_night}


def linked(start: Path, place: Path) -> None:
    """Fill a run's folder: files that nobody changes are linked, catalogs are copied."""
    subprocess.run(["cp", "-al", f"{start}/.", place], check=True)  # noqa: S607 - coreutils
    for catalog in place.rglob("catalog.sqlite*"):
        own = catalog.with_name(f"{catalog.name}.own")
        shutil.copy2(catalog, own)
        own.replace(catalog)


def measure(rows: int, runs: int, folder: Path) -> str:
    """Hold the contest; returns its table."""
    start = folder / "start"
    start.mkdir()
    build(start, rows)
    contestants = [
        Contestant("hub", me("big_night", "--as", "hub", "--folder", "{folder}")),
        Contestant("DuckLake, bare", me("big_night", "--as", "ducklake", "--folder", "{folder}")),
        Contestant("delta-rs", peer("delta_night", "{folder}")),
    ]
    results = hold(contestants, runs, folder, lambda place: linked(start, place))
    delta = sum((start / name).stat().st_size for name in ("upserts.parquet", "deletes.parquet"))
    return (
        f"## A night on {rows:,} rows: {CHANGED + NEW:,} upserts, {DELETED:,} deletions\n\n"
        f"{table(results, 'DuckLake, bare')}\n\nThe delta as Parquet: {delta / 1e6:.1f} MB.\n"
    )


if __name__ == "__main__":
    run_alone(__doc__, measure, ROLES, rows=10_000_000)
