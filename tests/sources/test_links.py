"""The ``Link`` header (RFC 8288), well made and not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.links import target


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("</a?p=2>; rel=next", "/a?p=2"),
        ('<b>; rel="prev", <c,d>; title="x, <y>; rel=next"; rel="NEXT last"', "c,d"),
        ('<a>;rel="prev" , <b> ; Rel = "next"', "b"),
        ('<a>; rel="prev"; rel="next"', None),
        ('<a>; rel=next; anchor="#x"', None),
        ("<a>", None),
        ("rel=next", None),
        ("", None),
    ],
)
def test_the_link_header_is_read_as_the_rfc_says(header: str, wanted: str | None) -> None:
    assert target(header) == wanted


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='<>;=," \\relnxt', max_size=200))
def test_no_link_header_hangs_or_crashes(header: str) -> None:
    found = target(header)
    assert found is None or found in header
