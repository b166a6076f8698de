"""Credentials that are fetched: tokens and session ids, renewed before they end and when refused.

Data flow: a definition's ``auth`` and the values of its variables -> a login or token request,
sent when the first call needs it -> :class:`sources.client.Credentials` for every call until
the token ages. One token at a time serves all threads and datasets of a system. Every token is
taught to the redactor before it is used.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` logs in before it pulls.

What does not belong here: credentials that need no request (``sources.auth``).
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
from sources.client import Call, Client, Credentials, StatusError
from sources.deadline import Deadline
from sources.redact import Redactor
from sources.spec import FromEnv, LoginAuth, OAuth2Auth, SessionAuth
from sources.transport import Answer

_MARGIN = 30.0
_MARGIN_SHARE = 0.2
_WRONG_CREDENTIALS = (400, 401, 403)
WRONG_KEY = "15"
"""errorCode of a wrong system id or secret key on the document axis (facts.md 2.7)."""
JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class _Token:
    """A token, what it puts into headers, and when to replace it (monotonic clock; None: never)."""

    value: str
    headers: dict[str, str]
    renew_at: float | None


class _TokenAuth:
    """What the kinds with a token have in common: one token at a time, for all threads."""

    names: tuple[str, ...]
    certificate: tuple[str, str] | None = None

    def __init__(self, redactor: Redactor) -> None:
        """Begin without a token."""
        self._redactor = redactor
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def credentials(self, client: Client, deadline: Deadline, call: Call) -> Credentials:
        """Return what the present token makes; fetch one if there is none or it ages."""
        with self._lock:
            token = self._token
            if token is None or (token.renew_at is not None and time.monotonic() >= token.renew_at):
                token = self._token = self._fetch(client, deadline)
        return self._place(token, call)

    def renew(self, client: Client, deadline: Deadline, used: Credentials) -> bool:
        """Replace the token that was refused, unless another thread already did."""
        with self._lock:
            if self._token is not None and self._token.value == used.token:
                self._token = self._fetch(client, deadline)
        return True

    def _place(self, token: _Token, call: Call) -> Credentials:
        """Put the token where this kind wants it: into headers."""
        del call
        return Credentials(headers=token.headers, token=token.value)

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
                raise self._judged(error.answer).at(call.where) from None
            raise

    def _judged(self, answer: Answer) -> ConfigurationError:
        """Return the error for a login that was refused by its status."""
        return self._refused(f"HTTP {answer.status}")

    def _refused(self, how: str) -> ConfigurationError:
        """Return the error that names the variables, never their values."""
        return ConfigurationError(
            f"the credentials are refused ({how})",
            next_step=f"check the values of {', '.join(self.names)}",
        )

    def _without(self, what: str, outer: payload.Envelope, code_path: str) -> ProviderError:
        """Return the error for a login that answered without what it should give."""
        code = payload.text(outer, code_path)
        return ProviderError(
            f"the login answered without a {what} ({code_path} {self._redactor.quote(code)!r})",
            next_step=f"check the values of {', '.join(self.names)}, then ask the provider",
        )

    def _renew_at(self, life: str) -> float | None:
        """Return when to renew a token that lives so many seconds: a little before its end."""
        try:
            seconds = float(life)
        except ValueError:
            return None
        return time.monotonic() + seconds - min(_MARGIN, seconds * _MARGIN_SHARE)

    def _bearer(
        self, token: str, life: str, more: Mapping[str, str], scheme: str = "Bearer"
    ) -> _Token:
        """Return a token that goes into the Authorization header."""
        self._redactor.learn(token)
        if not (token.isascii() and token.isprintable()):
            raise ProviderError("the token that came is no header value")
        headers = {"Authorization": f"{scheme} {token}", **more}
        return _Token(token, headers, self._renew_at(life))


class OAuth2(_TokenAuth):
    """OAuth2 client credentials, the client authenticated by Basic (WSO2 style)."""

    def __init__(self, spec: OAuth2Auth, values: Mapping[str, str], redactor: Redactor) -> None:
        """Take id and secret."""
        super().__init__(redactor)
        self._path = spec.token_path
        self._form = {"grant_type": "client_credentials"}
        if spec.scope is not None:
            self._form["scope"] = spec.scope
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
            body=urlencode(self._form).encode(),
            authorized=False,
        )
        return self._ask(client, deadline, call, self._read)

    def _judged(self, answer: Answer) -> ConfigurationError:
        """Tell a scope that is missing or wrong from wrong credentials (RFC 6749, section 5.2)."""
        try:
            code = payload.text(payload.envelope(answer.body), "error")
        except ProviderError:
            code = ""
        if code == "invalid_scope":
            return ConfigurationError(
                f"the scope is refused (HTTP {answer.status}, {code})",
                next_step="set auth.scope to what the provider grants",
            )
        return super()._judged(answer)

    def _read(self, answer: Answer) -> _Token:
        """Read access_token and expires_in, which some servers write as text."""
        outer = payload.envelope(answer.body)
        token = payload.text(outer, "access_token")
        if not token:
            raise ProviderError("the token endpoint answered without a token")
        return self._bearer(token, payload.text(outer, "expires_in"), {})


class Login(_TokenAuth):
    """A login with JSON that answers with a token, and fixed headers beside the token."""

    def __init__(self, spec: LoginAuth, values: Mapping[str, str], redactor: Redactor) -> None:
        """Take user name, password and the values of the fixed headers."""
        super().__init__(redactor)
        self._spec = spec
        fixed = spec.extra_headers
        self.names = (spec.username.env, spec.password.env, *(item.env for item in fixed.values()))
        self._login = _login(spec, values, redactor)
        for reference in fixed.values():
            redactor.learn(values[reference.env])
        self._fixed = {header: header_value(item, values) for header, item in fixed.items()}

    def _fetch(self, client: Client, deadline: Deadline) -> _Token:
        """POST the login."""
        call = Call(
            self._spec.login_path,
            f"{client.name} login",
            method="POST",
            headers={**JSON_TYPE, **self._fixed},
            body=self._login,
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
            raise self._without("token", outer, "errorCode")
        life = payload.text(outer, self._spec.expires_field)
        return self._bearer(token, life, self._fixed, self._spec.scheme)


class SessionLogin(_TokenAuth):
    """A login that answers with a session id, which goes into every request's JSON body."""

    def __init__(self, spec: SessionAuth, values: Mapping[str, str], redactor: Redactor) -> None:
        """Take user name and password."""
        super().__init__(redactor)
        self._spec = spec
        self.names = (spec.username.env, spec.password.env)
        self._login = _login(spec, values, redactor)

    def _fetch(self, client: Client, deadline: Deadline) -> _Token:
        """POST the login."""
        call = Call(
            self._spec.login_path,
            f"{client.name} login",
            method="POST",
            headers=JSON_TYPE,
            body=self._login,
            authorized=False,
        )
        return self._ask(client, deadline, call, self._read)

    def _read(self, answer: Answer) -> _Token:
        """Read the session id, which may be a number."""
        outer = payload.envelope(answer.body)
        session = payload.text(outer, self._spec.session_path)
        if not session:
            raise self._without("session", outer, "error_code")
        self._redactor.learn(session)
        life = payload.text(outer, self._spec.expires_path) if self._spec.expires_path else ""
        return _Token(session, {}, self._renew_at(life))

    def _place(self, token: _Token, call: Call) -> Credentials:
        """Put the session id into the call's body."""
        if call.body is None:
            raise ConfigurationError(
                "auth kind login_session puts the session into a JSON body, and this is a GET",
                next_step="set fetch.method: POST",
            )
        fields = msgspec.json.decode(call.body, type=dict[str, msgspec.Raw])
        fields[self._spec.body_field] = msgspec.Raw(msgspec.json.encode(token.value))
        return Credentials(body=msgspec.json.encode(fields), token=token.value)


def header_value(reference: FromEnv, values: Mapping[str, str]) -> str:
    """Return a value that can stand in a header; libraries would quote a bad one in an error."""
    value = values[reference.env]
    if not (value.isascii() and value.isprintable()):
        raise ConfigurationError(
            f"the value of {reference.env} has characters that no HTTP header may have",
            next_step="copy it again, without line breaks or accented letters",
        )
    return value


def _login(spec: LoginAuth | SessionAuth, values: Mapping[str, str], redactor: Redactor) -> bytes:
    """Return the body of a login; the redactor learns the password, as JSON writes it too."""
    username, password = values[spec.username.env], values[spec.password.env]
    redactor.learn(password)
    return msgspec.json.encode({"username": username, "password": password})
