"""What tests of several modules here start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.registry import Registry
from tests.sources.faults import FaultServer


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    server = FaultServer()
    monkeypatch.setenv("TINH_SO_URL", server.url)
    yield Registry(tmp_path, server)
    server.close()
