"""Datasets of a system that ask the same are asked once; what asks otherwise asks for itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ProviderError
from sources.landing import LandedBatch, Landing, Position
from sources.pull import pull
from sources.session import Session, open_session
from sources.spec import SystemSpec
from tests.sources.faults import Asked, FaultServer, Reply, as_json

ROWS = [{"MaHoSo": str(n), "Con": [{"a": n}]} for n in range(5)]
FETCH = {"path": "/hoso", "page_size": 2, "since_parameter": "tuNgay"}
DATASETS = {
    "cha": FETCH,
    "con": {**FETCH, "reader": {"explode": "Con", "parent": "MaHoSo"}},
    "khac": {**FETCH, "params": {"loai": "1"}},
}


class Place:
    """A system of three datasets, its session and its landing."""

    def __init__(self, folder: Path, server: FaultServer) -> None:
        """Open the session."""
        self.server = server
        self.landing = Landing(folder)
        self.system = SystemSpec.model_validate({
            "name": "tinh/cong", "title": "Cổng", "owner": "team:cong", "kind": "portal",
            "base_url": {"env": "CONG_URL"},
            "datasets": [
                {"name": name, "title": name, "contract": name, "mode": "incremental",
                 "cursor": "ma", "columns": {"ma": "MaHoSo"}, "fetch": fetch}
                for name, fetch in DATASETS.items()
            ],
        })  # fmt: skip
        self.session = self.open()

    def open(self) -> Session:
        """Open a session, as a night does for each system."""
        return open_session(self.system, {"CONG_URL": self.server.url})

    def pull(self, name: str, **options: Any) -> tuple[LandedBatch, int]:
        """Pull a dataset; returns the batch and the requests that it took."""
        before = len(self.server.paths())
        position = options.pop("position", Position())
        batch = pull(
            self.system, self.system.dataset(name), position=position, landing=self.landing,
            environment={}, session=options.pop("session", self.session), **options,
        )  # fmt: skip
        return batch, len(self.server.paths()) - before


def page(asked: Asked) -> Reply:
    number = int(asked.params["page"])
    rows = ROWS[2 * number - 2 : 2 * number]
    return as_json({"error_code": "00", "total": str(len(ROWS)), "result": rows})


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    server = FaultServer()
    server.routes["/hoso"] = page
    made = Place(tmp_path, server)
    yield made
    made.session.close()
    server.close()


def records(batch: LandedBatch) -> list[Any]:
    """Return what lies in a batch."""
    return [
        json.loads(line)
        for file in batch.manifest.files
        for line in (batch.path / file.name).read_bytes().splitlines()
    ]


def test_the_second_dataset_gets_the_firsts_answers(place: Place) -> None:
    first, asked = place.pull("cha")
    assert asked == 3
    second, more = place.pull("con")
    assert more == 0
    assert records(first) == records(second) == ROWS
    facts = [(b.manifest.content_sha256, b.manifest.rows, b.manifest.claimed, b.manifest.whole)
             for b in (first, second)]  # fmt: skip
    assert facts[0] == facts[1]
    assert first.id != second.id
    assert Landing.load(second.path).manifest == second.manifest


def test_pulled_alone_it_has_the_same_content(place: Place) -> None:
    together, _ = place.pull("cha")
    session = place.open()
    alone, asked = place.pull("con", session=session)
    session.close()
    assert asked == 3
    assert alone.manifest.content_sha256 == together.manifest.content_sha256


def test_what_asks_otherwise_asks_for_itself(place: Place) -> None:
    place.pull("cha")
    assert place.pull("khac")[1] == 3
    later = Position(batch="x", cursor="2026-09-01T00:00:00")
    assert place.pull("con", position=later)[1] == 3
    assert place.pull("cha", position=later)[1] == 0


def test_a_sample_is_nobodys_answer(place: Place) -> None:
    assert len(records(place.pull("cha", sample=1)[0])) == 2
    assert place.pull("con")[1] == 3


def test_what_failed_is_asked_again(place: Place) -> None:
    place.server.routes["/hoso"] = lambda _: as_json({"error_code": "99"})
    with pytest.raises(ProviderError, match="error_code '99'"):
        place.pull("cha")
    place.server.routes["/hoso"] = page
    assert len(records(place.pull("con")[0])) == 5
