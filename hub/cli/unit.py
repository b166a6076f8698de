"""``hub unit``: what a code or a name of an administrative unit meant, on a day or at any time.

Data flow: a code or a name -> the macros of ``warehouse.macros`` over ``danh_muc`` -> units with
their days and what became of each. Names are found wherever their tone stands.

Run it alone: ``hub unit 15 --on 2025-06-30``, ``hub unit "Hoà Bình" --in 15``.

What does not belong here: the lists (``assets/danh_muc``), sums over units (``hub query``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from hub.cli.query import Format, copy, print_table
from hub.errors import ConfigurationError

_NEEDED = {"danh_muc.don_vi_hanh_chinh", "danh_muc.lien_ket_don_vi"}


def unit(
    what: Annotated[str, typer.Argument(help="Code or name of a unit")],
    on: Annotated[str | None, typer.Option(help="Only what it was on this day")] = None,
    within: Annotated[str | None, typer.Option("--in", help="Province, by code or name")] = None,
    form: Annotated[
        Format, typer.Option("--format", help="How to write the answer")
    ] = Format.table,
) -> None:
    """Say what a unit is or was, by code or name, and what became of it."""
    from hub.settings import Settings
    from warehouse import macros
    from warehouse.lake import Lake, table_names

    connection = Lake(Settings().lake).reader()
    if not table_names(connection) >= _NEEDED:
        raise ConfigurationError(
            "the units were never loaded", next_step="run `hub sync danh_muc` first"
        )
    macros.install(connection)
    sql = units_sql(what, _day(on), within)
    if form is not Format.table:
        copy(connection, sql, form)
        return
    if connection.execute(f"SELECT count(*) FROM ({sql})").fetchone() == (0,):
        raise ConfigurationError(
            "there was no such unit",
            next_step=("leave --on or --in away; " if on or within else "")
            + "names are looked for whole, with or without type",
        )
    print_table(connection, sql, limit=100, console=Console())


def _day(text: str | None) -> date | None:
    """Read ``--on``."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("--on wants a day such as 2025-06-30") from error


def units_sql(what: str, day: date | None, province: str | None) -> str:
    """Return the SELECT of all units that a code or a name means.

    Args:
        what: Code of 2, 3 or 5 digits, or a name with or without its type.
        day: Only units in force on it.
        province: Code or name of the province that they belong to.
    """
    from warehouse.lake import quote

    text = quote(what.strip())
    if what.strip().isdecimal():
        conditions = [f"u.ma_don_vi = '{text}'"]
    else:
        whole = f"u.khoa_ten = khoa_don_vi('{text}')"
        has_type = f"khoa_don_vi('{text}') <> khoa_rieng_don_vi('{text}')"
        conditions = [
            f"u.khoa_rieng = khoa_rieng_don_vi('{text}')",
            f"(NOT {has_type} OR {whole})",
        ]
    if province is not None:
        place = quote(province.strip())
        conditions.append(f"(u.ma_tinh = '{place}' OR u.khoa_tinh = khoa_rieng_don_vi('{place}'))")
    if day is not None:
        conditions.append(
            f"coalesce(u.hieu_luc_tu <= DATE '{day}', TRUE) "
            f"AND coalesce(u.hieu_luc_den >= DATE '{day}', TRUE)"
        )
    return f"""SELECT u.ma_don_vi, u.ten, u.ten_huyen, u.ten_tinh, u.ma_tinh,
            u.hieu_luc_tu, u.hieu_luc_den,
            array_to_string(list_transform(
                don_vi_hien_nay(u.ma_don_vi, coalesce(u.hieu_luc_den, DATE '9999-12-31')),
                lambda n: n.ma || ' ' || n.ten || ' (' || n.loai || ')'), '; ') AS hien_nay
        FROM danh_muc.don_vi_hanh_chinh u WHERE {" AND ".join(conditions)}
        ORDER BY u.ten_tinh, u.ma_don_vi, u.hieu_luc_den NULLS LAST"""
