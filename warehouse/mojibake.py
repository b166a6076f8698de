"""Repairs text that was UTF-8 once and was read as something else (``Huyß╗çn``, ``Tá»‰nh``).

Data flow: ``stg.main.tho`` -> per text column the distinct strings that look wrong (a cheap filter
in DuckDB) -> decoded here, each once -> joined back with an ``UPDATE``; which cells were mended is
kept in ``stg.main.mojibake`` (``_row``, ``column``), so that they can be flagged.

A string is only changed if its bytes in a wrong encoding are UTF-8 from end to end (all of it, or
word by word), which no word is by chance, or if ftfy knows better; and only if nothing is left in
it that looks wrong.

Run it alone: ``python -m warehouse.mojibake 'Huyß╗çn Quß║ún Bß║í'`` prints what it reads.

What does not belong here: any other cleaning (``normalise``), files in other encodings
(``readers``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import duckdb
import ftfy.bad_codecs
import ftfy.badness

_SEEN_437 = r"[\x{2500}-\x{259f}]"
"""Box-drawing characters: what DOS shows for most bytes of Vietnamese letters."""
_LEAD = "[ÃÂÄÅÆáâÐ]"
_NEXT = r"[\x{80}-\x{bf}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_SUSPICIOUS = f"{_SEEN_437}|{_LEAD}{_NEXT}"
_WRONG = ("cp437", "sloppy-windows-1252", "latin-1")
_BOXES = re.compile(r"[\u2500-\u259f]")
_TWICE = 2

ftfy.bad_codecs.ok()


def suspect(cell: str) -> str:
    """Return SQL that is true where a text looks misread; it may suspect a sound one."""
    # Most cells are plain ASCII: comparing the two lengths is cheaper than a pattern.
    return (
        f"CASE WHEN strlen({cell}) <> length({cell}) "
        f"THEN regexp_matches({cell}, '{_SUSPICIOUS}') ELSE FALSE END"
    )


def repair(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> dict[str, int]:
    """Mend the text columns of a raw table.

    Args:
        connection: Has the staging file attached as ``stg``.
        table: The raw table, with ``_row``.
        columns: Its columns that hold text.

    Returns:
        Column -> cells mended, for the columns in which there were any.
    """
    connection.execute('CREATE OR REPLACE TABLE stg.main.mojibake (_row BIGINT, "column" VARCHAR)')
    counts: dict[str, int] = {}
    for column in columns:
        found = connection.execute(
            f'SELECT DISTINCT "{column}" FROM {table} WHERE ' + suspect(f'"{column}"')
        ).fetchall()
        mended = [(text, better) for (text,) in found if (better := mend(text)) != text]
        if mended:
            counts[column] = _write_back(connection, table, column, mended)
    return counts


def mend(text: str) -> str:
    """Return the text as it was meant, or as it is if that cannot be told."""
    better = text
    for _ in range(_TWICE):
        better = _once(better)
    sound = not ftfy.badness.is_bad(better) and not _BOXES.search(better)
    return better if sound else text


def _once(text: str) -> str:
    """Undo one misreading: of all, else of words, else of what ftfy recognises."""
    better = _decoded(text)
    if better == text:
        # Only a part was misread, as where two files were put together.
        better = " ".join(_decoded(word) for word in text.split(" "))
    return ftfy.fix_encoding(text) if better == text else better


def _decoded(text: str) -> str:
    """Return what the text's bytes say as UTF-8, if they are UTF-8 from end to end."""
    for encoding in _WRONG:
        try:
            better = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if better != text:
            return better
    return text


def _write_back(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    mended: Sequence[tuple[str, str]],
) -> int:
    """Replace the strings in the table and note in which rows; returns how many cells."""
    connection.execute(
        "CREATE OR REPLACE TABLE stg.main.mojibake_pairs AS "
        "SELECT unnest($bad::VARCHAR[]) AS bad, unnest($good::VARCHAR[]) AS good",
        {"bad": [bad for bad, _ in mended], "good": [good for _, good in mended]},
    )
    pairs = "stg.main.mojibake_pairs"
    connection.execute(
        f"""INSERT INTO stg.main.mojibake
        SELECT _row, ? FROM {table} WHERE "{column}" IN (SELECT bad FROM {pairs})""",
        [column],
    )
    changed = connection.execute(
        f'UPDATE {table} SET "{column}" = p.good FROM {pairs} p WHERE "{column}" = p.bad'
    ).fetchone()
    return int(changed[0]) if changed else 0


def main() -> None:
    """Print what the argument was meant to be."""
    sys.stdout.write(f"{mend(sys.argv[1])}\n")


if __name__ == "__main__":
    main()
