"""JSON files -> ``stg.main.tho``: the array of a file, or the one that an object holds.

Data flow: the records' own bytes, split off without decoding them (``sources.payload``) -> a copy
with one record a line (``sources.ndjson``) -> ``ndjson``, which makes text of their fields:
nested values stay JSON text, numbers keep their digits.

Run it alone: ``pytest tests/warehouse/readers/test_json.py``.

What does not belong here: pages of an API (landed as ``ndjson``), flattening.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec

from hub.errors import ProviderError
from sources import payload
from sources.landing import LandedFile
from sources.ndjson import lines
from warehouse.readers.ndjson import Page, names_in, read_pages
from warehouse.readers.nested import NestedOptions
from warehouse.readers.options import checked


class Options(NestedOptions):
    """Where the records are, and the list within each, if that is what is wanted."""

    records: str | None = None
    """Dotted path of the array (``data.items``); the file is the array, if none is given."""


def read(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Fill ``stg.main.tho``.

    Raises:
        ProviderError: A file is no JSON in UTF-8, or has no array of objects where it should be.
    """
    chosen = checked(Options, options)
    with TemporaryDirectory() as folder:
        pages = _pages(batch_path, files, chosen, Path(folder))
        read_pages(connection, pages, fields, chosen, where=str(batch_path))


def names(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    options: Mapping[str, Any],
) -> list[str]:
    """Return the fields that the records have; errors as :func:`read`."""
    chosen = checked(Options, options)
    with TemporaryDirectory() as folder:
        pages = _pages(batch_path, files, chosen, Path(folder))
        return names_in(connection, pages, chosen, where=str(batch_path))


def _pages(
    batch_path: Path, files: Sequence[LandedFile], options: Options, folder: Path
) -> list[Page]:
    """Return a copy of each file with one record a line."""
    pages = []
    for number, file in enumerate(files):
        copy = folder / f"{number}.ndjson"
        try:
            records = _records((batch_path / file.name).read_bytes(), options.records)
            copy.write_bytes(lines(records))
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None
        pages.append(Page(copy, file.name, len(records)))
    return pages


def _records(data: bytes, path: str | None) -> list[msgspec.Raw]:
    """Return the raw records of a file."""
    if path is not None:
        return payload.records(payload.envelope(data), path)
    if data.removeprefix(payload.BOM).lstrip().startswith(b"{"):
        raise ProviderError(
            "an object instead of an array of records",
            next_step="set reader.records to the path of the array in it",
        )
    return payload.array(data)
