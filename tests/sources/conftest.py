"""Fixtures of the source tests: a fault server, and one call that pulls from it.

Data flow: ``server`` answers over real HTTP; ``puller`` builds a definition around it, pulls a
dataset into a temporary landing folder and returns the sealed batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sources.kinds import check_spec
from sources.landing import LandedBatch, Landing, Position
from sources.pull import pull
from sources.session import Session
from sources.spec import SystemSpec
from tests.sources.faults import FaultServer

QUICK = {
    "backoff": 0.01,
    "max_wait": 0.2,
    "retries": 2,
    "read_timeout": 5,
    "page_deadline": 10,
    "dataset_deadline": 20,
    "threads": 3,
}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    running = FaultServer()
    yield running
    running.close()


@dataclass
class Puller:
    """Pulls one dataset from the fault server as any definition would be pulled."""

    server: FaultServer
    root: Path
    kind: str = "portal"
    fetch: dict[str, Any] = field(default_factory=lambda: {"path": "/rows", "page_size": 2})
    auth: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    dataset: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    """Further keys of the system's definition."""
    seen: list[tuple[int, int | None]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def system(self) -> SystemSpec:
        columns = {"ma": "Ma", "ngay": "Ngay"}
        dataset = {"name": "thu", "title": "Thử", "contract": "thu", "columns": columns}
        spec = {
            "name": "tinh/thu",
            "title": "Thử",
            "owner": "team:thu",
            "kind": self.kind,
            "base_url": {"env": "THU_URL"},
            "limits": {**QUICK, **self.limits},
            "datasets": [{**dataset, "fetch": self.fetch, **self.dataset}],
            **self.extra,
        }
        return SystemSpec.model_validate({**spec, **({"auth": self.auth} if self.auth else {})})

    @property
    def all_values(self) -> dict[str, str]:
        return {"THU_URL": self.server.url, **self.environment}

    def __call__(
        self,
        position: Position | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        session: Session | None = None,
    ) -> LandedBatch:
        system = self.system
        check_spec(system)
        return pull(
            system,
            system.datasets[0],
            position=position or Position(),
            landing=Landing(self.root),
            environment=self.all_values,
            since=since,
            until=until,
            progress=lambda fetched, claimed: self.seen.append((fetched, claimed)),
            warn=self.warnings.append,
            session=session,
        )

    @property
    def folder(self) -> Path:
        return self.root / "tinh" / "thu" / "thu"

    @property
    def left(self) -> list[str]:
        """What lies there, but for the answers kept for the next pull."""
        names = sorted(path.name for path in self.folder.iterdir())
        return [name for name in names if not name.startswith(".journal")]


@pytest.fixture
def puller(server: FaultServer, tmp_path: Path) -> Puller:
    return Puller(server, tmp_path / "landing")


@pytest.fixture
def rest(puller: Puller) -> Puller:
    puller.kind = "rest"
    puller.fetch = {"path": "/rows", "records": "data.items", "paging": {"kind": "none"}}
    return puller


def landed_lines(batch: LandedBatch) -> list[str]:
    """Return the lines of a batch's pages, in order."""
    return [
        line
        for file in batch.manifest.files
        for line in (batch.path / file.name).read_text(encoding="utf-8").splitlines()
    ]
