"""What the pulls of one system share: connections, the token, the budget of threads.

Data flow: a definition and the environment -> :func:`open_session` -> a :class:`Session`, which
``sources.pull`` uses for one dataset after the other; :func:`missing_environment` says beforehand
what is not set.

Run it alone: ``hub check`` names what a session would miss.

What does not belong here: how credentials are sent (``sources.auth``), and any pull.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from hub.errors import ConfigurationError, HubError
from sources import environment as env
from sources.auth import authorizer
from sources.client import Client
from sources.hosts import Hosts
from sources.kinds import module_of
from sources.landing import LandedBatch
from sources.redact import Redactor
from sources.spec import BasicAuth, NoAuth, SystemSpec
from sources.transport import Route

CONTACT = "HUB_CONTACT"
"""Variable with the address that a provider may write to; without it, the system's owner."""


@dataclass(frozen=True)
class Session:
    """What the pulls of one system share; close it when the last one is done."""

    system: SystemSpec
    client: Client | None
    folders: Mapping[str, str] = field(default_factory=dict)
    """Variable -> folder on this machine, for the datasets that read one."""
    address: str = field(default="", repr=False)
    """For kinds that talk no HTTP: the address as it is set, password included."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    """For those kinds: user and password, if they have variables of their own."""
    answered: dict[str, LandedBatch] = field(default_factory=dict, repr=False)
    """What was asked -> what came: datasets that ask the same read the same answers."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    @property
    def place(self) -> str:
        """The address, where answers of another one would be another system's."""
        return self.client.base_url if self.client is not None else self.address

    @property
    def out(self) -> bool:
        """Whether the system has not answered a single request for data so far."""
        return self.client is not None and not self.client.served

    def close(self) -> None:
        """Close the connections."""
        if self.client is not None:
            self.client.close()


def missing_environment(system: SystemSpec, environment: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that a system needs and the environment lacks."""
    return env.missing(env.references(system), environment)


def left_out(system: SystemSpec, environment: Mapping[str, str]) -> bool:
    """Return whether a system is optional and nobody has set a single one of its variables."""
    wanted = [item.env for item in env.references(system)]
    return system.optional and bool(wanted) and missing_environment(system, environment) == wanted


def open_session(system: SystemSpec, environment: Mapping[str, str]) -> Session:
    """Read address and credentials; raises ``ConfigurationError`` naming all that is missing."""
    try:
        values = env.resolve(env.references(system), environment)
        folders = {item.env: values[item.env] for item in env.folders(system)}
        if system.base_url is None:
            return Session(system, None, folders)
        address = values[system.base_url.env]
        if not getattr(module_of(system), "HTTP", True):
            return Session(system, None, folders, address, _login(system, values))
        _require_address(address, system.base_url.env)
        redactor = Redactor()
        auth = authorizer(system.auth, values, redactor)
        if auth.certificate and urlsplit(address).scheme != "https":
            raise ConfigurationError(
                "a client certificate can only be shown over https",
                next_step=f"set {system.base_url.env} to an https address",
            )
    except HubError as error:
        raise error.at(system.name) from None
    route = _route(system, values, redactor)
    contact = environment.get(CONTACT, "").strip() or system.owner
    client = Client(
        system.name,
        address,
        system.limits,
        auth,
        redactor=redactor,
        contact=contact,
        hosts=Hosts(address, system.hosts, proxy=route.proxy),
        route=route,
    )
    return Session(system, client, folders)


def _login(system: SystemSpec, values: Mapping[str, str]) -> tuple[str, str] | None:
    """Return user and password for a kind that talks no HTTP."""
    auth = system.auth
    if isinstance(auth, BasicAuth):
        return values[auth.username.env], values[auth.password.env]
    if not isinstance(auth, NoAuth):
        raise ConfigurationError(
            f"kind {system.kind} knows no auth of kind {auth.kind}", next_step="use kind basic"
        )
    return None


def _route(system: SystemSpec, values: Mapping[str, str], redactor: Redactor) -> Route:
    """Return certificates and proxy; raises ``ConfigurationError`` if a file is not there."""
    bundle = values[system.tls.ca_bundle.env] if system.tls else None
    if bundle and not Path(bundle).is_file():
        raise ConfigurationError(
            "the file with the certificates to trust is not there",
            where=system.name,
            next_step=f"correct the path in {system.tls.ca_bundle.env}" if system.tls else "",
        )
    proxy = values[system.proxy.env] if system.proxy else None
    if proxy and system.proxy:
        _require_address(proxy, system.proxy.env)
        redactor.learn(urlsplit(proxy).password or "")
    return Route(bundle, proxy)


def _require_address(address: str, name: str) -> None:
    """Raise if the address is none; it may hold a password, so it is not repeated."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"the value of {name} is no http or https address", next_step=f"set {name} anew"
        )
