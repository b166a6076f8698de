"""Each auth kind over real HTTP: what is sent, what a refusal says, and that no secret is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from hub.errors import ConfigurationError, HubError, ProviderError
from sources.kinds import check_spec
from sources.redact import Redactor
from sources.session import missing_environment
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json

SECRET = "khoa+bi/mat=9 9"
USER = "nguoi-dung"
LISTING = {"path": "/rows", "records": "result", "paging": {"kind": "none"}}
POSTED = {**LISTING, "method": "POST", "body": {"service": "TraCuuHoSo", "madonvi": "H38"}}
GOOD = as_json({"error_code": "00", "result": [{"Ma": 1}]})


def env(name: str) -> dict[str, str]:
    return {"env": name}


@dataclass
class Kind:
    """An auth kind, and the header or parameter in which its secret must arrive."""

    auth: dict[str, Any]
    accepts: Callable[[Asked], bool]
    fetch: dict[str, Any]
    names: str


def basic(asked: Asked) -> bool:
    sent = asked.headers.get("Authorization", "").removeprefix("Basic ")
    return sent == base64.b64encode(f"{USER}:{SECRET}".encode()).decode()


def signed(asked: Asked) -> bool:
    headers = asked.headers
    text = f"{headers['systemid']}{headers['timestamp']}{headers.get('Content-Type', '')}"
    digest = hmac.new(SECRET.encode(), text.encode() + asked.body, hashlib.sha256).hexdigest()
    return headers["XroadVnpt-sign-header"] == digest and headers["systemid"] == USER


def session_in_body(asked: Asked) -> bool:
    return bool(json.loads(asked.body).get("session") == f"phien-{SECRET}")


KINDS = {
    "api_key_query": Kind(
        {"kind": "api_key_query", "parameter": "m", "token": env("THU_SECRET")},
        lambda asked: asked.params.get("m") == SECRET, LISTING, "THU_SECRET",
    ),
    "bearer": Kind(
        {"kind": "bearer", "token": env("THU_SECRET")},
        lambda asked: asked.headers.get("Authorization") == f"Bearer {SECRET}",
        LISTING, "THU_SECRET",
    ),
    "basic": Kind(
        {"kind": "basic", "username": env("THU_USER"), "password": env("THU_SECRET")},
        basic, LISTING, "THU_USER, THU_SECRET",
    ),
    "hmac": Kind(
        {"kind": "hmac", "system_id": env("THU_USER"), "secret": env("THU_SECRET"),
         "encoding": "hex"},
        signed, POSTED, "THU_USER, THU_SECRET",
    ),
    "login_session": Kind(
        {
            "kind": "login_session", "login_path": "/login",
            "username": env("THU_USER"), "password": env("THU_SECRET"),
        },
        session_in_body, POSTED, "THU_USER, THU_SECRET",
    ),
}  # fmt: skip


def login(asked: Asked) -> Reply:
    if json.loads(asked.body) != {"username": USER, "password": SECRET}:
        return as_json({"error_code": "-1", "message": asked.body.decode()}, 401)
    return as_json({"session": f"phien-{SECRET}", "error_code": "00"})


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, server: FaultServer, puller: Puller) -> Kind:
    kind = KINDS[request.param]
    puller.kind, puller.fetch, puller.auth = "rest", dict(kind.fetch), dict(kind.auth)
    puller.environment.update(THU_SECRET=SECRET, THU_USER=USER)
    server.routes["/login"] = login
    server.routes["/rows"] = lambda asked: GOOD if kind.accepts(asked) else as_json({}, 401)
    return kind


def test_each_kind_is_let_in(server: FaultServer, puller: Puller, kind: Kind) -> None:
    assert landed_lines(puller()) == ['{"Ma": 1}']
    assert all(kind.accepts(asked) for asked in server.asked if asked.path == "/rows")


def test_a_refusal_names_the_variables(server: FaultServer, puller: Puller, kind: Kind) -> None:
    server.routes["/rows"] = lambda _: as_json({}, 401)
    with pytest.raises(ConfigurationError, match=f"check the values of {kind.names}"):
        puller()


def test_a_missing_variable_is_named_before_anything_is_sent(
    server: FaultServer, puller: Puller, kind: Kind
) -> None:
    del puller.environment["THU_SECRET"]
    assert missing_environment(puller.system, puller.all_values) == ["THU_SECRET"]
    with pytest.raises(ConfigurationError, match="THU_SECRET"):
        puller()
    assert (server.asked, kind.names != "") == ([], True)


def every_form(secret: str) -> list[str]:
    """Return a secret as it is and as JSON, URLs and headers write it."""
    return [
        secret, quote(secret), quote(secret, safe=""), quote_plus(secret),
        base64.b64encode(f"{USER}:{secret}".encode()).decode(),
    ]  # fmt: skip


def test_no_secret_is_told_anywhere(
    server: FaultServer, puller: Puller, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    """Echo all that was sent from every place that the hub may quote, then look for it."""
    caplog.set_level(logging.DEBUG)
    told: list[str] = []

    def echo(asked: Asked) -> str:
        sent = [*asked.params.values(), *asked.headers.values(), asked.body.decode(), SECRET]
        return " ".join(reversed(sent))

    def failing(reply: Callable[[Asked], Reply]) -> None:
        server.routes["/rows"] = reply
        with pytest.raises(HubError) as caught:
            puller()
        told.extend([str(caught.value), repr(caught.value), str(caught.value.__cause__)])

    success = {"path": "error_code", "message": "message"}
    puller.fetch["success"] = success
    failing(lambda asked: as_json({"error_code": echo(asked), "message": echo(asked)}))
    for length in range(150, 200, 7):  # a secret at the edge where long sentences are cut
        long = as_json({"error_code": "x", "message": "a" * length + SECRET})
        failing(lambda _, long=long: long)  # type: ignore[misc]
    failing(lambda asked: Reply(echo(asked).encode(), 404))
    failing(
        lambda _: Reply(b"", 302, {"Location": f"http://x.example.com/{quote(SECRET, safe='')}"})
    )
    failing(lambda _: Reply(b"<html><title>" + SECRET.encode() + b"</title>", 403))
    server.routes["/rows"] = lambda _: GOOD
    puller.fetch["params"] = {"loai": SECRET}
    batch = puller()
    told += [path.read_text(encoding="utf-8") for path in batch.path.rglob("*.*")]
    told += [caplog.text, repr(batch)]
    everything = "\n".join(told)
    assert "***" in everything
    for form in every_form(SECRET):
        assert form not in everything
    assert SECRET[:9] not in everything
    assert kind.accepts(server.asked[0]) or server.asked[0].path == "/login"


def test_a_link_that_repeats_the_key_is_not_given_it_twice(
    server: FaultServer, puller: Puller
) -> None:
    puller.kind = "rest"
    puller.auth = KINDS["api_key_query"].auth
    puller.environment["THU_SECRET"] = SECRET
    puller.fetch = {**LISTING, "paging": {"kind": "next_url"}}

    def rows(asked: Asked) -> Reply:
        page = int(asked.params.get("page", "1"))
        following = f"/rows?m={quote_plus(SECRET)}&page={page + 1}" if page < 3 else None
        return as_json({"result": [{"Ma": page}], "next": following})

    server.routes["/rows"] = rows
    batch = puller()
    assert batch.manifest.rows == 3
    assert [list(asked.params) for asked in server.asked] == [["m"], ["m", "page"], ["m", "page"]]
    manifest = (batch.path / "manifest.json").read_text(encoding="utf-8")
    assert manifest.count("m=***") == 3
    assert not any(form in manifest for form in every_form(SECRET))


@pytest.mark.parametrize("name", ["api_key_query", "bearer", "basic"])
def test_another_host_never_sees_the_credentials(
    server: FaultServer, puller: Puller, name: str
) -> None:
    """The definition allows the host that a next page lies on; it is read, but not let in to."""
    other = FaultServer()
    try:
        port = int(other.url.rsplit(":", 1)[1])
        kind = KINDS[name]
        puller.kind, puller.auth = "rest", kind.auth
        puller.environment.update(THU_SECRET=SECRET, THU_USER=USER)
        puller.fetch = {**LISTING, "paging": {"kind": "next_url"}}
        puller.extra["hosts"] = [{"host": "localhost", "private": True, "port": port}]
        following = f"http://localhost:{port}/rows"
        server.routes["/rows"] = lambda _: as_json({"result": [{"Ma": 1}], "next": following})
        other.routes["/rows"] = lambda _: as_json({"result": [{"Ma": 2}]})
        assert puller().manifest.rows == 2
        assert kind.accepts(server.asked[0])
        assert [(asked.params, "Authorization" in asked.headers) for asked in other.asked] == [
            ({}, False)
        ]
    finally:
        other.close()


def test_a_parameter_with_a_key_is_masked_however_short_the_key() -> None:
    redactor = Redactor()
    redactor.hide("m")
    assert redactor.url("http://a/?m=12&n=12") == "http://a/?m=***&n=12"


def sessions(server: FaultServer, *, uses: int, refuse: Callable[[], Reply]) -> list[str]:
    """Issue sessions that live for so many uses; return the list of those issued."""
    issued: list[str] = []
    left = {"": 0}

    def issue(_: Asked) -> Reply:
        issued.append(f"phien-so-{len(issued) + 1}")
        left[issued[-1]] = uses
        return as_json({"session": issued[-1], "error_code": "00"})

    def rows(asked: Asked) -> Reply:
        body = json.loads(asked.body)
        session = body["session"]
        if not left.get(session):
            return refuse()
        left[session] -= 1
        held = [{"Ma": number} for number in range(10)]
        first = body["offset"]
        page = held[first : first + body["limit"]]
        return as_json({"error_code": "00", "total": 10, "result": page})

    server.routes["/login"], server.routes["/rows"] = issue, rows
    return issued


@pytest.fixture
def posted(puller: Puller) -> Puller:
    puller.kind, puller.auth = "rest", KINDS["login_session"].auth
    puller.environment.update(THU_SECRET=SECRET, THU_USER=USER)
    puller.fetch = {
        **POSTED, "total": "total", "success": {"expired": ["-2"]},
        "paging": {"kind": "offset", "page_size": 3, "key": "Ma"},
    }  # fmt: skip
    return puller


@pytest.mark.parametrize(
    "refuse", [lambda: as_json({}, 401), lambda: as_json({"error_code": "-2"})]
)
def test_a_session_that_ends_in_mid_pull_is_renewed(
    server: FaultServer, posted: Puller, refuse: Callable[[], Reply]
) -> None:
    issued = sessions(server, uses=2, refuse=refuse)
    assert posted().manifest.rows == 10
    assert len(issued) > 1
    bodies = [json.loads(asked.body) for asked in server.asked if asked.path == "/rows"]
    assert all(body["service"] == "TraCuuHoSo" for body in bodies)


@pytest.mark.parametrize(
    "refuse", [lambda: as_json({}, 401), lambda: as_json({"error_code": "-2"})]
)
def test_a_session_refused_twice_is_a_matter_of_configuration(
    server: FaultServer, posted: Puller, refuse: Callable[[], Reply]
) -> None:
    issued = sessions(server, uses=0, refuse=refuse)
    with pytest.raises(ConfigurationError, match="THU_USER, THU_SECRET"):
        posted()
    assert (len(issued), server.paths().count("/rows")) == (2, 2)


def test_an_end_of_session_without_a_session_is_not_renewed(
    server: FaultServer, posted: Puller
) -> None:
    posted.auth = {"kind": "bearer", "token": env("THU_SECRET")}
    server.routes["/rows"] = lambda _: as_json({"error_code": "-2"})
    with pytest.raises(ProviderError, match="error_code '-2' in a 200"):
        posted()
    assert server.paths() == ["/rows"]


@pytest.mark.parametrize(
    ("answer", "error", "what"),
    [
        (as_json({"error_code": "5"}), ProviderError, r"without a session \(error_code '5'\)"),
        (as_json({}, 403), ConfigurationError, "credentials are refused"),
        (Reply(b"<html>"), ProviderError, "HTML page instead of JSON"),
    ],
)
def test_a_login_that_gives_no_session_is_named(
    server: FaultServer, posted: Puller, answer: Reply, error: type[HubError], what: str
) -> None:
    server.routes["/login"] = lambda _: answer
    with pytest.raises(error, match=what) as caught:
        posted()
    assert caught.value.where == "tinh/thu login"


def test_a_session_needs_a_body_to_go_into(server: FaultServer, posted: Puller) -> None:
    server.routes["/login"] = login
    posted.fetch = dict(LISTING)
    with pytest.raises(ConfigurationError, match="this is a GET"):
        posted()


def test_a_signature_is_made_anew_for_every_attempt(server: FaultServer, puller: Puller) -> None:
    puller.kind, puller.fetch = "rest", {**POSTED, "headers": {"messagetype": "edoc"}}
    puller.auth = {**KINDS["hmac"].auth, "encoding": "base64"}
    puller.environment.update(THU_SECRET=SECRET, THU_USER=USER)
    replies = iter([Reply(b"", 503), GOOD])
    server.routes["/rows"] = lambda _: next(replies)
    assert puller().manifest.rows == 1
    for asked in server.asked:
        moment = asked.headers["timestamp"]
        assert re.fullmatch(r"\d{8}T\d{6}\+0700", moment)
        assert asked.headers["messagetype"] == "edoc"
        text = f"{USER}{moment}application/json".encode() + asked.body
        digest = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
        assert base64.b64decode(asked.headers["XroadVnpt-sign-header"]) == digest


def test_a_user_name_with_a_colon_is_refused(puller: Puller) -> None:
    puller.auth = KINDS["basic"].auth
    puller.environment.update(THU_SECRET=SECRET, THU_USER="a:b")
    with pytest.raises(ConfigurationError, match="THU_USER has a colon"):
        puller()


def test_a_kind_that_leaves_out_what_nobody_knows_is_refused(puller: Puller) -> None:
    puller.auth = {key: value for key, value in KINDS["hmac"].auth.items() if key != "encoding"}
    with pytest.raises(ValueError, match="encoding"):
        check_spec(puller.system)
