"""Publish: one generation of masked files from one snapshot of the lake, if anything changed.

Data flow: contracts -> what of them is published, each table with a fingerprint -> a generation
built aside: Parquet (written from the lake, or linked from the last generation where the
fingerprint is the same), the documents beside it, the DuckDB file -> the switch -> a small file
that says when all this was last confirmed.

Every table is read at the same snapshot. The lake is only read, under the lock that readers share;
memory is bounded, what does not fit is spilt into the unfinished generation. Killed at any moment,
the next run begins anew, and readers keep the generation that they have.

Run it alone: ``hub publish``.

What does not belong here: which contracts there are, the lock that keeps two of these apart
(``hub.publish``).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import msgspec

from checks.contract import Contract
from hub.errors import ConfigurationError
from sources.disk import writing
from warehouse.lake import Lake, bound, connect
from warehouse.publish import database, datapackage, generations, odcs, parquet
from warehouse.publish.generations import Generations
from warehouse.publish.manifest import NAME as MANIFEST
from warehouse.publish.manifest import Manifest, Source, Stored, Table, read, whole
from warehouse.publish.table import PublishedTable, is_published, published
from warehouse.tables import spelt

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
STATUS = "xuat_ban.json"
"""Beside the generations: when what is published was last confirmed, replaced at each run."""


@dataclass(frozen=True)
class Plan:
    """What is to be published."""

    contracts: Sequence[Contract]
    titles: Mapping[str, str] = field(default_factory=dict)
    """``province/system`` -> its title."""
    licence: str | None = None
    """Open Definition identifier of the terms of open data."""
    grace: timedelta = timedelta(hours=24)
    """How long a generation stays after the next one took its place."""


@dataclass(frozen=True)
class Done:
    """What became of it."""

    generation: Path
    manifest: Manifest
    renewed: tuple[str, ...]
    """Tables whose rows were written anew; none if nothing changed."""
    changed: bool
    """Whether there is a new generation."""
    swept: int
    """Old generations that were removed."""
    left_out: tuple[str, ...]
    """Tables that have a column of another type than their contract says."""


@dataclass(frozen=True)
class _Wanted:
    """A table that is to be in the generation."""

    table: PublishedTable
    fingerprint: str
    rows: int
    sources: list[Source]


def publish(lake: Lake, folder: Path, plan: Plan) -> Done:
    """Bring the published folder up to date.

    Args:
        lake: Only read.
        folder: The published folder; the caller keeps other publishings of it away.
        plan: What is published.

    Raises:
        ConfigurationError: There is no warehouse, no table to publish, or no room on the disk.
    """
    shown = Generations(folder)
    with writing(folder):
        swept = shown.sweep(plan.grace, datetime.now(UTC))
        snapshot, taken_at = _newest(lake)
        connection = lake.reader(version=snapshot)
        try:
            bound(connection, lake.memory, folder)
            wanted, left_out = _wanted(connection, plan)
            current = shown.current()
            known = read(current)
            manifest = _unchanged(current, known, wanted, _about(plan))
            if current is not None and manifest is not None:
                _confirm(folder, current.name, snapshot, taken_at, wanted)
                return Done(current, manifest, (), changed=False, swept=swept, left_out=left_out)
            partial = shown.begin()
            spill = partial / ".spill"
            bound(connection, lake.memory, spill)
            tables, renewed = _parquet(connection, partial, wanted, current, known)
        finally:
            connection.close()
        manifest = Manifest(snapshot, taken_at, datetime.now(_VIETNAM), _about(plan), tables)
        plain = connect()
        try:
            bound(plain, lake.memory, spill)
            wanted = [_counted(plain, partial, one, manifest) for one in wanted]
            generations.step("documents")
            _documents(partial, manifest, wanted, plan.licence)
            generations.step("database")
            sources = {one.table.name: one.sources for one in wanted}
            database.write(plain, partial, manifest, [one.table for one in wanted], sources)
        finally:
            plain.close()
        shutil.rmtree(spill, ignore_errors=True)
        _put(partial / MANIFEST, manifest)
        final = shown.finish(partial)
        _confirm(folder, final.name, snapshot, taken_at, wanted)
    return Done(final, manifest, tuple(renewed), changed=True, swept=swept, left_out=left_out)


def _newest(lake: Lake) -> tuple[int, datetime]:
    connection = lake.reader()
    try:
        found = connection.execute(
            "SELECT max(snapshot_id), max(snapshot_time) FROM lake.snapshots()"
        ).fetchone()
        assert found is not None  # noqa: S101 - a lake has a first snapshot
        return int(found[0]), found[1]
    finally:
        connection.close()


def _wanted(
    connection: duckdb.DuckDBPyConnection, plan: Plan
) -> tuple[list[_Wanted], tuple[str, ...]]:
    """Return the tables that are to be published, in the order of their names, and the left out.

    Raises:
        ConfigurationError: There is none: nothing was loaded yet.
    """
    columns: dict[str, dict[str, str]] = {}
    for name, column, kind in connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = 'lake'"
    ).fetchall():
        columns.setdefault(name, {})[column] = spelt(kind)
    loads = _loads(connection)
    wanted, left_out = [], []
    for contract in sorted(plan.contracts, key=lambda contract: contract.table):
        if not is_published(contract) or contract.table not in columns:
            continue
        present = columns[contract.table]
        if any(present.get(one.name, one.sql_type) != one.sql_type for one in contract.columns):
            left_out.append(contract.table)
            continue
        table = published(contract, present)
        (rows,) = connection.execute(f"SELECT count(*) FROM lake.{contract.table}").fetchone() or (
            0,
        )
        of_table = loads.get(contract.table, [])
        sources = [
            Source(name, plan.titles.get(name, name), 0, loaded, checked)
            for name, loaded, checked, _ in of_table
        ]
        decides = [
            _code(),
            table.query,
            contract.path.read_text(encoding="utf-8"),
            rows,
            [[name, version] for name, *_, version in of_table],
        ]
        digest = hashlib.sha256(msgspec.json.encode(decides)).hexdigest()
        wanted.append(_Wanted(table, digest, rows, sources))
    if not wanted:
        raise ConfigurationError(
            "there is no table to publish: nothing was loaded yet, or no contract can be read",
            next_step="run `hub sync`, or look at `hub check`",
        )
    return wanted, tuple(left_out)


def _loads(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Return table -> of each source: when rows changed, when it answered, what was loaded last.

    Of several datasets that a source fills a table from, the one that answered longest ago counts.
    """
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table, *of_source in connection.execute(
        """SELECT table_name, _source, max(loaded), min(checked), list(version ORDER BY version)
        FROM (SELECT table_name, _source, dataset,
                max(ended_at) FILTER (status = 'loaded') AS loaded,
                max(ended_at) FILTER (status IN ('loaded', 'unchanged')) AS checked,
                dataset || ':' || max(seq) FILTER (status = 'loaded') || ':'
                    || max_by(batch, seq) FILTER (status = 'loaded') AS version
            FROM lake.hub.loads GROUP BY table_name, _source, dataset)
        GROUP BY table_name, _source ORDER BY table_name, _source"""
    ).fetchall():
        found.setdefault(table, []).append(tuple(of_source))
    return found


