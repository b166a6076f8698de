"""``hub sync``: bring everything, or what is named, up to date, and say what came in.

Run it alone: ``hub sync --help``.

What does not belong here: the sync itself (``hub.sync``).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self
from zoneinfo import ZoneInfo

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from hub.errors import ConfigurationError

if TYPE_CHECKING:
    from hub.load import Context, Outcome
    from hub.sync import Report

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
WIDE = 110
"""Columns a terminal needs for the state of each dataset beside the figures."""

COUNTS = ("fetched", "inserted", "updated", "unchanged", "deleted", "rejected")
EXAMPLE = (
    "select ten_don_vi, sum(so_tiep_nhan) as tiep_nhan, sum(so_truc_tuyen) as truc_tuyen, "
    "sum(so_dung_han) as dung_han from chi_so.ho_so_theo_thang group by 1 order by 2 desc limit 5"
)


def sync(
    selection: Annotated[
        list[str] | None,
        typer.Argument(help="province, province/system or province/system/dataset; default: all"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Backfill from this day (YYYY-MM-DD); the cursor stays")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Backfill up to, without, this day")] = None,
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Pull everything and compare: finds what a source deleted"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON")] = False,
) -> None:
    """Pull, check and load: everything, or only what is named.

    Exit code 0: all that was asked for is up to date; 1: something failed (the rest is loaded).
    """
    from hub.catalog import load_catalog
    from hub.load import Context, Span
    from hub.settings import Settings

    settings = Settings()
    span = Span(_day(since, "--since"), _day(until, "--until"), whole)
    if span.whole and span.backfill:
        raise typer.BadParameter("--whole takes neither --since nor --until")
    if span.since and span.until and span.since >= span.until:
        raise typer.BadParameter("--since must be before --until")
    context = Context.of(settings, load_catalog(settings.assets_dir), span)
    try:
        context.catalog.select(selection or [])
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    _run(context, selection or [], as_json=as_json)


def retry(
    run: Annotated[
        str | None, typer.Argument(help="Run whose failures to try again; default: all that failed")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON")] = False,
) -> None:
    """Try again what failed last, and only that."""
    from hub.catalog import load_catalog
    from hub.load import Context
    from hub.settings import Settings
    from warehouse import loads

    settings = Settings()
    context = Context.of(settings, load_catalog(settings.assets_dir))
    newest = loads.latest(context.lake.reader())
    defined = {f"{s.name}/{d.name}" for s in context.catalog.systems.values() for d in s.datasets}
    failed = [
        name
        for name, record in (("/".join(key), record) for key, record in newest.items())
        if record["status"] == loads.FAILED
        and (run is None or record["run"].startswith(run))
        and name in defined | context.catalog.derived.keys()
    ]
    if not failed:
        whose = f" of run {run}" if run else ""
        _line(Console(), f"nothing{whose} is left to try again")
        return
    _run(context, failed, as_json=as_json)


def _run(context: Context, selection: list[str], *, as_json: bool) -> None:
    """Sync, print what came of it, and exit by it."""
    from hub.sync import sync as run

    display = _Display(Console(stderr=True), quiet=as_json)
    with display:
        report = run(context, selection, progress=display.progress, finished=display.finished)
    if as_json:
        json.dump(_as_json(report), sys.stdout, ensure_ascii=False, indent=2, default=str)
        sys.stdout.write("\n")
    else:
        _print(report, context.settings.lake.as_posix(), whole=not selection)
    raise typer.Exit(1 if report.failed else 0)


def _day(value: str | None, option: str) -> datetime | None:
    """Return midnight in Viet Nam of a day given on the command line, without zone."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError as error:
        raise typer.BadParameter(f"{option} wants a day such as 2026-10-01") from error


