"""Great Expectations' pages of a deployment: kept results, and a site that is built from them.

Data flow: what the checks of a batch found -> :func:`keep` (one small file per dataset in
``data/docs/results``, the newest only; counts, no value of any row) -> :func:`rebuild`, once a
night and only if something was checked since -> ``data/docs/site``, swapped in whole. Every check
in Dagster names its dataset's page (:func:`page`), whose address stays the same.

Great Expectations is imported only when there is something to build.

Run it alone: ``hub docs``.

What does not belong here: how pages look (``checks.data_docs``).
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from filelock import FileLock

from hub.settings import Settings
from warehouse.loads import LoadRecord

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def site(settings: Settings) -> Path:
    """Return the folder of the pages; ``index.html`` in it is where to begin."""
    return settings.docs / "site"


def page(settings: Settings, record: LoadRecord) -> str:
    """Return the address of a dataset's page, or its path if no web server shows the site."""
    name = f"{record.source}/{record.dataset}.html"
    if settings.docs_url:
        return f"{settings.docs_url.rstrip('/')}/{name}"
    return str(site(settings) / name)


def keep(settings: Settings, record: LoadRecord, document: Mapping[str, Any]) -> None:
    """Keep what the checks found of a batch, in place of what they found before."""
    file = settings.docs / "results" / record.source / f"{record.dataset}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "batch": record.batch or "",
        "at": record.ended_at.astimezone(VIETNAM).isoformat(),
        "document": document,
    }
    unfinished = file.with_suffix(f".{os.getpid()}.new")
    unfinished.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(file)


def rebuild(settings: Settings, *, always: bool = False) -> bool:
    """Build the site anew if anything was checked since it was built; say whether it was.

    A night does not fail for its pages: what went wrong is logged, and the old ones stay.
    """
    try:
        return _rebuild(settings, always=always)
    except Exception as error:  # noqa: BLE001 - pages are worth no night
        logging.getLogger(__name__).warning(
            "the pages of the checks were not built: %s; try `hub docs`", type(error).__name__
        )
        return False


def _rebuild(settings: Settings, *, always: bool) -> bool:
    results = settings.docs / "results"
    files = sorted(results.rglob("*.json"))
    built = site(settings) / "index.html"
    newest = max((file.stat().st_mtime_ns for file in files), default=0)
    if not files or (not always and built.exists() and built.stat().st_mtime_ns > newest):
        return False
    from checks.data_docs import Checked, build  # noqa: PLC0415 - imports Great Expectations

    with FileLock(settings.docs / "site.lock", timeout=settings.lock_timeout):
        checked = {}
        for file in files:
            kept = json.loads(file.read_text(encoding="utf-8"))
            name = file.relative_to(results).with_suffix("").as_posix()
            checked[name] = Checked(
                kept["batch"], datetime.fromisoformat(kept["at"]), kept["document"]
            )
        unfinished, old = settings.docs / "site.new", settings.docs / "site.old"
        for leftover in (unfinished, old):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir(parents=True)
        build(checked, unfinished)
        if site(settings).exists():
            site(settings).rename(old)
        unfinished.rename(site(settings))
        shutil.rmtree(old, ignore_errors=True)
    return True
