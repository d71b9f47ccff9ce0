"""Kitchens and bathrooms: rooms whose furniture stands where the pipes are."""

from __future__ import annotations

import numpy as np

from sim_envs.spaces.builtin.day_rooms import dining_group, far_from_pieces
from sim_envs.spaces.builtin.floorplan import Side
from sim_envs.spaces.builtin.furnishing import Furnisher, Size
from sim_envs.spaces.builtin.placement import Box, Piece, box_of, in_front

_NEEDED = {"refrigerator", "sink", "stove"}
_UNIT_SIZES: dict[str, Size] = {
    "refrigerator": (0.95, 2.1, 0.8),
    "kitchen cabinet": (0.8, 1.0, 0.7),
    "sink": (1.1, 1.3, 0.7),
    "stove": (1.05, 1.1, 0.75),
    "counter": (1.4, 1.1, 0.85),
}


def kitchen(f: Furnisher) -> None:
    """A run of units along a wall, cabinets above, a table where there is room."""
    run = _kitchen_run(f)
    for unit in run:
        if unit.category in ("kitchen cabinet", "counter", "sink"):
            f.hang_above(unit, "wall cabinet", (unit.box.width + 0.01, 0.8, 0.4), 0.45, 1.75)
    tops = [unit for unit in run if unit.category in ("counter", "kitchen cabinet")]
    for unit in tops:
        for category in ("bottle", "bowl", "box", "plant"):
            if f.chance(0.5):
                f.on_top(unit, category, (0.3, 0.4, 0.3))
    dining_group(f, 4, far_from_pieces(f))
    f.wall("trash bin", (0.45, 0.8, 0.45))
    f.hang("clock", 1.85, (0.45, 0.8, 0.2))
    f.hang("towel", 1.2, (0.6, 0.9, 0.2))
    if f.chance(0.6):
        f.wall("shelf", (0.9, 2.0, 0.4), front=0.3)
    f.hang("picture", 1.6, (0.6, 0.7, 0.1))
    f.on_floor("box", (0.45, 0.4, 0.4))


def _kitchen_run(f: Furnisher) -> list[Piece]:
    """Set units side by side along the wall with most room, going on around the corner where it ends."""
    board = f.board
    order = ["refrigerator", "kitchen cabinet", "sink", "counter", "stove", "kitchen cabinet"]
    if f.chance(0.5):
        order = ["refrigerator", "stove", "kitchen cabinet", "sink", "counter"]
    length = {side.index: side.length for side in board.sides}
    for side, opening in board.doors:
        length[side.index] -= opening.width + 0.6
    first = max(board.sides, key=lambda side: length[side.index] + 0.3 * f.rng.random())
    walls = [board.sides[(first.index + k) % 4] for k in (0, 1, 3, 2)]
    run: list[Piece] = []
    left = list(order)
    for wall in walls:
        s = 0.01
        while left and s < wall.length:
            model = f.pick_alike(left[0], _UNIT_SIZES[left[0]])
            if model is None:
                left.pop(0)
                continue
            placed = None
            for start in np.arange(s, wall.length - model.size[0], 0.05):
                x, z = wall.at(float(start) + model.size[0] / 2, model.size[2] / 2 + 0.003)
                box = box_of(model, x, z, wall.yaw)
                if board.clear(in_front(box, 0.7)) or board.clear(in_front(box, 0.7), in_reserved=True):
                    placed = board.try_at(model, box, gap=0.0)
                if placed is not None:
                    s = float(start) + model.size[0] + 0.002
                    break
            if placed is None:
                break
            run.append(placed)
            left.pop(0)
        if not _NEEDED & set(left):
            break
    for category in [c for c in left if c in _NEEDED]:
        narrow = (0.85, 2.0, 0.68)
        piece = f.wall(category, _UNIT_SIZES[category], narrow, front=0.6) or f.wall(category, narrow, front=0.4)
        run += [] if piece is None else [piece]
    board.reserved += [in_front(unit.box, 0.7) for unit in run]
    return run


def bathroom(f: Furnisher) -> None:
    """A tub or shower in a corner, washbasin with mirror, toilet, washing machine, towels."""

    def corner(side: Side, s: float, box: Box) -> float:
        return min(s, side.length - s)

    wants_tub = f.chance(0.55)
    tub = f.wall("bathtub", (1.9, 0.9, 0.95), score=corner, front=0.4) if wants_tub else None
    if tub is None or f.board.room.inner.area > 7:
        f.wall("shower", (1.15, 2.3, 1.15), (0.95, 2.3, 0.95), score=corner, front=0.4)
    basin_model = f.pick("washbasin", (1.0, 1.2, 0.72))
    basin = None
    if basin_model is not None:
        base = max(0.0, 0.86 - basin_model.size[1]) if basin_model.size[1] < 0.6 else 0.0
        basin = f.board.against_wall(basin_model, f.rng, base=base, front=0.6)
    if basin is not None:
        if f.hang_above(basin, "mirror", (basin.box.width + 0.1, 1.0, 0.2), 0.1, 1.6) is None:
            f.hang("mirror", 1.6, (0.7, 0.9, 0.2))
        f.on_top(basin, "bottle", (0.12, 0.3, 0.12), spot=(0.9, -0.8), uneven=0.03)
    f.wall("toilet", (0.5, 1.2, 0.9), (0.5, 1.2, 0.7), front=0.55)
    machine = f.wall("washing machine", (0.7, 1.0, 0.7), front=0.5)
    f.on_top(machine, "bottle", (0.15, 0.35, 0.15))
    f.on_top(machine, "box", (0.4, 0.3, 0.4))
    for _ in range(2):
        f.hang("towel", 1.25, (0.7, 1.0, 0.2))
    inner = f.board.room.inner
    at = basin.box.point(0.0, basin.box.depth / 2 + 0.4) if basin else ((inner.x0 + inner.x1) / 2, inner.z0 + 0.6)
    f.rug(*at, basin.box.yaw if basin else 0.0, (0.95, 0.04, 0.65))
    f.wall("shelf", (0.7, 1.9, 0.4), front=0.3)
    f.wall("trash bin", (0.35, 0.5, 0.35))
    if f.chance(0.5):
        f.on_floor("plant", (0.4, 0.9, 0.4))
