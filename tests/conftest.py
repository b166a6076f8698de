"""Rules for all tests: no telemetry, no settings from outside, and no unexplained skip in CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ALLOWED = Path(__file__).resolve().parents[1] / ".ci" / "allowed-skips"

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
os.environ["GX_ANALYTICS_ENABLED"] = "false"
for _name in [name for name in os.environ if name.startswith("HUB_")]:
    del os.environ[_name]


def _allowed() -> list[str]:
    lines = ALLOWED.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a CI run in which a test was skipped that nobody has excused."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI") != "true" or exitstatus != pytest.ExitCode.OK:
        return
    excused = tuple(_allowed())
    skipped = [report.nodeid for report in reporter.stats.get("skipped", [])]
    unexcused = [nodeid for nodeid in skipped if not (excused and nodeid.startswith(excused))]
    if unexcused:
        reporter.write_line(f"skipped without an entry in {ALLOWED}:", red=True)
        for nodeid in unexcused:
            reporter.write_line(f"  {nodeid}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
