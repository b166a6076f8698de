-- What the lists of units contradict each other or themselves in. hai_ten is judged on what a list
-- says, so it stays after a correction, as corrected; everything else is judged after corrections.
with ghi as materialized (select *, khoa_don_vi(ten_ghi) as khoa_ghi, khoa_don_vi(ten) as khoa from nguon_don_vi()),
lien as materialized (select *, khoa_don_vi(ten_cu) as khoa_cu from nguon_lien_ket()),
hai_ten as (
    select 'hai_ten' as loai, ma_ghi as ma_don_vi, ky, danh_sach,
        string_agg(distinct ten_ghi, '; ' order by ten_ghi) as cac_ten,
        'một mã mang nhiều tên trong ' || danh_sach as chi_tiet,
        -- Mended if what still bears the code after all corrections has one name.
        (select count(distinct g.khoa) from ghi g where g.danh_sach = t.danh_sach and g.ky = t.ky and g.ma = t.ma_ghi)
            <= 1 as da_sua,
        nullif(string_agg(distinct dinh_chinh, ', ' order by dinh_chinh), '') as dinh_chinh
    from ghi t
    group by ma_ghi, ky, danh_sach
    having count(distinct khoa_ghi) > 1
),
ten as (
    select ky, cap, ma, danh_sach, any_value(ma_tinh) as ma_tinh, any_value(ma_huyen) as ma_huyen,
        min(khoa) as khoa, min(ten) as ten
    from ghi
    group by all
    having count(distinct khoa) = 1
),
co as (select distinct ky, cap, danh_sach from ghi),
khac_ten as (
    select 'khac_ten' as loai, ma as ma_don_vi, ky, string_agg(danh_sach, ', ' order by danh_sach) as danh_sach,
        string_agg(ten, '; ' order by danh_sach) as cac_ten, 'một mã mang tên khác nhau trong các danh sách' as chi_tiet
    from ten
    group by ma, ky, cap
    having count(distinct khoa) > 1
),
khac_ma as (
    select 'khac_ma' as loai, a.ma as ma_don_vi, a.ky, a.danh_sach || ', ' || b.danh_sach as danh_sach,
        a.ten as cac_ten,
        'tên này có mã ' || a.ma || ' trong ' || a.danh_sach || ', mã ' || b.ma || ' trong ' || b.danh_sach as chi_tiet
    from ten a
    join ten b on b.ky = a.ky and b.cap = a.cap and b.khoa = a.khoa and b.ma_tinh = a.ma_tinh
        and b.ma_huyen is not distinct from a.ma_huyen and b.ma <> a.ma and a.danh_sach < b.danh_sach
    where not exists (from ten x where x.ky = a.ky and x.ma = a.ma and x.danh_sach = b.danh_sach and x.khoa = a.khoa)
        and not exists (from ten x where x.ky = b.ky and x.ma = b.ma and x.danh_sach = a.danh_sach and x.khoa = b.khoa)
),
chi_mot as (
    select 'chi_mot_danh_sach' as loai, t.ma as ma_don_vi, t.ky, t.danh_sach || ', ' || c.danh_sach as danh_sach,
        t.ten as cac_ten, 'có trong ' || t.danh_sach || ', không có trong ' || c.danh_sach as chi_tiet
    from ten t
    join co c on c.ky = t.ky and c.cap = t.cap and c.danh_sach <> t.danh_sach
    where not exists (from ghi x where x.ky = t.ky and x.ma = t.ma and x.danh_sach = c.danh_sach)
),
thieu_ma as (
    select 'thieu_ma_cu' as loai, ma_moi as ma_don_vi, 'truoc_2025_07_01' as ky, 'bang_chuyen_doi' as danh_sach,
        case when thieu_ten_cu then ten_huyen else ten_cu_ghi end as cac_ten,
        'đơn vị cũ không có mã: ' || case when thieu_ten_cu then ten_huyen else ten_cu_ghi end as chi_tiet
    from bang_chuyen_doi_da_sua()
    where thieu_ma_cu
),
ma_la as (
    select distinct 'ma_la' as loai, l.ma_cu as ma_don_vi, 'truoc_2025_07_01' as ky, l.danh_sach, l.ten_cu as cac_ten,
        'liên kết từ mã cũ không có trong danh sách nào khác' as chi_tiet
    from lien l
    where l.ma_cu not in (select g.ma from ghi g where g.ky = 'truoc_2025_07_01' and g.danh_sach <> 'bang_chuyen_doi')
    union all
    select distinct 'ma_la', l.ma_moi, 'tu_2025_07_01', l.danh_sach, l.ten_moi,
        'liên kết tới mã mới không có trong danh sách nào khác'
    from lien l
    where l.ma_moi not in (select g.ma from ghi g where g.ky = 'tu_2025_07_01' and g.danh_sach <> 'bang_chuyen_doi')
),
nhan as (
    select l.ma_cu, l.khoa_cu, any_value(l.ten_cu) as ten_cu, l.nhan, count(*) as so_dong,
        max(m.so_lien_ket) as so_lien_ket
    from lien l
    join (select ma_cu, khoa_cu, count(distinct ma_moi) as so_lien_ket from lien
          where danh_sach = 'bang_chuyen_doi' group by all) m using (ma_cu, khoa_cu)
    where l.danh_sach = 'bang_chuyen_doi'
    group by l.ma_cu, l.khoa_cu, l.nhan
),
nhan_la as (
    select 'nhan_la' as loai, ma_cu as ma_don_vi, 'truoc_2025_07_01' as ky, 'bang_chuyen_doi' as danh_sach,
        ten_cu as cac_ten, 'loại liên kết ghi lạ: ' || coalesce(nhan, '(trống)') as chi_tiet
    from nhan
    where nhan is null or not regexp_full_match(nhan, 'Nhập toàn bộ( diện tích)?|Giữ nguyên|Đổi tên|Đổi loại hình|'
        || 'Nhập một phần( diện tích| dân số| diện tích, toàn bộ dân số)?|Sắp xếp toàn bộ (huyện|xã) .+ thành đặc khu .+|'
        || 'Đổi tên(, đổi loại hình)? từ một phần .+|Phần còn lại sau khi tách một phần .+')
),
nhan_khac as (
    select 'nhan_khac_so' as loai, ma_cu as ma_don_vi, 'truoc_2025_07_01' as ky, 'bang_chuyen_doi' as danh_sach,
        ten_cu as cac_ten, 'ghi "' || nhan || '" nhưng có ' || so_lien_ket || ' liên kết' as chi_tiet
    from nhan
    where (so_lien_ket > 1) <> (regexp_matches(nhan, 'một +phần|Phần còn lại')
        and not regexp_matches(nhan, '^Nhập toàn bộ'))
),
khac_lien_ket as (
    select 'khac_lien_ket' as loai, a.ma_cu as ma_don_vi, 'truoc_2025_07_01' as ky, 'bang_chuyen_doi, goi' as danh_sach,
        a.ten as cac_ten,
        'bang_chuyen_doi: ' || array_to_string(a.moi, ' ') || '; goi: ' || array_to_string(b.moi, ' ') as chi_tiet
    from (select ma_cu, min(ten_cu) as ten, list_sort(list(distinct ma_moi)) as moi from lien
          where danh_sach = 'bang_chuyen_doi' group by 1) a
    join (select ma_cu, list_sort(list(distinct ma_moi)) as moi from lien where danh_sach = 'goi' group by 1) b using (ma_cu)
    where a.moi <> b.moi
),
tinh_bi_chia as (
    select 'tinh_bi_chia' as loai, ma_tinh_cu as ma_don_vi, 'truoc_2025_07_01' as ky, danh_sach, '' as cac_ten,
        'các xã của tỉnh cũ này nhập vào nhiều tỉnh mới: '
            || array_to_string(list_sort(list(distinct ma_tinh_moi)), ' ') as chi_tiet
    from lien
    group by ma_tinh_cu, danh_sach
    having count(distinct ma_tinh_moi) > 1
),
tat_ca as (
    select loai, ma_don_vi, ky, chi_tiet, danh_sach, cac_ten, dinh_chinh, da_sua from hai_ten
    union all by name
    select *, null as dinh_chinh, false as da_sua
    from (from khac_ten union all by name from khac_ma union all by name from chi_mot union all by name from thieu_ma
          union all by name from ma_la union all by name from nhan_la union all by name from nhan_khac
          union all by name from khac_lien_ket union all by name from tinh_bi_chia)
)
select loai, ma_don_vi, ky, chi_tiet, danh_sach,
    case when da_sua then 'da_dinh_chinh' else 'mo' end as trang_thai,
    case when da_sua then dinh_chinh end as dinh_chinh,
    cac_ten,
    case ky when 'tu_2025_07_01' then date '2025-07-01' else date '2025-06-30' end as ngay
from tat_ca
