"""Forms of cells that stay text: what they ordinarily look like, and how each is cleaned, as SQL.

Data flow: SQL of a raw text -> :func:`common` (what no form wants to keep) -> the form's own
cleaning in :data:`TEXTS`; each step names its repairs with a condition. ``normalise`` puts them
together. The small makers of SQL that the forms are written with stand here too.

Run it alone: ``python -m warehouse.normalise so_dien_thoai VARCHAR '+84 612 345 678'``.

What does not belong here: numbers, dates and marks (``value_forms``), when cleaning is needed at
all (``normalise``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Repairs = list[tuple[str, str]]
"""Name of a repair, and SQL of the condition under which it was made; NULL counts as not made."""

# Characters that no cleaning changes in free text; all of them are stable under NFC.
_PLAIN = "!-~ÀÁÈ-ÊÌÍÒ-ÕÙÚÝàãè-êìíò-õùúýĂăĐđĨĩŨũƠơƯưẠ-ỹ×"
_LEADS, _SECONDS = "ÂÃáâ", "“”…°²³½•"
_LONG = "–—"
"""What only misread text has one after the other, a lead and a second (``mojibake``)."""


def _word(seconds: str) -> str:
    """Return the pattern of a text without blanks that is clean, and not misread either.

    So one pattern answers both questions for nearly every cell: looking for misread text alone
    was 1.2 s of a million rows of 20 cells.
    """
    return f"(?:(?:[{seconds}]|[{_LEADS}]*[{_PLAIN}])+[{_LEADS}]*|[{_LEADS}]+)"


_INVISIBLE = r"[\x{ad}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{feff}]+"
_BLANK = r"[\x00-\x20\x7f-\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"
DASHES = "–—―−‐‑‒"
PLACEHOLDERS = frozenset({
    "-", "--", "---", "–", "—", ".", "..", "...", "…", "null", "(null)", "none", "n/a", "undefined",
    "chưa cập nhật", "không có",
})  # fmt: skip


def listed(values: Sequence[str]) -> str:
    """Return values as the inside of an SQL list."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def among(text: str, values: Sequence[str]) -> str:
    """Return SQL that is true where the text is one of the values.

    Not ``IN``: the optimiser makes a join of a long list, and then evaluates ``text`` for every
    row, whatever ``CASE`` it stands in.
    """
    return f"list_contains([{listed(values)}], {text})"


def matches(text: str, pattern: str) -> str:
    """Return SQL that is true where the whole text matches."""
    return f"regexp_full_match({text}, {listed([pattern])})"


def let(name: str, text: str, body: str) -> str:
    """Return SQL of ``body`` with ``name`` bound to ``text``, which then stands there only once."""
    return f"list_transform([{text}], lambda {name}: {body})[1]"


def common(raw: str) -> tuple[Repairs, str]:
    """Clean what no form wants to keep."""
    # nfc_normalize ends a text at a NUL.
    visible = f"regexp_replace(replace({raw}, chr(0), ' '), '{_INVISIBLE}', '', 'g')"
    composed = f"nfc_normalize({visible})"
    spaced = f"trim(regexp_replace({composed}, '{_BLANK}', ' ', 'g'))"
    crossed = f"translate({spaced}, 'ÐðƉɖ', 'ĐđĐđ')"
    straight = f"translate({crossed}, '’‘ʼ‛', '''''''''')"
    found = [
        ("nfc", f"{composed} <> {visible}"),
        ("blanks", f"{visible} <> {raw} OR {spaced} <> {composed}"),
        ("d_lookalike", f"{crossed} <> {spaced}"),
        ("apostrophe", f"{straight} <> {crossed}"),
    ]
    return found, straight


def _van_ban(text: str) -> tuple[Repairs, str]:
    """Free text: nothing more to do."""
    return [], text


def _ma(text: str) -> tuple[Repairs, str]:
    """Identifier: one kind of hyphen, no blanks; what they parted may need composing again."""
    dashed = f"translate({text}, '{DASHES}', '{'-' * len(DASHES)}')"
    joined = f"nfc_normalize(replace({dashed}, ' ', ''))"
    return [("hyphen", f"{dashed} <> {text}"), ("blanks", f"contains({text}, ' ')")], joined


def _so_ky_hieu(text: str) -> tuple[Repairs, str]:
    """Document number: one kind of hyphen, no blanks round its separators."""
    dashed = f"translate({text}, '{DASHES}', '{'-' * len(DASHES)}')"
    joined = f"nfc_normalize(regexp_replace({dashed}, ' ?([/,;-]) ?', '\\1', 'g'))"
    return [("hyphen", f"{dashed} <> {text}"), ("blanks", f"{joined} <> {dashed}")], joined


def _digits(text: str) -> tuple[Repairs, str]:
    """Number that is a name: a spreadsheet's ``.0`` and blanks or dots between digits go."""
    dashed = f"translate({text}, '{DASHES}', '{'-' * len(DASHES)}')"
    whole = f"regexp_replace({dashed}, '^([0-9]+)\\.0$', '\\1')"
    joined = (
        f"CASE WHEN {matches(whole, '[0-9 .]+')} THEN translate({whole}, ' .', '') ELSE {whole} END"
    )
    found = [
        ("hyphen", f"{dashed} <> {text}"),
        ("number_form", f"{whole} <> {dashed}"),
        ("blanks", f"({joined}) <> {whole}"),
    ]
    return found, joined


