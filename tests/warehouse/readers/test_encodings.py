"""Old encodings letter by letter, and files whose encoding is told by evidence or not at all."""

from __future__ import annotations

import unicodedata
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ProviderError
from tests.warehouse.readers.conftest import written
from warehouse.readers import tcvn3
from warehouse.readers.encodings import Encoding, detected, text_of

VOWELS = "aăâeêioôơuưy"
LOWER = [
    unicodedata.normalize("NFC", vowel + tone)
    for vowel, tone in product(VOWELS, ["", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323"])
] + ["đ"]
LETTERS = [letter for letter in LOWER + [letter.upper() for letter in LOWER] if letter > "\x7f"]

# Written down apart from the table that is tested: lower case, as charts of the ABC fonts have it.
ABC = """à b5 ả b6 ã b7 á b8 ạ b9 ằ bb ẳ bc ẵ bd ắ be ặ c6 ầ c7 ẩ c8 ẫ c9 ấ ca ậ cb è cc ẻ ce
ẽ cf é d0 ẹ d1 ề d2 ể d3 ễ d4 ế d5 ệ d6 ì d7 ỉ d8 ĩ dc í dd ị de ò df ỏ e1 õ e2 ó e3 ọ e4 ồ e5
ổ e6 ỗ e7 ố e8 ộ e9 ờ ea ở eb ỡ ec ớ ed ợ ee ù ef ủ f1 ũ f2 ú f3 ụ f4 ừ f5 ử f6 ữ f7 ứ f8 ự f9
ỳ fa ỷ fb ỹ fc ý fd ỵ fe ă a8 â a9 ê aa ô ab ơ ac ư ad đ ae Ă a1 Â a2 Ê a3 Ô a4 Ơ a5 Ư a6 Đ a7"""
ABC_CODES = dict(zip(ABC.split()[::2], ABC.split()[1::2], strict=True))


def test_there_are_134_letters() -> None:
    assert len(LETTERS) == 134
    assert len(ABC_CODES) == 67 + 7


@pytest.mark.parametrize("letter", LETTERS)
def test_every_letter_of_the_standard(letter: str) -> None:
    assert tcvn3.TABLES["tcvn5712-1"].count(letter) == 1
    assert tcvn3.decode(written(f"x{letter}y", "tcvn5712-1"), "tcvn5712-1") == f"x{letter}y"
    assert text_of(written(f"x{letter}y", "windows-1258"), "windows-1258") == f"x{letter}y"


@pytest.mark.parametrize("letter", sorted(ABC_CODES))
def test_every_letter_of_the_fonts(letter: str) -> None:
    code = bytes.fromhex(ABC_CODES[letter])
    for encoding in ("tcvn3", "tcvn5712-1"):
        assert tcvn3.decode(code, encoding) == letter


def test_a_letter_and_its_tone_are_put_together() -> None:
    assert tcvn3.decode(b"e\xb3 \xaa\xb3 \xa7", "tcvn3") == "é ế Đ"


def test_punctuation_of_windows_in_old_files() -> None:
    assert tcvn3.decode(b"\x93H\xb5\x94 \x96 \x85", "tcvn3") == "“Hà” – …"


@pytest.mark.parametrize("code", sorted(set(range(256)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}))
def test_a_byte_is_a_character_or_an_error(code: int) -> None:
    sign = tcvn3.TABLES["tcvn5712-1"][code]
    lost = code >= 0xA0 and sign.isupper() and sign not in "ĂÂÊÔƠƯĐ"
    if lost:
        with pytest.raises(ProviderError, match=r"not tcvn3 \(byte 2\)"):
            text_of(bytes([120, code]), "tcvn3")
    else:
        assert len(text_of(bytes([code]), "tcvn3")) == 1


TEXT = """Mã,Tên xã,Huyện,Ghi chú
1,Xã Bản Phiệt,Huyện Bảo Thắng,Nhập toàn bộ diện tích và dân số
2,Phường Kim Tân,Thành phố Lào Cai,Sáp nhập một phần – giữ tên cũ
3,Thị trấn Phố Ràng,Huyện Bảo Yên,"Đặc khu, trước là xã Lương Sơn"
"""
SHOUTED = TEXT.upper()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (TEXT.encode(), "utf-8"),
        (b"Ma,Ten\n1,a\n", "utf-8"),
        (b"", "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (unicodedata.normalize("NFD", TEXT).encode(), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (written(TEXT, "windows-1258"), "windows-1258"),
        (written(SHOUTED, "windows-1258"), "windows-1258"),
        (written(TEXT, "tcvn3"), "tcvn3"),
        (written(SHOUTED, "tcvn3"), "tcvn3"),
        (written(SHOUTED.replace("–", "-"), "tcvn5712-1"), "tcvn5712-1"),
    ],
)
def test_the_encoding_is_told_by_evidence(data: bytes, found: str) -> None:
    assert detected(data) == found
    text = unicodedata.normalize("NFC", text_of(data, "detect"))
    assert text.lower() in {TEXT.lower(), TEXT.lower().replace("–", "-"), "ma,ten\n1,a\n", ""}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (TEXT.encode("utf-16")[:-1], "is not utf-16"),
        (TEXT.encode("utf-32"), "it is UTF-32"),
        (b"Ma\0Ten\n", "it holds NUL bytes"),
        (written("Xã Bản Phiệt\n", "tcvn3"), "its words do not tell"),
        ("für über schön Straße Mädchen Köln München größte früh Tür".encode("cp1252"), "words"),
        ("été élève café théâtre forêt hôtel garçon père à là où".encode("cp1252"), "words"),
        (TEXT.encode() + b"\xff", "its words do not tell"),
        (written(TEXT, "tcvn3") + written(TEXT, "windows-1258"), "its words do not tell"),
        (bytes(range(1, 256)) * 9, "its words do not tell"),
    ],
)
def test_without_clear_evidence_the_definition_must_say_it(data: bytes, told: str) -> None:
    with pytest.raises(ProviderError, match=told) as caught:
        text_of(data, "detect")
    assert "set `encoding`" in caught.value.next_step


ALL: list[Encoding] = ["utf-8", "utf-16", "windows-1258", "tcvn3", "tcvn5712-1", "detect"]


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=300), encoding=st.sampled_from(ALL))
def test_any_bytes_give_text_or_a_told_error(data: bytes, encoding: Encoding) -> None:
    try:
        text = text_of(data, encoding)
    except ProviderError as error:
        assert error.what.startswith("the ")  # noqa: PT017 - either outcome is right
        return
    assert "\ufffe" not in text or encoding in {"utf-8", "utf-16", "detect"}


WORDS = """xã phường huyện bản lũng thôn đồng mường khương sơn thủy quyết hồng việt tỉnh tiến ươm
giữ rượu nguyễn hoà bình thượng cốc lếu đặng kiểu khoẻ quảng ngoằn huỳnh yến uống oách giặt quýt"""
SYLLABLES = st.sampled_from(WORDS.split())


@settings(deadline=None, max_examples=60)
@given(
    words=st.lists(SYLLABLES, min_size=20, max_size=60),
    encoding=st.sampled_from(["windows-1258", "tcvn3"]),
)
def test_detection_is_right_or_silent(words: list[str], encoding: str) -> None:
    text = " ".join(words)
    try:
        assert text_of(written(text, encoding), "detect") == text
    except ProviderError:
        assert len(set(words)) < 12
