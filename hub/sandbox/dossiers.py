"""Dossiers (hồ sơ) of Lào Cai's portal: 200,000 invented ones in seconds, and their next day.

Data flow: :class:`Book` draws every dossier once and keeps it as the bytes the portal will send
(:data:`Entry`, ordered as the portal orders: update time, then number); a page is a slice joined
by commas. :meth:`Book.advance` moves one day on: a few new dossiers, a few that change state, all
with that day's update time; every other entry keeps its very bytes. Fields, states and the order
of dates are those of the national exchange record (facts 3.1, 3.2, 3.4).

Run it alone: ``python -m hub.sandbox.dossiers`` prints three dossiers and the time it took.

What does not belong here: dirt (``dirt``, ``planting``), HTTP (``portal_app``).
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random

import msgspec

from hub.sandbox.lives import Life, age, live
from hub.sandbox.model import DAY_ZERO, Cells, stream
from hub.sandbox.people import FAMILY, GIVEN, MIDDLE_FEMALE, MIDDLE_MALE, organisation, tax_code
from hub.sandbox.procedures import Procedure
from hub.sandbox.shapes import DOSSIERS
from hub.sandbox.units import Agency, portal_agencies

NAME = DOSSIERS.name
HISTORY_DAYS = 730

Entry = tuple[str, str, int, bytes]
"""Update time, dossier number, serial (unique), the record's bytes: sorts as the portal does."""


def encode(cells: Mapping[str, object]) -> bytes:
    """Write a record as the portal sends it."""
    return msgspec.json.encode(cells)


def decode(entry: Entry) -> Cells:
    """Read a record's cells back from its bytes."""
    cells: Cells = msgspec.json.decode(entry[3])
    return cells


class Book:
    """Every dossier of the portal on some day."""

    def __init__(self, seed: int, scale: int, procedures: Sequence[Procedure]) -> None:
        """Draw the dossiers of the 24 months before day 0."""
        self._seed = seed
        self._scale = scale
        self._pairs = _pairs(procedures)
        self._used: dict[str, int] = {}
        self._serial = 0
        rng = stream(seed, scale, NAME)
        days = [DAY_ZERO - timedelta(days=back) for back in range(HISTORY_DAYS + 1)]
        dates = [f"{day:%Y%m%d}" for day in reversed(days)]
        self.entries: list[Entry] = [
            self._draw(
                rng, live(rng, dates, int(rng.random() * len(dates)), end=f"{DAY_ZERO:%Y%m%d}")
            )
            for _ in range(scale)
        ]
        self.entries.sort()

    def advance(self, day: int, kept: frozenset[int]) -> tuple[list[int], list[int]]:
        """Move one day on and return the serials of the new and of the changed dossiers.

        Args:
            day: The day to become; the book must be on the day before.
            kept: Serials that must not change: rows with planted dirt keep their meaning.
        """
        rng = stream(self._seed, self._scale, NAME, day)
        today = DAY_ZERO + timedelta(days=day)
        changes = max(3, round(self._scale * 0.005))
        changed: dict[int, Entry] = {}
        for _ in range(changes * 60):
            # The cube leans to the newest: those are the ones still under way.
            entry = self.entries[-1 - int(rng.random() ** 3 * len(self.entries))]
            if len(changed) == changes:
                break
            if entry[2] in kept or entry[2] in changed:
                continue
            cells = decode(entry)
            if age(rng, cells, today):
                changed[entry[2]] = (cells["NgayCapNhat"], entry[1], entry[2], encode(cells))
        stamp = f"{today:%Y%m%d}"
        fresh = [
            self._draw(rng, live(rng, [stamp], 0, end=stamp))
            for _ in range(max(4, round(self._scale * 0.002)))
        ]
        self.entries = [entry for entry in self.entries if entry[2] not in changed]
        self.entries += changed.values()
        self.entries += fresh
        self.entries.sort()
        return [entry[2] for entry in fresh], list(changed)

    def settle(self, gone: set[int], added: list[Entry]) -> None:
        """Take entries out, put others in, order again."""
        self.entries = [entry for entry in self.entries if entry[2] not in gone] + added
        self.entries.sort()

    def window(self, since: str, until: str) -> tuple[int, int]:
        """Return the slice of entries updated at or after ``since`` and before ``until``."""
        low = bisect_left(self.entries, (since,)) if since else 0
        high = bisect_left(self.entries, (until,)) if until else len(self.entries)
        return low, max(low, high)

    def __iter__(self) -> Iterator[Entry]:
        """Iterate in the portal's order."""
        return iter(self.entries)

    def serial(self) -> int:
        """Return a serial that no entry has."""
        self._serial += 1
        return self._serial

    def _number(self, agency: Agency, filed: str) -> str:
        """Issue the next number of the agency on the day of filing (facts 1.2)."""
        stem = f"{agency.code}-{filed[2:8]}-"
        count = self._used.get(stem, 0) + 1
        self._used[stem] = count
        return f"{stem}{count:04d}"

    def _draw(self, rng: Random, life: Life) -> Entry:
        """Draw a whole dossier around a life; the record is written straight as JSON text."""
        rnd = rng.random
        # The cube makes a few procedures common and most rare, as in a real one-stop office.
        procedure_text, agencies, fee_text, paid = self._pairs[int(rnd() ** 3 * len(self._pairs))]
        agency = agencies[int(rnd() * len(agencies))]
        number = self._number(agency, life.filed)
        channel = ("2" if rnd() < 0.84 else "1") if rnd() < 0.98 else rng.choice(("3", ""))
        owner, paper, kind = _owner(rng)
        phone = f"06{int(rnd() * 1e8):08d}" if rnd() < 0.95 else ""
        email = f"ho.so.{int(rnd() * 1e6):06d}@example.com" if rnd() < 0.3 else ""
        pays = ("1" if rnd() < 0.7 else "2") if paid and channel == "2" and rnd() < 0.8 else ""
        note = "Hồ sơ nộp thay theo giấy ủy quyền" if rnd() < 0.02 else ""
        text = (
            f'{{"MaHoSo":"{number}",{procedure_text}"KenhThucHien":"{channel}","ChuHoSo":"{owner}",'
            f'"SoGiayToChuHoSo":"{paper}","LoaiDoiTuong":"{kind}","Email":"{email}",'
            f'"SoDienThoai":"{phone}","TrichYeuHoSo":"Đề nghị giải quyết hồ sơ của {owner}",'
            f'"NgayNopHoSo":"{life.filed}","NgayTiepNhan":"{life.received}",'
            f'"NgayHenTra":"{life.due}","NgayKetThucXuLy":"{life.finished}",'
            f'"NgayTra":"{life.returned}","NgayTuChoi":"{life.refused}",'
            f'"TrangThaiHoSo":"{life.state}","HinhThuc":"{"1" if channel == "3" else "0"}",'
            f'"DonViXuLy":"{agency.name}","MaDonViXuLy":"{agency.code}","MaXa":"{agency.commune}",'
            f'"NoiNopHoSo":"{_PLACES.get(channel, _DESK)}","GhiChu":"{note}",'
            f'"DuocThanhToanTrucTuyen":"{pays}","NgayCapNhat":"{life.updated}",{fee_text}}}'
        )
        return (life.updated, number, self.serial(), text.encode())


