"""What can happen to an answer on its way: each fault a few lines that yield raw bytes.

Data flow: ``fault_proxy`` calls a fault with an exchange; it may ask the real server first and
bend its answer, or make one up. What a fault says of its own repeats the client's credentials
wherever a careless client would quote it: titles, sentences, addresses.

What does not belong here: what the hub should make of them (``kit``).
"""

from __future__ import annotations

import email.utils
import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator

from tests.sources.fault_proxy import Exchange, Fault, Real

JSON = ("Content-Type", "application/json")
HTML = ("Content-Type", "text/html; charset=utf-8")


def _made(status: int, body: bytes, *headers: tuple[str, str]) -> bytes:
    """Return an answer made up; a client that is told so does not wait on a closed connection."""
    return Real(status, headers, body).head(None, "Connection: close") + body


def page(exchange: Exchange, title: str) -> bytes:
    """Return an HTML page that quotes the client's credentials, as debug pages do."""
    told = f"{title} {exchange.secret}"
    return f"<!DOCTYPE html><html><head><title>{told}</title></head><p>{told}</p></html>".encode()


def status(code: int, *headers: Callable[[], tuple[str, str]]) -> Fault:
    """Answer a status with a page."""

    def fault(exchange: Exchange) -> Iterable[bytes]:
        yield _made(code, page(exchange, str(code)), HTML, *(header() for header in headers))

    return fault


def retry_after(seconds: int, *, as_date: bool = False) -> Callable[[], tuple[str, str]]:
    """Return the header in one of its two forms."""

    def header() -> tuple[str, str]:
        date = email.utils.formatdate(time.time() + seconds, usegmt=True)
        return "Retry-After", date if as_date else str(seconds)

    return header


def closed(_: Exchange) -> Iterable[bytes]:
    """Close the connection without a word."""
    return ()


def no_http(_: Exchange) -> Iterable[bytes]:
    yield b"SSH-2.0-OpenSSH_9.2\r\n"


def cut_head(exchange: Exchange) -> Iterable[bytes]:
    yield exchange.real().head()[:-6]


def cut_body(exchange: Exchange) -> Iterable[bytes]:
    real = exchange.real()
    yield real.head() + real.body[: len(real.body) // 2]


def announced_longer(exchange: Exchange) -> Iterable[bytes]:
    real = exchange.real()
    yield real.head(len(real.body) + 9) + real.body


def announced_shorter(exchange: Exchange) -> Iterable[bytes]:
    real = exchange.real()
    yield real.head(len(real.body) - 9) + real.body


def half(exchange: Exchange) -> Iterable[bytes]:
    """Send half a document with a length that fits: a server that crashed while it wrote."""
    real = exchange.real()
    body = real.body[: len(real.body) // 2]
    yield real.head(len(body)) + body


def empty(exchange: Exchange) -> Iterable[bytes]:
    yield exchange.real().head(0)


def chunks(real: Real, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield an answer in chunks, without the last one."""
    head = real.head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    yield head
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)


def cut_chunks(exchange: Exchange) -> Iterable[bytes]:
    real = exchange.real()
    return chunks(real, [real.body])


def endless(exchange: Exchange) -> Iterable[bytes]:
    return chunks(exchange.real(), (b" " * (1 << 16) for _ in range(4096)))


def bomb(exchange: Exchange) -> Iterable[bytes]:
    body = gzip.compress(b" " * (16 << 20), 1)
    real = exchange.real()
    yield real.head(len(body), "Content-Encoding: gzip") + body


def cut_gzip(exchange: Exchange) -> Iterable[bytes]:
    real = exchange.real()
    body = gzip.compress(real.body, 1)[:-9]
    yield real.head(len(body), "Content-Encoding: gzip") + body


def coding_not_asked_for(exchange: Exchange) -> Iterable[bytes]:
    real = exchange.real()
    yield real.head(None, "Content-Encoding: zstd") + real.body


def login_page(exchange: Exchange) -> Iterable[bytes]:
    yield _made(200, page(exchange, "Đăng nhập"), HTML)


def refusal(exchange: Exchange) -> Iterable[bytes]:
    """Say in JSON that it failed, with 200, in the words of several of the kinds at once."""
    told = f"không được phép: {exchange.secret}"
    document = {
        "success": False, "errorCode": "15", "message": told, "error_code": "99",
        "error_message": told, "error": {"__type": "Validation Error", "message": told},
    }  # fmt: skip
    yield _made(200, json.dumps(document, ensure_ascii=False).encode(), JSON)


def bad_utf8(exchange: Exchange) -> Iterable[bytes]:
    """Put a byte that is no UTF-8 in place of the first letter with an accent, or of any letter."""
    real = exchange.real()
    place = next((at for at, byte in enumerate(real.body) if byte > 127), len(real.body) // 2)
    yield real.head() + real.body[:place] + b"\xff" + real.body[place + 1 :]


def loop(exchange: Exchange) -> Iterable[bytes]:
    yield _made(302, b"", ("Location", exchange.asked.target))


def elsewhere(exchange: Exchange) -> Iterable[bytes]:
    to = f"http://dang-nhap.example.com/?ve={exchange.secret}"
    yield _made(307, page(exchange, "Moved"), HTML, ("Location", to))


def dripping(exchange: Exchange) -> Iterable[bytes]:
    """Send a byte now and then: no single read ever times out."""
    real = exchange.real()
    yield real.head()
    for byte in real.body:
        exchange.pause(0.05)
        yield bytes([byte])


def stalled(exchange: Exchange) -> Iterable[bytes]:
    """Send the head and no body."""
    yield exchange.real().head()
    exchange.pause(1.5)


def earlier(exchange: Exchange) -> Iterable[bytes]:
    """Send the first page once more: a cache that ignores the query."""
    real = exchange.earlier()
    yield real.head() + real.body


def header_flood(exchange: Exchange) -> Iterable[bytes]:
    real = exchange.real()
    yield real.head(None, *(f"X-{number}: {exchange.secret}" for number in range(2000))) + real.body


def garbage_headers(exchange: Exchange) -> Iterable[bytes]:
    """Put noise where headers should be; the end of the head is as it should be."""
    real = exchange.real()
    head = real.head().replace(b"\r\n", b"\r\n\xff\xfe: \x00\x01\r\n: nothing\r\nno colon\r\n", 1)
    yield head + real.body


def two_lengths(exchange: Exchange) -> Iterable[bytes]:
    real = exchange.real()
    yield real.head(None, f"Content-Length: {len(real.body) - 5}") + real.body


def changing(change: Callable[[], object]) -> Fault:
    """Change the source, then answer as it really does: no fault, but a list that moves."""

    def fault(exchange: Exchange) -> Iterable[bytes]:
        change()
        real = exchange.real()
        yield real.head(None, "Connection: close") + real.body

    return fault
