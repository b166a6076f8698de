"""A document axis: every message of the window once, and nothing changed at the source."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError
from sources import pull as pull_module
from sources.edoc_list import Entry, days, entry, is_within
from sources.landing import Position, Window
from tests.sources.conftest import Puller
from tests.sources.faults import Asked, FaultServer, Reply, as_json

LIST, DOCUMENT = "/v1/syncReceivedEdocList", "/v1/getEdoc"
XML = b"<?xml version='1.0'?><edXML/>"
NOW = datetime(2026, 10, 1, 9, 30)  # noqa: DTZ001 - Vietnam time


class Axis:
    """Lists messages by the day of their update, at most 31 days a call."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.held = [
            self.entry("d-1", "2026/08/01 00:00:00"),
            self.entry("d-2", "2026/08/20 10:00:00"),
            self.entry("d-3", "2026/09/30 10:00:00"),
            self.entry("d-4", "2026/09/30 10:00:01"),
            self.entry("d-5", "2026/10/01 08:00:00"),
        ]
        server.routes[LIST] = self.listing
        server.routes[DOCUMENT] = lambda asked: Reply(XML + asked.params["docId"].encode())

    @staticmethod
    def entry(doc_id: str, updated: str) -> dict[str, Any]:
        return {
            "serviceType": "eDoc", "createdTime": "2026/08/01 00:00:00", "updatedTime": updated,
            "messageType": "edoc", "docId": doc_id, "from": "000.00.05.H63",
            "to": "000.00.00.H38", "status": 1, "statusDesc": None,
        }  # fmt: skip

    def listing(self, asked: Asked) -> Reply:
        first, last = (asked.params[name] for name in ("fromDate", "toDate"))
        span = datetime.strptime(last, "%Y/%m/%d") - datetime.strptime(first, "%Y/%m/%d")  # noqa: DTZ007 - days
        if span.days > 30:
            return as_json({"success": False, "errorCode": "20", "message": "quá 31 ngày"})
        found = [one for one in self.held if first <= one["updatedTime"][:10] <= last]
        return as_json({"success": True, "errorCode": "0", "count": len(found), "data": found})

    @property
    def windows(self) -> list[tuple[str, str]]:
        return [
            (asked.params["fromDate"], asked.params["toDate"])
            for asked in self.server.asked
            if asked.path == LIST
        ]


@pytest.fixture
def axis(server: FaultServer, puller: Puller, monkeypatch: pytest.MonkeyPatch) -> Axis:
    puller.kind = "edxml"
    puller.extra = {"classified_officer": "Chánh Văn phòng"}
    puller.fetch = {"message_type": "edoc", "start": date(2026, 8, 1)}
    puller.dataset.update(mode="incremental", cursor="ngay", overlap_minutes=60)

    now = datetime(2026, 10, 1, 9, 30)  # noqa: DTZ001 - Vietnam time
    monkeypatch.setattr(pull_module, "_now", lambda: now)
    return Axis(server)


def test_a_first_pull_lists_from_the_start_to_today_in_windows(puller: Puller, axis: Axis) -> None:
    batch = puller()
    assert axis.windows == [
        ("2026/08/01", "2026/08/31"),
        ("2026/09/01", "2026/10/01"),
    ]
    files = batch.manifest.files
    assert [file.note["docId"] for file in files] == ["d-1", "d-2", "d-3", "d-4", "d-5"]
    assert [(batch.path / file.name).read_bytes() for file in files] == [
        XML + file.note["docId"].encode() for file in files
    ]
    assert files[0].note == {
        "docId": "d-1", "createdTime": "2026/08/01 00:00:00", "updatedTime": "2026/08/01 00:00:00",
        "from": "000.00.05.H63", "to": "000.00.00.H38", "status": "1",
    }  # fmt: skip
    assert (batch.manifest.rows, batch.manifest.claimed) == (5, 5)
    assert puller.seen[-1] == (5, 5)


