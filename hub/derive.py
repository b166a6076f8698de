"""Derived tables: SQL over the lake's shared tables, kept by a contract like any other.

Data flow: ``assets/<schema>/<table>/defs.yaml`` names a contract, a SQL file and input tables ->
the SQL runs over the last good data of each input -> the same settling as a pulled batch. A table
is computed again only when an input's newest batch, the SQL or the contract changed. An input
that is down delays nothing: it is named as stale beside the result (design section 3.5). One whose
table was never filled is waited for, since a result without it would be wrong in silence; an
optional input that nobody supplied is an empty table. The macros of ``warehouse.macros`` are there.

Run it alone: ``hub sync chi_so/ho_so_theo_thang``.

What does not belong here: the SQL of single tables (they lie in ``assets/``).
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from checks.contract import Contract
from hub import data_docs
from hub.catalog import DerivedSpec
from hub.errors import ConfigurationError
from hub.fingerprint import code
from hub.load import Context, Outcome, failed, same_again, staged_in
from hub.settle import Settled, last_checks, settle
from warehouse import loads, macros, tables
from warehouse.ledger import Ledger
from warehouse.stage import content_hash


@dataclass(frozen=True)
class Input:
    """The state of one dataset that feeds a derived table."""

    name: str
    """``province/system/dataset``."""
    batch: str | None
    last_good: datetime | None
    stale: str | None
    """Why it is not up to date, or None if it is."""


_NAMES = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
"""Errors of DuckDB that speak of the SQL, never of a value."""


def derive(context: Context, spec: DerivedSpec, *, run: str) -> tuple[Outcome, list[Input]]:
    """Compute one table if anything it depends on changed.

    Returns:
        What became of it, and the inputs that are stale.
    """
    started_at, clock = datetime.now(UTC), time.monotonic()
    connection = context.lake.writer()
    source, dataset = spec.name.split("/")
    base = loads.LoadRecord(
        run=run,
        source=source,
        dataset=dataset,
        table_name=f"{source}.{dataset}",
        status=loads.FAILED,
        started_at=started_at,
        ended_at=started_at,
    )
    with Ledger(context.lake, source) as ledger:
        before = ledger.last_good(connection, dataset)
        last_good = before["ended_at"] if before else None
        inputs: list[Input] = []
        try:
            inputs = inputs_of(context, connection, spec, started_at)
            settled = _derive(context, connection, spec, base, inputs, before=before)
        except Exception as caught:  # noqa: BLE001 - one table's trouble must stay its own
            settled = failed(connection, base, caught)
        record = replace(
            settled.record, ended_at=datetime.now(UTC), seconds=time.monotonic() - clock
        )
        if record.status != loads.LOADED:
            ledger.keep(connection, record)
        if settled.document is not None:
            data_docs.keep(context.settings, record, settled.document)
        rows, quarantined = ledger.held(connection, record)
    connection.close()
    if record.status != loads.FAILED:
        last_good = record.ended_at
    page = data_docs.page(context.settings, record) if settled.checks else None
    outcome = Outcome(
        record, settled.checks, settled.error, last_good, rows, quarantined, page=page
    )
    return outcome, [i for i in inputs if i.stale]


def inputs_of(
    context: Context, connection: duckdb.DuckDBPyConnection, spec: DerivedSpec, now: datetime
) -> list[Input]:
    """Return the state of every dataset that feeds the table's inputs.

    Raises:
        ConfigurationError: An input is a table that no definition fills.
    """
    newest = loads.latest(connection)
    good = loads.latest(connection, status="good")
    loaded = loads.latest(connection, status=loads.LOADED)
    found = []
    for table in (*spec.inputs, *spec.optional_inputs):
        feeding = context.catalog.feeding(table)
        if not feeding:
            raise ConfigurationError(
                f"no dataset fills {table}", where=spec.name, next_step="correct `inputs`"
            )
        for name, hours in feeding:
            key = (name.rpartition("/")[0], name.rpartition("/")[2])
            last, last_good = newest.get(key), good.get(key)
            stale = None
            expected = table not in spec.optional_inputs
            if last_good is None:
                stale = "never loaded" if expected else None
            elif last and last["status"] == loads.FAILED:
                stale = f"last good {last_good['ended_at']:%Y-%m-%d %H:%M}; {last['error']}"
            elif expected and hours and now - last_good["ended_at"] > timedelta(hours=hours):
                stale = f"last good {last_good['ended_at']:%Y-%m-%d %H:%M}"
            batch = loaded[key]["batch"] if key in loaded else None
            found.append(Input(name, batch, last_good["ended_at"] if last_good else None, stale))
    return found


def awaited(
    context: Context, connection: duckdb.DuckDBPyConnection, spec: DerivedSpec
) -> dict[str, str]:
    """Return the input tables that were never filled, each with a dataset that would fill it.

    A table may be there and empty because its first batch was held back, so the records of loads
    are asked. Optional inputs are not waited for.
    """
    good = loads.latest(connection, status="good")
    missing = {}
    for table in spec.inputs:
        names = [name for name, _ in context.catalog.feeding(table)]
        if names and not any(tuple(name.rsplit("/", 1)) in good for name in names):
            missing[table] = names[0]
    return missing


def _derive(
    context: Context,
    connection: duckdb.DuckDBPyConnection,
    spec: DerivedSpec,
    base: loads.LoadRecord,
    inputs: list[Input],
    *,
    before: dict[str, Any] | None,
) -> Settled:
    contract = context.catalog.contract_named(spec.contract)
    folder = context.settings.assets_dir / spec.name
    sql = _read(folder / spec.sql)
    rules = contract.path.read_text(encoding="utf-8")
    known = [sql, rules, code(), *(f"{i.name}={i.batch}" for i in inputs)]
    seen = hashlib.sha256("\x1f".join(known).encode()).hexdigest()[:32]
    base = replace(
        base,
        batch=seen[:20],
        previous_batch=loads.position(connection, base.source, base.dataset).batch,
        fingerprint=seen,
        whole=True,
    )
    # Of the last good load, not of the last one that changed rows: an input may change and the
    # result stay, and then it would be computed again every night.
    if before is not None and before["fingerprint"] == seen:
        checks = last_checks(connection, base, contract, before=before)
        return Settled(same_again(base, before), checks)
    if missing := awaited(context, connection, spec):
        raise ConfigurationError(
            f"never loaded: {', '.join(missing)}",
            next_step=f"`hub sync {' '.join(missing.values())}` first",
        )
    with context.lake.lock():
        for optional in _contracts_of(context, spec):
            tables.ensure(connection, optional)
    with staged_in(context, connection, contract, f"{spec.name.replace('/', '-')}-{base.batch}"):
        base = replace(base, fetched=_compute(connection, sql, contract, folder / spec.sql))
        return settle(
            context.lake, connection, contract, base, whole=True, approval=context.approval
        )


def _contracts_of(context: Context, spec: DerivedSpec) -> list[Contract]:
    """Return the contracts of the optional inputs: their tables must be there, if only empty."""
    return [
        contract
        for contract in context.catalog.contracts.values()
        if contract.table in spec.optional_inputs
    ]


def _compute(
    connection: duckdb.DuckDBPyConnection, sql: str, contract: Contract, file: Path
) -> int:
    """Run the SQL with the lake as the current database and stage its rows."""
    columns = ", ".join(f"{c.name}::{c.sql_type} AS {c.name}" for c in contract.columns)
    macros.install(connection)
    connection.execute("USE lake")
    try:
        connection.execute(
            f"""CREATE OR REPLACE TABLE stg.main.hang AS
            SELECT row_number() OVER () AS _row, *, NULL::VARCHAR[] AS _repairs,
                {content_hash(contract)} AS _hash
            FROM (SELECT {columns} FROM ({sql}))"""
        )
    except duckdb.Error as error:
        # What it says of names helps; what it says of a conversion quotes the row.
        told = str(error).splitlines()[0]
        if not isinstance(error, _NAMES):
            told = f"{type(error).__name__} on some row"
        raise ConfigurationError(
            f"the SQL does not run: {told}",
            where=str(file),
            next_step="correct the file; try it with `hub query`",
        ) from error
    finally:
        connection.execute("USE memory")
    connection.execute(
        "CREATE OR REPLACE TABLE stg.main.tho AS SELECT _row, NULL::VARCHAR AS _file, "
        "_row AS _line, * EXCLUDE (_row, _repairs, _hash) FROM stg.main.hang"
    )
    counted = connection.execute("SELECT count(*) FROM stg.main.hang").fetchone()
    return int(counted[0]) if counted else 0


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip().rstrip(";")
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {file}", next_step="put the SQL file beside its defs.yaml"
        ) from error
