"""Servers for the kit: the real ones that the index offers, and stand-ins where it offers none.

Data flow: each function here starts one server over a few rows and yields a ``kit.Running``: its
address, its own rows as the truth, and ways to make its list move. Stand-ins answer by
``faults.FaultServer``; they are those that the tests of their kinds use where there are any.

What does not belong here: definitions (``kit_subjects``), and anything that goes wrong
(``fault_proxy``).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.sources.answers import by_offset
from tests.sources.faults import Answerer, Asked, FaultServer, Reply, as_json
from tests.sources.kit import Rows, Running
from tests.sources.real_servers import datasette, running
from tests.sources.test_ckan import Catalog
from tests.sources.test_edxml import XML, Axis
from tests.sources.test_oai_pmh import Repository

COUNT = 50
Held = list[dict[str, Any]]


def rows(count: int = COUNT) -> Held:
    """Return rows whose texts are long enough to be cut anywhere, and not ASCII."""
    return [{"ma": number, "ten": f"Hồ sơ số {number}"} for number in range(1, count + 1)]


@contextlib.contextmanager
def standing_in() -> Iterator[FaultServer]:
    server = FaultServer()
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def listed(answer: Callable[[Held], Answerer]) -> Iterator[Running]:
    """Serve rows at ``/rows`` by a function that reads the list as it is at the moment."""
    held = rows()
    with standing_in() as server:
        server.routes["/rows"] = answer(held)
        yield moving(server.url, held)


def moving(url: str, held: Held, truth: Callable[[], Rows] | None = None) -> Running:
    """Return a running server whose list in memory can change."""
    whole = list(held)

    def reset() -> None:
        held[:] = whole

    return Running(
        url,
        truth or (lambda: list(held)),
        insert=lambda: held.insert(0, {**held[0], "ma": 1000 + len(held)}),
        remove=lambda: held.__delitem__(0),
        reset=reset,
    )


def numbered(held: Held) -> Answerer:
    """Answer in the envelope of a portal (facts.md 3.1)."""

    def answer(asked: Asked) -> Reply:
        size = int(asked.params["pageSize"])
        first = (int(asked.params["page"]) - 1) * size
        part = held[first : first + size]
        return as_json({"error_code": "00", "total": str(len(held)), "result": part})

    return answer


def portal(_: Path) -> contextlib.AbstractContextManager[Running]:
    return listed(numbered)


def offset(_: Path) -> contextlib.AbstractContextManager[Running]:
    return listed(by_offset)


@contextlib.contextmanager
def children(_: Path) -> Iterator[Running]:
    """Serve a list of parents and the list of each one's children."""
    parents = rows(5)
    with standing_in() as server:
        server.routes["/rows"] = by_offset(parents)
        truth: Rows = []
        for parent in parents:
            held = [{"buoc": f"Bước {number}"} for number in range(3)]
            reply = as_json({"buoc": held, "cua": parent["ma"]})
            server.routes[f"/rows/{parent['ma']}/buoc"] = lambda _, reply=reply: reply  # type: ignore[misc]
            truth += [{"ma_ho_so": str(parent["ma"]), **child} for child in held]
        yield Running(server.url, lambda: truth)


@contextlib.contextmanager
def ckan(_: Path) -> Iterator[Running]:
    with standing_in() as server:
        catalog = Catalog(server)
        held = catalog.held
        held[:] = [{"_id": row["ma"], **row} for row in rows()]
        running = moving(server.url, held)
        # CKAN numbers its rows itself: new ones come behind all others.
        running.insert = lambda: held.append({**held[0], "ma": 1000, "_id": held[-1]["_id"] + 1})
        yield running


@contextlib.contextmanager
def axis(_: Path) -> Iterator[Running]:
    with standing_in() as server:
        held = Axis(server).held
        yield Running(
            server.url, lambda: [(one["docId"], XML + one["docId"].encode()) for one in held]
        )


@contextlib.contextmanager
def oai(_: Path) -> Iterator[Running]:
    with standing_in() as server:
        repository = Repository(server)
        whole = dict(repository.held)

        def reset() -> None:
            repository.held = dict(whole)

        yield Running(
            server.url,
            reset=reset,
            insert=lambda: repository.held.update({6: "2026-10-06"}),
            truth=lambda: [
                {
                    "identifier": f"oai:thu:{number}", "datestamp": day, "setSpec": "sach; dia_chi",
                    **({"status": "deleted"} if number in repository.deleted
                       else {"status": "active", "title": f"Địa chí {number}"}),
                }
                for number, day in repository.held.items()
            ],
        )  # fmt: skip


@contextlib.contextmanager
def table(folder: Path) -> Iterator[Running]:
    """Serve a table of SQLite by datasette."""
    path = folder / "kho.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE bang (ma INTEGER PRIMARY KEY, ten TEXT, luc TEXT)")
        connection.executemany(
            "INSERT INTO bang VALUES (?, ?, ?)",
            [
                (row["ma"], row["ten"], f"2026-09-{1 + row['ma'] % 28:02}T08:30:00")
                for row in rows()
            ],
        )

    def truth() -> Rows:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute("SELECT * FROM bang ORDER BY ma")]

    with datasette(path) as address:
        yield Running(address, truth)


@contextlib.contextmanager
def features(folder: Path) -> Iterator[Running]:
    """Serve features by pygeoapi."""
    held: Rows = [
        {
            "type": "Feature",
            "id": row["ma"],
            "geometry": {"type": "Point", "coordinates": [104.5, 21.5]},
            "properties": {"ten": row["ten"]},
        }
        for row in rows()
    ]
    (folder / "features.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": held}), encoding="utf-8"
    )
    with running("pygeoapi", folder) as address:
        yield Running(address, lambda: held)


FILES = {
    "bảng 1.csv": "Mã,Tên\r\n1,Ả\r\n2,Ấu Ơ\r\n".encode(),
    "năm 2026/bảng 2.csv": "Mã,Tên\r\n3,Ử\r\n4,Ỷ La\r\n".encode(),
    "năm 2026/quý 1/bảng 3.csv": "Mã,Tên\r\n5,Ọ\r\n6,Ẽm Thành\r\n7,Ề\r\n".encode(),
}


@contextlib.contextmanager
def store(folder: Path) -> Iterator[Running]:
    """Serve a folder by WsgiDAV: CSV files in a tree, and Parquet files beside them."""
    files = dict(FILES)
    for number in range(1, 4):
        target = io.BytesIO()
        pq.write_table(pa.table({"ma": [f"Ả {number}"] * 50}), target)
        files[f"so/so_{number}.parquet"] = target.getvalue()
    for path, body in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        os.utime(file, (1_790_000_000,) * 2)

    def truth() -> Rows:
        found = sorted(file for file in folder.rglob("*") if file.is_file())
        return [(str(file.relative_to(folder)), file.read_bytes()) for file in found]

    def insert() -> None:
        changing.write_bytes(files[name] + "9,Ẵ\r\n".encode())

    name = next(iter(FILES))
    changing = folder / name
    with running("wsgidav", folder) as address:
        yield Running(address, truth, insert, reset=lambda: changing.write_bytes(files[name]))
