"""The catalog: what a selection names, and broken files that spoil only what depends on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.catalog import Catalog, Selection, load_catalog
from hub.errors import ConfigurationError
from tests.hub import small

OTHER = small.SECOND.replace("tinh/danh_ba", "huyen/danh_ba")


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """Two systems of one province, one of another, a derived table."""
    folder = small.define(tmp_path)
    (folder / "huyen" / "danh_ba").mkdir(parents=True)
    (folder / "huyen" / "danh_ba" / "defs.yaml").write_text(OTHER)
    return folder


def named(chosen: Selection) -> set[str]:
    """Return the names of all that was chosen."""
    datasets = {f"{system}/{d.name}" for system, ds in chosen.datasets.items() for d in ds}
    return datasets | {derived.name for derived in chosen.derived} | set(chosen.broken)


PORTAL, UNITS, FAR = f"{small.PORTAL}/ho_so", f"{small.UNITS}/don_vi", "huyen/danh_ba/don_vi"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], {PORTAL, UNITS, FAR, small.COUNTS}),
        (["tinh"], {PORTAL, UNITS}),
        (["huyen"], {FAR}),
        ([small.UNITS], {UNITS}),
        ([PORTAL], {PORTAL}),
        ([small.COUNTS], {small.COUNTS}),
        (["chi_so"], {small.COUNTS}),
        ([PORTAL, "huyen", small.COUNTS], {PORTAL, FAR, small.COUNTS}),
    ],
)
def test_a_selection_names(assets: Path, wanted: list[str], expected: set[str]) -> None:
    assert named(load_catalog(assets).select(wanted)) == expected


def test_what_is_named_twice_is_chosen_once(assets: Path) -> None:
    chosen = load_catalog(assets).select(["tinh", small.PORTAL, PORTAL, "chi_so", small.COUNTS])
    assert {name: len(sets) for name, sets in chosen.datasets.items()} == {
        small.PORTAL: 1, small.UNITS: 1,
    }  # fmt: skip
    assert len(chosen.derived) == 1


@pytest.mark.parametrize("wanted", ["tin", "tinh/", "danh_ba", f"{PORTAL}/x", "ho_so_nho", ""])
def test_a_name_that_fits_nothing_is_an_error_with_the_known_ones(
    assets: Path, wanted: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"nothing is called '{wanted}'") as caught:
        load_catalog(assets).select(["huyen", wanted])
    for known in (small.PORTAL, small.UNITS, small.COUNTS):
        assert known in caught.value.next_step


def test_feeding_names_the_datasets_of_a_table_with_their_deadline(assets: Path) -> None:
    catalog = load_catalog(assets)
    assert catalog.feeding(small.TABLE) == [(PORTAL, 26)]
    assert [name for name, _ in catalog.feeding("dung_chung.danh_ba")] == [FAR, UNITS]
    assert catalog.feeding("dung_chung.khong_co") == []


def spoil(assets: Path, name: str, old: str, new: str) -> Catalog:
    """Change a file of the assets and load them."""
    path = assets / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_catalog(assets)


def test_a_broken_contract_spoils_only_the_datasets_that_keep_it(assets: Path) -> None:
    catalog = spoil(assets, "contracts/danh_ba.odcs.yaml", "logicalType: date", "logicalType: dat")
    assert set(catalog.errors) == {"danh_ba"}
    assert "danh_ba.odcs.yaml:" in str(catalog.errors["danh_ba"])
    assert named(catalog.select([])) == {PORTAL, UNITS, FAR, small.COUNTS}
    catalog.contract(catalog.systems[small.PORTAL].dataset("ho_so"))
    with pytest.raises(ConfigurationError, match="logicalType"):
        catalog.contract(catalog.systems[small.UNITS].dataset("don_vi"))
    assert catalog.feeding("dung_chung.danh_ba") == []


def test_a_missing_contract_says_which_file_to_write(assets: Path) -> None:
    (assets / "contracts" / "danh_ba.odcs.yaml").unlink()
    catalog = load_catalog(assets)
    assert catalog.errors == {}
    with pytest.raises(ConfigurationError, match=r"there is no contract danh_ba\.odcs\.yaml"):
        catalog.contract_named("danh_ba")


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (small.PORTAL, "kind: portal", "kind: portal: x", r"defs\.yaml:6: not valid YAML"),
        (small.PORTAL, "SourceSystem", "SourceSytem", "`type` must be one of"),
        (small.PORTAL, "owner:", "ownr:", r"owner: fill it in; ownr: Extra"),
        (small.PORTAL, "name: tinh/cong", "name: tinh/khac", "called tinh/khac but lies in tinh/c"),
        (small.PORTAL, "kind: portal", "kind: telepathy", "unknown kind 'telepathy'"),
        (small.PORTAL, "page_size", "pagesize", r"tinh/cong/ho_so: fetch\.pagesize"),
        (small.PORTAL, "attributes:", "attribute:", "attributes: "),
        (small.COUNTS, "sql:", "sqls:", r"sql: fill it in; sqls: Extra"),
        (small.COUNTS, "[dung_chung.ho_so_nho]", "[]", "inputs: "),
    ],
)  # fmt: skip
def test_a_broken_definition_is_named_and_the_rest_is_loaded(
    assets: Path, name: str, old: str, new: str, says: str
) -> None:
    catalog = spoil(assets, f"{name}/defs.yaml", old, new)
    assert set(catalog.errors) == {name}
    with pytest.raises(ConfigurationError, match=says):
        raise catalog.errors[name]
    assert "\n" not in str(catalog.errors[name])
    assert {*catalog.systems, *catalog.derived} == {
        small.PORTAL, small.UNITS, "huyen/danh_ba", small.COUNTS,
    } - {name}  # fmt: skip
    # It is chosen as broken wherever it is named, so that a night does not pass it over in silence.
    for wanted in ([], [name], [name.partition("/")[0]]):
        assert catalog.select(wanted).broken == [name]
    assert catalog.select(["huyen"]).broken == []


def test_bytes_that_are_no_text_are_a_broken_definition(assets: Path) -> None:
    (assets / small.PORTAL / "defs.yaml").write_bytes(b"type: \xff\n")
    assert "not UTF-8" in str(load_catalog(assets).errors[small.PORTAL])


@pytest.mark.parametrize("text", ["", "- a\n"])
def test_yaml_of_another_shape_is_a_broken_definition(assets: Path, text: str) -> None:
    (assets / small.PORTAL / "defs.yaml").write_text(text)
    assert "`type` must be one of" in str(load_catalog(assets).errors[small.PORTAL])


def test_an_empty_folder_defines_nothing(tmp_path: Path) -> None:
    assert load_catalog(tmp_path) == Catalog()


def test_a_type_that_is_no_text_breaks_only_its_own_file(tmp_path: Path) -> None:
    place = tmp_path / "tinh" / "la"
    place.mkdir(parents=True)
    (place / "defs.yaml").write_text("type: [a]\nattributes: {}\n")
    assert "`type` must be one of" in str(load_catalog(tmp_path).errors["tinh/la"])


def test_a_dataset_of_a_broken_system_is_answered_by_what_is_broken(tmp_path: Path) -> None:
    place = tmp_path / "tinh" / "la"
    place.mkdir(parents=True)
    (place / "defs.yaml").write_text("type: [a]\n")
    assert load_catalog(tmp_path).select(["tinh/la/ho_so"]).broken == ["tinh/la"]
