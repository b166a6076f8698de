"""ODBC for DuckDB: a connection through a driver of this machine, and what its errors mean.

Data flow: ``sources.scanner`` calls :func:`login` in its private DuckDB; the variable ``src`` is
the connection that ``odbc_query`` then asks. What goes wrong carries an SQLSTATE, whatever the
driver's language is: :func:`explain` reads that.

Drivers come with the machine (unixODBC and the vendor's package), not with the hub. The hub can
neither make a session read-only nor verify a certificate by itself here: the user's rights and the
driver's own attributes (``Encrypt=yes``) do that.

Run it alone: ``odbcinst -q -d`` lists the drivers that a connection string may name.

What does not belong here: what is asked.
"""

from __future__ import annotations

import re

import duckdb

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.database_address import Address

SAID = "diagnostics: '"
"""What stands before the driver's own words in an error; the connection string is before it."""
_STATE = re.compile(r"[0-9A-Z]{5}(?=\()")
_LOGIN = "check user and password, in {name} or in the variables that auth names"
_AGAIN = "run it again later; ask the provider or the network's keeper if it lasts"

_STATES: tuple[tuple[str, type[HubError], str, str], ...] = (
    (
        "IM|01000",
        ConfigurationError,
        "there is no such ODBC driver or data source on this machine",
        "install the driver, or correct Driver= in {name} (odbcinst -q -d lists what there is)",
    ),
    ("28", ConfigurationError, "user name or password is refused", _LOGIN),
    ("08|HYT|57|53", TransientError, "the database does not answer, or hung up", _AGAIN),
    (
        "3D",
        ConfigurationError,
        "there is no such database, or the user may not open it",
        "check the database in {name}",
    ),
    (
        "42S22|42703",
        ProviderError,
        "there is no such column",
        "compare the definition with the table; was a column renamed?",
    ),
    (
        "42S02|42P01",
        ProviderError,
        "there is no such table",
        "compare fetch.table or fetch.query with the database; was it renamed?",
    ),
    (
        "42",
        ConfigurationError,
        "the database does not understand the statement, or the user may not read this",
        "try fetch.query in the database's own client as the user of auth",
    ),
    ("40", TransientError, "the database broke the statement off", _AGAIN),
)
"""SQLSTATEs by how they begin (ISO/IEC 9075 and ODBC 3.8); the first that fits."""


def login(connection: duckdb.DuckDBPyConnection, address: Address) -> None:
    """Connect; raises ``duckdb.Error`` for whatever the driver says."""
    parts = [address.attributes]
    if address.user:
        parts += [f"UID={_braced(address.user)}", f"PWD={_braced(address.password)}"]
    connection.execute("SET VARIABLE src = odbc_connect(?)", [";".join(parts)])


def explain(said: str, address: Address) -> HubError | None:
    """Return the error for what a driver says, which begins with its state; None without one."""
    found = _STATE.match(said)
    if found is None:
        return None
    for pattern, kind, what, next_step in _STATES:
        if re.match(pattern, found[0]):
            return kind(what, next_step=next_step.format(name=address.name))
    return ProviderError(
        f"the database failed with SQLSTATE {found[0]}",
        next_step="look it up in the driver's manual; nothing was loaded",
    )


def _braced(value: str) -> str:
    """Return a value of a connection string, in braces if it needs them.

    Only then: PostgreSQL's driver takes the braces of a user for a part of the name.
    """
    if re.fullmatch(r"[\w.-]+", value):
        return value
    return "{" + value.replace("}", "}}") + "}"
