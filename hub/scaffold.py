"""``dg scaffold defs``: the first ``defs.yaml`` of a source system, written from the models.

Data flow: the kind's ``Fetch`` model and :class:`~sources.spec.SystemSpec` -> every option that
must be filled as a blank line, every other as a comment with its default, each under what the
model's own docstring says of it -> ``defs.yaml``. Nothing is listed here, so a new kind or option
has its scaffold the day it is written. ``hub check`` then names what is still blank.

Run it alone: ``dg scaffold defs hub.components.SourceSystem lao_cai/moi --kind rest``.

What does not belong here: what the options mean (the models).
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import dagster as dg
from dagster.components.scaffold.scaffold import NoParams
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo

from hub.catalog import DerivedSpec
from sources.kinds import KINDS, kind_module
from sources.spec import Auth, DatasetSpec, FromEnv, SystemSpec

_WIDTH = 96
_STEP = "  "


class Parameters(BaseModel):
    """What ``dg scaffold defs`` may be told."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    """Kind of system: one of ``sources.kinds.KINDS``."""
    auth: str = "none"
    """Kind of credentials."""
    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "du_lieu"
    """Name of the first dataset, and of its contract."""

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str) -> str:
        """Refuse a kind that nothing reads."""
        if kind not in KINDS:
            msg = f"one of: {', '.join(sorted(KINDS))}"
            raise ValueError(msg)
        return kind

    @field_validator("auth")
    @classmethod
    def _is_credentials(cls, auth: str) -> str:
        """Refuse credentials that nothing sends."""
        if auth not in _choices(Auth):
            msg = f"one of: {', '.join(_choices(Auth))}"
            raise ValueError(msg)
        return auth


class SystemScaffolder(dg.Scaffolder[Parameters]):
    """Writes the ``defs.yaml`` of a source system."""

    @classmethod
    def get_scaffold_params(cls) -> type[Parameters]:
        """Return what may be told."""
        return Parameters

    def scaffold(self, request: dg.ScaffoldRequest[Parameters]) -> None:
        """Write the file; the last two folders are province and system."""
        province, system = request.target_path.parts[-2:]
        text = definition(request.type_name, f"{province}/{system}", request.params)
        (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


class DerivedScaffolder(dg.Scaffolder[NoParams]):
    """Writes the ``defs.yaml`` of a derived table; `hub check` then asks for its SQL."""

    def scaffold(self, request: dg.ScaffoldRequest[NoParams]) -> None:
        """Write the file; the last two folders are schema and table."""
        schema, table = request.target_path.parts[-2:]
        given = {
            "name": [f"name: {schema}/{table}"],
            "contract": [f"contract: {table}"],
            "sql": [f"sql: {table}.sql"],
        }
        lines = [f"type: {request.type_name}", "attributes:"]
        lines += _indented(_options(DerivedSpec, "", given))
        text = "\n".join(lines) + "\n"
        (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


def definition(type_name: str, name: str, wanted: Parameters) -> str:
    """Return the text of a ``defs.yaml`` whose blanks are what must be filled.

    Args:
        type_name: The component.
        name: ``<province>/<system>``.
        wanted: Kind, credentials, first dataset.
    """
    module = kind_module(wanted.kind)
    prefix = name.replace("/", "_").upper()
    address = "base_url: " + _flow({"env": f"{prefix}_URL"})
    given: dict[str, list[str]] = {
        "name": [f"name: {name}"],
        "kind": [f"kind: {wanted.kind}"],
        "base_url": [address if module.NEEDS_ADDRESS else f"# {address}"],
        "datasets": ["datasets:", *_dataset(wanted, module.Fetch, prefix)],
    }
    if getattr(module, "NEEDS_OFFICER", False):
        given["classified_officer"] = [
            "# Who is told of a state secret (docs/secrets.md).",
            "classified_officer:",
        ]
    if wanted.auth != "none":
        given["auth"] = ["auth:", *_indented(_chosen(Auth, wanted.auth, prefix))]
    lines = [
        "# Fill in what is blank, then ask `hub check`. Kinds and credentials: docs/sources.md;",
        "# step by step: docs/add-a-source.md. Addresses and secrets come from the environment.",
        f"type: {type_name}",
        "attributes:",
        *_indented(_options(SystemSpec, prefix, given)),
    ]
    return "\n".join(lines) + "\n"


def _dataset(wanted: Parameters, fetch: type[BaseModel], prefix: str) -> list[str]:
    """Return the lines of one dataset, as an item of a list."""
    options = list(_options(fetch, prefix, {}))
    # YAML takes a key with nothing but comments below it for none at all.
    open_ = "fetch:" if any(not line.startswith("#") for line in options) else "fetch: {}"
    hint = " # without the braces, once an option is set" if open_ != "fetch:" and options else ""
    given = {
        "name": [f"name: {wanted.dataset}"],
        "contract": [f"contract: {wanted.dataset}"],
        "fetch": [open_ + hint, *_indented(options)],
        "columns": ["columns: {} # `hub contract draft` proposes them"],
    }
    first, *rest = _options(DatasetSpec, prefix, given)
    return [f"{_STEP}- {first}", *_indented(_indented(rest))]


def _options(model: type[BaseModel], prefix: str, given: dict[str, list[str]]) -> Iterator[str]:
    """Yield the lines of a model's fields: those that must be filled first."""
    docs = _docstrings(model)
    fields = sorted(
        model.model_fields.items(), key=lambda item: not _needed(item[1], given, item[0])
    )
    for name, info in fields:
        if name in given:
            yield from given[name]
            continue
        yield from _comment(docs.get(name, ""), info)
        if info.is_required():
            yield from _blank(name, info, prefix)
        else:
            yield f"# {name}: {_default(info)}".rstrip()


