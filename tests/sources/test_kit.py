"""Every fault on every kind, at the first, a middle and the last request of a pull.

Then what concerns a pull as a whole: certificates, tokens that end, lists that move. A pull that
dies in the middle and is begun again is to be added here as one more test over ``SUBJECTS``:
break a place for ever, pull, mend it, pull again, and ask what was asked twice.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ConfigurationError, ProviderError, TransientError
from sources.landing import LandedBatch
from tests.sources import wire_faults as wire
from tests.sources.certificates import issue
from tests.sources.fault_proxy import Fault, FaultProxy, Gate
from tests.sources.kit import (
    CASES,
    RETRIES,
    SECRET,
    Case,
    Expected,
    Kit,
    Running,
    Subject,
    landed,
    passing,
)
from tests.sources.kit_subjects import SUBJECTS

PAIRS = [
    pytest.param(subject, name, id=f"{subject.name}-{name}")
    for subject in SUBJECTS.values()
    for name in CASES
    if name in subject.only
]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Start each server once, and a proxy for each way of speaking to it."""
    with contextlib.ExitStack() as stack:
        servers: dict[Any, Running] = {}
        proxies: dict[Any, FaultProxy] = {}

        def start(subject: Subject) -> tuple[Running, FaultProxy]:
            if subject.serve not in servers:
                folder = tmp_path_factory.mktemp("nguon") / "kho"
                folder.mkdir()
                servers[subject.serve] = stack.enter_context(subject.serve(folder))
                proxies[subject.serve] = stack.enter_context(
                    FaultProxy(servers[subject.serve].url, authorization=subject.authorization)
                )
            return servers[subject.serve], proxies[subject.serve]

        yield start


