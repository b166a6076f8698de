"""Tokens are shared, renewed and never told; a wrong secret names the variable, not the value."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.landing import Landing, Position
from sources.pull import pull
from sources.session import missing_environment, open_session
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json

SECRET = "bí-mật/của tỉnh+1"
OAUTH2 = {
    "kind": "oauth2_client_credentials",
    "client_id": {"env": "THU_ID"},
    "client_secret": {"env": "THU_SECRET"},
}
LOGIN = {
    "kind": "login_token",
    "username": {"env": "THU_USER"},
    "password": {"env": "THU_PASSWORD"},
    "extra_headers": {"X-SystemId": {"env": "THU_SYSTEM"}, "X-SecretKey": {"env": "THU_KEY"}},
}
API_KEY = {"kind": "api_key", "token": {"env": "THU_TOKEN"}}


class Issuer:
    """Issues tokens that live for so many uses, and a page to use them on."""

    def __init__(self, server: FaultServer, *, uses: int = 99, life: object = "120") -> None:
        self.uses, self.life = uses, life
        self.issued = 0
        self.left = 0
        server.routes["/token"] = self.token
        server.routes["/rows"] = self.rows

    def token(self, asked: Asked) -> Reply:
        basic = base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode()
        assert asked.body == b"grant_type=client_credentials"
        if basic != f"hub:{SECRET}":
            return as_json({"error": "invalid_client", "error_description": basic}, 401)
        self.issued += 1
        self.left = self.uses
        body: dict[str, Any] = {"access_token": f"the-khong-ai-biet-{self.issued}"}
        return as_json({**body, **({} if self.life is None else {"expires_in": self.life})})

    def rows(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer the-khong-ai-biet-{self.issued}":
            return as_json({"error_code": "401"}, 401)
        self.left -= 1
        if self.left < 0:
            return as_json({"error_code": "401"}, 401)
        page = int(asked.params["page"])
        return as_json({"error_code": "00", "total": 8, "result": [{"Ma": page}, {"Ma": -page}]})


@pytest.fixture
def oauth(puller: Puller) -> Puller:
    puller.auth = OAUTH2
    puller.environment.update(THU_ID="hub", THU_SECRET=SECRET)
    return puller


def test_one_token_serves_all_threads_and_datasets(server: FaultServer, oauth: Puller) -> None:
    issuer = Issuer(server)
    with open_session(oauth.system, oauth.all_values) as session:
        assert oauth(session=session).manifest.rows == 8
        assert oauth(session=session).manifest.rows == 8
    assert issuer.issued == 1


@pytest.mark.parametrize("life", ["120", 120, None, "soon"])
def test_a_token_that_expires_in_mid_pull_is_renewed(
    server: FaultServer, oauth: Puller, life: object
) -> None:
    oauth.limits["threads"] = 1
    issuer = Issuer(server, uses=3, life=life)
    assert oauth().manifest.rows == 8
    assert issuer.issued == 2


def test_a_token_is_renewed_before_it_expires(server: FaultServer, oauth: Puller) -> None:
    oauth.limits["threads"] = 1  # this issuer revokes a token when it issues the next
    issuer = Issuer(server, life=0)
    assert oauth().manifest.rows == 8
    assert issuer.issued >= 4
    assert server.paths().count("/rows") <= issuer.issued + 3


def test_a_token_refused_twice_is_a_matter_of_configuration(
    server: FaultServer, oauth: Puller
) -> None:
    issuer = Issuer(server, uses=0)
    with pytest.raises(ConfigurationError, match="THU_ID, THU_SECRET"):
        oauth()
    assert (issuer.issued, server.paths().count("/rows")) == (2, 2)


def test_a_wrong_secret_names_the_variables(server: FaultServer, oauth: Puller) -> None:
    Issuer(server)
    oauth.environment["THU_SECRET"] = wrong = "sai mật khẩu 123"
    with pytest.raises(ConfigurationError, match="check the values of THU_ID, THU_SECRET") as got:
        oauth()
    assert got.value.where == "tinh/thu token"
    assert wrong not in str(got.value)
    assert server.paths() == ["/token"]


@pytest.mark.parametrize(
    ("reply", "error", "what"),
    [
        (Reply(b"", 503), TransientError, r"HTTP 503 .* \(3 attempts\)"),
        (Reply(b"", 404), ProviderError, "HTTP 404"),
        (Reply(b"<html>"), ProviderError, "HTML page instead of JSON"),
        (as_json({"error": "x"}), ProviderError, "without a token"),
        (as_json({"access_token": "xin\nchao-token"}), ProviderError, "no header value"),
    ],
)
def test_a_token_endpoint_that_misbehaves_is_named(
    server: FaultServer, oauth: Puller, reply: Reply, error: type[HubError], what: str
) -> None:
    server.routes["/token"] = lambda _: reply
    with pytest.raises(error, match=what) as caught:
        oauth()
    assert caught.value.where == "tinh/thu token"


def login_server(server: FaultServer, answer: dict[str, Any], status: int = 200) -> None:
    server.routes["/v1/auth/login"] = lambda _: as_json(answer, status)

    def rows(asked: Asked) -> Reply:
        wanted = {"Authorization": "Bearer jwt-123", "X-SystemId": "H63", "X-SecretKey": "khoa-9"}
        if any(asked.headers.get(name) != value for name, value in wanted.items()):
            return as_json({"success": False, "errorCode": "15"}, 401)
        return as_json({"error_code": "00", "total": 1, "result": [{"Ma": 1}]})

    server.routes["/rows"] = rows


@pytest.fixture
def login(puller: Puller) -> Puller:
    puller.auth = LOGIN
    puller.environment.update(
        THU_USER="hub", THU_PASSWORD="mat-khau", THU_SYSTEM="H63", THU_KEY="khoa-9"
    )
    return puller


def test_login_for_a_token_with_fixed_headers(server: FaultServer, login: Puller) -> None:
    login_server(server, {"success": True, "data": {"token": "jwt-123", "expiresIn": 1800}})
    assert login().manifest.rows == 1
    assert server.asked[0].body == b'{"username":"hub","password":"mat-khau"}'


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"success": False, "errorCode": "15"}, 200),
        ({"success": False, "errorCode": "15"}, 401),
        ({"message": "mat-khau is wrong"}, 403),
    ],
)
def test_a_refused_login_names_the_variables(
    server: FaultServer, login: Puller, answer: dict[str, Any], status: int
) -> None:
    login_server(server, answer, status)
    with pytest.raises(ConfigurationError, match="THU_USER, THU_PASSWORD, THU_SYSTEM, THU_KEY"):
        login()


def test_a_login_without_a_token_shows_the_code(server: FaultServer, login: Puller) -> None:
    login_server(server, {"success": False, "errorCode": "20"})
    with pytest.raises(ProviderError, match="errorCode '20'"):
        login()


def test_a_wrong_key_beside_a_good_login_is_refused(server: FaultServer, login: Puller) -> None:
    login.environment["THU_KEY"] = "khoa-sai"
    login_server(server, {"success": True, "data": {"token": "jwt-123"}})
    with pytest.raises(ConfigurationError, match="THU_KEY"):
        login()
    assert server.paths().count("/v1/auth/login") == 2


def test_an_api_key_goes_into_its_header(server: FaultServer, puller: Puller) -> None:
    puller.auth = {**API_KEY, "header": "X-Key"}
    puller.environment["THU_TOKEN"] = "ma-thu-1"
    server.routes["/rows"] = lambda asked: as_json(
        {"error_code": "00", "total": 1, "result": [{"Ma": asked.headers["X-Key"][:2]}]}
    )
    assert landed_lines(puller()) == ['{"Ma": "ma"}']


@pytest.mark.parametrize("value", ["a\nb: c", "khóa", "a\tb"])
def test_a_value_that_no_header_may_have_is_named_by_its_variable(
    puller: Puller, value: str
) -> None:
    puller.auth = API_KEY
    puller.environment["THU_TOKEN"] = value
    with pytest.raises(ConfigurationError, match="THU_TOKEN") as caught:
        puller()
    assert value not in str(caught.value)


def test_all_missing_variables_are_named_at_once(puller: Puller) -> None:
    puller.auth = LOGIN
    names = ["THU_URL", "THU_USER", "THU_PASSWORD", "THU_SYSTEM", "THU_KEY"]
    assert missing_environment(puller.system, {"THU_USER": "  "}) == names
    with pytest.raises(ConfigurationError, match=", ".join(names)) as caught:
        open_session(puller.system, {})
    assert caught.value.where == "tinh/thu"


def test_a_mounted_file_stands_for_a_variable(
    server: FaultServer, oauth: Puller, tmp_path: Path
) -> None:
    Issuer(server)
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    del oauth.environment["THU_SECRET"]
    oauth.environment["THU_SECRET_FILE"] = str(file)
    assert oauth().manifest.rows == 8
    file.unlink()
    assert missing_environment(oauth.system, oauth.all_values) == ["THU_SECRET"]


def test_no_secret_is_told_anywhere(
    server: FaultServer, oauth: Puller, caplog: pytest.LogCaptureFixture
) -> None:
    """Echo every secret from every place that the hub may quote, then look for it."""
    caplog.set_level(logging.DEBUG)
    issuer = Issuer(server)
    told: list[str] = []

    def echo(asked: Asked) -> str:
        return f"{asked.headers['Authorization']} {SECRET} https://u:{SECRET}@a/?token={SECRET}"

    def page(asked: Asked) -> Reply:
        return as_json({"error_code": echo(asked), "error_message": echo(asked)})

    server.routes["/rows"] = page
    with pytest.raises(ProviderError) as caught:
        oauth()
    told.append(str(caught.value))
    server.routes["/rows"] = lambda asked: Reply(
        b"", 302, {"Location": f"http://x.example.com/?t={asked.headers['Authorization'][7:]}"}
    )
    with pytest.raises(ProviderError) as caught:
        oauth()
    told.append(str(caught.value))
    server.routes["/rows"] = issuer.rows
    oauth.fetch["params"] = {"api_key": "khoa-trong-url", "loai": "the-khong-ai-biet-3"}
    batch = oauth()
    told += [path.read_text(encoding="utf-8") for path in batch.path.rglob("*.*")]
    told += [caplog.text, repr(batch)]
    everything = "\n".join(told)
    assert "api_key=***" in everything
    for secret in (SECRET, "the-khong-ai-biet", "khoa-trong-url"):
        assert secret not in everything


def test_a_session_is_not_needed_for_a_system_without_address(tmp_path: Path) -> None:
    puller = Puller(server=FaultServer.__new__(FaultServer), root=tmp_path, kind="admin_units")
    puller.fetch = {}
    system = puller.system.model_copy(update={"base_url": None})
    assert missing_environment(system, {}) == []
    batch = pull(
        system,
        system.datasets[0],
        position=Position(),
        landing=Landing(tmp_path),
        environment={},
    )
    assert (batch.manifest.rows or 0) > 13_000
