-- Dossiers by source, handling body and month of receipt (Vietnam time).
-- Online: channel 2; a missing channel counts as direct (domain notes 5.1).
-- Due: finished, or past its deadline at the time of the data; on time: finished by the deadline.
-- The time of the data is the newest change the source reported, never the clock of this machine,
-- so that the same rows always give the same figures.
-- Plain shares, not the values of Decision 766 (which also want an electronic result).
with moc as (
    select _source, max(ngay_cap_nhat) as den_ngay
    from dung_chung.ho_so
    group by _source
),
dem as (
    select
        h._source as nguon,
        h.ma_don_vi_xu_ly as ma_don_vi,
        any_value(h.don_vi_xu_ly order by h.ngay_cap_nhat desc, h.ma_ho_so) as ten_don_vi,
        date_trunc('month', h.ngay_tiep_nhan)::date as thang,
        count(*) as so_tiep_nhan,
        count(*) filter (h.kenh_thuc_hien = '2') as so_truc_tuyen,
        count(*) filter (
            h.ngay_hen_tra is not null
            and (h.ngay_ket_thuc is not null or h.ngay_hen_tra < m.den_ngay)
        ) as so_den_han,
        count(*) filter (h.ngay_ket_thuc <= h.ngay_hen_tra) as so_dung_han
    from dung_chung.ho_so h
    join moc m using (_source)
    where h.ngay_tiep_nhan is not null and h.ma_don_vi_xu_ly is not null
    group by all
)
select
    *,
    round(100.0 * so_truc_tuyen / so_tiep_nhan, 2) as ty_le_truc_tuyen,
    -- Nothing due: not applicable ("không áp dụng"), never zero.
    round(100.0 * so_dung_han / nullif(so_den_han, 0), 2) as ty_le_dung_han
from dem
