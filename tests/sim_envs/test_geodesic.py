"""Shortest ways over a floor plan, against what can be worked out by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_envs.space import Space
from sim_envs.trajectories.geodesic import Floorplan, length, taut
from sim_envs.trajectories.navigable import RADIUS, navigable_map
from sim_envs.trajectories.paths import is_free
from sim_envs.trajectories.views import Scene
from tests.sim_envs.rooms import empty_room, room_with_block


def floorplan(space: Space) -> Floorplan:
    ground = navigable_map(space, Scene.of(space).caster)
    assert ground is not None
    return Floorplan.of(ground)


def way(plan: Floorplan, start: list[float], goal: list[float]) -> np.ndarray:
    cells, _ = plan.nearest(np.array([[start[0], 0, start[1]], [goal[0], 0, goal[1]]]))
    (found,) = plan.ways(int(cells[0]), cells[1:])
    assert found is not None
    return found


def test_in_an_empty_room_the_way_is_a_straight_line() -> None:
    found = way(floorplan(empty_room()), [0.6, 0.7], [4.1, 3.3])
    assert len(found) == 2
    assert length(found) == pytest.approx(np.hypot(3.5, 2.6), abs=0.1)


def test_around_a_block_the_way_touches_its_corners() -> None:
    """The block fills 2…3 × 1.5…2.5; the device keeps its radius from it, in cells of 5 cm."""
    found = way(floorplan(room_with_block()), [1, 2], [4, 2])
    side = 0.5 + RADIUS
    assert length(found) == pytest.approx(2 * np.hypot(1 - RADIUS, side) + 1 + 2 * RADIUS, abs=0.12)
    assert length(found) >= 3


def test_the_way_to_where_one_is_has_no_length() -> None:
    assert length(way(floorplan(empty_room()), [2, 2], [2, 2])) == 0


def test_points_far_from_the_floor_say_how_far() -> None:
    _, metres = floorplan(empty_room()).nearest(np.array([[2.0, 9.0, 2.0], [7.0, 0.0, 2.0]]))
    assert metres[0] < 0.05
    assert metres[1] == pytest.approx(2 + RADIUS, abs=0.06)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=30), st.integers(0, 2**32 - 1))
def test_a_taut_path_keeps_its_ends_is_no_longer_and_stays_free(cells: list[tuple[int, int]], seed: int) -> None:
    free = np.random.default_rng(seed).uniform(size=(10, 10)) < 0.8
    path = np.array(cells, np.float64)
    free[tuple(path.astype(int).T)] = True
    pulled = taut(path, free)
    assert pulled[0].tolist() == path[0].tolist()
    assert pulled[-1].tolist() == path[-1].tolist()
    assert length(pulled) <= length(path) + 1e-9
    for a, b in pairwise(pulled.tolist()):
        if [a, b] not in [list(step) for step in pairwise(path.tolist())]:
            assert is_free(np.linspace(a, b, 101), free).mean() > 0.9
