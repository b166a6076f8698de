"""The suppression list: keyed hashes of erased persons, so that the next pull brings none back.

Data flow: ``hub erase`` -> :meth:`Suppression.add` -> ``list.json`` beside ``key``, in a folder
outside the data folder -> on every load of a contract with personal columns :func:`take_out` drops
the staged rows that match, before anything is marked, quarantined or compared. The list says
nothing without the key; the key says nothing without the list; neither is in a backup.

HMAC-SHA-256 (RFC 2104) is written in SQL from DuckDB's ``sha256`` and the two padded keys, so that
a million rows are matched in bulk; a test holds it against :mod:`hmac`.

Run it alone: ``pytest tests/hub/test_erase.py``.

What does not belong here: removing what is stored already (``erasure``, ``erasure_files``).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from checks.contract import Contract
from hub.errors import ConfigurationError
from sources.disk import write_private, writing
from sources.landing import LandedBatch
from warehouse.erasure_files import clean_batch
from warehouse.person import FLAT, Person, matches_sql
from warehouse.readers.batch import copy_table

_BLOCK = 64
_PRIVATE_FOLDER = 0o700


@dataclass(frozen=True)
class Suppression:
    """The list and its key, in one folder."""

    folder: Path

    @property
    def _list(self) -> Path:
        return self.folder / "list.json"

    def hashes(self) -> frozenset[str]:
        """Return the hashes; none if nobody was ever erased.

        Raises:
            ConfigurationError: There is a list that cannot be read, or it has no key.
        """
        try:
            found = msgspec.json.decode(self._list.read_bytes(), type=list[str])
        except FileNotFoundError:
            return frozenset()
        except (OSError, msgspec.MsgspecError) as error:
            raise self._unusable(type(error).__name__) from None
        if not (self.folder / "key").is_file():
            raise self._unusable("its key is missing")
        return frozenset(found)

    def key(self) -> bytes:
        """Return the key; it is made when it is first asked for."""
        path = self.folder / "key"
        if not path.exists():
            with writing(path):
                self.folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
                write_private(path, secrets.token_bytes(32))
        return path.read_bytes()

    def add(self, person: Person) -> None:
        """Keep a person away from now on."""
        key = self.key()
        texts = [*person.numbers, *(f"{name}|{born}" for name, born in person.pairs)]
        made = {hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in texts}
        with writing(self._list):
            write_private(self._list, msgspec.json.encode(sorted(made | self.hashes())))

    def _unusable(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            f"the suppression list cannot be used: {why}",
            where=str(self.folder),
            next_step="bring back key and list; without them erased persons would return",
        )


def personal(contract: Contract) -> list[str]:
    """Return the columns that the contract classifies as personal."""
    return [column.name for column in contract.columns if column.classification != "none"]


def hash_sql(key: bytes, text: str) -> str:
    """Return SQL of the HMAC of a text, in hexadecimal."""
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = bytes(byte ^ 0x36 for byte in padded).hex()
    outer = bytes(byte ^ 0x5C for byte in padded).hex()
    first = f"unhex(sha256(unhex('{inner}') || encode({text})))"
    return f"sha256(unhex('{outer}') || {first})"


def found_in(
    connection: duckdb.DuckDBPyConnection,
    suppression: Suppression,
    table: str,
    columns: Sequence[str],
) -> Person | None:
    """Return the suppressed persons that a table holds, by the values that it has of them.

    Args:
        connection: Has the table's database attached.
        suppression: The list.
        table: Name for SQL.
        columns: Those that may hold personal values.
    """
    hashes = suppression.hashes()
    if not hashes or not columns:
        return None
    key = suppression.key()
    cells = ", ".join(FLAT.format(f'"{name}"') for name in columns)
    connection.execute("CREATE OR REPLACE TEMP TABLE _erased (hash VARCHAR)")
    connection.execute("INSERT INTO _erased SELECT unnest(?)", [sorted(hashes)])
    single = connection.execute(
        f"""SELECT cell FROM (SELECT DISTINCT unnest([{cells}]) AS cell FROM {table})
        WHERE length(cell) > 0 AND {hash_sql(key, "cell")} IN (SELECT hash FROM _erased)"""
    ).fetchall()
    pairs = connection.execute(
        f"""WITH rows AS (SELECT DISTINCT [{cells}] AS cells FROM {table}),
        pairs AS (SELECT DISTINCT name, left(born, 8) AS born FROM rows,
            unnest(cells) AS n(name), unnest(cells) AS b(born)
            WHERE regexp_matches(born, '^[0-9]{{8}}') AND NOT regexp_matches(name, '^[0-9]'))
        SELECT name, born FROM pairs
        WHERE {hash_sql(key, "name || '|' || born")} IN (SELECT hash FROM _erased)"""
    ).fetchall()
    connection.execute("DROP TABLE _erased")
    if not single and not pairs:
        return None
    return Person(frozenset(cell for (cell,) in single), frozenset(pairs))


def take_out(
    connection: duckdb.DuckDBPyConnection,
    suppression: Suppression,
    contract: Contract,
    batch: LandedBatch,
) -> int:
    """Take erased persons out of a staged batch, and out of the landed one it came from.

    Returns:
        How many staged rows went.
    """
    columns = personal(contract)
    person = found_in(connection, suppression, "stg.main.hang", columns)
    if person is None:
        return 0
    gone = f"SELECT _row FROM stg.main.hang WHERE {matches_sql(person, columns)}"
    counted = connection.execute(f"SELECT count(*) FROM ({gone})").fetchone()
    for name in ("tho", "hang"):
        copy_table(connection, name)  # `tho` may read the pages that are written anew below
    connection.execute(f"DELETE FROM stg.main.tho WHERE _row IN ({gone})")
    connection.execute(f"DELETE FROM stg.main.hang WHERE {matches_sql(person, columns)}")
    clean_batch(batch, person)
    return int(counted[0]) if counted else 0