class _Display:
    """Live progress on a terminal; one line per finished dataset elsewhere."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self.console, self.quiet = console, quiet
        self.live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rows]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def progress(self, name: str, rows: int, total: int | None) -> None:
        """Show how far a pull is."""
        if name not in self.tasks:
            self.tasks[name] = self.live.add_task(name, total=total, rows="")
        shown = f"{rows:,} rows" if total is None else f"{rows:,} of {total:,} rows"
        self.live.update(self.tasks[name], completed=rows, total=total, rows=shown)

    def finished(self, outcome: Outcome) -> None:
        """Show that a dataset is done."""
        record = outcome.record
        name = f"{record.source}/{record.dataset}"
        if name in self.tasks:
            self.live.update(self.tasks[name], rows=f"{record.status}")
        if not self.quiet:
            detail = f"{record.fetched:,} fetched, {record.inserted:,} new"
            if outcome.resumed:
                detail += f", gone on with after {outcome.resumed:,} answers"
            if outcome.error is not None:
                detail = (
                    outcome.error.what
                )  # the whole line comes at the end, once for all it stops
            _line(self.live.console, f"{record.status:>9}  {name}: {detail}")


def _print(report: Report, lake: str, *, whole: bool) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(_table(report, wide=console.width >= WIDE))
    for line in _failures(report):
        _line(console, f"failed  {line}", "red")
    for line in _warnings(report):
        _line(console, f"attention  {line}", "bold yellow")
    for stale in report.stale:
        _line(console, f"stale input  {stale.name}: {stale.stale}", "yellow")
    for name, missing in report.waiting.items():
        _line(console, f"waiting  {name}: for {', '.join(missing)}, never loaded", "yellow")
    _line(console, f"Done in {report.seconds:.1f} s. The warehouse lies in {lake}")
    if whole and not report.failed:
        _print_example(console)


def _warnings(report: Report) -> Iterator[str]:
    """Yield what somebody must read although it stopped nothing."""
    for outcome in report.outcomes:
        name = f"{outcome.record.source}/{outcome.record.dataset}"
        yield from (f"{name}: {sentence}" for sentence in outcome.warnings)


def _failures(report: Report) -> Iterator[str]:
    """Yield one line for each thing that is wrong, however many datasets it stopped."""
    yield from (f"{name}: {error}" for name, error in report.broken.items())
    stopped: dict[tuple[str, str], list[str]] = {}
    for outcome in report.outcomes:
        if outcome.error is not None:
            key = outcome.record.source, str(outcome.error)
            stopped.setdefault(key, []).append(outcome.record.dataset)
    for (source, error), datasets in stopped.items():
        whole = f"{source}/{datasets[0]}" if len(datasets) == 1 else source
        some = "" if len(datasets) == 1 else f" ({', '.join(datasets)})"
        # An error that knows its place begins with it; do not say it twice.
        said = error.removeprefix(f"{whole}: ").removeprefix(f"{whole} ")
        yield f"{whole}{some}: {said}"


def _table(report: Report, *, wide: bool) -> Table:
    """Return the figures by dataset, grouped by system; the state's own column needs room."""
    table = Table(title="What came in", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("dataset", no_wrap=True)
    if wide:
        table.add_column("state", no_wrap=True)
    for heading in ("fetched", "loaded", "updated", "unchanged", "deleted", "rejected", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    source = None
    for outcome in report.outcomes:
        record = outcome.record
        if record.source != source:
            source = record.source
            table.add_row(f"[bold]{source}[/]")
        style = {"failed": "red", "loaded": "green"}.get(record.status, "")
        state = [record.status] if wide else []
        figures = [f"{getattr(record, name):,}" for name in COUNTS]
        table.add_row(f"  {record.dataset}", *state, *figures, f"{record.seconds:.1f}", style=style)
    return table


def _line(console: Console, text: str, style: str | None = None) -> None:
    """Print one line as it is: a terminal may wrap it, a file or a pipe gets it whole."""
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def _print_example(console: Console) -> None:
    from hub.cli.query import print_table
    from hub.settings import Settings
    from warehouse.lake import Lake

    hub = _program()
    connection = Lake(Settings().lake).reader()
    _line(console, f'\nFor example:  {hub} query "{EXAMPLE}"')
    print_table(connection, EXAMPLE, limit=5, console=console)
    _line(console, "Next:")
    for command, what in (
        (f"{hub} status", "how fresh every dataset is"),
        (f"{hub} rejects lao_cai/dich_vu_cong/ho_so", "what was refused, and why"),
        (f'{hub} query "show all tables"', "what there is to ask for"),
        ("make ui", "the Dagster pages: graph, checks, rows over time"),
    ):
        _line(console, f"  {command:<52}{what}")


def _program() -> str:
    """Return how this command is called from where the user stands."""
    called = Path(sys.argv[0])
    if called.name != "hub" or shutil.which("hub"):
        return "hub"
    return os.path.relpath(called)


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "seconds": round(report.seconds, 3),
        "failed": report.failed,
        "datasets": [
            {
                "dataset": f"{outcome.record.source}/{outcome.record.dataset}",
                "table": outcome.record.table_name,
                "status": outcome.record.status,
                **{name: getattr(outcome.record, name) for name in COUNTS},
                "repaired": outcome.record.repaired,
                "duplicates": outcome.record.duplicates,
                "seconds": round(outcome.record.seconds, 3),
                "batch": outcome.record.batch,
                "cursor": outcome.record.cursor_after,
                "error": outcome.record.error,
                "attention": list(outcome.warnings),
            }
            for outcome in report.outcomes
        ],
        "broken": {name: str(error) for name, error in report.broken.items()},
        "stale_inputs": [
            {"dataset": stale.name, "why": stale.stale, "last_good": stale.last_good}
            for stale in report.stale
        ],
        "waiting": report.waiting,
    }
