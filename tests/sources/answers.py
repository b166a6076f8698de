"""Lists of a JSON API that the tests of kind rest ask for, and how a test describes them.

What does not belong here: tests; and the server itself, which is ``faults.py``.
"""

from __future__ import annotations

import json
from typing import Any

from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Answerer, Asked, Reply, as_json

Rows = list[dict[str, Any]]


def rows(count: int) -> Rows:
    return [{"Ma": number, "Ten": f"Hồ sơ {number}"} for number in range(1, count + 1)]


def paging(rest: Puller, **options: Any) -> None:
    rest.fetch["paging"] = options


def found(rest: Puller, **window: Any) -> Rows:
    return [json.loads(line) for line in landed_lines(rest(**window))]


def envelope(items: Rows, **more: Any) -> Reply:
    return as_json({"data": {"items": items}, **more})


def by_offset(held: Rows) -> Answerer:
    def answer(asked: Asked) -> Reply:
        first, size = int(asked.params["offset"]), int(asked.params["limit"])
        return envelope(held[first : first + size], total=len(held))

    return answer


def incremental(rest: Puller, **options: Any) -> None:
    rest.fetch.update(since_parameter="tu", until_parameter="den", **options)
    rest.dataset.update(mode="incremental", cursor="ngay")
