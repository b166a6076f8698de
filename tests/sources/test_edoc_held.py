"""A state secret that comes by is nowhere on the disk, and the named officer is told."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import zstandard

from hub.errors import ConfigurationError, ProviderError, TransientError
from sources.kinds import check_spec
from sources.landing import Landing, Position, Window
from sources.pull import pull
from tests.sources.conftest import Puller
from tests.sources.faults import FaultServer, Reply, as_json

LIST, DOCUMENT = "/v1/syncReceivedEdocList", "/v1/getEdoc"
OFFICER = "Chánh Văn phòng Ủy ban nhân dân tỉnh"
WORDS = "bố trí trận địa khu vực 7"


def document(subject: str, secret: str = "") -> bytes:
    return (
        f"<?xml version='1.0'?><edXML><MessageHeader><Subject>{subject}</Subject>"
        f"<OtherInfo><Secret>{secret}</Secret></OtherInfo></MessageHeader></edXML>"
    ).encode()


class Axis:
    """Lists what it holds, whatever is asked."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.held: dict[str, bytes | Reply] = {
            "d-1": document("Họp giao ban"),
            "d-2": document(WORDS, "Tối mật"),
            "d-3": document("Rà soát dữ liệu"),
        }
        self.more: dict[str, dict[str, Any]] = {}
        server.routes[LIST] = lambda _: self.listing()
        server.routes[DOCUMENT] = lambda asked: self.answer(asked.params["docId"])

    def listing(self) -> Reply:
        data = [
            {"docId": doc_id, "from": "000.00.05.H63", "updatedTime": "2026/08/01 00:00:00",
             **self.more.get(doc_id, {})}
            for doc_id in self.held
        ]  # fmt: skip
        return as_json({"success": True, "count": len(data), "data": data})

    def answer(self, doc_id: str) -> Reply:
        found = self.held[doc_id]
        return found if isinstance(found, Reply) else Reply(found)


@pytest.fixture
def axis(server: FaultServer, puller: Puller) -> Axis:
    puller.kind = "edxml"
    puller.fetch = {"message_type": "edoc", "start": date(2026, 8, 1), "window_days": 3650}
    puller.extra = {"classified_officer": OFFICER}
    return Axis(server)


