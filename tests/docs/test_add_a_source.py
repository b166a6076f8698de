"""The walks of docs/add-a-source.md, run from the first command to the last.

Data flow: ``console`` blocks -> commands and what they must answer; ``yaml`` blocks that begin
with a path -> files. All commands run in one shell, in a folder that looks like a checkout; their
answers are compared with the document's, in which ``...`` stands for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from checks.forms import FORMS
from hub.settings import ROOT

DOCUMENT = ROOT / "docs" / "add-a-source.md"
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT = 600


class Step(NamedTuple):
    """A command and its answer, or a file to write."""

    command: str
    answer: list[str]


def steps() -> Iterator[Step]:
    """Return what the document does, in order."""
    for kind, text in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")):
        if kind == "yaml":
            first, _, rest = text.partition("\n")
            assert first.startswith("# assets/"), first
            yield Step(f"cat > {first[2:]} <<'WRITTEN'\n{rest}WRITTEN", [])
            continue
        command, answer = "", list[str]()
        for line in text.splitlines():
            if line.startswith("$ "):
                if command:
                    yield Step(command, answer)
                command, answer = line[2:], []
            elif line.startswith("> "):
                command += "\n" + line[2:]
            else:
                answer.append(line)
        yield Step(command, answer)


STEPS = list(steps())


def tight(line: str) -> str:
    """Return a line with one blank where a table has several."""
    return " ".join(line.split())


def fits(answer: list[str], said: list[str]) -> bool:
    """Say whether an answer is as the document has it, whatever the blanks."""
    parts = [".*" if line == "..." else re.escape(tight(line)).replace(r"\.\.\.", "[^\n]*")
             for line in answer]  # fmt: skip
    whole = "\n".join(tight(line) for line in said if line.strip())
    return (
        re.fullmatch("\n".join(parts).replace("\n.*\n", "(?:\n.*)?\n"), whole, re.DOTALL)
        is not None
    )


def test_the_document_has_three_walks() -> None:
    commands = [step.command for step in STEPS]
    assert sum(command.startswith("dg scaffold defs") for command in commands) == 3
    assert sum(command.startswith("hub contract draft") for command in commands) == 3
    assert sum(command.startswith("hub sync") for command in commands) == 3
    assert sum(command.startswith("cat > assets/") for command in commands) == 3


def test_every_form_of_a_column_is_told() -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert told == set(FORMS)


@pytest.mark.parametrize(
    ("answer", "said", "same"),
    [
        (["a ... c"], ["a b c"], True),
        (["a ... c"], ["a b d"], False),
        (["x", "...", "z"], ["x", "y", "y", "z"], True),
        (["x", "...", "z"], ["x", "z"], True),
        (["x", "...", "z"], ["x", "y"], False),
        (["x"], ["x", "y"], False),
        ([], ["x"], False),
        ([], [""], True),
        (["a  b"], ["  a b "], True),
    ],
)
def test_answers_are_compared(answer: list[str], said: list[str], *, same: bool) -> None:
    assert fits(answer, said) is same


@pytest.mark.e2e
def test_every_command_answers_as_the_document_says(tmp_path: Path) -> None:
    place = tmp_path / "hub"
    (place / "assets" / "contracts").mkdir(parents=True)
    (place / "assets" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", place)
    programs = Path(sys.executable).parent
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / "bin" / "activate").write_text(f'PATH="{programs}:$PATH"\n')
    script = "".join(f"echo '@@{n}'\n{step.command}\n" for n, step in enumerate(STEPS))
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "COLUMNS": "100",
        "HUB_DATA_DIR": str(place / "data"), "HUB_ASSETS_DIR": str(place / "assets"),
        "DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1",
        "GX_ANALYTICS_ENABLED": "false",
    }  # fmt: skip
    try:
        done = subprocess.run(
            ["/bin/bash", "-c", script], cwd=place, env=environment, capture_output=True,
            text=True, check=False, timeout=TIMEOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    finally:
        subprocess.run(
            [str(programs / "hub"), "sandbox", "down"], env=environment, check=False, timeout=60,
            capture_output=True,
        )  # fmt: skip
    said = dict(re.findall(r"^@@(\d+)\n(.*?)(?=^@@|\Z)", done.stdout, re.MULTILINE | re.DOTALL))
    wrong = {
        step.command: said.get(str(number), "").splitlines()
        for number, step in enumerate(STEPS)
        if not fits(step.answer, said.get(str(number), "").splitlines())
    }
    assert wrong == {}, done.stderr[-2000:]
