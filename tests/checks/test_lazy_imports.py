"""Modules that are put off until they are used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from checks.lazy_imports import OF_GREAT_EXPECTATIONS, put_off


def test_a_module_is_loaded_when_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "put_off_for_a_test.py").write_text(
        "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\nNUMBER = 7\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with put_off(["put_off_for_a_test"]):
        module = importlib.import_module("put_off_for_a_test")
    ran = tmp_path / "put_off_for_a_test.ran"
    assert not ran.exists()
    assert module.NUMBER == 7
    assert ran.exists()
    assert not [each for each in sys.meta_path if type(each).__name__ == "_Finder"]


def test_a_module_that_is_not_there_is_missing_as_ever() -> None:
    with put_off(["nowhere_at_all"]), pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        importlib.import_module("nowhere_at_all")


def test_great_expectations_comes_without_them() -> None:
    """Otherwise a version of it has begun to use them, and the names should go from the list."""
    code = (
        "import sys, checks.validate; "
        f"print([type(sys.modules[n]).__name__ for n in {OF_GREAT_EXPECTATIONS!r}])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "['_LazyModule', '_LazyModule']"