def texts(root: Path) -> dict[Path, bytes]:
    """Return every file below a folder."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def record(puller: Puller) -> Path:
    (found,) = (puller.root.parent / "held").rglob("*.json")
    return found


def test_a_secret_is_not_stored_and_the_counts_agree(puller: Puller, axis: Axis) -> None:
    batch = puller()
    manifest = batch.manifest
    assert [file.note["docId"] for file in manifest.files] == ["d-1", "d-3"]
    assert (manifest.claimed, manifest.rows, manifest.held) == (3, 2, 1)
    secret = document(WORDS, "Tối mật")
    assert axis.held["d-2"] == secret
    everything = texts(puller.root.parent)
    assert len(everything) == 4  # two messages, a manifest, a record
    for path, data in everything.items():
        assert secret not in data, path
        assert WORDS.encode() not in data, path
    assert b"d-2" not in b"".join(texts(puller.root).values())


def test_a_pull_that_is_cut_off_keeps_no_secret_for_the_next(
    server: FaultServer, puller: Puller, axis: Axis
) -> None:
    """What is kept to go on with lies on the disk too."""
    puller.limits = {"threads": 1, "retries": 0}
    axis.more["d-4"] = {"edocAbstract": f"MẬT: {WORDS}"}
    axis.held |= {"d-4": document(WORDS), "d-5": Reply(b"busy", 503)}
    with pytest.raises(TransientError, match="docId d-5"):
        puller()
    (journal,) = puller.folder.glob(".journal*")
    kept = bodies(journal.read_bytes())
    assert kept == [document("Họp giao ban"), document("Rà soát dữ liệu")]
    axis.held["d-5"] = document("Sau")
    server.asked.clear()
    batch = puller()
    assert [file.note["docId"] for file in batch.manifest.files] == ["d-1", "d-3", "d-5"]
    assert (batch.manifest.held, batch.manifest.resumed) == (2, 2)
    assert [asked.params.get("docId") for asked in server.asked] == [None, "d-2", "d-5"]


def bodies(journal: bytes) -> list[bytes]:
    """Return the answers that a journal keeps."""
    head, rest = journal.split(b"\n", 1)
    assert b"subject" in head
    found = []
    while rest:
        about, rest = rest.split(b"\n", 1)
        size = json.loads(about)["size"]
        found.append(zstandard.ZstdDecompressor().decompress(rest[:size]))
        rest = rest[size:]
    return found


def test_the_officer_is_named_and_the_record_says_what_to_look_for(
    puller: Puller, axis: Axis
) -> None:
    assert axis.held
    puller()
    (line,) = puller.warnings
    assert line.startswith("1 message is marked as a state secret (Tối mật 1) and not stored")
    assert OFFICER in line
    path = record(puller)
    found = json.loads(path.read_bytes())
    assert found["doc_id"] == "d-2"
    assert found["sender"] == "000.00.05.H63"
    assert (found["level"], found["marked_in"]) == ("Tối mật", "Secret")
    assert found["bytes"] == len(document(WORDS, "Tối mật"))
    assert len(found["sha256"]) == 64
    assert path.parent == puller.root.parent / "held" / "tinh" / "thu" / "thu"


def test_nobody_else_may_read_the_record(puller: Puller, axis: Axis) -> None:
    assert axis.held
    puller()
    path = record(puller)
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in list(path.parents)[:4]:
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_what_the_list_says_is_enough_not_to_fetch(
    server: FaultServer, puller: Puller, axis: Axis
) -> None:
    axis.more["d-3"] = {"doMat": "Mật"}
    batch = puller()
    assert batch.manifest.held == 2
    asked = [one.params["docId"] for one in server.asked if one.path == DOCUMENT]
    assert sorted(asked) == ["d-1", "d-2"]
    assert "(Mật 1, Tối mật 1)" in puller.warnings[0]


def test_the_officer_is_told_although_the_pull_fails_behind_it(puller: Puller, axis: Axis) -> None:
    axis.held["d-9"] = Reply(b"<html><title>502</title>")
    with pytest.raises(ProviderError, match="HTML page"):
        puller()
    assert OFFICER in puller.warnings[0]
    assert record(puller).is_file()
    assert WORDS.encode() not in b"".join(texts(puller.root.parent).values())


def test_told_again_each_time_it_is_listed_with_one_record(puller: Puller, axis: Axis) -> None:
    assert axis.held
    first = puller()
    written = record(puller).read_bytes()
    puller(Position(first.id))
    assert len(puller.warnings) == 2
    assert record(puller).read_bytes() == written


def test_reminded_every_night_until_it_is_settled(puller: Puller, axis: Axis) -> None:
    first = puller()
    del axis.held["d-2"]
    puller(Position(first.id))
    assert puller.warnings[1].startswith(
        f"1 message was held back earlier as a state secret and not settled yet; remind {OFFICER}"
    )
    listing, puller.server.routes[LIST] = puller.server.routes[LIST], lambda _: Reply(b"<html>")
    with pytest.raises(ProviderError):
        puller(Position(first.id))  # a night on which the axis is broken reminds too
    assert puller.warnings.pop() == puller.warnings[1]
    puller.server.routes[LIST] = listing
    axis.held["d-4"] = document(WORDS, "Mật")
    puller(Position(first.id))
    assert "(Mật 1) and not stored, and 1 held back earlier not settled yet" in puller.warnings[2]
    for path in (puller.root.parent / "held").rglob("*.json"):
        path.write_text(json.dumps({**json.loads(path.read_bytes()), "settled": True}))
    batch = puller(Position(first.id))
    assert batch.manifest.held == 1
    assert len(puller.warnings) == 3


def test_a_message_that_the_officer_released_is_landed(puller: Puller, axis: Axis) -> None:
    puller()
    path = record(puller)
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "released": True}))
    batch = puller()
    assert (batch.manifest.rows, batch.manifest.held) == (3, 0)
    assert len(puller.warnings) == 1
    # The release is for those bytes, not for whatever comes under that id.
    axis.held["d-2"] = document(WORDS + " và 8", "Tối mật")
    assert puller().manifest.held == 1
    assert len(list(path.parent.glob("*.json"))) == 2


def test_a_damaged_record_releases_nothing(puller: Puller, axis: Axis) -> None:
    assert axis.held
    puller()
    record(puller).write_bytes(b'{"released": true')
    assert puller().manifest.held == 1
    assert json.loads(record(puller).read_bytes())["released"] is False


def test_a_lost_message_is_not_taken_for_a_held_one(puller: Puller, axis: Axis) -> None:
    landing = Landing(puller.root)
    with landing.open("tinh/thu", "thu", Position(), Window()) as batch:
        batch.claim(3)
        batch.hold()
        with pytest.raises(ProviderError, match="has 3 rows and sent 1"):
            batch.seal()
    assert axis.held


def test_held_messages_are_part_of_what_a_batch_is(puller: Puller, axis: Axis) -> None:
    axis.held = {"d-2": axis.held["d-2"]}
    held = puller()
    axis.held = {}
    assert puller().id != held.id


def test_a_source_that_writes_another_word_for_none(puller: Puller, axis: Axis) -> None:
    axis.held["d-1"] = document("Họp", "1")
    assert puller().manifest.held == 2
    puller.fetch["ordinary_marks"] = ["1"]
    assert puller().manifest.held == 1


def test_the_officer_must_be_named(puller: Puller, axis: Axis) -> None:
    assert axis.held
    puller.extra = {}
    with pytest.raises(ConfigurationError, match="kind edxml needs `classified_officer`"):
        check_spec(puller.system)


def test_a_folder_that_cannot_be_written_stops_the_pull(puller: Puller, axis: Axis) -> None:
    assert axis.held
    (puller.root.parent / "held").write_text("in the way")
    with pytest.raises(ConfigurationError, match="cannot write"):
        puller()


def test_a_pull_without_a_listener_still_holds(puller: Puller, axis: Axis) -> None:
    assert axis.held
    system = puller.system
    batch = pull(
        system, system.datasets[0], position=Position(), landing=Landing(puller.root),
        environment=puller.all_values,
    )  # fmt: skip
    assert batch.manifest.held == 1
