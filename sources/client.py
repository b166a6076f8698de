"""One HTTP client for every kind of system: limits, retries, credentials, typed errors.

Data flow: a kind asks for a path and says how to read the answer (``parse``); the client
sends the request under the system's limits, reads the body piece by piece under a cap, tries
again what may pass, and returns what ``parse`` made of it. Whatever goes wrong becomes a
``TransientError`` (it may pass), a ``ProviderError`` (the source is wrong) or a
``ConfigurationError`` (the credentials are), naming dataset and page, never a secret.

Retries happen here and nowhere else.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` pulls a dataset through it.

What does not belong here: paging, what an answer means, credentials (``sources.auth``), the
connection itself (``sources.transport``).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar
from urllib.parse import urljoin, urlsplit

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.deadline import Deadline, Pace
from sources.hosts import Hosts
from sources.payload import TruncatedError, sniff
from sources.redact import Redactor
from sources.spec import Limits
from sources.transport import NOT_MODIFIED, Answer, Fault, Request, Route, Transport

T = TypeVar("T")

JSON = "application/json"
_REFUSED = (401, 403)
_MAY_PASS = (408, 425, 429)
_SUCCESS = range(200, 300)
_REDIRECT = (301, 302, 303, 307, 308)
_SERVER = range(500, 600)
_HOPS = 5
_AGAIN = "run it again later; ask the provider if it lasts"
_ASK = "nothing was loaded; ask the provider what the source sends there"


class StatusError(ProviderError):
    """The source refused a request for good; kinds may look at its answer to say it better."""

    def __init__(self, what: str, *, answer: Answer, next_step: str) -> None:
        """Keep the answer beside the sentence."""
        super().__init__(what, next_step=next_step)
        self.answer = answer


class ExpiredError(ProviderError):
    """The source says inside a 200 that the credentials have aged; they are renewed once."""


@dataclass(frozen=True)
class Credentials:
    """What an authorised request has besides its call: held apart, to be dropped as one."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """In place of the call's body, where the credentials go into it."""
    token: str = field(default="", repr=False)
    """The token they were made of, by which an old one is told from a new one."""


class Authorizer(Protocol):
    """Puts credentials into requests; the classes of ``sources.auth``."""

    names: tuple[str, ...]
    """Environment variables the credentials come from, for error messages."""
    certificate: tuple[str, str] | None
    """Paths of a client certificate and its key, for the transport."""

    def credentials(self, client: Client, deadline: Deadline, call: Call) -> Credentials:
        """Return what makes this call an authorised one; may fetch a token."""

    def renew(self, client: Client, deadline: Deadline, used: Credentials) -> bool:
        """Replace the credentials that were just refused; False if there is nothing to renew."""


@dataclass(frozen=True)
class Call:
    """One thing asked of a source."""

    path: str
    """Below the base address, or a whole URL of the same host."""
    where: str
    """Dataset and page, for messages."""
    params: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    accept: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    authorized: bool = True


