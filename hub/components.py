"""Component types: what ``type:`` in a ``defs.yaml`` may say.

Data flow: ``defs.yaml`` -> the validated model of ``sources.spec`` -> ``hub.source_assets``. The
component adds nothing but the door: the YAML language stays the source model and does not grow.

Run it alone: ``dg list components``, ``dg check yaml``.

What does not belong here: asset bodies, reading systems.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import BaseModel

from hub.catalog import Catalog, DerivedSpec, load_catalog
from hub.derived_assets import derived_definitions
from hub.scaffold import DerivedScaffolder, SystemScaffolder
from hub.settings import Settings
from hub.source_assets import system_definitions
from sources.kinds import check_spec
from sources.spec import SystemSpec


@lru_cache(maxsize=1)
def catalog(assets: Path) -> Catalog:
    """Load definitions and contracts once for a code location: 0.2 s of the second it has."""
    return load_catalog(assets)


@dg.scaffold_with(SystemScaffolder)
class SourceSystem(dg.Component):
    """A source system that the hub pulls from every night."""

    def __init__(self, spec: SystemSpec) -> None:
        """Keep the validated definition."""
        self.spec = spec

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Return the model that ``dg check yaml`` validates against."""
        return SystemSpec

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:  # noqa: ARG003 - Dagster's signature
        """Take the definition as Dagster has validated it; check the options of its kind."""
        if not isinstance(attributes, SystemSpec):
            msg = "SourceSystem needs attributes"
            raise dg.DagsterInvalidDefinitionError(msg)
        check_spec(attributes)
        return cls(attributes)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """Return the assets of this system."""
        return system_definitions(self.spec, catalog(Settings().assets_dir))


@dg.scaffold_with(DerivedScaffolder)
class DerivedTable(dg.Component):
    """A table computed by SQL from shared tables."""

    def __init__(self, spec: DerivedSpec) -> None:
        """Keep the validated definition."""
        self.spec = spec

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Return the model that ``dg check yaml`` validates against."""
        return DerivedSpec

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:  # noqa: ARG003 - Dagster's signature
        """Take the definition as Dagster has validated it."""
        if not isinstance(attributes, DerivedSpec):
            msg = "DerivedTable needs attributes"
            raise dg.DagsterInvalidDefinitionError(msg)
        return cls(attributes)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """Return the asset of this table."""
        return derived_definitions(self.spec, catalog(Settings().assets_dir))
