"""pygeoapi and WsgiDAV, which no one here wrote: pulled whole, then again, equal to the source."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.errors import ConfigurationError, ProviderError
from sources.landing import Position
from tests.sources.conftest import Puller, landed_lines
from tests.sources.real_servers import COLLECTION, LARGEST, PASSWORD, USER, running

FEATURES = [
    {
        "type": "Feature",
        "id": number,
        "geometry": {"type": "Point", "coordinates": [104 + number / 1000, 21.5]},
        "properties": {"ten": f"Di tích số {number}", "nam": 1900 + number, "xep_hang": None},
    }
    for number in range(1, 3 * LARGEST + 8)
]
DAY = datetime(2026, 10, 1, 8, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
FILES = {"báo cáo.csv": 0, "năm 2026/quý 1 & 2/số #1 100%.csv": 1, "năm 2026/ghi chú.txt": 2}


@pytest.fixture(scope="module")
def geo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("geo")
    collection = {"type": "FeatureCollection", "features": FEATURES}
    (folder / "features.geojson").write_text(json.dumps(collection))
    with running("pygeoapi", folder) as address:
        yield address


@pytest.fixture(scope="module")
def dav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("dav")
    for path, hours in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"ten\n{path}\n", encoding="utf-8")
        os.utime(file, (DAY.timestamp() + hours * 3600,) * 2)
    with running("wsgidav", folder) as address:
        yield address, folder


def rows(puller: Puller, position: Position | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in landed_lines(puller(position))]


def test_a_collection_of_pygeoapi_equals_the_source(puller: Puller, geo: str) -> None:
    puller.kind, puller.environment["THU_URL"] = "ogc_features", geo
    puller.fetch = {"collection": COLLECTION}
    batch = puller()
    assert [json.loads(line) for line in landed_lines(batch)] == FEATURES
    assert (batch.manifest.claimed, len(batch.manifest.files)) == (len(FEATURES), 4)
    assert puller().id == batch.id
    puller.fetch.update(flat=True, params={"nam": "1907"})
    assert rows(puller) == [
        {"_id": 7, "_geometry": FEATURES[6]["geometry"], "ten": "Di tích số 7", "nam": 1907,
         "xep_hang": None},
    ]  # fmt: skip


def test_a_collection_that_pygeoapi_does_not_have_is_named(puller: Puller, geo: str) -> None:
    puller.kind, puller.environment["THU_URL"] = "ogc_features", geo
    puller.fetch = {"collection": "khong_co"}
    with pytest.raises(ProviderError, match="HTTP 404"):
        puller()


def use_dav(puller: Puller, address: str, password: str = PASSWORD) -> None:
    puller.kind, puller.fetch = "webdav", {"path": "kho"}
    token = base64.b64encode(f"{USER}:{password}".encode()).decode()
    puller.auth = {"kind": "api_key", "token": {"env": "THU_TOKEN"}}
    puller.environment.update(THU_URL=address, THU_TOKEN=f"Basic {token}")


def test_a_tree_of_wsgidav_is_listed_then_only_what_is_new(
    puller: Puller, dav: tuple[str, Path]
) -> None:
    address, folder = dav
    use_dav(puller, address)
    found = rows(puller)
    assert [(row["path"], row["size"]) for row in found] == [
        (path, (folder / path).stat().st_size) for path in sorted(FILES)
    ]
    assert [row["modified"] for row in found] == [
        f"2026-10-01T{8 + FILES[path]:02}:30:00" for path in sorted(FILES)
    ]
    assert all(row["etag"] for row in found)
    puller.dataset.update(mode="incremental", cursor="ngay")
    new = rows(puller, Position("truoc", "2026-10-01T09:00:00"))
    assert {row["path"] for row in new} == {path for path, hours in FILES.items() if hours}


@pytest.mark.parametrize("listing", ["webdav", "links"])
def test_files_of_wsgidav_come_byte_for_byte(
    puller: Puller, dav: tuple[str, Path], listing: str
) -> None:
    address, folder = dav
    use_dav(puller, address)
    puller.fetch.update(download="csv", match="*.csv", listing=listing, head=True)
    batch = puller()
    assert {file.note["path"]: (batch.path / file.name).read_bytes()
            for file in batch.manifest.files} == {
        path: (folder / path).read_bytes() for path in FILES if path.endswith(".csv")
    }  # fmt: skip


def test_a_wrong_password_is_the_configurations(puller: Puller, dav: tuple[str, Path]) -> None:
    use_dav(puller, dav[0], "sai-mat-khau")
    with pytest.raises(ConfigurationError, match="check the values of THU_TOKEN") as caught:
        puller()
    assert "sai-mat-khau" not in str(caught.value)
