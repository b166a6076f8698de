"""XML files of records -> ``stg.main.tho``: one row per element of a name, in constant memory.

Data flow: libxml2 reads the file piece by piece, hardened as in ``edxml`` (no DTD, no entities, no
network, no recovery) -> each record's element, by local name, since prefixes and namespaces
differ -> its fields -> rows; the element is then forgotten. A file that breaks off is an error,
whatever was read before: half a table must not pass for a whole one.

A field is a path of local names below the record (``Ten``, ``DiaChi/Xa``), may end in an
attribute (``@ma``, ``DiaChi/@ma``), and is ``.`` for the record's own text. An element that
stands there several times gives its texts joined by ``;``. Text comes with all that is inside.

Run it alone: ``python -m warehouse.readers.xml data.xml HoSo`` counts the records.

What does not belong here: edXML; several kinds of record in one file (define a dataset of each).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import duckdb
from lxml import etree
from pydantic import Field

from hub.errors import HubError, ProviderError
from sources.landing import LandedFile
from sources.safe_xml import HARDENED
from sources.spec import Strict
from warehouse.readers.options import Record, checked, store

_AGAIN = "ask the provider to write the file again"
Cells = dict[str, str | None]


class Options(Strict):
    """What a record is."""

    record: Annotated[str, Field(pattern=r"^[^\s/@{}:*]+$")]
    """Local name of its element."""


def read(
    connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    fields: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Fill ``stg.main.tho``.

    Raises:
        ProviderError: A file is no sound XML, has a DTD, or has elements but no record.
    """
    chosen = checked(Options, options)
    paths = {field: field.split("/") for field in fields}
    store(connection, fields, _rows(batch_path, files, paths, chosen))


def names(
    _connection: duckdb.DuckDBPyConnection,
    batch_path: Path,
    files: Sequence[LandedFile],
    options: Mapping[str, Any],
) -> list[str]:
    """Return the path of every text and attribute that a record has; errors as :func:`read`."""
    chosen = checked(Options, options)
    found: dict[str, None] = {}
    for file in files:
        try:
            for _, element in elements(batch_path / file.name, chosen.record):
                found.update(dict.fromkeys(_paths(element, "")))
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None
    return list(found)


def _paths(element: etree._Element, below: str) -> Iterator[str]:
    """Yield the paths of an element's attributes and of the elements in it that hold no other."""
    for key in element.attrib:
        yield f"{below}@{str(key).rpartition('}')[2]}"
    children = list(element.iterchildren("*"))  # no comments
    if not children:
        yield below.removesuffix("/") or "."
    for child in children:
        yield from _paths(child, f"{below}{_local(child)}/")


def _rows(
    batch_path: Path,
    files: Sequence[LandedFile],
    paths: Mapping[str, list[str]],
    options: Options,
) -> Iterator[Record]:
    for file in files:
        try:
            for line, element in elements(batch_path / file.name, options.record):
                yield file.name, line, {name: _field(element, path) for name, path in paths.items()}
        except ProviderError as error:
            raise error.at(f"{batch_path.name}/{file.name}") from None


def elements(path: Path, name: str) -> Iterator[tuple[int, etree._Element]]:
    """Yield number (from 1) and element of each record; the element is emptied afterwards.

    Raises:
        ProviderError: As :func:`read`.
    """
    with path.open("rb") as file:
        events = etree.iterparse(file, events=("start", "end"), **HARDENED)
        try:
            yield from _records(events, name)
        except etree.XMLSyntaxError as error:
            # Only code and line: libxml2's sentences may quote the file.
            code = getattr(error, "code", 0)
            raise ProviderError(
                f"the XML is not well-formed (error {code}, line {error.lineno})", next_step=_AGAIN
            ) from None
        except (ValueError, LookupError, OSError):
            raise ProviderError("the XML's encoding cannot be read", next_step=_AGAIN) from None


def _records(
    events: etree.iterparse[tuple[str, etree._Element]], name: str
) -> Iterator[tuple[int, etree._Element]]:
    """Walk through the file; what is done with is cut off the tree."""
    count = depth = inside = 0
    others: dict[str, None] = {}
    for event, element in events:
        local = _local(element)
        if event == "start":
            if not depth and element.getroottree().docinfo.internalDTD is not None:
                raise ProviderError("the XML has a DOCTYPE, which is not read", next_step=_AGAIN)
            depth += 1
            if inside and local == name:
                raise ProviderError(
                    f"a {name} stands within a {name}", next_step="name another element as record"
                )
            inside = inside or (depth if local == name else 0)
            continue
        if inside == depth:
            count += 1
            yield count, element
            inside = 0
        if not inside:
            if len(others) < 10:  # noqa: PLR2004 - enough for a message
                others[local] = None
            _forget(element)
        depth -= 1
    if not count and len(others) > 1:
        raise ProviderError(
            f"the XML has no element {name} (it has {', '.join(tag[:40] for tag in others)})",
            next_step="compare reader.record of the definition with the file",
        )


def _forget(element: etree._Element) -> None:
    """Empty an element and drop what stands before it."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def _field(record: etree._Element, path: Sequence[str]) -> str | None:
    """Return what stands at a path below a record, None if there is no such element."""
    found = [record]
    for step in path[:-1]:
        found = [child for element in found for child in element if _local(child) == step]
    last = path[-1]
    if last.startswith("@"):
        texts = [
            value
            for element in found
            for key, value in element.attrib.items()
            if str(key).rpartition("}")[2] == last[1:]
        ]
    elif last == ".":
        texts = [_text(element) for element in found]
    else:
        texts = [_text(child) for element in found for child in element if _local(child) == last]
    return ";".join(str(text) for text in texts) if texts else None


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def main() -> int:
    """Count the records of a file."""
    try:
        count = sum(1 for _ in elements(Path(sys.argv[1]), sys.argv[2]))
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{count}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
