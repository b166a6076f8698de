"""Readers have a whole generation at every instant; old ones go after their grace."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse.publish.generations import Generations

GRACE = timedelta(hours=1)


def made(shown: Generations, text: str) -> Path:
    """Make a generation of one file in a folder."""
    partial = shown.begin()
    (partial / "mo").mkdir()
    (partial / "mo" / "a").write_text(text)
    return shown.finish(partial)


def test_a_generation_is_shown_by_the_link_and_the_old_one_stays_for_its_grace(
    tmp_path: Path,
) -> None:
    shown = Generations(tmp_path / "publish")
    assert shown.current() is None
    assert shown.sweep(GRACE, datetime.now(UTC)) == 0
    first = made(shown, "1")
    resolved = (shown.folder / "current").resolve()
    with (shown.folder / "current" / "mo" / "a").open() as held:
        second = made(shown, "2")
        assert held.read() == "1"
        assert (shown.folder / "current" / "mo" / "a").read_text() == "2"
        assert not (shown.folder / "current").readlink().is_absolute()  # the folder may be moved
        now = datetime.now(UTC)
        assert shown.sweep(GRACE, now) == 0
        assert (resolved / "mo" / "a").read_text() == "1"
        assert shown.sweep(GRACE, now + 2 * GRACE, dry_run=True) == 1
        assert first.exists()
        assert shown.sweep(GRACE, now + 2 * GRACE) == 1
        held.seek(0)
        assert held.read() == "1"  # whoever has a file open keeps it
    assert not first.exists()
    assert shown.current() == second
    assert shown.sweep(GRACE, now + 2 * GRACE) == 0


def test_an_old_generation_that_was_long_shown_has_its_grace_from_the_switch(
    tmp_path: Path,
) -> None:
    shown = Generations(tmp_path / "publish")
    first = made(shown, "1")
    long_ago = (datetime.now(UTC) - timedelta(days=30)).timestamp()
    os.utime(first, (long_ago, long_ago))
    made(shown, "2")
    assert shown.sweep(GRACE, datetime.now(UTC)) == 0
    assert first.exists()


def test_what_killed_processes_left_goes_at_once(tmp_path: Path) -> None:
    shown = Generations(tmp_path / "publish")
    current = made(shown, "1")
    orphan = shown.folder / "20990101T000000000000Z"  # it had its name, but was never shown
    orphan.mkdir()
    (shown.folder / ".partial").mkdir()
    (shown.folder / ".gone-20200101T000000000000Z").mkdir()
    (shown.folder / ".current").symlink_to(orphan.name)
    assert shown.sweep(GRACE, datetime.now(UTC)) == 1
    assert {path.name for path in shown.folder.iterdir()} == {"current", current.name}


def test_names_only_grow_even_if_the_clock_went_back(tmp_path: Path) -> None:
    shown = Generations(tmp_path / "publish")
    future = shown.folder / "20990101T000000000000Z"
    future.mkdir(parents=True)
    (shown.folder / "current").symlink_to(future.name)
    assert made(shown, "1").name == "20990101T000000000001Z"


def test_the_group_may_read_and_nobody_may_write(tmp_path: Path) -> None:
    shown = Generations(tmp_path / "publish")
    before = os.umask(0o077)
    try:
        generation = made(shown, "1")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (shown.folder, generation, generation / "mo")}
    assert modes == {0o750}
    assert (generation / "mo" / "a").stat().st_mode & 0o777 == 0o440
