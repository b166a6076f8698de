"""The kinds of system there are, and whether a definition fits its kind.

Data flow: a definition -> :func:`module_of`, the module that reads its kind -> :func:`options_of`,
a dataset's ``fetch`` as that module's ``Fetch`` model; :func:`check_spec` asks all that can be
known without the source.

A kind is a module with ``Fetch`` (a model, with ``windows`` if rows can be asked for by time),
``NEEDS_ADDRESS``, ``land(context)``, and, where they are not the usual, ``HTTP`` (False: it talks
another protocol) and ``NEEDS_OFFICER`` (True: it carries documents that may be state secrets).

Run it alone: ``python -c "from sources.kinds import KINDS; print(*KINDS)"``

What does not belong here: how any kind is read.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import pydantic

from hub.errors import ConfigurationError
from sources.spec import DatasetSpec, Strict, SystemSpec, faults

KINDS: dict[str, str] = {
    "admin_units": "sources.admin_units",
    "ckan": "sources.ckan",
    "database": "sources.database",
    "dcat": "sources.dcat",
    "edxml": "sources.edxml",
    "files": "sources.files",
    "oai_pmh": "sources.oai_pmh",
    "ogc_features": "sources.ogc_features",
    "portal": "sources.portal",
    "rest": "sources.rest",
    "webdav": "sources.webdav",
}


def check_spec(system: SystemSpec) -> None:
    """Raise ``ConfigurationError`` if the kind is unknown or an option of a dataset is wrong."""
    module = module_of(system)
    if module.NEEDS_ADDRESS and system.base_url is None:
        raise ConfigurationError(
            f"kind {system.kind} needs `base_url`",
            where=system.name,
            next_step="add base_url: {env: NAME} to its defs.yaml",
        )
    if getattr(module, "NEEDS_OFFICER", False) and system.classified_officer is None:
        raise ConfigurationError(
            f"kind {system.kind} needs `classified_officer`",
            where=system.name,
            next_step="name in defs.yaml who is told of a state secret (docs/secrets.md)",
        )
    for dataset in system.datasets:
        options = options_of(module, system, dataset)
        if dataset.mode == "incremental" and not asked_by_time(options)[0]:
            raise ConfigurationError(
                "an incremental dataset needs a way to ask for rows since a moment",
                where=f"{system.name}/{dataset.name}",
                next_step="set fetch.since_parameter, or mode: full",
            )


def kind_module(kind: str) -> ModuleType:
    """Return the module that reads a kind; raises ``ConfigurationError`` if there is none."""
    name = KINDS.get(kind)
    if name is None:
        raise ConfigurationError(
            f"unknown kind {kind!r}", next_step=f"one of: {', '.join(sorted(KINDS))}"
        )
    return importlib.import_module(name)


def module_of(system: SystemSpec) -> ModuleType:
    """Return the module of a system's kind."""
    try:
        return kind_module(system.kind)
    except ConfigurationError as error:
        raise error.at(system.name) from None


def options_of(module: ModuleType, system: SystemSpec, dataset: DatasetSpec) -> Strict:
    """Return a dataset's options as the kind's model; all mistakes on one line."""
    try:
        options: Strict = module.Fetch.model_validate(dataset.fetch)
    except pydantic.ValidationError as error:
        raise ConfigurationError(
            "; ".join(faults(error, "fetch")),
            where=f"{system.name}/{dataset.name}",
            next_step=f"the options of kind {system.kind} are the Fetch model of {module.__name__}",
        ) from None
    return options


def asked_by_time(options: Strict) -> tuple[bool, bool]:
    """Say whether a source can be asked for rows since, and until, a moment."""
    can: tuple[bool, bool] = getattr(options, "windows", (False, False))
    return can
