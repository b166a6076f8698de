"""Credentials, one small class per kind; they put headers into requests and renew tokens.

Data flow: the ``auth`` of a definition and the values of its variables -> :func:`authorizer`
-> headers for :class:`sources.client.Client`. A token is fetched when the first request needs
one, renewed before it expires and once when it is refused, and shared by all threads and
datasets of a system. Every token is taught to the redactor before it is used.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` logs in before it pulls.

What does not belong here: reading the environment, and what a refused page means.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from hub.errors import ConfigurationError, ProviderError
from sources import payload
from sources.client import Authorizer, Call, Client, StatusError
from sources.deadline import Deadline
from sources.redact import Redactor
from sources.spec import ApiKeyAuth, Auth, FromEnv, LoginAuth, NoAuth, OAuth2Auth
from sources.transport import Answer

_MARGIN = 30.0
_MARGIN_SHARE = 0.2
_WRONG_CREDENTIALS = (400, 401, 403)
WRONG_KEY = "15"
"""errorCode of a wrong system id or secret key on the document axis (facts.md 2.7)."""


class Open:
    """No credentials."""

    names: tuple[str, ...] = ()

    def headers(self, client: Client, deadline: Deadline) -> dict[str, str]:
        """Return no headers."""
        del client, deadline
        return {}

    def renew(self, client: Client, deadline: Deadline, used: Mapping[str, str]) -> bool:
        """Nothing to renew."""
        del client, deadline, used
        return False


class ApiKey(Open):
    """A fixed token in a header."""

    def __init__(self, spec: ApiKeyAuth, values: Mapping[str, str], redactor: Redactor) -> None:
        """Take the token."""
        self.names = (spec.token.env,)
        redactor.learn(values[spec.token.env])
        self._headers = {spec.header: _header_value(spec.token, values)}

    def headers(self, client: Client, deadline: Deadline) -> dict[str, str]:
        """Return the header with the token."""
        del client, deadline
        return self._headers


@dataclass(frozen=True)
class _Token:
    """A token and when to replace it (monotonic clock; None: when it is refused)."""

    headers: dict[str, str]
    renew_at: float | None


class _TokenAuth:
    """What the kinds with a token have in common: one token at a time, for all threads."""

    names: tuple[str, ...]

    def __init__(self, redactor: Redactor) -> None:
        """Begin without a token."""
        self._redactor = redactor
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def headers(self, client: Client, deadline: Deadline) -> dict[str, str]:
        """Return the headers of the present token, fetching one if there is none or it ages."""
        with self._lock:
            token = self._token
            if token is None or (token.renew_at is not None and time.monotonic() >= token.renew_at):
                token = self._token = self._fetch(client, deadline)
            return token.headers

    def renew(self, client: Client, deadline: Deadline, used: Mapping[str, str]) -> bool:
        """Replace the token that was refused, unless another thread already did."""
        with self._lock:
            if self._token is not None and self._token.headers == used:
                self._token = self._fetch(client, deadline)
        return True

    def _fetch(self, client: Client, deadline: Deadline) -> _Token:
        """Ask for a token."""
        raise NotImplementedError

    def _ask(
        self, client: Client, deadline: Deadline, call: Call, read: Callable[[Answer], _Token]
    ) -> _Token:
        """Send the request for a token; a refusal is a matter of configuration."""
        try:
            return client.fetch(call, deadline, read)
        except StatusError as error:
            if error.answer.status in _WRONG_CREDENTIALS:
                raise self._refused(f"HTTP {error.answer.status}").at(call.where) from None
            raise

    def _refused(self, how: str) -> ConfigurationError:
        """Return the error that names the variables, never their values."""
        return ConfigurationError(
            f"the credentials are refused ({how})",
            next_step=f"check the values of {', '.join(self.names)}",
        )

    def _keep(self, token: str, life: str, more: Mapping[str, str]) -> _Token:
        """Return the token with the moment to renew it: a little before its life ends."""
        self._redactor.learn(token)
        if not (token.isascii() and token.isprintable()):
            raise ProviderError("the token that came is no header value")
        try:
            seconds = float(life)
        except ValueError:
            renew_at = None
        else:
            renew_at = time.monotonic() + seconds - min(_MARGIN, seconds * _MARGIN_SHARE)
        return _Token({"Authorization": f"Bearer {token}", **more}, renew_at)


class OAuth2(_TokenAuth):
    """OAuth2 client credentials, the client authenticated by Basic (WSO2 style)."""

    def __init__(self, spec: OAuth2Auth, values: Mapping[str, str], redactor: Redactor) -> None:
        """Take id and secret."""
        super().__init__(redactor)
        self._path = spec.token_path
        self.names = (spec.client_id.env, spec.client_secret.env)
        client_id, secret = (values[name] for name in self.names)
        self._basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        redactor.learn(secret)
        redactor.learn(self._basic)

    def _fetch(self, client: Client, deadline: Deadline) -> _Token:
        """POST to the token endpoint."""
        call = Call(
            self._path,
            f"{client.name} token",
            method="POST",
            headers={
                "Authorization": f"Basic {self._basic}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode({"grant_type": "client_credentials"}).encode(),
            authorized=False,
        )
        return self._ask(client, deadline, call, self._read)

    def _read(self, answer: Answer) -> _Token:
        """Read access_token and expires_in, which some servers write as text."""
        outer = payload.envelope(answer.body)
        token = payload.text(outer, "access_token")
        if not token:
            raise ProviderError("the token endpoint answered without a token")
        return self._keep(token, payload.text(outer, "expires_in"), {})


class Login(_TokenAuth):
    """A login with JSON that answers with a token, and fixed headers beside the token."""

    def __init__(self, spec: LoginAuth, values: Mapping[str, str], redactor: Redactor) -> None:
        """Take user name, password and the values of the fixed headers."""
        super().__init__(redactor)
        self._spec = spec
        fixed = spec.extra_headers
        self.names = (spec.username.env, spec.password.env, *(item.env for item in fixed.values()))
        self._login = {
            "username": values[spec.username.env],
            "password": values[spec.password.env],
        }
        redactor.learn(values[spec.password.env])
        for reference in fixed.values():
            redactor.learn(values[reference.env])
        self._fixed = {header: _header_value(item, values) for header, item in fixed.items()}

    def _fetch(self, client: Client, deadline: Deadline) -> _Token:
        """POST the login."""
        call = Call(
            self._spec.login_path,
            f"{client.name} login",
            method="POST",
            headers={"Content-Type": "application/json", **self._fixed},
            body=msgspec.json.encode(self._login),
            authorized=False,
        )
        return self._ask(client, deadline, call, self._read)

    def _read(self, answer: Answer) -> _Token:
        """Read token and life at the definition's paths; 200 may still be a refusal."""
        outer = payload.envelope(answer.body)
        token = payload.text(outer, self._spec.token_field)
        if not token:
            code = payload.text(outer, "errorCode")
            if code == WRONG_KEY:
                raise self._refused(f"errorCode {code}")
            raise ProviderError(
                f"the login answered without a token (errorCode {self._redactor.quote(code)!r})",
                next_step=f"check the values of {', '.join(self.names)}, then ask the provider",
            )
        return self._keep(token, payload.text(outer, self._spec.expires_field), self._fixed)


def authorizer(spec: Auth, values: Mapping[str, str], redactor: Redactor) -> Authorizer:
    """Return the class for a definition's ``auth``, holding the values of its variables."""
    match spec:
        case NoAuth():
            return Open()
        case ApiKeyAuth():
            return ApiKey(spec, values, redactor)
        case OAuth2Auth():
            return OAuth2(spec, values, redactor)
        case LoginAuth():
            return Login(spec, values, redactor)


def _header_value(reference: FromEnv, values: Mapping[str, str]) -> str:
    """Return a value that can stand in a header; libraries would quote a bad one in an error."""
    value = values[reference.env]
    if not (value.isascii() and value.isprintable()):
        raise ConfigurationError(
            f"the value of {reference.env} has characters that no HTTP header may have",
            next_step="copy it again, without line breaks or accented letters",
        )
    return value
