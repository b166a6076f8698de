"""What a load depends on, in one digest: the same again can change nothing and is not even staged.

Data flow: landed content, definition, contract, the tables that its rules look values up in, and
the code that cleans, types and judges -> :func:`fingerprint`, stored in ``hub.loads`` with each
load. If the newest good load of a dataset has the same one, the night is over for that dataset:
nothing was missed, because anything that could make a row come out differently is part of it.

Run it alone: ``python -m hub.fingerprint`` prints the digest of the code.

What does not belong here: deciding what to do about it (``load``).
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

import duckdb
import msgspec

import checks
import warehouse
from checks.contract import Contract
from sources.landing import Manifest
from sources.spec import DatasetSpec
from warehouse import loads


def fingerprint(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    dataset: DatasetSpec,
    manifest: Manifest,
) -> str:
    """Return the digest of all that decides what becomes of a landed batch.

    Args:
        connection: Has the lake attached; the newest batches of referenced tables are read there.
        contract: The dataset's contract; its file counts, so a new reason or threshold does too.
        dataset: The definition: which field is which column, and how the source writes it.
        manifest: The batch: content and kind of window, not its name, which is new every time.
    """
    looked_up = {
        rule.reference.table.partition(".")[2] for rule in contract.rules if rule.reference
    }
    newest = loads.latest(connection, status=loads.LOADED).values() if looked_up else ()
    known = [
        manifest.content_sha256,
        [manifest.backfill, manifest.whole],
        dataset.model_dump_json(),
        contract.path.read_text(encoding="utf-8"),
        sorted(
            f"{row['table_name']}={row['batch']}"
            for row in newest
            if row["table_name"] in looked_up
        ),
        code(),
    ]
    return hashlib.sha256(msgspec.json.encode(known)).hexdigest()[:32]


@cache
def code() -> str:
    """Return the digest of the modules that rows pass through; nobody has to remember a number."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for package in (checks, warehouse):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(f"{code()}\n")
