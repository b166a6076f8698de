"""The life of a dossier: filed, received, due, finished, returned, in the order the law wants.

Data flow: ``dossiers`` asks for a life (:func:`live`) that ends before some day, and each day asks
for some dossiers to grow older (:func:`age`). Times are texts ``yyyyMMddHHmmss`` in Vietnam time;
filed <= received <= finished <= returned, and received < due (facts 3.4). State codes are those of
the national list (facts 3.2).

Run it alone: ``python -m hub.sandbox.lives`` prints a few lives.

What does not belong here: who filed it and with whom.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple

TERMS = (1, 3, 5, 7, 10, 15, 20, 30)


class Life(NamedTuple):
    """The dates and the state of a dossier; an empty text is a date that has not come."""

    filed: str
    received: str
    due: str
    finished: str
    returned: str
    refused: str
    state: str
    updated: str


_MINUTES = tuple(f"{(450 + m) // 60:02d}{(450 + m) % 60:02d}" for m in range(700))
_SECONDS = tuple(f"{second:02d}" for second in range(60))


@lru_cache(maxsize=65_536)
def _later(day: str, days: int) -> str:
    """Return the day ``days`` after ``day``, both ``yyyyMMdd``."""
    moment = datetime(int(day[:4]), int(day[4:6]), int(day[6:8])) + timedelta(days=days)  # noqa: DTZ001 - Vietnam time
    return f"{moment:%Y%m%d}"


def _clock(minutes: int, second: int) -> str:
    """Return ``HHmmss`` so many minutes after 07:30."""
    return _MINUTES[minutes] + _SECONDS[second]


def live(rng: Random, dates: Sequence[str], first: int, *, end: str) -> Life:
    """Draw a life that is filed on ``dates[first]`` and known until the evening of ``end``."""
    rnd = rng.random
    day = dates[first]
    minute = int(rnd() * 240)
    filed = day + _clock(minute, int(rnd() * 60))
    wait = 0 if rnd() < 0.75 else 1
    receipt_day = _later(day, wait)
    received = receipt_day + _clock(minute + 1 + int(rnd() * 240), int(rnd() * 60))
    if receipt_day > end or rnd() < 0.02 * (day == end):
        return Life(filed, "", "", "", "", "", "1", filed)
    if rnd() < 0.012:
        return Life(filed, "", "", "", "", received, "3", received)
    term = TERMS[int(rnd() * 8)]
    due = _later(receipt_day, term) + "170000"
    spent = 1 + int(rnd() * term) if rnd() < 0.94 else term + 1 + int(rnd() * 12)
    end_day = _later(receipt_day, spent)
    life = Life(filed, received, due, "", "", "", "2", received)
    if end_day > end:
        return _waiting(rng, life, end)
    finished = end_day + _clock(int(rnd() * 400), int(rnd() * 60))
    if rnd() < 0.02:
        return life._replace(state="7" if rnd() < 0.5 else "8", updated=finished)
    return _closed(rng, life._replace(finished=finished, state="9", updated=finished), end)


def _waiting(rng: Random, life: Life, end: str) -> Life:
    """Let a dossier under way be looked at, unless it came too late for that."""
    rnd = rng.random
    state = _OPEN[int(rnd() * len(_OPEN))]
    moved = _later(life.received[:8], 1 + int(rnd() * 3))
    if state == "2" or moved > end:
        return life
    return life._replace(state=state, updated=moved + _clock(int(rnd() * 560), int(rnd() * 60)))


_OPEN = ("2", "2", "4", "4", "4", "4", "4", "4", "4", "5", "5", "6")


def _closed(rng: Random, life: Life, end: str) -> Life:
    """Let a finished dossier be returned, unless its owner has not come yet."""
    rnd = rng.random
    home = _later(life.finished[:8], int(rnd() * 4))
    if home > end or rnd() < 0.08:
        return life
    if home == life.finished[:8]:
        returned = home + _clock(int(rnd() * 100) + 430, int(rnd() * 60))
    else:
        returned = home + _clock(int(rnd() * 500), int(rnd() * 60))
    return life._replace(returned=returned, state="10", updated=returned)


_NEXT = {
    "1": ("2", "2", "2", "3"),
    "2": ("4", "4", "4", "5", "7"),
    "4": ("9", "9", "9", "10", "5", "6", "8"),
    "5": ("4", "4", "7"),
    "6": ("4",),
    "9": ("10",),
}


def age(rng: Random, cells: dict[str, str], today: datetime) -> bool:
    """Move a dossier to its next state on ``today``; return False if it has reached its last."""
    steps = _NEXT.get(cells["TrangThaiHoSo"])
    if steps is None:
        return False
    state = rng.choice(steps)
    stamp = f"{today:%Y%m%d}{_clock(rng.randrange(560), rng.randrange(60))}"
    cells["TrangThaiHoSo"] = state
    cells["NgayCapNhat"] = stamp
    if state == "2":
        cells["NgayTiepNhan"] = stamp
        cells["NgayHenTra"] = _later(stamp[:8], rng.choice(TERMS)) + "170000"
    elif state == "3":
        cells["NgayTuChoi"] = stamp
    elif state in ("9", "10"):
        cells["NgayKetThucXuLy"] = cells["NgayKetThucXuLy"] or stamp
        cells["NgayTra"] = stamp if state == "10" else ""
    return True


def main() -> None:
    """Print a few lives."""
    rng = Random(1)
    for _ in range(8):
        sys.stdout.write(
            f"{live(rng, ['20260901', '20260915'], rng.randrange(2), end='20261001')}\n"
        )


if __name__ == "__main__":
    main()
