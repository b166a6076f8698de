"""What the documents promise is there: commands, options, make targets, files, variables, SQL.

Data flow: Markdown -> code spans, fenced lines and table rows -> the command tree, the Makefile,
the disk; queries of the documents run against a small lake with the real tables.

Run it alone: ``pytest tests/docs``.

What does not belong here: whether the commands do their work (``tests/hub/cli``, ``tests/e2e``).
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from hub.catalog import load_catalog
from hub.cli import app, main
from hub.cli.sync import EXAMPLE
from hub.sandbox import truth
from hub.sandbox.province import Province
from hub.settings import Settings
from sources.session import CONTACT
from tests.warehouse.nights import Warehouse
from warehouse import tables
from warehouse.lake import Lake

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md", ROOT / "README.vi.md", ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "benchmarks").glob("*.md")),
]  # fmt: skip
DRAWN_LATER = {ROOT / "docs" / "images" / name for name in ("graph.png", "check.png", "plot.png")}
"""Pictures of the Dagster pages, which are not drawn yet."""

FOLDERS = ("assets", "benchmarks", "checks", "docs", "hub", "sources", "tests", "warehouse")
FENCE = re.compile(r"^```[a-z]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PLACEHOLDER = re.compile(r"^\[?[A-ZÀ-ỸĐ][A-ZÀ-ỸĐ_/]*(\.\.\.)?\]?$")


class Command(NamedTuple):
    """A ``hub`` command as a document writes it."""

    where: str
    words: tuple[str, ...]
    whole: bool
    """It stands in a fenced block or a table, so that its arguments belong to it."""

    @property
    def runs(self) -> bool:
        """Whether it only reads, and says all that it needs."""
        return self.words[0] in {"query", "status", "rejects"} and not any(
            PLACEHOLDER.match(word) for word in self.words
        )


def text_of(document: Path) -> str:
    """Return a document."""
    return document.read_text(encoding="utf-8")


def fenced(document: Path) -> list[str]:
    """Return the lines of the fenced blocks."""
    return [line for block in FENCE.findall(text_of(document)) for line in block.splitlines()]


def spans(text: str) -> list[str]:
    """Return the code spans of a text without its fenced blocks."""
    return [span.replace(r"\|", "|") for span in SPAN.findall(FENCE.sub("", text))]


def hub_words(line: str) -> tuple[str, ...] | None:
    """Return what follows ``hub`` if the line is such a command."""
    if not re.match(r"^([A-Z_]+=\S+ )*(\.venv/bin/)?hub [a-z]", line.strip()):
        return None
    words = shlex.split(line, comments=True)
    return tuple(words[next(n for n, word in enumerate(words) if word.endswith("hub")) + 1 :])


def alternatives(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Write ``up|down|day N`` out: of commands, only the last has the words that follow."""
    for position, word in enumerate(words):
        if "|" in word and not words[position - 1].startswith("--") and " " not in word:
            *first, last = word.split("|")
            for choice in first:
                yield (*words[:position], choice)
            yield from alternatives((*words[:position], last, *words[position + 1 :]))
            return
    split = [word.split("|") if re.fullmatch(r"[a-z]+(\|[a-z]+)+", word) else [word]
             for word in words]  # fmt: skip
    yield from (tuple(chosen) for chosen in product(*split))


def rows(document: Path) -> Iterator[list[str]]:
    """Return the cells of each table row."""
    for line in FENCE.sub("", text_of(document)).splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def in_tables(document: Path) -> Iterator[tuple[str, ...]]:
    """Return the commands in the first cell of a row, alone and with each option of its row."""
    for cells in rows(document):
        options = [span for cell in cells[1:] for span in spans(cell) if span.startswith("--")]
        for words in filter(None, map(hub_words, spans(cells[0]))):
            for found in alternatives(words):
                yield found
                for option in options:
                    yield from alternatives((*found, *option.split()))


def commands() -> Iterator[Command]:
    """Return every ``hub`` command of every document."""
    for document in DOCUMENTS:
        name = document.name
        for words in filter(None, map(hub_words, fenced(document))):
            yield from (Command(name, found, whole=True) for found in alternatives(words))
        yield from (Command(name, found, whole=True) for found in in_tables(document))
        prose = "\n".join(
            line for line in text_of(document).splitlines() if not line.startswith("|")
        )
        for words in filter(None, map(hub_words, spans(prose))):
            yield from (Command(name, found, whole=False) for found in alternatives(words))


COMMANDS = list(dict.fromkeys(commands()))


