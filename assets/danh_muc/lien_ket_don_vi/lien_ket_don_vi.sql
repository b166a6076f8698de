-- Which old unit went into which new ones. For an old unit that the conversion table has, that table
-- counts; for any other, the package. The kind follows from the number of links: the labels of the
-- table contradict it (domain notes 1.7).
with nguon as (
    select *, khoa_don_vi(ten_cu) as khoa_cu
    from nguon_lien_ket() l
    where danh_sach = 'bang_chuyen_doi'
        or ma_cu not in (select b.ma_cu from nguon_lien_ket() b where b.danh_sach = 'bang_chuyen_doi')
),
xa as (
    select 'xa' as cap, ma_cu, khoa_cu, ma_moi, tu_ngay, min(ten_cu) as ten_cu,
        min(ma_tinh_cu) as ma_tinh_cu, min(ten_moi) as ten_moi,
        min(ma_tinh_moi) as ma_tinh_moi, string_agg(distinct nhan, '; ' order by nhan) as nhan_goc,
        min(danh_sach) as nguon, nullif(string_agg(distinct dinh_chinh, ', '), '') as dinh_chinh
    from nguon
    group by all
),
ten_tinh as (
    select ma_don_vi, ky, any_value(ten) as ten
    from danh_muc.don_vi_theo_goi
    where cap = 'tinh'
    group by all
),
tinh as (
    select 'tinh' as cap, x.ma_tinh_cu as ma_cu, '' as khoa_cu, x.ma_tinh_moi as ma_moi, x.tu_ngay,
        any_value(c.ten) as ten_cu, x.ma_tinh_cu, any_value(m.ten) as ten_moi, x.ma_tinh_moi,
        null as nhan_goc, min(x.nguon) as nguon, null as dinh_chinh
    from xa x
    left join ten_tinh c on c.ma_don_vi = x.ma_tinh_cu and c.ky = 'truoc_2025_07_01'
    left join ten_tinh m on m.ma_don_vi = x.ma_tinh_moi and m.ky = 'tu_2025_07_01'
    group by all
),
moi_cap as (from xa union all by name from tinh),
dem as (
    select *,
        count(*) over (partition by ma_cu, khoa_cu, tu_ngay) as so_lien_ket,
        count(*) over (partition by ma_moi, tu_ngay) as so_don_vi_cu,
        min(khoa_cu) over (partition by ma_cu, tu_ngay) <> max(khoa_cu) over (partition by ma_cu, tu_ngay)
            as mau_thuan
    from moi_cap
)
-- Two names under one code that went into one unit are one link between codes.
select ma_cu, ma_moi, tu_ngay, any_value(cap) as cap,
    case when max(so_lien_ket) > 1 then 'mot_phan'
        when max(so_don_vi_cu) > 1 then 'toan_bo' else 'giu_nguyen' end as loai,
    max(so_lien_ket) as so_lien_ket, string_agg(ten_cu, '; ' order by ten_cu) as ten_cu,
    any_value(ma_tinh_cu) as ma_tinh_cu, any_value(ten_moi) as ten_moi,
    any_value(ma_tinh_moi) as ma_tinh_moi,
    string_agg(distinct nhan_goc, '; ' order by nhan_goc) as nhan_goc,
    bool_or(mau_thuan) as mau_thuan, min(nguon) as nguon,
    string_agg(distinct dinh_chinh, ', ' order by dinh_chinh) as dinh_chinh
from dem
group by ma_cu, ma_moi, tu_ngay
