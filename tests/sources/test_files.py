"""Files by address and from a folder: landed as they came, never from elsewhere."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, HubError, ProviderError, TransientError
from sources import folder
from sources.filetypes import require
from sources.landing import LandedBatch, Position
from sources.session import missing_environment
from tests.sources.conftest import Puller
from tests.sources.faults import Asked, FaultServer, Reply, in_turn

CSV = "\ufeffMã,Tên\r\n1,Ả\r\n".encode()


def parquet() -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"ma": ["1"]}), target)
    return target.getvalue()


def packed(*members: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
WORKBOOK = packed(("xl/workbook.xml", b"<workbook/>"))
SOUND = {
    "csv": CSV,
    "tsv": b"Ma\tTen\n",
    "json": b'\xef\xbb\xbf [ {"a": 1} ]\n',
    "ndjson": b'{"a": 1}\n',
    "xml": b"<?xml version='1.0'?><a/>",
    "parquet": parquet(),
    "xlsx": WORKBOOK,
    "xls": OLE,
}


@pytest.fixture
def files(puller: Puller) -> Puller:
    puller.kind = "files"
    puller.fetch = {"format": "csv", "paths": ["/a"]}
    return puller


@pytest.fixture
def place(files: Puller, tmp_path: Path) -> Path:
    """Return the folder that the definition reads."""
    inside = tmp_path / "giao"
    inside.mkdir()
    files.fetch = {"format": "csv", "folder": {"env": "THU_FOLDER"}, "pattern": "*.csv"}
    files.environment["THU_FOLDER"] = str(inside)
    return inside


def bodies(batch: LandedBatch) -> list[bytes]:
    return [(batch.path / file.name).read_bytes() for file in batch.manifest.files]


def urls(batch: LandedBatch) -> list[str]:
    return [file.url.rpartition("/")[2] for file in batch.manifest.files]


def serve(server: FaultServer, *data: bytes) -> None:
    for name, body in zip("abc", data, strict=False):
        server.routes[f"/{name}"] = in_turn(Reply(body, headers={"ETag": '"1"'}))


@pytest.mark.parametrize("form", sorted(SOUND))
def test_each_format_lands_as_it_came(server: FaultServer, files: Puller, form: str) -> None:
    serve(server, SOUND[form])
    files.fetch["format"] = form
    batch = files()
    assert bodies(batch) == [SOUND[form]]
    (file,) = batch.manifest.files
    assert (file.media, file.name, file.rows) == (form, f"files/00000.{form}", None)
    assert (file.status, file.etag) == (200, '"1"')


def test_several_addresses_land_in_the_order_of_the_definition(
    server: FaultServer, files: Puller
) -> None:
    serve(server, CSV, CSV + b"2,b\r\n", CSV)
    files.fetch["paths"] = ["/b", f"{server.url}/a", "/c"]
    batch = files()
    assert bodies(batch) == [CSV + b"2,b\r\n", CSV, CSV]
    assert files.seen[-1] == (3, 3)


def test_a_file_that_has_not_changed_is_not_sent_again(server: FaultServer, files: Puller) -> None:
    serve(server, CSV, CSV + b"2,b\r\n")
    files.fetch["paths"] = ["/a", "/b"]
    first = files()
    server.routes["/a"] = lambda asked: Reply(
        status=304 if "If-None-Match" in asked.headers else 500
    )
    again = files(Position(first.id, None))
    assert bodies(again) == bodies(first)
    assert again.manifest.content_sha256 == first.manifest.content_sha256


def test_an_archive_that_has_not_changed_is_not_sent_again(
    server: FaultServer, files: Puller
) -> None:
    archive = packed(("a.csv", CSV), ("b.csv", CSV + b"2,b\r\n"), ("c.txt", b"x"))

    def answer(asked: Asked) -> Reply:
        same = asked.headers.get("If-None-Match") == '"1"'
        return Reply(b"" if same else archive, 304 if same else 200, {"ETag": '"1"'})

    server.routes["/a"] = answer
    files.fetch["zip"] = {"members": "*.csv"}
    first = files()
    again = files(Position(first.id, None))
    assert [asked.headers.get("If-None-Match") for asked in server.asked] == [None, '"1"']
    assert bodies(again) == bodies(first) == [CSV, CSV + b"2,b\r\n"]
    assert again.manifest.content_sha256 == first.manifest.content_sha256
    files.fetch["zip"] = {"members": "b*"}  # other members are wanted now
    assert bodies(files(Position(first.id, None))) == [CSV + b"2,b\r\n"]


WRONG = [
    ("csv", b"<!doctype html><title>\xc4\x90\xc4\x83ng</title>", r"HTML page \('Đăng'\) instead"),
    ("csv", parquet(), "Parquet instead of CSV"),
    ("csv", b"\x1f\x8b\x08\x00", "gzip instead of CSV"),
    ("xls", b"<html><table>", "HTML page instead of XLS"),
    ("xls", WORKBOOK, "ZIP or XLSX instead of XLS"),
    ("xls", OLE + "EncryptedPackage".encode("utf-16-le"), "a workbook with a password instead"),
    ("xlsx", packed(("a.csv", CSV)), "ZIP instead of XLSX"),
    ("xlsx", OLE, r"old Excel \(XLS\) instead of XLSX"),
    ("json", b'[{"a": 1}, {"a"', r"the JSON file ends in the middle \(3 attempts\)"),
    ("json", b"Ma,Ten\n", "something else instead of JSON"),
    ("ndjson", b"[1]", "something else instead of NDJSON"),
    ("xml", b"\xef\xbb\xbf<html><body>", "HTML page instead of XML"),
    ("xml", b'{"a": 1}', "JSON instead of XML"),
    ("parquet", parquet()[:-1], r"the PARQUET file ends in the middle \(3 attempts\)"),
    ("parquet", b"PARE" + bytes(20), "an encrypted Parquet file instead"),
    ("parquet", b" \n", r"empty answer instead of PARQUET \(3 attempts\)"),
]


@pytest.mark.parametrize(("form", "body", "told"), WRONG)
def test_what_a_file_is_follows_from_its_bytes(
    server: FaultServer, files: Puller, form: str, body: bytes, told: str
) -> None:
    serve(server, body)
    files.fetch["format"] = form
    with pytest.raises(ProviderError, match=told) as caught:
        files()
    assert caught.value.where == "tinh/thu/thu file 1"
    assert not files.left


def test_xml_in_utf_16_is_xml(server: FaultServer, files: Puller) -> None:
    serve(server, "<a/>".encode("utf-16"))
    files.fetch["format"] = "xml"
    assert files().manifest.files[0].media == "xml"


def test_another_host_is_not_asked(files: Puller) -> None:
    files.fetch["paths"] = ["http://example.com/a.csv"]
    with pytest.raises(ProviderError, match="another host"):
        files()


@pytest.mark.parametrize(
    ("fetch", "told"),
    [
        ({}, "give either `paths` or `folder`"),
        ({"paths": ["/a"], "folder": {"env": "A"}, "pattern": "*"}, "give either"),
        ({"folder": {"env": "A"}}, "belong together"),
        ({"paths": ["/a"], "pattern": "*"}, "belong together"),
        ({"folder": {"env": "A"}, "pattern": "../*.csv"}, r"must not have `\.\.`"),
        ({"folder": {"env": "A"}, "pattern": "a/../../*"}, r"must not have `\.\.`"),
        ({"folder": {"env": "A"}, "pattern": "/srv/*"}, "must be relative"),
        ({"folder": {"env": "A"}, "pattern": "a\\*.csv"}, "must be relative"),
        ({"folder": {"env": "A"}, "pattern": " "}, "must be relative"),
        ({"folder": "/srv", "pattern": "*"}, "folder"),
        ({"paths": ["/a"], "format": "docx"}, "format"),
        ({"paths": ["/a"], "fromat": "csv"}, "fromat"),
    ],
)
def test_a_definition_that_says_too_little_or_too_much(
    files: Puller, fetch: dict[str, Any], told: str
) -> None:
    files.fetch = {"format": "csv", **fetch}
    with pytest.raises(ConfigurationError, match=told):
        files()


def test_a_folder_lands_in_the_order_of_names(files: Puller, place: Path) -> None:
    (place / "b.csv").write_bytes(CSV)
    (place / "a.csv").write_bytes(CSV + b"2,b\r\n")
    for name in ("c.txt", ".hidden.csv", "~$a.csv", ".~lock.a.csv"):
        (place / name).write_bytes(b"x")
    (place / "d.csv").mkdir()
    batch = files()
    assert bodies(batch) == [CSV + b"2,b\r\n", CSV]
    assert [file.url for file in batch.manifest.files] == [
        "folder:THU_FOLDER/a.csv",
        "folder:THU_FOLDER/b.csv",
    ]
    assert str(place) not in (batch.path / "manifest.json").read_text()


def test_a_folder_needs_no_address(files: Puller, place: Path) -> None:
    (place / "a.csv").write_bytes(CSV)
    system = files.system.model_copy(update={"base_url": None})
    assert missing_environment(system, {}) == ["THU_FOLDER"]
    assert missing_environment(system, {"THU_FOLDER": str(place)}) == []


def test_folders_below_and_names_of_people(files: Puller, place: Path) -> None:
    files.fetch["pattern"] = "20*/**/gi*.csv"
    below = place / "2026" / "Quý III"
    below.mkdir(parents=True)
    (below / "giá tháng 9.csv").write_bytes(CSV)
    assert urls(files()) == ["giá tháng 9.csv"]


def test_the_same_files_make_the_same_content(files: Puller, place: Path) -> None:
    (place / "a.csv").write_bytes(CSV)
    first = files()
    os.utime(place / "a.csv", (0, 0))
    (place / "a.csv").rename(place / "b.csv")
    again = files()
    assert again.manifest.content_sha256 == first.manifest.content_sha256
    assert again.id == first.id
    (place / "b.csv").write_bytes(CSV + b"2,b\r\n")
    assert files().manifest.content_sha256 != first.manifest.content_sha256


def test_only_files_changed_since_the_cursor(files: Puller, place: Path) -> None:
    files.dataset = {"mode": "incremental", "cursor": "ngay"}
    for name, hour in (("cu.csv", 0), ("moi.csv", 1), ("sau.csv", 2)):
        (place / name).write_bytes(CSV)
        moment = datetime(2026, 9, 1, hour, 30, tzinfo=UTC).timestamp()
        os.utime(place / name, (moment, moment))
    assert len(files().manifest.files) == 3
    # 08:30 in Vietnam is 01:30 UTC.
    assert urls(files(Position("b", "2026-09-01T08:30:00"))) == ["moi.csv", "sau.csv"]
    assert urls(files(Position("b", "2026-09-01T12:00:00"))) == []
    with pytest.raises(ConfigurationError, match="window of time"):
        files(since=datetime(2026, 9, 1), until=datetime(2026, 9, 2))  # noqa: DTZ001 - Vietnam time


def test_an_address_cannot_be_asked_for_what_is_new(files: Puller) -> None:
    files.dataset = {"mode": "incremental", "cursor": "ngay"}
    with pytest.raises(ConfigurationError, match="mode: full"):
        files()


def escape_by_link(place: Path) -> None:
    (place.parent / "ngoai.csv").write_bytes(CSV)
    (place / "a.csv").symlink_to(place.parent / "ngoai.csv")


def escape_by_folder(place: Path) -> None:
    outside = place.parent / "ngoai"
    outside.mkdir()
    (outside / "a.csv").write_bytes(CSV)
    (place / "trong").symlink_to(outside)


def dangle(place: Path) -> None:
    (place / "a.csv").symlink_to(place / "b")


def loop(place: Path) -> None:
    (place / "a.csv").symlink_to(place / "a.csv")


def pipe(place: Path) -> None:
    os.mkfifo(place / "a.csv")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (escape_by_link, "a.csv is a link that leads out of the folder"),
        (escape_by_folder, "trong/a.csv is a link that leads out of the folder"),
        (dangle, "or nowhere"),
        (loop, "or nowhere"),
        (pipe, "is no regular file"),
        (lambda place: (place / "a.txt").write_bytes(CSV), "no file fits '\\*"),
    ],
)
def test_a_folder_that_leads_elsewhere_or_holds_nothing(
    files: Puller, place: Path, make: Any, told: str
) -> None:
    files.fetch["pattern"] = "*/*.csv" if make is escape_by_folder else "*.csv"
    make(place)
    with pytest.raises(ProviderError, match=told) as caught:
        files()
    assert caught.value.where == "tinh/thu/thu folder of THU_FOLDER"


def test_a_link_within_the_folder_is_read(files: Puller, place: Path) -> None:
    (place / "a.bin").write_bytes(CSV)
    (place / "a.csv").symlink_to("a.bin")
    assert bodies(files()) == [CSV]


@pytest.mark.parametrize("value", ["giao", "/khong/co"])
def test_a_folder_that_is_none_is_not_named(files: Puller, place: Path, value: str) -> None:
    files.environment["THU_FOLDER"] = value
    with pytest.raises(ConfigurationError, match="not the absolute path of a folder") as caught:
        files()
    assert "/khong/co" not in str(caught.value)
    assert place.exists()


def test_a_file_too_large_or_one_too_many(files: Puller, place: Path) -> None:
    (place / "a.csv").write_bytes(CSV)
    files.limits = {"max_body": 5}
    with pytest.raises(ProviderError, match="more than 5 are not read") as caught:
        files()
    assert caught.value.where == "tinh/thu/thu a.csv"
    (place / "b.csv").write_bytes(CSV)
    files.fetch["max_files"] = 1
    with pytest.raises(ProviderError, match="2 files fit"):
        files()


def test_a_wrong_file_in_a_folder_is_named(files: Puller, place: Path) -> None:
    (place / "a.csv").write_bytes(OLE)
    with pytest.raises(ProviderError, match="old Excel") as caught:
        files()
    assert caught.value.where == "tinh/thu/thu a.csv"


def test_a_file_that_changes_or_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    (entry,) = folder.found(str(tmp_path), "*")
    real, states = os.fstat, []

    def fstat(handle: int) -> os.stat_result:
        states.append(real(handle))
        if len(states) == 1:
            (tmp_path / "a.csv").write_bytes(CSV * 2)
        return states[-1]

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(TransientError, match="changed while it was read"):
        folder.read(entry, 1000)
    (tmp_path / "a.csv").unlink()
    with pytest.raises(TransientError, match="No such file"):
        folder.read(entry, 1000)
    (tmp_path / "a.csv").symlink_to("/etc/hostname")
    with pytest.raises(TransientError, match="cannot be read"):
        folder.read(entry, 1000)


def test_the_members_of_an_archive_land_one_by_one(server: FaultServer, files: Puller) -> None:
    data = packed(
        ("nam/b.csv", CSV), ("a.csv", CSV + b"2,b\r\n"), ("doc.txt", b"x"),
        ("__MACOSX/._a.csv", b"\0"), (".x.csv", b"\0"),
    )  # fmt: skip
    serve(server, data)
    files.fetch["zip"] = {"members": "*.csv"}
    batch = files()
    assert bodies(batch) == [CSV + b"2,b\r\n", CSV]
    assert [file.url.rpartition("#")[2] for file in batch.manifest.files] == ["a.csv", "nam/b.csv"]
    assert [file.name for file in batch.manifest.files] == ["files/00000.csv", "files/00001.csv"]


def test_archives_in_a_folder(files: Puller, place: Path) -> None:
    (place / "a.zip").write_bytes(packed(("a.xlsx", WORKBOOK)))
    files.fetch |= {"format": "xlsx", "pattern": "*.zip", "zip": {"members": "*"}}
    assert bodies(files()) == [WORKBOOK]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (packed(("a.csv", packed(("b.csv", CSV)))), "member a.csv: ZIP or XLSX instead of CSV"),
        (packed(("a.csv", b"<html>")), "member a.csv: HTML page instead"),
        (CSV, "the file is no ZIP"),
        (packed(("a.csv", CSV))[:-9], r"the ZIP ends in the middle or is damaged \(3 attempts\)"),
        (packed(("../a.csv", CSV)), "name leads elsewhere"),
    ],
)
def test_an_archive_that_is_not_as_agreed(
    server: FaultServer, files: Puller, body: bytes, told: str
) -> None:
    serve(server, body)
    files.fetch["zip"] = {"members": "*.csv"}
    with pytest.raises(HubError, match=told) as caught:
        files()
    assert caught.value.where == "tinh/thu/thu file 1"
    assert not files.left


@settings(deadline=None, max_examples=300)
@given(
    form=st.sampled_from(sorted(SOUND)),
    start=st.sampled_from([b"", b"PK\x05\x06", b"[", b"\xef\xbb\xbf", *SOUND.values()]),
    put=st.binary(max_size=60),
    cut=st.integers(0, 60),
)
def test_any_bytes_are_the_format_or_told(form: Any, start: bytes, put: bytes, cut: int) -> None:
    try:
        require(form, start[: max(0, len(start) - cut)] + put)
    except ProviderError as error:
        assert form.upper() in error.what  # noqa: PT017 - either outcome is right
