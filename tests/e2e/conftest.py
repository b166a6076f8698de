"""Fixtures of the end-to-end tests: a sandbox per test module, a deployment per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.deployment import Deployment, Province


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    """A small sandbox province, at day 0 and without faults at each test's start."""
    started = Province.start(tmp_path_factory.mktemp("province"))
    yield started
    started.stop()


@pytest.fixture
def deployment(province: Province, tmp_path: Path) -> Iterator[Deployment]:
    """An empty deployment that points at the sandbox, which behaves."""
    province.at_day(0)
    yield Deployment(tmp_path / "data", {"HUB_ENV": str(province.overlay)})
    for system in province.get("/requests"):
        province.fault(system, "none")
