"""A small province, and its servers in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from hub.sandbox.province import Province
from hub.sandbox.server import Sandbox

SCALE = 300
TOKEN_LIFE = 0.6


@pytest.fixture(scope="session")
def day_zero() -> Province:
    """A province at day 0 that no test moves."""
    return Province(1, SCALE)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Running servers whose portal tokens live 0.6 s."""
    made = Sandbox(Province(1, SCALE), token_life=TOKEN_LIFE)
    thread = threading.Thread(target=lambda: asyncio.run(made.serve()))
    thread.start()
    deadline = time.monotonic() + 10
    while not made.ready and time.monotonic() < deadline:
        time.sleep(0.01)
    yield made
    made.stop()
    thread.join(10)
    assert not thread.is_alive()
