"""The truth that tests compare the warehouse with.

Data flow: a :class:`~hub.sandbox.province.Province` -> :func:`report` (counts, and every planted
row) and :func:`rows` (every loadable row under the contract's column names) -> the control server.
How values are written is said in ``shapes``.

Run it alone: ``python -m hub.sandbox.truth`` prints the counts of a small province.

What does not belong here: how dirt is made, anything the hub could use to cheat.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from hub.sandbox import edxml
from hub.sandbox.documents import Message
from hub.sandbox.dossiers import decode
from hub.sandbox.files import QUIRKS
from hub.sandbox.model import Truth, day_of
from hub.sandbox.province import Change, Province
from hub.sandbox.shapes import DOCUMENTS, DOSSIERS, SHAPES, STATUSES

MESSAGES = {DOCUMENTS.name: "edoc", STATUSES.name: "status"}


def rows(province: Province, dataset: str) -> Iterator[Truth]:
    """Yield what the warehouse must hold of a dataset, row by row.

    Raises:
        KeyError: There is no such dataset.
    """
    if dataset == DOSSIERS.name:
        yield from _dossiers(province)
    elif dataset in MESSAGES:
        for message in province.axis.messages:
            stored = message.truth if message.kind == MESSAGES[dataset] else None
            if stored is not None:
                yield stored | _attachments(message) if message.kind == "edoc" else stored
    else:
        for row in province.tables[dataset].rows:
            if row.truth is not None:
                yield row.truth


def _attachments(message: Message) -> Truth:
    """Return what the warehouse holds of the files themselves, not of what the message says."""
    files = [edxml.content(message, index) for index in range(1, message.files + 1)]
    return {
        "dung_luong_tep": str(sum(map(len, files))),
        "dinh_dang_tep": ";".join("pdf" for _ in files) or None,
        "ma_bam_tep": ";".join(hashlib.sha256(file).hexdigest() for file in files) or None,
        "tep_hong": "false",
        "chu_ky": "khong_co",
    }


def _dossiers(province: Province) -> Iterator[Truth]:
    fates, copies = province.ledger.fates, province.ledger.copies
    for entry in province.book:
        if entry[2] in copies:
            continue
        if entry[2] in fates:
            fate = fates[entry[2]]
            if fate is not None:
                yield fate
        else:
            yield DOSSIERS.truth(decode(entry))


def report(province: Province) -> dict[str, object]:
    """Return the whole truth but the rows."""
    return {
        "seed": province.seed,
        "scale": province.scale,
        "day": province.day,
        "today": f"{day_of(province.day):%Y-%m-%d}",
        "synthetic": True,
        "secrets": province.ledger.secrets,
        "datasets": {name: _dataset(province, name) for name in SHAPES},
    }


def _dataset(province: Province, name: str) -> dict[str, object]:
    """Count a dataset: served = held + copies + secrets, held = loadable + rejected."""
    served, copies, secrets = _served(province, name)
    held = served - copies - secrets
    planted = province.ledger.planted.get(name, [])
    rejected = sum(item.outcome == "reject" for item in planted)
    kinds = Counter((item.kind, item.cites, item.outcome) for item in planted)
    return {
        "held": held,
        "served": served,
        "copies": copies,
        "rejected": rejected,
        "secrets": secrets,
        "loadable": held - rejected,
        "file_quirks": [{"kind": kind, "cites": cites} for kind, cites in QUIRKS.get(name, ())],
        "changes": asdict(province.changes.get(name, Change())),
        "dirt": [asdict(item) for item in planted],
        "dirt_kinds": [
            {"kind": kind, "cites": cites, "outcome": outcome, "count": count}
            for (kind, cites, outcome), count in sorted(kinds.items())
        ],
    }


def _served(province: Province, name: str) -> tuple[int, int, int]:
    """Return how many records a full pull returns, how many are copies, how many are secrets."""
    if name == DOSSIERS.name:
        return len(province.book.entries), len(province.ledger.copies), 0
    if name in MESSAGES:
        wanted = [m for m in province.axis.messages if m.kind == MESSAGES[name]]
        return len(wanted), 0, sum(message.secret is not None for message in wanted)
    table = province.tables[name]
    return len(table.rows), sum(row.copy for row in table.rows), 0


if __name__ == "__main__":
    whole = report(Province(1, 2_000))
    sys.stdout.write(json.dumps(whole, ensure_ascii=False, indent=1)[:4000] + "\n")
