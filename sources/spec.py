"""What a source system is, as its ``defs.yaml`` says it: pure data, validated, no behaviour.

Data flow: ``assets/<province>/<system>/defs.yaml`` -> :class:`SystemSpec` -> a kind module
(``sources/portal.py`` and its neighbours) that knows how to read such a system. The same
models serve the Dagster component, the command line and the tests, so a definition means the
same everywhere. Addresses and credentials are never written here: a definition names
environment variables (:class:`FromEnv`), and they are read when a pull starts, so that
definitions load with no secret set (design promise 7).

Run it alone: ``python -m sources.spec assets/lao_cai/dich_vu_cong/defs.yaml`` prints what was
understood, or the first thing that is wrong.

What does not belong here: reading YAML files from disk beyond that check, HTTP, Dagster.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hub.errors import ConfigurationError

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Strict(BaseModel):
    """Unknown keys are errors: a misspelt option must not be ignored in silence.

    The options of each kind of system (``Fetch`` in its module) are such a model too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class FromEnv(Strict):
    """A value that the environment supplies; ``<env>_FILE`` may name a mounted file instead."""

    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class NoAuth(Strict):
    """The source is open."""

    kind: Literal["none"] = "none"


class ApiKeyAuth(Strict):
    """A fixed token sent in a header, as CKAN does with ``Authorization``."""

    kind: Literal["api_key"]
    header: str = "Authorization"
    token: FromEnv


class OAuth2Auth(Strict):
    """OAuth2 client credentials in the WSO2 style of LGSP and NGSP (facts.md section 4)."""

    kind: Literal["oauth2_client_credentials"]
    token_path: str = "/token"  # noqa: S105 - a path, not a password
    client_id: FromEnv
    client_secret: FromEnv
    scope: str | None = None
    """What is asked for (RFC 6749, section 3.3), where the provider wants it said."""


class LoginAuth(Strict):
    """Login for a token, then three headers, as the LGSP document axis does (facts.md 2.7)."""

    kind: Literal["login_token"]
    login_path: str = "/v1/auth/login"
    username: FromEnv
    password: FromEnv
    token_field: str = "data.token"  # noqa: S105 - a JSON path, not a password
    expires_field: str = "data.expiresIn"
    """JSON path of the token's life in seconds; a source without it is asked again on a 401."""
    scheme: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] = "Bearer"
    """Word before the token; some systems want ``Token``."""
    extra_headers: dict[str, FromEnv] = {}


class ApiKeyQueryAuth(Strict):
    """A fixed token in a query parameter; only for sources that take it nowhere else."""

    kind: Literal["api_key_query"]
    parameter: str
    token: FromEnv


class BearerAuth(Strict):
    """A fixed token as ``Authorization: Bearer`` (RFC 6750)."""

    kind: Literal["bearer"]
    token: FromEnv


class BasicAuth(Strict):
    """User name and password in every request (RFC 7617, as UTF-8)."""

    kind: Literal["basic"]
    username: FromEnv
    password: FromEnv


class SessionAuth(Strict):
    """Login for a session id that goes into the JSON body of every request (facts.md 3.1)."""

    kind: Literal["login_session"]
    login_path: str
    username: FromEnv
    password: FromEnv
    session_path: str = "session"
    """JSON path of the session id in the login's answer."""
    expires_path: str | None = None
    """JSON path of the session's life in seconds, if the source tells it."""
    body_field: str = "session"


class HmacAuth(Strict):
    """Every request signed, as the Government Office axis wants (facts.md 2.6).

    The signature is HMAC-SHA256 over system id + timestamp + content type + body.
    """

    kind: Literal["hmac"]
    system_id: FromEnv
    secret: FromEnv
    encoding: Literal["hex", "base64"]
    """How the signature is written. The facts do not say, so the definition must."""
    id_header: str = "systemid"
    time_header: str = "timestamp"
    signature_header: str = "XroadVnpt-sign-header"
    time_format: str = "%d%m%YT%H%M%S%z"
    """strftime format, Vietnam time."""


class ClientCertificateAuth(Strict):
    """A TLS client certificate; the variables hold the paths of PEM files, not their text."""

    kind: Literal["client_certificate"]
    certificate: FromEnv
    key: FromEnv | None = None
    """File of the private key, without a passphrase; absent if the certificate's file has it."""


Auth = Annotated[
    NoAuth
    | ApiKeyAuth
    | ApiKeyQueryAuth
    | BearerAuth
    | BasicAuth
    | OAuth2Auth
    | LoginAuth
    | SessionAuth
    | HmacAuth
    | ClientCertificateAuth,
    Field(discriminator="kind"),
]


