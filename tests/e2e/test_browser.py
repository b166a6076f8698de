"""The Dagster pages in a real browser: what a data engineer finds there in the morning.

Two nights of a small province, then ``python -m hub.ui`` over the same data folder and a headless
Chromium that looks for visible words. The README's pictures are written by the same tests, over
more nights, when ``README_PICTURES`` names their folder::

    README_PICTURES=docs/images .venv/bin/python -m pytest tests/e2e/test_browser.py
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Response, expect

from hub.catalog import load_catalog
from tests.e2e.deployment import ROOT, Deployment, Province
from tests.e2e.pages import CHROMIUM, REPOSITORY, Pages, chromium, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"needs {CHROMIUM} (apt-get install chromium)"
    ),
]

PICTURES = os.environ.get("README_PICTURES")
NIGHTS = 7 if PICTURES else 2
PORTAL = "lao_cai/dich_vu_cong"
DOSSIERS = f"{PORTAL}/ho_so"
INDICATOR = "chi_so/ho_so_theo_thang"
LARGEST_PICTURE = 250_000
MARGIN = 16


@dataclass
class Morning:
    """A few nights have passed, and somebody has opened the pages."""

    deployment: Deployment
    pages: Pages
    page: Page
    counted: list[int]
    """Dossiers in the lake after each night."""

    def open(self, path: str, *, width: int = 1300, height: int = 900) -> Page:
        """Go to a page of the webserver in a window of some size."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.goto(self.pages.address + path)
        return self.page

    def asset(self, name: str, view: str, **size: int) -> Page:
        """Go to a view of an asset."""
        return self.open(f"/assets/{name}?view={view}", **size)


