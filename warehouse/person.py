"""Who is to be erased: identifiers in every way a source may write them, matched in SQL and Python.

Data flow: what the officer was given (a number, or a name and a birth date) -> :class:`Person`:
the texts to look for, all in one form (letters and digits only, small, NFC) -> :func:`matches_sql`
for columns of a table, :meth:`Person.is_in` for a record of a landed file, :meth:`Person.bytes_of`
for a search of bytes.

A number is looked for as it is, without the zeros that spreadsheets drop, and a phone with its
country code. A name counts only together with the birth date, since many share it.

Run it alone: ``pytest tests/hub/test_erase.py``.

What does not belong here: removing anything; personal values in any text that is shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from hub.errors import ConfigurationError
from warehouse.lake import quote

SHORTEST = 8
"""Letters and digits of the shortest identifier: shorter ones would be found in anything."""


@dataclass(frozen=True)
class Person:
    """The texts that mean a person."""

    numbers: frozenset[str]
    """Each alone is enough."""
    pairs: frozenset[tuple[str, str]]
    """Name and birth date, both in one record."""

    @classmethod
    def of(cls, identifiers: Iterable[str], named: Iterable[tuple[str, date]] = ()) -> Person:
        """Return the person of some identifiers.

        Raises:
            ConfigurationError: There is none, or one is too short to mean anybody.
        """
        numbers: set[str] = set()
        for identifier in identifiers:
            plain = flat(identifier)
            if len(plain) < SHORTEST:
                raise ConfigurationError(
                    f"an identifier has fewer than {SHORTEST} letters and digits",
                    next_step="give a whole number, or --name with --born",
                )
            numbers |= variants(plain)
        pairs = {(flat(name), born) for name, day in named for born in births(day)}
        if not numbers and not pairs:
            raise ConfigurationError(
                "nobody is named", next_step="give --id, or --name with --born"
            )
        return cls(frozenset(numbers), frozenset(pairs))

    def is_in(self, cells: Iterable[object]) -> bool:
        """Whether a record with these cells is about the person."""
        texts = {flat(str(cell)) for cell in cells if cell is not None}
        if texts & self.numbers:
            return True
        return any(
            name in texts and any(text.startswith(born) for text in texts)
            for name, born in self.pairs
        )

    def bytes_of(self) -> list[bytes]:
        """Return what to look for in bytes; names are left to :meth:`is_in`."""
        return sorted(number.encode() for number in self.numbers)


def flat(text: str) -> str:
    """Return a text's letters and digits, small, composed; :data:`FLAT` is the same in SQL."""
    return re.sub(r"[^\w]|_", "", unicodedata.normalize("NFC", text).lower())


FLAT = "regexp_replace(lower(nfc_normalize({0}::VARCHAR)), '[^\\p{{L}}\\p{{N}}]', '', 'g')"


def variants(number: str) -> set[str]:
    """Return a flat identifier as sources write it."""
    found = {number}
    if number.isdigit() and number.startswith("0"):
        found.add(number.lstrip("0"))
        if len(number) in {10, 11}:
            found.add(f"84{number[1:]}")
    return {one for one in found if len(one) >= SHORTEST}


def births(day: date) -> set[str]:
    """Return a birth date as flat text: year first, day first."""
    return {f"{day:%Y%m%d}", f"{day:%d%m%Y}"}


def matches_sql(person: Person, columns: Sequence[str]) -> str:
    """Return SQL that is TRUE for a row about the person, never NULL.

    Args:
        person: Whom to look for.
        columns: SQL of the cells that may hold personal values.
    """
    if not columns:
        return "false"
    return matches_list_sql(person, f"[{', '.join(FLAT.format(column) for column in columns)}]")


def matches_list_sql(person: Person, cells: str) -> str:
    """Return the same for SQL of a list of flat texts."""
    parts = []
    if person.numbers:
        listed = ", ".join(f"'{quote(number)}'" for number in sorted(person.numbers))
        parts.append(f"list_has_any({cells}, [{listed}])")
    for name, born in sorted(person.pairs):
        starts = f"len(list_filter({cells}, lambda c: starts_with(c, '{quote(born)}'))) > 0"
        parts.append(f"(list_contains({cells}, '{quote(name)}') AND {starts})")
    return f"coalesce({' OR '.join(parts)}, false)"


def mentions_sql(person: Person, text: str) -> str:
    """Return SQL that is TRUE for a text in which the person is named somewhere, never NULL."""
    cell = FLAT.format(text)
    parts = [f"contains({cell}, '{quote(number)}')" for number in sorted(person.numbers)]
    parts += [
        f"(contains({cell}, '{quote(name)}') AND contains({cell}, '{quote(born)}'))"
        for name, born in sorted(person.pairs)
    ]
    return f"coalesce({' OR '.join(parts)}, false)"
