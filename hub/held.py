"""Why a batch is held back, whatever stands behind it: the words, the error, the record of it.

Data flow: each guard that finds something gives an :class:`Objection` -> ``settle`` gathers them
-> :class:`HeldBackError` names them together, so that a person who lets the batch pass
(``hub approve``) has seen everything that speaks against it -> ``hub.loads.held`` keeps them.

Run it alone: ``pytest tests/hub/test_held_back.py``.

What does not belong here: judging (``settle``, ``warehouse.diff``, ``checks``), approving
(``approve``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.errors import DataError
from warehouse.loads import LoadRecord


@dataclass(frozen=True)
class Objection:
    """One reason not to load a batch."""

    guard: str
    """Which guard speaks: ``too_few``, ``shrink``, ``rejects``, ``rule <name>``, ``drift <name>``;
    an approval names it."""
    what: str
    """A sentence without values of personal columns."""
    next_step: str


@dataclass(frozen=True)
class Found:
    """What was found in a batch before it is settled."""

    warnings: tuple[str, ...] = ()
    """Sentences for people, which stop nothing."""
    objections: tuple[Objection, ...] = ()


class HeldBackError(DataError):
    """The batch is held back; its checks say which rules, its objections say why."""

    def __init__(
        self,
        objections: Sequence[Objection],
        *,
        record: LoadRecord,
        checks: Mapping[str, dict[str, Any]],
        remedy: str,
        warnings: tuple[str, ...] = (),
        document: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep what was found beside the sentence; ``remedy`` is how a person lets it pass."""
        said = "; ".join(objection.what for objection in objections)
        steps = dict.fromkeys(objection.next_step for objection in objections)
        super().__init__(
            f"{said}; the batch is held back",
            where=f"{record.source}/{record.dataset}",
            next_step="; ".join([*steps, f"if the data is right: {remedy}"]),
        )
        self.record = record
        self.checks = checks
        self.objections = tuple(objections)
        self.warnings = warnings
        self.document = document

    def as_json(self) -> str:
        """Return what ``hub.loads.held`` keeps: the reasons, and what the batch would do."""
        moves = {
            name: getattr(self.record, name)
            for name in ("inserted", "updated", "deleted", "rejected")
        }
        reasons = [{"guard": one.guard, "what": one.what} for one in self.objections]
        return json.dumps({"objections": reasons, "would": moves}, ensure_ascii=False)
