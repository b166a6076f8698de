"""Great Expectations' own pages about what the checks found, from results that hold counts alone.

Data flow: the documents of :class:`~checks.report.Report`, one per dataset -> GX's site builder ->
HTML in a new folder. GX's pages fetch their looks and scripts from half a dozen hosts; a government
network reaches none of them, and no page of the hub may tell others that it was opened. So what
lies outside is taken out, and a stylesheet of our own stands in for it (``data_docs.css``).

Importing this module imports Great Expectations (5 s, 230 MB).

Run it alone: ``hub docs`` builds the site of a deployment.

What does not belong here: where documents are kept and when the site is built (``hub.data_docs``).
"""

from __future__ import annotations

import copy
import html
import re
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.validate import quiet

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # GX imports deprecated modules; nobody here can mend that
    import great_expectations as gx
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        ExpectationSuiteValidationResultSchema,
    )
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

STYLE = Path(__file__).with_name("data_docs.css")


@dataclass(frozen=True)
class Checked:
    """What the checks found of a dataset when they last ran."""

    batch: str
    at: datetime
    document: Mapping[str, Any]


def build(checked: Mapping[str, Checked], site: Path) -> None:
    """Write the pages of all datasets into an empty folder.

    Args:
        checked: ``province/system/dataset`` -> what was found.
        site: The folder; ``index.html`` is where to begin, ``<dataset's name>.html`` leads to the
            page of one dataset under an address that stays the same.
    """
    with quiet():
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                analytics_enabled=False,
                progress_bars=ProgressBarsConfig(globally=False),
                store_backend_defaults=InMemoryStoreBackendDefaults(),
                data_docs_sites={
                    "hub": {
                        "class_name": "SiteBuilder",
                        "show_how_to_buttons": False,
                        "store_backend": {
                            "class_name": "TupleFilesystemStoreBackend",
                            "base_directory": str(site.absolute()),
                        },
                        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                    }
                },
            ),
        )
        for name, found in checked.items():
            context.validation_results_store.set(_identifier(name, found), _result(found))
        context.build_data_docs()
    for page in site.rglob("*.html"):
        page.write_text(_closed(page, site), encoding="utf-8")
    (site / "index.html").write_text(_index(checked), encoding="utf-8")
    shutil.rmtree(site / "static" / "images")  # 3 MB of how to use Great Expectations
    (site / STYLE.name).write_bytes(STYLE.read_bytes())
    pages = {page.stem: page for page in (site / "validations").rglob("*.html")}
    for name in checked:
        door = site / f"{name}.html"
        door.parent.mkdir(parents=True, exist_ok=True)
        target = pages[_flat(name)].relative_to(site).as_posix()
        up = "../" * name.count("/")
        door.write_text(
            f'<!doctype html><meta charset="utf-8"><title>{html.escape(name)}</title>'
            f'<meta http-equiv="refresh" content="0; url={up}{target}">'
            f'<a href="{up}{target}">{html.escape(name)}</a>\n',
            encoding="utf-8",
        )


def _flat(name: str) -> str:
    return name.replace("/", "__")


def _identifier(name: str, found: Checked) -> ValidationResultIdentifier:
    return ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(_flat(name)),
        run_id=RunIdentifier(run_name=found.batch, run_time=found.at),
        batch_identifier=_flat(name),
    )


def _result(found: Checked) -> ExpectationSuiteValidationResult:
    # Great Expectations writes a Z behind the hour, whatever the zone.
    run = {"run_name": found.batch, "run_time": found.at.astimezone(UTC).isoformat()}
    document = copy.deepcopy(dict(found.document))
    document["meta"] = {**document["meta"], "run_id": run}
    for entry in document["results"]:
        entry["expectation_config"]["kwargs"].pop("batch_id", None)  # the same for all of them
    loaded: ExpectationSuiteValidationResult = ExpectationSuiteValidationResultSchema().load(
        document
    )
    return loaded


_OUTSIDE = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*\bhref=.https?://[^>]*>|<img\b[^>]*\bsrc=.https?://[^>]*>"
    # Buttons that need the scripts, the newsletter, and a page of suites that there is none of.
    r"|<div class=\"card mb-3\">.*?(?=<div class=\"card d-md-block)"
    r"|background:\s*url\('https?://[^;]*;"
    r"|<footer\b.*?</footer>|<p class=\"m-0\">\s*<a\s+data-toggle=.*?</p>"
    r"|<a [^>]*href=\"[^\"]*/expectations/[^\"]*\"\s*>(?P<kept>.*?)</a>",
    re.IGNORECASE | re.DOTALL,
)


def _closed(page: Path, site: Path) -> str:
    """Return a page without anything that a browser would fetch from elsewhere."""
    text = _OUTSIDE.sub(lambda found: found["kept"] or "", page.read_text(encoding="utf-8"))
    up = "../" * (len(page.relative_to(site).parts) - 1)
    return text.replace("</head>", f'<link rel="stylesheet" href="{up}{STYLE.name}"></head>', 1)


def _index(checked: Mapping[str, Checked]) -> str:
    """Return the page to begin with; GX's own is a script that draws nothing without a network."""
    rows = []
    for name, found in sorted(checked.items()):
        counts = found.document["statistics"]
        bad = int(counts["unsuccessful_expectations"])
        rows.append(
            f'<tr><td><a href="{html.escape(name)}.html">{html.escape(name)}</a></td>'
            f"<td>{found.at:%Y-%m-%d %H:%M}</td><td>{counts['evaluated_expectations']}</td>"
            f'<td class="{"bad" if bad else "good"}">{bad or "✓"}</td></tr>'
        )
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>Kết quả kiểm tra</title>'
        f'<link rel="stylesheet" href="{STYLE.name}"></head><body><main><h1>Kết quả kiểm tra</h1>'
        "<p>Lần kiểm tra gần nhất của từng bộ dữ liệu; chỉ có số đếm, không có dữ liệu. "
        "(Data Docs of Great Expectations: counts only.)</p><table><thead><tr>"
        "<th>Bộ dữ liệu (dataset)</th><th>Kiểm tra lúc (checked)</th><th>Số quy tắc (rules)</th>"
        "<th>Không đạt (failed)</th></tr></thead><tbody>"
        f"{''.join(rows)}</tbody></table></main></body></html>\n"
    )
