"""Thirty nights on a table of a million rows: queries when fresh, when worn, and maintained.

Run it: ``python benchmarks/thirty_nights.py [ROWS]``. Each night changes 1 % of the rows, takes
0.1 % away and moves what they were to the history, as a commit does. Medians of seven, in
milliseconds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from warehouse import maintenance
from warehouse.lake import Lake

QUERIES = {
    "filtered aggregate": "SELECT loai, sum(tien), count(*) FROM {t} "
    "WHERE ngay >= DATE '2023-01-01' GROUP BY 1",
    "point lookup": "SELECT * FROM {t} WHERE ma = 'HS000777777'",
    "full scan": "SELECT count(ten), sum(length(dia_chi)), sum(so), max(ten) FROM {t}",
}
NIGHTS = 30


def rows(numbers: str, version: int) -> str:
    """Return SQL of rows with these numbers, as they are in a version."""
    return f"""SELECT 'HS' || lpad(i::VARCHAR, 9, '0') AS ma, 'Ten ' || md5((i * 7 + {version})
        ::VARCHAR) AS ten, DATE '2020-01-01' + ((i * 13) % 2000)::INTEGER AS ngay,
        'L' || (i % 20) AS loai, i * {version + 1} AS so, (i % 1000) * 1.5 + {version} AS tien,
        'dia chi ' || md5(i::VARCHAR) AS dia_chi, 's/a' AS _source, 'b{version}' AS _batch
        FROM {numbers}"""


def numbers(how_many: int, stride: int, shift: int, count: int) -> str:
    """Return SQL of numbers spread over the table."""
    return f"(SELECT (k * {stride} + {shift}) % {count} AS i FROM range({how_many}) r(k))"


def timed(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, float]:
    """Return the median milliseconds of each query."""
    medians = {}
    for name, sql in QUERIES.items():
        seconds = []
        for _ in range(7):
            clock = time.perf_counter()
            connection.execute(sql.format(t=table)).fetchall()
            seconds.append(time.perf_counter() - clock)
        medians[name] = round(statistics.median(seconds) * 1000, 1)
    return medians


def main(count: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake")
        connection = lake.writer()
        for name, more in (("t", ""), ("t_lich_su", ", now() AS het")):
            sql = f"SELECT *{more} FROM ({rows('range(0) n(i)', 0)})"
            connection.execute(f"CREATE TABLE lake.mo.{name} AS {sql}")
            connection.execute(f"ALTER TABLE lake.mo.{name} SET PARTITIONED BY (_source)")
        connection.execute(f"INSERT INTO lake.mo.t {rows(f'range({count}) n(i)', 0)}")
        print("fresh", timed(lake.reader(), "mo.t"), flush=True)
        for night in range(1, NIGHTS + 1):
            changed = numbers(count // 100, 97, night * 31, count)
            gone = numbers(count // 1000, 101, night * 17, count)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE d AS {rows(changed, night)}")
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE e AS SELECT ma FROM d UNION SELECT ma "
                f"FROM ({rows(gone, night)})"
            )
            with lake.lock():
                connection.execute("BEGIN")
                connection.execute(
                    "INSERT INTO lake.mo.t_lich_su SELECT t.*, now() FROM lake.mo.t t "
                    "JOIN e USING (ma)"
                )
                connection.execute("DELETE FROM lake.mo.t t USING e WHERE t.ma = e.ma")
                connection.execute("INSERT INTO lake.mo.t FROM d")
                connection.execute("COMMIT")
        print("after thirty nights", timed(lake.reader(), "mo.t"), flush=True)
        clock = time.perf_counter()
        maintenance.maintain(lake, {"mo.t": ("ma",)}, maintenance.Policy())
        print(f"maintenance took {time.perf_counter() - clock:.1f} s", flush=True)
        print("maintained", timed(lake.reader(), "mo.t"), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
