"""The extensions of DuckDB: verified once a process, and nothing unsigned is ever loaded."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from warehouse import lake


def test_no_connection_takes_an_unsigned_extension_afterwards(tmp_path: Path) -> None:
    unsigned = tmp_path / "la.duckdb_extension"
    unsigned.write_bytes(b"\0" * 4096)
    for _ in range(2):
        connection = lake.connect()
        found = connection.execute("SELECT current_setting('allow_unsigned_extensions')").fetchone()
        assert found == (False,)
        with pytest.raises(duckdb.Error, match="allow_unsigned_extensions"):
            connection.execute("SET allow_unsigned_extensions = true")
        with pytest.raises(duckdb.Error, match=r"(?i)signature|metadata|not a DuckDB extension"):
            connection.execute(f"LOAD '{unsigned}'")
        connection.close()


def test_a_file_that_was_changed_meanwhile_is_verified_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lake._extensions()
    lake.connect().close()
    swapped = [tmp_path / path.name for path in real]
    for path, good in zip(swapped, real, strict=True):
        path.write_bytes(good.read_bytes())
    monkeypatch.setattr(lake, "_extensions", lambda: swapped)
    monkeypatch.setattr(lake, "_verified", {})
    lake.connect().close()
    assert lake._verified.keys() == set(swapped)
    spoilt = bytearray(swapped[0].read_bytes())
    spoilt[4096] ^= 1
    swapped[0].unlink()  # what is mapped must not change under the process
    swapped[0].write_bytes(spoilt)
    with pytest.raises(duckdb.Error, match=r"(?i)signature"):
        lake.connect()
