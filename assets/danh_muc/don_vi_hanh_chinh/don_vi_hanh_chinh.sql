-- Every unit with its period. A name comes from the conversion table if that was supplied, else
-- from the statistics office's list, else from the package; of two names in one list, the one that
-- more lists have. Both stay visible in danh_muc.mau_thuan_don_vi.
with ten as (
    select ky, cap, ma, khoa_don_vi(ten) as khoa, min(thu_tu) as thu_tu,
        count(distinct danh_sach) as so_danh_sach,
        arg_min({'ten': ten, 'ma_tinh': ma_tinh, 'ten_tinh': ten_tinh, 'ma_huyen': ma_huyen,
                 'ten_huyen': ten_huyen, 'danh_sach': danh_sach, 'dinh_chinh': dinh_chinh},
                (thu_tu, ten)) as ghi
    from nguon_don_vi()
    group by all
),
chon as (
    select ky, cap, ma, count(*) as so_ten, max(so_danh_sach) as so_danh_sach,
        arg_min(ghi, (thu_tu, -so_danh_sach, khoa)) as g,
        bool_or(ghi.danh_sach <> 'ds_xa_gso') as con_den_cuoi
    from ten
    group by all
),
tinh as (  -- the name of a province whose code a correction gave
    select ky, ma, arg_min(ten, thu_tu) as ten from nguon_don_vi() where cap = 'tinh' group by all
),
goi as (
    select ky, ma_don_vi, any_value(dien_tich_km2) as dien_tich_km2, any_value(ghi_chu) as ghi_chu
    from danh_muc.don_vi_theo_goi
    group by all
)
select
    c.ma as ma_don_vi,
    c.cap,
    c.g.ten as ten,
    ten_rieng_don_vi(c.g.ten) as ten_rieng,
    trim(left(c.g.ten, length(c.g.ten) - length(ten_rieng_don_vi(c.g.ten)))) as loai,
    c.g.ma_tinh as ma_tinh,
    coalesce(c.g.ten_tinh, t.ten) as ten_tinh,
    c.g.ma_huyen as ma_huyen,
    c.g.ten_huyen as ten_huyen,
    p.dien_tich_km2,
    c.ky,
    case c.ky when 'tu_2025_07_01' then date '2025-07-01' end as hieu_luc_tu,
    case c.ky when 'truoc_2025_07_01' then date '2025-06-30' end as hieu_luc_den,
    nullif(concat_ws('; ', p.ghi_chu,
        case when c.cap = 'xa' and not c.con_den_cuoi
            then 'chỉ có trong danh sách của Cục Thống kê, đã thôi trước 01/7/2025' end), '')
        as ghi_chu,
    khoa_don_vi(c.g.ten) as khoa_ten,
    khoa_rieng_don_vi(c.g.ten) as khoa_rieng,
    khoa_rieng_don_vi(coalesce(c.g.ten_tinh, t.ten)) as khoa_tinh,
    c.g.danh_sach as nguon,
    c.g.dinh_chinh as dinh_chinh
from chon c
left join goi p on p.ky = c.ky and p.ma_don_vi = c.ma
left join tinh t on t.ky = c.ky and t.ma = c.g.ma_tinh
