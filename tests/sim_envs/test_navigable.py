"""The navigable map agrees with free floors worked out by hand, and paths stay on it."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_envs.engines.geometry import RayCaster
from sim_envs.space import Space
from sim_envs.trajectories.navigable import CELL, RADIUS, NavigableMap, navigable_map
from sim_envs.trajectories.paths import grid_graph, is_free, resample, smooth, wander
from sim_envs.trajectories.raster import draw_slab
from tests.sim_envs.rooms import (
    empty_room,
    furnished_room,
    room_with_block,
    shell,
    space_of_boxes,
    space_of_meshes,
    two_rooms,
)


def map_of(space: Space) -> NavigableMap | None:
    return navigable_map(space, RayCaster(space.vertices, space.faces))


def found(space: Space) -> NavigableMap:
    ground = map_of(space)
    assert ground is not None
    return ground


def test_free_floor_of_an_empty_room_is_the_room_less_the_device_radius() -> None:
    ground = found(empty_room())
    assert ground.area_m2 == pytest.approx((5 - 2 * RADIUS) * (4 - 2 * RADIUS), rel=0.03)
    assert ground.floor_y == pytest.approx(0, abs=1e-6)
    assert ground.has_ceiling


def test_a_block_takes_its_area_and_a_rim_of_the_device_radius_away_but_a_rug_does_not() -> None:
    rim = 1 + 4 * RADIUS + np.pi * RADIUS**2  # 1 m² block, its four sides, its four rounded corners
    expected = (5 - 2 * RADIUS) * (4 - 2 * RADIUS) - rim
    assert found(room_with_block()).area_m2 == pytest.approx(expected, rel=0.03)


def test_free_cells_are_those_whose_column_of_air_is_clear() -> None:
    """Against a reference that works out the distance to each box in closed form."""
    ground = found(room_with_block())
    centres = ground.to_world(np.argwhere(np.ones_like(ground.free)))[:, [0, 2]]
    walls = np.minimum(np.minimum(centres[:, 0], 5 - centres[:, 0]), np.minimum(centres[:, 1], 4 - centres[:, 1]))
    block = np.linalg.norm(np.maximum(np.abs(centres - [2.5, 2.0]) - 0.5, 0), axis=1)
    clear = np.minimum(walls, block)
    free = ground.free.ravel()
    assert free[clear > RADIUS + 0.5 * CELL].all()
    assert not free[clear < RADIUS - 0.5 * CELL].any()


def test_what_hangs_above_the_device_does_not_block_it_and_what_hangs_lower_does() -> None:
    high = found(space_of_boxes([*shell(5, 4), ((2, 1.6, 1.5), (3, 1.7, 2.5))]))
    low = found(space_of_boxes([*shell(5, 4), ((2, 1.2, 1.5), (3, 1.3, 2.5))]))
    assert high.area_m2 == pytest.approx(found(empty_room()).area_m2)
    assert low.area_m2 == pytest.approx(found(room_with_block()).area_m2, rel=0.01)


def test_the_tall_map_leaves_out_what_only_a_high_sensor_would_meet() -> None:
    ground = found(space_of_boxes([*shell(5, 4), ((2, 1.6, 1.5), (3, 1.7, 2.5))]))
    lost = (ground.free & ~ground.free_tall).sum() * CELL**2
    assert lost == pytest.approx(1 + 4 * RADIUS + np.pi * RADIUS**2, rel=0.06)
    assert not (ground.free_tall & ~ground.free).any()


def test_a_door_wide_enough_joins_two_rooms_and_a_narrow_one_does_not() -> None:
    joined, parted = found(two_rooms(door=0.8)), found(two_rooms(door=0.35))
    assert joined.is_free(np.array([[1.0, 0, 1.0], [4.5, 0, 3.0]])).all()
    assert parted.is_free(np.array([[1.0, 0, 1.0], [4.5, 0, 3.0]])).sum() == 1


def test_the_ground_outside_a_building_and_its_roof_do_not_count() -> None:
    ground = found(space_of_boxes([*shell(5, 4), ((-3, -0.3, -3), (8, -0.1, 7))]))
    assert ground.area_m2 == pytest.approx(found(empty_room()).area_m2, rel=0.01)
    assert ground.floor_y == pytest.approx(0, abs=1e-6)


def test_a_scan_without_ceiling_and_with_small_holes_in_its_floor_is_walked() -> None:
    floor = trimesh.creation.box(bounds=((0, -0.1, 0), (5, 0, 4))).subdivide_to_size(0.1)
    holes = np.random.default_rng(0).random(len(floor.faces)) < 0.05
    floor.update_faces(~holes)
    walls = [trimesh.creation.box(bounds=box) for box in shell(5, 4, ceiling=False)[1:]]
    ground = found(space_of_meshes([floor, *walls]))
    assert not ground.has_ceiling
    assert ground.area_m2 == pytest.approx(found(empty_room()).area_m2, rel=0.03)


def test_flipped_windings_change_nothing() -> None:
    space = furnished_room()
    flipped = Space(**{**space.__dict__, "faces": np.ascontiguousarray(space.faces[:, ::-1])})
    assert np.array_equal(found(space).free, found(flipped).free)


def test_a_space_without_floor_has_no_map() -> None:
    assert map_of(space_of_boxes([((0, 0, 0), (0.3, 0.4, 0.3))])) is None


@given(
    corners=st.lists(st.floats(0.1, 2.9), min_size=9, max_size=9),
    band=st.tuples(st.floats(0, 1.5), st.floats(0.1, 1.5)),
)
@settings(max_examples=60, deadline=None)
def test_drawing_a_slab_marks_where_the_geometry_is_and_nowhere_else(
    corners: list[float], band: tuple[float, float]
) -> None:
    low, high, cell = band[0], band[0] + band[1], 0.05
    triangle = np.array(corners).reshape(1, 3, 3)
    drawn = draw_slab(triangle, low, high, np.zeros(2), cell, (60, 60))
    weights = np.random.default_rng(0).dirichlet(np.ones(3), size=4000)
    points = weights @ triangle[0]
    points = points[(points[:, 1] >= low) & (points[:, 1] <= high)]
    centres = (np.argwhere(drawn) + 0.5) * cell
    if len(points):
        gaps = np.linalg.norm(points[:, None, [0, 2]] - centres[None], axis=2).min(axis=1)
        assert gaps.max() <= cell * np.sqrt(2)
    if len(centres):
        flat = np.where([True, False, True], np.repeat(triangle, len(centres), axis=0), 0)
        flat_centres = np.stack([centres[:, 0], np.zeros(len(centres)), centres[:, 1]], axis=1)
        nearest = trimesh.triangles.closest_point(flat + 1e-9 * np.eye(3), flat_centres)
        assert np.linalg.norm(nearest - flat_centres, axis=1).max() <= cell * np.sqrt(2)


@given(seed=st.integers(0, 2**32 - 1), step=st.floats(2.0, 8.0))
@settings(max_examples=25, deadline=None)
def test_smoothed_and_resampled_paths_stay_in_free_cells_with_even_steps(seed: int, step: float) -> None:
    ground = found_once()
    graph = grid_graph(ground.free, ground.clearance, ground.cell)
    path = smooth(wander(graph, 12.0, np.random.default_rng(seed)), graph.free)
    points = resample(path, 0.0, step, 20, graph.free)
    assert is_free(path, graph.free).all()
    assert is_free(points, graph.free).all()
    assert np.linalg.norm(np.diff(points, axis=0), axis=1).max() <= step + 1.5


def found_once(cache: list[NavigableMap] = []) -> NavigableMap:  # noqa: B006
    if not cache:
        cache.append(found(two_rooms(door=0.9)))
    return cache[0]


def test_paths_keep_off_the_walls_where_there_is_room() -> None:
    ground = found(empty_room())
    graph = grid_graph(ground.free, ground.clearance, ground.cell)
    path = smooth(wander(graph, 60.0, np.random.default_rng(3)), graph.free)
    along_path = ground.clearance[tuple(np.floor(path + 0.5).astype(int).T)].mean()
    assert along_path > ground.clearance[ground.free].mean()


def test_a_path_too_short_for_its_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot give 5 points"):
        resample(np.array([[0.0, 0], [1, 0]]), 0.0, 1.0, 5, np.ones((3, 3), bool))
