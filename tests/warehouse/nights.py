"""Nights in miniature: rows given by hand go through marks, comparison and commit of a real lake.

Data flow: a test's rows -> ``stg.main.tho`` and ``hang`` -> ``checks.quarantine.mark`` ->
``warehouse.diff`` -> ``warehouse.commit``; what a pull and staging would have done before is left
out.

What does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from checks.contract import Contract
from checks.quarantine import mark
from hub.errors import DataError
from tests.checks.contracts import contract as contract_in
from warehouse import diff, loads, tables
from warehouse.commit import commit
from warehouse.lake import Lake
from warehouse.stage import attached, content_hash

SOURCE, DATASET = "tinh/cong", "ho_so"
Row = dict[str, Any]


def row(ma: str | None, chu: str = "An", *, version: int = 1, **other: Any) -> Row:
    """Return a row of the small contract; ``version`` orders the versions of a key."""
    return {
        "ma": ma,
        "ngay_nhan": "2026-01-02",
        "ngay_tra": "2026-01-09",
        "chu_ho_so": chu,
        "trang_thai": "1",
        "le_phi": "5",
        "cap_nhat": f"2026-01-03 08:{version:02}:00",
        **other,
    }


@dataclass
class Warehouse:
    """A lake and the contract of its one dataset."""

    lake: Lake
    contract: Contract
    scratch: Path
    batches: int = 0

    @classmethod
    def at(cls, folder: Path) -> Warehouse:
        """Make one in a folder."""
        return cls(Lake(folder / "lake"), contract_in(folder), folder / "staging")

    def night(
        self, rows: Sequence[Row], *, whole: bool = True, after: str | None = "now"
    ) -> tuple[diff.Difference, bool]:
        """Commit rows as a batch; ``after`` is the batch it claims to follow."""
        self.batches += 1
        connection = self.lake.writer()
        with self.lake.lock():
            tables.ensure(connection, self.contract)
        position = loads.position(connection, SOURCE, DATASET)
        with attached(connection, self.scratch, str(self.batches)):
            self._stage(connection, rows)
            mark(connection, "stg.main.hang", self.contract)
            difference = diff.compare(
                connection, self.contract, source=SOURCE, dataset=DATASET, whole=whole
            )
            if why := diff.shrinking(connection, self.contract, SOURCE, difference.deleted):
                raise DataError(why)
            now = datetime.now(UTC)
            load = loads.LoadRecord(
                run="test", source=SOURCE, dataset=DATASET, table_name=self.contract.table,
                status=loads.LOADED, batch=f"b{self.batches}", started_at=now, ended_at=now,
                previous_batch=position.batch if after == "now" else after,
                inserted=difference.inserted, updated=difference.updated,
                deleted=difference.deleted, rejected=difference.rejected, late=difference.late,
            )  # fmt: skip
            done = commit(self.lake, connection, self.contract, load)
        connection.close()
        return difference, done

    def _stage(self, connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
        names = [column.name for column in self.contract.columns]
        listed = ", ".join(f"{name} VARCHAR" for name in names)
        connection.execute(
            f"CREATE TABLE stg.main.tho (_row BIGINT, _file VARCHAR, _line BIGINT, {listed})"
        )
        marks = ", ".join("?" for _ in names)
        for number, cells in enumerate(rows, start=1):
            connection.execute(
                f"INSERT INTO stg.main.tho VALUES ({number}, 'page', {number}, {marks})",
                [cells[name] for name in names],
            )
        typed = ", ".join(f"{c.name}::{c.sql_type} AS {c.name}" for c in self.contract.columns)
        connection.execute(
            f"""CREATE TABLE stg.main.hang AS
            SELECT *, {content_hash(self.contract, repairs=True)} AS _hash
            FROM (SELECT _row, {typed}, NULL::VARCHAR[] AS _repairs FROM stg.main.tho)"""
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the lake."""
        connection = self.lake.writer()
        connection.execute("USE lake")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def live(self) -> dict[str, str]:
        """Return the live table as key -> holder's name."""
        return dict(self.query(f"SELECT ma, chu_ho_so FROM {self.contract.table}"))

    def history(self) -> list[tuple[Any, ...]]:
        """Return the history as (key, name, change, ended by), in order."""
        return self.query(
            "SELECT ma, chu_ho_so, _change, _superseded_by "
            f"FROM {tables.history_of(self.contract.table)} ORDER BY _superseded_by, ma"
        )
