"""The ways in which cells go wrong: small functions from a clean text to a dirty one.

Data flow: ``dirt_*`` tables name them, ``planting`` applies them to chosen cells. A function that
cannot spoil a text returns it unchanged; ``planting`` then looks for another row.

Run it alone: ``python -m hub.sandbox.spoil 'Điều chỉnh'`` shows what becomes of it.

What does not belong here: which cells are spoilt, and what must become of them.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta

from hub.sandbox.model import DAY_ZERO, VIETNAM

Spoil = Callable[[str], str]

_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's days have no zone


def fixed(text: str) -> Spoil:
    """Make a function that writes this text whatever stood there."""
    return lambda _: text


# Text -----------------------------------------------------------------------------------------


def blanks(text: str) -> str:
    """Double the blanks, add some at both ends."""
    return "  " + text.replace(" ", "  ") + " "


def no_break(text: str) -> str:
    """Turn blanks into no-break spaces, as a copied web page does."""
    return text.replace(" ", "\u00a0")


def line_break(text: str) -> str:
    """Break the line at the first blank."""
    return text.replace(" ", "\r\n", 1)


def newline(text: str) -> str:
    """Break the line at the first blank, the Unix way."""
    return text.replace(" ", "\n", 1)


def decomposed(text: str) -> str:
    """Write letters and marks apart (NFD), as macOS and windows-1258 do."""
    return unicodedata.normalize("NFD", text)


def eth(text: str) -> str:
    """Write the Icelandic eth for the Vietnamese letter."""
    return text.replace("Đ", "Ð").replace("đ", "ð")


def curly(text: str) -> str:
    """Curl the apostrophes."""
    return text.replace("'", "’")


def _misread(text: str, codec: str) -> str:
    try:
        return text.encode().decode(codec)
    except UnicodeDecodeError:
        return text


def as_cp1252(text: str) -> str:
    """Read the UTF-8 bytes as Windows Western."""
    return _misread(text, "cp1252")


def as_cp437(text: str) -> str:
    """Read the UTF-8 bytes as DOS."""
    return _misread(text, "cp437")


# Codes and numbers -------------------------------------------------------------------------------


def en_dash(text: str) -> str:
    """Write en-dashes for hyphens."""
    return text.replace("-", "–")


def spaced(text: str) -> str:
    """Put blanks round hyphens and slashes."""
    return text.replace("-", " - ").replace("/", " / ")


def lead_blank(text: str) -> str:
    """Put a blank before a code and one after."""
    return f" {text} "


def no_zero(text: str) -> str:
    """Lose the leading zeros, as a spreadsheet does."""
    return text.lstrip("0") if text.isdigit() else text


def as_float(text: str) -> str:
    """Lose the leading zeros and gain a decimal, as a data frame does."""
    return f"{text.lstrip('0')}.0" if text.isdigit() else text


def letters(text: str) -> str:
    """Write letters for two digits of a number."""
    return f"{text[:3]}O{text[4:7]}I{text[8:]}" if len(text) == 12 else text


def cut(length: int) -> Spoil:
    """Make a function that keeps only so many characters of a 12-digit id."""
    return lambda text: text[:length] if len(text) == 12 else text


def plus_84(text: str) -> str:
    """Write a phone number with +84 and blanks."""
    return f"+84 {text[1:4]} {text[4:7]} {text[7:]}" if text.startswith("0") else text


def bracket_84(text: str) -> str:
    """Write a phone number as ``(84-6) 1234 5678``."""
    return f"(84-{text[1]}) {text[2:6]} {text[6:]}" if text.startswith("0") else text


def dotted(text: str) -> str:
    """Write a phone number with dots."""
    return f"{text[:4]}.{text[4:7]}.{text[7:]}" if text.startswith("0") else text


def machine_number(text: str) -> str:
    """Write a Vietnamese number with decimals as a machine would."""
    return text.replace(".", "").replace(",", ".") if "," in text else text


def english_number(text: str) -> str:
    """Write a Vietnamese number with thousands and decimals the English way."""
    return text.translate(str.maketrans(".,", ",.")) if "." in text and "," in text else text


def blank_thousands(text: str) -> str:
    """Part the thousands by blanks."""
    return text.replace(".", " ")


def zero_decimals(text: str) -> str:
    """Add decimals that say nothing."""
    return f"{text},00" if text.replace(".", "").isdigit() else text


def decimal_comma(text: str) -> str:
    """Write a comma in a machine's number."""
    return text.replace(".", ",")


