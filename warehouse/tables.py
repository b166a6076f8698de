"""The lake's tables as their contracts describe them: made, widened, commented, never narrowed.

Data flow: a contract's columns and key -> ``CREATE TABLE`` for the live table and for its history
(``<table>_lich_su``). The live table holds exactly what the source holds now; every version that
was superseded or deleted moves to the history with the time, the batch and the kind of change.
So an agency's plain ``count(*)`` is right without knowing of soft deletion (the reason is in
``docs/architecture.md``).

Run it alone: ``python -m warehouse.tables assets/contracts/ho_so.odcs.yaml`` prints the SQL.

What does not belong here: rows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import duckdb

from checks.contract import Contract, load_contract
from hub.errors import ConfigurationError
from warehouse.lake import quote, table_names

SYSTEM_COLUMNS = {
    "_source": ("VARCHAR", "Hệ thống nguồn (source system, province/system)"),
    "_batch": ("VARCHAR", "Lô đã nạp phiên bản này (batch that loaded this version)"),
    "_loaded_at": ("TIMESTAMPTZ", "Thời điểm nạp vào kho (when this version was loaded)"),
    "_repairs": ("VARCHAR[]", "Các ô đã được sửa khi nạp: cột:kiểu sửa (cells repaired on load)"),
    "_hash": ("UBIGINT", "Mã băm nội dung, để so sánh (content hash)"),
}
HISTORY_COLUMNS = {
    "_superseded_at": ("TIMESTAMPTZ", "Thời điểm hết hiệu lực (when this version ended)"),
    "_superseded_by": ("VARCHAR", "Lô làm hết hiệu lực (batch that ended it)"),
    "_change": (
        "VARCHAR",
        (
            "update: có phiên bản mới; delete: nguồn không còn; late: đến sau phiên bản mới hơn "
            "(kind of change)"
        ),
    ),
}


def history_of(table: str) -> str:
    """Return the name of a table's history table."""
    return f"{table}_lich_su"


def columns_of(contract: Contract, *, history: bool = False) -> dict[str, tuple[str, str]]:
    """Return name -> (SQL type, comment) of every column of the live or the history table."""
    business = {
        column.name: (column.sql_type, f"{column.label}. {column.description}")
        for column in contract.columns
    }
    return {**business, **SYSTEM_COLUMNS, **(HISTORY_COLUMNS if history else {})}


def statements(contract: Contract) -> list[str]:
    """Return the SQL that makes both tables of a contract."""
    made = []
    for table, history in ((contract.table, False), (history_of(contract.table), True)):
        columns = columns_of(contract, history=history)
        listed = ", ".join(f"{name} {sql_type}" for name, (sql_type, _) in columns.items())
        made.append(f"CREATE TABLE lake.{table} ({listed})")
        parts = ", ".join(["_source", *contract.partition_by])
        made.append(f"ALTER TABLE lake.{table} SET PARTITIONED BY ({parts})")
        suffix = " (lịch sử)" if history else ""
        title = quote(f"{contract.title}{suffix}. {contract.description}")
        made.append(f"COMMENT ON TABLE lake.{table} IS '{title}'")
        made += [
            f"COMMENT ON COLUMN lake.{table}.{name} IS '{quote(comment)}'"
            for name, (_, comment) in columns.items()
        ]
    return made


def ensure(
    connection: duckdb.DuckDBPyConnection, contract: Contract, beside: Iterable[Contract] = ()
) -> None:
    """Make or widen the tables of a contract; call it under the lake's lock.

    Args:
        connection: Has the lake attached as ``lake``.
        contract: The tables that are needed now.
        beside: Those that will be needed soon, to be made in the same commit. DuckLake reads its
            whole catalog once for each state of it in which a table was made: a hundred tables made
            one by one cost a first night 7 minutes and every later question 0.1 s.

    Raises:
        ConfigurationError: The contract gives a column another type than the table has.
    """
    present = _present(connection, contract.table)
    wanted = columns_of(contract)
    if all(present.get(name) == sql_type for name, (sql_type, _) in wanted.items()):
        return
    connection.execute("BEGIN")
    try:
        if not present:
            there = table_names(connection)
            for wanting in {each.table: each for each in (*beside, contract)}.values():
                for statement in () if wanting.table in there else statements(wanting):
                    connection.execute(statement)
        else:
            _widen(connection, contract, present)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _present(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    schema, name = table.split(".")
    found = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = 'lake' AND schema_name = ? AND table_name = ?",
        [schema, name],
    ).fetchall()
    return {column: spelt(kind) for column, kind in found}


def spelt(kind: str) -> str:
    """Return DuckDB's name of a type as contracts write it: TIMESTAMPTZ is short there."""
    return kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")


def _widen(
    connection: duckdb.DuckDBPyConnection, contract: Contract, present: dict[str, str]
) -> None:
    for name, (sql_type, comment) in columns_of(contract).items():
        if name not in present:
            for table in (contract.table, history_of(contract.table)):
                connection.execute(f"ALTER TABLE lake.{table} ADD COLUMN {name} {sql_type}")
                connection.execute(f"COMMENT ON COLUMN lake.{table}.{name} IS '{quote(comment)}'")
        elif present[name] != sql_type:
            raise ConfigurationError(
                f"column {name} is {present[name]} in the warehouse but {sql_type} in the contract",
                where=f"{contract.path} ({contract.table})",
                next_step="give the new type a new column name, or restore the old type",
            )


def main() -> None:
    """Print the SQL of a contract's tables."""
    sys.stdout.write(";\n".join(statements(load_contract(Path(sys.argv[1])))) + ";\n")


if __name__ == "__main__":
    main()
