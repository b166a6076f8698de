"""Batches out of order and twice: the newest version stays, every other one is in the history once.

Held against a model in plain Python.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.nights import Warehouse, row

KEYS, NAMES = ["A1", "A2", "A3"], ["An", "Bình"]
Night = dict[str, tuple[int, str]]
"""Key -> version and name."""


def test_an_older_version_goes_to_the_history_and_replaces_nothing(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    warehouse.night([row("A1", "mới", version=5), row("A2")])
    difference, done = warehouse.night([row("A1", "cũ", version=2)], whole=False)
    assert done
    assert (difference.updated, difference.unchanged, difference.late) == (0, 0, 1)
    assert warehouse.live() == {"A1": "mới", "A2": "An"}
    assert warehouse.history() == [("A1", "cũ", "late", "b2")]
    again, _ = warehouse.night([row("A1", "cũ", version=2)], whole=False)
    assert again.nothing
    assert len(warehouse.history()) == 1


def test_all_that_a_source_has_now_is_never_late(tmp_path: Path) -> None:
    """A portal that was set back to its backup shows older versions, and they are what it has."""
    warehouse = Warehouse.at(tmp_path)
    warehouse.night([row("A1", "mới", version=5)])
    difference, _ = warehouse.night([row("A1", "cũ", version=2)])
    assert (difference.updated, difference.late) == (1, 0)
    assert warehouse.live() == {"A1": "cũ"}


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    nights=st.lists(
        st.dictionaries(
            st.sampled_from(KEYS), st.tuples(st.integers(1, 4), st.sampled_from(NAMES)), min_size=1
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_order_of_batches_is_as_the_model_says(
    tmp_path_factory: pytest.TempPathFactory, nights: list[Night]
) -> None:
    warehouse = Warehouse.at(tmp_path_factory.mktemp("late"))
    live: Night = {}
    history: list[tuple[str, int, str]] = []
    for night in [*nights, nights[0]]:  # the first comes once more in the end
        for ma, (version, chu) in night.items():
            there = live.get(ma)
            if there is None or (there != (version, chu) and there[0] <= version):
                history += [(ma, *there)] if there else []
                live[ma] = (version, chu)
            elif there != (version, chu) and (ma, version, chu) not in history:
                history.append((ma, version, chu))
        warehouse.night(
            [row(ma, chu, version=version) for ma, (version, chu) in night.items()], whole=False
        )
    assert warehouse.live() == {ma: chu for ma, (_, chu) in live.items()}
    held = warehouse.query(
        "SELECT ma, minute(cap_nhat)::INT, chu_ho_so "
        f"FROM {warehouse.contract.table}_lich_su ORDER BY ALL"
    )
    assert held == sorted(history)
