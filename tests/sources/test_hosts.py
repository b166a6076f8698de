"""Where a source may send the hub: its own host, hosts that are named, and never the hub's own."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.errors import ConfigurationError, HubError, ProviderError
from sources.hosts import Hosts, is_public
from sources.spec import HostSpec
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, FaultServer, Reply, as_json

BASE = "https://du-lieu.example.vn/api"
GOOD = as_json({"error_code": "00", "total": "1", "result": [{"Ma": "1"}]})


def hosts(*allowed: dict[str, Any], base: str = BASE) -> Hosts:
    return Hosts(base, [HostSpec(**entry) for entry in allowed])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "0.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::",
        "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "nonsense", "",
    ],
)  # fmt: skip
def test_an_address_of_the_own_network_is_never_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "113.160.1.1", "2401:d800::1", "::ffff:8.8.8.8"])
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_private_address_hides_in_ipv6(address: Any) -> None:
    forms = [f"::ffff:{address}", f"64:ff9b::{address}"]
    assert all(is_public(form) <= is_public(str(address)) for form in forms)


@pytest.mark.parametrize(
    "url",
    [
        "https://other.vn/a", "http://du-lieu.example.vn/api", "https://du-lieu.example.vn:8443/",
        "ftp://du-lieu.example.vn/a", "file:///etc/passwd", "https:///nothing", "//x",
        "javascript:0",
        "https://du-lieu.example.vn@evil.vn/", "https://du-lieu.example.vn.evil.vn/",
        "https://other.vn:99999/",
    ],
)  # fmt: skip
def test_what_the_definition_does_not_name_is_refused(url: str) -> None:
    with pytest.raises(ProviderError):
        hosts().require(url, "shown")


@pytest.mark.parametrize(
    ("allowed", "url", "fine"),
    [
        ({"host": "tep.vn"}, "https://tep.vn/a.csv", True),
        ({"host": "tep.vn"}, "https://TEP.VN/a.csv", True),
        ({"host": "tep.vn"}, "https://x.tep.vn/a.csv", False),
        ({"host": "tep.vn"}, "https://tep.vn:8443/a.csv", False),
        ({"host": "tep.vn", "port": 8443}, "https://tep.vn:8443/a.csv", True),
        ({"host": "tep.vn"}, "http://tep.vn/a.csv", False),
        ({"host": "tep.vn", "plain": True}, "http://tep.vn/a.csv", True),
        ({"host": "*"}, "https://anything.vn/a.csv", True),
        ({"host": "*"}, "https://du-lieu.example.vn:9200/", False),
        ({"host": "*"}, "https://user:secret@anything.vn/", False),
    ],
)
def test_a_named_host_is_read_as_it_is_named(allowed: Any, url: str, *, fine: bool) -> None:
    if fine:
        hosts(allowed).require(url, "shown")
    else:
        with pytest.raises(ProviderError):
            hosts(allowed).require(url, "shown")


def test_any_host_cannot_be_private() -> None:
    with pytest.raises(ValidationError, match="name the host"):
        HostSpec(host="*", private=True)


def resolving(answers: dict[str, list[str]]) -> Callable[..., list[Any]]:
    """Return a resolver that knows only these names; asked names are noted in ``asked``."""

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        if host not in answers:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers[host]]

    return getaddrinfo


def test_a_name_that_leads_inside_is_refused_even_among_good_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {"tep.vn": ["8.8.8.8", "169.254.169.254"], "du-lieu.example.vn": ["10.0.0.9"]}
    monkeypatch.setattr(socket, "getaddrinfo", resolving(names))
    with pytest.raises(ProviderError, match="private network"):
        hosts({"host": "*"}).addresses("tep.vn", 443)
    allowed = hosts({"host": "tep.vn", "private": True})
    assert [place[0] for _, place in allowed.addresses("tep.vn", 443)] == names["tep.vn"]
    # The system's own address is the deployment's choice.
    assert hosts().addresses("du-lieu.example.vn", 443)


@pytest.fixture
def other() -> Iterator[FaultServer]:
    running = FaultServer()
    yield running
    running.close()


def elsewhere(other: FaultServer) -> str:
    """Return the other server's address by name: another host than 127.0.0.1."""
    return other.url.replace("127.0.0.1", "localhost")


