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
from sources.landing import LandedBatch, LandedFile, Media
from sources.transport import NOT_MODIFIED, Answer


def land_file(
    pull: PullContext[Any],
    address: str,
    *,
    media: Media,
    suffix: str,
    require: Callable[[bytes], None],
    what: str = "file",
) -> None:
    """Land the file at an address.

    Args:
        pull: The pull.
        address: Path below the system's address, or a whole URL of an allowed host.
        media: Reader that ``warehouse`` will use.
        suffix: Ending of the landed file's name.
        require: Raises if the bytes are not what the definition says.
        what: Name of the request in messages.

    Raises:
        ProviderError: The source refuses, or sends something else.
        TransientError: The source does not answer.
    """
    before = _landed_before(pull, address, media)

    def read(answer: Answer) -> Answer:
        if answer.status != NOT_MODIFIED:
            require(answer.body)
        return answer

    headers = _conditions(before[1]) if before else {}
    answer = pull.ask(address, read, what=what, accept="*/*", headers=headers)
    if answer.status == NOT_MODIFIED and before:
        pull.batch.again(*before)
    else:
        pull.batch.file(
            answer.body,
            suffix=suffix,
            media=media,
            url=answer.url,
            status=answer.status,
            etag=answer.etag,
            last_modified=answer.last_modified,
        )


def _conditions(file: LandedFile) -> dict[str, str]:
    """Return the headers that ask for a file only if it changed; an ETag is the better word."""
    if file.etag:
        return {"If-None-Match": file.etag}
    return {"If-Modified-Since": file.last_modified} if file.last_modified else {}


def _landed_before(
    pull: PullContext[Any], address: str, media: Media
) -> tuple[LandedBatch, LandedFile] | None:
    """Return the file that the last committed batch had from this address, if it is still whole."""
    if pull.previous is None:
        return None
    asked = pull.client.redactor.url(requote_uri(pull.client.absolute(address)))
    for file in pull.previous.manifest.files:
        if file.url == asked and file.media == media and (file.etag or file.last_modified):
            data = (pull.previous.path / file.name).read_bytes()
            if hashlib.sha256(data).hexdigest() == file.sha256:
                return pull.previous, file
    return None
