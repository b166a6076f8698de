"""What HTTP can do wrong beside what ``test_kit`` tries on every kind: limits, hosts, addresses."""

from __future__ import annotations

import email.utils
import gzip
import json
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import brotli  # type: ignore[import-untyped]
import pytest

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources.deadline import Deadline
from sources.transport import seconds_to_wait
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import FaultServer, Reply, as_json, drip, in_turn

GOOD = as_json({"error_code": "00", "total": "1", "result": [{"Ma": "Đỗ Thị Ả"}]})
LINE = '{"Ma": "Đỗ Thị Ả"}'


def encoded(coding: str, body: bytes) -> Reply:
    return Reply(body, headers={"Content-Encoding": coding})


def wire(*pieces: bytes) -> Reply:
    return Reply(wire=pieces)


def head(length: int, *more: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: %d" % length, *more, b"", b""])


PASSING: dict[str, Reply] = {
    "cut chunk": wire(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n", GOOD.body[:20]
    ),
    "half a head": wire(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cut brotli": encoded("br", brotli.compress(GOOD.body)[:-3]),
    "damaged gzip": encoded("gzip", b"not gzip at all"),
    "longer than announced": wire(head(len(GOOD.body) - 4), GOOD.body),
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_tried_again(server: FaultServer, puller: Puller, fault: str) -> None:
    server.routes["/rows"] = in_turn(PASSING[fault], PASSING[fault], GOOD)
    assert landed_lines(puller()) == [LINE]
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 405, 409, 410, 422, 300, 304])
def test_what_is_permanent_is_not_tried_again(
    server: FaultServer, puller: Puller, status: int
) -> None:
    server.routes["/rows"] = lambda _: Reply(b"", status)
    with pytest.raises(ProviderError, match=f"HTTP {status} from 127.0.0.1"):
        puller()
    assert len(server.asked) == 1


def test_a_firewall_page_beside_the_refusal_is_mentioned(
    server: FaultServer, puller: Puller
) -> None:
    server.routes["/rows"] = lambda _: Reply(b"<html><title>Blocked by WAF</title></html>", 403)
    with pytest.raises(ProviderError, match=r"HTTP 403 .* \(HTML page \('Blocked by WAF'\)\)"):
        puller()


@pytest.mark.parametrize("most", [600, 0.3])
@pytest.mark.parametrize(
    "asks",
    [
        lambda: "90",
        lambda: email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True),
    ],
    ids=["seconds", "date"],
)
def test_retry_after_is_heeded_in_both_forms_up_to_the_limit(
    server: FaultServer, puller: Puller, monkeypatch: pytest.MonkeyPatch,
    asks: Callable[[], str], most: float,
) -> None:  # fmt: skip
    waited: list[float] = []
    monkeypatch.setattr(Deadline, "sleep", lambda _, seconds, *__: waited.append(seconds))
    puller.limits["max_wait"] = most
    busy = Reply(b"", 429, {"Retry-After": asks()})
    server.routes["/rows"] = in_turn(busy, GOOD)
    assert landed_lines(puller()) == [LINE]
    # A date has whole seconds, and some of them passed on the way.
    assert waited == [0.3 if most == 0.3 else pytest.approx(90, abs=5)]


def test_retry_after_is_read_in_both_forms() -> None:
    later = email.utils.format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert seconds_to_wait("120") == 120
    assert 3590 < (seconds_to_wait(later) or 0) <= 3600
    assert seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert [seconds_to_wait(text) for text in ("", "soon", "-1", "１２")] == [None] * 4


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(GOOD.body)),
        ("GZIP", gzip.compress(GOOD.body)),
        ("gzip", gzip.compress(GOOD.body[:9]) + gzip.compress(GOOD.body[9:]) + b"\0" * 9),
        ("br", brotli.compress(GOOD.body)),
        ("identity", GOOD.body),
    ],
    # gzip writes the time into its head: an id made of it would differ between test processes.
    ids=["gzip", "GZIP", "members", "br", "identity"],
)
def test_compressed_answers_are_read(
    server: FaultServer, puller: Puller, coding: str, body: bytes
) -> None:
    server.routes["/rows"] = lambda _: encoded(coding, body)
    assert landed_lines(puller()) == [LINE]
    assert server.asked[0].headers["Accept-Encoding"] == "gzip, br"