class Client:
    """Talks to one system. Its threads and its datasets share connections and credentials."""

    def __init__(
        self,
        name: str,
        base_url: str,
        limits: Limits,
        auth: Authorizer,
        *,
        redactor: Redactor,
        contact: str,
        hosts: Hosts | None = None,
        route: Route | None = None,
    ) -> None:
        """Prepare; nothing is sent yet. Without ``hosts`` only the own host is read."""
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.limits = limits
        self.auth = auth
        self.redactor = redactor
        self.host = urlsplit(base_url).hostname or ""
        self.served = False
        """Whether one request for data has been answered well. A system that has not is out."""
        self.hosts = hosts or Hosts(base_url)
        self._transport = Transport(limits, redactor, contact, self.hosts, route or Route())
        self._pace = Pace(limits.per_minute)
        self._slots = threading.BoundedSemaphore(limits.threads)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def fetch(self, call: Call, deadline: Deadline, parse: Callable[[Answer], T]) -> T:
        """Ask, trying again what may pass, and return what ``parse`` reads in the answer."""
        attempt = 0
        while True:
            deadline.check(call.where)
            try:
                return self._attempt(call, deadline, parse)
            except Fault as fault:
                self._finish(fault.error)
                attempt += 1
                if attempt > self.limits.retries:
                    raise _final(fault, attempt).at(call.where) from None
                wait = self._wait(attempt, fault.retry_after)
                deadline.sleep(wait, call.where, fault.error.what)
            except HubError as error:
                self._finish(error)
                raise error.at(call.where) from None

    def absolute(self, path: str) -> str:
        """Return the URL of a path; a whole URL must be of a host that the definition allows."""
        if not urlsplit(path).scheme:
            return f"{self.base_url}/{path.lstrip('/')}"
        self.hosts.require(path, self.redactor.url(path))
        return path

    def _attempt(self, call: Call, deadline: Deadline, parse: Callable[[Answer], T]) -> T:
        """Ask once, or twice if the token was refused and could be renewed."""
        answer, used = self._authorized(call, deadline)
        if answer.status == _REFUSED[0] and self._renewed(call, deadline, used):
            answer, used = self._authorized(call, deadline)
        try:
            parsed = self._read(call, answer, parse)
        except ExpiredError as error:
            if not self._renewed(call, deadline, used):
                raise
            answer, _ = self._authorized(call, deadline)
            try:
                parsed = self._read(call, answer, parse)
            except ExpiredError:
                raise ConfigurationError(
                    error.what, next_step=f"check the values of {', '.join(self.auth.names)}"
                ) from None
        self.served = self.served or call.authorized
        return parsed

    def _authorized(self, call: Call, deadline: Deadline) -> tuple[Answer, Credentials]:
        """Send a call with the present credentials, if it wants any."""
        used = self.auth.credentials(self, deadline, call) if call.authorized else Credentials()
        return self._send(call, used, deadline), used

    def _renewed(self, call: Call, deadline: Deadline, used: Credentials) -> bool:
        """Say whether there are new credentials in place of those just refused."""
        return call.authorized and self.auth.renew(self, deadline, used)

    def _read(self, call: Call, answer: Answer, parse: Callable[[Answer], T]) -> T:
        """Judge the answer and return what ``parse`` makes of it; what may pass is a fault."""
        self._judge(call, answer)
        try:
            return parse(answer)
        except (TruncatedError, TransientError) as error:
            raise Fault(error) from None

    def _send(self, call: Call, credentials: Credentials, deadline: Deadline) -> Answer:
        """Send one request and follow redirects; another host never sees the credentials."""
        url: str = self.absolute(call.path)
        params: Mapping[str, str] | None = call.params
        self._pace.wait(deadline, call.where)
        if not self._slots.acquire(timeout=deadline.remaining()):
            raise deadline.passed(call.where)
        try:
            with deadline.cutter(self.limits.page_deadline) as cutter:
                for _ in range(_HOPS):
                    own = self.hosts.is_own(url)
                    request = self._request(call, credentials if own else None, url, params)
                    answer = self._transport.send(request, cutter, deadline, call.where)
                    if answer.status not in _REDIRECT or call.method != "GET":
                        return answer
                    url, params = urljoin(answer.address, answer.location), None
                    self.hosts.require(url, self.redactor.url(url))
        finally:
            self._slots.release()
        raise ProviderError(
            f"more than {_HOPS} redirects in a row: {self.redactor.url(url)}",
            next_step="open the address in a browser: do its redirects lead round in a circle?",
        )

    def _request(
        self,
        call: Call,
        credentials: Credentials | None,
        url: str,
        params: Mapping[str, str] | None,
    ) -> Request:
        """Return what is sent for a call; ``params`` are None behind a redirect."""
        headers = {"Accept": call.accept, **call.headers}
        asked = dict(params or {})
        body = call.body
        if credentials is not None:
            headers.update(credentials.headers)
            asked.update(credentials.params if params is not None else {})
            body = body if credentials.body is None else credentials.body
        certificate = None if credentials is None else self.auth.certificate
        return Request(call.method, url, asked, headers, body, certificate)

    def _judge(self, call: Call, answer: Answer) -> None:
        """Raise for every answer that is no success."""
        status = answer.status
        asked_for_changes = call.headers.keys() & {"If-None-Match", "If-Modified-Since"}
        if status in _SUCCESS or (status == NOT_MODIFIED and asked_for_changes):
            return
        what = f"HTTP {status} from {self.host}"
        if status in _MAY_PASS or status in _SERVER:
            raise Fault(
                TransientError(what, next_step=_AGAIN),
                answer.retry_after,
            )
        kind = sniff(answer.body)
        detail = f" ({kind})" if kind.startswith("HTML") else ""
        names = ", ".join(self.auth.names)
        if status == _REFUSED[0] and names and call.authorized:
            raise ConfigurationError(
                f"{what}: the credentials are refused{detail}",
                next_step=f"check the values of {names}",
            )
        next_step = f"ask the provider about {self.redactor.url(answer.address)}"
        if status in _REFUSED:
            account = f"the account of {names}" if names else "an anonymous reader"
            next_step = f"ask the provider whether {account} may read this, or a firewall blocks it"
        raise StatusError(f"{what}{detail}", answer=answer, next_step=next_step)

    def _finish(self, error: HubError) -> None:
        """Mask secrets in an error, whoever made it, and say what to do where nobody said it.

        A page's title or a decoder may quote a secret; and a decoder knows no remedy.
        """
        if not error.next_step:
            error.next_step = _AGAIN if error.retryable else _ASK
        error.what = self.redactor.text(error.what)
        error.next_step = self.redactor.text(error.next_step)
        error.args = (error.what,)

    def _wait(self, attempt: int, retry_after: float | None) -> float:
        """Return the seconds before the next attempt: doubling, with jitter, or as asked for."""
        backoff = min(self.limits.backoff * 2.0 ** (attempt - 1), self.limits.max_wait)
        jittered = backoff * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing
        return max(jittered, min(retry_after or 0.0, self.limits.max_wait))


def _final(fault: Fault, attempts: int) -> HubError:
    """Return the error of the last attempt, saying how many there were."""
    error = fault.error
    if attempts > 1:
        error.what = f"{error.what} ({attempts} attempts)"
    return error
