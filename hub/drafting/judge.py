"""What a column is, from its name and what was counted in its cells.

Data flow: :class:`~hub.drafting.profile.Profile` -> candidates of type and form -> the first
that the hub's own normaliser can read nearly all cells as -> :class:`Judged`, with a sentence
for each thing that a person should look at.

Run it alone: ``pytest tests/hub/drafting``.

What does not belong here: keys, rules over values (``keys``, ``draft``), YAML (``write``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import duckdb

from checks.contract import Column
from hub.drafting import names
from hub.drafting.known import NEARLY, Known, recognised
from hub.drafting.profile import BARE, Profile, as_column, count_typed, date_value
from sources.spec import ColumnSpec

_LONG = 6
"""Words of a cell, on average, from which it is free text that may tell anything."""
_MOST_DECIMALS = 9
_STATED = {name: rank for rank, name in enumerate(("none", "basic", "sensitive"))}


@dataclass(frozen=True)
class Judged:
    """One column of the draft."""

    column: Column
    spec: ColumnSpec
    profile: Profile
    read: int
    """Cells that are read as the type."""
    known: Known | None = None
    notes: tuple[str, ...] = field(default=())
    """English sentences, for the comments."""

    @property
    def is_personal(self) -> bool:
        """Whether nothing of its cells may be shown."""
        return self.column.classification != "none"


def judge(
    connection: duckdb.DuckDBPyConnection,
    seen: Profile,
    source: str,
    vocabulary: Column | None,
    *,
    by_people: bool,
) -> Judged:
    """Return what a column is.

    Args:
        connection: Has ``stg.main.sach``.
        seen: What was counted.
        source: The source's field.
        vocabulary: A column of that name in another contract: its label and class are kept.
        by_people: The file was written by people (CSV, workbook), so that a dot parts thousands.
    """
    known = recognised(seen.filled, seen.fits)
    notes: list[str] = []
    if known is not None:
        notes.append(f"looks like {known.what}")
        chosen, read = _candidate(seen, "VARCHAR", known.form), seen.filled
    else:
        candidates = _candidates(connection, seen, by_people=by_people)
        read_by = count_typed(connection, seen.column, candidates)
        enough = max(1, NEARLY * seen.filled)
        (chosen, read), *_ = [
            *(found for found in zip(candidates, read_by, strict=True) if found[1] >= enough),
            (_text(seen), seen.filled),
        ]
        notes += _doubts(seen, chosen[0])
    column, spec = chosen
    unread = seen.filled - read
    if unread:
        notes.append(f"{unread} of {seen.filled} cells cannot be read so: their rows are refused")
    kind, why = _personal(seen, known, vocabulary)
    if kind != "none":
        notes.append(f"personal data by {why}: confirm the class")
    label = vocabulary.label if vocabulary else _label(source, seen.column)
    column = replace(
        column, name=seen.column, label=label, classification=kind,
        description=f"Trường {source} của nguồn (field {source} of the source)",
    )  # fmt: skip
    spec = spec.model_copy(update={"source": source})
    return Judged(column, spec, seen, read, known, tuple(notes))


def _candidates(
    connection: duckdb.DuckDBPyConnection, seen: Profile, *, by_people: bool
) -> list[tuple[Column, ColumnSpec]]:
    """Return what the column may be, the likeliest first; text is what remains."""
    if not seen.filled:
        return []
    enough = NEARLY * seen.filled
    count = seen.counts
    found = []
    if count["json"] >= enough:
        found.append(_candidate(seen, "JSON", "json"))
    flags = count["word_flag"] + (count["digit_flag"] if names.is_flag(seen.column) else 0)
    if flags >= enough:
        found.append(_candidate(seen, "BOOLEAN", "dung_sai"))
    listed = names.is_list(seen.column) and count["short_digits"] == seen.filled
    if names.is_code(seen.column) or listed:
        return found
    found += _moments(connection, seen)
    if count["number"] + count["point"] >= enough and not (count["leading_zero"] or count["long"]):
        found += _numbers(seen, by_people=by_people)
    elif count["worded"] >= enough and not count["leading_zero"]:
        found.append(_candidate(seen, _fraction(seen), "so_kem_chu"))
    return found


def _moments(
    connection: duckdb.DuckDBPyConnection, seen: Profile
) -> list[tuple[Column, ColumnSpec]]:
    """Return the column as dates or times, if its cells or its name say so."""
    dated = names.is_date(seen.column)
    usable = {form: n for form, n in seen.dates.items() if n and (dated or form not in BARE)}
    if not usable:
        return []
    first = max(usable, key=lambda form: (usable[form], form not in BARE))
    ordinary = date_value(first, "c")
    rest = [form for form in usable if form != first]
    adds = ", ".join(
        f"count(*) FILTER ({ordinary} IS NULL AND {date_value(form, 'c')} IS NOT NULL)"
        for form in rest
    )
    timed = " + ".join(
        f"count(*) FILTER (date_trunc('day', {value}) <> {value})"
        for value in (date_value(form, "c") for form in usable)
    )
    found = connection.execute(
        f"SELECT {timed}{', ' + adds if adds else ''} "
        f"FROM (SELECT {seen.column} AS c FROM stg.main.sach)"
    ).fetchone()
    clock, *more = (int(value) for value in found or ())
    forms = (first, *(form for form, added in zip(rest, more, strict=True) if added))
    return [
        _candidate(seen, "TIMESTAMP", "thoi_diem", forms)
        if clock
        else _candidate(seen, "DATE", "ngay", forms)
    ]


def _numbers(seen: Profile, *, by_people: bool) -> list[tuple[Column, ColumnSpec]]:
    """Return the column as numbers: Vietnamese or machine writing, whole or not."""
    count = seen.counts
    fraction = _fraction(seen)
    vietnamese = [_candidate(seen, fraction, "so_thap_phan")]
    machine = [_candidate(seen, fraction, "so_may")]
    whole = "so_nguyen" if by_people or count["grouped"] or count["english"] else "so_may"
    integers = [_candidate(seen, "BIGINT", whole)]
    if not count["decimals"]:
        return [*integers, *machine]
    if count["english"]:
        return [*integers, *machine]
    if count["sure_point"] > count["sure_comma"]:
        return [*machine, *vietnamese]
    if count["comma"]:
        return [*vietnamese, *machine]
    return [*integers, *vietnamese, *machine]


def _fraction(seen: Profile) -> str:
    """Return a type with room for the decimals that were seen."""
    scale = max(2, seen.counts["decimals"])
    return f"DECIMAL(18,{scale})" if scale <= _MOST_DECIMALS else "DOUBLE"


def _text(seen: Profile) -> tuple[Column, ColumnSpec]:
    """Return the column as text: an identifier by its name or its look, else free text."""
    count = seen.counts
    plain = seen.filled > 0 and count["printable"] == seen.filled
    code = names.is_code(seen.column) or count["coded"] >= max(1, NEARLY * seen.filled)
    return _candidate(seen, "VARCHAR", "ma" if plain and code else "van_ban")


def _candidate(
    seen: Profile, sql_type: str, form: str, dates: tuple[str, ...] = ()
) -> tuple[Column, ColumnSpec]:
    dates = () if dates == ("iso",) else dates
    return as_column(seen.column, sql_type, form), ColumnSpec(source=seen.column, dates=dates)


def _doubts(seen: Profile, chosen: Column) -> list[str]:
    """Say what a person should look at."""
    count, notes = seen.counts, []
    if not seen.filled:
        return ["empty in every row of the sample: its type is not known"]
    if chosen.form == "json" and count["list"]:
        notes.append("a list: `reader.explode` makes a table of it (docs/sources.md)")
    if chosen.form == "so_kem_chu":
        notes.append("numbers among words: map the field again, form muc_so (gần) and don_vi_so")
    if chosen.form == "so_nguyen" and count["grouped"]:
        notes.append("a dot parts thousands: 1.837 is read as 1837")
    if chosen.form == "so_thap_phan" and not count["sure_comma"] and count["comma"]:
        notes.append("a comma before three digits is read as a decimal sign: 1,837 is 1.837")
    if chosen.form in {"so_thap_phan", "so_may"} and count["decimals"]:
        notes.append(f"{count['decimals']} decimals at most; more would be rounded")
    if count["percent"]:
        notes.append(f"{count['percent']} cells have a % sign, which is left out")
    if chosen.is_text and count["leading_zero"]:
        notes.append(f"text, since {count['leading_zero']} cells begin with 0")
    if chosen.form == "van_ban" and count["words"] >= _LONG:
        notes.append("free text: may name a person")
    return notes


def _personal(
    seen: Profile, known: Known | None, vocabulary: Column | None
) -> tuple[names.Personal, str]:
    """Return the class of personal data, the strictest that anything suggests, and what did."""
    inner: names.Personal = max(
        (names.personal(names.column_of(name)) for name in seen.inner),
        key=_STATED.__getitem__, default="none",
    )  # fmt: skip
    found: list[tuple[names.Personal, str]] = [
        (names.personal(seen.column), "its name"),
        (known.personal if known else "none", "its cells"),
        (vocabulary.classification if vocabulary else "none", "another contract"),
        (inner, "a name within it"),
    ]
    return max(found, key=lambda item: _STATED[item[0]])


def _label(source: str, column: str) -> str:
    """Return a label: the source's own words if a person wrote them, else the column's."""
    spoken = " " in source or not source.isascii()
    text = source if spoken else column.replace("_", " ")
    return text[:1].upper() + text[1:]
