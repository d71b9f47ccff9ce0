"""From a source's words to evaluation categories."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim_envs.taxonomy as taxonomy_module
from sim_envs.errors import UserError
from sim_envs.spaces.furniture.categories import NYU40_OF_CATEGORY
from sim_envs.taxonomy import NYU40, SourceMap, Taxonomy, key, open_taxonomy, read_taxonomy

OWN = sorted(path.stem for path in Path(taxonomy_module.__file__).with_name("taxonomies").glob("*.json"))
REDKITCHEN_WORDS = [
    "book",
    "box",
    "cabinet",
    "chair",
    "countertop",
    "electronics",
    "floor",
    "mug",
    "poster",
    "screen",
    "shelf",
    "sink",
    "table",
    "wall",
    "picture frame",
]


def test_nyu40_has_the_forty_categories_in_scannets_order() -> None:
    assert len(NYU40.categories) == 40
    assert NYU40.categories[:5] == ("wall", "floor", "cabinet", "bed", "chair")
    assert [NYU40.evaluation_id(name) for name in ("desk", "toilet", "otherprop")] == [14, 33, 40]


@pytest.mark.parametrize(
    ("source", "category"),
    [
        ("couch", "sofa"),
        ("TV", "television"),
        ("Monitor", "television"),
        ("worktop", "counter"),
        ("cupboards", "cabinet"),
        ("office_chair", "chair"),
        ("dining-table", "table"),
        ("nightstand", "night stand"),
        ("Fridge", "refrigerator"),
        ("refridgerator", "refrigerator"),
        ("Posters", "picture"),
        ("book", "books"),
        ("shelf", "shelves"),
        ("boxes", "box"),
        ("mug", "otherprop"),
        ("radiator", "otherfurniture"),
        ("stove", "otherfurniture"),
        ("rug", "floor mat"),
        ("washbasin", "sink"),
        ("baseboard", "wall"),
        ("  Shower   Curtain ", "shower curtain"),
    ],
)
def test_words_find_their_category(source: str, category: str) -> None:
    assert NYU40.categories[NYU40.evaluation_id(source) - 1] == category


@pytest.mark.parametrize(
    ("source", "category"),
    [
        ("sofa chair", "chair"),  # ScanNet
        ("organizer shelf", "shelves"),
        ("garage door", "otherstructure"),
        ("bathroom stall", "otherstructure"),  # Matterport3D
        ("tv_monitor", "television"),  # mpcat40
        ("chest of drawers", "dresser"),  # mpcat40; ours, since Matterport3D itself is not of one mind
        ("refrigerator cabinet", "cabinet"),  # HM3D
        ("indoor-plant", "otherprop"),  # Replica
        ("wall-cabinet", "cabinet"),
        ("blind rail", "blinds"),  # ScanNet++
        ("WallInner", "wall"),  # 3D-FRONT
        ("Lounge Chair / Cafe Chair / Office Chair", "chair"),
    ],
)
def test_words_of_public_data_sets_find_their_category(source: str, category: str) -> None:
    assert NYU40.categories[NYU40.evaluation_id(source) - 1] == category


def test_what_a_source_leaves_open_stays_open() -> None:
    assert NYU40.unmapped(["other-leaf", "undefined", "Other"]) == ["other-leaf", "undefined", "Other"]


@pytest.mark.parametrize("name", OWN)
def test_every_taxonomy_and_every_map_names_its_source(name: str) -> None:
    taxonomy = open_taxonomy(name)
    assert taxonomy.source
    assert all(names.source for names in taxonomy.maps)
    assert taxonomy.unmapped(taxonomy.categories) == []


def test_ids_of_benchmarks_are_their_own() -> None:
    mpcat40, scannet20 = open_taxonomy("mpcat40"), open_taxonomy("scannet20")
    assert [mpcat40.evaluation_id(word) for word in ("wall", "chair", "tv_monitor", "misc")] == [1, 3, 22, 40]
    assert [mpcat40.evaluation_id(word) for word in ("garage door", "refrigerator cabinet")] == [4, 7]
    assert [scannet20.evaluation_id(word) for word in ("wall", "couch", "mini fridge", "towel")] == [1, 6, 15, 0]
    assert len(open_taxonomy("scannetpp100").categories) == 100


def test_where_sources_disagree_the_earlier_one_counts_and_the_taxonomy_itself_before_all() -> None:
    first = SourceMap(source="a", names={"seat": ("pouf", "box"), "rest": ("shelf",)})
    second = SourceMap(source="b", names={"rest": ("pouf", "seat", "Shelves", "box", "crate")})
    taxonomy = Taxonomy(name="t", categories=("seat", "rest"), map={"box": "rest"}, maps=(first, second))
    assert taxonomy.lookup(["pouf", "seat", "shelf", "box", "crate"]).tolist() == [0, 1, 1, 2, 2, 2]


def test_words_of_the_real_scan_have_an_image() -> None:
    assert NYU40.unmapped(REDKITCHEN_WORDS) == []


@pytest.mark.parametrize(("word", "category"), [*NYU40_OF_CATEGORY.items(), ("floor", "floor"), ("wall", "wall")])
def test_words_of_built_in_spaces_mean_what_their_makers_say(word: str, category: str) -> None:
    assert NYU40.categories[NYU40.evaluation_id(word) - 1] == category


def test_lookup_turns_a_picture_of_source_ids_into_evaluation_ids() -> None:
    table = NYU40.lookup(["sofas", "quarzgeist", "floor"])
    assert table.dtype == np.uint8
    np.testing.assert_array_equal(table[np.array([[0, 1], [2, 3]])], [[0, 6], [0, 2]])


def test_what_has_no_image_is_said() -> None:
    assert NYU40.unmapped(["sofa", "quarzgeist", "flux"]) == ["quarzgeist", "flux"]
    assert set(NYU40.lacking(["wall", "couch"])) == set(NYU40.categories) - {"wall", "sofa"}


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_case_and_separators_do_not_matter(name: str) -> None:
    assert key(name) == key(name.upper()) == key(name.replace(" ", "_")) == key(f"  {name} ".replace("-", "_"))


@given(st.sampled_from([*NYU40.categories, *NYU40.map]))
def test_plurals_mean_the_same(name: str) -> None:
    if not name.endswith("s"):
        assert NYU40.evaluation_id(name + "s") in (NYU40.evaluation_id(name), 0)
    assert NYU40.evaluation_id(name) > 0


def test_a_taxonomy_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "categories": ["seat", "rest"], "map": {"chair": "seat"}}))
    taxonomy = open_taxonomy(str(path))
    assert taxonomy.lookup(["Chairs", "rest", "lamp"]).tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not valid"),
        ('{"name": "x"}', "categories"),
        ('{"name": "x", "categories": []}', "categories"),
        ('{"name": "x", "categories": ["a"], "map": {"b": "c"}}', "none of the categories"),
        ('{"name": "x", "categories": ["a", "b"], "map": {"chair": "a", "Chairs": "b"}}', "maps to both"),
        ('{"name": "x", "categories": ["Lamp", "lamps"]}', "same as"),
        ('{"name": "x", "categories": ["a", "a"]}', "twice"),
        ('{"name": "x", "categories": ["a"], "extra": 1}', "extra"),
        ('{"name": "x", "categories": ["a"], "maps": ["nowhere.json"]}', "No such taxonomy file"),
        ('{"name": "x", "categories": ["a"], "maps": ["mine.json"]}', "not valid"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_taxonomy(path)


def test_a_map_beside_a_taxonomy_is_read_with_it(tmp_path: Path) -> None:
    (tmp_path / "words.json").write_text(json.dumps({"source": "me", "names": {"seat": ["stool"], "b": []}}))
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "categories": ["seat"], "maps": ["words.json"]}))
    with pytest.raises(UserError, match="'b', which is none of the categories"):
        read_taxonomy(path)
    (tmp_path / "words.json").write_text(json.dumps({"source": "me", "names": {"seat": ["stool"]}}))
    assert read_taxonomy(path).evaluation_id("Stools") == 1


def test_an_unknown_taxonomy_names_the_known() -> None:
    with pytest.raises(UserError, match="nyu40"):
        open_taxonomy("nyu41")
    with pytest.raises(UserError, match="No such taxonomy file"):
        open_taxonomy("nowhere.json")


def test_a_category_always_means_itself() -> None:
    taxonomy = Taxonomy(name="t", categories=("desk", "table"), map={"writing desk": "desk"})
    assert taxonomy.lookup(["desk", "table", "writing desk"]).tolist() == [0, 1, 2, 1]
