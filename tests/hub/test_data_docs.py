"""The pages of the checks: built once, of counts alone, without a word to any other host.

Data flow: rows with planted values -> ``validate`` -> kept results -> the site of a deployment.

Run it alone: ``pytest tests/hub/test_data_docs.py``.

What does not belong here: the checks themselves.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from checks.model import Past
from checks.validate import validate
from hub.data_docs import keep, page, rebuild, site
from hub.settings import Settings
from tests.checks.contracts import contract
from tests.checks.staged import GOOD, fill, staging
from tests.checks.test_batch_rules import RULES
from warehouse.loads import LoadRecord

NOW = datetime(2026, 10, 2, 1, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))  # as the lake gives it
PLANTED = "Giàng A Tráng 099203004567"
PAST = Past((3, 3), {"le_phi": 5.0}, whole=True, now=datetime(2026, 1, 10))  # noqa: DTZ001


def record(dataset: str = "ho_so", batch: str = "b1") -> LoadRecord:
    return LoadRecord(
        run="r", source="tinh/cong", dataset=dataset, table_name="dung_chung.ho_so",
        status="loaded", batch=batch, started_at=NOW, ended_at=NOW,
    )  # fmt: skip


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Return what Great Expectations says of rows that break every rule with planted values."""
    folder = tmp_path_factory.mktemp("checked")
    planted = {"ma": PLANTED, "chu_ho_so": PLANTED, "trang_thai": PLANTED, "le_phi": -1}
    planted |= {"ngay_nhan": None, "ngay_nhan__raw": PLANTED, "ngay_tra": date(1999, 1, 1)}
    with staging(folder) as connection:
        small = contract(folder, RULES)
        fill(connection, small, [GOOD, *[GOOD | planted] * 3])
        report = validate(connection, "stg.main.hang", small, PAST)
    assert not report.success
    return report.document


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def pages(settings: Settings) -> dict[str, str]:
    return {
        path.relative_to(site(settings)).as_posix(): path.read_text(encoding="utf-8")
        for path in site(settings).rglob("*.html")
    }


def test_the_pages_show_every_rule_and_no_value(
    settings: Settings, document: Mapping[str, Any]
) -> None:
    keep(settings, record(), document)
    keep(settings, record("thu_tuc"), document)
    assert rebuild(settings)
    found = pages(settings)
    assert {"index.html", "tinh/cong/ho_so.html", "tinh/cong/thu_tuc.html"} < found.keys()
    door = Path(page(settings, record()))
    target = re.search(r'url=([^"]+)"', door.read_text(encoding="utf-8"))
    assert target is not None
    text = (door.parent / target[1]).read_text(encoding="utf-8")
    for entry in document["results"]:
        assert entry["expectation_config"]["meta"]["rule"] in text
    assert "3 unexpected values found" in text
    assert "20261001T183000" in target[1]
    assert "2026-10-02 01:30" in found["index.html"]  # in Vietnam time
    assert "2026-10-01T18:30:00Z" in text
    for file in settings.docs.rglob("*"):
        if file.is_file():
            assert PLANTED.rsplit(maxsplit=1)[-1].encode() not in file.read_bytes(), file
            assert b"A Tr\xc3\xa1ng" not in file.read_bytes(), file


def test_no_page_fetches_anything_from_another_host(
    settings: Settings, document: Mapping[str, Any]
) -> None:
    keep(settings, record(), document)
    rebuild(settings)
    for name, text in pages(settings).items():
        assert not re.search(r"""(?:src|href|action)\s*=\s*["']?\s*(?:https?:)?//""", text), name
        assert not re.search(r"url\(['\"]?https?:", text), name
        assert "<script" not in text, name
        for reference in re.findall(r'<link[^>]*href="([^"]+\.css)"', text):
            assert (site(settings) / name).parent.joinpath(reference).exists(), (name, reference)


def test_they_are_built_again_only_when_something_was_checked(
    settings: Settings, document: Mapping[str, Any]
) -> None:
    assert not rebuild(settings)
    keep(settings, record(), document)
    assert rebuild(settings)
    assert not rebuild(settings)
    keep(settings, record(batch="b2"), document)
    assert rebuild(settings)
    found = pages(settings)
    assert any("/b2/" in name for name in found)
    assert not any("/b1/" in name for name in found)
    assert sorted(path.name for path in settings.docs.iterdir()) == [
        "results", "site", "site.lock",
    ]  # fmt: skip


def test_where_nothing_was_checked_great_expectations_is_not_imported(
    settings: Settings, document: Mapping[str, Any]
) -> None:
    keep(settings, record(), document)
    rebuild(settings)
    code = (
        "import sys; from hub.data_docs import rebuild; from hub.settings import Settings; "
        f"built = rebuild(Settings(data_dir={str(settings.data_dir)!r})); "
        "sys.exit(built or 'great_expectations' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_cannot_be_built_leaves_the_old_pages(
    settings: Settings, document: Mapping[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    keep(settings, record(), document)
    rebuild(settings)
    before = pages(settings)
    broken = settings.docs / "results" / "tinh" / "cong" / "ho_so.json"
    broken.write_text("{", encoding="utf-8")
    assert not rebuild(settings)
    assert "not built: JSONDecodeError; try `hub docs`" in caplog.text
    assert pages(settings) == before


def test_the_address_is_the_web_servers_where_there_is_one(tmp_path: Path) -> None:
    served = Settings(data_dir=tmp_path, docs_url="https://kho.example/kiem-tra/")
    assert page(served, record()) == "https://kho.example/kiem-tra/tinh/cong/ho_so.html"
    assert json.dumps(page(Settings(data_dir=tmp_path), record())).endswith('/ho_so.html"')
