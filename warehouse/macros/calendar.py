"""Working days by the official calendar, which is data: nothing here knows a holiday.

Data flow: ``danh_muc.lich_lam_viec``, the days of each year that differ from Monday to Friday ->
every day of the years that it has, counted -> working-day functions. Outside those years, and
across a year that is missing, the answer is NULL, or an error with ``bat_buoc := true``.

What does not belong here: the days (recorded data), Tết by the moon (design promise 12).
"""

from __future__ import annotations

from warehouse.macros.macro import Macro
from warehouse.text_forms import let

CALENDAR = ("danh_muc.lich_lam_viec",)

# khoi is the same for years without a gap between them; stt counts working days within it.
_DAYS = """
    WITH nam AS (SELECT DISTINCT year(l.ngay) AS n FROM lake.danh_muc.lich_lam_viec l),
    khoi AS (SELECT nam.n, nam.n - row_number() OVER (ORDER BY nam.n) AS khoi FROM nam),
    moi_ngay AS (
        SELECT khoi.khoi, unnest(generate_series(make_date(khoi.n, 1, 1),
            make_date(khoi.n, 12, 31), INTERVAL 1 DAY))::DATE AS ngay
        FROM khoi
    )
    SELECT m.ngay, m.khoi, coalesce(l.loai = 'lam_bu', isodow(m.ngay) < 6) AS la_ngay_lam_viec,
        sum(coalesce(l.loai = 'lam_bu', isodow(m.ngay) < 6)::INTEGER)
            OVER (PARTITION BY m.khoi ORDER BY m.ngay) AS stt, l.ten
    FROM moi_ngay m LEFT JOIN lake.danh_muc.lich_lam_viec l ON l.ngay = m.ngay"""


def _known(answer: str, given: str, what: str) -> str:
    """Return SQL that refuses where there is no answer and the caller wants one.

    Args:
        answer: SQL of the answer, NULL outside the years that the calendar has.
        given: SQL that is true where the question can be asked at all.
        what: SQL of the days in question.
    """
    refused = f"""CASE WHEN tra_loi IS NULL AND bat_buoc AND {given} THEN error(
            'không có lịch làm việc chính thức cho ' || {what}
            || '; hãy ghi ngày nghỉ, ngày làm bù của năm đó vào lich_lam_viec.csv')
        ELSE tra_loi END"""
    return let("tra_loi", answer, refused)


_IS_WORKING = """(SELECT any_value(x.la_ngay_lam_viec) FROM lich_tung_ngay() x
    WHERE x.ngay = ngay_xet::DATE)"""
_COUNTED = """(SELECT any_value({{'khoi': x.khoi, 'stt': x.stt::BIGINT}}) FROM lich_tung_ngay() x
    WHERE x.ngay = {}::DATE)"""
# Each end by itself: looked up as a pair, every pair of days that the rows have would be joined.
_BETWEEN = let(
    "hai",
    f"{{'dau': {_COUNTED.format('tu')}, 'cuoi': {_COUNTED.format('den')}}}",
    "CASE WHEN hai.dau.khoi = hai.cuoi.khoi THEN hai.cuoi.stt - hai.dau.stt END",
)
_PLUS = """(SELECT any_value(y.ngay)
    FROM lich_tung_ngay() x JOIN lich_tung_ngay() y ON y.khoi = x.khoi
    WHERE x.ngay = tu::DATE AND y.la_ngay_lam_viec AND y.stt = x.stt + so_ngay)"""

MACROS = (
    Macro("lich_tung_ngay", "()", _DAYS, CALENDAR, table=True),
    Macro("la_ngay_lam_viec", "(ngay_xet)", _IS_WORKING, CALENDAR),
    Macro(
        "ngay_lam_viec_giua",
        "(tu, den, bat_buoc := FALSE)",
        _known(_BETWEEN, "tu IS NOT NULL AND den IS NOT NULL", "tu || ' - ' || den"),
        CALENDAR,
    ),
    Macro(
        "cong_ngay_lam_viec",
        "(tu, so_ngay, bat_buoc := FALSE)",
        _known(
            _PLUS, "tu IS NOT NULL AND so_ngay IS NOT NULL", "tu || ' + ' || so_ngay || ' ngày'"
        ),
        CALENDAR,
    ),
)
