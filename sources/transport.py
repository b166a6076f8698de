"""Send one request, read one body: every way it can break becomes a fault with a name.

Data flow: ``sources.client`` gives a :class:`Request`; the bytes of the answer come back as an
:class:`Answer`, inflated and under the size cap. A :class:`Fault` is trouble that may pass if
the request is sent again.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` pulls a dataset through it.

What does not belong here: retries, status codes, redirects, credentials (``sources.client``).
"""

from __future__ import annotations

import contextlib
import email.utils
import logging
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from hub.errors import HubError, ProviderError, TransientError
from sources.deadline import Cutter, Deadline, watch
from sources.hosts import Hosts
from sources.inflate import CODINGS, DamagedError
from sources.redact import Redactor
from sources.spec import Limits

# urllib3 logs whole URLs, and some sources want their key in the query.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)

_PIECE = 256 * 1024
_ERROR_BODY = 64 * 1024
_ERRORS = 400
NOT_MODIFIED = 304
"""Answer to a request that asked for a body only if it changed."""
_AGAIN = "run it again later; ask the provider or the network's keeper if it lasts"
_CERTIFICATE = re.compile(
    r"certificate verify failed: ([^(\"']+)|(hostname mismatch)", re.IGNORECASE
)


class Fault(Exception):  # noqa: N818 - caught by the retry loop, never seen outside
    """Trouble that may pass; ``error`` is what it becomes when it does not."""

    def __init__(self, error: HubError, retry_after: float | None = None) -> None:
        """Keep the error and the wait that the source asks for."""
        super().__init__(error.what)
        self.error = error
        self.retry_after = retry_after


@dataclass(frozen=True)
class Request:
    """What is sent."""

    method: str
    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None
    certificate: tuple[str, str] | None = None
    """Paths of a client certificate and its key; given for the system's own host only."""


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes
    address: str
    """As it was asked for, secrets included: never put it into a message or a manifest."""
    url: str
    """Redacted."""
    media: str
    location: str
    headers: Mapping[str, str]
    """As they came, for what only some kinds need (``Link``); names in any case."""
    etag: str | None
    last_modified: str | None
    retry_after: float | None


@dataclass(frozen=True)
class Route:
    """How the way to the source is set up."""

    ca_bundle: str | None = None
    """File with the certificates to trust instead of the usual ones."""
    proxy: str | None = None


