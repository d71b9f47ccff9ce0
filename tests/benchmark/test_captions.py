"""From a frame to its captions: what counts as visible, how things relate, and that sentences are true and English."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import XKCD_COLORS

from baselines.heads.words import mirrored
from benchmark.captions.colours import COLOURS, SHADES, colour_name, lab
from benchmark.captions.grammar import captions, vocabulary
from benchmark.captions.lexicon import NOUNS, concept, concepts
from benchmark.captions.relations import INVERSE, Relation, relations
from benchmark.captions.scene import Place, Scene, Thing, scene_of
from benchmark.captions.tile import WIDTH_PX, text_tile
from benchmark.metrics.captions_tokens import tokens
from sim_envs.rig import Rig
from sim_envs.spaces.furniture.categories import CATEGORIES
from sim_envs.taxonomy import NYU40
from tests.benchmark.caption_kit import bedroom, mirrored_scene, scenes

CATEGORY_NAMES = ("wall", "floor", "sofa", "gizmo")


def said(scene: Scene, count: int, seed: int = 0) -> list[str]:
    return captions(scene, np.random.default_rng(seed), count)


# --- words


def test_every_category_of_the_built_in_spaces_has_a_name() -> None:
    assert all(concept(name) for name in CATEGORIES)


def test_nyu40_has_names_for_all_but_the_rest() -> None:
    nameless = [name for name in NYU40.categories if not concept(name)]
    assert nameless == ["otherstructure", "otherfurniture", "otherprop"]


def test_other_words_are_called_by_their_nyu40_category_and_strange_ones_are_not_mentioned() -> None:
    assert concepts(("Couch", "television", "no such thing")) == ("", "sofa", "tv", "")


def test_lab_equals_published_values_and_opencv() -> None:
    primaries = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]])
    published = [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [100, 0, 0]]
    np.testing.assert_allclose(lab(primaries), published, atol=0.02)
    rgb = np.random.default_rng(0).integers(0, 256, (50, 1, 3)).astype(np.float32)
    of_opencv = cv2.cvtColor(rgb / 255, cv2.COLOR_RGB2LAB)  # which interpolates in a table
    np.testing.assert_allclose(lab(rgb), of_opencv, atol=0.4)


@pytest.mark.parametrize("name", COLOURS)
def test_colours_are_called_what_people_call_them(name: str) -> None:
    rgb = np.array(list(bytes.fromhex(XKCD_COLORS[f"xkcd:{name}"][1:])))
    assert colour_name(rgb).split()[-1] == name


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_every_colour_has_a_name(rgb: tuple[int, int, int]) -> None:
    *shade, name = colour_name(np.array(rgb)).split()
    assert name in COLOURS
    assert set(shade) <= set(SHADES)


# --- the scene graph


def frame(**changes: np.ndarray) -> Scene:
    """A wall 3 m away, floor below, and a red sofa 2 m away on the left, seen by a camera 1 m to the right."""
    rig = Rig(64, 48, 90)
    semantic = np.full((48, 64), 1)
    semantic[36:] = 2
    semantic[20:36, 8:24] = 3
    arrays = {
        "semantic": semantic,
        "instance": semantic,
        "depth_mm": np.where(semantic == 3, 2000, 3000).astype(np.uint16),
        "rgb": np.where((semantic == 3)[..., None], [200, 20, 20], [128, 128, 128]).astype(np.uint8),
    } | changes
    pose = np.eye(4)
    pose[:3, 3] = (1, 1.5, 0)
    return scene_of(
        arrays["rgb"],
        arrays["depth_mm"],
        arrays["semantic"],
        arrays["instance"],
        rig.directions(),
        pose,
        concepts(CATEGORY_NAMES),
    )


def test_a_thing_has_its_share_box_and_colour() -> None:
    (sofa,) = frame().things
    assert (sofa.concept, sofa.box, sofa.colour) == ("sofa", (8, 20, 24, 36), "red")
    assert sofa.share == pytest.approx(16 * 16 / (64 * 48))


def test_the_extent_of_a_thing_is_in_the_world() -> None:
    (sofa,) = frame().things
    assert sofa.place is not None
    assert sofa.place.distance_m == pytest.approx(2)
    pixel = 2 / 32  # of a plane 2 m away, with a focal length of 32 pixels; outliers cut off less than one
    assert sofa.place.low == pytest.approx((1 + (8 - 32) * pixel, 1.5 - (36 - 24) * pixel, -2), abs=pixel)
    assert sofa.place.high == pytest.approx((1 + (24 - 32) * pixel, 1.5 - (20 - 24) * pixel, -2), abs=pixel)


def test_what_bounds_the_room_is_context_largest_first() -> None:
    assert frame().surfaces == {"wall": "grey", "floor": "grey"}


def test_a_thing_of_few_pixels_or_a_thin_one_is_not_visible() -> None:
    small = np.ones((48, 64), int)
    small[10:13, 10:13] = 3
    assert not frame(semantic=small, instance=small).things
    thin = np.ones((48, 64), int)
    thin[:, 10:12] = 3
    assert not frame(semantic=thin, instance=thin).things


def test_a_thing_without_a_name_is_not_mentioned() -> None:
    strange = np.where(np.arange(64) < 20, 4, 1)[None].repeat(48, 0)
    scene = frame(semantic=strange, instance=strange)
    assert not scene.things
    assert list(scene.surfaces) == ["wall"]


def test_nothing_is_said_about_the_place_of_a_thing_whose_depth_was_hardly_measured() -> None:
    depth_mm = np.full((48, 64), 3000, np.uint16)
    depth_mm[20:34, 8:24] = 0
    (sofa,) = frame(depth_mm=depth_mm).things
    assert sofa.place is None


def test_an_unlabelled_frame_has_nothing_to_say() -> None:
    nothing = np.zeros((48, 64), int)
    scene = frame(semantic=nothing, instance=nothing)
    assert not scene
    assert said(scene, 5) == []


# --- relations


def test_the_relations_of_a_bedroom() -> None:
    bed, door, pillow, lamp = range(4)
    found = relations(bedroom())
    assert Relation(pillow, "on", bed) in found
    assert Relation(bed, "under", pillow) not in found
    assert {Relation(lamp, "right of", bed), Relation(bed, "left of", lamp)} <= set(found)
    assert {Relation(door, "left of", pillow), Relation(pillow, "right of", door)} <= set(found)


def thing(name: str, low: tuple[float, float, float], high: tuple[float, float, float], distance: float = 2) -> Thing:
    return Thing(name, 0.1, (10, 10, 30, 30), "grey", Place(distance, low, high))


@pytest.mark.parametrize(
    ("one", "kind", "two"),
    [
        (thing("vase", (0, 0.7, 0), (0.2, 1, 0.2)), "on", thing("table", (-1, 0, -1), (1, 0.7, 1))),
        (thing("picture", (0, 1.2, 0), (1, 2, 0)), "above", thing("sofa", (0, 0, 0.1), (2, 0.8, 1))),
        (thing("table", (-1, 0, -1), (1, 0.7, 1)), "under", thing("ceiling lamp", (0, 2, 0), (0.2, 2.4, 0.2))),
        (thing("chair", (0, 0, 0), (0.5, 1, 0.5)), "next to", thing("table", (0.7, 0, 0), (2, 0.7, 1))),
        (thing("chair", (0, 0, 0), (0.5, 1, 0.5), 2), "in front of", thing("table", (0, 0, -3), (2, 0.7, -2), 4)),
        (thing("chair", (0, 0, -3), (0.5, 1, -2), 4), "behind", thing("table", (0, 0, 0), (2, 0.7, 1), 2)),
        # Its feet are hidden, so what is seen of it is in the air; but over a rug a table stands on it.
        (thing("table", (-1, 0.4, -1), (1, 0.7, 1)), "on", thing("rug", (-1, 0, -1), (1, 0.01, 1))),
    ],
)
def test_relations_in_the_room(one: Thing, kind: str, two: Thing) -> None:
    found = {(r.subject, r.kind, r.object) for r in relations(Scene(64, 48, (one, two)))}
    assert found == ({(0, kind, 1)} if kind == "on" else {(0, kind, 1), (1, INVERSE[kind], 0)})


def test_things_of_one_kind_are_not_related() -> None:
    chair = thing("chair", (0, 0, 0), (0.5, 1, 0.5))
    assert relations(Scene(64, 48, (chair, chair))) == ()


# --- sentences


@settings(deadline=None, max_examples=60)
@given(scenes(), st.integers(0, 1000))
def test_captions_are_different_sentences_in_known_words(scene: Scene, seed: int) -> None:
    found = said(scene, 5, seed)
    assert len(set(found)) == len(found) == 5
    known = set(vocabulary())
    for caption in found:
        assert re.fullmatch(r"[A-Z][a-z, -]*\.", caption)
        assert "  " not in caption
        assert set(tokens(caption)) <= known


@settings(deadline=None, max_examples=60)
@given(scenes(), st.integers(0, 1000))
def test_captions_of_a_mirrored_scene_are_the_mirrored_captions(scene: Scene, seed: int) -> None:
    assert said(mirrored_scene(scene), 5, seed) == [mirrored(caption) for caption in said(scene, 5, seed)]


@settings(deadline=None, max_examples=60)
@given(scenes(), st.integers(0, 1000))
def test_articles_numbers_and_verbs_agree(scene: Scene, seed: int) -> None:
    for caption in said(scene, 5, seed):
        text = caption.lower().replace("tv stand", "tv unit")  # the one noun that ends like a verb
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|\b(a|an|the) (a|an|the|some|two|three)\b", text)
        assert not re.search(r"\bthere is (some|two|three|four|several)\b|\bthere are an? ", text)
        assert not re.search(r"^(two|three|four|several|some) [a-z ]*?\b(stands|hangs|lies) ", text)


@given(scenes())
def test_the_same_scene_has_the_same_captions(scene: Scene) -> None:
    assert said(scene, 5) == said(scene, 5)


def test_captions_say_what_is_in_the_scene_and_nothing_else() -> None:
    expected = {"bed", "door", "doorway", "pillow", "cushion", "lamp"}
    nouns = {word for noun in NOUNS.values() for form in (*noun.singular, *noun.plural) for word in form.split()}
    mentioned = {word for caption in said(bedroom(), 60) for word in tokens(caption)} & (nouns - {"of", "stands"})
    assert mentioned == expected


def test_captions_of_a_bedroom_are_true() -> None:
    found = said(bedroom(), 80)
    text = " ".join(found).lower()
    assert not re.search(r"(lamp|yellow lamp) on the left|(door|doorway) on the right", text)
    assert "pillow on a" in text or "cushion on a" in text or "with a pillow on it" in text
    assert not re.search(r"(black|red|green|purple|pink|orange|dark|light) ", text)
    assert "bedroom" in text
    assert not any(room in text for room in ("kitchen", "bathroom", "study"))


def test_several_things_of_a_kind_are_counted() -> None:
    chair = thing("chair", (0, 0, 0), (0.5, 1, 0.5))
    found = " ".join(said(Scene(64, 48, (chair, chair, chair)), 40)).lower()
    assert "three grey chairs" in found
    assert "a grey chair" not in found


def test_a_plain_wall_has_captions_too() -> None:
    found = said(Scene(64, 48, (), {"wall": "white"}), 5)
    assert len(found) == 5
    assert all("white wall" in caption for caption in found)


# --- pictures of text


def test_a_tile_is_as_wide_as_a_panel_and_grows_with_its_text() -> None:
    short, long = text_tile(["A bed."]), text_tile(["A room with a large brown wardrobe and two white doors."] * 5)
    assert short.dtype == np.uint8
    assert short.shape[1:] == long.shape[1:] == (WIDTH_PX, 3)
    assert long.shape[0] > 4 * short.shape[0]
    assert short.min() < 100
    assert (short[:, 0] == 255).all()
