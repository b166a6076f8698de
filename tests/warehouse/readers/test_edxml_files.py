"""Attachments of landed messages: the sound ones are kept beside landing, named by their rows."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import duckdb
import pytest

from sources.landing import LandedBatch, Landing, Position, Window
from tests.warehouse.readers.test_edxml import PDF, document, packed
from warehouse.attachment_store import Store
from warehouse.readers.batch import read_batch
from warehouse.readers.edxml import message
from warehouse.readers.unreadable import UnreadableError

DAMAGED = b"%PDF \xef\xbf\xbd\xef\xbf\xbd"


def landed(folder: Path, *messages: bytes) -> LandedBatch:
    """Land messages as a pull would."""
    with Landing(folder / "landing").open("tinh/truc", "van_ban", Position(), Window()) as batch:
        for body in messages:
            batch.file(body, suffix=".xml", media="edxml", url="https://x", rows=1)
        return batch.seal()


def read(batch: LandedBatch, folder: Path) -> list[tuple[str | None, ...]]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"ATTACH '{folder / 'stg.duckdb'}' AS stg")
        read_batch(connection, batch, ["attachment_sha256", "attachment_damaged"], {})
        return connection.execute(
            "SELECT attachment_sha256, attachment_damaged FROM stg.main.tho ORDER BY _row"
        ).fetchall()


def test_each_sound_file_is_kept_under_the_digest_of_its_row(tmp_path: Path) -> None:
    other = b"\x89PNG\r\n\x1a\n an invented picture"
    batch = landed(
        tmp_path, document(packed(("../../x", PDF)), other), document(PDF), document(DAMAGED)
    )
    rows = read(batch, tmp_path)
    assert [damaged for _, damaged in rows] == ["0", "0", "1"]
    files = {
        path.parent.name + path.name: path.read_bytes()
        for path in (tmp_path / "attachments").rglob("*")
        if path.is_file()
    }
    assert files == {hashlib.sha256(data).hexdigest(): data for data in (PDF, other)}
    named = {digest for cell, damaged in rows if damaged == "0" for digest in str(cell).split(";")}
    assert named == files.keys()


def test_reading_again_writes_nothing(tmp_path: Path) -> None:
    batch = landed(tmp_path, document(PDF))
    read(batch, tmp_path)
    path = Store(tmp_path / "attachments").path(hashlib.sha256(PDF).hexdigest())
    before = path.stat()
    read(batch, tmp_path)
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns > before.st_mtime_ns  # for the clean-up: wanted again


def test_no_attachment_makes_no_folder(tmp_path: Path) -> None:
    read(landed(tmp_path, document()), tmp_path)
    assert not (tmp_path / "attachments").exists()


def test_a_scan_of_many_megabytes_is_read() -> None:
    scan = PDF + bytes(12 * 2**20)
    found = message(document(scan))
    assert found["attachment_bytes"] == str(len(scan))
    assert found["attachment_damaged"] == "0"


@pytest.mark.parametrize("declared", ["UTF-8", "UTF-7", "UTF-16"])
def test_a_large_message_may_declare_no_entities(declared: str) -> None:
    """Where libxml2's limit on texts is lifted, so is the one on what entities grow to."""
    laughs = "<!DOCTYPE edXML [<!ENTITY a 'haha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
    text = base64.b64encode(bytes(9 * 2**20)).decode()
    whole = document().decode().replace("<edXML ", f"{laughs}<edXML ", 1)
    whole = whole.replace("</AttachmentEncoded>", f"{text}</AttachmentEncoded>")
    data = whole.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(
        {"UTF-7": "ascii"}.get(declared, declared), "xmlcharrefreplace"
    )
    with pytest.raises(UnreadableError, match=r"XML không hợp lệ|DOCTYPE"):
        message(data)