class Limits(Strict):
    """How long and how hard the hub may ask a system. Times in seconds, sizes in bytes."""

    connect_timeout: float = 10
    read_timeout: float = 60
    page_deadline: float = 300
    dataset_deadline: float = 3600
    retries: Annotated[int, Field(ge=0, le=20)] = 4
    backoff: Annotated[float, Field(gt=0)] = 1
    """First wait before a retry; it doubles each time, with jitter, up to ``max_wait``."""
    max_wait: Annotated[float, Field(gt=0)] = 60
    """Longest wait before a retry, also when the source asks for more by ``Retry-After``."""
    threads: Annotated[int, Field(ge=1, le=16)] = 4
    max_body: int = 512 * 2**20
    per_minute: Annotated[int, Field(ge=1)] | None = None
    """Requests that the hub may send a minute, evenly spaced; unlimited if not given."""
    resume_hours: Annotated[float, Field(ge=0)] = 30
    """So long a pull that was cut off can be gone on with: until the next night. 0: never."""


class HostSpec(Strict):
    """Another host from which the source's answers may send the hub to fetch something."""

    host: Annotated[str, Field(pattern=r"^(?:\*|[a-z0-9][a-z0-9.:-]*)$")]
    """Name in lower case; ``*`` for any host of the open Internet, as a catalog of links needs."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port other than the scheme's own."""
    private: bool = False
    """Whether the name may lead into a private network."""
    plain: bool = False
    """Whether it may be read without TLS although the system itself has TLS."""

    @model_validator(mode="after")
    def _any_is_public(self) -> HostSpec:
        """``*`` with ``private`` would let any answer reach the hub's own network."""
        if self.host == "*" and (self.private or self.port):
            msg = "host `*` takes neither private nor port: name the host"
            raise ValueError(msg)
        return self


class TlsSpec(Strict):
    """What the connection needs beside the usual certificates; verification is never off."""

    ca_bundle: FromEnv
    """File with the certificates of the authority that signed the source's, for example the
    government's own; it replaces the usual list."""


class ColumnSpec(Strict):
    """Where a contract column comes from in this source, and how this source writes it."""

    source: str
    dates: tuple[str, ...] = ()
    """strptime formats of this source, the ordinary one first; others are repaired and flagged."""
    codes: dict[str, str] = {}
    """This source's code -> the contract's code."""
    unlisted: Literal["refuse", "blank"] = "refuse"
    """What becomes of a code that is not listed: it breaks the type rule, so that its row is held
    in quarantine, or the cell stays blank and is flagged ``unlisted_code`` in ``_repairs``. Map the
    same field to a second column without codes to keep what the source wrote."""
    blank: Annotated[str, Field(min_length=1)] | None = None
    """What stands for a cell that the source left blank, flagged ``blank_cell``: a key whose part
    is sometimes missing. For text without codes."""

    @model_validator(mode="after")
    def _has_a_list(self) -> ColumnSpec:
        """Without a list there is nothing that could be unlisted."""
        if self.unlisted == "blank" and not self.codes:
            msg = "`unlisted` is for a column with `codes`"
            raise ValueError(msg)
        if self.blank is not None and self.codes:
            msg = "`blank` is for a column without `codes`"
            raise ValueError(msg)
        return self


class TombstoneSpec(Strict):
    """How a source says in a record that it deleted it: a change feed, an OAI-PMH repository."""

    field: Annotated[str, Field(min_length=1)]
    """The source's field."""
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    """What stands in it then, as the source writes it (``deleted``, ``true``)."""


def _short_column(value: Any) -> Any:  # noqa: ANN401 - raw YAML
    """Let ``column: Field`` stand for ``column: {source: Field}``."""
    return {"source": value} if isinstance(value, str) else value


ColumnSource = Annotated[
    ColumnSpec, BeforeValidator(_short_column, json_schema_input_type=ColumnSpec | str)
]
"""A column's origin: the field's name alone, or with what is special about it."""


