"""The address of a database, from one environment variable: ``postgresql://user:password@host/db``.

Data flow: the value of the definition's ``base_url`` -> :func:`parse` -> :class:`Address` ->
``sources.scanner``. User name and password are percent-encoded, as in any URL, or come from
variables of their own (``auth: {kind: basic}``). A server behind a Unix socket is
``postgresql://user@/db?host=/run/postgresql``; ``?ca=/path`` names the certificate authority that
signed the server's certificate, if it is not one that browsers know. Any other server is an ODBC
connection string without user and password:
``Driver={ODBC Driver 18 for SQL Server};Server=may,1433;Database=kho;Encrypt=yes``.

Run it alone: ``python -c "from sources.database_address import parse;
print(parse('mysql://doc:x@may/kho', 'KHO_URL'))"``

What does not belong here: connecting. No message here repeats the address: it holds a password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from hub.errors import ConfigurationError

Engine = Literal["postgres", "mysql", "odbc"]

_ENGINES: dict[str, tuple[Engine, int]] = {
    "postgresql": ("postgres", 5432),
    "postgres": ("postgres", 5432),
    "mysql": ("mysql", 3306),
    "mariadb": ("mysql", 3306),
}
_ODBC = re.compile(r"\s*(?:driver|dsn|filedsn)\s*=", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s*([^=;{}]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;{}]*)\s*(?:;|$)")
_LOGIN = frozenset({"uid", "pwd", "user", "username", "user id", "password"})
_FORM = (
    "postgresql://USER:PASSWORD@HOST:PORT/DATABASE (or mysql://), percent-encoded, "
    "or as an ODBC connection string (Driver={...};Server=...)"
)


@dataclass(frozen=True)
class Address:
    """Where a database is and who asks."""

    engine: Engine
    host: str
    """A host name, or the folder (PostgreSQL) or file (MySQL) of a Unix socket."""
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    ca: str
    """File of the certificate authority; blank for those that browsers know."""
    name: str
    """The variable that held it, for messages."""
    attributes: str = ""
    """Connection string of an ODBC source, without user and password."""

    @property
    def is_socket(self) -> bool:
        """Whether the server is on this machine, behind a Unix socket."""
        return self.host.startswith("/")

    @property
    def url(self) -> str:
        """Without user and password, for manifests."""
        if self.engine == "odbc":
            return f"odbc://{self.host}{f':{self.port}' if self.port else ''}/{self.database}"
        return f"{self.engine}://{self.host}:{self.port}/{self.database}"


def parse(address: str, name: str, login: tuple[str, str] | None = None) -> Address:
    """Read an address; raises ``ConfigurationError`` that names the variable, never the value.

    Args:
        address: The variable's value.
        name: The variable.
        login: User and password, if they come from variables of their own.
    """
    found = _odbc(address, name) if _ODBC.match(address) else _url(address, name)
    if login is not None:
        if found.user or found.password:
            raise ConfigurationError(
                f"user and password stand in {name} and in variables of their own",
                next_step=f"take them out of {name}, or leave out auth",
            )
        found = replace(found, user=login[0], password=login[1])
    texts = (found.host, found.database, found.user, found.password, found.ca, found.attributes)
    if not found.user and found.engine != "odbc":
        raise _wrong(name)
    if any(not text.isprintable() for text in texts):
        raise _wrong(name)
    return found


def _url(address: str, name: str) -> Address:
    """Read the address of a PostgreSQL or MySQL server."""
    try:
        parts = urlsplit(address)
        engine, usual_port = _ENGINES[parts.scheme]
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        found = Address(
            engine=engine,
            host=options.pop("host", "") or parts.hostname or "",
            port=parts.port or usual_port,
            database=unquote(parts.path.removeprefix("/")),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            ca=options.pop("ca", ""),
            name=name,
        )
    except (ValueError, KeyError):
        raise _wrong(name) from None
    if options or parts.fragment or not all((found.host, found.database)):
        raise _wrong(name)
    return found


def _odbc(address: str, name: str) -> Address:
    """Read a connection string; what its attributes mean, only the driver knows."""
    attributes: dict[str, str] = {}
    end = 0
    while address[end:].strip():
        found = _ATTRIBUTE.match(address, end)
        if found is None or found[1].lower() in attributes:
            raise _wrong(name)
        attributes[found[1].lower()] = found[2].removeprefix("{").removesuffix("}")
        end = found.end()
    if attributes.keys() & _LOGIN:
        raise ConfigurationError(
            f"the connection string in {name} holds a user or a password",
            next_step="give them by auth: {kind: basic, username: {env: ...}, password: ...}",
        )
    places = ("server", "servername", "host", "dbq", "dsn", "filedsn")
    return Address(
        engine="odbc",
        host=next((attributes[key] for key in places if attributes.get(key)), "odbc"),
        port=int(attributes["port"]) if attributes.get("port", "").isdecimal() else 0,
        database=attributes.get("database", ""),
        user="",
        password="",
        ca="",
        name=name,
        attributes=address.strip().rstrip(";"),
    )


def _wrong(name: str) -> ConfigurationError:
    """Return the error."""
    return ConfigurationError(
        f"the value of {name} is no address of a database",
        next_step=f"write it as {_FORM}",
    )
