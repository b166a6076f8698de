"""Answers of real catalogs, where they lie beside the checkout: ``REAL_FILES`` names the folder.

The same behaviour is tested on catalogs that the tests make (``test_ckan_catalog.py``,
``test_dcat.py``).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ProviderError
from sources import dcat_rdf
from sources.ckan_catalog import row
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Asked, Reply, as_json

REAL = Path(os.environ.get("REAL_FILES", "/nonexistent"))
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")


def test_packages_of_a_real_ckan(puller: Puller) -> None:
    document = json.loads((REAL / "ckan/birmingham_package_search.json").read_text())
    held = sorted(document["result"]["results"], key=lambda one: str(one["id"]))

    def search(asked: Asked) -> Reply:
        start = int(asked.params.get("start", "0"))
        found = held[start : start + int(asked.params["rows"])]
        return as_json({"success": True, "result": {"count": len(held), "results": found}})

    puller.kind, puller.fetch = "ckan", {"catalog": {"page_size": 2}}
    puller.server.routes["/api/3/action/package_search"] = search
    puller.server.routes["/api/3/action/package_list"] = lambda _: as_json(
        {"success": True, "result": [one["name"] for one in held]}
    )
    rows = [json.loads(line) for line in landed_lines(puller())]
    assert [one["package"] for one in rows] == held
    for one, package in zip(rows, held, strict=True):
        assert one["title"] == package["title"]
        assert one["publisher"] == "Birmingham City Council"
        assert one["distribution_count"] == package["num_resources"]
        assert one["modified"] > package["metadata_modified"][:19]


def test_a_real_data_json(puller: Puller) -> None:
    body = (REAL / "ckan/dcatus_catalog_gsa_example.json").read_bytes()
    held: list[dict[str, Any]] = json.loads(body)["dataset"]
    puller.kind, puller.fetch = "dcat", {"path": "/data.json", "format": "dcat_us"}
    puller.server.routes["/data.json"] = lambda _: Reply(body)
    rows = [json.loads(line) for line in landed_lines(puller())]
    assert [one["dataset"] for one in rows] == held
    assert [one["identifier"] for one in rows] == [str(one["identifier"]) for one in held]
    assert all(one["title"] and one["publisher"] and one["modified"] for one in rows)


def test_the_vocabulary_itself_is_no_catalog() -> None:
    body = (REAL / "dcat-ap/dcat-ap-3.0.1.ttl").read_bytes()
    with pytest.raises(ProviderError, match="neither a DCAT catalog nor a dataset"):
        dcat_rdf.read(body, "turtle", "http://mo.example/")


def test_a_real_answer_that_is_an_error_is_no_package() -> None:
    body = (REAL / "ckan/ckan_error_404_package_show.json").read_bytes()
    with pytest.raises(ProviderError, match="has no `id`"):
        row(body, "http://mo.example")
