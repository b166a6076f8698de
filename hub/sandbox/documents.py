"""Documents and status messages on Yên Bái's exchange axis, day after day, and their queues.

Data flow: :class:`Axis` draws the messages of 60 days before day 0 and then of each further day:
new documents, recalls, updates and replacements of earlier ones, and the receivers' status
messages, which follow the order 01 -> 03 -> 04 -> 05 -> 06 (facts 2.3, 2.4). A message never
changes once sent; only its place in a receiver's queue does, and only through ``updateStatus``.
``edxml`` writes the XML when somebody asks for it.

Run it alone: ``python -m hub.sandbox.documents`` prints the first messages.

What does not belong here: XML, HTTP, dirt.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from hub.sandbox.model import Cells, Planted, Truth, day_of, share, stream
from hub.sandbox.people import name, phone
from hub.sandbox.shapes import DOCUMENTS, STATUSES
from hub.sandbox.units import Agency, document_organs

HISTORY_DAYS = 60
EDOC_SIZE = 1_200
STATUS_SIZE = 900
HUB_SYSTEM = "KHO-DU-LIEU-TINH"
"""The hub's system id on the axis: a reader, no document is addressed to it."""

TYPES = (
    ("Công văn", ""), ("Quyết định", "QĐ"), ("Kế hoạch", "KH"), ("Báo cáo", "BC"),
    ("Thông báo", "TB"), ("Tờ trình", "TTr"), ("Chương trình", "CTr"), ("Giấy mời", "GM"),
)  # fmt: skip
OFFICES = ("VX", "NC", "KT", "TH", "NLN", "XD")
SUBJECTS = (
    "tăng cường chuyển đổi số trong cải cách thủ tục hành chính", "rà soát dữ liệu đất đai",
    "triển khai Đề án 06 quý IV", "phòng, chống thiên tai và tìm kiếm cứu nạn",
    "báo cáo tình hình kinh tế - xã hội", "kiểm tra công vụ", "đánh giá chất lượng dữ liệu",
    "sắp xếp trụ sở sau sáp nhập", "bảo đảm an toàn thông tin mạng", "giải ngân đầu tư công",
)  # fmt: skip
STATUS_TEXT = {
    "01": "Đã đến", "02": "Từ chối tiếp nhận", "03": "Đã tiếp nhận", "04": "Phân công",
    "05": "Đang xử lý", "06": "Hoàn thành", "13": "Lấy lại", "15": "Đồng ý", "16": "Từ chối",
}  # fmt: skip


STATES = ("fail", "initial", "processing", "done")


@dataclass(slots=True)
class Message:
    """One message on the axis: the list entry, the fields its XML is written from, its dirt."""

    doc_id: str
    kind: str
    """``edoc`` or ``status``."""
    created: str
    updated: str
    sender: str
    receivers: tuple[str, ...]
    fields: Cells
    """Raw fields as the reader names them; lists are joined by ``;``."""
    files: int = 0
    """Attachments."""
    flaw: str = ""
    """What ``edxml`` must do wrong when it writes the message; empty for a sound one."""
    dirt: Planted | None = None
    stored: Truth | None = None
    """What is stored of a spoilt message; ``None`` if it is rejected."""
    secret: tuple[str, str] | None = None
    """Element that marks it as a state secret, and what that says: it must be stored nowhere."""

    @property
    def plain(self) -> bool:
        """Whether nothing was planted in it."""
        return self.dirt is None and self.secret is None

    @property
    def cells(self) -> Cells:
        """Every raw field, those of the list entry included."""
        entry = {"doc_id": self.doc_id, "created_time": self.created, "updated_time": self.updated}
        return self.fields | entry

    @property
    def truth(self) -> Truth | None:
        """What the warehouse holds of the message."""
        if self.secret:
            return None
        if self.dirt:
            return self.stored
        return (DOCUMENTS if self.kind == "edoc" else STATUSES).truth(self.cells)


@dataclass(slots=True)
class Queue:
    """What each consumer has not yet handled; a sync of the hub must leave it as it is."""

    states: dict[str, dict[str, str]] = field(default_factory=dict)

    def put(self, message: Message, state: str) -> None:
        """Deliver a message to its receivers."""
        for receiver in message.receivers:
            self.states.setdefault(receiver, {})[message.doc_id] = state

    def update(self, doc_id: str, state: str) -> bool:
        """Set the state of a document in every queue that has it; return whether any has."""
        holders = [queue for queue in self.states.values() if doc_id in queue]
        for queue in holders:
            queue[doc_id] = state
        return bool(holders)

    def state(self, message: Message) -> str:
        """Return a message's state: the least advanced of its receivers' queues."""
        states = {self.states.get(who, {}).get(message.doc_id, "done") for who in message.receivers}
        return next((name for name in STATES if name in states), "done")


