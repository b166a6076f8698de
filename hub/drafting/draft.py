"""Draft a contract and try it on the sample it came from.

Data flow: a sampled pull -> names, profile and judgement of each column -> typed rows
(``stg.main.nhap``) -> key, required columns, rules -> text -> the project's own reader, staging
and marks over the same sample -> what would be refused, written into the text.

Run it alone: ``hub contract draft PROVINCE/SYSTEM/DATASET``.

What does not belong here: printing and files (``cli``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from checks.contract import Column, load_contract
from checks.kinds import GENERAL_KINDS
from checks.quarantine import mark
from hub.drafting import keys
from hub.drafting.judge import Judged, judge
from hub.drafting.names import columns_of
from hub.drafting.profile import clean, profile
from hub.drafting.write import Drafted, Stated, columns_text, contract_text
from hub.errors import DataError
from hub.load import Context
from hub.preview import refused, sampled
from sources.landing import LandedBatch
from sources.spec import DatasetSpec, SystemSpec
from warehouse import mojibake, normalise, stage
from warehouse.readers.batch import names_in, read_batch

_PEOPLES = {"csv", "tsv", "xlsx", "xls"}
"""Media in which people write numbers."""
_FEW = 20
"""Different values that may be a list of codes."""
_OFTEN = 5
"""Times that each of them comes, on average."""
_SHORT = 40
_SPARE = 1.5
_VERSION = ("ngay_cap_nhat", "thoi_diem_cap_nhat", "updated_at", "updated_time", "last_modified")


@dataclass(frozen=True)
class Draft:
    """What is proposed."""

    contract: str
    """Text of the ODCS file."""
    columns: str
    """The ``columns`` of the dataset in ``defs.yaml``."""
    rows: int
    refused: int
    """Rows of the sample that this contract would refuse."""


def draft(context: Context, system: SystemSpec, dataset: DatasetSpec, rows: int) -> Draft:
    """Pull a sample and propose a contract for it; nothing is written.

    Args:
        context: The deployment.
        system: The source system.
        dataset: The dataset; neither its contract nor its ``columns`` need be there.
        rows: So many records are enough; files come whole.

    Raises:
        DataError: No record came, or none with a field.
        HubError: What a night would stop at too.
    """
    with sampled(context, system, dataset, rows) as (connection, batch):
        fields, left_out = _fields(connection, batch, dataset, system.kind)
        if not fields:
            raise DataError(
                "no record came, so there is nothing to draft from",
                where=f"{system.name}/{dataset.name}",
                next_step="look with a wider window, or set the reader's options",
            )
        columns = columns_of(fields)
        # In the order in which ``stage`` will ask for them: the first may tell rows from notes.
        read_batch(connection, batch, sorted(fields), dataset.fetch.get("reader", {}))
        mojibake.repair(connection, "stg.main.tho", fields)
        clean(connection, columns)
        media = {file.media for file in batch.manifest.files}
        known = _vocabulary(context, dataset)
        judged = [
            judge(
                connection, profile(connection, name), field, known.get(name),
                by_people=bool(media & _PEOPLES),
            )
            for name, field in columns.items()
        ]  # fmt: skip
        if not judged[0].profile.rows:
            raise DataError("the sample has no row", where=f"{system.name}/{dataset.name}")
        drafted = _drafted(connection, system, dataset, judged, left_out)
        return _tried(connection, batch, drafted)


def _fields(
    connection: duckdb.DuckDBPyConnection, batch: LandedBatch, dataset: DatasetSpec, kind: str
) -> tuple[list[str], list[str]]:
    """Return the source's fields, and those that no definition can name.

    DuckDB does not tell ``ID`` from ``Id``, and a quotation mark would end a name. The number of
    a row in a CKAN datastore is another one after the next upload.
    """
    taken = {"_row", "_file", "_line", *(["_id"] if kind == "ckan" else [])}
    fields: dict[str, str] = {}
    left_out = []
    for name in names_in(connection, batch, dataset.fetch.get("reader", {})):
        if '"' in name or name.lower() in {*fields, *taken} or not name.strip():
            left_out.append(name)
        else:
            fields[name.lower()] = name
    return list(fields.values()), left_out


def _vocabulary(context: Context, dataset: DatasetSpec) -> dict[str, Column]:
    """Return the columns of the other contracts by name: what they are called already."""
    return {
        column.name: column
        for stem, contract in context.catalog.contracts.items()
        if stem != dataset.contract
        for column in contract.columns
    }


def _drafted(
    connection: duckdb.DuckDBPyConnection,
    system: SystemSpec,
    dataset: DatasetSpec,
    judged: Sequence[Judged],
    left_out: Sequence[str],
) -> Drafted:
    """Type the sample as judged, and see what holds for it."""
    cells = [
        (one, normalise.expressions(one.column, one.spec, 't."' + one.spec.source + '"'))
        for one in judged
    ]
    values = ", ".join(f"{cell.value} AS {one.column.name}" for one, cell in cells)
    connection.execute(
        f"CREATE OR REPLACE TABLE stg.main.nhap AS SELECT _row, {values} FROM stg.main.tho t"
    )
    counts = ", ".join(f"count({one.column.name})" for one in judged)
    found = connection.execute(f"SELECT count(*), {counts} FROM stg.main.nhap").fetchone()
    rows, *filled = (int(value) for value in found or ())
    parents = [one.column.name for one in judged if one.spec.source in dataset.of_parent[:1]]
    key = keys.find(connection, judged, parents[0] if parents else None)
    required = [
        one.column.name for one, n in zip(judged, filled, strict=True)
        if n and n + one.profile.filled - one.read == rows
    ]  # fmt: skip
    versions = [
        one.column.name for one in judged
        if one.column.name in _VERSION and one.column.name in required
        and one.column.sql_type in {"DATE", "TIMESTAMP"} and one.column.name not in key.columns
    ]  # fmt: skip
    return Drafted(
        system, dataset, judged, key.columns, key.note, required,
        {one.column.name: _rules(connection, one) for one in judged},
        rows, version_column=versions[0] if versions else None, left_out=left_out,
    )  # fmt: skip


def _rules(connection: duckdb.DuckDBPyConnection, one: Judged) -> list[Stated]:
    """Propose rules over the values of one column."""
    if one.known is not None and one.known.rule is not None:
        fits = one.profile.fits[one.known.what]
        return [
            Stated(
                "pattern", one.known.severity, one.known.reason,
                GENERAL_KINDS["pattern"].expectation, {"regex": one.known.rule},
                f"{fits} of {one.profile.filled} cells have it",
            )
        ]  # fmt: skip
    values = _enumeration(connection, one)
    if not values:
        return []
    return [
        Stated(
            "in_set", "warn", f"{one.column.label} không thuộc danh mục",
            GENERAL_KINDS["in_set"].expectation, {"value_set": values},
            "seen in the sample; `error` once this is the source's own list",
        )
    ]  # fmt: skip


def _enumeration(connection: duckdb.DuckDBPyConnection, one: Judged) -> list[str]:
    """Return the values of a column that seems to hold codes of a list; never personal ones."""
    few = 1 < one.profile.counts["distinct"] <= _FEW
    often = one.profile.counts["distinct"] * _OFTEN <= one.profile.filled
    text = one.column.is_text and one.known is None and one.profile.counts["longest"] <= _SHORT
    if one.is_personal or not (few and often and text):
        return []
    name = one.column.name
    found = connection.execute(
        f"SELECT {name} FROM stg.main.nhap WHERE {name} IS NOT NULL GROUP BY {name} "
        f"ORDER BY count(*) DESC, {name}"
    ).fetchall()
    return [str(value) for (value,) in found]


def _tried(connection: duckdb.DuckDBPyConnection, batch: LandedBatch, drafted: Drafted) -> Draft:
    """Read the draft with the project's own reader and let it judge the sample."""
    dataset = drafted.dataset.model_copy(
        update={"columns": {one.column.name: one.spec for one in drafted.columns}}
    )
    with TemporaryDirectory(prefix="hub-draft-") as folder:
        path = Path(folder) / f"{drafted.dataset.contract}.odcs.yaml"
        path.write_text(contract_text(drafted), encoding="utf-8")
        contract = load_contract(path)
    records = stage.stage(connection, batch, dataset, contract)
    counts = mark(connection, "stg.main.hang", contract)
    bad = refused(connection)
    drafted = replace(
        drafted, outcome=_outcome(counts, records, bad), threshold=_threshold(bad, records)
    )
    return Draft(contract_text(drafted), columns_text(drafted), records, bad)


def _outcome(counts: Mapping[str, int], records: int, bad: int) -> list[str]:
    broken = sorted((item for item in counts.items() if item[1]), key=lambda item: -item[1])
    return [
        f"Under it {bad} of these {records} rows would be refused.",
        *(f"- {count} rows break {rule}" for rule, count in broken),
    ]


def _threshold(bad: int, records: int) -> float:
    """Return the share of refused rows that holds a batch back: a tenth, or more if need be."""
    share = bad / records if records else 0.0
    return max(0.1, min(1.0, math.ceil(share * _SPARE * 100) / 100))
