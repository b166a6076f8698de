"""Archives: judged before they are unpacked, counted while they are."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import HubError, ProviderError
from sources import archives
from sources.archives import members, unpack


def packed(*found: tuple[str | zipfile.ZipInfo, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how) as archive:
        for name, content in found:
            entry = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            archive.writestr(entry, content, how)
    return target.getvalue()


def unpacked(data: bytes, pattern: str = "*", most: int = 2**26) -> dict[str, bytes]:
    return dict(unpack(data, pattern, most_files=3, most_bytes=most))


def test_members_are_chosen_by_pattern_and_sorted() -> None:
    data = packed(("c/b.csv", b"2"), ("a.csv", b"1"), ("a.txt", b"3"), ("c/", b""))
    assert list(unpacked(data, "*.csv").items()) == [("a.csv", b"1"), ("c/b.csv", b"2")]
    assert members(data, "c/*", most_files=9, most_bytes=9) == ["c/b.csv"]


def test_names_in_utf_8_that_do_not_say_so() -> None:
    data = packed(("Giá.csv", b"1"))
    plain = data.replace(b"\x00\x08\x08\x00", b"\x00\x00\x08\x00")
    assert plain != data
    assert list(unpacked(plain, "Giá*")) == ["Giá.csv"]


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("a.csv")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def encrypted() -> bytes:
    data = bytearray(packed(("a.csv", b"1"), how=zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def lying() -> bytes:
    """Say in both heads that a member of 20 bytes has 4."""
    data = packed(("a.csv", bytes(20)), how=zipfile.ZIP_STORED)
    return data.replace((20).to_bytes(4, "little") * 2, (4).to_bytes(4, "little") * 2)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        *[
            (packed((name, b"1")), "name leads elsewhere")
            for name in ("../a", "/etc/a", "a/../../b", "..\\a", "C:\\a", "\\\\host\\a", "a\nb")
        ],
        (packed((link(), b"/etc/passwd")), "a member that is a link"),
        (encrypted(), "needs a password"),
        (packed(*((f"{n}.csv", b"1") for n in range(4))), "4 members of the ZIP fit"),
        (packed(), "none of the ZIP's 0 members fits"),
        (packed(("a.csv", bytes(2**25))), "more than 300 times"),
        (packed(("a.csv", b"1"))[:-5], "ends in the middle"),
        (b"", "is no ZIP"),
        (lying(), r"is damaged|instead of 4"),
        (
            packed(("a.csv", b"1")).replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0\x61\0"),
            "packed in a way that is not supported",
        ),
    ],
)
def test_a_hostile_or_damaged_archive_is_told(data: bytes, told: str) -> None:
    with pytest.raises(ProviderError, match=told):
        unpacked(data)


def test_an_archive_of_very_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    with pytest.raises(ProviderError, match="has 3 members"):
        unpacked(packed(*((f"{n}.csv", b"1") for n in range(3))))


def test_all_members_together_are_counted() -> None:
    data = packed(("a", bytes(600)), ("b", bytes(600)))
    assert len(unpacked(data, most=1200)) == 2
    with pytest.raises(ProviderError, match="inflates to more than 1199 bytes"):
        unpacked(data, most=1199)
    # One that states a small size and inflates to a large one.
    small = data.replace((600).to_bytes(4, "little"), (6).to_bytes(4, "little"))
    with pytest.raises(ProviderError, match=r"damaged|instead of 6"):
        unpacked(small, most=1199)


def test_two_members_of_one_name() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed(("a", b"1"), ("a", b"2"))
    with pytest.raises(ProviderError, match="two members of one name"):
        unpacked(data)


SOUND = {"a.csv": b"Ma,Ten\n" * 40, "b/c.csv": bytes(range(256))}
ARCHIVE = packed(*SOUND.items())


@settings(deadline=None, max_examples=200)
@given(
    place=st.integers(0, len(ARCHIVE)),
    length=st.integers(0, 30),
    put=st.binary(max_size=30),
    tail=st.integers(0, 40),
)
def test_a_spoilt_archive_gives_its_members_or_a_told_error(
    place: int, length: int, put: bytes, tail: int
) -> None:
    data = ARCHIVE[:place] + put + ARCHIVE[place + length :]
    try:
        found = unpacked(data[: len(data) - tail])
    except HubError:
        return
    # What comes out was checked against its CRC; only names may have been spoilt.
    assert set(found.values()) <= set(SOUND.values())
    assert found


@settings(deadline=None, max_examples=100)
@given(data=st.binary(max_size=200))
def test_any_bytes_give_a_told_error(data: bytes) -> None:
    with pytest.raises(HubError):
        unpacked(b"PK\x05\x06" + data)