class Axis:
    """Every message on the axis up to some day."""

    def __init__(self, seed: int, scale: int) -> None:
        """Draw the messages of the 60 days before day 0."""
        self._seed = seed
        self._scale = scale
        self._numbers: dict[str, int] = {}
        self.messages: list[Message] = []
        self._index: dict[str, Message] = {}
        self.queue = Queue()
        days = HISTORY_DAYS + 1
        edocs = _spread(share(EDOC_SIZE, scale, least=150), days)
        statuses = _spread(share(STATUS_SIZE, scale, least=120), days)
        for back, edoc_count, status_count in zip(range(days), edocs, statuses, strict=True):
            self._day(back - HISTORY_DAYS, edoc_count, status_count)
        self._daily = (max(5, edocs[0]), max(3, statuses[0]))

    def advance(self, day: int) -> tuple[list[str], list[str]]:
        """Move one day on; return the ids of the new messages and of those touched again."""
        before = len(self.messages)
        self._day(day, *self._daily)
        rng = stream(self._seed, self._scale, "axis", day, "touched")
        fresh = [message.doc_id for message in self.messages[before:]]
        spare = [m for m in self.messages[max(0, before - 100) : before] if m.plain]
        touched = rng.sample(spare, min(2, len(spare)))
        for message in touched:
            message.updated = _stamp(rng, day)
        return fresh, [message.doc_id for message in touched]

    def find(self, doc_id: str) -> Message | None:
        """Return the message of that id."""
        return self._index.get(doc_id)

    def _day(self, day: int, edocs: int, statuses: int) -> None:
        """Add one day's messages; recalls and answers refer to what was there before."""
        rng = stream(self._seed, self._scale, "axis", day)
        earlier = [m for m in self.messages[-400:] if _is_new(m)]
        # Every busy day has a recall, an update and a replacement, a quiet one at most one of them.
        business = (1, 2, 3) if edocs > 4 else (day % 4,)
        for place in range(edocs):
            due = business[place] if place < len(business) and len(earlier) > 5 else 0
            self._add(self._edoc(rng, day, due, earlier), rng, day)
        for _ in range(statuses):
            known = earlier or [m for m in self.messages if _is_new(m)]
            self._add(self._status(rng, day, rng.choice(known)), rng, day)

    def _add(self, message: Message, rng: Random, day: int) -> None:
        self.messages.append(message)
        self._index[message.doc_id] = message
        self.queue.put(message, "done" if day < -2 and rng.random() < 0.9 else "initial")

    def _edoc(self, rng: Random, day: int, business: int, earlier: list[Message]) -> Message:
        organs = document_organs()
        original = rng.choice(earlier) if business else None
        sender = _organ(original.sender) if original else rng.choice(organs)
        others = [organ for organ in organs if organ.code != sender.code]
        receivers = tuple(rng.sample(others, rng.randrange(1, 4)))
        created = _stamp(rng, day)
        fields = self._document(rng, day, sender)
        fields["to_organ_ids"] = ";".join(organ.code for organ in receivers)
        fields["to_names"] = ";".join(organ.name for organ in receivers)
        fields["bussiness_doc_type"] = str(business)
        if original:
            _refer(rng, fields, business, original, others)
        files = 0 if business == 1 else (1, 1, 1, 2)[rng.randrange(4)]
        doc_id = str(UUID(int=rng.getrandbits(128), version=4))
        fields["attachment_count"] = str(files)
        fields["attachment_names"] = ";".join(
            f"{fields['code_number']}_{index}.pdf" for index in range(1, files + 1)
        )
        codes = tuple(organ.code for organ in receivers)
        return Message(doc_id, "edoc", created, created, sender.code, codes, fields, files)

    def _document(self, rng: Random, day: int, sender: Agency) -> Cells:
        """Draw the header of a document: number, type, subject, signer."""
        type_name, short = rng.choice(TYPES)
        body = "VPUBND" if sender.code.startswith("000.00.01") else "UBND"
        notation = f"{short}-{body}" if short else f"{body}-{rng.choice(OFFICES)}"
        number = self._numbers.get(sender.code, 100) + 1
        self._numbers[sender.code] = number
        issued = f"{day_of(day) - timedelta(days=rng.randrange(3)):%Y/%m/%d}"
        signer, _ = name(rng)
        return {
            "document_id": f"{sender.code},{issued},{number}/{notation}",
            "organ_id": sender.code,
            "organ_name": sender.name,
            "code_number": str(number),
            "code_notation": notation,
            "so_ky_hieu": f"{number}/{notation}",
            "place": "Yên Bái",
            "promulgation_date": issued,
            "document_type": "2",
            "type_name": type_name,
            "subject": f"Về việc {rng.choice(SUBJECTS)} ({number})",
            "content": "",
            "signer_competence": rng.choice(
                ("TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "TL. CHỦ TỊCH")
            ),
            "signer_position": rng.choice(
                ("Chủ tịch", "Phó Chủ tịch", "Chánh Văn phòng", "Giám đốc")
            ),
            "signer_name": signer,
            "due_date": f"{day_of(day + rng.randrange(5, 30)):%Y/%m/%d}"
            if rng.random() < 0.4
            else "",
            "priority": rng.choice("00000123"),
            "steering_type": rng.choice("1123"),
            "page_amount": str(rng.randrange(1, 24)),
            "bussiness_document_id": "",
            "bussiness_reason": "",
            "replaced_document_ids": "",
            "receivers_added": "",
            "receivers_removed": "",
        }

    def _status(self, rng: Random, day: int, about: Message) -> Message:
        """Answer a document: the receiver tells the sender how far it is."""
        receiver = _organ(rng.choice(about.receivers))
        created = _stamp(rng, day)
        code = rng.choice(("01", "01", "03", "03", "04", "05", "06", "02", "13", "15", "16"))
        who, _ = name(rng)
        fields = {
            "organ_id": receiver.code,
            "organ_name": receiver.name,
            "response_document_id": about.fields["document_id"],
            "response_organ_id": about.sender,
            "response_code": about.fields["so_ky_hieu"],
            "response_date": about.fields["promulgation_date"],
            "status_code": code,
            "description": STATUS_TEXT[code],
            "staff_department": rng.choice(("Văn thư", "Phòng Hành chính", "Phòng Tổng hợp")),
            "staff_name": who,
            "staff_phone": phone(rng),
            "staff_email": f"van.thu.{rng.randrange(1000):03d}@example.com",
            "timestamp": created,
        }
        doc_id = str(UUID(int=rng.getrandbits(128), version=4))
        return Message(doc_id, "status", created, created, receiver.code, (about.sender,), fields)


def _refer(
    rng: Random, fields: Cells, business: int, original: Message, others: list[Agency]
) -> None:
    """Make a document a recall, an update or a replacement of an earlier one (facts 2.3)."""
    old = original.fields["document_id"]
    fields["bussiness_reason"] = ("", "Văn bản có sai sót", "Bổ sung nơi nhận", "Thay văn bản cũ")[
        business
    ]
    if business == 3:
        fields["replaced_document_ids"] = old
        return
    fields["bussiness_document_id"] = old
    for same in ("document_id", "code_number", "code_notation", "so_ky_hieu", "promulgation_date"):
        fields[same] = original.fields[same]
    if business == 2:
        added, removed = rng.sample(others, 2)
        fields["receivers_added"] = added.code
        fields["receivers_removed"] = removed.code


def _is_new(message: Message) -> bool:
    """Say whether a later message may refer to it: dirt must not spread that way."""
    sound = message.kind == "edoc" and message.plain
    return sound and message.fields["bussiness_doc_type"] == "0"


def _organ(code: str) -> Agency:
    return next(organ for organ in document_organs() if organ.code == code)


def _stamp(rng: Random, day: int) -> str:
    """Draw a moment in the office hours of a day, as the axis writes it."""
    moment: datetime = day_of(day) + timedelta(seconds=rng.randrange(27_000, 61_200))
    return f"{moment:%Y/%m/%d %H:%M:%S}"


def _spread(total: int, days: int) -> list[int]:
    """Divide a total over the days, as evenly as whole numbers allow."""
    return [total * (day + 1) // days - total * day // days for day in range(days)]


if __name__ == "__main__":
    for item in Axis(1, 200_000).messages[-5:]:
        sys.stdout.write(
            f"{item.created} {item.kind} {item.sender} -> {item.receivers}\n{item.fields}\n"
        )