def _needed(info: FieldInfo, given: dict[str, list[str]], name: str) -> bool:
    return info.is_required() or not given.get(name, ["#"])[0].startswith("#")


def _blank(name: str, info: FieldInfo, prefix: str) -> list[str]:
    """Return the lines of a field that must be filled."""
    kind = _bare(info.annotation)
    if kind is FromEnv:
        return [f"{name}: {_flow({'env': f'{prefix}_{name.upper()}'})}"]
    if _choices(kind):
        return [f"{name}:", f"{_STEP}kind: # one of {', '.join(_choices(kind))}"]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [f"{name}:", *_indented(_options(kind, prefix, {}))]
    return [f"{name}:"]


def _chosen(union: Any, kind: str, prefix: str) -> list[str]:  # noqa: ANN401 - an annotation
    """Return the lines of one model of a union that `kind` tells apart."""
    model = _choices(union)[kind]
    return list(_options(model, prefix, {"kind": [f"kind: {kind}"]}))


def _choices(annotation: Any) -> dict[str, type[BaseModel]]:  # noqa: ANN401 - an annotation
    """Return kind -> model of a union of models; nothing if it is none."""
    kind = _bare(annotation)
    found = {}
    for model in get_args(kind) if get_origin(kind) in {Union, UnionType} else ():
        bare = _bare(model)
        if isinstance(bare, type) and issubclass(bare, BaseModel) and "kind" in bare.model_fields:
            found.update(dict.fromkeys(get_args(bare.model_fields["kind"].annotation), bare))
    return found


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - an annotation
    """Return a type without ``Annotated`` and without ``None``."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        return _bare(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


def _comment(doc: str, info: FieldInfo) -> list[str]:
    """Return what is said of a field, and the values that it may have."""
    kind = _bare(info.annotation)
    texts = [doc]
    if get_origin(kind) is Literal:
        texts.append(f"One of: {', '.join(map(str, get_args(kind)))}.")
    elif _choices(kind):
        texts.append(f"Kinds: {', '.join(_choices(kind))}.")
    elif kind is date:
        texts.append("A date: 2026-01-01.")
    text = " ".join(" ".join(texts).replace("``", "`").split())
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2)]


def _default(info: FieldInfo) -> str:
    """Return a default as YAML has it; nothing for none."""
    value = info.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    return "" if value is None else _flow(value)


def _flow(value: object) -> str:
    """Return a value on one line: JSON is YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, str) and value.replace("_", "").isalnum() and value.isascii():
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return field -> the docstring under it, in the model and what it inherits from."""
    found: dict[str, str] = {}
    for base in reversed([b for b in model.__mro__ if issubclass(b, BaseModel)]):
        if base is BaseModel:
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for field, after in itertools.pairwise(body):
            told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if told and isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                found[field.target.id] = str(after.value.value)  # type: ignore[attr-defined]  # `told` has seen to it
    return found


def _indented(lines: Iterator[str] | list[str]) -> list[str]:
    return [_STEP + line for line in lines]
