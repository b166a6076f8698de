"""Land a whole file, asking for its bytes only if they changed since the last committed pull.

Data flow: a kind names an address and what the bytes must be -> a request with the ETag or the
date that the last committed batch noted for that very address (RFC 9110 section 13) -> the file of
the answer, or on ``304 Not Modified`` the file of that batch once more, linked, not copied. The
batch then has the same content, which costs nothing further down. A batch that landing no longer
has, or whose file was damaged since, is fetched anew.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a dataset that is a file.

What does not belong here: which file, and what is in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from requests.utils import requote_uri

from sources.context import PullContext
from sources.landing import LandedFile, Media
from sources.transport import NOT_MODIFIED, Answer

Records = Callable[[bytes], list[tuple[str, bytes]]]
"""Judges a file and returns what is landed of it: member (blank without an archive) and bytes."""


def land_file(
    pull: PullContext[Any],
    address: str,
    records: Records,
    *,
    media: Media,
    chosen: str = "",
    what: str = "file",
) -> None:
    """Land the file at an address, or the chosen members of an archive there.

    Args:
        pull: The pull.
        address: Path below the system's address, or a whole URL of an allowed host.
        records: Raises if the bytes are not what the definition says.
        media: Reader that ``warehouse`` will use.
        chosen: How the members were chosen; another choice is fetched anew.
        what: Name of the request in messages.

    Raises:
        ProviderError: The source refuses, or sends something else.
        TransientError: The source does not answer.
    """
    note = {"members": chosen} if chosen else {}
    before = _landed_before(pull, address, media, note)

    def read(answer: Answer) -> tuple[Answer, list[tuple[str, bytes]]]:
        return answer, [] if answer.status == NOT_MODIFIED else records(answer.body)

    headers = _conditions(before[0]) if before else {}
    answer, found = pull.ask(address, read, what=what, accept="*/*", headers=headers)
    if answer.status == NOT_MODIFIED and pull.previous is not None:
        for file in before:
            pull.batch.again(pull.previous, file)
    for member, data in found:
        pull.batch.file(
            data,
            suffix=f".{media}",
            media=media,
            url=f"{answer.url}#{member}" if member else answer.url,
            status=answer.status,
            etag=answer.etag,
            last_modified=answer.last_modified,
            note=note,
        )


def _conditions(file: LandedFile) -> dict[str, str]:
    """Return the headers that ask for a file only if it changed; an ETag is the better word."""
    if file.etag:
        return {"If-None-Match": file.etag}
    return {"If-Modified-Since": file.last_modified} if file.last_modified else {}


def _landed_before(
    pull: PullContext[Any], address: str, media: Media, note: dict[str, str]
) -> list[LandedFile]:
    """Return what the last committed batch had from this address, if all of it is still whole."""
    if pull.previous is None:
        return []
    asked = pull.client.redactor.url(requote_uri(pull.client.absolute(address)))
    found = [
        file
        for file in pull.previous.manifest.files
        if file.url.partition("#")[0] == asked and file.media == media and file.note == note
    ]
    for file in found:
        if not (file.etag or file.last_modified):
            return []
        try:
            data = (pull.previous.path / file.name).read_bytes()
        except OSError:
            return []
        if hashlib.sha256(data).hexdigest() != file.sha256:
            return []
    return found
