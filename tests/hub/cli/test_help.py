"""Every command's help, exit codes of wrong use, and the settings' mistakes in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from hub.cli import app
from tests.e2e.deployment import ROOT
from tests.hub.cli.conftest import Hub

COMMANDS = [
    "",
    "sync",
    "retry",
    "status",
    "query",
    "unit",
    "changes",
    "approve",
    "reload",
    "rejects",
    "check",
    "preview",
    "maintain",
    "docs",
    "publish",
    "erase",
    "backup",
    "restore",
    "contract",
    "contract draft",
    "contract export",
    "sandbox",
    "sandbox up",
    "sandbox down",
    "sandbox day",
]
HELP = """
import json, sys
from hub.cli import main
codes = {}
for command in json.loads(sys.argv[1]):
    sys.argv = ["hub", *command.split(), "--help"]
    try:
        main()
    except SystemExit as ended:
        codes[command] = ended.code
heavy = [
    name for name in ("dagster", "great_expectations", "duckdb", "requests", "numpy", "pyarrow")
    if name in sys.modules
]
print(json.dumps({"codes": codes, "heavy": heavy}))
"""


def names(command: object, path: tuple[str, ...] = ()) -> list[str]:
    """Return a command and those below it."""
    below = getattr(command, "commands", {})
    return [" ".join(path)] + [n for k, c in below.items() for n in names(c, (*path, k))]


def test_the_list_of_commands_here_is_complete() -> None:
    assert names(typer.main.get_command(app)) == COMMANDS


def test_every_help_exits_0_at_once_and_imports_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP, json.dumps(COMMANDS)], cwd=ROOT, text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, check=True, capture_output=True,
    )  # fmt: skip
    *printed, last = done.stdout.splitlines()
    report = json.loads(last)
    assert report["codes"] == dict.fromkeys(COMMANDS, 0)
    assert report["heavy"] == []
    assert sum(line.startswith(" Usage: hub") for line in printed) == len(COMMANDS)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("status",), 0),
        (("query", "select 1"), 0),
        (("check",), 1),
        (("query", "selec 1"), 1),
        ((), 2),
        (("sandbox",), 2),
        (("nonsense",), 2),
        (("query",), 2),
        (("query", "select 1", "--nonsense"), 2),
        (("status", "everything"), 2),
        (("sandbox", "up", "--scale", "299"), 2),
        (("sandbox", "day", "first"), 2),
    ],
)
def test_exit_codes(hub: Hub, arguments: tuple[str, ...], code: int) -> None:
    said = hub(*arguments)
    assert said.code == code
    assert "Traceback" not in said.err


@pytest.mark.parametrize("command", ["status", "check"])
def test_a_setting_with_a_wrong_value_is_one_line(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("HUB_DATASET_DEADLINE", "soon")
    code, out, err, _ = hub(command)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("hub: HUB_DATASET_DEADLINE is wrong: ")


def test_an_error_that_nobody_foresaw_is_not_hushed_up(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("hub.catalog.load_catalog", broken)
    with pytest.raises(ValueError, match="a bug"):
        hub("status")
