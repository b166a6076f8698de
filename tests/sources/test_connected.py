"""The systems of a province, each connected by a YAML file alone, on a line that is not perfect.

Pulled whole, then changed through its own interface, then pulled for what is new, then whole once
more; each time equal to the source row by row.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.errors import ConfigurationError
from sources.kinds import check_spec
from sources.landing import LandedBatch, Landing, Position
from sources.pull import pull
from sources.spec import SystemSpec, read_definition
from tests.sources import case_server
from tests.sources import wire_faults as wire
from tests.sources.connected import SYSTEMS, Connected, cases
from tests.sources.fault_proxy import FaultProxy, Gate
from tests.sources.kit import Rows, landed

LIMITS = {"backoff": 0.01, "max_wait": 0.05, "retries": 2, "dataset_deadline": 60, "threads": 2}
SYSTEM = """
type: hub.components.SourceSystem
attributes:
  name: tinh/kit
  title: Nguồn thử
  owner: team:trung_tam
  kind: {kind}
  base_url: {{env: KIT_URL}}
  auth: {auth}
  limits: {limits}
  datasets:
    - name: thu
      title: Thử
      contract: thu
      columns: {{cap_nhat: cap_nhat}}
      fetch: {fetch}
"""


def definition(connected: Connected, folder: Path) -> SystemSpec:
    """Write the YAML file and read it as a deployment would."""
    own = yaml.safe_load(connected.definition)
    fetch, auth = (json.dumps(own.get(name, {"kind": "none"}), default=str)
                   for name in ("fetch", "auth"))  # fmt: skip
    limits = json.dumps(LIMITS | own.get("limits", {}))
    text = SYSTEM.format(kind=own["kind"], auth=auth, fetch=fetch, limits=limits)
    if officer := own.get("classified_officer"):
        text = text.replace("  limits:", f"  classified_officer: {officer}\n  limits:")
    if connected.new is not None:
        text += "      mode: incremental\n      cursor: cap_nhat\n"
    path = folder / "defs.yaml"
    path.write_text(text, encoding="utf-8")
    system = read_definition(path)
    check_spec(system)
    return system


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_is_connected_by_its_yaml_and_equals_its_source(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "nguon"
    folder.mkdir()
    with SYSTEMS[name](folder) as connected:
        equals_its_source(connected, tmp_path)


def equals_its_source(connected: Connected, folder: Path) -> None:
    """Pull whole, change, pull what is new, pull whole; compare each time."""
    with contextlib.ExitStack() as stack:
        system = definition(connected, folder)
        proxy = stack.enter_context(FaultProxy(connected.url)) if connected.url else None

        def read(position: Position | None = None, *, whole: bool = False) -> Rows:
            if proxy is not None:
                throttle(proxy, connected)
            batch = pull(
                system, system.datasets[0], position=position or Position(), whole=whole,
                landing=Landing(folder / "landing"),
                environment={
                    **connected.environment,
                    "KIT_URL": connected.address or (proxy.url if proxy else ""),
                },
            )  # fmt: skip
            assert proxy is None or proxy.count(2) == (2 if proxy.places > 1 else 0)
            return own(batch, proxy, connected)

        first = read()
        assert first == connected.truth()
        assert len(first) > 3
        connected.change()
        truth = connected.truth()
        assert truth != first
        if connected.new is not None:
            new = read(Position("truoc", connected.cursor))
            assert new == connected.new(truth)
            assert 0 < len(new) < len(truth)
        assert read(Position("truoc", connected.cursor), whole=True) == truth


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scope": None}, "the scope is refused .HTTP 400, invalid_scope."),
        ({"client_id": {"env": "KIT_SECRET"}}, "credentials are refused .HTTP 401."),
    ],
)
def test_a_real_oauth2_provider_refuses_in_one_line(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with cases(tmp_path) as connected:
        system = definition(connected, tmp_path)
        auth = {**system.auth.model_dump(), **change}
        system = SystemSpec.model_validate({**system.model_dump(), "auth": auth})
        with pytest.raises(ConfigurationError, match=words) as caught:
            pull(
                system, system.datasets[0], position=Position(), landing=Landing(tmp_path),
                environment={**connected.environment, "KIT_URL": connected.url},
            )  # fmt: skip
    assert case_server.CLIENT_SECRET not in str(caught.value)


def throttle(proxy: FaultProxy, connected: Connected) -> None:
    """Let the source be busy once, and cut one answer; close the gate if it has one."""
    proxy.reset()
    proxy.break_at(2, wire.status(429, wire.retry_after(1)), times=1)
    proxy.break_at(3, wire.cut_body, times=1)
    proxy.gate = Gate(revoke_at=4) if connected.gated else None


def own(batch: LandedBatch, proxy: FaultProxy | None, connected: Connected) -> Rows:
    """Return the landed rows; addresses of the proxy in them are the source's own."""
    rows = landed(batch)
    if proxy is None or not all(isinstance(row, dict) for row in rows):
        return rows
    text = json.dumps(rows).replace(proxy.url, connected.url)
    back: Rows = json.loads(text)
    return back
