"""``hub query``: every format to file and to standard output, snapshots, limits, wrong SQL."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.e2e.deployment import Deployment
from tests.hub.cli.conftest import PROGRAM, Hub

ROWS = "select ma, chu_ho_so, le_phi::int as le_phi from dung_chung.ho_so_nho order by ma"
EXPECTED = [("A1", "Lò Văn An", 5), ("A2", "Bình Minh", 5), ("A3", "Giàng Kín", 5)]
NAME_OF_A2 = "select chu_ho_so from dung_chung.ho_so_nho where ma = 'A2'"
RECORDS = pytest.mark.parametrize("form", ["csv", "json", "parquet"])


def records(form: str, content: bytes, folder: Path) -> list[tuple[Any, ...]]:
    """Read an answer back."""
    if form == "csv":
        found = list(csv.reader(io.StringIO(content.decode())))
        assert found[0] == ["ma", "chu_ho_so", "le_phi"]
        return [(ma, name, int(fee)) for ma, name, fee in found[1:]]
    if form == "json":
        return [tuple(record.values()) for record in json.loads(content)]
    (folder / "answer").write_bytes(content)
    return duckdb.connect().execute(f"FROM read_parquet('{folder / 'answer'}')").fetchall()


def start(deployed: Path, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
    """Start ``hub query`` in a process of its own, over the same deployment."""
    made = Deployment(deployed / "data", {"HUB_ASSETS_DIR": str(deployed / "assets")})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    # A shell in which the tests run in the background has them, and all they start, ignore Ctrl+C.
    command = ["env", "--default-signal=INT", str(PROGRAM), "query", *arguments]
    return subprocess.Popen(command, env=made.environment(), **pipes)


def test_a_table_has_figures_to_the_right(hub: Hub) -> None:
    said = hub("query", "select 'a' as chu, 7 as so union all select 'b', 1234 order by 1")
    assert said.code == 0
    assert [line.split() for line in said.out.splitlines()][1] == ["┃", "chu", "┃", "so", "┃"]
    assert "│ a   │    7 │" in said.out
    assert "│ b   │ 1234 │" in said.out


@RECORDS
def test_a_format_to_standard_output(hub: Hub, tmp_path: Path, form: str) -> None:
    said = hub("query", ROWS, "--format", form)
    assert (said.code, said.err) == (0, "")
    assert records(form, said.raw or said.out.encode(), tmp_path) == EXPECTED


@RECORDS
def test_a_format_to_a_file(hub: Hub, tmp_path: Path, form: str) -> None:
    said = hub("query", ROWS, "--format", form, "-o", str(tmp_path / "it's"))
    assert said == (0, "", "", b"")
    assert records(form, (tmp_path / "it's").read_bytes(), tmp_path) == EXPECTED


def test_an_answer_is_appended_to_a_file(hub: Hub) -> None:
    os.write(1, b"before\n")  # pytest gives standard output a file
    assert hub("query", "select 1 as a", "--format", "csv").out == "before\na\n1\n"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_the_sql_may_end_in_semicolon_and_comment(hub: Hub, form: str) -> None:
    said = hub("query", "select 7 as a; -- seven", "--format", form)
    assert said.code == 0
    assert "7" in said.out


def test_a_pivot_is_one_question(hub: Hub) -> None:
    said = hub("query", "pivot dung_chung.ho_so_nho on trang_thai using count(*) group by le_phi;")
    assert said.code == 0
    assert "│ 5.00   │ 3 │" in said.out or "5.00 │ 3 │" in said.out


def test_an_empty_answer_is_an_answer(hub: Hub) -> None:
    said = hub("query", "select ma from dung_chung.ho_so_nho where false")
    assert said.code == 0
    assert "ma" in said.out
    assert json.loads(hub("query", "select 1 where false", "--format", "json").out) == []


def test_an_older_snapshot_by_number_and_time(hub: Hub) -> None:
    listed = "select snapshot_id, snapshot_time from lake.snapshots() where commit_message like "
    (found,) = json.loads(hub("query", f"{listed} '%batch b1'", "--format", "json").out)
    number, time = str(found["snapshot_id"]), datetime.fromisoformat(found["snapshot_time"])
    in_vietnam = time.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).replace(tzinfo=None)
    assert "Bình Minh" in hub("query", NAME_OF_A2).out
    for moment in (number, time.isoformat(), in_vietnam.isoformat()):
        said = hub("query", NAME_OF_A2, "--at", moment)
        assert said.code == 0
        assert "Bình" in said.out
        assert "Minh" not in said.out
    assert "Bình Minh" in hub("query", NAME_OF_A2, "--at", "2099-01-01").out


@pytest.mark.parametrize("moment", ["987654", "2020-01-01", "2020-01-01T08:00+07:00"])
def test_a_snapshot_that_is_not_there_is_one_line(hub: Hub, moment: str) -> None:
    code, out, err, _ = hub("query", "select 1", "--at", moment)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("hub: there is no snapshot ")


def test_limit_says_that_there_is_more(hub: Hub) -> None:
    few = hub("query", "from range(9) t(n)", "--limit", "2").out
    assert "│ 1 │" in few
    assert "│ 2 │" not in few
    assert "only the first 2 rows are shown; --limit shows more" in few
    assert "only the first row is shown" in hub("query", "from range(9)", "--limit", "1").out
    assert "only" not in hub("query", "from range(9)", "--limit", "9").out


def test_a_wide_answer_has_one_column_a_line(hub: Hub) -> None:
    lines = hub("query", "select * from dung_chung.ho_so_nho where ma = 'A1'").out.splitlines()
    assert lines[0] == "row 1"
    assert "  ma          A1" in lines
    assert "  chu_ho_so   Lò Văn An" in lines
    assert "  _repairs" in lines
    assert (
        f"  ba   {'x' * 300}"
        in hub(
            "query", "select 1 as mot, repeat('y', 36) as hai, repeat('x', 300) as ba"
        ).out.splitlines()
    )


@pytest.mark.parametrize("form", ["table", "csv"])
@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("selec 1", "syntax error"),
        ("select * from khong_co", '`hub query "select schema, name from (show all tables)"`'),
        ("select khong_co from hub.loads", "khong_co"),
        ("select 1; select 2", "several statements were given"),
        ("", "no statements were given"),
        ("drop table hub.loads", "only read here"),
        ("insert into hub.loads select * from hub.loads", "only read here"),
        ("select error('hai' || chr(10) || 'dòng')", "hai dòng"),
    ],
)  # fmt: skip
def test_wrong_sql_is_one_line(hub: Hub, sql: str, says: str, form: str) -> None:
    code, _, err, _ = hub("query", sql, "--format", form)
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("hub: ")
    assert says in err


def test_the_hint_for_an_unknown_table_runs(hub: Hub) -> None:
    said = hub("query", "select schema, name from (show all tables)")
    assert said.code == 0
    assert "│ dung_chung │ ho_so_nho" in said.out


def test_an_output_that_cannot_be_written_is_one_line(hub: Hub, tmp_path: Path) -> None:
    said = hub("query", "select 1", "--format", "csv", "-o", str(tmp_path / "no" / "file"))
    assert (said.code, said.err.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    "options",
    [("--output", "file"), ("--format", "excel"), ("--at", "noon"), ("--limit", "0")],
)
def test_wrong_use_is_exit_code_2(hub: Hub, options: tuple[str, ...]) -> None:
    assert hub("query", "select 1", *options).code == 2


def test_parquet_is_not_written_to_a_terminal(deployed: Path) -> None:
    ours, theirs = pty.openpty()
    process = start(deployed, "select 1", "--format", "parquet", stdout=theirs)
    _, err = process.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 2
    assert b"--output" in err


def test_a_reader_of_the_output_may_leave_early(deployed: Path) -> None:
    with start(deployed, "from range(5000000)", "--format", "csv") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"range\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_ctrl_c_is_one_line(deployed: Path) -> None:
    with start(deployed, "from range(100000000000)", "--format", "csv") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith(b"hub: stopped; ")
    assert err.count(b"\n") == 1