def test_only_reading_requests_are_made(server: FaultServer, puller: Puller, axis: Axis) -> None:
    puller()
    assert {(asked.method, asked.path) for asked in server.asked} == {
        ("GET", LIST), ("GET", DOCUMENT),
    }  # fmt: skip
    assert {asked.params["messageType"] for asked in server.asked if asked.path == LIST} == {"edoc"}
    assert axis.held


def test_a_later_pull_skips_what_the_cursor_has_passed(
    server: FaultServer, puller: Puller, axis: Axis
) -> None:
    batch = puller(Position("before", "2026-09-30T11:00:01"))
    assert axis.windows == [("2026/09/30", "2026/10/01")]
    assert [file.note["docId"] for file in batch.manifest.files] == ["d-4", "d-5"]
    assert server.paths().count(DOCUMENT) == 2


def test_a_backfill_asks_for_its_window_alone(puller: Puller, axis: Axis) -> None:
    since, until = datetime(2026, 8, 20, 10), datetime(2026, 9, 30, 10)  # noqa: DTZ001 - Vietnam time
    batch = puller(Position("before", "2026-09-30T11:00:00"), since=since, until=until)
    assert axis.windows == [("2026/08/20", "2026/09/19"), ("2026/09/20", "2026/09/30")]
    assert [file.note["docId"] for file in batch.manifest.files] == ["d-2"]
    puller(until=datetime(2026, 8, 2))  # noqa: DTZ001 - Vietnam time
    assert axis.windows[-1] == ("2026/08/01", "2026/08/01")


def test_an_entry_whose_time_cannot_be_read_is_taken(puller: Puller, axis: Axis) -> None:
    axis.held[4] = {**axis.held[4], "updatedTime": "2026/10/01 8h"}
    axis.held[3] = {key: axis.held[3][key] for key in ("docId", "updatedTime")}
    batch = puller(Position("before", "2026-09-30T11:00:01"))
    assert [file.note.get("from") for file in batch.manifest.files] == [None, "000.00.05.H63"]


def test_nothing_new_is_a_batch_without_files(puller: Puller, axis: Axis) -> None:
    axis.held = []
    assert puller().manifest.files == []


@pytest.mark.parametrize(
    ("body", "kind", "what"),
    [
        (b'{"success":false,"errorCode":"21","message":"loi tep"}', ProviderError,
         "success: false, errorCode 21: loi tep"),
        (b'\xef\xbb\xbf{"success":false,"errorCode":"15"}', ConfigurationError, "errorCode 15"),
        (b'{"success":true}', ProviderError, "JSON instead of edXML"),
        (b"<html><title>502</title>", ProviderError, r"HTML page \('502'\) instead of edXML"),
        (b"", ProviderError, r"empty answer instead of edXML \(3 attempts\)"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_document_names_the_docid(
    server: FaultServer,
    puller: Puller,
    axis: Axis,
    *,
    body: bytes,
    kind: type[HubError],
    what: str,
) -> None:
    server.routes[DOCUMENT] = lambda asked: Reply(body if asked.params["docId"] == "d-3" else XML)
    with pytest.raises(kind, match=what) as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu docId d-3"
    assert axis.held
    assert puller.left == []


def test_junk_before_the_xml_is_left_to_the_parser(
    server: FaultServer, puller: Puller, axis: Axis
) -> None:
    server.routes[DOCUMENT] = lambda _: Reply(b"\r\n--boundary\r\n" + XML)
    assert puller().manifest.rows == len(axis.held)


def wrapped(edxml: str, **more: Any) -> Reply:
    return as_json({"success": True, "data": {"docId": "d", "edxml": edxml, **more}})


@pytest.mark.parametrize("edxml", [XML.decode(), base64.encodebytes(XML).decode()])
def test_a_message_inside_json(server: FaultServer, puller: Puller, axis: Axis, edxml: str) -> None:
    server.routes[DOCUMENT] = lambda _: wrapped(edxml)
    batch = puller()
    assert batch.manifest.rows == len(axis.held)
    assert {(batch.path / file.name).read_bytes() for file in batch.manifest.files} == {XML}
    assert puller.warnings == []


def test_what_the_json_around_a_message_says_may_be_a_mark(
    server: FaultServer, puller: Puller, axis: Axis
) -> None:
    server.routes[DOCUMENT] = lambda asked: wrapped(
        XML.decode(), edocAbstract="MẬT: x" if asked.params["docId"] == "d-1" else "x"
    )
    assert puller().manifest.held == 1
    assert axis.held


def test_attachments_beside_a_message_are_told(
    server: FaultServer, puller: Puller, axis: Axis
) -> None:
    beside = [{"fileName": "a.pdf", "fileContent": "JVBERi0="}]
    server.routes[DOCUMENT] = lambda _: wrapped(XML.decode(), attachments=beside)
    puller()
    assert puller.warnings == [
        f"{len(axis.held)} attachments came beside their messages and were not kept"
    ]


def test_json_with_something_else_in_it(server: FaultServer, puller: Puller, axis: Axis) -> None:
    server.routes[DOCUMENT] = lambda _: wrapped("không có gì")
    with pytest.raises(ProviderError, match="no base64"):
        puller()
    assert axis.held


Listed = dict[str, Any]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda answer: answer.update(count=9), "counts 9 messages and names"),
        (lambda answer: answer.update(success=False, errorCode="20"), "errorCode 20"),
        (lambda answer: answer.update(data=[{"from": "x"}], count=1), "entry 1 of the list has no"),
        (lambda answer: answer.update(data=["x"], count=1), "entry 1 of the list has the wrong"),
        (lambda answer: answer.pop("data"), "no `data`"),
    ],
)
def test_a_list_that_is_wrong_names_its_days(
    server: FaultServer, puller: Puller, axis: Axis, change: Callable[[Listed], object], what: str
) -> None:
    answer: Listed = {"success": True, "count": len(axis.held), "data": axis.held}
    change(answer)
    server.routes[LIST] = lambda _: as_json(answer)
    with pytest.raises(ProviderError, match=what) as caught:
        puller()
    assert caught.value.where == "tinh/thu/thu list of 2026-08-01 to 2026-08-31"


