"""A folder of a document store, with all below it: WebDAV, or the web server's pages of links.

Data flow: the folder's listing, then those of its subfolders, level by level in a few threads
(``sources.folder_listing``) -> the files that match -> rows of a list (``path``, ``name``,
``size``, ``modified``, ``etag``, ``media``), or with ``download`` the files themselves, each with
its path and time beside it.

The protocols cannot be asked for what is new: every listing is read, and the window of time
chooses among the files. One without a known time is always taken.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``webdav``.

What does not belong here: reading the files; ``warehouse`` does, with the ``reader`` options.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import msgspec
from pydantic import Field, field_validator

from hub.errors import ProviderError, TransientError
from sources import filetypes, payload
from sources.client import Call
from sources.context import PullContext
from sources.folder_listing import Entry, Place, http_date, links, multistatus, place_of
from sources.spec import Strict
from sources.transport import Answer

NEEDS_ADDRESS = True
_PAGE = 10_000
_ASKED = b"""<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/>\
<getcontenttype/></prop></propfind>"""


class Fetch(Strict):
    """Options of a dataset."""

    path: str = "/"
    """Folder below ``base_url``, written as people read it (not percent-encoded)."""
    listing: Literal["webdav", "links"] = "webdav"
    match: str = "*"
    """Which files: ``*`` stands for anything, slashes too; compared with the path below."""
    download: Literal["csv", "xlsx", "edxml"] | None = None
    """Land the files and not the list; what they must be."""
    marker: str = "(?i)index of|directory listing"
    """Words that a page of links must have (a regular expression)."""
    head: bool = False
    """Ask for each file's time and ETag by HEAD: pages of links often lack them."""
    max_depth: Annotated[int, Field(ge=0, le=100)] = 20
    max_folders: Annotated[int, Field(ge=1)] = 10_000
    reader: dict[str, Any] = Field(default_factory=dict)
    """Options of the file's reader in ``warehouse``."""

    @field_validator("marker")
    @classmethod
    def _is_expression(cls, value: str) -> str:
        """Refuse what is no regular expression while the definition is read."""
        try:
            re.compile(value)
        except re.error:
            msg = "no regular expression"
            raise ValueError(msg) from None
        return value

    @property
    def windows(self) -> tuple[bool, bool]:
        """Files can be chosen by their time."""
        return True, True


def land(pull: PullContext[Fetch]) -> None:
    """Land the list of files, or the files."""
    options = pull.fetch
    root = place_of(urlsplit(pull.client.base_url).path) + tuple(
        part for part in options.path.split("/") if part
    )
    files = [
        entry
        for entry in _walk(pull, root)
        if fnmatchcase("/".join(entry.place[len(root) :]), options.match)
    ]
    files.sort(key=lambda entry: entry.place)
    if options.head:
        files = _asked_each(pull, files)
    files = [entry for entry in files if _is_within(pull, entry)]
    if options.download is not None:
        _download(pull, files, root, options.download)
        return
    pull.batch.claim(len(files))
    for start in range(0, len(files), _PAGE):
        rows = [_row(entry, root) for entry in files[start : start + _PAGE]]
        pull.batch.page(rows, url=pull.client.redactor.url(_url(pull, root, is_folder=True)))
        pull.progress(start + len(rows), len(files))


def _walk(pull: PullContext[Fetch], root: Place) -> list[Entry]:
    """Return every file below a folder; raises if the tree is deeper or larger than believed."""
    files: list[Entry] = []
    level, seen = [root], 0
    for _ in range(pull.fetch.max_depth + 1):
        below: list[Place] = []

        def keep(entries: list[Entry], below: list[Place] = below) -> None:
            below.extend(entry.place for entry in entries if entry.is_folder)
            files.extend(entry for entry in entries if not entry.is_folder)

        seen += len(level)
        if seen > pull.fetch.max_folders:
            raise ProviderError(
                f"{seen} folders or more, and the definition believes at most "
                f"{pull.fetch.max_folders}",
                where=pull.name,
                next_step="name a smaller fetch.path, or raise fetch.max_folders",
            )
        pull.each(lambda folder: _listing(pull, folder), level, keep)
        level = below
        if not level:
            return files
    raise ProviderError(
        f"folders lie more than {pull.fetch.max_depth} deep",
        where=pull.name,
        next_step="does a link lead back to a folder above? else raise fetch.max_depth",
    )


