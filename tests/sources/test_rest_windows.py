"""Kind rest by windows: split where the source caps or refuses, paged within, no row twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from hub.errors import ProviderError
from tests.sources.answers import Rows, envelope, found, incremental, paging
from tests.sources.conftest import Puller
from tests.sources.faults import Answerer, Asked, FaultServer, Reply, as_json

DATED = [{"Ma": number, "Ngay": f"2026-09-{1 + number % 28:02}"} for number in range(60)]


def dated(cap: int, refuse: Callable[[], Reply] | None = None) -> Answerer:
    def answer(asked: Asked) -> Reply:
        first, last = asked.params["tu"], asked.params["den"]
        held = [row for row in DATED if first <= str(row["Ngay"]) <= last]
        if refuse is not None and len(held) > cap:
            return refuse()
        return envelope(held[:cap], code="0", total=len(held))

    return answer


def windowed(rest: Puller, **more: Any) -> None:
    incremental(rest, time_format="%Y-%m-%d")
    paging(
        rest, kind="date_windows", start="2026-09-01", days=30, step="day",
        until_included=True, **more,
    )  # fmt: skip


def wide(rest: Puller) -> Rows:
    since, until = datetime(2026, 9, 1), datetime(2026, 10, 1)  # noqa: DTZ001 - Vietnam time
    return sorted(found(rest, since=since, until=until), key=lambda row: row["Ma"])


REFUSALS: dict[str, tuple[dict[str, Any], Callable[[], Reply] | None]] = {
    "cap": ({"cap": 9}, None),
    "status": ({"refusals": ["413"]}, lambda: Reply(b"", 413)),
    "code": ({"refusals": ["QUA_NHIEU"]}, lambda: as_json({"code": "QUA_NHIEU"})),
}


@pytest.mark.parametrize("how", REFUSALS)
def test_windows_split_when_the_source_caps_or_refuses(
    server: FaultServer, rest: Puller, how: str
) -> None:
    options, refuse = REFUSALS[how]
    windowed(rest, **options)
    rest.fetch["success"] = {"path": "code", "values": ["0"]}
    server.routes["/rows"] = dated(9, refuse)
    assert wide(rest) == DATED
    assert len(server.asked) > 5


def test_a_refusal_that_is_not_listed_is_an_error(server: FaultServer, rest: Puller) -> None:
    windowed(rest, refusals=["413"])
    server.routes["/rows"] = dated(9, lambda: Reply(b"", 422))
    with pytest.raises(ProviderError, match="HTTP 422"):
        wide(rest)


def test_a_row_in_two_windows_lands_once_by_its_key(server: FaultServer, rest: Puller) -> None:
    """The definition says that the end is left out, and the source includes it."""
    windowed(rest, cap=9, inner={"kind": "none", "key": "Ma"})
    rest.fetch["paging"]["until_included"] = False
    server.routes["/rows"] = dated(9)
    assert wide(rest) == DATED


def test_windows_are_paged_within(server: FaultServer, rest: Puller) -> None:
    windowed(rest, cap=20, inner={"kind": "offset", "key": "Ma", "page_size": 5})
    rest.fetch["total"] = "total"

    def answer(asked: Asked) -> Reply:
        held = [r for r in DATED if asked.params["tu"] <= str(r["Ngay"]) <= asked.params["den"]]
        first, size = int(asked.params["offset"]), int(asked.params["limit"])
        return envelope(held[first : first + size], total=len(held))

    server.routes["/rows"] = answer
    assert wide(rest) == DATED
    assert rest(since=datetime(2026, 9, 1)).manifest.claimed == 60  # noqa: DTZ001 - Vietnam time
