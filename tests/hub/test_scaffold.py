"""A scaffold of every kind shows what must be filled in, and filled in it is a definition."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster.components.scaffold.scaffold import NoParams
from pydantic import BaseModel, ValidationError

from hub.catalog import DERIVED_TABLE, SOURCE_SYSTEM, load_catalog
from hub.scaffold import DerivedScaffolder, Parameters, _choices, definition
from hub.settings import ROOT
from sources.kinds import KINDS, kind_module
from sources.spec import Auth, SystemSpec

FILLED: dict[str, dict[str, Any]] = {
    "admin_units": {},
    "ckan": {"package": "goi", "resource": {"access": "datastore"}},
    "database": {"table": "bang"},
    "dcat": {"path": "/data.json", "format": "dcat_us"},
    "edxml": {"message_type": "edoc", "start": "2026-01-01"},
    "files": {"format": "csv", "folder": {"env": "THU_MUC"}, "pattern": "*.csv"},
    "oai_pmh": {},
    "ogc_features": {"collection": "xa"},
    "portal": {"path": "/ho-so"},
    "rest": {"path": "/ho-so", "records": "data", "paging": {"kind": "none"}},
    "webdav": {},
}
"""What a person would write for each kind: `test_every_kind_is_here` names one that is missing."""


def scaffolded(folder: Path, kind: str, **wanted: str) -> Path:
    """Write a scaffold into an assets folder of its own."""
    path = folder / "assets" / "tinh" / "moi" / "defs.yaml"
    path.parent.mkdir(parents=True)
    parameters = Parameters.model_validate({"kind": kind, **wanted})
    path.write_text(definition(SOURCE_SYSTEM, "tinh/moi", parameters), encoding="utf-8")
    return path


def required(model: type[BaseModel], below: str) -> set[str]:
    """Return the places of a model that must be filled."""
    found = set()
    for name, info in model.model_fields.items():
        inner = info.annotation
        if not info.is_required():
            continue
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= required(inner, f"{below}.{name}")
        else:
            found.add(f"{below}.{name}")
    return found


def test_every_kind_is_here() -> None:
    assert set(FILLED) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_must_be_filled_is_named_all_at_once(tmp_path: Path, kind: str) -> None:
    scaffolded(tmp_path, kind)
    (error,) = load_catalog(tmp_path / "assets").errors.values()
    named = {part.partition(":")[0] for part in error.what.split("; ")}
    fetch = required(kind_module(kind).Fetch, "datasets.0.fetch")
    whole = {"title", "owner", "datasets.0.title"} | fetch
    assert whole <= named
    # What remains are rules over several options, such as files' `paths` or `folder`.
    several = {"ckan", "database", "files"}
    together = {"datasets.0.fetch"} if kind in several and not fetch else set()
    assert named - whole == together


@pytest.mark.parametrize("kind", KINDS)
def test_filled_in_it_is_a_definition(tmp_path: Path, kind: str) -> None:
    path = scaffolded(tmp_path, kind)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    attributes = document["attributes"]
    attributes |= {"title": "Mới", "owner": "team:moi"}
    if "classified_officer" in attributes:
        attributes["classified_officer"] = "Chánh Văn phòng"
    attributes["datasets"][0]["title"] = "Dữ liệu"
    blanks = attributes["datasets"][0]["fetch"]
    assert set(blanks) <= set(FILLED[kind])
    attributes["datasets"][0]["fetch"] = blanks | FILLED[kind]
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    catalog = load_catalog(tmp_path / "assets")
    assert catalog.errors == {}
    assert catalog.systems["tinh/moi"].kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_stands_there_and_its_default_is_valid(tmp_path: Path, kind: str) -> None:
    """With the comment signs of options taken away, all options are there, as the models know."""
    text = scaffolded(tmp_path, kind).read_text(encoding="utf-8")
    lines = [line.replace("# ", "", 1) if "# " in line.partition(":")[0] else line
             for line in text.splitlines() if ":" in line]  # fmt: skip
    names = {line.partition(":")[0].strip(" -") for line in lines}
    assert names >= {*SystemSpec.model_fields, *kind_module(kind).Fetch.model_fields}
    fetch = kind_module(kind).Fetch
    defaults = {
        name: yaml.safe_load(line.partition(": ")[2])
        for name in fetch.model_fields
        for line in lines
        if line.startswith(f"        {name}: ")
    }
    try:
        fetch.model_validate({**defaults, **FILLED[kind]})
    except ValidationError as error:
        wrong = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
        assert wrong == set()  # rules over several options apart


@pytest.mark.parametrize("auth", [name for name in _choices(Auth) if name != "none"])
def test_credentials_come_from_the_environment(tmp_path: Path, auth: str) -> None:
    document = yaml.safe_load(scaffolded(tmp_path, "rest", auth=auth).read_text(encoding="utf-8"))
    given = document["attributes"]["auth"]
    model = _choices(Auth)[auth]
    assert given["kind"] == auth
    assert set(given) == {n for n, info in model.model_fields.items() if info.is_required()}
    variables = [value["env"] for value in given.values() if isinstance(value, dict)]
    assert variables
    assert all(name.startswith("TINH_MOI_") for name in variables)


def test_dagsters_own_command_writes_it(tmp_path: Path) -> None:
    project = tmp_path / "du_an"
    (project / "assets").mkdir(parents=True)
    (project / "assets" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", project)
    dg = Path(sys.executable).with_name("dg")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path)}

    def scaffold(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(dg), "scaffold", "defs", SOURCE_SYSTEM, "lao_cai/moi", *options],
            cwd=project, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    refused = scaffold("--kind", "soap")
    assert refused.returncode == 1
    assert "one of: admin_units, ckan" in refused.stdout + refused.stderr
    done = scaffold("--kind", "portal", "--auth", "bearer", "--dataset", "ho_so")
    assert done.returncode == 0, done.stderr
    written = (project / "assets" / "lao_cai" / "moi" / "defs.yaml").read_text(encoding="utf-8")
    wanted = Parameters(kind="portal", auth="bearer", dataset="ho_so")
    assert written == definition(SOURCE_SYSTEM, "lao_cai/moi", wanted)


def test_a_derived_table_has_a_scaffold_too(tmp_path: Path) -> None:
    folder = tmp_path / "assets" / "chi_so" / "moi"
    folder.mkdir(parents=True)
    request = dg.ScaffoldRequest(
        type_name=DERIVED_TABLE, target_path=folder, scaffold_format="yaml",
        project_root=tmp_path, params=NoParams(),
    )  # fmt: skip
    DerivedScaffolder().scaffold(request)
    (error,) = load_catalog(tmp_path / "assets").errors.values()
    named = [part.partition(":")[0] for part in error.what.split("; ")]
    assert named == ["title", "owner", "inputs"]