@pytest.fixture
def kit(
    started: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[Callable[[Subject], Kit]]:
    """Return what puts a subject on the bench, its proxy and its list as new.

    At the end no secret may stand in what was logged, however talkative the libraries.
    """

    def begin(subject: Subject) -> Kit:
        running, proxy = started(subject)
        proxy.reset()
        running.reset()
        return Kit(subject, running, proxy, tmp_path / "landing")

    with caplog.at_level(logging.DEBUG):
        yield begin
    Kit.require_no_secret(*(record.getMessage() for record in caplog.get_records("call")))


@pytest.mark.parametrize(("subject", "name"), PAIRS)
def test_a_fault_ends_right_or_in_one_good_line(
    kit: Callable[[Subject], Kit], subject: Subject, name: str
) -> None:
    bench, case = kit(subject), CASES[name]
    expected = subject.expects.get(name, case.expected)
    places = [1] if case.slow else bench.places()[case.later_only :]
    if expected.outcome == "retried" and not case.slow:
        for place in places:
            require_survived(bench, case, place)
        places = [places[len(places) // 2]]
    for place in places:
        require_judged(bench, case, expected, place)


@pytest.mark.parametrize("fault", [wire.dripping, wire.stalled])
@pytest.mark.parametrize("name", ["portal", "webdav list", "files csv"])
def test_an_answer_that_is_slow_once_costs_no_row(
    kit: Callable[[Subject], Kit], name: str, fault: Fault
) -> None:
    bench = kit(SUBJECTS[name])
    middle = bench.places()[1]
    patience = {"read_timeout": 0.5, "page_deadline": 1}
    require_survived(bench, Case(fault, passing(""), limits=patience), middle)


def require_survived(bench: Kit, case: Case, place: int) -> None:
    """Break a request once: the batch is whole, and the request came once more."""
    found = bench.broken(case, place, times=1)
    bench.require_whole(found)
    assert bench.proxy.count(place) == bench.sent()[place] + 1


def require_judged(bench: Kit, case: Case, expected: Expected, place: int) -> None:
    """Break a request for ever: it ends as expected, and was sent as often as it should be."""
    found = bench.broken(case, place)
    if isinstance(found, LandedBatch):
        assert expected.outcome in {"either", "unseen"}
        if expected.outcome == "either":
            bench.require_whole(found)
        return
    bench.require_error(found, expected)
    if expected.outcome in {"retried", "refused"}:
        attempts = case.limits.get("retries", RETRIES) + 1 if expected.outcome == "retried" else 1
        assert bench.proxy.count(place) == attempts
        assert (f"({attempts} attempts)" in found.what) == (attempts > 1)


@pytest.mark.parametrize("subject", [pytest.param(one, id=name) for name, one in SUBJECTS.items()])
def test_a_pull_that_is_cut_off_goes_on_and_asks_for_nothing_twice(
    kit: Callable[[Subject], Kit], subject: Subject
) -> None:
    bench = kit(subject)
    sent, last = bench.sent(), bench.places()[-1]
    found = bench.broken(Case(wire.status(503), passing("HTTP 503")), last)
    bench.require_error(found, passing("HTTP 503"))
    answered = len(bench.proxy.asked) - (RETRIES + 1)
    bench.proxy.reset()
    again = bench.pull()
    bench.require_whole(again)
    assert isinstance(again, LandedBatch)
    # Lists whose pages nothing but places join have their last page compared, and so one more.
    assert len(bench.proxy.asked) <= sum(sent.values()) - again.manifest.resumed + 1
    assert again.manifest.resumed <= answered
    if last > 2:
        assert again.manifest.resumed >= answered - ALWAYS_ASKED.get(subject.name, 0) > 0
    assert list(bench.root.rglob(".journal*")) == []


ALWAYS_ASKED = {"edxml": 2}
"""Requests whose answers are not kept: lists of messages quote what may not lie on the disk."""


KINDS = [
    pytest.param(SUBJECTS[name], id=name)
    for name in (
        "portal", "ckan", "edxml", "rest by offset", "ogc_features", "oai_pmh", "webdav list",
        "files csv",
    )
]  # fmt: skip


SHOWN: dict[str, tuple[dict[str, Any], str]] = {
    "trusted": ({}, ""),
    "self-signed": ({"issuer": None}, "self-signed"),
    "expired": ({"days": (-9, -1)}, "expired"),
    "for another host": ({"host": "example.com"}, "mismatch"),
}


@pytest.mark.parametrize("subject", KINDS)
@pytest.mark.parametrize("shown", SHOWN)
def test_only_a_certificate_that_is_trusted_and_valid_is_spoken_to(
    kit: Callable[[Subject], Kit], subject: Subject, tmp_path: Path, shown: str
) -> None:
    bench = kit(subject)
    authority = issue(tmp_path, "ca")
    options, words = SHOWN[shown]
    own = issue(tmp_path, "own", **{"issuer": authority, "host": "127.0.0.1", **options})
    with FaultProxy(
        bench.running.url, authorization=subject.authorization, certificate=own
    ) as bench.proxy:
        bench.more["tls"] = {"ca_bundle": {"env": "KIT_CA"}}
        bench.environment["KIT_CA"] = str(authority.path)
        found = bench.pull()
        if words:
            expected = Expected("refused", ProviderError, f"127.0.0.1 is not trusted: .*{words}")
            bench.require_error(found, expected)
            assert bench.proxy.asked == []
        else:
            bench.require_whole(found)


@pytest.mark.parametrize("subject", KINDS)
def test_a_token_that_is_revoked_while_pages_are_read_is_renewed_once(
    kit: Callable[[Subject], Kit], subject: Subject
) -> None:
    bench = kit(subject)
    middle = bench.places()[1]
    gate = gated(bench)
    gate.revoke_at = middle
    bench.require_whole(bench.pull())
    assert gate.revoke_at == 0
    assert gate.logins == 2


@pytest.mark.parametrize("subject", KINDS)
def test_a_token_that_is_refused_as_soon_as_it_is_given_ends_the_pull(
    kit: Callable[[Subject], Kit], subject: Subject
) -> None:
    bench = kit(subject)
    gate = gated(bench)
    gate.shut = True
    expected = Expected("refused", ConfigurationError, "HTTP 401 .* credentials are refused")
    bench.require_error(bench.pull(), expected)
    assert gate.logins <= 1 + bench.system({}).limits.threads
    assert bench.proxy.asked == []


def gated(bench: Kit) -> Gate:
    """Put a gate before the server and tell the definition of it."""
    bench.clear()
    gate = bench.proxy.gate = Gate()
    names = {name: {"env": f"KIT_{name.upper()}"} for name in ("client_id", "client_secret")}
    bench.more["auth"] = {
        "kind": "oauth2_client_credentials", "token_path": gate.path, **names,
    }  # fmt: skip
    bench.environment.update(KIT_CLIENT_ID="kho", KIT_CLIENT_SECRET=SECRET)
    return gate


MOVING = [pytest.param(SUBJECTS[name], id=name) for name in SUBJECTS if name in
          ("portal", "ckan", "rest by offset", "rest by page")]  # fmt: skip


@pytest.mark.parametrize("changes", ["grows", "shrinks", "grows, then shrinks"])
@pytest.mark.parametrize("subject", MOVING)
def test_a_list_that_moves_while_it_is_read_loses_no_row_in_silence(
    kit: Callable[[Subject], Kit], subject: Subject, changes: str
) -> None:
    bench = kit(subject)
    middle = bench.places()[1]
    held = bench.running.truth()
    bench.clear()
    assert bench.running.insert
    assert bench.running.remove
    if "grows" in changes:
        bench.proxy.break_at(middle, wire.changing(bench.running.insert), times=1)
    if "shrinks" in changes:
        bench.proxy.break_at(middle + ("," in changes), wire.changing(bench.running.remove), 1)
    found = bench.pull({"threads": 1})  # so that the changes come in the order given
    if isinstance(found, LandedBatch):
        came = [row["ma"] for row in landed(found)]
        stayed = {row["ma"] for row in held} & {row["ma"] for row in bench.running.truth()}
        assert stayed <= set(came)
        # Without a key the row on the edge of two pages comes twice; staging knows its key.
        assert len(came) - len(set(came)) <= (not subject.name.startswith("rest"))
    else:
        bench.require_error(found, Expected("either", TransientError, "the list shrank"))
    # What counts rows with nothing to tell them apart can only give up when one leaves.
    keyed = subject.name.startswith("rest") or subject.name == "ckan"
    whole = keyed or "shrinks" not in changes
    assert isinstance(found, LandedBatch) == whole
