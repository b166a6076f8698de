"""The resources of a CKAN package, and the one that a definition means.

Data flow: the answer of ``package_show`` -> :func:`resources` -> :func:`choose` with the
definition's :class:`Resource`.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with a definition of kind ``ckan``.

What does not belong here: asking the catalog, fetching the resource.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hub.errors import ConfigurationError, ProviderError
from sources import payload
from sources.spec import Strict
from sources.transport import Answer


class Resource(Strict):
    """Which resource of the package, and which way to it."""

    access: Literal["datastore", "file"]
    format: Literal["CSV", "XLSX"] | None = None
    """Compared with the catalog's word for it without case, dots and blanks (``.xlsx``)."""
    name: str | None = None
    """Exact name, if several of a format are offered."""
    position: Annotated[int, Field(ge=0)] | None = None
    """Or the place among those that fit, from 0."""

    @model_validator(mode="after")
    def _file_has_format(self) -> Resource:
        """A file's reader follows from its format, so the definition says it."""
        if self.access == "file" and self.format is None:
            msg = "access: file needs `format`"
            raise ValueError(msg)
        return self


def resources(outer: payload.Envelope, _: Answer) -> list[dict[str, Any]]:
    """Return the resources of a package; DKAN wraps the package in a list."""
    result = payload.value(outer, "result")
    package = result[0] if isinstance(result, list) and result else result
    resources = package.get("resources") if isinstance(package, dict) else None
    if not isinstance(resources, list):
        raise ProviderError("package_show names no resources")
    return [item for item in resources if isinstance(item, dict)]


def choose(offered: list[dict[str, Any]], wanted: Resource, package: str) -> dict[str, Any]:
    """Return the one resource that fits; raises if none or several do."""
    fitting = [item for item in offered if _fits(item, wanted)]
    if len(fitting) <= (wanted.position or 0):
        formats = ", ".join(_format(item)[:20] or "?" for item in offered[:20]) or "none"
        raise ProviderError(
            f"package {package} has no such resource (offered: {formats})",
            next_step="compare fetch.resource with the catalog's page; was it replaced?",
        )
    if len(fitting) > 1 and wanted.position is None:
        raise ConfigurationError(
            f"{len(fitting)} resources of package {package} fit",
            next_step="say which one by fetch.resource.format, .name or .position",
        )
    return fitting[wanted.position or 0]


def _fits(resource: dict[str, Any], wanted: Resource) -> bool:
    """Say whether a resource is one of those wanted; a catalog that has no datastore is silent."""
    return (
        (wanted.format is None or _format(resource) == wanted.format)
        and (wanted.name is None or str(resource.get("name", "")).strip() == wanted.name)
        and (wanted.access == "file" or resource.get("datastore_active") in (True, None))
    )


def _format(resource: dict[str, Any]) -> str:
    """Return a resource's format as definitions write it; catalogs write it in many ways."""
    return str(resource.get("format") or "").strip(" .").upper()
