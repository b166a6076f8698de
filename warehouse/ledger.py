"""The records of one system while its datasets are loaded: read once, written once where they can.

Data flow: ``hub.loads`` and ``hub.quarantine`` -> a :class:`Ledger` for as long as the system's
lock is held, so that nobody else moves its datasets -> the records of datasets in which nothing
changed, kept until the last one is done and written in one commit. A night in which nothing changed
is a question and a commit a system, not three and one a dataset: each costs 10 to 60 ms in
DuckLake's catalog, and more with every table. A kill before the end loses the word that nothing
changed, which the next night says again; what was loaded or failed is written at once.

What does not belong here: the records of loaded rows, which ``commit`` writes with them.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import duckdb

from warehouse import loads
from warehouse.lake import Lake


@dataclass
class Ledger:
    """What ``hub.loads`` says of a system's datasets, and what it shall say."""

    lake: Lake
    source: str
    """``province/system``."""
    _good: dict[str, dict[str, Any]] | None = None
    _quarantined: dict[str, int] | None = None
    _kept: list[loads.LoadRecord] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin; nothing is read before it is needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Write the kept records."""
        if not self._kept:
            return
        with closing(self.lake.writer()) as connection:
            loads.record(self.lake, connection, *self._kept)
        self._kept = []

    def last_good(
        self, connection: duckdb.DuckDBPyConnection, dataset: str
    ) -> dict[str, Any] | None:
        """Return the newest loaded or unchanged record of a dataset; see ``loads.last_good``."""
        if self._good is None:
            self._good = loads.last_good(connection, self.source)
        return self._good.get(dataset)

    def keep(self, connection: duckdb.DuckDBPyConnection, load: loads.LoadRecord) -> None:
        """Have a record written that came with no rows: at the end, or at once if it failed."""
        if load.status == loads.UNCHANGED:
            self._kept.append(load)
        else:
            loads.record(self.lake, connection, load)

    def held(
        self, connection: duckdb.DuckDBPyConnection, load: loads.LoadRecord
    ) -> tuple[int, int]:
        """Return how many rows the live table holds of the source, and the open quarantine.

        Both are 0 for a failed load: its table may not be there yet.
        """
        if load.status == loads.FAILED:
            return 0, 0
        if load.status == loads.LOADED or self._quarantined is None:
            self._quarantined = loads.quarantined(connection, self.source)
        rows = loads.rows_of(connection, load.table_name, self.source)
        return rows, self._quarantined.get(load.dataset, 0)
