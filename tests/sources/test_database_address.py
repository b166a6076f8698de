"""Options and addresses of databases, and what servers say: no server is needed for these."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError
from sources.database_address import Address, parse
from sources.scanner import explain
from tests.sources.conftest import Puller
from tests.sources.databases import PASSWORD, PERCENT


@pytest.mark.parametrize(
    "fetch",
    [
        {"table": 'x"; DROP TABLE y; --'},
        {"table": "a.b.c"},
        {"table": "t", "query": "SELECT 1"},
        {"table": None},
        {"since_column": "a'b"},
        {"tls": "prefer"},
    ],
)
def test_options_that_make_no_sense_are_refused(puller: Puller, fetch: dict[str, Any]) -> None:
    puller.kind = "database"
    puller.fetch = {"table": "t", **fetch}
    with pytest.raises(ConfigurationError, match=r"fetch[.:]"):
        puller()


def test_an_address_is_read_with_what_it_encodes() -> None:
    found = parse(f"postgres://b%40:{PERCENT}@may.gov:5433/kho?ca=/etc/ca.pem", "URL")
    assert (found.engine, found.host, found.port, found.database) == (
        "postgres", "may.gov", 5433, "kho",
    )  # fmt: skip
    assert (found.user, found.password, found.ca) == ("b@", PASSWORD, "/etc/ca.pem")
    assert found.url == "postgres://may.gov:5433/kho"
    assert PASSWORD not in repr(found)


@given(st.text() | st.text().map(lambda rest: f"mysql://bi-mat{rest}"))
def test_any_address_is_read_or_refused_without_being_repeated(address: str) -> None:
    said = ""
    try:
        assert parse(address, "URL").user
    except ConfigurationError as error:
        said = str(error)
    assert "bi-mat" not in said


@given(st.text())
def test_whatever_a_server_says_becomes_one_line_that_repeats_at_most_a_name(said: str) -> None:
    address = Address("postgres", "may", 5432, "kho", "ai", "bi-mat", "", "URL")
    line = str(explain(duckdb.IOException(f'{said} "bi-mat": {said} bi-mat'), address))
    assert "\n" not in line
    assert "bi-mat" not in line