def leaves(command: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return every command that does something."""
    below = getattr(command, "commands", {})
    return {leaf for name, c in below.items() for leaf in leaves(c, (*path, name))} or {path}


def resolve(words: tuple[str, ...]) -> tuple[Any, list[str]]:
    """Return the command that the words name, and the words after its name."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, f"there is no command {rest[0]}"
        command = command.commands[rest.pop(0)]
    return command, rest


def parse(command: Any, rest: list[str]) -> None:
    """Let the command read its arguments, with something in place of what a reader fills in."""
    words = ["1" if PLACEHOLDER.match(word) else word for word in rest]
    options = {name: option for option in command.params for name in option.opts}
    if words and not getattr(options.get(words[-1]), "is_flag", True):
        words.append("1")  # an option that is only named
    with command.make_context("hub", words):
        pass


def call(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run ``hub`` in this process."""
    monkeypatch.setattr(sys, "argv", ["hub", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose lake has every table of the contracts, and a few hundred dossiers."""
    folder = tmp_path_factory.mktemp("docs")
    catalog = load_catalog(ROOT / "assets")
    lake = Lake(folder / "lake")
    connection = lake.writer()
    for contract in catalog.contracts.values():
        tables.ensure(connection, contract)
    connection.close()
    dossiers = list(truth.rows(Province(1, 300), "lao_cai/dich_vu_cong/ho_so"))
    Warehouse(lake, catalog.contracts["ho_so"], folder / "staging").night(dossiers)
    return folder


def test_the_parser_finds_what_is_there() -> None:
    """Should the documents or the patterns change so that nothing is found, this fails."""
    found = {command.words for command in COMMANDS}
    assert ("sandbox", "up") in found
    assert ("sandbox", "day", "N") in found
    assert any(words[:2] == ("query", "SQL") and words[-1] == "parquet" for words in found)
    assert any(command.runs and command.words[0] == "query" for command in COMMANDS)
    assert len(found) > 12


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.where}: {' '.join(c.words)[:60]}")
def test_a_command_is_as_the_document_says(
    command: Command, data: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    found, rest = resolve(command.words)
    name = command.words[: len(command.words) - len(rest)]
    if rest or command.whole:  # in prose, `hub query` stands for all that it can do
        parse(found, rest)
    monkeypatch.setenv("HUB_DATA_DIR", str(data))
    runs = command.whole and command.runs
    code = call(command.words if runs else (*name, "--help"), monkeypatch)
    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    assert out.count("\n") > 3


def test_the_example_that_sync_prints_runs(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(data))
    assert call(("query", EXAMPLE), monkeypatch) == 0


def test_the_readme_names_every_command_and_so_does_the_vietnamese_one() -> None:
    every = leaves(typer.main.get_command(app))
    for readme in ("README.md", "README.vi.md"):
        named = [command.words for command in COMMANDS if command.where == readme]
        assert {leaf for leaf in every if any(w[: len(leaf)] == leaf for w in named)} == every


def test_both_readmes_show_the_same_options() -> None:
    options = [
        {
            (command.words[0], word)
            for command in COMMANDS
            for word in command.words
            if command.where == readme and word.startswith("--")
        }
        for readme in ("README.md", "README.vi.md")
    ]
    assert options[0] == options[1]


def test_make_targets_exist_and_help_lists_all() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    targets = set(phony[1].split())
    done = subprocess.run(
        ["/usr/bin/env", "make", "--no-print-directory", "help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    listed = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert {target for _, target, _ in listed} == targets
    mentioned = {
        found[1]
        for document in DOCUMENTS
        for line in [*fenced(document), *spans(text_of(document))]
        if (found := re.match(r"\s*make ([a-z]+)", line))
    }
    assert mentioned >= {"sync", "test", "ui"}
    assert mentioned - targets == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_linked_files_and_images_exist(document: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(FENCE.sub("", text_of(document)))]
    local = [document.parent / t for t in targets if t and not re.match(r"[a-z]+:", t)]
    missing = {path.resolve() for path in local if not path.exists()}
    assert missing - DRAWN_LATER == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_named_in_code_exist(document: Path) -> None:
    start = rf"^({'|'.join(FOLDERS)})/[\w./-]*$"
    named = [span for span in spans(text_of(document)) if re.match(start, span)]
    beside = ("", ".py")  # `hub/derive` is a module
    assert [n for n in named if not any((ROOT / (n + end)).exists() for end in beside)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_variables_of_the_hub_exist(document: Path) -> None:
    known = {f"HUB_{name.upper()}" for name in Settings.model_fields} | {CONTACT}
    assert set(re.findall(r"\bHUB_[A-Z_]+\b", text_of(document))) - known == set()


def test_every_test_that_a_module_names_is_there() -> None:
    named = re.compile(r"pytest (tests/[\w/]+(?:\.py)?)")
    missing = [
        f"{path.relative_to(ROOT)}: {test}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for test in named.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / test).exists()
    ]
    assert missing == []
