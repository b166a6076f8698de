"""Put drafted columns into the ``defs.yaml`` that has none, leaving every other byte as it is.

Data flow: the file's text -> PyYAML's nodes, which know where they stand -> the dataset's
``columns: {}`` -> the drafted lines in its place.

Run it alone: ``hub contract draft PROVINCE/SYSTEM/DATASET --output FILE --fill``.

What does not belong here: columns that somebody has written: those are never touched.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import yaml

from hub.errors import ConfigurationError


def fill(path: Path, dataset: str, columns: str) -> None:
    """Write the columns of a dataset into its definition.

    Args:
        path: The ``defs.yaml``.
        dataset: Name of the dataset in it.
        columns: ``columns:`` and what is below it, as ``write.columns_text`` has it.

    Raises:
        ConfigurationError: The dataset does not say ``columns: {}``, or the file cannot be written.
    """
    text = path.read_text(encoding="utf-8")
    found = _columns(yaml.compose(text, Loader=yaml.SafeLoader), dataset)
    if found is None:
        raise ConfigurationError(
            f"dataset {dataset} does not say `columns: {{}}`, so nothing was put in its place",
            where=str(path),
            next_step="leave out --fill and compare the columns yourself",
        )
    key, value = found
    begin = value.start_mark.index
    end = text.find("\n", value.end_mark.index)
    inner = textwrap.dedent(columns.partition("\n")[2].rstrip("\n"))
    lines = textwrap.indent(inner, " " * (key.start_mark.column + 2))
    rest = text[end:] if end >= 0 else "\n"
    try:
        path.write_text(f"{text[:begin].rstrip()}\n{lines}{rest}", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"the file cannot be written: {error.strerror}",
            where=str(path),
            next_step="leave out --fill and put the columns there yourself",
        ) from None


def _columns(root: yaml.Node | None, dataset: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return key and value of a dataset's empty ``columns``."""
    datasets = _below(_below(root, "attributes"), "datasets")
    items = datasets[1].value if datasets and isinstance(datasets[1], yaml.SequenceNode) else []
    for item in items:
        name = _below((item, item), "name")
        found = _below((item, item), "columns")
        if name and name[1].value == dataset and found:
            empty = isinstance(found[1], yaml.MappingNode) and not found[1].value
            return found if empty else None
    return None


def _below(
    node: yaml.Node | tuple[yaml.Node, yaml.Node] | None, name: str
) -> tuple[yaml.Node, yaml.Node] | None:
    """Return key and value of an entry of a mapping."""
    mapping = node[1] if isinstance(node, tuple) else node
    entries = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    return next(((key, value) for key, value in entries if key.value == name), None)
