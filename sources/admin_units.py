"""Administrative units, before and since the merger of 1 July 2025, from an installed package.

Data flow: the SQLite file of ``vietnamadminunits`` (MIT) -> JSON objects made by SQLite itself
-> pages of a batch, one per level and period. No network. Provinces and districts become rows
of their own; a unit is one row per period, since 3,310 commune codes were given again after
the merger (facts.md 1.7): a code means a unit only together with ``ky``, its period.

The package does not say since when an old unit existed, so ``hieu_luc_tu`` of those is blank.
What looks wrong in it (a code with two names, a type that contradicts the name, an area of
nothing) is landed as it is and named in ``ghi_chu``.

With ``table: links`` it lands which old commune went into which new ones instead: the package's
converter has that by names, and both lists know the names' keys, so codes come from a join. An
island district without communes stands under its own code of three digits.

Run it alone: ``python -m sources.pull assets/danh_muc/goi_don_vi/defs.yaml don_vi data/l``.

What does not belong here: what kind a link is, and which list is right (``assets/danh_muc``).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from hub.errors import ConfigurationError, ProviderError
from sources.context import PullContext
from sources.spec import Strict

NEEDS_ADDRESS = False
PACKAGE = "vietnamadminunits"

_NEW = ("tu_2025_07_01", "2025-07-01", None)
_OLD = ("truoc_2025_07_01", None, "2025-06-30")
"""Period, first day and last day of a unit; None where unknown or still in force."""

_PROVINCES = """
    SELECT DISTINCT provinceCode AS ma, 'tinh' AS cap, province AS ten, provinceShort AS rieng,
        trim(substr(province, 1, length(province) - length(provinceShort))) AS loai,
        provinceCode AS ma_tinh, province AS ten_tinh, NULL AS ma_huyen, NULL AS ten_huyen,
        NULL AS km2, provinceLat AS vi_do, provinceLon AS kinh_do
    FROM {table}"""
_DISTRICTS = """
    SELECT DISTINCT districtCode AS ma, 'huyen' AS cap, district AS ten, districtShort AS rieng,
        districtType AS loai, provinceCode AS ma_tinh, province AS ten_tinh,
        districtCode AS ma_huyen, district AS ten_huyen,
        NULL AS km2, districtLat AS vi_do, districtLon AS kinh_do
    FROM admin_units_legacy"""
_COMMUNES = """
    SELECT wardCode AS ma, 'xa' AS cap, ward AS ten, wardShort AS rieng, wardType AS loai,
        provinceCode AS ma_tinh, province AS ten_tinh, {district} AS ma_huyen,
        {district_name} AS ten_huyen, {area} AS km2, wardLat AS vi_do, wardLon AS kinh_do
    FROM {table} WHERE wardCode IS NOT NULL"""
# Five island districts of the old list have no commune: their rows end at the district.

_PAGES = (
    (_PROVINCES.format(table="admin_units"), _NEW),
    (
        _COMMUNES.format(
            table="admin_units", district="NULL", district_name="NULL", area="wardAreaKm2"
        ),
        _NEW,
    ),
    (_PROVINCES.format(table="admin_units_legacy"), _OLD),
    (_DISTRICTS, _OLD),
    (
        _COMMUNES.format(
            table="admin_units_legacy",
            district="districtCode",
            district_name="district",
            area="NULL",
        ),
        _OLD,
    ),
)

_AS_JSON = """
    SELECT json_object(
        'ma_don_vi', ma, 'cap', cap, 'ten', ten, 'ten_rieng', rieng, 'loai', loai,
        'ma_tinh', ma_tinh, 'ten_tinh', ten_tinh, 'ma_huyen', ma_huyen, 'ten_huyen', ten_huyen,
        'ky', :ky, 'hieu_luc_tu', :tu, 'hieu_luc_den', :den,
        'dien_tich_km2', km2, 'vi_do', vi_do, 'kinh_do', kinh_do,
        'ghi_chu', nullif(rtrim(
            iif(count(*) OVER (PARTITION BY ma) > 1, 'mã có nhiều tên trong cùng kỳ; ', '')
            || iif(instr(ten, loai) <> 1, 'loại ghi trong nguồn khác với tên; ', '')
            || iif(km2 <= 0, 'diện tích trong nguồn không dương; ', ''), '; '), ''))
    FROM ({units}) ORDER BY ma, ten"""


_LINKS = """
    WITH lien_ket AS (
        SELECT o.value AS cu, p.key AS tinh, w.key AS moi
        FROM json_each(:converter, '$.DICT_PROVINCE_WARD_NO_DIVIDED') p,
            json_each(p.value) w, json_each(w.value) o
        UNION ALL
        SELECT o.key, p.key, json_extract(w.value, '$.newWardKey')
        FROM json_each(:converter, '$.DICT_PROVINCE_WARD_DIVIDED') p,
            json_each(p.value) o, json_each(o.value) w
    ),
    cu AS MATERIALIZED (
        SELECT provinceKey || '_' || districtKey || '_' || coalesce(wardKey, '') AS khoa,
            coalesce(wardCode, districtCode) AS ma, coalesce(ward, district) AS ten, provinceCode
        FROM admin_units_legacy
    )
    SELECT json_object(
        'ma_cu', cu.ma, 'ten_cu', cu.ten, 'ma_tinh_cu', cu.provinceCode,
        'ma_moi', m.wardCode, 'ten_moi', m.ward, 'ma_tinh_moi', m.provinceCode,
        'tu_ngay', :tu, 'khoa_cu', l.cu, 'khoa_moi', l.tinh || '_' || l.moi)
    FROM lien_ket l LEFT JOIN cu ON cu.khoa = l.cu
        LEFT JOIN admin_units m ON m.provinceKey = l.tinh AND m.wardKey = l.moi
    ORDER BY l.cu, l.tinh, l.moi"""
"""A key that neither list knows leaves the code blank: the contract refuses that row."""


class Fetch(Strict):
    """Options of a dataset."""

    table: Literal["units", "links"] = "units"
    """Units of both periods, or which old commune went into which new ones."""


def land(pull: PullContext[Fetch]) -> None:
    """Land provinces, districts and communes of both periods, or the links between them."""
    total = 0
    with closing(_open()) as connection:
        url = f"package:{PACKAGE}=={importlib.metadata.version(PACKAGE)}"
        for sql, values in _queries(pull.fetch):
            try:
                found = connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise ProviderError(
                    f"the tables of package {PACKAGE} are not as expected: {error}",
                    next_step=f"install the version of {PACKAGE} that the lock file names",
                ) from None
            if not found:
                raise ProviderError(f"a table of package {PACKAGE} is empty")
            pull.batch.page([row[0].encode() for row in found], url=url)
            total += len(found)
            pull.progress(total, None)


def _queries(fetch: Fetch) -> list[tuple[str, dict[str, str | None]]]:
    """Return the SQL of each page with its values."""
    if fetch.table == "links":
        converter = _file("converter_2025.json").read_text(encoding="utf-8")
        return [(_LINKS, {"converter": converter, "tu": _NEW[1]})]
    return [
        (_AS_JSON.format(units=units), {"ky": period, "tu": first, "den": last})
        for units, (period, first, last) in _PAGES
    ]


def _open() -> sqlite3.Connection:
    """Open the package's file read-only, without importing the package (it loads parsers)."""
    return sqlite3.connect(f"{_file('dataset.db').as_uri()}?mode=ro", uri=True)


def _file(name: str) -> Path:
    """Return a data file of the package."""
    spec = importlib.util.find_spec(PACKAGE)
    folder = Path(spec.origin).parent if spec and spec.origin else Path(PACKAGE)
    file = folder / "data" / name
    if not file.is_file():
        raise ConfigurationError(
            f"package {PACKAGE} is not installed or has no data/{name}",
            next_step="install the dependencies of the project again",
        )
    return file