def test_a_coding_not_asked_for_is_refused(server: FaultServer, puller: Puller) -> None:
    server.routes["/rows"] = lambda _: encoded("deflate", b"x")
    with pytest.raises(ProviderError, match="content coding deflate"):
        puller()


@pytest.mark.parametrize("coding", ["gzip", "br", ""])
def test_a_bomb_costs_no_memory(server: FaultServer, puller: Puller, coding: str) -> None:
    puller.limits["max_body"] = 1 << 20
    pack: Callable[[bytes], bytes] = {"gzip": gzip.compress, "br": brotli.compress, "": bytes}[
        coding
    ]
    bomb = pack(b" " * (64 << 20))
    server.routes["/rows"] = lambda _: encoded(coding, bomb)
    tracemalloc.start()
    with pytest.raises(ProviderError, match="larger than 1048576 bytes"):
        puller()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert len(server.asked) == 1


def dripping(server: FaultServer, puller: Puller, pieces: Callable[[], Iterable[bytes]]) -> float:
    server.routes["/rows"] = lambda _: Reply(wire=pieces())
    began = time.monotonic()
    with pytest.raises(TransientError, match=r"page deadline of 0.3 s passed"):
        puller()
    return time.monotonic() - began


@pytest.mark.parametrize(
    "pieces",
    [
        lambda: drip(GOOD.body, 0.02),
        lambda: drip(GOOD.body, 0.02, head(len(GOOD.body))),
        lambda: drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 999, 0.02, b""),
        lambda: drip(
            b"4;" + b"x" * 999, 0.02, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        ),
    ],
    ids=["body", "body of known length", "head", "chunk size"],
)
def test_a_drip_is_no_read_timeout_and_is_caught(
    server: FaultServer, puller: Puller, pieces: Callable[[], Iterable[bytes]]
) -> None:
    puller.limits.update(page_deadline=0.3, retries=1)
    assert dripping(server, puller, pieces) < 2


