"""Structured3D: planes given by lines become labelled surfaces, with doors and windows cut out of their walls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_envs.space import Space
from sim_envs.spaces import load_space
from sim_envs.spaces.formats.outlines import Frame, area_within, closed_loops, triangulate
from sim_envs.spaces.formats.structured3d import build_surfaces
from sim_envs.spaces.formats.structured3d_annotation import read_annotation
from sim_envs.taxonomy import NYU40
from tests.command_line import Done, run_command
from tests.sim_envs.structured3d_files import (
    DOOR,
    HEIGHT,
    ROOMS,
    WINDOW,
    across_x,
    across_y,
    add_room,
    flat,
    write_annotation,
)

AREAS_M2 = {
    "floor": 4 * 3 + 3 * 3,
    "ceiling": 4 * 3 + 3 * 3,
    "wall": 2.8 * (2 * (4 + 3) + 2 * (3 + 3)) - 2 * 0.9 * 2.1 - 1.2 * 1.2,
    "door": 2 * 0.9 * 2.1 + 0.12 * (2 * 2.1 + 2 * 0.9),
    "window": 1.2 * 1.2 + 0.24 * (2 * 1.2 + 2 * 1.2),
}
"""Doors are closed at both ends, the window at the inner one; both have sill, lintel and jambs."""


@pytest.fixture
def tst_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Import from the folder ``download`` with the public command; the data home is the folder ``home``."""
    monkeypatch.setenv("TST_BENCH_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Done:
        line = ["spaces", "import", "--format", "structured3d", tmp_path / "download", *arguments]
        return run_command(capsys, *line)

    return run


@pytest.fixture
def imported(tst_bench: Callable[..., Done], tmp_path: Path) -> Callable[[dict[str, Any]], Space]:
    """Write an annotation and read it back through the public command."""

    def read(annotation: dict[str, Any]) -> Space:
        write_annotation(tmp_path / "download", annotation)
        done = tst_bench("--scene", "scene_00000")
        assert done.code == 0, done.err
        return load_space("scan/structured3d-scene_00000", tmp_path / "home")

    return read


def names_of(space: Space) -> np.ndarray:
    """Return the category of each face."""
    return np.array(["", *space.categories])[space.instance_category[space.face_instance]]


def mesh_of(space: Space) -> trimesh.Trimesh:
    """Return the faces as they are."""
    return trimesh.Trimesh(space.vertices, space.faces, process=False)


def areas_of(space: Space) -> dict[str, float]:
    """Return category → square metres, as trimesh has them."""
    areas, names = mesh_of(space).area_faces, names_of(space)
    return {str(name): float(areas[names == name].sum()) for name in np.unique(names)}


def test_areas_of_every_category_are_those_of_the_plan_with_openings_taken_off_the_walls(
    imported: Callable[[dict[str, Any]], Space],
) -> None:
    assert areas_of(imported(flat().annotation())) == pytest.approx(AREAS_M2, rel=1e-5)


def turned(annotation: dict[str, Any], degrees: float) -> dict[str, Any]:
    """Turn a flat about the vertical axis and move it."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    for junction in annotation["junctions"]:
        x, y, z = junction["coordinate"]
        junction["coordinate"] = [c * x - s * y + 12345.6, s * x + c * y - 6543.2, z]
    for plane in annotation["planes"]:
        x, y, z = plane["normal"]
        plane["normal"] = [c * x - s * y, s * x + c * y, z]
    return annotation


@settings(max_examples=20, deadline=None)
@given(degrees=st.floats(-180, 180), seed=st.integers(0, 1000))
def test_areas_do_not_depend_on_where_the_flat_stands_or_how_its_lines_are_numbered(
    tmp_path_factory: pytest.TempPathFactory, degrees: float, seed: int
) -> None:
    annotation = turned(flat().annotation(), degrees)
    order = np.random.default_rng(seed).permutation(len(annotation["lines"]))
    annotation["lines"] = [annotation["lines"][i] for i in order]
    annotation["lineJunctionMatrix"] = [annotation["lineJunctionMatrix"][i] for i in order]
    annotation["planeLineMatrix"] = np.array(annotation["planeLineMatrix"])[:, order].tolist()
    made = build_surfaces(read_annotation(write_annotation(tmp_path_factory.mktemp("s3d"), annotation)))
    areas = dict.fromkeys(AREAS_M2, 0.0)
    for surface in made.surfaces:
        areas[surface.category] += float(trimesh.triangles.area(surface.triangles).sum())
    assert areas == pytest.approx(AREAS_M2, rel=1e-6)


def expected_hit(room: int, origin: np.ndarray, direction: np.ndarray) -> tuple[float, str]:
    """Return the distance to the inside of a room's box in millimetres, Z up, and what is there."""
    x0, y0, x1, y1 = ROOMS[room]
    low, high = np.array([x0, y0, 0]), np.array([x1, y1, HEIGHT])
    with np.errstate(divide="ignore"):
        ahead = np.where(direction > 0, (high - origin) / direction, (low - origin) / direction)
    axis = int(ahead.argmin())
    distance = float(ahead[axis])
    _, y, z = origin + distance * direction
    if axis == 2:
        return distance, "ceiling" if direction[2] > 0 else "floor"
    at_door = axis == 0 and (direction[0] > 0) == (room == 0)
    at_window = axis == 0 and room == 0 and direction[0] < 0
    for there, (ya, yb, za, zb), name in ((at_door, DOOR, "door"), (at_window, WINDOW, "window")):
        if there and ya < y < yb and za < z < zb:
            return distance, name
    return distance, "wall"


@pytest.mark.parametrize("room", [0, 1])
def test_every_ray_from_within_a_room_meets_what_the_plan_has_there_in_metres_with_y_up(
    imported: Callable[[dict[str, Any]], Space], room: int
) -> None:
    space = imported(flat().annotation())
    x0, y0, x1, y1 = ROOMS[room]
    origin = np.array([(x0 + x1) / 2 + 11, (y0 + y1) / 2 - 7, 1234.0])
    directions = np.random.default_rng(0).normal(size=(4000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    z_to_y = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    origins = np.tile(z_to_y @ origin / 1000, (len(directions), 1))
    met, ray, face = mesh_of(space).ray.intersects_location(origins, directions @ z_to_y.T, multiple_hits=False)
    assert sorted(ray.tolist()) == list(range(len(directions)))
    expected = [expected_hit(room, origin, directions[i]) for i in ray]
    np.testing.assert_allclose(np.linalg.norm(met - origins[0], axis=1) * 1000, [e[0] for e in expected], atol=0.1)
    assert names_of(space)[face].tolist() == [e[1] for e in expected]
    assert {"door", "floor", "ceiling", "wall"} <= {e[1] for e in expected}


def test_a_plane_is_an_instance_and_so_is_a_door_with_all_its_surfaces(
    imported: Callable[[dict[str, Any]], Space],
) -> None:
    space = imported(flat().annotation())
    names = names_of(space)
    counts = {name: len(np.unique(space.face_instance[names == name])) for name in AREAS_M2}
    assert counts == {"floor": 2, "ceiling": 2, "wall": 8, "door": 1, "window": 1}
    assert NYU40.unmapped(space.categories) == []
    assert space.provenance["conversions"] == {"up": "z", "up_from": "format", "unit": "m"}


def test_faces_look_to_the_empty_space(imported: Callable[[dict[str, Any]], Space]) -> None:
    space = imported(flat().annotation())
    normals, names = mesh_of(space).face_normals, names_of(space)
    for name, height in (("floor", 1), ("ceiling", -1)):
        np.testing.assert_allclose(normals[names == name, 1], height, atol=1e-6)
    across = (names == "wall") & (np.abs(normals[:, 0]) > 0.5)
    x = mesh_of(space).triangles_center[across, 0]
    middle_of_room = np.where(x < 4.06, 2, 5.62)
    assert ((normals[across, 0] > 0) == (x < middle_of_room)).all()


def test_the_notes_say_what_was_left_out_and_what_colours_are(tst_bench: Callable[..., Done], tmp_path: Path) -> None:
    drawing = flat()
    drawing.plane("wall", (1, 0, 0), across_x(9000, 0, 1000, 0, 1000))
    write_annotation(tmp_path / "download", drawing.annotation())
    done = tst_bench()
    assert done.code == 0
    assert "furniture is in the panoramas" in done.err
    assert "one a category" in done.err
    assert "doors are shut" in done.err
    assert "4 planes of the outer wall left out, only seen from outside (20, 21, 22, 23)" in done.err
    assert "1 plane left out: in no room, door or window (24)" in done.err


def test_a_door_that_lies_in_its_wall_takes_the_place_of_the_wall(
    imported: Callable[[dict[str, Any]], Space],
) -> None:
    drawing = flat()
    leaf = drawing.plane("wall", (0, 1, 0), across_y(0, 500, 1400, 0, 2000))
    drawing.semantics.append(("door", [leaf]))
    areas = areas_of(imported(drawing.annotation()))
    assert areas["wall"] == pytest.approx(AREAS_M2["wall"] - 0.9 * 2, rel=1e-5)
    assert areas["door"] == pytest.approx(AREAS_M2["door"] + 0.9 * 2, rel=1e-5)


def test_a_hole_of_no_door_or_window_stays_a_hole_and_is_counted(
    tst_bench: Callable[..., Done], tmp_path: Path
) -> None:
    drawing = flat()
    add_room(drawing, "kitchen", (0, 9000, 1000, 10000), {0: [across_x(0, 9200, 9700, 1000, 2000)]})
    write_annotation(tmp_path / "download", drawing.annotation())
    assert (
        "1 plane with several outlines that are no door or window: one within another is a hole (26)" in tst_bench().err
    )
    space = load_space("scan/structured3d-scene_00000", tmp_path / "home")
    assert areas_of(space)["wall"] == pytest.approx(AREAS_M2["wall"] + 4 * 2.8 - 0.5, rel=1e-5)


def test_an_l_shaped_room_and_a_room_of_unknown_kind_are_read(imported: Callable[[dict[str, Any]], Space]) -> None:
    drawing = flat()
    corner = [(0, 0), (2000, 0), (2000, 1000), (1000, 1000), (1000, 2000), (0, 2000)]
    floor = drawing.plane("floor", (0, 0, 1), [(x, y + 9000, 0) for x, y in corner])
    drawing.semantics.append(("undefined", [floor]))
    areas = areas_of(imported(drawing.annotation()))
    assert areas["floor"] == pytest.approx(AREAS_M2["floor"] + 3, rel=1e-5)


def test_a_line_without_two_junctions_opens_its_planes_and_both_are_counted(
    tst_bench: Callable[..., Done], tmp_path: Path
) -> None:
    annotation = flat().annotation()
    annotation["lineJunctionMatrix"][0] = [0] * len(annotation["junctions"])
    write_annotation(tmp_path / "download", annotation)
    done = tst_bench()
    assert done.code == 0, done.err
    assert "1 line left out: not between two junctions (0)" in done.err
    assert "2 planes left out: not closed by the lines, or without area (0, 4)" in done.err
    space = load_space("scan/structured3d-scene_00000", tmp_path / "home")
    assert areas_of(space)["floor"] == pytest.approx(9, rel=1e-5)


def test_an_outline_that_crosses_itself_is_taken_for_what_it_encloses_and_noted(
    tst_bench: Callable[..., Done], tmp_path: Path
) -> None:
    drawing = flat()
    bow_tie = drawing.plane("floor", (0, 0, 1), [(0, 9000, 0), (1000, 10000, 0), (1000, 9000, 0), (0, 11000, 0)])
    drawing.semantics.append(("store room", [bow_tie]))
    write_annotation(tmp_path / "download", drawing.annotation())
    assert "1 plane with an outline that crosses itself" in tst_bench().err
    space = load_space("scan/structured3d-scene_00000", tmp_path / "home")
    # The sides cross at (2/3, 9 + 2/3) m: one triangle on the line x = 1, one on the line x = 0.
    assert areas_of(space)["floor"] == pytest.approx(AREAS_M2["floor"] + 1 / 6 + 2 / 3, rel=1e-5)


def test_an_archive_unpacked_as_a_whole_and_the_folder_of_a_scene_are_found_too(
    tst_bench: Callable[..., Done], tmp_path: Path
) -> None:
    write_annotation(tmp_path / "download" / "Structured3D", flat().annotation(), "scene_00007")
    assert tst_bench("--name", "whole").code == 0
    write_annotation(tmp_path, flat().annotation(), "download")
    (tmp_path / "download" / "Structured3D" / "scene_00007" / "annotation_3d.json").unlink()
    assert tst_bench("--name", "one").code == 0


def damaged(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return the flat with something wrong in it."""
    annotation = flat().annotation()
    change(annotation)
    return annotation


@pytest.mark.parametrize(
    ("annotation", "named"),
    [
        (damaged(lambda a: a.pop("lineJunctionMatrix")), "lineJunctionMatrix: Field required"),
        (damaged(lambda a: a["planeLineMatrix"].pop()), "planeLineMatrix has 23 rows"),
        (damaged(lambda a: a["lineJunctionMatrix"][5].pop()), "lineJunctionMatrix has"),
        (damaged(lambda a: a["semantics"][0]["planeID"].append(99)), "a living room has plane 99 of 24"),
        (damaged(lambda a: a["junctions"][3].update(coordinate=[0, 1])), "junctions.3.coordinate"),
        (damaged(lambda a: a["junctions"][3].update(coordinate=[0, 1, float("nan")])), "junctions.3.coordinate"),
        (damaged(lambda a: a.update(semantics=[])), "holds no surface: 24 planes left out"),
    ],
)
def test_a_damaged_annotation_is_refused_in_words(
    tst_bench: Callable[..., Done], tmp_path: Path, annotation: dict[str, Any], named: str
) -> None:
    write_annotation(tmp_path / "download", annotation)
    done = tst_bench()
    assert done.code == 2
    assert named in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "home").exists()


def test_a_file_that_is_cut_short_and_scenes_without_a_layout_are_named(
    tst_bench: Callable[..., Done], tmp_path: Path
) -> None:
    path = write_annotation(tmp_path / "download", flat().annotation())
    path.write_text(path.read_text()[:1000])
    assert "is not JSON" in tst_bench().err
    (tmp_path / "download" / "scene_00013" / "2D_rendering").mkdir(parents=True)
    done = tst_bench("--scene", "scene_00013")
    assert done.code == 2
    assert "The layout of scene scene_00013 is missing" in done.err
    assert "annotation_3d.json (layout, of the archive Structured3D_annotation_3d.zip)" in done.err


@given(
    sizes=st.lists(st.integers(3, 9), min_size=1, max_size=4),
    seed=st.integers(0, 10_000),
)
def test_loops_are_found_however_their_lines_are_ordered(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = iter(rng.permutation(sum(sizes)).tolist())
    loops = [[next(numbers) for _ in range(size)] for size in sizes]
    lines = [(a, b) for loop in loops for a, b in zip(loop, [*loop[1:], loop[0]], strict=True)]
    mixed = [lines[i] if rng.random() < 0.5 else lines[i][::-1] for i in rng.permutation(len(lines))]
    found = closed_loops(mixed)
    assert found is not None
    sides = [{frozenset(pair) for pair in zip(loop, [*loop[1:], loop[0]], strict=True)} for loop in found]
    assert {side for loop in sides for side in loop} == {frozenset(line) for line in lines}
    assert sorted(map(len, found)) == sorted(sizes)
    assert closed_loops(mixed[1:]) is None


@settings(deadline=None)
@given(
    normal=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda n: np.linalg.norm(n) > 0.1),
    cut=st.tuples(st.floats(0.05, 0.4), st.floats(0.5, 0.95), st.sampled_from([0.0, 0.3])),
)
def test_triangles_fill_a_plane_of_any_direction_but_for_its_hole(
    normal: tuple[float, float, float], cut: tuple[float, float, float]
) -> None:
    towards = np.array(normal) / np.linalg.norm(normal)
    first = np.cross(towards, np.eye(3)[np.abs(towards).argmin()])
    axes = np.array([first / np.linalg.norm(first), np.cross(towards, first / np.linalg.norm(first))])
    left, right, low = cut
    outline = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) @ axes + 5 * towards
    hole = np.array([(left, low), (right, low), (right, 0.8), (left, 0.8)]) @ axes + 5 * towards
    frame = Frame.of([outline, hole], towards)
    assert frame is not None
    shape = area_within([frame.flat(outline)]).difference(area_within([frame.flat(hole)]))
    triangles = triangulate(shape, frame, np.concatenate([outline, hole]))
    crosses = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    assert np.linalg.norm(crosses, axis=1).sum() / 2 == pytest.approx(1 - (right - left) * (0.8 - low), abs=1e-6)
    assert (crosses @ towards > 0).all()
    np.testing.assert_allclose(triangles @ towards, 5, atol=1e-9)


def test_an_opening_as_high_as_its_wall_leaves_the_rest_of_the_wall(
    imported: Callable[[dict[str, Any]], Space],
) -> None:
    drawing = flat()
    add_room(drawing, "balcony", (0, 9000, 1000, 10000), {0: [across_x(0, 9200, 9700, 0, HEIGHT)]})
    opening = drawing.plane("wall", (1, 0, 0), across_x(0, 9200, 9700, 0, HEIGHT))
    drawing.semantics.append(("door", [opening]))
    areas = areas_of(imported(drawing.annotation()))
    assert areas["wall"] == pytest.approx(AREAS_M2["wall"] + (4 - 0.5) * 2.8, rel=1e-5)
    assert areas["door"] == pytest.approx(AREAS_M2["door"] + 0.5 * 2.8, rel=1e-5)


def test_without_shapely_the_message_says_what_to_install(
    tst_bench: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_annotation(tmp_path / "download", flat().annotation())
    monkeypatch.setitem(sys.modules, "shapely", None)
    done = tst_bench()
    assert done.code == 2
    assert "pip install 'tst-bench[scans]'" in done.err