class DatasetSpec(Strict):
    """One dataset: how to fetch it, which contract it keeps, which field is which column."""

    name: Slug
    title: str
    contract: Slug
    """Stem of ``assets/contracts/<contract>.odcs.yaml``."""
    mode: Literal["full", "incremental"] = "full"
    cursor: str | None = None
    """Contract column whose greatest value is the next pull's starting point (incremental only)."""
    overlap_minutes: int = 0
    """How far before the cursor the next pull starts, for clocks that disagree."""
    reconcile_days: Annotated[int, Field(ge=1)] | None = None
    """How often an incremental dataset is pulled whole and compared, so that rows which the source
    deleted without notice are noticed; never, if not given."""
    tombstone: TombstoneSpec | None = None
    """Without it a record that says that it was deleted is a row like any other."""
    fetch: dict[str, Any] = {}
    """Options of the kind; each kind module validates its own (``Fetch`` model)."""
    columns: dict[str, ColumnSource] = {}
    """None only until ``hub contract draft`` has proposed them: such a dataset is not pulled."""

    @model_validator(mode="after")
    def _cursor_fits_mode(self) -> DatasetSpec:
        """An incremental dataset has a cursor, and the cursor is one of its columns."""
        known = self.cursor in self.columns or not self.columns
        if self.mode == "incremental" and (self.cursor is None or not known):
            msg = f"dataset {self.name}: an incremental dataset needs `cursor`, one of its columns"
            raise ValueError(msg)
        if self.mode == "full" and self.reconcile_days is not None:
            msg = f"dataset {self.name}: `reconcile_days` is for incremental datasets"
            raise ValueError(msg)
        return self

    @property
    def of_parent(self) -> tuple[str, ...]:
        """Fields that rows get from the record in whose list they stand; its key is the first.

        None if the rows are records themselves (``fetch.reader.explode``).
        """
        reader = self.fetch.get("reader") or {}
        if reader.get("parent") is None:
            return ()
        return tuple(dict.fromkeys((reader["parent"], *reader.get("keep", ()))))

    @property
    def replaced_by(self) -> str | None:
        """Column of the record's key: a batch brings all rows of each record that it has."""
        found = [name for name, spec in self.columns.items() if spec.source in self.of_parent[:1]]
        return found[0] if found else None


class SystemSpec(Strict):
    """One source system: address, credentials, limits, datasets."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")]
    """``<province>/<system>``, the folder of the definition; also the ``_source`` of its rows."""
    title: str
    description: str = ""
    owner: str
    """Team that answers for the system, as Dagster writes owners: ``team:name`` or an e-mail."""
    classified_officer: Annotated[str, Field(min_length=3, max_length=100)] | None = None
    """Name or office of who is told if a document marked as a state secret comes by; kinds that
    carry documents need one."""
    kind: Slug
    """Module in ``sources/`` that reads it."""
    optional: bool = False
    """Whether it is no fault that none of its variables is set: it is then left out of the night.
    With some of them set and others not, it is broken like any other."""
    base_url: FromEnv | None = None
    auth: Auth = NoAuth()
    hosts: tuple[HostSpec, ...] = ()
    """Hosts beside that of ``base_url`` which redirects and a catalog's links may lead to."""
    tls: TlsSpec | None = None
    proxy: FromEnv | None = None
    """Address of a proxy; the machine's own proxy settings are none of a definition's business."""
    limits: Limits = Limits()
    datasets: tuple[DatasetSpec, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> SystemSpec:
        """Two datasets of one name would share a landing folder and a cursor."""
        names = [dataset.name for dataset in self.datasets]
        if len(set(names)) != len(names):
            msg = f"system {self.name}: two datasets have the same name"
            raise ValueError(msg)
        return self

    @property
    def province(self) -> str:
        """First half of the name."""
        return self.name.split("/")[0]

    @property
    def system(self) -> str:
        """Second half of the name."""
        return self.name.split("/")[1]

    def dataset(self, name: str) -> DatasetSpec:
        """Return the dataset of that name; raises ``KeyError`` if there is none."""
        return {dataset.name: dataset for dataset in self.datasets}[name]


def faults(error: ValidationError, *below: str) -> list[str]:
    """Return what is wrong with a definition, a line each, without any value.

    Args:
        error: From a model of this module or of a kind.
        below: Names that lead to the part that was validated.
    """
    found = []
    for fault in error.errors(include_url=False):
        place = ".".join(map(str, (*below, *fault["loc"]))) or "attributes"
        context = fault.get("ctx", {})
        if fault["type"] == "union_tag_invalid" and context.get("tag") == "None":
            said = f"fill in its {context['discriminator']}, one of {context['expected_tags']}"
        elif fault["type"] == "missing" or fault["input"] is None:
            said = "fill it in"
        else:
            said = str(fault["msg"]).removeprefix("Value error, ")
        found.append(f"{place}: {said}")
    return found


def read_definition(path: Path) -> SystemSpec:
    """Read one ``defs.yaml`` outside Dagster: for the modules here when they run alone."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        attributes = document.get("attributes", document)
        return SystemSpec.model_validate(attributes)
    except ValidationError as error:
        raise ConfigurationError("; ".join(faults(error)), where=str(path)) from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError, AttributeError) as error:
        raise ConfigurationError(f"no readable definition: {error}", where=str(path)) from None


if __name__ == "__main__":
    try:
        sys.stdout.write(read_definition(Path(sys.argv[1])).model_dump_json(indent=2) + "\n")
    except ConfigurationError as fault:
        sys.exit(str(fault))
