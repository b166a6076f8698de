"""Numbered pages over real HTTP: all rows or a named error, never some rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest

from hub.errors import ConfigurationError, ProviderError, TransientError
from sources.landing import Position
from tests.sources.conftest import Puller, landed_lines
from tests.sources.faults import Answerer, Asked, FaultServer, Reply, as_json


def rows(count: int, start: int = 1) -> list[dict[str, str]]:
    return [
        {"Ma": f"H38-{number:05}", "Ngay": "20260901"} for number in range(start, start + count)
    ]


def envelope(records: object, total: object, code: str = "00", message: str = "") -> Reply:
    return as_json(
        {"error_code": code, "error_message": message, "total": total, "result": records}
    )


def paged(held: list[dict[str, str]], cap: int = 1000) -> Answerer:
    def answer(asked: Asked) -> Reply:
        size = min(int(asked.params["pageSize"]), cap)
        first = (int(asked.params["page"]) - 1) * size
        return envelope(held[first : first + size], str(len(held)))

    return answer


def test_all_pages_land_in_order_whatever_thread_fetched_them(
    server: FaultServer, puller: Puller
) -> None:
    held = rows(11)
    server.routes["/rows"] = paged(held)
    batch = puller()
    assert [json.loads(line) for line in landed_lines(batch)] == held
    assert (batch.manifest.rows, batch.manifest.claimed) == (11, 11)
    assert [file.rows for file in batch.manifest.files] == [2, 2, 2, 2, 2, 1]
    assert puller.seen[-1] == (11, 11)
    assert len(server.asked) == 6


def test_an_empty_list_is_a_batch_without_files(server: FaultServer, puller: Puller) -> None:
    server.routes["/rows"] = paged([])
    batch = puller()
    assert batch.manifest.files == []
    assert batch.manifest.rows == 0


@pytest.mark.parametrize("empty", [[], None])
def test_null_is_an_empty_page(server: FaultServer, puller: Puller, empty: object) -> None:
    server.routes["/rows"] = lambda _: envelope(empty, 0)
    assert puller().manifest.rows == 0


def test_a_source_that_caps_its_page_size_in_silence_is_read_whole(
    server: FaultServer, puller: Puller
) -> None:
    puller.fetch["page_size"] = 100
    server.routes["/rows"] = paged(rows(10), cap=3)
    assert puller().manifest.rows == 10


def test_a_source_without_total_is_read_until_a_page_is_empty(
    server: FaultServer, puller: Puller
) -> None:
    puller.fetch["total"] = None
    server.routes["/rows"] = paged(rows(4))
    batch = puller()
    assert (batch.manifest.rows, batch.manifest.claimed) == (4, None)
    assert len(server.asked) == 3


def test_names_of_the_envelope_are_options(server: FaultServer, puller: Puller) -> None:
    puller.fetch = {
        "path": "/rows",
        "records": "data.items",
        "total": "data.meta.count",
        "success": {"path": "success", "values": ["true"], "message": "msg"},
        "page_parameter": "PageNumber",
        "size_parameter": "PageSize",
        "first_page": 0,
        "page_size": 2,
        "params": {"loai": "1"},
    }
    held = rows(3)

    def answer(asked: Asked) -> Reply:
        first = int(asked.params["PageNumber"]) * 2
        assert asked.params["loai"] == "1"
        data = {"items": held[first : first + 2], "meta": {"count": 3}}
        return as_json({"success": True, "data": data})

    server.routes["/rows"] = answer
    assert puller().manifest.rows == 3


@pytest.mark.parametrize("total", ["9", "7"])
def test_a_total_that_does_not_add_up_lands_nothing(
    server: FaultServer, puller: Puller, total: str
) -> None:
    held = rows(8)

    def answer(asked: Asked) -> Reply:
        first = (int(asked.params["page"]) - 1) * 2
        return envelope(held[first : first + 2], total)

    server.routes["/rows"] = answer
    with pytest.raises(ProviderError, match=f"{total} rows and sent 8"):
        puller()
    assert puller.left == []


def test_a_list_that_grows_while_read_is_read_on(server: FaultServer, puller: Puller) -> None:
    held = rows(9)

    def answer(asked: Asked) -> Reply:
        page = int(asked.params["page"])
        seen = held[:6] if page == 1 else held
        return envelope(seen[(page - 1) * 2 : page * 2], len(seen))

    server.routes["/rows"] = answer
    assert puller().manifest.rows == 9


def test_a_list_that_shrinks_while_read_is_not_believed(
    server: FaultServer, puller: Puller
) -> None:
    held = rows(8)

    def answer(asked: Asked) -> Reply:
        page = int(asked.params["page"])
        seen = held if page == 1 else held[1:]
        return envelope(seen[(page - 1) * 2 : page * 2], len(seen))

    server.routes["/rows"] = answer
    with pytest.raises(TransientError, match="shrank from 8 to 7"):
        puller()


def test_a_source_that_ignores_the_page_asked_for_is_caught(
    server: FaultServer, puller: Puller
) -> None:
    server.routes["/rows"] = lambda asked: as_json(
        {"error_code": "00", "total": 8, "page": asked.params["page"], "result": rows(2)}
    )
    with pytest.raises(ProviderError, match="repeats itself") as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu page 2"


def test_a_loop_over_several_pages_is_caught_without_a_total(
    server: FaultServer, puller: Puller
) -> None:
    puller.fetch["total"] = None

    def answer(asked: Asked) -> Reply:
        page = int(asked.params["page"]) % 3
        return as_json({"error_code": "00", "result": rows(2, start=page * 2 + 1)})

    server.routes["/rows"] = answer
    with pytest.raises(ProviderError, match="repeats itself"):
        puller()


def test_a_claim_beyond_the_page_cap_is_refused(server: FaultServer, puller: Puller) -> None:
    puller.fetch["max_pages"] = 3
    server.routes["/rows"] = paged(rows(8))
    with pytest.raises(ProviderError, match="4 pages or more"):
        puller()
    assert len(server.asked) == 1


def test_rows_claimed_and_an_empty_first_page(server: FaultServer, puller: Puller) -> None:
    server.routes["/rows"] = lambda _: envelope([], "5")
    with pytest.raises(ProviderError, match="5 rows, and this page is empty"):
        puller()


def test_an_error_inside_a_200_is_no_empty_list(server: FaultServer, puller: Puller) -> None:
    server.routes["/rows"] = lambda _: envelope([], "0", code="-1", message="Hệ thống bận")
    with pytest.raises(ProviderError, match="error_code '-1' in a 200: Hệ thống bận") as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu page 1"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<!DOCTYPE html><title>B\xe1\xba\xa3o tr\xc3\xac</title>", r"HTML page \('Bảo trì'\)"),
        (b"<html><body>dang nhap</body></html>", "HTML page instead of JSON"),
        (b"<?xml version='1.0'?><e/>", "XML instead of JSON"),
        (b"[]", "wrong shape: Expected `object`"),
        (b'{"error_code":"00","total":"1"}', "has no `result`"),
        (b'{"error_code":"00","result":[]}', "`total` should be the number of rows"),
        (b'{"error_code":"00","total":"1","result":{"Ma":"1"}}', "`result` has the wrong shape"),
        (b'{"error_code":"00","total":"1","result":["x"]}', "not a JSON object"),
        (b'{"error_code":"00","total":"1","result":[{"Ma":1,}]}', "not whole JSON"),
        (b'{"error_code":"00","total":"1","result":[{"Ma":"\xff\xfe"}]}', "not UTF-8"),
        (b'{"error_code":"00","total":"1","result":[{"Ma":"\xe1\xba"', "not UTF-8"),
        (b'{"error_code":"00","total":"1","result":' + b"[" * 9999, "nested too deeply"),
        (b"\x00\x01", "not whole JSON"),
    ],
)
def test_what_is_not_the_json_asked_for_is_named(
    server: FaultServer, puller: Puller, body: bytes, what: str
) -> None:
    server.routes["/rows"] = lambda _: Reply(body)
    with pytest.raises(ProviderError, match=what) as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu page 1"
    assert len(server.asked) == 1


def test_json_cut_in_the_middle_is_asked_for_again(server: FaultServer, puller: Puller) -> None:
    whole = paged(rows(3))

    def answer(asked: Asked) -> Reply:
        reply = whole(asked)
        first_time = sum(other.params == asked.params for other in server.asked) == 1
        return Reply(reply.body[:-9]) if first_time else reply

    server.routes["/rows"] = answer
    assert puller().manifest.rows == 3


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"error_code":"00","total":"1","result":[{"Ma', "truncated"),
        (b" \n", "empty answer instead of JSON"),
    ],
)
def test_json_that_stays_cut_is_the_providers(
    server: FaultServer, puller: Puller, body: bytes, what: str
) -> None:
    server.routes["/rows"] = lambda _: Reply(body)
    with pytest.raises(ProviderError, match=rf"{what} \(3 attempts\)"):
        puller()


def test_bom_and_pretty_printing_do_no_harm(server: FaultServer, puller: Puller) -> None:
    document = {
        "error_code": "00",
        "total": 2,
        "result": [{"Ma": "a\nb", "x": [1, {"y": " "}]}] * 2,
    }
    text = json.dumps(document, ensure_ascii=False, indent=4).replace("\n", "\r\n")
    server.routes["/rows"] = lambda _: Reply(b"\xef\xbb\xbf" + text.encode())
    assert landed_lines(puller()) == [r'{"Ma":"a\nb","x":[1,{"y":" "}]}'] * 2


def incremental(puller: Puller) -> None:
    puller.fetch.update(since_parameter="tuNgay", until_parameter="denNgay")
    puller.dataset.update(mode="incremental", cursor="ngay", overlap_minutes=60)


def windows(server: FaultServer) -> list[tuple[str | None, str | None]]:
    return [(asked.params.get("tuNgay"), asked.params.get("denNgay")) for asked in server.asked]


def test_an_incremental_pull_begins_before_the_cursor(server: FaultServer, puller: Puller) -> None:
    incremental(puller)
    server.routes["/rows"] = paged(rows(2))
    first = puller()
    second = puller(Position(first.id, "2026-10-01T08:30:00"))
    assert windows(server) == [(None, None), ("20261001073000", None)]
    assert (second.manifest.previous_batch, second.manifest.cursor_before) == (
        first.id,
        "2026-10-01T08:30:00",
    )
    assert not second.manifest.backfill


def test_a_window_by_hand_is_a_backfill(server: FaultServer, puller: Puller) -> None:
    incremental(puller)
    server.routes["/rows"] = paged(rows(2))
    position = Position("earlier", "2026-10-01T08:30:00")
    since, until = datetime(2026, 1, 1), datetime.fromisoformat("2026-02-01T00:00:00+00:00")  # noqa: DTZ001 - Vietnam time
    batch = puller(position, since=since, until=until)
    assert windows(server) == [("20260101000000", "20260201070000")]
    assert batch.manifest.backfill
    assert batch.id != puller(position).id


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda p: p.fetch.update(pagesize=2), "fetch.pagesize: Extra inputs"),
        (lambda p: p.fetch.pop("path"), "fetch.path: fill it in"),
        (lambda p: p.dataset.update(mode="incremental", cursor="ngay"), "rows since a moment"),
        (lambda p: setattr(p, "kind", "soap"), "unknown kind 'soap'"),
    ],
)
def test_a_wrong_option_is_one_clear_line(
    puller: Puller, change: Callable[[Puller], object], what: str
) -> None:
    change(puller)
    with pytest.raises(ConfigurationError, match=what):
        puller()


def test_a_window_that_the_source_cannot_be_asked_for_is_refused(puller: Puller) -> None:
    with pytest.raises(ConfigurationError, match="window of time"):
        puller(since=datetime(2026, 1, 1))  # noqa: DTZ001 - Vietnam time
