"""Clean up beside the lake: old landed batches, leftovers of dead processes, attachments of nobody.

Data flow: the folders of a deployment and ``hub.loads`` -> what may go -> removed, or with
``dry_run`` only counted. A landed batch goes once it is older than its retention, unless the next
pull or a reload may ask for it: the batch at a dataset's position and every newer one, the newest
whole one, and any that was never loaded stay, whatever their age.

A batch goes by one rename to a name that no reader takes for a batch; the rest of the removal may
be cut off and is finished by the next run.

Run it alone: ``pytest tests/warehouse/test_cleanup.py``.

What does not belong here: the lake's own files (``maintenance``), Dagster's history
(``hub.maintain``), the locks that keep a sync of a system away (the caller holds them).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from hub.errors import HubError
from sources.disk import is_running
from sources.landing import MANIFEST, Landing, Manifest
from warehouse import loads
from warehouse.attachment_store import FOLDER as ATTACHMENTS

GONE = ".gone-"
"""Begin of the name of a batch that is being removed."""
_PARTIAL, _JOURNAL = ".partial-", ".journal"


def datasets_in(landing: Path) -> list[tuple[str, str]]:
    """Return (system, dataset) of every folder in landing, defined or not any more."""
    return sorted(
        (f"{folder.parent.parent.name}/{folder.parent.name}", folder.name)
        for folder in landing.glob("*/*/*")
        if folder.is_dir()
    )


def batches(landing: Path, system: str, dataset: str) -> list[Manifest]:
    """Return the sound batches of a dataset, the oldest first."""
    found = []
    for path in (landing / system / dataset).glob(f"[!.]*/{MANIFEST}"):
        try:
            manifest = Landing.load(path.parent).manifest
            found.append((manifest.finished_at, path.stat().st_mtime_ns, manifest))
        except (HubError, FileNotFoundError):
            continue  # damaged: whoever loads it is told; it is nobody's to remove
    return [manifest for *_, manifest in sorted(found, key=lambda one: one[:2])]


def removable(
    manifests: Iterable[Manifest],
    *,
    position: str | None,
    loaded: frozenset[str],
    before: datetime,
) -> list[Manifest]:
    """Return the batches that nothing will ask for again.

    Args:
        manifests: All of one dataset, the oldest first.
        position: Batch of the newest ``loaded`` record.
        loaded: Batches that were loaded, or found to change nothing.
        before: Younger batches stay.
    """
    ordered = list(manifests)
    names = [manifest.batch for manifest in ordered]
    if position not in names:
        return []  # where the dataset stands is not known here: whatever is newer cannot be told
    current = names.index(position)
    whole = [n for n, manifest in enumerate(ordered) if manifest.whole and n <= current]
    return [
        manifest
        for number, manifest in enumerate(ordered[:current])
        if manifest.batch in loaded
        and number != max(whole, default=-1)
        and datetime.fromisoformat(manifest.finished_at) < before
    ]


def clean_landing(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    system: str,
    dataset: str,
    *,
    before: datetime,
    dry_run: bool = False,
) -> list[Manifest]:
    """Remove a dataset's batches that are too old; the caller keeps syncs of the system away."""
    folder = landing / system / dataset
    loaded = frozenset(
        batch
        for (batch,) in connection.execute(
            "SELECT DISTINCT batch FROM lake.hub.loads WHERE _source = ? AND dataset = ? "
            "AND status IN ('loaded', 'unchanged') AND batch IS NOT NULL",
            [system, dataset],
        ).fetchall()
    )
    position = loads.position(connection, system, dataset).batch
    old = removable(
        batches(landing, system, dataset), position=position, loaded=loaded, before=before
    )
    if not dry_run:
        for manifest in old:
            remove_batch(folder / manifest.batch)
        for leftover in folder.glob(f"{GONE}*"):
            shutil.rmtree(leftover)
    return old


def remove_batch(path: Path) -> None:
    """Remove a batch folder: by one rename it is no batch any more."""
    gone = path.with_name(f"{GONE}{path.name}")
    path.rename(gone)
    shutil.rmtree(gone)


def leftovers(landing: Path, staging: Path, *, before: datetime) -> Iterator[Path]:
    """Yield what processes that are dead left behind.

    Args:
        landing: Half-written batches at once; journals, of datasets that are defined or not,
            only if they are older than ``before``: a pull may still go on with a younger one.
        staging: Scratch files at once.
        before: An instant.
    """
    for path in landing.glob(f"*/*/*/{_PARTIAL}*"):
        if not is_running(path.name.removeprefix(_PARTIAL)):
            yield path
    for path in landing.glob(f"*/*/*/{_JOURNAL}*"):
        pid = path.name.removeprefix(_JOURNAL).removeprefix("-")
        if not is_running(pid) and path.stat().st_mtime < before.timestamp():
            yield path
    for path in staging.glob("*.duckdb*"):
        if not is_running(path.name.split(".")[1]):
            yield path


def remove(path: Path) -> None:
    """Remove a file or a folder that somebody else may have removed meanwhile."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def unnamed_attachments(
    connection: duckdb.DuckDBPyConnection, data: Path, *, before: datetime
) -> list[Path]:
    """Return the attachments that no row, no history and no refused record names.

    A digest is looked for in every text column of every table, since a dataset that is not defined
    any more still has its rows. Files that were wanted after ``before`` stay: the rows that name
    them may not be committed yet.
    """
    files = {
        path.parent.name + path.name: path
        for path in (data / ATTACHMENTS).glob("[0-9a-f][0-9a-f]/*")
        if path.stat().st_mtime < before.timestamp()
    }
    if not files:
        return []
    named: set[str] = set()
    columns = connection.execute(
        "SELECT schema_name || '.' || table_name, list(column_name) FROM duckdb_columns() "
        "WHERE database_name = 'lake' AND data_type = 'VARCHAR' "
        "AND NOT starts_with(column_name, '_') GROUP BY 1"
    ).fetchall()
    for table, names in columns:
        digests = " UNION ALL ".join(
            f"SELECT unnest(regexp_extract_all(\"{name}\", '[0-9a-f]{{64}}')) AS digest "
            f'FROM lake.{table} WHERE length("{name}") >= 64'
            for name in names
        )
        named.update(
            digest
            for (digest,) in connection.execute(
                f"SELECT DISTINCT digest FROM ({digests})"
            ).fetchall()
        )
    return [path for digest, path in sorted(files.items()) if digest not in named]


def age(days: float, now: datetime) -> datetime:
    """Return the instant so many days ago."""
    return now - timedelta(days=days)


def folder_bytes(folder: Path) -> tuple[int, int]:
    """Return files and bytes below a folder; files that go meanwhile are not counted."""
    files = total = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                total += path.stat().st_size
                files += 1
        except FileNotFoundError:
            continue
    return files, total