def _padded(missing: str, width: int) -> Callable[[str], tuple[Repairs, str]]:
    """Return a form of ``width`` digits whose leading zeros a spreadsheet drops."""

    def shape(text: str) -> tuple[Repairs, str]:
        found, joined = _digits(text)
        padded = let(
            "d", joined, f"CASE WHEN {matches('d', missing)} THEN lpad(d, {width}, '0') ELSE d END"
        )
        return [*found, ("leading_zero", matches(joined, missing))], padded

    return shape


def _ma_so_thue(text: str) -> tuple[Repairs, str]:
    """Tax code: 10 digits, or these, a hyphen and 3 digits of a branch."""
    found, joined = _digits(text)
    lost = "[0-9]{9}(?:-[0-9]{3})?"
    run = "[0-9]{13}"
    mended = (
        f"CASE WHEN {matches('d', lost)} THEN '0' || d "
        f"WHEN {matches('d', run)} THEN left(d, 10) || '-' || right(d, 3) ELSE d END"
    )
    more = [("leading_zero", matches(joined, lost)), ("hyphen", matches(joined, run))]
    return [*found, *more], let("d", joined, mended)


def _so_dien_thoai(text: str) -> tuple[Repairs, str]:
    """Phone: country code, brackets, dots and blanks go, the domestic 0 comes."""
    digits = "regexp_replace(p, '[^0-9]', '', 'g')"
    national = f"regexp_extract({digits}, '^(?:0084|84|0)?0?([1-9][0-9]{{8,9}})$', 1)"
    core = f"CASE WHEN {matches('p', '[+0-9 ()./-]+')} THEN {national} ELSE '' END"
    written = "CASE WHEN core <> '' THEN '0' || core ELSE p END"
    domestic = let("p", text, let("core", core, written))
    lost = matches(text, "[1-9][0-9]{8}")
    return [
        ("leading_zero", lost),
        ("phone_form", f"CASE WHEN {lost} THEN FALSE ELSE {domestic} <> {text} END"),
    ], domestic


_TONES = (("oa", "oà oá oả oã oạ", "òa óa ỏa õa ọa"), ("oe", "oè oé oẻ oẽ oẹ", "òe óe ỏe õe ọe"),
          ("uy", "uỳ uý uỷ uỹ uỵ", "ùy úy ủy ũy ụy"))  # fmt: skip
"""The three vowels that are written with their tone in two places (domain notes 1.7)."""


def one_placement(text: str) -> str:
    """Return SQL of a text in small letters, with every tone where it stands in ``hoà``."""
    moved = f"lower({text})"
    for _, wanted, others in _TONES:
        for new, old in zip(wanted.split(), others.split(), strict=True):
            moved = f"replace({moved}, '{old}', '{new}')"
    return moved


def _khoa_ten(text: str) -> tuple[Repairs, str]:
    """Name as a key: ``Thị trấn HÒA  An`` and ``thị trấn Hoà An`` are one. No repair is flagged."""
    return [], one_placement(text)


HEDGES = (
    "gần", "hơn", "trên", "dưới", "khoảng", "ước", "ước tính", "ước đạt", "xấp xỉ", "tối thiểu",
    "tối đa", "ít nhất", "nhiều nhất", "~", "≈", ">", "<", "≥", "≤", ">=", "<=",
)  # fmt: skip
"""What stands before a number that is not exact (domain notes 6)."""
_HEDGE = "|".join(sorted(HEDGES, key=len, reverse=True))
_WORDS = "[^-0-9%.,~≈<>≥≤ ][^0-9]*"
_UNIT = f"%|‰|(?:{_WORDS})?m[23]|{_WORDS}"
QUANTITY = (
    f"(?:({_HEDGE}) ?)?"
    r"(-?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?)"
    f"(?: ?({_UNIT}))?"
)
"""Hedge, number in Vietnamese writing, unit; in small letters. Two numbers (``10-15 ngày``) are
none: which of them it is, nobody can say."""


def part(text: str, group: int) -> str:
    """Return SQL of one part of a quantity: 1 hedge, 2 number, 3 unit; blank if there is none."""
    return f"regexp_extract(lower({text}), {listed([f'^{QUANTITY}$'])}, {group})"


def _muc_so(text: str) -> tuple[Repairs, str]:
    """How exact a number is: ``gần`` of ``gần 1.200 hồ sơ``."""
    return [], part(text, 1)


def _don_vi_so(text: str) -> tuple[Repairs, str]:
    """Unit of a number: ``hồ sơ`` of ``gần 1.200 hồ sơ``; small letters."""
    return [], f"trim({part(text, 3)})"


_FREE = _word(_SECONDS + _LONG)
TEXTS: dict[str, tuple[str, Callable[[str], tuple[Repairs, str]]]] = {
    "van_ban": (f"{_FREE}(?: {_FREE})*", _van_ban),
    "ma": ("[!-~]+", _ma),
    "so_ky_hieu": (_word(_SECONDS), _so_ky_hieu),
    "so_dinh_danh": ("[0-9]{12}|[0-9]{9}|[0-9]{10}(?:-[0-9]{3})?", _padded("[0-9]{11}", 12)),
    "ma_so_thue": ("[0-9]{10}(?:-[0-9]{3})?", _ma_so_thue),
    "ma_don_vi": ("[0-9]{5}", _padded("[0-9]{1,4}", 5)),
    "so_dien_thoai": ("0[1-9][0-9]{8,9}", _so_dien_thoai),
    # None is ordinary: the cell is always made from what the source wrote.
    "khoa_ten": ("[^\\x00-\\x{10FFFF}]", _khoa_ten),
    "muc_so": ("[^\\x00-\\x{10FFFF}]", _muc_so),
    "don_vi_so": ("[^\\x00-\\x{10FFFF}]", _don_vi_so),
}
"""Form -> what its texts ordinarily look like, and its own repairs."""
