"""A folder of landed files and a connection with a staging file, for the readers' tests."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hub.errors import HubError
from sources.landing import LandedFile, Media
from warehouse.readers import tcvn3
from warehouse.readers.batch import reader_of


@dataclass
class Batch:
    """What a pull would have landed."""

    path: Path
    connection: duckdb.DuckDBPyConnection
    files: list[LandedFile] = field(default_factory=list)
    landed: int = 0
    """Files so far: a name is never used twice, since DuckDB keeps what it has read of a file."""

    def land(
        self,
        data: bytes,
        media: Media,
        *,
        rows: int | None = None,
        note: dict[str, str] | None = None,
    ) -> None:
        """Add a file."""
        name = f"files/{self.landed:05}.{media}"
        self.landed += 1
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.files.append(
            LandedFile(name, media, len(data), digest, rows, "https://x", note=note or {})
        )

    def read(
        self, fields: Sequence[str], options: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Read all files; returns the rows of the raw table in order."""
        reader = reader_of(self.files[0].media)
        reader.read(self.connection, self.path, self.files, list(fields), options or {})
        found = self.connection.execute("SELECT * FROM stg.main.tho ORDER BY _row")
        names = [column[0] for column in found.description or []]
        assert names == ["_row", "_file", "_line", *fields]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        assert [row["_row"] for row in rows] == list(range(1, len(rows) + 1))
        return rows

    def outcome(self, fields: Sequence[str], options: Mapping[str, Any] | None = None) -> str:
        """Read; returns `rows`, or the next step that the error tells."""
        try:
            self.read(fields, options)
        except HubError as error:
            return error.next_step
        return "rows"

    def again(self, data: bytes, media: Media, **facts: Any) -> Batch:
        """Forget the files and land another; for tests that try many."""
        self.files.clear()
        self.land(data, media, **facts)
        return self


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Batch]:
    """Return an empty batch folder."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'stg.duckdb'}' AS stg")
        folder = tmp_path / "batch"
        folder.mkdir()
        yield Batch(folder, connection)


def written(text: str, encoding: str) -> bytes:
    """Write text; what the encoding lacks becomes lower case, as a font of capitals had it."""
    if encoding == "windows-1258":
        return b"".join(_in_parts(letter) for letter in unicodedata.normalize("NFC", text))
    codes = {sign: code for code, sign in enumerate(tcvn3.TABLES[encoding])}
    return bytes(codes.get(sign, codes.get(sign.lower(), 63)) for sign in text)


def _in_parts(letter: str) -> bytes:
    """Write a letter as windows-1258 does: the vowel with its hat, then the tone."""
    try:
        return letter.encode("cp1258")
    except UnicodeEncodeError:
        parts = unicodedata.normalize("NFD", letter)
        tone = next(part for part in parts[1:] if part in "\u0300\u0309\u0303\u0301\u0323")
        vowel = unicodedata.normalize("NFC", parts.replace(tone, ""))
        return (vowel + tone).encode("cp1258")
