"""CKAN's Action API: call an action, tell its errors apart.

Data flow: ``sources.ckan`` names an action and its parameters; the envelope comes back once it
says ``success``. An error is ``{"success": false, "error": {"__type": ..., "message": ...}}``
with 403, 404, 409 or even 200; one of authorisation is the hub's own configuration.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``ckan``.

What does not belong here: which actions a dataset needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources import payload
from sources.client import StatusError
from sources.context import PullContext
from sources.transport import Answer

T = TypeVar("T")

_FORBIDDEN = 403
_NOT_FOUND = 404
_MISSING = "Not Found Error"
_SEARCH_DOWN = ("Search Error", "Search Index Error")
_SEARCH_REFUSED = "Search Query Error"
_REFUSED = re.compile(
    r"Solr responded with an error \(HTTP 400\).*"
    r"|\w+ \w+ (are not supported in|must be defined at the beginning of) param.*",
    re.DOTALL,
)
"""What CKAN 2.12 says under ``Search Error`` where the question is wrong and the search well."""


class MissingError(ProviderError):
    """The catalog has nothing of that name, or hides it."""


def call(
    pull: PullContext[Any],
    action: str,
    params: Mapping[str, str],
    read: Callable[[payload.Envelope, Answer], T],
    *,
    what: str,
    now: bool = False,
) -> T:
    """Call an action and return what ``read`` makes of its envelope.

    Args:
        pull: The pull.
        action: Its name.
        params: Its parameters.
        read: Reads the envelope.
        what: Names the request in errors.
        now: As in :meth:`PullContext.ask`.
    """

    def parse(answer: Answer) -> T:
        outer = payload.envelope(answer.body)
        if payload.text(outer, "success") != "true":
            raise _failure(pull, action, outer, answer.status)
        return read(outer, answer)

    path = f"{pull.fetch.action_path}/{action}"
    try:
        return pull.ask(path, parse, what=what, params=params, now=now)
    except StatusError as error:
        try:
            outer = payload.envelope(error.answer.body)
        except ProviderError:
            raise error from None  # no envelope: a firewall or the web server spoke
        raise _failure(pull, action, outer, error.answer.status).at(error.where) from None


def _failure(pull: PullContext[Any], action: str, outer: payload.Envelope, status: int) -> HubError:
    """Return the error for a failed action."""
    kind = payload.text(outer, "error.__type")
    message = payload.text(outer, "error.message")
    refused = _REFUSED.search(message or "") if kind == "Search Error" else None
    if refused is not None:
        kind, message = _SEARCH_REFUSED, refused[0]  # what stands before it is the question
    said = pull.quote(f"{kind or 'error'}: {message}" if message else kind or "no reason given")
    names = ", ".join(pull.client.auth.names)
    if status == _FORBIDDEN or kind == "Authorization Error":
        return ConfigurationError(
            f"{action} is forbidden ({said})",
            next_step=f"check the value of {names}, and whether its account may read this"
            if names
            else "the dataset is private: give the definition a token (auth: {kind: api_key})",
        )
    if kind in _SEARCH_DOWN:
        return TransientError(
            f"{action} failed, the catalog's search is down ({said})",
            next_step="run it again later; ask the provider if it lasts",
        )
    if kind == _SEARCH_REFUSED:
        return ProviderError(
            f"{action} failed ({said}, HTTP {status})",
            next_step="compare the definition's q and fq with what the catalog can search for",
        )
    hidden = f"; to a wrong token a private one looks the same: check {names}" if names else ""
    wrong = MissingError if kind == _MISSING else ProviderError
    return wrong(
        f"{action} failed ({said}, HTTP {status})",
        next_step=f"check its name in the catalog{hidden if status == _NOT_FOUND else ''}",
    )
