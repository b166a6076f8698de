"""A private DuckDB that reads another database: extension by path, read-only, no word repeated.

Data flow: :class:`sources.database_address.Address` -> :func:`attached`, an in-memory DuckDB with
the database attached as ``src`` -> ``sources.database`` asks through it. What the server or the
scanner says goes through :func:`explain`, which recognises the ordinary mistakes and repeats at
most a name: such messages quote connection strings, statements and values of rows.

DuckDB is no warehouse here: the instance holds no table and no file, and is gone with the pull.
It is the driver, which the hub has anyway; its scanners stream, and it writes the JSON, so that
Python sees no row. The extensions come from their wheels (nothing is fetched at run time) and
persistent secrets are off (no home folder is read).

Run it alone: ``python -c "from sources.scanner import connect; print(connect('postgres'))"``

What does not belong here: what is asked.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Literal

import certifi
import duckdb

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources import odbc
from sources.database_address import Address, Engine
from sources.deadline import Deadline
from sources.spec import Limits

Tls = Literal["verify-full", "verify-ca", "require", "off"]
"""As PostgreSQL names them; ``verify-full`` also compares the name in the certificate."""

_MYSQL_TLS = {
    "verify-full": "verify_identity",
    "verify-ca": "verify_ca",
    "require": "required",
    "off": "disabled",
}
_AGAIN = "run it again later; ask the provider or the network's keeper if it lasts"

_FAULTS: tuple[tuple[str, type[HubError], str, str], ...] = (
    (
        (
            "password authentication failed|no password supplied|role .* does not exist"
            "|peer authentication failed|access denied for user(?!.* to database)"
        ),
        ConfigurationError,
        "user name or password is refused",
        "check user and password, in {name} or in the variables that auth names",
    ),
    (
        "no pg_hba.conf entry|is not allowed to connect",
        ProviderError,
        "the server does not let this machine or user in",
        "ask the provider to permit the hub's address and user",
    ),
    (
        "could not translate host name|unknown (?:mysql )?server host",
        ConfigurationError,
        "the host's name is not known",
        "check the host in {name}, and the name server of this machine",
    ),
    (
        "database .* does not exist|unknown database|access denied .* to database",
        ConfigurationError,
        "there is no such database, or the user may not open it",
        "check the database in {name}",
    ),
    (
        "unsupported startup parameter",
        ConfigurationError,
        "a connection pooler stands before the server and does not pass the session's settings",
        "let {name} lead to PostgreSQL itself",
    ),
    (
        (
            "closed the connection|ssl syscall|connection reset|lost connection|gone away"
            "|terminating connection|connection refused|can't connect|time(?:d )?out expired"
            "|connection timed out|too many (?:clients|connections)|starting up|shutting down"
        ),
        TransientError,
        "the database does not answer, or hung up",
        _AGAIN,
    ),
    (
        "ssl|tls|certificate",
        ConfigurationError,
        "no trusted TLS connection",
        "name its authority (?ca=FILE in {name}), or lower fetch.tls if the network is trusted",
    ),
    (
        r"(?:relation|table) [\"'`](?P<it>[^\"'`\n]{1,100})[\"'`] does(?:n't| not) exist",
        ProviderError,
        "there is no table {it}",
        "compare fetch.table or fetch.query with the database; was it renamed?",
    ),
    (
        r"column [\"'`]?(?P<it>[^\"'`\n]{1,100}?)[\"'`]? (?:does not exist|in )",
        ProviderError,
        "there is no column {it}",
        "compare the definition with the table; was it renamed?",
    ),
    (
        "permission denied|command denied",
        ConfigurationError,
        "the user may not read this",
        "ask the provider to grant SELECT to the user in {name}",
    ),
    (
        "statement timeout|max_statement_time|interrupt",
        TransientError,
        "the database did not finish in time",
        "raise limits.dataset_deadline, or ask for less (fetch.since_column)",
    ),
    (
        "syntax error|error in your sql syntax|duplicate column name",
        ConfigurationError,
        "the database does not understand the statement",
        "try fetch.query in the database's own client; column names must differ without case",
    ),
)
"""What a message says, whose trouble that is, how to say it; the first that fits."""

_CONNECTING = re.compile("(?:unable|failed) to connect", re.IGNORECASE)


def connect(engine: Engine) -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB with one scanner loaded from its wheel."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_persistent_secrets": False,
        }
    )
    name = f"{engine}_scanner"
    folder = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
    try:
        connection.execute(f"LOAD {text(Path(str(folder)) / f'{name}.duckdb_extension')}")
    except duckdb.Error as error:
        connection.close()
        if "libodbc" in str(error):
            raise ConfigurationError(
                "this machine has no ODBC", next_step="install unixODBC (Debian: unixodbc)"
            ) from None
        raise
    return connection


@contextmanager
def attached(
    address: Address, tls: Tls, limits: Limits, deadline: Deadline, where: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to a database as ``src``, once: ``sources.database`` tries again.

    Raises:
        ConfigurationError, ProviderError, TransientError: what :func:`explain` recognises, also
            for whatever DuckDB raises inside the block.
    """
    with closing(connect(address.engine)) as connection:
        # Stops a statement whose rows come too slowly; while none come, only PostgreSQL's own clock
        # (``statement_timeout``) does, or the end of this process.
        watch = threading.Timer(deadline.remaining(), connection.interrupt)
        watch.daemon = True
        watch.start()
        try:
            _attach(connection, address, tls, limits, deadline)
            yield connection
        except duckdb.Error as error:
            deadline.check(where)
            raise explain(error, address).at(where) from None
        finally:
            watch.cancel()


