"""Headers that people made: two rows, (*), spacers, names twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ProviderError
from warehouse.readers.headers import count_known, joined, places


@pytest.mark.parametrize(
    ("upper", "lower", "names"),
    [
        (["Mới", "", "Cũ", ""], ["Tên", "Mã", "Tên", "Mã"], "Mới / Tên|Mới / Mã|Cũ / Tên|Cũ / Mã"),
        (["STT", "Mới", "", "Ghi chú"], ["", "Tên", "Mã", ""], "STT|Mới / Tên|Mới / Mã|Ghi chú"),
        (["STT", "", "Mới", ""], ["", "Tên", "Mã", ""], "STT|Tên|Mới / Mã|"),
        (["Mới", "Mới"], ["Tên", "Mới"], "Mới / Tên|Mới"),
        (["Mới", None, None], ["Tên ", None, "Mã\n(*)"], "Mới / Tên||Mới / Mã (*)"),
        (["Mới"], ["Tên", "Mã"], "Mới / Tên|Mới / Mã"),
        (["Mới", "Cũ"], [], "Mới|Cũ"),
        ([], [], ""),
    ],
)
def test_two_rows(upper: list[str | None], lower: list[str | None], names: str) -> None:
    assert "|".join(joined([upper, lower])) == names


def test_one_row_stays_one_row() -> None:
    assert joined([["\ufeff Mã\n ", "", "Te\u0302n"]]) == ["Mã", "", "Tên"]


@pytest.mark.parametrize(
    ("names", "fields", "found"),
    [
        (["Tên (*)", "", "Mã(*)", "Giá *"], ["Mã", "Tên", "Giá"], {"Mã": 2, "Tên": 0, "Giá": 3}),
        (["Tên", "Mã"], ["Mã (*)", "Tên (**)"], {"Mã (*)": 1, "Tên (**)": 0}),
        (["Giá (*)", "Giá"], ["Giá"], {"Giá": 1}),
        (["Giá (*)", "Giá"], ["Giá", "Giá (*)"], {"Giá": 1, "Giá (*)": 0}),
        (["Giá (đồng)"], ["Giá  (đồng)"], {"Giá  (đồng)": 0}),
        (["*"], ["*"], {"*": 0}),
    ],
)
def test_a_name_fits_as_it_is_or_without_its_star(
    names: list[str], fields: list[str], found: dict[str, int]
) -> None:
    assert places(names, fields) == found


@pytest.mark.parametrize(
    ("names", "fields", "told"),
    [
        (["Giá (*)"], ["Giá", "Giá (*)"], "missing: Giá; not known: none"),
        (["Giá (*)", "Giá *"], ["Giá"], "twice: Giá"),
        (["Giá", "x", "Giá"], ["Giá"], "twice: Giá; not known: x"),
        (["Giá (đồng)"], ["Giá"], r"missing: Giá; not known: Giá \(đồng\)"),
        ([], ["Giá"], "missing: Giá"),
    ],
)
def test_what_is_missing_or_twice_is_named(names: list[str], fields: list[str], told: str) -> None:
    with pytest.raises(ProviderError, match=told):
        places(names, fields)


def test_known_names_are_counted_once() -> None:
    assert count_known(["Mã (*)", "Mã", "Tên", ""], ["Mã", "Tên (*)", "Giá"]) == 2


CELLS = st.lists(st.none() | st.text(max_size=5), max_size=6)


@given(rows=st.lists(CELLS, min_size=1, max_size=2))
def test_every_column_has_one_name(rows: list[list[str | None]]) -> None:
    assert len(joined(rows)) == max(map(len, rows))
