"""A client certificate is shown where it should be; an unusable one is known beforehand."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ConfigurationError, HubError
from tests.sources.certificates import Pair, issue
from tests.sources.conftest import Puller
from tests.sources.faults import FaultServer
from tests.sources.test_auth_kinds import GOOD, LISTING, env


@contextlib.contextmanager
def tls_server(authority: Pair, own: Pair) -> Iterator[tuple[int, list[str]]]:
    """Answer one row to clients whose certificate the authority issued; keep their names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.path, own.key_path)
    context.load_verify_locations(authority.path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # a refusal is then part of the handshake
    seen: list[str] = []

    def serve(listening: socket.socket) -> None:
        for _ in range(9):
            try:
                plain, _address = listening.accept()
            except OSError:
                return
            with (
                contextlib.suppress(OSError),
                plain,
                context.wrap_socket(plain, server_side=True) as tls,
            ):
                tls.recv(4096)
                peer: Any = tls.getpeercert()
                seen.append(peer["subject"][0][0][1])
                length = str(len(GOOD.body)).encode()
                head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + length
                tls.sendall(head + b"\r\n\r\n" + GOOD.body)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1], seen
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def certified(puller: Puller, port: int, certificate: Path, key: Path) -> Puller:
    puller.kind, puller.fetch = "rest", dict(LISTING)
    puller.auth = {
        "kind": "client_certificate",
        "certificate": env("THU_CERT"),
        "key": env("THU_KEY"),
    }
    puller.environment.update(
        THU_URL=f"https://localhost:{port}", THU_CERT=str(certificate), THU_KEY=str(key)
    )
    return puller


@pytest.mark.parametrize("known", [True, False])
def test_a_client_certificate_is_shown(puller: Puller, tmp_path: Path, *, known: bool) -> None:
    authority = issue(tmp_path, "ca")
    stranger = issue(tmp_path, "la")
    own = issue(tmp_path, "may-chu", authority)
    client = issue(tmp_path, "truc-tinh", authority if known else stranger)
    with tls_server(authority, own) as (port, seen):
        certified(puller, port, client.path, client.key_path)
        puller.extra["tls"] = {"ca_bundle": env("THU_CA")}
        puller.environment["THU_CA"] = str(authority.path)
        if known:
            assert puller().manifest.rows == 1
            assert seen == ["truc-tinh"]
        else:
            with pytest.raises(HubError, match="localhost"):
                puller()
            assert seen == []


def test_a_client_certificate_is_not_left_out_in_silence(puller: Puller, tmp_path: Path) -> None:
    client = issue(tmp_path, "a")
    certified(puller, 1, client.path, client.key_path)
    puller.environment["THU_URL"] = "http://localhost:1"
    with pytest.raises(ConfigurationError, match="only be shown over https"):
        puller()


@pytest.mark.parametrize("wrong", ["no file", "other key", "passphrase", "the text itself"])
def test_an_unusable_certificate_is_known_before_anything_is_sent(
    server: FaultServer, puller: Puller, tmp_path: Path, wrong: str
) -> None:
    """Above all, nobody is asked for a passphrase at night."""
    client = issue(tmp_path, "a", passphrase=b"bi-mat" if wrong == "passphrase" else b"")
    other = issue(tmp_path, "b")
    certified(puller, 1, client.path, client.key_path)
    if wrong == "no file":
        puller.environment["THU_CERT"] = str(tmp_path / "khong-co.pem")
    if wrong == "other key":
        puller.environment["THU_KEY"] = str(other.key_path)
    if wrong == "the text itself":
        puller.environment["THU_KEY"] = client.key_path.read_text(encoding="ascii")
    with pytest.raises(
        ConfigurationError, match="no usable client certificate in THU_CERT and THU_KEY"
    ) as caught:
        puller()
    assert "PRIVATE" not in str(caught.value)
    assert server.asked == []