def explain(error: duckdb.Error, address: Address) -> HubError:
    """Return the error for what DuckDB or the server says, of which at most a name is repeated."""
    whole = str(error)
    # The scanner's own words quote connection string and statement; the server's come after.
    whole = whole.partition(odbc.SAID)[2] or whole
    said = whole[whole.rfind('": ') + 1 :].partition("\nLINE ")[0]
    for pattern, kind, what, next_step in _FAULTS:
        found = re.search(pattern, said, re.IGNORECASE)
        if found:
            it = found.groupdict().get("it", "")
            return kind(what.format(it=it), next_step=next_step.format(name=address.name))
    by_state = odbc.explain(whole, address) if address.engine == "odbc" else None
    if by_state is not None:
        return by_state
    if _CONNECTING.search(whole):
        return TransientError("cannot connect", next_step=_AGAIN)
    return ProviderError(
        f"the database failed in an unknown way ({type(error).__name__})",
        next_step="look into the database's own log; nothing was loaded",
    )


def text(value: object) -> str:
    """Return a text literal of DuckDB."""
    return "'" + str(value).replace("'", "''") + "'"


def _login(connection: duckdb.DuckDBPyConnection, address: Address, tls: Tls) -> None:
    """Keep user and password as a secret of the instance: an ATTACH would repeat them in errors."""
    parts = {"HOST": address.host, "PORT": str(address.port)}
    if address.engine == "mysql":
        parts["SSL_MODE"] = _MYSQL_TLS[tls]
        if address.is_socket:
            parts = {"SOCKET": address.host}
        elif tls.startswith("verify"):
            # Without a list of authorities MySQL's client believes any certificate (tested).
            parts["SSL_CA"] = address.ca or certifi.where()
    parts |= {"DATABASE": address.database, "USER": address.user}
    if address.password:
        parts["PASSWORD"] = address.password
    listed = ", ".join(f"{name} {text(value)}" for name, value in parts.items())
    connection.execute(f"CREATE TEMPORARY SECRET login (TYPE {address.engine}, {listed})")


def _options(address: Address, tls: Tls, limits: Limits, deadline: Deadline) -> str:
    """Return what PostgreSQL takes beside the secret.

    Times are the province's (design promise 12) and dates ISO, whatever the server prefers.
    """
    if address.engine == "mysql":
        return ""
    tls = "off" if address.is_socket else tls
    milliseconds = max(1, int(deadline.remaining() * 1000))
    settings = {
        "timezone": "Asia/Ho_Chi_Minh",
        "datestyle": "ISO",
        "intervalstyle": "iso_8601",
        "bytea_output": "hex",
        "default_transaction_read_only": "on",
        "statement_timeout": str(milliseconds),
    }
    parts = {
        "sslmode": "disable" if tls == "off" else tls,
        "sslrootcert": (address.ca or certifi.where()) if tls.startswith("verify") else "",
        # Two seconds is the least that libpq knows.
        "connect_timeout": str(max(2, int(min(limits.connect_timeout, deadline.remaining())))),
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": str(int(limits.read_timeout * 1000)),
        "application_name": "provincial-data-hub",
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
    }
    return " ".join(f"{name}={_quoted(value)}" for name, value in parts.items() if value)


def _attach(
    connection: duckdb.DuckDBPyConnection,
    address: Address,
    tls: Tls,
    limits: Limits,
    deadline: Deadline,
) -> None:
    """Connect once."""
    if address.engine == "odbc":
        odbc.login(connection, address)
        return
    _login(connection, address, tls)
    if address.engine == "mysql":
        connection.execute("SET mysql_session_time_zone = '+07:00'")
    options = _options(address, tls, limits, deadline)
    connection.execute(
        f"ATTACH {text(options)} AS src (TYPE {address.engine}, SECRET login, READ_ONLY)"
    )


def _quoted(value: str) -> str:
    r"""Return a value of a connection string: in quotes, with ``\`` before ``\`` and ``'``."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