class Transport:
    """A ``requests`` session whose every read ends in time."""

    def __init__(
        self, limits: Limits, redactor: Redactor, contact: str, hosts: Hosts, route: Route
    ) -> None:
        """Prepare the connection pool."""
        self._limits = limits
        self._redactor = redactor
        self._session = requests.Session()
        # The machine's proxies and ~/.netrc are none of a definition's business, and a .netrc
        # entry would silently replace the Authorization header.
        self._session.trust_env = False
        self._session.headers["User-Agent"] = f"provincial-data-hub ({contact})"
        self._session.headers["Accept-Encoding"] = "gzip, br"
        if route.ca_bundle:
            self._session.verify = route.ca_bundle
        if route.proxy:
            self._session.proxies = {"http": route.proxy, "https": route.proxy}
        adapter = _Adapter(hosts, limits.threads)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, request: Request, cutter: Cutter, deadline: Deadline, where: str) -> Answer:
        """Send a request and read its answer; raises ``Fault``, or an error that will not pass."""
        host = urllib3.util.parse_url(request.url).host or "the host"
        left = max(deadline.remaining(), 0.001)
        timeout = (min(self._limits.connect_timeout, left), min(self._limits.read_timeout, left))
        try:
            response = self._session.request(
                request.method,
                request.url,
                params=dict(request.params),
                headers=dict(request.headers),
                data=request.body,
                stream=True,
                allow_redirects=False,
                cert=request.certificate,
                timeout=timeout,
            )
            with contextlib.closing(response):
                body = self._read(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            deadline.check(where, self._explain(error, host).error.what)
            raise self._overrun() if cutter.fired else self._explain(error, host) from None
        except DamagedError:
            deadline.check(where)
            raise Fault(TransientError("the compressed answer is damaged or cut")) from None
        if cutter.fired:
            # A body without announced length that was cut looks like a whole one.
            deadline.check(where)
            raise self._overrun()
        return self._answer(response, body)

    def _read(self, response: requests.Response) -> bytes:
        """Read the body in pieces, inflating, never holding more than the cap."""
        raw: HTTPResponse = response.raw
        refused = response.status_code >= _ERRORS
        cap = _ERROR_BODY if refused else self._limits.max_body
        coding = response.headers.get("Content-Encoding", "").strip().lower()
        if coding not in CODINGS:
            raise ProviderError(
                f"content coding {self._redactor.quote(coding)} was not asked for",
                next_step="ask the provider for gzip or no coding, as the request says",
            )
        inflater = CODINGS[coding]()
        pieces: list[bytes] = []
        size = 0
        for data in _pieces(raw):
            for piece in inflater.feed(data):
                size += len(piece)
                pieces.append(piece)
                if size > cap and refused:
                    return b"".join(pieces)
                if size > cap:
                    raise ProviderError(
                        f"the answer is larger than {cap} bytes",
                        next_step="ask for smaller pages, or raise limits.max_body",
                    )
        inflater.finish()
        return b"".join(pieces)

    def _answer(self, response: requests.Response, body: bytes) -> Answer:
        """Keep what later steps need of an answer."""
        headers = response.headers
        return Answer(
            status=response.status_code,
            body=body,
            address=response.url,
            url=self._redactor.url(response.url),
            media=headers.get("Content-Type", "").split(";")[0].strip().lower(),
            location=headers.get("Location", ""),
            headers=headers,
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
            retry_after=seconds_to_wait(headers.get("Retry-After", "")),
        )

    def _overrun(self) -> Fault:
        """Return the fault of a page that took too long."""
        limit = self._limits.page_deadline
        return Fault(TransientError(f"page deadline of {limit:g} s passed", next_step=_AGAIN))

    def _explain(self, error: Exception, host: str) -> Fault:
        """Return the fault; a certificate that is not trusted is raised, since it will not pass.

        The text of the library's errors is searched, never repeated: it quotes URLs.
        """
        text = str(error)
        untrusted = _CERTIFICATE.search(text)
        if untrusted:
            reason = (untrusted[1] or untrusted[2]).strip()
            raise ProviderError(
                f"the TLS certificate of {host} is not trusted: {reason}",
                next_step="ask the provider to renew it; never switch verification off",
            ) from None
        limits = self._limits
        if isinstance(error, requests.ConnectTimeout):
            what = f"cannot connect to {host} within {limits.connect_timeout:g} s"
        elif isinstance(error, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
            what = f"no answer from {host} within {limits.read_timeout:g} s"
        elif "NameResolutionError" in text or isinstance(error, socket.gaierror):
            what = f"cannot connect to {host}: its name is not known"
        elif "NewConnectionError" in text or "refused" in text:
            what = f"cannot connect to {host}"
        elif "IncompleteRead" in text or "InvalidChunkLength" in text:
            what = f"the answer of {host} was cut"
        else:
            what = f"the connection to {host} broke"
        return Fault(TransientError(what, next_step=_AGAIN))


def seconds_to_wait(retry_after: str) -> float | None:
    """Return the wait a ``Retry-After`` asks for, which is seconds or a date."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _pieces(raw: HTTPResponse) -> Iterator[bytes]:
    """Yield the bytes of the wire; urllib3 raises if they are fewer than announced."""
    while data := raw.read(_PIECE, decode_content=False):
        yield data


def _watch(connection: socket.socket | None) -> None:
    """Let the cutter of this thread know the socket, and acknowledge what comes at once."""
    watch(connection)
    if connection is not None and hasattr(socket, "TCP_QUICKACK"):
        # Many servers write head and body apart, with Nagle's algorithm on: the body then waits
        # for the head's acknowledgement, which the kernel delays by 40 ms. Measured: small
        # documents come ten times as fast.
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _connected(connection: HTTPConnection, hosts: Hosts) -> socket.socket:
    """Connect to an address that ``hosts`` has checked, and to no other of that name."""
    host, port = connection.host, connection.port or 0
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else None
    trouble: OSError = OSError("no address")
    try:
        places = hosts.addresses(host, port)
    except socket.gaierror as error:
        raise urllib3.exceptions.NameResolutionError(host, connection, error) from error
    for family, place in places:
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.settimeout(timeout)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.connect(place)
        except OSError as error:
            opened.close()
            trouble = error
            continue
        return opened
    if isinstance(trouble, TimeoutError):
        raise urllib3.exceptions.ConnectTimeoutError(connection, "timed out") from trouble
    raise urllib3.exceptions.NewConnectionError(connection, str(trouble)) from trouble


class _Watched(HTTPConnection):
    """A connection that shows its socket to the cutter before it waits for an answer."""

    hosts: Hosts

    def _new_conn(self) -> socket.socket:
        """Connect to a checked address."""
        return _connected(self, self.hosts)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Wait for the answer's head."""
        _watch(self.sock)
        return super().getresponse()


class _WatchedTls(HTTPSConnection):
    """The same, over TLS; the certificate is checked against the name."""

    hosts: Hosts

    def _new_conn(self) -> socket.socket:
        """Connect to a checked address."""
        return _connected(self, self.hosts)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Wait for the answer's head."""
        _watch(self.sock)
        return super().getresponse()


class _Adapter(HTTPAdapter):
    """Makes ``requests`` use watched connections that know one system's hosts."""

    def __init__(self, hosts: Hosts, threads: int) -> None:
        """Make the classes: urllib3 makes pools and connections itself and takes only classes."""
        plain = type("_Plain", (_Watched,), {"hosts": hosts})
        tls = type("_Tls", (_WatchedTls,), {"hosts": hosts})
        self._pools = {
            "http": type("_PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
        }
        super().__init__(pool_connections=1, pool_maxsize=threads)

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        """Make the pool manager, then tell it which pools to make."""
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]
        self.poolmanager.pool_classes_by_scheme = dict(self._pools)

    def proxy_manager_for(self, proxy: str, **kwargs: object) -> urllib3.ProxyManager:
        """Do the same where a proxy connects."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = dict(self._pools)
        return manager