def _about(plan: Plan) -> str:
    return hashlib.sha256(
        msgspec.json.encode([sorted(plan.titles.items()), plan.licence])
    ).hexdigest()


@cache
def _code() -> str:
    """Return the digest of the code that makes the files: who changes it publishes anew."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _unchanged(
    current: Path | None, known: Manifest | None, wanted: list[_Wanted], about: str
) -> Manifest | None:
    """Return what is published if it is what is wanted, whole on the disk; else None."""
    if current is None or known is None or known.about != about:
        return None
    if [(one.table.name, one.fingerprint) for one in wanted] != [
        (table.name, table.fingerprint) for table in known.tables
    ]:
        return None
    there = all(whole(current, table) for table in known.tables)
    return known if there and (current / database.NAME).is_file() else None


def _parquet(
    connection: duckdb.DuckDBPyConnection,
    partial: Path,
    wanted: list[_Wanted],
    current: Path | None,
    known: Manifest | None,
) -> tuple[list[Table], list[str]]:
    """Write or link every table; returns them, and the names of those that were written."""
    tables, renewed = [], []
    for one in wanted:
        generations.step("parquet")
        name = one.table.name
        old = known.table(name) if known else None
        files: list[Stored]
        if current and old and old.fingerprint == one.fingerprint and whole(current, old):
            files = parquet.link(current, partial, old)
        else:
            files = parquet.write(connection, one.table, one.rows, partial)
            renewed.append(name)
        tables.append(Table(name, one.fingerprint, one.rows, files, list(one.table.masked)))
    return tables, renewed


def _counted(
    connection: duckdb.DuckDBPyConnection, partial: Path, one: _Wanted, manifest: Manifest
) -> _Wanted:
    """Count the rows of each source, and add sources that no load is known of."""
    stored = manifest.table(one.table.name)
    assert stored is not None  # noqa: S101 - the manifest was made of these tables
    rows = dict(
        connection.execute(
            f"SELECT _source, count(*) FROM {parquet.scan(partial, stored.files)} GROUP BY 1"
        ).fetchall()
    )
    known = {source.name: source for source in one.sources}
    unknown = [Source(name, name, 0, None, None) for name in sorted(set(rows) - set(known))]
    sources = [
        msgspec.structs.replace(source, rows=rows.get(source.name, 0))
        for source in (*one.sources, *unknown)
    ]
    return _Wanted(one.table, one.fingerprint, one.rows, sources)


def _documents(
    partial: Path, manifest: Manifest, wanted: list[_Wanted], licence: str | None
) -> None:
    """Write ``datapackage.json`` of each schema, and the contract of each table."""
    of_schema: dict[str, list[tuple[PublishedTable, Table, list[Source]]]] = {}
    for one in wanted:
        stored = manifest.table(one.table.name)
        assert stored is not None  # noqa: S101 - the manifest was made of these tables
        of_schema.setdefault(one.table.contract.schema, []).append((one.table, stored, one.sources))
        path = partial / f"{parquet.path_of(one.table.name)}.odcs.yaml"
        path.write_text(odcs.contract(one.table, stored, manifest), encoding="utf-8")
    for schema, tables in of_schema.items():
        _put(
            partial / parquet.FOLDER / schema / datapackage.NAME,
            datapackage.package(schema, tables, manifest, licence),
        )


def _confirm(
    folder: Path, generation: str, snapshot: int, taken_at: datetime, wanted: list[_Wanted]
) -> None:
    """Say beside the generations that what is shown is what the warehouse holds now."""
    told = {
        "ban": generation,
        "kiem_tra_luc": datetime.now(_VIETNAM),
        "anh_chup": snapshot,
        "anh_chup_luc": taken_at,
        "bang": {
            one.table.name: {
                source.name: {"nap_luc": source.loaded_at, "kiem_tra_luc": source.checked_at}
                for source in one.sources
            }
            for one in wanted
        },
    }
    unfinished = folder / f".{STATUS}"
    _put(unfinished, told)
    unfinished.chmod(generations.FILE_MODE)
    unfinished.replace(folder / STATUS)


def _put(path: Path, document: object) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
