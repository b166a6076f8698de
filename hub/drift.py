"""What to do when a source sends something else than last time: report it, or hold the batch.

Data flow: what the last good load saw (``hub.loads.seen``) and what this batch looks like
(``warehouse.drift``) -> :class:`Drift`: sentences for people, objections that hold the batch back,
and what is kept for the next time.

- A field that nobody maps and that was never seen: ``driftNew`` of the contract (``report``,
  ``ignore``, ``refuse``). It is not added to the table by itself: without a label, a form and a
  classification nobody could say who may see it. Nothing is lost meanwhile, landing keeps it, and
  ``hub reload`` fills the column once the contract describes it.
- A mapped field that no record has any more: ``driftMissing`` (``warn``, ``block``).
- A column whose cells cannot be read any more, or a text column that gets another kind of value:
  always held, with the difference; ``hub approve`` lets it pass.

Run it alone: ``pytest tests/hub/test_drift.py``.

What does not belong here: looking (``warehouse.drift``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from checks.contract import Contract
from hub.held import Found, Objection
from sources.landing import LandedBatch
from sources.spec import DatasetSpec
from warehouse import drift
from warehouse.drift import Seen

ENOUGH = 20
"""Records of which something can be said: of fewer, a field may be missing by chance."""
JUMP = 0.05
"""So much more of a column's cells unread than last time is another type, not another mistake."""
_COERCED = {"number", "flag", "object", "list"}
"""Kinds that a text column would take in silence, and that do not look as before afterwards."""


@dataclass(frozen=True)
class Drift(Found):
    """What differs from the last load, and what is kept for the next one."""

    seen: Seen = field(default_factory=Seen)


def judge(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    dataset: DatasetSpec,
    batch: LandedBatch,
    before: Mapping[str, Any] | None,
) -> Drift:
    """Hold a staged batch against the last good load.

    Args:
        connection: Has ``stg`` attached; ``tho`` and ``hang`` are filled.
        contract: The dataset's contract, which says what to do.
        dataset: The definition: which fields are mapped.
        batch: What was landed.
        before: The record of the last good load; the first one is held against nothing.
    """
    fields = drift.look(connection, batch, dataset)
    lost = drift.untyped(connection, contract)
    earlier = drift.decode(before.get("seen")) if before else None
    seen = Seen({name: sorted(kinds) for name, kinds in fields.items()}, drift.shares(lost))
    if earlier is None:
        return Drift(seen=seen)
    warnings, objections = [], []
    if fields:
        for name, what, policy, step in (
            *_new(contract, dataset, fields, earlier),
            *_missing(connection, contract, dataset, fields, earlier),
        ):
            if policy in {"refuse", "block"}:
                objections.append(Objection(f"drift {name}", what, step))
            elif policy != "ignore":
                warnings.append(f"{what}; {step}")
        objections += _coerced(contract, dataset, fields, earlier)
    objections += _unread(connection, contract, dataset, lost, earlier)
    return Drift(tuple(warnings), tuple(objections), seen.after(earlier))


_Told = Iterator[tuple[str, str, str, str]]
"""Field, what is so, what the contract says to do, what a person can do."""


def _new(
    contract: Contract, dataset: DatasetSpec, fields: Mapping[str, Counter[str]], earlier: Seen
) -> _Told:
    mapped = {spec.source for spec in dataset.columns.values()}
    for name in sorted(fields.keys() - earlier.fields.keys() - mapped):
        kinds = f" ({', '.join(sorted(fields[name]))})" if fields[name] else ""
        step = (
            f"to take it over: a property in {contract.path.name}, a line under `columns` in "
            f"defs.yaml, then `hub reload`; landing has it from now on"
        )
        yield name, f"the source sends a new field `{name}`{kinds}", contract.drift_new, step


def _missing(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    dataset: DatasetSpec,
    fields: Mapping[str, Counter[str]],
    earlier: Seen,
) -> _Told:
    counted = connection.execute("SELECT count(*) FROM stg.main.hang").fetchone()
    if not counted or counted[0] < ENOUGH:
        return
    mapped = {spec.source for spec in dataset.columns.values()}
    for name in sorted((mapped & earlier.fields.keys()) - fields.keys()):
        if drift.is_missing(connection, name):
            what = f"no record has field `{name}` any more, which fills a column"
            step = "ask the provider whether it has a new name, and correct defs.yaml"
            yield name, what, contract.drift_missing, step


def _coerced(
    contract: Contract, dataset: DatasetSpec, fields: Mapping[str, Counter[str]], earlier: Seen
) -> Iterator[Objection]:
    for column in contract.columns:
        spec = dataset.columns.get(column.name)
        if spec is None or not column.is_text or not earlier.fields.get(spec.source):
            continue
        now = fields.get(spec.source, Counter())
        was = earlier.fields[spec.source]
        for kind in sorted(_COERCED & now.keys() - set(was)):
            if 2 * now[kind] > now.total():
                yield Objection(
                    f"drift {spec.source}",
                    f"field `{spec.source}` was {' or '.join(was)} and is {kind} now, which column "
                    f"{column.name} would take as text",
                    "ask the provider: leading zeros and the like may be lost",
                )


def _unread(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    dataset: DatasetSpec,
    lost: Mapping[str, tuple[int, float]],
    earlier: Seen,
) -> Iterator[Objection]:
    for name, (cells, share) in lost.items():
        was = earlier.untyped.get(name, 0.0)
        if cells <= ENOUGH or share <= was + JUMP:
            continue
        written = ", ".join(f"`{shape}`" for shape in drift.shapes(connection, contract, name))
        yield Objection(
            f"drift {dataset.columns[name].source}",
            f"field `{dataset.columns[name].source}` is not {contract.column(name).sql_type} any "
            f"more: {share:.0%} of its cells cannot be read, {was:.0%} last time"
            + (f"; written as {written}" if written else ""),
            "ask the provider for the new way of writing, and tell defs.yaml of it",
        )