def _listing(pull: PullContext[Fetch], folder: Place) -> list[Entry]:
    """Ask for what lies in a folder; runs in several threads."""
    url, what = _url(pull, folder, is_folder=True), f"folder {pull.quote('/'.join(folder))}/"
    if pull.fetch.listing == "links":
        marker = re.compile(pull.fetch.marker)

        def read(answer: Answer) -> list[Entry]:
            return links(answer.body, answer.address, folder, marker)

        return pull.ask(url, read, what=what, accept="text/html")
    call = Call(
        url,
        f"{pull.name} {what}",
        method="PROPFIND",
        accept="application/xml, text/xml",
        headers={"Depth": "1", "Content-Type": "application/xml"},
        body=_ASKED,
    )
    return pull.request(call, lambda answer: multistatus(answer.body, folder))


def _asked_each(pull: PullContext[Fetch], files: list[Entry]) -> list[Entry]:
    """Return the files with the time and the ETag that the server gives for each."""
    found: list[Entry] = []

    def ask(entry: Entry) -> Entry:
        call = Call(
            _url(pull, entry.place),
            f"{pull.name} {_what(pull, entry)}",
            method="HEAD",
            accept="*/*",
            # A compressed head announces a body that never comes.
            headers={"Accept-Encoding": "identity"},
        )
        return pull.request(call, lambda answer: _better(entry, answer))

    pull.each(ask, files, found.append)
    return found


def _better(entry: Entry, answer: Answer) -> Entry:
    """Return an entry with what the head of its file says."""
    return replace(
        entry,
        modified=http_date(answer.last_modified) or entry.modified,
        etag=answer.etag or entry.etag,
        media=answer.media or entry.media,
    )


def _download(
    pull: PullContext[Fetch],
    files: list[Entry],
    root: Place,
    media: Literal["csv", "xlsx", "edxml"],
) -> None:
    """Land the files themselves."""
    done = 0

    def keep(fetched: tuple[Entry, Answer]) -> None:
        nonlocal done
        entry, answer = fetched
        note = {"path": "/".join(entry.place[len(root) :])}
        if entry.modified is not None:
            note["modified"] = _moment(entry.modified)
        pull.batch.file(
            answer.body,
            suffix=".xml" if media == "edxml" else f".{media}",
            media=media,
            url=answer.url,
            status=answer.status,
            etag=answer.etag,
            last_modified=answer.last_modified,
            rows=1 if media == "edxml" else None,
            note=note,
        )
        done += 1
        pull.progress(done, len(files))

    def ask(entry: Entry) -> tuple[Entry, Answer]:
        read = _reading(entry, media)
        answer = pull.ask(_url(pull, entry.place), read, what=_what(pull, entry), accept="*/*")
        return entry, answer

    pull.each(ask, files, keep)


def _reading(entry: Entry, media: Literal["csv", "xlsx", "edxml"]) -> Callable[[Answer], Answer]:
    """Return what looks whether a file is whole and of its kind."""

    def read(answer: Answer) -> Answer:
        if media != "edxml":
            filetypes.require(media, answer.body)
        elif payload.sniff(answer.body) not in {"", "XML"}:
            raise ProviderError(f"{payload.sniff(answer.body)} instead of edXML")
        if entry.size is not None and len(answer.body) != entry.size:
            raise TransientError(
                f"the list says {entry.size} bytes and {len(answer.body)} came",
                next_step="run it again; the file is being changed",
            )
        return answer

    return read


def _is_within(pull: PullContext[Fetch], entry: Entry) -> bool:
    """Say whether a file is in the window; one without a time is."""
    window, moment = pull.window, entry.modified
    if moment is None:
        return True
    return (window.since is None or moment >= window.since) and (
        window.until is None or moment < window.until
    )


def _row(entry: Entry, root: Place) -> bytes:
    """Return a file as a row of the list."""
    below = entry.place[len(root) :]
    return msgspec.json.encode(
        {
            "path": "/".join(below),
            "name": below[-1],
            "size": entry.size,
            "modified": None if entry.modified is None else _moment(entry.modified),
            "etag": entry.etag,
            "media": entry.media,
        }
    )


def _moment(moment: datetime) -> str:
    """Return a moment as business times are written."""
    return moment.isoformat(timespec="seconds")


def _what(pull: PullContext[Fetch], entry: Entry) -> str:
    """Return how messages call a file."""
    return f"file {pull.quote('/'.join(entry.place))}"


def _url(pull: PullContext[Fetch], place: Place, *, is_folder: bool = False) -> str:
    """Return the whole address of a folder or file of this host."""
    parts = urlsplit(pull.client.base_url)
    path = "/".join(quote(name, safe="") for name in place)
    return f"{parts.scheme}://{parts.netloc}/{path}{'/' if is_folder and path else ''}"
