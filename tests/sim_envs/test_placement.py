"""Boxes know when they overlap; a board keeps pieces apart, doors clear and floors walkable."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from sim_envs.spaces.builtin.floorplan import FloorPlan, Opening, Rect, Room
from sim_envs.spaces.builtin.furnishing import top_heights
from sim_envs.spaces.builtin.placement import Board, Box, box_of, free_floor
from sim_envs.spaces.furniture.assembly import Material, assemble
from sim_envs.spaces.furniture.model import FurnitureModel
from sim_envs.spaces.furniture.solids import box as box_solid

coordinate = st.floats(-2, 2)
extent = st.floats(0.1, 2)
boxes = st.builds(Box, coordinate, coordinate, st.floats(-4, 4), extent, extent, st.just(0.0), st.just(1.0))


def block(width: float, height: float, depth: float) -> FurnitureModel:
    return assemble("block", "box", [(box_solid(width, height, depth), Material((200, 100, 50)))])


def room_with_two_doors() -> FloorPlan:
    """A room of 4 × 3 m with doors in the middle of its walls at lowest and highest x, beside a closet."""
    rooms = (
        Room("living", "living", Rect(0, 0, 4, 3), Rect(0.05, 0.05, 3.95, 2.95)),
        Room("hall", "hall", Rect(4, 0, 6, 3), Rect(4.05, 0.05, 5.95, 2.95)),
    )
    openings = (
        Opening("entrance", (0, -1), 3, 1.0, 2.0, 0.0, 2.08),
        Opening("door", (0, 1), 1, 1.0, 2.0, 0.0, 2.08),
        Opening("window", (0, -1), 2, 1.0, 2.0, 0.9, 2.2),
    )
    return FloorPlan(rooms, openings, 2.5, 0.1)


@given(boxes, boxes)
@settings(max_examples=100, deadline=None)
def test_boxes_overlap_when_a_point_lies_inside_both(a: Box, b: Box) -> None:
    """The reference is a linear programme: how deep inside both footprints can a point lie?"""
    rows, limits = [], []
    for box in (a, b):
        for axis, half in zip(box.axes, (box.width / 2, box.depth / 2), strict=True):
            for sign in (1, -1):
                rows.append([*(sign * axis), 1.0])
                limits.append(half + sign * float(axis @ (box.x, box.z)))
    deepest = -linprog([0, 0, -1], rows, limits, bounds=[(None, None)] * 3).fun
    assume(abs(deepest) > 1e-6)
    assert a.overlaps(b) == b.overlaps(a) == (deepest > 0)


def test_boxes_above_each_other_do_not_overlap() -> None:
    assert not Box(0, 0, 0, 1, 1, 0, 0.8).overlaps(Box(0, 0, 0.3, 0.2, 0.2, 0.8, 1.0))
    assert Box(0, 0, 0, 1, 1, 0, 0.8).overlaps(Box(0, 0, 0.3, 0.2, 0.2, 0.7, 1.0))


def test_a_turned_box_faces_along_its_yaw() -> None:
    np.testing.assert_allclose(Box(0, 0, np.pi / 2, 1, 1, 0, 1).point(0, 2), (2, 0), atol=1e-12)


def test_nothing_stands_in_a_doorway_before_a_window_or_in_another_piece() -> None:
    board = Board(room_with_two_doors(), 0)
    low, high = block(0.4, 0.5, 0.4), block(0.4, 1.8, 0.4)
    assert not board.clear(box_of(low, 0.5, 1.5, 0.0))
    assert not board.clear(box_of(high, 1.5, 2.7, 0.0))
    assert board.clear(box_of(low, 1.5, 2.7, 0.0))
    assert not board.clear(box_of(low, 0.1, 0.2, 0.0))  # through the wall
    board.add(low, box_of(low, 2.0, 0.5, 0.0))
    assert not board.clear(box_of(low, 2.3, 0.5, 0.0))


def test_a_row_of_furniture_that_would_part_the_room_is_refused() -> None:
    board = Board(room_with_two_doors(), 0)
    wall = block(0.3, 1.0, 2.5)
    assert board.try_at(wall, box_of(wall, 2.0, 1.3, 0.0)) is None
    short = block(0.3, 1.0, 1.0)
    assert board.try_at(short, box_of(short, 2.0, 0.6, 0.0)) is not None


def test_a_piece_against_a_wall_has_its_back_there_and_faces_the_room() -> None:
    board = Board(room_with_two_doors(), 0)
    piece = board.against_wall(block(1.0, 0.8, 0.4), np.random.default_rng(0), sides=[2])
    assert piece is not None
    front = np.array(piece.box.point(0, 1)) - (piece.box.x, piece.box.z)
    np.testing.assert_allclose(front, (0, -1), atol=0.05)
    assert 2.95 - piece.box.corners[:, 1].max() < 0.06


def test_free_floor_is_what_a_disc_can_reach_the_middle_of() -> None:
    free = free_floor((0, 0, 2, 2), [Box(1, 1, np.pi / 4, 0.4, 0.4, 0, 1)], radius=0.25, cell=0.05)
    x = (np.arange(40) + 0.5) * 0.05
    xx, zz = np.meshgrid(x, x, indexing="ij")
    to_wall = np.minimum.reduce([xx, 2 - xx, zz, 2 - zz])
    local = np.abs(np.stack([xx - 1, zz - 1], -1) @ np.array([[1, 1], [-1, 1]]) / np.sqrt(2)) - 0.2
    to_box = np.linalg.norm(np.maximum(local, 0), axis=-1)
    distance = np.minimum(to_wall, to_box)
    assert free[distance > 0.35].all()
    assert not free[distance < 0.2].any()


def test_top_heights_find_the_uppermost_surface() -> None:
    table = assemble(
        "table",
        "desk",
        [(box_solid(1.0, 0.7, 0.6), Material((9, 9, 9))), (box_solid(0.2, 0.9, 0.2), Material((9, 9, 9)))],
    )
    heights = top_heights(table, np.array([[0.0, 0.0], [0.4, 0.2], [0.8, 0.0]]))
    np.testing.assert_allclose(heights[:2], [0.9, 0.7], atol=1e-6)
    assert np.isnan(heights[2])