def stalled() -> Iterable[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    time.sleep(3)


def test_a_stall_is_a_read_timeout(server: FaultServer, puller: Puller) -> None:
    puller.limits.update(read_timeout=0.2, retries=1)
    server.routes["/rows"] = lambda _: Reply(wire=stalled())
    with pytest.raises(TransientError, match=r"no answer from 127.0.0.1 within 0.2 s \(2 attem"):
        puller()


@pytest.mark.parametrize("limits", [{}, {"read_timeout": 0.1}, {"page_deadline": 0.1}])
def test_a_stall_ends_at_the_datasets_deadline(
    server: FaultServer, puller: Puller, limits: dict[str, float]
) -> None:
    puller.limits.update({"dataset_deadline": 0.5, "retries": 20, **limits})
    server.routes["/rows"] = lambda _: Reply(wire=stalled())
    began = time.monotonic()
    with pytest.raises(TransientError, match=r"deadline of 0.5 s passed") as caught:
        puller()
    assert time.monotonic() - began < 1.2
    assert caught.value.where == "tinh/thu/thu page 1"


def test_a_wait_that_would_outlast_the_deadline_is_not_begun(
    server: FaultServer, puller: Puller
) -> None:
    puller.limits.update(dataset_deadline=5, max_wait=60)
    server.routes["/rows"] = lambda _: Reply(b"", 503, {"Retry-After": "30"})
    began = time.monotonic()
    with pytest.raises(TransientError, match=r"deadline of 5 s passed \(last trouble: HTTP 503"):
        puller()
    assert time.monotonic() - began < 1


def test_one_bad_page_cuts_off_those_under_way(server: FaultServer, puller: Puller) -> None:
    first = as_json({"error_code": "00", "total": "8", "result": [{"Ma": "1"}, {"Ma": "2"}]})
    others = {"1": first, "2": Reply(b"", 404)}
    server.routes["/rows"] = lambda asked: others.get(asked.params["page"], Reply(wire=stalled()))
    began = time.monotonic()
    with pytest.raises(ProviderError, match="HTTP 404"):
        puller()
    assert time.monotonic() - began < 1


def test_redirects_stay_on_the_host(server: FaultServer, puller: Puller) -> None:
    server.routes["/rows"] = lambda _: Reply(b"", 302, {"Location": "/new?page=1"})
    server.routes["/new"] = lambda _: GOOD
    assert landed_lines(puller()) == [LINE]


@pytest.mark.parametrize(
    "target",
    [
        "http://dang-nhap.example.com/?ve=1",
        "//example.com/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "https://127.0.0.1/x",
    ],
)
def test_redirects_to_another_host_are_refused(
    server: FaultServer, puller: Puller, target: str
) -> None:
    server.routes["/rows"] = lambda _: Reply(b"", 307, {"Location": target})
    with pytest.raises(ProviderError, match=r"address on another host|no address that"):
        puller()


def test_another_port_of_the_host_is_another_host(server: FaultServer, puller: Puller) -> None:
    other = server.url.rsplit(":", 1)[0] + ":1/"
    server.routes["/rows"] = lambda _: Reply(b"", 301, {"Location": other})
    with pytest.raises(ProviderError, match=r"address on another host|no address that"):
        puller()


def test_a_redirect_loop_ends(server: FaultServer, puller: Puller) -> None:
    server.routes["/rows"] = lambda _: Reply(b"", 302, {"Location": "/rows"})
    with pytest.raises(ProviderError, match="more than 5 redirects"):
        puller()


def test_nobody_listening_is_one_line(server: FaultServer, puller: Puller) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        puller.environment["THU_URL"] = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(TransientError, match=r"cannot connect to 127.0.0.1 \(3 attempts\)"):
            puller()
    assert server.asked == []


def test_an_unknown_name_is_one_line(puller: Puller) -> None:
    puller.environment["THU_URL"] = "http://khong-co.invalid"
    puller.limits["retries"] = 0
    with pytest.raises(TransientError, match=r"cannot connect to khong-co.invalid"):
        puller()


def test_tls_where_there_is_none_is_an_error(server: FaultServer, puller: Puller) -> None:
    puller.environment["THU_URL"] = server.url.replace("http", "https")
    with pytest.raises(HubError, match=r"127.0.0.1"):
        puller()


def test_the_user_agent_has_a_contact(server: FaultServer, puller: Puller) -> None:
    server.routes["/rows"] = lambda _: GOOD
    puller()
    puller.environment["HUB_CONTACT"] = "du-lieu@example.com"
    puller()
    agents = [asked.headers["User-Agent"] for asked in server.asked]
    assert agents == ["provincial-data-hub (team:thu)", "provincial-data-hub (du-lieu@example.com)"]


def test_the_machines_proxy_is_not_used(
    server: FaultServer, puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.routes["/rows"] = lambda _: GOOD
    assert puller().manifest.rows == 1


@pytest.mark.parametrize("address", ["10.0.0.1/api", "ftp://a/", "http://", "https:///x"])
def test_a_bad_address_is_named_by_its_variable(puller: Puller, address: str) -> None:
    puller.environment["THU_URL"] = address
    with pytest.raises(ConfigurationError, match="value of THU_URL is no http") as caught:
        puller()
    assert address not in str(caught.value)


def test_a_pull_over_https_style_base_path_keeps_the_path(
    server: FaultServer, puller: Puller
) -> None:
    puller.environment["THU_URL"] = server.url + "/goc/"
    server.routes["/goc/rows"] = lambda _: GOOD
    assert json.loads(landed_lines(puller())[0]) == json.loads(LINE)
