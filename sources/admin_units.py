"""Administrative units, before and since the merger of 1 July 2025, from an installed package.

Data flow: the SQLite file of ``vietnamadminunits`` (MIT) -> JSON objects made by SQLite itself
-> pages of a batch, one per level and period. No network. Provinces and districts become rows
of their own; a unit is one row per period, since 3,310 commune codes were given again after
the merger (facts.md 1.7): a code means a unit only together with ``ky``, its period.

The package does not say since when an old unit existed, so ``hieu_luc_tu`` of those is blank.
What looks wrong in it (a code with two names, a type that contradicts the name, an area of
nothing) is landed as it is and named in ``ghi_chu``.

Run it alone: ``python -m sources.pull assets/danh_muc/don_vi_hanh_chinh/defs.yaml don_vi data/l``.

What does not belong here: which old unit went into which new one (``warehouse``'s crosswalk).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path

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


class Fetch(Strict):
    """No options."""


def land(pull: PullContext[Fetch]) -> None:
    """Land provinces, districts and communes of both periods."""
    total = 0
    with closing(_open()) as connection:
        url = f"package:{PACKAGE}=={importlib.metadata.version(PACKAGE)}"
        for units, (period, first, last) in _PAGES:
            try:
                found = connection.execute(
                    _AS_JSON.format(units=units), {"ky": period, "tu": first, "den": last}
                ).fetchall()
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


def _open() -> sqlite3.Connection:
    """Open the package's file read-only, without importing the package (it loads parsers)."""
    spec = importlib.util.find_spec(PACKAGE)
    folder = Path(spec.origin).parent if spec and spec.origin else Path(PACKAGE)
    file = folder / "data" / "dataset.db"
    if not file.is_file():
        raise ConfigurationError(
            f"package {PACKAGE} is not installed or has no data/dataset.db",
            next_step="install the dependencies of the project again",
        )
    return sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
