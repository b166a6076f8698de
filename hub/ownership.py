"""Who answers for a table on a day: the owner that its contract names, or who succeeded that body.

Data flow: ``contract.owner`` -> ``co_quan_ke_thua`` over ``danh_muc.ke_thua_co_quan`` -> the owner.
A contract keeps the name that was right when it was written; a reorganisation is one recorded row
and moves every table and grant of the predecessor from its day on.

Run it alone: ``hub query "select co_quan_ke_thua('so_thong_tin_va_truyen_thong', today()::date)"``.

What does not belong here: what an owner may do (grants come with access over the network).
"""

from __future__ import annotations

from datetime import date

import duckdb

from checks.contract import Contract
from hub.errors import DataError
from warehouse import macros


def owner_on(connection: duckdb.DuckDBPyConnection, owner: str, day: date) -> str:
    """Return who has an owner's duties on a day.

    Args:
        connection: A connection to the lake; without a succession table every owner stays.
        owner: As a contract or a grant names it: a team or an agency code in any spelling.
        day: The day in question (Viet Nam).

    Raises:
        DataError: Several bodies succeeded the owner as a whole, so nobody can say who it is.
    """
    macros.install(connection)
    known = connection.execute(
        "SELECT 1 FROM duckdb_functions() WHERE function_name = 'co_quan_ke_thua'"
    ).fetchone()
    if known is None:
        return owner
    found = connection.execute("SELECT co_quan_ke_thua(?, ?::DATE)", [owner, day]).fetchone()
    successors = list(found[0]) if found else [owner]
    if len(successors) > 1:
        raise DataError(
            f"{owner} was succeeded by several bodies ({', '.join(successors)})",
            where="danh_muc.ke_thua_co_quan",
            next_step="mark all but the main one as mot_phan in ke_thua_co_quan.csv",
        )
    return str(successors[0])


def owner_of(connection: duckdb.DuckDBPyConnection, contract: Contract, day: date) -> str:
    """Return who answers for a contract's table on a day; raises as :func:`owner_on`."""
    return owner_on(connection, contract.owner, day)
