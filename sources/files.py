"""Files of records, by address or from a folder of this machine, packed in ZIP or not.

Data flow: addresses below the system's own (through its client) or the files of a folder that
fit a pattern -> the members of each, if it is an archive -> judged by their bytes
(``filetypes``) -> landed as they came, each with the medium by which ``warehouse`` reads it.

A folder can be asked for files changed since a moment: a file that holds news was written after
the newest row the hub has, unless somebody copies with old times. The unchanged set of files has
the same content hash whatever their names and times. A folder in which nothing fits is an error,
since an unmounted drive looks just like that.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``files``.

What does not belong here: encodings, headers, record paths; ``warehouse`` reads them by the
``reader`` options.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from hub.errors import HubError, ProviderError
from sources import archives, download, folder
from sources.context import PullContext
from sources.filetypes import Format, require
from sources.spec import FromEnv, Strict

NEEDS_ADDRESS = False
"""A folder has none; a dataset with ``paths`` is told by the client if it is missing."""

_VIETNAM = timezone(timedelta(hours=7))
"""Without daylight saving time since 1975."""


class Zip(Strict):
    """The files come in archives."""

    members: str
    """Shell pattern of the members wanted; ``*`` also fits ``/``."""


class Fetch(Strict):
    """Options of a dataset: ``paths``, or ``folder`` and ``pattern``."""

    format: Format
    """What the files are, or what the members of the archives are."""
    paths: tuple[str, ...] = ()
    """Below the base address, or whole URLs of the same host."""
    folder: FromEnv | None = None
    """Variable with the absolute path of the folder."""
    pattern: str | None = None
    """Files of the folder: ``*.csv``, ``2026/**/gia-*.xlsx``. Hidden files never fit."""
    zip: Zip | None = None
    max_files: Annotated[int, Field(ge=1)] = 1000
    """Files, and members of each archive."""
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the format's reader in ``warehouse``."""

    @property
    def windows(self) -> tuple[bool, bool]:
        """A folder can be asked for what changed since a moment, an address cannot."""
        return self.folder is not None, False

    @field_validator("pattern")
    @classmethod
    def _stays_inside(cls, pattern: str | None) -> str | None:
        """Refuse a pattern that looks outside the folder."""
        why = "" if pattern is None else folder.unfit(pattern)
        if why:
            raise ValueError(why)
        return pattern

    @model_validator(mode="after")
    def _one_place(self) -> Fetch:
        """Files come from one place, and a folder's are named by a pattern."""
        if bool(self.paths) == (self.folder is not None):
            msg = "give either `paths` or `folder`"
            raise ValueError(msg)
        if (self.folder is None) != (self.pattern is None):
            msg = "`folder` and `pattern` belong together"
            raise ValueError(msg)
        return self


def land(pull: PullContext[Fetch]) -> None:
    """Land every file, or every member that fits."""
    if pull.fetch.folder is None:
        _land_addresses(pull)
    else:
        _land_folder(pull, pull.fetch.folder.env)


def _land_addresses(pull: PullContext[Fetch]) -> None:
    """Fetch the files in the definition's order; one that has not changed costs a 304."""
    options = pull.fetch
    for number, path in enumerate(options.paths, 1):
        download.land_file(
            pull,
            path,
            partial(_records, pull),
            media=options.format,
            chosen=options.zip.members if options.zip else "",
            what=f"file {number}",
        )
        pull.progress(number, len(options.paths))


def _land_folder(pull: PullContext[Fetch], variable: str) -> None:
    """Land the files of a folder that changed since the window's beginning."""
    try:
        entries = folder.found(pull.folders[variable], pull.fetch.pattern or "")
    except HubError as error:
        raise error.at(f"{pull.name} folder of {variable}") from None
    if len(entries) > pull.fetch.max_files:
        raise ProviderError(
            f"{len(entries)} files fit {pull.fetch.pattern!r}",
            where=f"{pull.name} folder of {variable}",
            next_step=f"more than {pull.fetch.max_files} are not read; raise fetch.max_files",
        )
    wanted = [entry for entry in entries if _is_new(pull.window.since, entry)]
    for done, entry in enumerate(wanted, 1):
        pull.deadline.check(pull.name)
        try:
            data = folder.read(entry, pull.system.limits.max_body)
            for member, record in _records(pull, data):
                _keep(
                    pull, record, f"folder:{variable}/{entry.name}", member,
                    last_modified=entry.last_modified,
                )  # fmt: skip
        except HubError as error:
            raise error.at(f"{pull.name} {entry.name}") from None
        pull.progress(done, len(wanted))


def _is_new(since: datetime | None, entry: folder.Entry) -> bool:
    """Say whether a file changed at or after a moment (Vietnam time)."""
    return since is None or entry.modified >= since.replace(tzinfo=_VIETNAM)


def _records(pull: PullContext[Fetch], body: bytes) -> list[tuple[str, bytes]]:
    """Return member (blank without an archive) and bytes of each file, all judged."""
    options = pull.fetch
    if options.zip is None:
        require(options.format, body)
        return [("", body)]
    most_bytes = pull.system.limits.max_body
    found = []
    for member, data in archives.unpack(
        body, options.zip.members, most_files=options.max_files, most_bytes=most_bytes
    ):
        try:
            require(options.format, data)
        except HubError as error:
            error.what = f"member {member[-60:]}: {error.what}"
            raise
        found.append((member, data))
    return found


def _keep(pull: PullContext[Fetch], data: bytes, url: str, member: str, **facts: Any) -> None:  # noqa: ANN401 - of the transport
    """Land one file. Names are told in the manifest, never used on the disk."""
    media = pull.fetch.format
    pull.batch.file(
        data, suffix=f".{media}", media=media, url=f"{url}#{member}" if member else url, **facts
    )
