"""Nights with a broken source, through landing, staging, checks and commit.

The warehouse is as it was, or it is what the source has: never something between. The kinds and
the faults are those of ``tests/sources/kit.py``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.catalog import load_catalog
from hub.land import land
from hub.load import Context, Outcome, load
from hub.settings import Settings
from tests.sources import wire_faults as wire
from tests.sources.fault_proxy import Fault, FaultProxy
from tests.sources.kit import COMMON, DATASET, LIMITS, SECRET, Running, Subject
from tests.sources.kit_subjects import SUBJECTS

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: thu
name: Thử
version: 1.0.0
status: active
team: {name: trung_tam}
slaProperties:
  - {property: latency, value: 26, unit: h}
schema:
  - name: thu
    physicalName: dung_chung.thu
    description: Bảng thử (a table to try with)
    customProperties:
      - {property: phanLoai, value: dung_chung}
    properties:
      - name: ma
        businessName: Mã
        description: Mã (code)
        logicalType: string
        physicalType: VARCHAR
        primaryKey: true
        required: true
      - name: ten
        businessName: Tên
        description: Tên (name)
        logicalType: string
        physicalType: VARCHAR
"""
COLUMNS = {
    "portal": {"ma": "ma", "ten": "ten"},
    "ckan": {"ma": "ma", "ten": "ten"},
    "oai_pmh": {"ma": "identifier", "ten": "title"},
    "files csv": {"ma": "Mã", "ten": "Tên"},
}
"""Pages by number, by offset and by token, and files: behind landing all kinds are one of these."""


class Deployment:
    """A hub with one system, in front of which the proxy stands."""

    def __init__(self, subject: Subject, running: Running, proxy: FaultProxy, folder: Path) -> None:
        self.running, self.proxy = running, proxy
        own = yaml.safe_load(subject.definition)
        dataset = {**DATASET, "fetch": own["fetch"], "columns": COLUMNS[subject.name]}
        # Every night begins anew, so that its requests have the same places.
        limits = {**LIMITS, "resume_hours": 0}
        system = {**yaml.safe_load(COMMON), "kind": own["kind"], "limits": limits,
                  "datasets": [dataset]}  # fmt: skip
        definition = {"type": "hub.components.SourceSystem", "attributes": system}
        for name, text in {
            "tinh/kit/defs.yaml": yaml.safe_dump(definition),
            "contracts/thu.odcs.yaml": CONTRACT,
        }.items():
            path = folder / "assets" / name
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
        overlay = folder / "sandbox.env"
        overlay.write_text(f"KIT_URL={proxy.url}\nKIT_TOKEN={SECRET}\n")
        settings = Settings(data_dir=folder / "data", assets_dir=folder / "assets", env=overlay)
        self.context = Context.of(settings, load_catalog(settings.assets_dir))
        assert not self.context.catalog.errors

    def night(self) -> Outcome:
        system = self.context.catalog.systems["tinh/kit"]
        (dataset,) = system.datasets
        landed = land(self.context, system, [dataset], lambda *_: None)
        return load(self.context, system, dataset, landed[dataset.name], run="dem")

    def table(self) -> list[tuple[Any, ...]]:
        return (
            self.context.lake.reader()
            .execute("SELECT ma, ten FROM dung_chung.thu ORDER BY ma")
            .fetchall()
        )


@pytest.fixture(params=COLUMNS)
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    subject = SUBJECTS[request.param]
    (tmp_path / "nguon").mkdir()
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(subject.serve(tmp_path / "nguon"))
        proxy = stack.enter_context(FaultProxy(running.url, authorization=subject.authorization))
        yield Deployment(subject, running, proxy, tmp_path)


def test_a_broken_night_leaves_the_warehouse_as_it_was_or_brings_all(
    deployment: Deployment,
) -> None:
    assert deployment.night().error is None
    before, last = deployment.table(), deployment.proxy.places
    sent = deployment.proxy.count(1)
    assert len(before) > 2
    assert deployment.running.insert
    deployment.running.insert()
    lasting: list[tuple[int, Fault]] = [
        (1, wire.cut_body), (last // 2 + 1, wire.login_page), (last, wire.status(401)),
    ]  # fmt: skip
    for place, fault in lasting:
        deployment.proxy.reset()
        deployment.proxy.break_at(place, fault)
        outcome = deployment.night()
        assert outcome.record.status == "failed"
        assert str(outcome.error).startswith("tinh/kit")
        assert SECRET not in f"{outcome.error} {outcome.record.error}"
        assert deployment.table() == before
    deployment.proxy.reset()
    deployment.proxy.break_at(1, wire.cut_body, times=1)
    outcome = deployment.night()
    assert outcome.error is None
    assert deployment.proxy.count(1) == sent + 1
    changed = deployment.table()
    assert set(changed) != set(before)
    deployment.proxy.reset()
    assert deployment.night().record.status == "unchanged"
    assert deployment.table() == changed
