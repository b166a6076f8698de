"""Invented people and organisations: names, numbers, addresses that cannot belong to anybody.

Names join a common family name with the name of a forest plant, a word no parent uses. A personal
id begins with 099, which no province issues (facts 1.4: 001 to 096), a phone with 06, which is no
range (facts 1.8), an e-mail ends in example.com, a tax code begins with 99 and passes the check
digit (facts 1.5).

Run it alone: ``python -m hub.sandbox.people`` prints a few.

What does not belong here: officials' posts and agencies (``units``).
"""

from __future__ import annotations

import sys
from random import Random

FAMILY = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Lý", "Vàng", "Giàng",
    "Lò", "Sùng", "Thào", "Má", "Lù", "Đinh", "Triệu", "Bàn",
)  # fmt: skip
MIDDLE_MALE = ("Văn", "Đức", "A", "Đình", "Xuân", "Quốc")
MIDDLE_FEMALE = ("Thị", "Thị Bích", "Thu", "Thị Kim", "Mỹ", "Ngọc")
GIVEN = (
    "Thảo Quả", "Sa Nhân", "Mắc Khén", "Bồ Kết", "Lá Dong", "Cỏ Tranh", "Măng Vầu", "Trám Đen",
    "Hồi Núi", "Quế Rừng", "Dẻ Gai", "Pơ Mu", "Tống Quá Sủ", "Chè Dây", "Đẳng Sâm", "Xuyên Khung",
    "Bạch Chỉ", "Ngải Cứu", "Lúa Nương", "Ngô Nếp", "Cọ Xẻ", "Mận Hậu", "Đào Phai", "Sở Dầu",
    "Rau Dớn", "Tam Thất", "Ý Dĩ", "Vối Thuốc", "Sơn Tra", "Hà Thủ Ô",
)  # fmt: skip
TRADES = ("Thương mại", "Xây dựng", "Nông lâm sản", "Du lịch", "Vận tải", "Cơ khí", "Dược liệu")
FORMS = ("Công ty TNHH", "Công ty cổ phần", "Hợp tác xã")
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def name(rng: Random) -> tuple[str, bool]:
    """Draw a name and whether it is a woman's."""
    woman = rng.random() < 0.5
    middle = rng.choice(MIDDLE_FEMALE if woman else MIDDLE_MALE)
    return f"{rng.choice(FAMILY)} {middle} {rng.choice(GIVEN)}", woman


def personal_id(rng: Random, *, woman: bool) -> str:
    """Draw a 12-digit personal id of nobody: 099, century and sex, year of birth, six digits."""
    year = rng.randrange(1950, 2008)
    century = (2 if year >= 2000 else 0) + woman
    return f"099{century}{year % 100:02d}{rng.randrange(1_000_000):06d}"


def phone(rng: Random) -> str:
    """Draw a 10-digit phone number of nobody."""
    return f"06{rng.randrange(100_000_000):08d}"


def tax_code(rng: Random) -> str:
    """Draw a 10-digit tax code beginning with 99 whose check digit is right."""
    while True:
        digits = f"99{rng.randrange(10_000_000):07d}"
        check = 10 - sum(w * int(d) for w, d in zip(_WEIGHTS, digits, strict=True)) % 11
        if check < 10:
            return f"{digits}{check}"


def organisation(rng: Random) -> str:
    """Draw the name of a company or co-operative."""
    return f"{rng.choice(FORMS)} {rng.choice(TRADES)} {rng.choice(GIVEN)}"


if __name__ == "__main__":
    draw = Random(1)
    for _ in range(5):
        who, female = name(draw)
        sys.stdout.write(f"{who}  {personal_id(draw, woman=female)}  {phone(draw)}\n")
        sys.stdout.write(f"{organisation(draw)}  {tax_code(draw)}\n")
