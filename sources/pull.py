"""Pull one dataset of one system into landing: the entrance to ``sources/``.

Data flow: definition + position + environment -> the kind's module (``sources.kinds``) -> a
sealed :class:`sources.landing.LandedBatch`. What a system's datasets share is a
:class:`sources.session.Session`. A pull that was cut off goes on where it was
(``sources.journal``).

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with the definition's variables set,
for example ``python -m sources.pull assets/danh_muc/goi_don_vi/defs.yaml don_vi data/l``.

What does not belong here: how any kind is read, and what becomes of a batch.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hub.errors import ConfigurationError, HubError
from sources.context import Progress, PullContext, Warn, unheard
from sources.deadline import Deadline
from sources.journal import Journal
from sources.kinds import asked_by_time, check_spec, module_of, options_of
from sources.landing import EnoughError, LandedBatch, Landing, Position, Window
from sources.session import Session, open_session
from sources.spec import DatasetSpec, Strict, SystemSpec, read_definition

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def pull(
    system: SystemSpec,
    dataset: DatasetSpec,
    *,
    position: Position,
    landing: Landing,
    environment: Mapping[str, str],
    since: datetime | None = None,
    until: datetime | None = None,
    whole: bool = False,
    sample: int | None = None,
    progress: Progress = lambda _fetched, _claimed: None,
    warn: Warn = unheard,
    session: Session | None = None,
) -> LandedBatch:
    """Fetch what is new and return it sealed.

    Args:
        system: The definition.
        dataset: One of its datasets.
        position: Where the last committed pull ended.
        landing: Where batches lie.
        environment: Addresses and credentials; not needed beside a ``session``.
        since: With ``until``, a window asked for by hand: a backfill.
        until: End of the window, not included.
        whole: Pull everything, whatever the position: a reconciliation.
        sample: Stop once so many rows have come: for a look, never to be loaded.
        progress: Called with rows so far and the total that the source claims.
        warn: Called with what somebody must read, whether the pull ends well or not.
        session: From :func:`sources.session.open_session`, to share one token among datasets.
    """
    if session is None:
        with open_session(system, environment) as own:
            return pull(
                system, dataset, position=position, landing=landing, environment=environment,
                since=since, until=until, whole=whole, sample=sample, progress=progress,
                warn=warn, session=own,
            )  # fmt: skip
    where = f"{system.name}/{dataset.name}"
    module = module_of(system)
    options = options_of(module, system, dataset)
    window = window_of(dataset, position, since, until, whole=whole)
    _require_window(where, options, window)
    deadline = Deadline(system.limits.dataset_deadline)
    with (
        landing.open(system.name, dataset.name, position, window) as batch,
        Journal.begin(
            batch.folder,
            [where, session.place, dataset.model_dump(mode="json"), position, window],
            _now(),
            hours=system.limits.resume_hours if sample is None else 0,
            secret=session.client.redactor.knows if session.client else lambda _: False,
        ) as journal,
    ):
        batch.sample = sample
        context = PullContext(
            system=system,
            dataset=dataset,
            fetch=options,
            window=window,
            now=journal.began,
            batch=batch,
            deadline=deadline,
            progress=progress,
            connection=session.client,
            journal=journal,
            folders=session.folders,
            previous=landing.find(system.name, dataset.name, position.batch),
            address=session.address,
            login=session.login,
            warn=warn,
            beside=landing.beside,
        )
        asked = f"{options.model_dump_json(exclude={'reader'})} {window}"
        same = session.answered.get(asked) if sample is None else None
        try:
            sealed = _landed(module, context, same)
        except HubError as error:
            if not journal.begin_anew(error, _now()):
                raise journal.note(error.at(where)) from None
            batch.start_over()
            again = replace(context, now=journal.began, deadline=deadline.again())
            try:
                sealed = _landed(module, again, same)
            except HubError as again_error:
                raise journal.note(again_error.at(where)) from None
    if sample is None and _is_of_pages(sealed):
        session.answered[asked] = sealed
    return sealed


def _landed(module: ModuleType, context: PullContext[Any], same: LandedBatch | None) -> LandedBatch:
    """Have the kind land what is new, unless another dataset asked the same; seal it."""
    context.batch.started = context.now.replace(tzinfo=VIETNAM)
    try:
        with contextlib.suppress(EnoughError):
            if same is None:
                module.land(context)
            else:
                context.batch.take_over(same)
        return context.batch.seal(resumed=context.journal.resumed)
    finally:
        context.deadline.give_up()


def _is_of_pages(batch: LandedBatch) -> bool:
    """Say whether a batch is pages of records, as lists within them are read from."""
    return all(file.media == "ndjson" for file in batch.manifest.files)


def _now() -> datetime:
    """Return the moment, Vietnam time."""
    return datetime.now(VIETNAM).replace(tzinfo=None, microsecond=0)


def window_of(
    dataset: DatasetSpec,
    position: Position,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    whole: bool = False,
) -> Window:
    """Return what to ask for: a window by hand, all, or what is new since the cursor."""
    if since is not None or until is not None:
        return Window(_vietnam(since), _vietnam(until), backfill=True)
    if whole or dataset.mode == "full" or position.cursor is None:
        return Window()
    try:
        cursor = datetime.fromisoformat(position.cursor)
    except ValueError:
        raise ConfigurationError(
            f"the stored cursor {position.cursor!r} is no time", where=dataset.name
        ) from None
    return Window(cursor - timedelta(minutes=dataset.overlap_minutes))


def _vietnam(moment: datetime | None) -> datetime | None:
    """Return a moment as Vietnam time without zone; one without zone already is."""
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(VIETNAM).replace(tzinfo=None)


def _require_window(where: str, options: Strict, window: Window) -> None:
    """Raise if the source cannot be asked for the window: rows outside it would come unnoticed."""
    since, until = asked_by_time(options)
    if (window.since and not since) or (window.until and not until):
        raise ConfigurationError(
            "this source cannot be asked for a window of time",
            where=where,
            next_step="pull it without --since and --until",
        )


def _main(definition: str = "", dataset: str = "", root: str = "") -> int:
    """Pull a dataset without a position and print the manifest."""
    try:
        system = read_definition(Path(definition))
        check_spec(system)
        found = {known.name: known for known in system.datasets}.get(dataset)
        if found is None or not root:
            names = ", ".join(known.name for known in system.datasets)
            raise ConfigurationError("say which dataset and where to land it", next_step=names)
        batch = pull(
            system,
            found,
            position=Position(),
            landing=Landing(Path(root)),
            environment=os.environ,
            warn=lambda sentence: print(f"attention: {sentence}", file=sys.stderr),  # noqa: T201 - this is a command
        )
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    manifest: Any = msgspec.to_builtins(batch.manifest)
    shown = {**manifest, "files": len(manifest["files"])}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(shown)).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:4]))
