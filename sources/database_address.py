"""The address of a database, from one environment variable: ``postgresql://user:password@host/db``.

Data flow: the value of the definition's ``base_url`` -> :func:`parse` -> :class:`Address` ->
``sources.scanner``. User name and password are percent-encoded, as in any URL. A server behind a
Unix socket is ``postgresql://user@/db?host=/run/postgresql``; ``?ca=/path`` names the certificate
authority that signed the server's certificate, if it is not one that browsers know.

Run it alone: ``python -c "from sources.database_address import parse;
print(parse('mysql://doc:x@may/kho', 'KHO_URL'))"``

What does not belong here: connecting. No message here repeats the address: it holds a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from hub.errors import ConfigurationError

Engine = Literal["postgres", "mysql"]

_ENGINES: dict[str, tuple[Engine, int]] = {
    "postgresql": ("postgres", 5432),
    "postgres": ("postgres", 5432),
    "mysql": ("mysql", 3306),
    "mariadb": ("mysql", 3306),
}
_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE (or mysql://), percent-encoded"


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

    @property
    def is_socket(self) -> bool:
        """Whether the server is on this machine, behind a Unix socket."""
        return self.host.startswith("/")

    @property
    def url(self) -> str:
        """Without user and password, for manifests."""
        return f"{self.engine}://{self.host}:{self.port}/{self.database}"


def parse(address: str, name: str) -> Address:
    """Read an address; raises ``ConfigurationError`` that names the variable, never the value."""
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
    texts = (found.host, found.database, found.user, found.password, found.ca)
    if options or parts.fragment or not all((found.host, found.database, found.user)):
        raise _wrong(name)
    if any(not text.isprintable() for text in texts):
        raise _wrong(name)
    return found


def _wrong(name: str) -> ConfigurationError:
    """Return the error."""
    return ConfigurationError(
        f"the value of {name} is no address of a PostgreSQL or MySQL database",
        next_step=f"write it as {_FORM}",
    )
