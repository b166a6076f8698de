"""The checks alone: a contract's rules on a million staged rows, against one plain SQL scan.

Data flow: staged rows as the hub makes them, a Parquet file of which a DuckDB file has a view, made
once -> in turn: the hub (quarantine's marks and Great Expectations on DuckDB), the hub's Great
Expectations alone, one plain ``SELECT`` that counts the same predicates, and Great Expectations on
pandas with the same expectations -> one table.

Run it alone: ``python -m benchmarks.checks_alone --rows 100000 --runs 1``.

What does not belong here: staging, the lake.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import duckdb

from benchmarks.contest import Contestant, hold, me, run_alone, table, tell
from benchmarks.project import EXPECTATIONS, RULES, make
from benchmarks.rows import COLUMNS, select, typed


def build(folder: Path, rows: int) -> None:
    """Make the staged rows."""
    from warehouse.stage import GROUP_ROWS  # noqa: PLC0415 - not all who measure need it

    raws = ", ".join(
        f"NULL::VARCHAR AS {n}__raw" for n, (t, _) in COLUMNS.items() if t != "VARCHAR"
    )
    with duckdb.connect(str(folder / "stg.duckdb")) as connection:
        connection.execute(
            f"""COPY (SELECT *, {raws}, md5_number_lower(ma_ho_so) AS _hash,
                NULL::VARCHAR[] AS _repairs FROM ({typed(f"({select(0, rows)})")}))
            TO '{folder}/hang.parquet' (COMPRESSION snappy, ROW_GROUP_SIZE {GROUP_ROWS})"""
        )
        connection.execute(
            f"""CREATE VIEW hang AS SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _row
            FROM read_parquet('{folder}/hang.parquet', file_row_number = true)"""
        )


def by_hub(folder: Path) -> None:
    """Mark the rows for quarantine and let Great Expectations count."""
    _by_hub(folder, marks=True)


def by_suite(folder: Path) -> None:
    """Let Great Expectations count, no more."""
    _by_hub(folder, marks=False)


def _by_hub(folder: Path, *, marks: bool) -> None:
    from checks.contract import load_contract  # noqa: PLC0415 - the others need none of these
    from checks.quarantine import mark  # noqa: PLC0415
    from checks.validate import validate  # noqa: PLC0415
    from warehouse.lake import connect  # noqa: PLC0415

    contract = load_contract(folder / "assets" / "contracts" / "ho_so.odcs.yaml")
    connection = connect()
    connection.execute(f"ATTACH '{folder}/stg.duckdb' AS stg")
    started = time.perf_counter()
    if marks:
        mark(connection, "stg.main.hang", contract)
    report = validate(connection, "stg.main.hang", contract)
    tell(time.perf_counter() - started, rules=len(report.results), success=report.success)


def by_scan(folder: Path) -> None:
    """Count the same predicates in one SELECT, the key's uniqueness in another."""
    from checks.contract import load_contract  # noqa: PLC0415 - as above
    from checks.staging import apply  # noqa: PLC0415
    from warehouse.lake import connect  # noqa: PLC0415

    contract = load_contract(folder / "assets" / "contracts" / "ho_so.odcs.yaml")
    connection = connect()
    connection.execute(f"ATTACH '{folder}/stg.duckdb' AS stg")
    fitted = apply(connection, "stg.main.hang", contract).rules
    rules = [rule for rule in fitted if rule.kind != "unique"]
    counts = ", ".join(f"count(*) FILTER ({rule.violation})" for rule in rules)
    keys = ", ".join(contract.key)
    started = time.perf_counter()
    broken = connection.execute(f"SELECT {counts} FROM stg.main.hang").fetchone()
    twice = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM stg.main.hang GROUP BY {keys} HAVING count(*) > 1)"
    ).fetchone()
    seconds = time.perf_counter() - started
    tell(seconds, rules=len(rules) + 1, success=not sum(broken or ()) + sum(twice or ()))


def by_pandas(folder: Path) -> None:
    """Ask Great Expectations for the same on pandas, as its documentation does."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # noqa: PLC0415
    from great_expectations.expectations.expectation_configuration import (  # noqa: PLC0415
        ExpectationConfiguration,
    )

    with duckdb.connect(f"{folder}/stg.duckdb", read_only=True) as connection:
        frame = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM hang").df()
    wanted = [
        (EXPECTATIONS[what], {"column": column, **kwargs})
        for column, rules in RULES.items()
        for _, what, kwargs in rules
    ]
    wanted += [
        ("expect_column_values_to_not_be_null", {"column": "ma_ho_so"}),
        ("expect_column_values_to_not_be_null", {"column": "trang_thai"}),
        ("expect_column_values_to_be_unique", {"column": "ma_ho_so"}),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "ngay_hen_tra", "column_B": "ngay_tiep_nhan", "or_equal": True},
        ),
    ]
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("p").add_dataframe_asset("a")
    batch = asset.add_batch_definition_whole_dataframe("b").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(
        name="s",
        expectations=[
            ExpectationConfiguration(type=kind, kwargs=kwargs).to_domain_obj()
            for kind, kwargs in wanted
        ],
    )
    started = time.perf_counter()
    result = batch.validate(suite, result_format="BASIC")
    tell(time.perf_counter() - started, rules=len(wanted), success=bool(result.success))


ROLES = {"hub": by_hub, "suite": by_suite, "scan": by_scan, "pandas": by_pandas}


def measure(rows: int, runs: int, folder: Path) -> str:
    """Hold the contest; returns its section."""
    start = folder / "start"
    make(start / "assets")
    build(start, rows)
    names = {
        "hub: marks and GX": "hub",
        "hub: GX alone": "suite",
        "plain scan": "scan",
        "GX on pandas": "pandas",
    }
    contestants = [
        Contestant(name, me("checks_alone", "--as", role, "--folder", str(start)))
        for name, role in names.items()
    ]
    results = hold(contestants, runs, folder)
    rules = results["plain scan"][0].told["rules"]
    return (
        f"## Checks alone: {rules} rules on {rows:,} rows\n\n{table(results, 'plain scan')}\n\n"
        "The plain scan counts the same predicates. On pandas there is nothing to type, so it has "
        "the fifteen stated expectations only.\n"
    )


if __name__ == "__main__":
    run_alone(__doc__, measure, ROLES, rows=1_000_000)