_DESK = "Bộ phận Tiếp nhận và Trả kết quả"
_PLACES = {"2": "Cổng Dịch vụ công quốc gia", "3": "Bưu cục phục vụ hành chính công"}


def _owner(rng: Random) -> tuple[str, str, str]:
    """Draw name, identity number and kind of the applicant (facts 3.2: 0, 1, 2)."""
    rnd = rng.random
    if rnd() < 0.1:
        return organisation(rng), tax_code(rng), "1"
    woman = rnd() < 0.5
    middle = MIDDLE_FEMALE if woman else MIDDLE_MALE
    owner = (
        f"{FAMILY[int(rnd() * len(FAMILY))]} {middle[int(rnd() * len(middle))]}"
        f" {GIVEN[int(rnd() * len(GIVEN))]}"
    )
    year = 1950 + int(rnd() * 58)
    century = (2 if year >= 2000 else 0) + woman
    paper = f"099{century}{year % 100:02d}{int(rnd() * 1e6):06d}"
    return owner, paper, "0" if rnd() < 0.92 else "2"


def _pairs(procedures: Sequence[Procedure]) -> list[tuple[str, list[Agency], str, bool]]:
    """Prepare per procedure the JSON text, the agencies that may handle it, its fees."""
    offices = portal_agencies()
    departments = {agency.name: [agency] for agency in offices if agency.level == "Cấp tỉnh"}
    local = [agency for agency in offices if agency.level == "Cấp xã"]
    pairs = []
    for place, item in enumerate(procedures):
        text = encode(
            {
                "MaTTHC": item.code,
                "TenTTHC": item.name,
                "MaLinhVuc": item.field_code,
                "TenLinhVuc": item.field_name,
            }
        ).decode()
        fees = [
            {
                "TenPhiLePhi": "Lệ phí",
                "MaPhiLePhi": f"LP{place:03d}",
                "HinhThucThu": "1",
                "Gia": str(item.fee),
                "LoaiPhiLePhi": "1",
            }
        ]
        fee_text = encode({"DanhSachLePhi": fees if item.fee else []}).decode()
        body = departments.get(item.body, local)
        pairs.append((text[1:-1] + ",", body, fee_text[1:-1], item.fee > 0))
    return pairs


def main() -> None:
    """Draw 200,000 dossiers and print the newest three."""
    from hub.sandbox.procedures import build, catalog  # noqa: PLC0415 - only when run alone

    started = time.process_time()
    book = Book(1, 200_000, catalog(build(1, 200_000), 200_000))
    for entry in book.entries[-3:]:
        sys.stdout.write(entry[3].decode() + "\n")
    sys.stdout.write(f"{time.process_time() - started:.1f} s of CPU\n")


if __name__ == "__main__":
    main()
