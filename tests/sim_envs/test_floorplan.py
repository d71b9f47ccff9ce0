"""Plans are flats one could live in: sensible rooms, all reachable, lit by windows in outer walls."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_envs.spaces.builtin.doors import hang_leaves
from sim_envs.spaces.builtin.floorplan import OUTSIDE, FloorPlan
from sim_envs.spaces.builtin.plan_drawing import USES, draw_plan

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def plan_of(seed: int) -> FloorPlan:
    return draw_plan(np.random.default_rng(seed))


@given(seeds)
@few
def test_three_to_six_rooms_of_different_use_and_sensible_size(seed: int) -> None:
    plan = plan_of(seed)
    assert 3 <= len(plan.rooms) <= 6
    assert len({room.use for room in plan.rooms}) == len(plan.rooms)
    assert {"living", "kitchen", "bedroom", "bathroom"} <= {room.use for room in plan.rooms}
    assert 45 <= plan.area <= 110
    assert 2.4 <= plan.height <= 3.0
    assert 0.1 <= plan.wall <= 0.2
    for room in plan.rooms:
        least, most = USES[room.use].area
        assert least <= room.inner.area <= most


@given(seeds)
@few
def test_rooms_do_not_overlap(seed: int) -> None:
    for a, b in itertools.combinations([room.outline for room in plan_of(seed).rooms], 2):
        apart = a.x1 <= b.x0 + 1e-9 or b.x1 <= a.x0 + 1e-9 or a.z1 <= b.z0 + 1e-9 or b.z1 <= a.z0 + 1e-9
        assert apart


@given(seeds)
@few
def test_every_room_is_reachable_through_doors_and_none_through_a_bathroom(seed: int) -> None:
    plan = plan_of(seed)
    graph = nx.Graph([o.rooms for o in plan.openings if o.kind in ("door", "passage")])
    assert set(graph) == set(range(len(plan.rooms)))
    assert nx.is_connected(graph)
    bathroom = [room.use for room in plan.rooms].index("bathroom")
    assert graph.degree[bathroom] == 1


@given(seeds)
@few
def test_openings_lie_in_their_walls_and_doors_are_wide_and_high_enough(seed: int) -> None:
    plan = plan_of(seed)
    for opening in plan.openings:
        for room in opening.rooms:
            if room == OUTSIDE:
                continue
            inner = plan.rooms[room].inner
            low, high = (inner.x0, inner.x1) if opening.side % 2 == 0 else (inner.z0, inner.z1)
            assert low < opening.low < opening.high < high
        assert opening.top < plan.height
        if opening.kind in ("door", "entrance"):
            assert opening.width - 0.06 >= 0.85
            assert opening.top - 0.03 >= 2.05 - 1e-9


@given(seeds)
@few
def test_openings_of_one_wall_do_not_overlap(seed: int) -> None:
    plan = plan_of(seed)
    for index in range(len(plan.rooms)):
        for (side_a, a), (side_b, b) in itertools.combinations(plan.holes(index), 2):
            assert side_a != side_b or a.high < b.low or b.high < a.low


@given(seeds)
@few
def test_windows_look_outside_and_living_rooms_have_one(seed: int) -> None:
    plan = plan_of(seed)
    windows = [o for o in plan.openings if o.kind == "window"]
    for window in windows:
        outline = plan.rooms[window.rooms[0]].outline
        middle = (window.low + window.high) / 2
        beyond = {
            0: (middle, outline.z0 - 0.3),
            1: (outline.x1 + 0.3, middle),
            2: (middle, outline.z1 + 0.3),
            3: (outline.x0 - 0.3, middle),
        }[window.side]
        for room in plan.rooms:
            r = room.outline
            assert not (r.x0 < beyond[0] < r.x1 and r.z0 < beyond[1] < r.z1)
    lit = {plan.rooms[o.rooms[0]].use for o in windows}
    assert {"living", "kitchen", "bedroom"} <= lit


@given(seeds)
@few
def test_open_leaves_stand_inside_their_room_clear_of_each_other(seed: int) -> None:
    plan = plan_of(seed)
    leaves = hang_leaves(plan, np.random.default_rng(seed))
    for leaf in leaves:
        inner = plan.rooms[leaf.room].inner
        low, high = leaf.box.corners.min(axis=0), leaf.box.corners.max(axis=0)
        assert low[0] >= inner.x0
        assert low[1] >= inner.z0
        assert high[0] <= inner.x1
        assert high[1] <= inner.z1
    for a, b in itertools.combinations(leaves, 2):
        assert not a.box.overlaps(b.box)


def test_layouts_vary() -> None:
    plans = [plan_of(seed) for seed in range(12)]
    assert len({tuple(room.use for room in plan.rooms) for plan in plans}) >= 6
    assert len({len(plan.rooms) for plan in plans}) >= 2
    assert len({round(plan.area) for plan in plans}) >= 8


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_gives_the_same_plan(seed: int) -> None:
    assert plan_of(seed) == plan_of(seed)
