"""Headers and notes of tables that people made: shared by ``csv`` and ``xlsx``.

Data flow: the header's row or two rows -> :func:`joined` -> one name per column ->
:func:`places` -> where each wanted field stands. Names are compared without what differs from
file to file: blanks, line breaks, the form of letters, and the ``(*)`` that marks a column as
required. Columns without a name (spacers) and columns nobody wants do no harm.

Run it alone: ``pytest tests/warehouse/readers/test_headers.py``.

What does not belong here: reading a file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

from hub.errors import ProviderError
from sources.spec import Strict

JOINT = " / "
"""Between the upper and the lower name of a column under a two-row header."""

_REQUIRED = re.compile(r"\s*(?:\(\s*\*+\s*\)|\*+)\s*:?$")


class TableOptions(Strict):
    """Where the table stands among titles and notes."""

    header_rows: Literal[1, 2] = 1
    """With 2, the upper name carries to the right over the columns that have a lower one:
    ``Trước 01/7/2025 / Mã xã``."""
    key: str | None = None
    """Field that every row of the table has and no note has."""
    titles: bool = False
    """Rows within the table that have no key and one filled cell at most are titles of groups
    (``I. Huyện Bát Xát``) and are left out."""


def same(name: object) -> str:
    """Return a header's name without what differs from file to file: blanks, form of letters."""
    return " ".join(unicodedata.normalize("NFC", str(name).replace("\ufeff", "")).split())


def joined(rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the name of each column under a header of one or two rows.

    An upper cell above a blank is a cell merged downwards: it does not carry to the right.
    """
    if len(rows) == 1:
        return [same(cell) for cell in rows[0]]
    width = max((len(row) for row in rows), default=0)
    names, carried = [], ""
    for upper, lower in zip(*(_padded(row, width) for row in rows), strict=True):
        if upper:
            carried = upper if lower else ""
        parts = [carried, lower] if lower else [upper]
        names.append(JOINT.join(dict.fromkeys(filter(None, parts))))
    return names


def places(names: Sequence[str], fields: Sequence[str]) -> dict[str, int]:
    """Return each field's place among the names of a header.

    A name is the field's if they are equal, else if they are without ``(*)``, unless another
    field is equal to it.

    Raises:
        ProviderError: A field is missing, or stands there twice.
    """
    wanted = {field: same(field) for field in fields}
    exact = set(wanted.values())
    loose = [None if name in exact else _bare(name) for name in names]
    found: dict[str, list[int]] = {}
    for field, name in wanted.items():
        hits = [place for place, known in enumerate(names) if known == name]
        found[field] = hits or [place for place, known in enumerate(loose) if known == _bare(name)]
    missing = sorted(field for field, hits in found.items() if not hits)
    twice = sorted(field for field, hits in found.items() if len(hits) > 1)
    if missing or twice:
        raise _not_as_defined(names, found, missing, twice)
    return {field: hits[0] for field, hits in found.items()}


def shared(headers: Sequence[Sequence[str]]) -> list[str]:
    """Return the names that each of some headers has exactly once, in the first one's order."""
    first = headers[0] if headers else []
    return [name for name in first if name and all(list(h).count(name) == 1 for h in headers)]


def count_known(names: Sequence[str], fields: Sequence[str]) -> int:
    """Return how many of the fields a row of names has; for finding the header."""
    return len({_bare(same(field)) for field in fields} & {_bare(name) for name in names})


def _bare(name: str) -> str:
    return _REQUIRED.sub("", name)


def _padded(row: Sequence[object], width: int) -> list[str]:
    texts = ["" if cell is None else same(cell) for cell in row]
    return texts + [""] * (width - len(texts))


def _not_as_defined(
    names: Sequence[str], found: Mapping[str, list[int]], missing: list[str], twice: list[str]
) -> ProviderError:
    known = {place for hits in found.values() for place in hits}
    extra = [name[:40] for place, name in enumerate(names) if name and place not in known]
    return ProviderError(
        "the header is not as defined"
        + (f"; missing: {', '.join(missing)}" if missing else "")
        + (f"; twice: {', '.join(twice)}" if twice else "")
        + f"; not known: {', '.join(extra[:20]) or 'none'}",
        next_step="compare `columns` of the definition with the file; was a column renamed?",
    )