def redirected(server: FaultServer, other: FaultServer) -> None:
    target = f"{elsewhere(other)}/moved"
    server.routes["/rows"] = lambda _: Reply(b"", 302, {"Location": target})
    other.routes["/moved"] = lambda _: GOOD


def test_a_redirect_to_a_host_that_is_not_named_is_refused(
    puller: Puller, server: FaultServer, other: FaultServer
) -> None:
    redirected(server, other)
    with pytest.raises(ProviderError, match="another host or port"):
        puller()
    assert other.asked == []


def test_a_redirect_into_the_own_network_is_refused_before_it_connects(
    puller: Puller, server: FaultServer, other: FaultServer
) -> None:
    redirected(server, other)
    puller.extra = {"hosts": [{"host": "localhost", "port": port_of(other)}]}
    with pytest.raises(ProviderError, match="localhost leads into a private network"):
        puller()
    assert other.asked == []


def test_another_host_never_sees_the_credentials(
    puller: Puller, server: FaultServer, other: FaultServer
) -> None:
    redirected(server, other)
    puller.extra = {"hosts": [{"host": "localhost", "port": port_of(other), "private": True}]}
    puller.auth = {"kind": "api_key", "header": "Authorization", "token": {"env": "THU_TOKEN"}}
    puller.environment = {"THU_TOKEN": "very-secret"}
    batch = puller()
    assert landed_lines(batch) == ['{"Ma": "1"}']
    assert server.asked[0].headers["Authorization"] == "very-secret"
    assert "Authorization" not in other.asked[0].headers


def test_the_connection_goes_to_the_address_that_was_checked(
    puller: Puller, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes its meaning after the check (DNS rebinding) gains nothing."""
    answers = iter([["127.0.0.1"], ["192.0.2.1"], ["192.0.2.1"]])
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in next(answers)]

    server.routes["/rows"] = lambda _: GOOD
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    puller()
    assert asked == ["127.0.0.1"]


def test_a_proxy_is_taken_from_the_definition_only(
    puller: Puller, server: FaultServer, other: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.routes["/rows"] = lambda _: GOOD
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    puller()
    other.routes["/rows"] = lambda _: GOOD
    asked = len(server.asked)
    puller.extra = {"proxy": {"env": "THU_PROXY"}}
    puller.environment = {"THU_PROXY": other.url}
    puller()
    assert len(server.asked) == asked
    assert other.asked


def test_a_missing_certificate_file_is_named_by_its_variable(puller: Puller) -> None:
    puller.extra = {"tls": {"ca_bundle": {"env": "THU_CA"}}}
    puller.environment = {"THU_CA": "/nowhere/ca.pem"}
    with pytest.raises(ConfigurationError, match="THU_CA"):
        puller()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody's list knows, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",  # noqa: S607 - openssl from the path
         "-subj", "/CN=may chu thu", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    whole = folder / "both.pem"
    whole.write_text(key.read_text() + cert.read_text())
    return whole


def test_a_certificate_is_trusted_only_if_the_definition_says_so(
    puller: Puller, certificate: Path
) -> None:
    server = FaultServer(certificate)
    try:
        server.routes["/rows"] = lambda _: GOOD
        puller.server = server
        with pytest.raises(ProviderError, match=r"certificate of 127\.0\.0\.1 is not trusted"):
            puller()
        puller.extra = {"tls": {"ca_bundle": {"env": "THU_CA"}}}
        puller.environment = {"THU_CA": str(certificate)}
        assert landed_lines(puller()) == ['{"Ma": "1"}']
    finally:
        server.close()


def test_requests_are_spaced_over_the_minute(puller: Puller, server: FaultServer) -> None:
    """A budget that cannot be kept within the deadline is told at once, not after the deadline."""

    def page(asked: Asked) -> Reply:
        number = int(asked.params["page"])
        row = {"Ma": str(number)}
        return as_json({"error_code": "00", "total": "3", "result": [row]})

    server.routes["/rows"] = page
    puller.limits = {"per_minute": 2, "dataset_deadline": 20}
    with pytest.raises(HubError, match="per_minute"):
        puller()
    assert len(server.asked) == 1
    puller.limits = {"per_minute": 6000}
    puller.root = puller.root / "quick"
    assert len(landed_lines(puller())) == 3


def port_of(server: FaultServer) -> int:
    return int(server.url.rsplit(":", 1)[1])
