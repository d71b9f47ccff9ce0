"""What is said and drawn of a space: figures that can be worked out by hand, pictures that show what is there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces.info import floor_height, space_info
from sim_envs.spaces.plan_view import CUT_HEIGHT, category_colours, cut, top_view
from sim_envs.spaces.preview import preview_space
from tests.sim_envs.rooms import shell, space_of_boxes

TABLE = ((1.0, 0.0, 1.0), (2.5, 0.7, 2.0))
LAMP = ((3.0, 2.0, 3.0), (3.5, 2.3, 3.5))


def furnished(height: float = 0.0) -> Space:
    """A room of 5 × 4 m whose floor lies at ``height``, with a table (1.5 m²) and a hanging lamp."""
    boxes = [*shell(5, 4), TABLE, LAMP]
    space = space_of_boxes(boxes, "test/furnished")
    names = ("ceiling", "floor", "lamp", "table", "wall")
    of_instance = ["floor", "wall", "wall", "wall", "wall", "ceiling", "table", "lamp"]
    return replace(
        space,
        vertices=space.vertices + np.array([0, height, 0], np.float32),
        categories=names,
        instance_category=np.array([0, *(names.index(n) + 1 for n in of_instance)], np.uint16),
    )


def unlabelled() -> Space:
    space = furnished()
    return replace(
        space,
        face_instance=np.zeros_like(space.face_instance),
        instance_category=np.zeros(1, np.uint16),
        categories=(),
    )


@settings(max_examples=12, deadline=None)
@given(st.floats(-3, 3))
def test_the_floor_is_found_wherever_it_lies(height: float) -> None:
    assert floor_height(furnished(height)) == pytest.approx(height, abs=0.06)


def test_info_counts_what_is_there() -> None:
    info = space_info(furnished())
    assert info["size_m"] == [5.2, 2.7, 4.2]
    assert info["categories"]["table"] == {
        "instances": 1,
        "faces": 12,
        "surface_m2": pytest.approx(2 * (1.5 + 1.5 * 0.7 + 0.7)),
        "evaluated_as": "table",
    }
    assert info["categories"]["wall"]["instances"] == 4
    assert info["instances"] == 8
    assert info["labels"] is True
    assert info["labelled_surface"] == 1.0
    assert info["not_evaluated"] == []
    assert "sofa" in info["lacking"]
    assert "lamp" not in info["lacking"]


def test_info_is_json_and_names_what_has_no_evaluation_category() -> None:
    space = furnished()
    info = space_info(replace(space, categories=(*space.categories[:3], "quarzgeist", "wall")))
    assert info["not_evaluated"] == ["quarzgeist"]
    assert json.loads(json.dumps(info))["digest"] == info["digest"]


def test_info_of_a_space_without_labels() -> None:
    info = space_info(unlabelled())
    assert (info["labels"], info["labelled_surface"], info["instances"], info["categories"]) == (False, 0.0, 0, {})
    assert info["floor_area_m2"] > 15


@settings(max_examples=25, deadline=None)
@given(y=st.floats(0.05, 0.65))
def test_a_cut_through_a_box_is_its_outline(y: float) -> None:
    box = space_of_boxes([TABLE])
    segments, faces = cut(box.vertices, box.faces, y)
    assert len(segments) == 8  # two triangles a side
    length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    assert length.sum() == pytest.approx(2 * (1.5 + 1.0), abs=1e-5)
    assert set(faces) <= set(range(12))


def test_a_cut_above_everything_is_empty() -> None:
    box = space_of_boxes([TABLE])
    assert cut(box.vertices, box.faces, 5.0)[0].shape == (0, 2, 2)


def test_from_above_things_lie_where_they_are_and_what_hangs_higher_is_cut_away() -> None:
    space = furnished()
    view = top_view(space)

    def instance_at(x: float, z: float) -> int:
        column, row = (np.array([x, z]) - view.origin) // view.pixel
        return int(space.face_instance[view.face[int(row), int(column)]])

    assert instance_at(1.1, 1.1) == instance_at(2.4, 1.9) == 7  # table
    assert instance_at(3.2, 3.2) == 1  # floor below the lamp
    assert instance_at(0.9, 0.9) == 1
    table = space.face_instance[view.face] == 7
    assert table.sum() * view.pixel**2 == pytest.approx(1.5, rel=0.02)
    np.testing.assert_allclose(view.height[table & (view.face >= 0)], 0.7, atol=1e-4)


def test_categories_have_colours_that_can_be_told_apart() -> None:
    space = replace(furnished(), categories=tuple(f"thing {i}" for i in range(50)))
    colours = category_colours(space)[1:].astype(int)
    apart = np.abs(colours[:, None] - colours[None]).sum(axis=-1) + 1000 * np.eye(50, dtype=int)
    assert apart.min() >= 12


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    room = {"name": "a", "use": "study", "polygon": [[0, 0], [5, 0], [5, 4], [0, 4]]}
    space = replace(furnished(), provenance={"rooms": [room]})
    return preview_space(space, tmp_path_factory.mktemp("previews") / "deep" / "folder")


def test_a_preview_is_two_pictures(pictures: list[Path]) -> None:
    assert [picture.name for picture in pictures] == ["floorplan.png", "contact-sheet.png"]
    assert sorted(path.name for path in pictures[0].parent.iterdir()) == sorted(p.name for p in pictures)
    for picture in pictures:
        with Image.open(picture) as opened:
            opened.load()
            assert min(opened.size) > 400
            assert len(opened.convert("RGB").getcolors(1 << 24)) > 50


def test_the_floor_plan_shows_categories_in_their_colours(pictures: list[Path]) -> None:
    pixels = np.asarray(Image.open(pictures[0]).convert("RGB")).reshape(-1, 3).astype(int)
    table = category_colours(furnished())[4] * (0.95 + 0.05 * 0.7 / CUT_HEIGHT)
    share = (np.abs(pixels - table).max(axis=1) <= 2).mean()
    assert 0.02 < share < 0.2


def test_a_space_without_labels_has_a_preview_too(tmp_path: Path) -> None:
    plan, sheet = preview_space(unlabelled(), tmp_path)
    assert plan.stat().st_size > 0
    with Image.open(sheet) as opened:
        assert opened.width < 1300  # three modalities a view, not four


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="file"):
        preview_space(furnished(), tmp_path / "file" / "previews")
