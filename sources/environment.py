"""Addresses and credentials: read from the environment, or from files that it names.

Data flow: the ``FromEnv`` references of a :class:`sources.spec.SystemSpec` and a mapping (the
process environment, or an overlay the caller built) -> their values, when a pull starts. A
reference ``NAME`` is looked up as ``NAME``; if that is not set, ``NAME_FILE`` may name a file
(a mounted secret) whose content is the value.

Run it alone: ``python -m sources.spec DEFS`` prints the variables a definition needs.

What does not belong here: knowing which variables the hub itself has (``hub/settings.py``),
and printing a value: no function here puts one into a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from hub.errors import ConfigurationError
from sources.spec import FromEnv, SystemSpec

SET_THEM = "set each variable, or <NAME>_FILE to the path of a file that holds the value"


def references(system: SystemSpec) -> list[FromEnv]:
    """Return every reference to the environment in a definition, address first, each once."""
    found = [] if system.base_url is None else [system.base_url]
    found += [item for item in (system.proxy, system.tls and system.tls.ca_bundle) if item]
    for name in type(system.auth).model_fields:
        value = getattr(system.auth, name)
        candidates = value.values() if isinstance(value, dict) else [value]
        found.extend(item for item in candidates if isinstance(item, FromEnv))
    return list(dict.fromkeys(found))


def missing(wanted: Iterable[FromEnv], environment: Mapping[str, str]) -> list[str]:
    """Return the names that have no value, in the order asked for."""
    return [item.env for item in wanted if _lookup(item.env, environment) is None]


def resolve(wanted: Iterable[FromEnv], environment: Mapping[str, str]) -> dict[str, str]:
    """Return name -> value; raises one ``ConfigurationError`` that names all that are missing."""
    wanted = list(wanted)
    absent = missing(wanted, environment)
    if absent:
        raise ConfigurationError(
            f"not set in the environment: {', '.join(absent)}", next_step=SET_THEM
        )
    return {item.env: _lookup(item.env, environment) or "" for item in wanted}


def _lookup(name: str, environment: Mapping[str, str]) -> str | None:
    """Return a variable's value without blanks around it; blank or unreadable counts as missing."""
    value = environment.get(name, "").strip()
    path = environment.get(f"{name}_FILE", "").strip()
    if not value and path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
    return value or None
