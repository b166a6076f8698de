"""Which hosts a system may be read from, and which addresses their names may lead to.

Data flow: the definition's own address and its ``hosts`` -> :class:`Hosts` -> ``sources.client``
asks :meth:`Hosts.require` before it follows a redirect or an address that a catalog handed it;
``sources.transport`` asks :meth:`Hosts.addresses` when it connects, and connects to the very
address that was checked, so that a name cannot mean one thing to the check and another to the
connection (DNS rebinding). Where a proxy connects, only the proxy can look names up: then the
names are checked here and the addresses are the proxy's to guard.

The system's own host is the deployment's choice and may lie anywhere: a provincial bus usually has
a private address. Any other host comes from the source's answers, and may not lead into the hub's
own network (loopback, private, link-local with the cloud's metadata service, and their disguises in
IPv6), unless the definition names it with ``private: true``.

Run it alone: ``python -c "from sources.hosts import is_public; print(is_public('10.0.0.1'))"``

What does not belong here: connecting, credentials (``sources.client`` drops them on other hosts).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from hub.errors import ProviderError
from sources.spec import HostSpec

PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = tuple[socket.AddressFamily, tuple[str, int]]


class Hosts:
    """The own host of a system, and the others that its definition allows."""

    def __init__(
        self, base_url: str, allowed: Sequence[HostSpec] = (), *, proxy: str | None = None
    ) -> None:
        """Take the definition's word."""
        self._base = urlsplit(base_url)
        self._trusted = {self._base.hostname, urlsplit(proxy or "").hostname}
        self._allowed = {entry.host: entry for entry in allowed}

    def is_own(self, url: str) -> bool:
        """Say whether a URL is the system's own: same host, port and protection, or better."""
        ours, theirs = self._base, urlsplit(url)
        if ours.hostname != theirs.hostname or theirs.scheme not in PORTS:
            return False
        if (ours.scheme, theirs.scheme) == ("http", "https") and ours.port is None:
            return _port(theirs) == PORTS["https"]
        return ours.scheme == theirs.scheme and _port(ours) == _port(theirs)

    def require(self, url: str, shown: str) -> None:
        """Raise unless the URL may be read; ``shown`` is how a message may write it.

        Raises:
            ProviderError: Another protocol or host, or a step from TLS down to none.
        """
        if self.is_own(url):
            return
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or parts.username or parts.password:
            raise ProviderError(f"no address that the hub reads: {shown}")
        allowed = self._entry(parts.hostname)
        if allowed is None:
            raise ProviderError(
                f"address on another host or port: {shown}",
                next_step=f"the definition reads {self._base.hostname} only; if the data really "
                "lie there, add the host to `hosts`; a login page means that the credentials do "
                "not reach the system",
            )
        if parts.scheme == "http" and self._base.scheme == "https" and not allowed.plain:
            raise ProviderError(
                f"address without TLS: {shown}",
                next_step="ask the provider for https, or allow it in `hosts` with plain: true",
            )
        if _port(parts) != (allowed.port or PORTS[parts.scheme]):
            raise ProviderError(
                f"address on another port: {shown}",
                next_step="if the data really lie there, give `port` beside the host in `hosts`",
            )

    def addresses(self, host: str, port: int) -> list[Address]:
        """Return where a name leads, all of it allowed.

        Raises:
            OSError: The name is not known.
            ProviderError: It leads into the hub's own network, without the definition's leave.
        """
        found: list[Address] = [
            (family, (str(place[0]), int(place[1])))
            for family, _, _, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
        entry = self._entry(host)
        if host.lower() in self._trusted or (entry is not None and entry.private):
            return found
        if not all(is_public(place[0]) for _, place in found):
            raise ProviderError(
                f"{host} leads into a private network",
                next_step="a source must not send the hub there; if this one may, name the host in "
                "`hosts` with private: true",
            )
        return found

    def _entry(self, host: str) -> HostSpec | None:
        """Return what the definition says of a host; ``*`` means others than the own one."""
        named = self._allowed.get(host.lower())
        return named or (None if host == self._base.hostname else self._allowed.get("*"))


def is_public(address: str) -> bool:
    """Say whether an address is one of the open Internet, whatever IPv6 form it hides in."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _port(parts: SplitResult) -> int:
    """Return the port that a URL means."""
    try:
        return parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:  # above 65535
        return 0
