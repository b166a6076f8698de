"""Pulls that are cut off: a small list, a server that dies at a page of it, what is left then.

What does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.errors import HubError
from tests.sources.conftest import Puller
from tests.sources.faults import Answerer, Asked, FaultServer, Reply, as_json

PAGES, SIZE = 8, 2
ROWS = [{"ma": str(number), "ten": "Đăng ký khai sinh"} for number in range(PAGES * SIZE)]


def page_of(rows: list[dict[str, str]], number: int, total: int | None = None) -> Reply:
    begin = (number - 1) * SIZE
    total = len(rows) if total is None else total
    return as_json({"error_code": "00", "total": total, "result": rows[begin : begin + SIZE]})


def healthy(asked: Asked) -> Reply:
    return page_of(ROWS, int(asked.params["page"]))


def dying(at: int, reply: Callable[[], Reply], then: Answerer = healthy) -> Answerer:
    """Answer as told from one page on, well before it."""
    return lambda asked: reply() if int(asked.params["page"]) >= at else then(asked)


def out() -> Reply:
    return Reply(b"busy", 503)


def pages(server: FaultServer) -> list[int]:
    found = sorted(int(asked.params["page"]) for asked in server.asked)
    server.asked.clear()
    return found


def journals(puller: Puller) -> list[Path]:
    return sorted(puller.folder.glob(".journal*"))


def cut_off(puller: Puller, at: int = 6, reply: Callable[[], Reply] = out) -> None:
    """Have a pull fail at a page and leave what came before it."""
    puller.server.routes["/rows"] = dying(at, reply)
    with pytest.raises(HubError):
        puller()
    puller.server.asked.clear()
    puller.server.routes["/rows"] = healthy


LIST = {"path": "/rows", "records": "result", "total": "total", "success": {}}
STILL = {**LIST, "paging": {"kind": "page", "stands_still": True, "page_size": SIZE}}
