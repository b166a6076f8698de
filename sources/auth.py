"""Credentials, one small class per kind; they put what they hold into requests.

Data flow: the ``auth`` of a definition and the values of its variables -> :func:`authorizer`
-> :class:`sources.client.Credentials` for each call of a client: headers, a query parameter, a
signature. Kinds that first have to fetch a token are in ``sources.auth_tokens``. Every secret
is taught to the redactor before anything is sent.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` pulls with the definition's kind.

What does not belong here: reading the environment, and what a refused page means.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from hub.errors import ConfigurationError
from sources.auth_tokens import WRONG_KEY, Login, OAuth2, SessionLogin, header_value
from sources.client import Authorizer, Call, Client, Credentials
from sources.deadline import Deadline
from sources.redact import Redactor
from sources.spec import (
    ApiKeyAuth,
    ApiKeyQueryAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    ClientCertificateAuth,
    HmacAuth,
    LoginAuth,
    NoAuth,
    OAuth2Auth,
    SessionAuth,
)

__all__ = ["WRONG_KEY", "authorizer"]

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class Open:
    """No credentials; what the kinds below have in common."""

    names: tuple[str, ...] = ()
    certificate: tuple[str, str] | None = None

    def credentials(self, client: Client, deadline: Deadline, call: Call) -> Credentials:
        """Return none."""
        del client, deadline, call
        return Credentials()

    def renew(self, client: Client, deadline: Deadline, used: Credentials) -> bool:
        """Nothing to renew."""
        del client, deadline, used
        return False


class FixedHeader(Open):
    """The same header in every request: an API key, a bearer token, Basic."""

    def __init__(self, header: str, value: str, *names: str) -> None:
        """Take the header; ``names`` are the variables it was made of."""
        self.names = names
        self._credentials = Credentials(headers={header: value})

    def credentials(self, client: Client, deadline: Deadline, call: Call) -> Credentials:
        """Return the header."""
        del client, deadline, call
        return self._credentials


class QueryKey(Open):
    """A fixed token in a query parameter."""

    def __init__(
        self, spec: ApiKeyQueryAuth, values: Mapping[str, str], redactor: Redactor
    ) -> None:
        """Take the token; the parameter is masked in every address, however short its value."""
        self.names = (spec.token.env,)
        self._parameter, self._token = spec.parameter, values[spec.token.env]
        redactor.learn(self._token)
        redactor.hide(spec.parameter)

    def credentials(self, client: Client, deadline: Deadline, call: Call) -> Credentials:
        """Return the parameter, unless a link of the source already repeats it."""
        del client, deadline
        if self._parameter in parse_qs(urlsplit(call.path).query, keep_blank_values=True):
            return Credentials()
        return Credentials(params={self._parameter: self._token})


class Signature(Open):
    """An HMAC over system id, timestamp, content type and body (facts.md 2.6)."""

    def __init__(self, spec: HmacAuth, values: Mapping[str, str], redactor: Redactor) -> None:
        """Take system id and key."""
        self.names = (spec.system_id.env, spec.secret.env)
        self._spec = spec
        self._system = header_value(spec.system_id, values)
        self._key = values[spec.secret.env].encode()
        redactor.learn(values[spec.secret.env])

    def credentials(self, client: Client, deadline: Deadline, call: Call) -> Credentials:
        """Sign this call, now: a call that is sent again is signed again."""
        del client, deadline
        spec = self._spec
        moment = datetime.now(_VIETNAM).strftime(spec.time_format)
        content_type = call.headers.get("Content-Type", "")
        signed = f"{self._system}{moment}{content_type}".encode() + (call.body or b"")
        digest = hmac.new(self._key, signed, hashlib.sha256).digest()
        written = digest.hex() if spec.encoding == "hex" else base64.b64encode(digest).decode()
        return Credentials(
            headers={
                spec.id_header: self._system,
                spec.time_header: moment,
                spec.signature_header: written,
            }
        )


class ClientCertificate(Open):
    """A TLS client certificate, shown by the transport when it connects."""

    def __init__(self, spec: ClientCertificateAuth, values: Mapping[str, str]) -> None:
        """Take the paths; raises ``ConfigurationError`` if they are no usable pair."""
        key = spec.key or spec.certificate
        self.names = tuple(dict.fromkeys((spec.certificate.env, key.env)))
        self.certificate = (values[spec.certificate.env], values[key.env])
        try:
            # A key with a passphrase would make OpenSSL ask for it on the terminal, at night.
            ssl.create_default_context().load_cert_chain(*self.certificate, password=_no_passphrase)
        except (OSError, ValueError):
            # The library's text may quote a path that is really the secret's own text.
            raise ConfigurationError(
                f"no usable client certificate in {' and '.join(self.names)}",
                next_step="set them to the paths of PEM files: a certificate and its own key, "
                "without a passphrase",
            ) from None


def authorizer(  # noqa: C901, PLR0911 - a line per kind, and mypy misses none
    spec: Auth, values: Mapping[str, str], redactor: Redactor
) -> Authorizer:
    """Return the class for a definition's ``auth``, holding the values of its variables."""
    match spec:
        case NoAuth():
            return Open()
        case ApiKeyAuth():
            redactor.learn(values[spec.token.env])
            return FixedHeader(spec.header, header_value(spec.token, values), spec.token.env)
        case BearerAuth():
            redactor.learn(values[spec.token.env])
            token = header_value(spec.token, values)
            return FixedHeader("Authorization", f"Bearer {token}", spec.token.env)
        case BasicAuth():
            return _basic(spec, values, redactor)
        case ApiKeyQueryAuth():
            return QueryKey(spec, values, redactor)
        case OAuth2Auth():
            return OAuth2(spec, values, redactor)
        case LoginAuth():
            return Login(spec, values, redactor)
        case SessionAuth():
            return SessionLogin(spec, values, redactor)
        case HmacAuth():
            return Signature(spec, values, redactor)
        case ClientCertificateAuth():
            return ClientCertificate(spec, values)


def _basic(spec: BasicAuth, values: Mapping[str, str], redactor: Redactor) -> Authorizer:
    """Return the Basic header; a user name with a colon would be read as another one."""
    username, password = values[spec.username.env], values[spec.password.env]
    redactor.learn(password)
    if ":" in username:
        raise ConfigurationError(
            f"the value of {spec.username.env} has a colon, which Basic cannot carry",
            next_step="ask the provider for another user name",
        )
    encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
    redactor.learn(encoded)
    return FixedHeader("Authorization", f"Basic {encoded}", spec.username.env, spec.password.env)


def _no_passphrase() -> bytes:
    """Refuse to ask a person."""
    raise ValueError
