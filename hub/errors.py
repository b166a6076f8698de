"""The error family of the hub: an error's class says who must act, its text says what to do.

Every layer raises these and only these for trouble it foresees; the command line turns each
into one line and an exit code, the Dagster assets into a ``Failure``. This module imports
nothing, so that ``sources``, ``checks`` and ``warehouse`` may use it without knowing the
program that ties them together; it is the one thing of ``hub`` they may import (a lint
contract in ``pyproject.toml`` holds them to it).

Run it alone: ``python -c "from hub.errors import DataError; print(DataError('x', where='y'))"``.

What does not belong here: errors of a single module (subclass these beside the code that
raises them), and anything that writes, logs or exits.
"""

from __future__ import annotations


class HubError(Exception):
    """Trouble the hub foresees.

    Args:
        what: What happened, in one sentence, without values of personal columns or secrets.
        where: Source, dataset, page, row or file, as precisely as known.
        next_step: What a person can do about it.
    """

    whose = "hub"
    retryable = False

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        """Keep the three parts; ``str()`` joins them into one line."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        """One line: where, what, whose, next."""
        place = f"{self.where}: " if self.where else ""
        remedy = f" -> {self.next_step}" if self.next_step else ""
        return " ".join(f"{place}{self.what} [{self.whose}]{remedy}".split())

    def at(self, where: str) -> HubError:
        """Return self with the place set, unless an inner layer already knew it better."""
        self.where = self.where or where
        return self


class ConfigurationError(HubError):
    """The deployment is set up wrongly: a missing secret, a broken YAML file, a bad option."""

    whose = "configuration"


class ProviderError(HubError):
    """The source answered wrongly for good: 403, HTML for JSON, a total that does not add up."""

    whose = "provider"


class TransientError(HubError):
    """The source or the network failed in a way that may pass: time-out, 503, cut connection."""

    whose = "network"
    retryable = True


class DataError(HubError):
    """The rows break their contract so badly that the batch is held back."""

    whose = "data"


class InternalError(HubError):
    """The hub itself is wrong; please report it."""

    whose = "hub"


def unforeseen(error: Exception) -> InternalError:
    """Return the error for an exception that nobody foresaw: its type and the place in our code.

    Its text is left out: a database's or a parser's message may quote the row it failed on.

    Raises:
        KeyboardInterrupt: It was Ctrl+C, which DuckDB wraps if a statement is running.
    """
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        behind = behind.__cause__ or behind.__context__
    place, trace = "an unknown place", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "site-packages" not in code.co_filename:
            folder, _, name = code.co_filename.rpartition("/")
            place = f"{folder.rpartition('/')[2]}/{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return InternalError(
        f"unforeseen {type(error).__name__} at {place}",
        next_step="nothing of this dataset was changed; report this line",
    )