def test_the_first_day_must_be_configured(puller: Puller, axis: Axis) -> None:
    del puller.fetch["start"]
    with pytest.raises(ConfigurationError, match=r"fetch\.start: fill it in"):
        puller()
    assert axis.held


@given(
    st.dates(date(2020, 1, 1), date(2026, 10, 1)),
    st.none() | st.datetimes(datetime(2020, 1, 1), NOW),  # noqa: DTZ001 - Vietnam time
    st.none() | st.datetimes(datetime(2020, 1, 1), NOW),  # noqa: DTZ001 - Vietnam time
    st.integers(1, 40),
)
def test_windows_cover_every_day_once(
    start: date, since: datetime | None, until: datetime | None, most: int
) -> None:
    spans = list(days(start, Window(since, until), NOW, most))
    first = since.date() if since else start
    last = (until - timedelta(microseconds=1) if until else NOW).date()
    covered = [one + timedelta(n) for one, end in spans for n in range((end - one).days + 1)]
    assert covered == [first + timedelta(n) for n in range((last - first).days + 1)]
    assert all((end - one).days < most for one, end in spans)


@pytest.mark.parametrize(
    ("updated", "taken"),
    [
        ("2026/09/30 09:59:59", False), ("2026/09/30 10:00:00", True),
        ("2026-09-30T02:59:59Z", False), ("2026-09-30T03:00:00Z", True), ("2026/09/30", True),
        ("30/09/2026 09:00:00", True), ("0001-01-01T00:00:00+14:00", True), ("", True),
    ],
)  # fmt: skip
def test_what_is_in_a_window(updated: str, *, taken: bool) -> None:
    window = Window(datetime(2026, 9, 30, 10))  # noqa: DTZ001 - Vietnam time
    assert is_within(window, Entry("d", {"updatedTime": updated})) is taken


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["docId", "from", "to", "updatedTime", "status"]), inner)
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_entry_is_read_or_refused(item: object) -> None:
    raw = msgspec.Raw(msgspec.json.encode(item))
    try:
        found = entry(raw, 1)
    except ProviderError:
        return
    assert found.doc_id
    is_within(Window(NOW, NOW), found)
