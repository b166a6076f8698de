"""Erase a person from a whole deployment on request, and certify what was removed where.

Data flow: identifiers, reason, request number -> the suppression list first, so that no pull can
bring the person back meanwhile -> under the locks of all systems: landing, journals, held records,
attachments, staging, published files and Data Docs, Dagster's storage, then the lake -> a
certificate in ``data/erasures``, counts only -> what was published, anew. A request may also be
refused for a statutory retention: then only that is recorded.

Run it alone: ``hub erase --dry-run --id 0123456789``.

What does not belong here: how anything is cut out (``warehouse.erasure*``).
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.catalog import Catalog
from hub.errors import ConfigurationError
from hub.publish import publish
from hub.settings import Settings
from hub.system_lock import publish_lock, system_lock
from warehouse import backup, catalog_file, cleanup, erasure, erasure_files, suppression
from warehouse.lake import Lake
from warehouse.person import Person
from warehouse.publish.generations import Generations
from warehouse.tables import history_of

REBUILT = ("docs", "read_copies")
"""Folders that are made from the lake and are made again; they go if they hold the person."""
PUBLISHED = "published generations"
"""Where certificates say how many of them went. They go whatever they hold: compressed files show
nothing to a search, and a row without its name is still a row about the person."""


@dataclass(frozen=True)
class Request:
    """What the officer has on paper."""

    number: str
    reason: str


def classified(catalog: Catalog) -> dict[str, list[str]]:
    """Return table and history -> columns that contracts classify as personal."""
    found: dict[str, list[str]] = {}
    for contract in catalog.contracts.values():
        for table in (contract.table, history_of(contract.table)):
            found[table] = suppression.personal(contract)
    return found


def erase(
    settings: Settings, catalog: Catalog, person: Person, request: Request, *, dry_run: bool
) -> dict[str, int]:
    """Erase a person everywhere; returns place -> what was removed there.

    Raises:
        TransientError: A sync is running, or somebody has the warehouse open.
        ConfigurationError: The suppression list cannot be used.
    """
    with _no_sync(settings, catalog):
        if not dry_run:
            suppression.Suppression(settings.suppression).add(person)
        removed = remove(settings, catalog, person, dry_run=dry_run)
    if not dry_run:
        _certify(settings, request, "erased", {"removed": removed})
        if PUBLISHED in removed:
            publish(settings, catalog)
    return removed


def remove(
    settings: Settings, catalog: Catalog, person: Person, *, dry_run: bool
) -> dict[str, int]:
    """Remove a person from all places; the caller keeps syncs away."""
    removed: Counter[str] = Counter()
    for system, dataset in cleanup.datasets_in(settings.landing):
        found = erasure_files.clean_dataset(
            settings.landing / system / dataset, person, dry_run=dry_run
        )
        removed.update({f"landing: {kind}": n for kind, n in found.items()})
    for name in ("held", "attachments", "acknowledged"):
        removed[name] = erasure_files.clean_folder(
            settings.data_dir / name, person, dry_run=dry_run
        )
    for path in cleanup.leftovers(settings.landing, settings.staging, before=datetime.now(UTC)):
        removed["staging"] += 1
        if not dry_run:
            cleanup.remove(path)
    for name in REBUILT:
        folder = settings.data_dir / name
        if erasure_files.clean_folder(folder, person, dry_run=True):
            removed[name] += 1
            if not dry_run:
                shutil.rmtree(folder)
    removed[PUBLISHED] = Generations(settings.publish).remove_all(dry_run=dry_run)
    if settings.dagster_home.exists():
        removed.update(_clean_dagster(settings, person, dry_run=dry_run))
    removed.update(_clean_lake(settings, catalog, person, dry_run=dry_run))
    return {place: count for place, count in sorted(removed.items()) if count}


def _clean_lake(
    settings: Settings, catalog: Catalog, person: Person, *, dry_run: bool
) -> dict[str, int]:
    lake = Lake(settings.lake)
    if not lake.exists:
        return {}
    connection = lake.writer()
    columns = erasure.personal_columns(connection, classified(catalog))
    counts = erasure.count(connection, columns, person)
    named = set(cleanup.unnamed_attachments(connection, settings.data_dir, before=_soon()))
    connection.close()
    if not dry_run:
        counts = erasure.erase(lake, columns, person)
        connection = lake.writer()
        after = cleanup.unnamed_attachments(connection, settings.data_dir, before=_soon())
        connection.close()
        # Those that only the person's rows named; what nobody named before is maintenance's.
        for path in set(after) - named:
            path.unlink(missing_ok=True)
            counts["attachments of their rows"] = counts.get("attachments of their rows", 0) + 1
    return {f"table {table}": count for table, count in counts.items()}


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def _clean_dagster(settings: Settings, person: Person, *, dry_run: bool) -> dict[str, int]:
    """Remove runs that mention the person (none should), and the free pages of the storage."""
    home = settings.dagster_home
    holding = [
        path for path in home.rglob("*.db*")
        if path.is_file() and erasure_files.holds(path.read_bytes(), person)
    ]  # fmt: skip
    if holding and not dry_run:
        from hub.runs import instance  # noqa: PLC0415 - 2 s, and seldom needed

        with instance(settings) as opened:
            for path in holding:
                opened.delete_run(path.name.partition(".")[0])
        for path in home.rglob("*.db"):
            catalog_file.vacuum(path)
    return {"dagster files": len(holding)}


def refuse(settings: Settings, request: Request, legal_basis: str) -> None:
    """Record that a request was refused, since the law says that the data must be kept."""
    _certify(settings, request, "refused: statutory retention", {"legal_basis": legal_basis})


def bring_none_back(settings: Settings, catalog: Catalog) -> dict[str, int]:
    """Remove whoever is on the suppression list from a restored deployment.

    The list has hashes only, so the persons are found by the values that the tables have of them.
    """
    lake, known = Lake(settings.lake), suppression.Suppression(settings.suppression)
    if not lake.exists or not known.hashes():
        return {}
    connection = lake.writer()
    numbers: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for table, columns in erasure.personal_columns(connection, classified(catalog)).items():
        found = suppression.found_in(connection, known, f"lake.{table}", columns)
        if found is not None:
            numbers |= found.numbers
            pairs |= found.pairs
    refused = suppression.found_in(
        connection, known,
        "(SELECT unnest(json_extract_string(record, '$.*')) AS cell FROM lake.hub.quarantine)",
        ["cell"],
    )  # fmt: skip
    connection.close()
    if refused is not None:
        numbers |= refused.numbers
    if not numbers and not pairs:
        return {}
    return remove(settings, catalog, Person(frozenset(numbers), frozenset(pairs)), dry_run=False)


def restored(
    settings: Settings, catalog: Catalog, taken: Path, data: Path
) -> tuple[backup.Manifest, dict[str, int]]:
    """Restore a backup and take out whoever was erased since, before anybody sees the folder.

    The suppression list is that of the deployment whose settings these are, not the backup's age.

    Raises:
        ConfigurationError: The folder is not empty, or the list cannot be used.
        DataError: The backup is damaged.
    """
    hidden = data.with_name(f".restoring-{data.name}")
    if data.exists() and any(data.iterdir()):
        raise ConfigurationError(
            f"{data} is not empty", next_step="restore into a new folder, then exchange the two"
        )
    shutil.rmtree(hidden, ignore_errors=True)
    suppression.Suppression(settings.suppression).hashes()  # rather fail before than after
    manifest = backup.restore(taken, hidden)
    there = settings.model_copy(
        update={"data_dir": hidden, "suppression_dir": settings.suppression}
    )
    removed = bring_none_back(there, catalog)
    if data.exists():
        data.rmdir()
    hidden.rename(data)
    return manifest, removed


@contextmanager
def _no_sync(settings: Settings, catalog: Catalog) -> Iterator[None]:
    """Hold the locks of all systems, defined or not any more, and that of the published files."""
    landed = {system for system, _ in cleanup.datasets_in(settings.landing)}
    with ExitStack() as locks:
        for system in sorted({*catalog.systems, *landed}):
            locks.enter_context(system_lock(settings, system))
        locks.enter_context(publish_lock(settings))
        yield


def _certify(
    settings: Settings, request: Request, outcome: str, more: Mapping[str, object]
) -> None:
    """Write the certificate: JSON for machines, the same as text for the file."""
    now = datetime.now(UTC)
    folder = settings.data_dir / "erasures"
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, object] = {
        "request": request.number,
        "reason": request.reason,
        "outcome": outcome,
        "at": now.isoformat(timespec="seconds"),
        **more,
    }
    if outcome == "erased":
        told["time_travel"] = "snapshots before this moment no longer exist"
        told["backups"] = (
            "older backups still hold the person; they may be kept until "
            f"{now + timedelta(days=settings.keep_backups_days):%Y-%m-%d}, and a restore "
            "removes the person again"
        )
    removed = told.get("removed")
    if isinstance(removed, dict) and PUBLISHED in removed:
        told["published"] = "agencies that copied published files have to fetch them again"
    stem = folder / f"{now:%Y%m%dT%H%M%SZ}"
    stem.with_suffix(".json").write_text(
        json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    lines = [f"{name}: {value}" for name, value in told.items() if name != "removed"]
    if isinstance(removed, dict):
        lines += [f"removed from {place}: {count}" for place, count in removed.items()]
    stem.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