def with_unit(text: str) -> str:
    """Put the unit into the cell."""
    return f"{text} đồng/lượt" if text[:1].isdigit() else text


def negative(text: str) -> str:
    """Turn the sign."""
    return f"-{text}" if text[:1].isdigit() else text


# Dates and times: of ``yyyyMMddHHmmss``, of ``yyyy/MM/dd``, of ``dd/mm/yyyy`` ---------------------


def _stamp(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - Vietnam time, as everywhere here


def stamp_day_first(text: str) -> str:
    """Write a stamp as ``dd/mm/yyyy HH:MM:SS``."""
    return f"{_stamp(text):%d/%m/%Y %H:%M:%S}"


def stamp_short(text: str) -> str:
    """Write a stamp's day as ``d/m/yyyy``."""
    moment = _stamp(text)
    return f"{moment.day}/{moment.month}/{moment.year}"


def stamp_blank(text: str) -> str:
    """Write a stamp's day as ``18/11/ 2022``."""
    return f"{_stamp(text):%d/%m/ %Y}"


def stamp_iso(text: str) -> str:
    """Write a stamp in ISO form with its zone."""
    return f"{_stamp(text):%Y-%m-%dT%H:%M:%S}+07:00"


def stamp_epoch(text: str) -> str:
    """Write a stamp in milliseconds since 1970."""
    return str(int(_stamp(text).replace(tzinfo=VIETNAM).timestamp()) * 1000)


def stamp_slashed(text: str) -> str:
    """Write a stamp as ``yyyy/MM/dd HH:mm:ss``."""
    return f"{_stamp(text):%Y/%m/%d %H:%M:%S}"


def stamp_february(text: str) -> str:
    """Move a stamp to the 30th of February."""
    return f"{text[:4]}0230{text[8:]}"


def stamp_month_13(text: str) -> str:
    """Move a stamp to the 13th month."""
    return f"{text[:4]}13{text[6:]}"


def stamp_moved(text: str, days: int) -> str:
    """Move a stamp by days."""
    return f"{_stamp(text) + timedelta(days=days):%Y%m%d%H%M%S}"


def axis_day_first(text: str) -> str:
    """Write ``yyyy/MM/dd[ time]`` as ``dd/mm/yyyy[ time]``."""
    day, _, clock = text.partition(" ")
    year, month, date = day.split("/")
    return f"{date}/{month}/{year} {clock}".strip()


def table_short(text: str) -> str:
    """Write ``dd/mm/yyyy`` as ``d/m/yyyy``; only dates with a zero to lose."""
    day, month, year = text.split("/")
    return f"{int(day)}/{int(month)}/{year}"


def table_blank(text: str) -> str:
    """Write ``dd/mm/yyyy`` as ``dd/mm/ yyyy``."""
    return f"{text[:6]} {text[6:]}"


def table_iso(text: str) -> str:
    """Write ``dd/mm/yyyy`` as ``yyyy-mm-dd``."""
    return f"{datetime.strptime(text, '%d/%m/%Y'):%Y-%m-%d}"  # noqa: DTZ007 - a day


def table_serial(text: str) -> str:
    """Write ``dd/mm/yyyy`` as a spreadsheet counts days."""
    return str((datetime.strptime(text, "%d/%m/%Y") - _EXCEL_EPOCH).days)  # noqa: DTZ007 - a day


def midnight(stored: str | None) -> str | None:
    """Return what is left of a stored timestamp when only its day was written."""
    return f"{stored[:10]} 00:00:00" if stored else None


def nothing(_: str | None) -> None:
    """Return what is stored of a placeholder."""


def main() -> None:
    """Show what each text function makes of the argument."""
    text = sys.argv[1] if len(sys.argv) > 1 else f"Điều chỉnh {DAY_ZERO:%Y}"
    for spoil in (blanks, no_break, line_break, decomposed, eth, as_cp1252, as_cp437):
        sys.stdout.write(f"{spoil.__name__}: {spoil(text)!r}\n")


if __name__ == "__main__":
    main()