@pytest.fixture(scope="module")
def morning(province: Province, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    deployment = Deployment(
        tmp_path_factory.mktemp("morning") / "data", {"HUB_ENV": str(province.overlay)}
    )
    counted = []
    for night in range(NIGHTS):
        province.at_day(night)
        everything = PICTURES and night == NIGHTS - 1
        deployment.sync(*(() if everything else ("lao_cai", "chi_so")))
        counted += [rows for (rows,) in deployment.query("SELECT count(*) FROM dung_chung.ho_so")]
    pages = Pages.start(deployment)
    try:
        pages.wait_until_ready()
        with chromium() as page:
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            if PICTURES:
                page.goto(pages.address)
                page.get_by_text("Hide navigation").click()
            yield Morning(deployment, pages, page, counted)
        # Loading the pages tells nobody outside this machine.
        ours = (f"{pages.address}/", pages.address.replace("http", "ws"), "data:", "blob:")
        assert [url for url in asked if not url.startswith(ours)] == []
        assert len(pages.processes()) > 3
        assert pages.stop(signal.SIGTERM) == 0, pages.log.read_text()
        until(lambda: not pages.processes(), 10, f"left behind: {pages.processes()}")
    finally:
        pages.end_all()


def test_the_graph_shows_every_system_and_what_is_derived(morning: Morning) -> None:
    page = morning.open("/asset-groups", width=1100, height=2000)
    expect(page.get_by_text("Global asset lineage")).to_be_visible()
    graph = page.locator("svg foreignObject")
    catalog = load_catalog(ROOT / "assets")
    whole = {
        *(f"{system.name}/{dataset.name}" for system in catalog.systems.values()
          for dataset in system.datasets),
        *catalog.derived,
    }  # fmt: skip
    groups = {name.split("/")[0] for name in whole}
    for group in groups:
        expect(graph.get_by_text(group, exact=True)).to_be_visible()
    for group in sorted(groups):
        # One group at a time: Dagster draws only what fits into the window.
        page = morning.open(
            f"/asset-groups?expanded=global@global:{group}", width=2400, height=2400
        )
        graph = page.locator("svg foreignObject")
        parts = {part for name in whole if name.startswith(f"{group}/") for part in name.split("/")}
        for part in sorted(parts):
            expect(graph.get_by_text(part, exact=True).first).to_be_visible()
    if PICTURES:
        opened = "expanded=global@global:lao_cai,global@global:chi_so"
        page = morning.open(f"/asset-groups?{opened}", width=1800, height=1300)
        expect(graph.get_by_text("Passed")).to_have_count(3)
        expect(graph.get_by_text("fetching")).to_have_count(0)
        picture(page, "graph", graph.all())


def test_a_derived_table_names_its_inputs_upstream(morning: Morning) -> None:
    page = morning.asset(INDICATOR, "lineage")
    for words in ("lao_cai", "ho_so", "chi_so", "ho_so_theo_thang"):
        expect(page.get_by_text(words, exact=True).last).to_be_visible()
    page = morning.asset(INDICATOR, "overview", height=2000)
    upstream = page.get_by_text("Upstream assets").locator("xpath=..").get_by_role("link")
    expect(upstream).to_have_attribute("href", f"/assets/{DOSSIERS}")
    row = page.get_by_role("row").filter(has=page.get_by_text("inputs", exact=True))
    expect(row).to_contain_text("dung_chung.ho_so")


def test_a_failed_check_says_which_rows_were_refused_and_why(morning: Morning) -> None:
    (found,) = morning.deployment.query(
        f"SELECT checks FROM hub.loads WHERE _source = '{PORTAL}' AND dataset = 'ho_so' "
        "AND status = 'loaded' ORDER BY seq DESC LIMIT 1"
    )
    checks: dict[str, dict[str, Any]] = json.loads(found[0])
    failed = [name for name, entry in checks.items()
              if not entry["success"] and entry["severity"] == "error"]  # fmt: skip
    assert failed, "this province has no faulty dossier tonight; choose another seed"
    for name in failed:
        check = checks[name]
        page = morning.asset(DOSSIERS, f"checks&checkDetail={name}", width=1200, height=860)
        expect(page.get_by_text(check["reason"])).to_be_visible()
        expect(page.get_by_text("Failed", exact=True).last).to_be_visible()
        worst = max(
            (rule for rule in check["rules"] if rule["severity"] == "error"),
            key=lambda rule: rule["unexpected"],
        )
        cells = page.get_by_role("row").filter(has_text=worst["rule"]).last.locator("td")
        expect(cells).to_have_text(
            [str(worst["unexpected"]), "refused", worst["reason"], worst["rule"]]
        )
        # The broken rule stands above those that hold.
        results = page.locator("tbody tr td:nth-child(2)").all_inner_texts()
        assert results.index("refused") < results.index("passed")
        picture(page, "check", [page.locator("body")])
    command = f"hub rejects {DOSSIERS}"
    expect(page.get_by_text(command)).to_be_visible()
    shown = morning.deployment.hub(*command.split()[1:], "--format", "csv").stdout
    assert worst["reason"] in shown


def test_rows_over_time_are_drawn(morning: Morning) -> None:
    drawn: list[int] = []

    def listen(response: Response) -> None:
        if "RecentAssetEventsQuery" in str(response.request.post_data):
            drawn.extend(_row_counts(response.json()))

    morning.page.on("response", listen)
    page = morning.asset(DOSSIERS, "overview", width=1200, height=2800)
    page.get_by_role("button", name="Plots").click()
    title = page.get_by_text("dagster/row_count", exact=True)
    expect(title).to_be_visible()
    plots = title.locator("xpath=following::canvas")
    expect(plots.first).to_be_visible()
    until(lambda: _inked(plots.first), 15, "nothing is drawn on the plot")
    morning.page.remove_listener("response", listen)
    # The points are the rows that the table held after each night, not the few that each brought.
    assert len(set(morning.counted)) == NIGHTS
    assert set(morning.counted) <= set(drawn)
    expect(page.get_by_text("in_quarantine", exact=True)).to_be_visible()
    plots.nth(3).scroll_into_view_if_needed()
    picture(page, "plot", [title, *plots.all()[:4]])


def test_columns_are_described_and_personal_ones_marked(morning: Morning) -> None:
    contract = load_catalog(ROOT / "assets").contracts["ho_so"]
    page = morning.asset(DOSSIERS, "overview", height=2600)
    personal = {c.name for c in contract.columns if c.classification != "none"}
    assert {"chu_ho_so", "so_giay_to"} <= personal
    for column in contract.columns:
        cell = page.get_by_text(column.name, exact=True).first
        row = page.get_by_role("row").filter(has=cell).first
        expect(row).to_contain_text(column.description)
        expect(row).to_contain_text(column.sql_type)
        if column.name in personal:
            expect(row).to_contain_text(f"personal_data: {column.classification}")
        else:
            expect(row).not_to_contain_text("personal_data")


def test_schedule_and_sensor_are_on(morning: Morning) -> None:
    page = morning.open("/automation")
    for name, what in (
        ("nightly_sync", "Scheduled At 01:00 AM GMT+7"),
        ("derive_when_inputs_changed", "Automation condition sensor"),
    ):
        expect(page.get_by_text(name, exact=True)).to_be_visible()
        expect(page.get_by_text(what)).to_be_visible()
    states = morning.pages.ask(
        """query($at: RepositorySelector!) {
        schedulesOrError(repositorySelector: $at) { ... on Schedules {
            results { name scheduleState { status } } } }
        sensorsOrError(repositorySelector: $at) { ... on Sensors {
            results { name sensorState { status } } } } }""",
        at=REPOSITORY,
    )
    running = {"status": "RUNNING"}
    assert states["schedulesOrError"]["results"] == [
        {"name": name, "scheduleState": running}
        for name in ("nightly_data_docs", "nightly_maintenance", "nightly_publish", "nightly_sync")
    ]
    assert states["sensorsOrError"]["results"] == [
        {"name": "derive_when_inputs_changed", "sensorState": running}
    ]


def test_a_run_launched_from_the_pages_loads_rows(morning: Morning, province: Province) -> None:
    newest = "SELECT coalesce(max(seq), 0) FROM hub.loads"
    ((before,),) = morning.deployment.query(newest)
    province.at_day(NIGHTS)
    launched = morning.pages.ask(
        """mutation($run: ExecutionParams!) { launchRun(executionParams: $run) {
            __typename ... on LaunchRunSuccess { run { runId } } ... on Error { message } } }""",
        run={
            "selector": {
                **REPOSITORY,
                "jobName": "nightly_sync",
                "assetSelection": [
                    {"path": [*PORTAL.split("/"), name]} for name in ("ho_so", "thu_tuc")
                ],
            },
            "runConfigData": {},
            "mode": "default",
        },
    )["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run = launched["run"]["runId"]
    page = morning.open(f"/runs/{run}")
    status = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
    ended = {"SUCCESS", "FAILURE", "CANCELED"}
    until(
        lambda: morning.pages.ask(status, run=run)["runOrError"]["status"] in ended,
        90,
        f"run {run} did not end",
    )
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    loaded = morning.deployment.query(
        f"SELECT dataset, status, inserted + updated > 0 FROM hub.loads WHERE run = '{run}' "
        f"AND _source = '{PORTAL}' AND seq > {before} ORDER BY dataset"
    )
    assert [dataset for dataset, _, _ in loaded] == ["ho_so", "thu_tuc"]
    assert loaded[0][1:] == ("loaded", True)


def picture(page: Page, name: str, shown: list[Locator]) -> None:
    """Write the part of the window that holds some elements as a picture of the README."""
    if PICTURES is None:
        return
    boxes = [box for each in shown if (box := each.bounding_box())]
    left, top = (max(min(box[side] for box in boxes) - MARGIN, 0) for side in ("x", "y"))
    window = page.viewport_size
    assert window
    clip: FloatRect = {
        "x": left,
        "y": top,
        "width": min(max(b["x"] + b["width"] for b in boxes) + MARGIN, window["width"]) - left,
        "height": min(max(b["y"] + b["height"] for b in boxes) + MARGIN, window["height"]) - top,
    }
    path = Path(PICTURES) / f"{name}.png"
    page.screenshot(path=path, clip=clip, animations="disabled")
    assert path.stat().st_size < LARGEST_PICTURE


def _row_counts(value: Any) -> list[int]:
    """Return the values of all ``dagster/row_count`` entries anywhere in a GraphQL answer."""
    if isinstance(value, list):
        return [found for each in value for found in _row_counts(each)]
    if not isinstance(value, dict):
        return []
    if value.get("label") == "dagster/row_count":
        return [int(value["intRepr"])]
    return [found for each in value.values() for found in _row_counts(each)]


def _inked(canvas: Locator) -> bool:
    """Whether anything is drawn on a canvas."""
    return bool(
        canvas.evaluate(
            "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)"
        )
    )
