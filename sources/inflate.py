"""Inflate gzip and Brotli bodies piece by piece, under a cap, noticing a cut stream.

Data flow: ``sources.client`` feeds the bytes of the wire; inflated pieces come out, never more
than about ``PIECE`` bytes at a time, so that a bomb is stopped after one piece over the cap.
urllib3 can inflate too, but it takes a gzip stream that ends in the middle for a whole one.

Run it alone: ``python -c "from sources.inflate import CODINGS; print(*CODINGS)"``

What does not belong here: ZIP and other archives; those are files, not transfer codings.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]

PIECE = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class DamagedError(Exception):
    """The stream is no gzip or Brotli, or ends in the middle."""


class Inflater(Protocol):
    """Takes compressed bytes, gives inflated pieces."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the pieces that ``data`` completes."""

    def finish(self) -> None:
        """Raise ``DamagedError`` if the stream is not complete."""


class Identity:
    """No transfer coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bytes as they are."""
        yield data

    def finish(self) -> None:
        """Nothing can be missing that the length does not tell."""


class Gzip:
    """One or several gzip members."""

    def __init__(self) -> None:
        """Start at the first member."""
        self._stream = zlib.decompressobj(_GZIP)
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield inflated pieces of at most ``PIECE`` bytes."""
        pending = False
        while data or pending:
            if self._stream.eof:
                if not data.strip(b"\0"):
                    return  # padding after the last member
                self._stream = zlib.decompressobj(_GZIP)
            self._started = True
            try:
                piece = self._stream.decompress(data, PIECE)
            except zlib.error:
                raise DamagedError from None
            done = self._stream.eof
            data = self._stream.unused_data if done else self._stream.unconsumed_tail
            # A full piece may leave output inside zlib although it has taken all the input.
            pending = len(piece) >= PIECE and not done
            if piece:
                yield piece

    def finish(self) -> None:
        """Raise if the last member lacks its end."""
        if self._started and not self._stream.eof:
            raise DamagedError


class Brotli:
    """A Brotli stream."""

    def __init__(self) -> None:
        """Start at the beginning."""
        self._stream = brotli.Decompressor()
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield inflated pieces of about ``PIECE`` bytes."""
        self._started = True
        try:
            piece: bytes = self._stream.process(data, output_buffer_limit=PIECE)
            while piece:
                yield piece
                if self._stream.can_accept_more_data():
                    return
                piece = self._stream.process(b"", output_buffer_limit=PIECE)
        except brotli.error:
            raise DamagedError from None

    def finish(self) -> None:
        """Raise if the stream lacks its end."""
        if self._started and not self._stream.is_finished():
            raise DamagedError


CODINGS: dict[str, type[Identity | Gzip | Brotli]] = {
    "": Identity,
    "identity": Identity,
    "gzip": Gzip,
    "x-gzip": Gzip,
    "br": Brotli,
}
