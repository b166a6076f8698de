"""Puts off importing what a library imports and this project never uses, until it is used.

Data flow: names of modules -> while :func:`put_off` holds, the first import of each makes an empty
module that is filled when somebody asks for an attribute (``importlib.util.LazyLoader``).

Great Expectations imports altair and scipy.stats for one expectation, on the divergence of
distributions, which no contract names: a third of the 3 to 5 s that its import takes, and 79 MB.

Run it alone: ``pytest tests/checks/test_lazy_imports.py``.

What does not belong here: replacing modules by others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

OF_GREAT_EXPECTATIONS = ("altair", "scipy.stats")


class _Finder:
    """Finds a few modules as Python does, and has them loaded lazily."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of a module to be put off; None leaves it to others."""
        spec = PathFinder.find_spec(name, path, target) if name in self.names else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextmanager
def put_off(names: Sequence[str] = OF_GREAT_EXPECTATIONS) -> Iterator[None]:
    """Have modules that are imported within, and were not before, loaded when they are used."""
    finder = _Finder(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
