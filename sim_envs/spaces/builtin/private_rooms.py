"""Bedrooms, children's rooms, studies and the hall."""

from __future__ import annotations

import numpy as np

from sim_envs.spaces.builtin.floorplan import Side
from sim_envs.spaces.builtin.furnishing import ANY, SMALL, Furnisher, Size
from sim_envs.spaces.builtin.placement import Box, Piece, box_of


def bedroom(f: Furnisher) -> None:
    """A bed with its head to a wall and night stands beside it, a wardrobe, a dresser with a mirror."""
    bed = _bed(f, (2.1, 1.4, 2.4), (1.5, 1.4, 2.3), (1.1, 1.4, 2.2))
    wardrobe = f.wall("wardrobe", (2.4, 2.4, 0.75), (1.5, 2.4, 0.75), (1.0, 2.4, 0.7), front=0.6)
    f.on_top(wardrobe, "box", (0.5, 0.4, 0.5))
    dresser = f.wall("dresser", (1.4, 1.1, 0.6), (0.9, 1.1, 0.6), front=0.5)
    if dresser is not None:
        f.hang_above(dresser, "mirror", (0.9, 1.0, 0.15), 0.12, 1.55)
        f.on_top(dresser, "vase", SMALL)
        f.on_top(dresser, "box", (0.3, 0.3, 0.3))
    if f.board.room.inner.area > 15 and f.chance(0.6):
        f.wall("armchair", (0.95, 1.2, 0.95), front=0.3)
    if bed is not None:
        f.hang_above(bed, "picture", (1.3, 0.7, 0.1), 0.2, 1.6)
        sign = 1.0 if f.chance(0.5) else -1.0
        x, z = bed.box.point(sign * (bed.box.width / 2 + 0.15), 0.35)
        f.rug(x, z, bed.box.yaw, (1.7, 0.04, 2.2))
        f.on_top(bed, "clothes", (0.7, 0.3, 0.7), spot=(0.3, 0.6), uneven=0.08)
    f.on_floor("plant", (0.6, 1.6, 0.6))
    f.on_floor("shoes", (0.4, 0.3, 0.4))
    f.on_floor("bag", (0.5, 0.5, 0.5))
    for _ in range(2):
        f.hang("picture", 1.55, (0.8, 0.8, 0.1))


def _bed(f: Furnisher, *sizes: Size) -> Piece | None:
    """Set the bed's head to a wall, far from the door, with its night stands."""
    doors = [side.at(0.5 * side.length, 0.0) for side, _ in f.board.doors]

    def near_door(side: Side, s: float, box: Box) -> float:
        away = min((float(np.hypot(box.x - x, box.z - z)) for x, z in doors), default=0.0)
        return -0.25 * away + 0.25 * abs(s - side.length / 2) + 0.5 * f.rng.random()

    bed = f.wall("bed", *sizes, score=near_door)
    if bed is None:
        return None
    for sign in (1.0, -1.0):
        stand = f.pick_alike("nightstand", (0.6, 0.75, 0.5))
        if stand is None:
            break
        gap = 0.05 + stand.size[0] / 2
        x, z = bed.box.point(sign * (bed.box.width / 2 + gap), -bed.box.depth / 2 + stand.size[2] / 2 + 0.01)
        piece = f.board.try_at(stand, box_of(stand, x, z, bed.box.yaw))
        f.on_top(piece, "table lamp", (0.4, 0.7, 0.4), spot=(0.0, -0.4))
        f.on_top(piece, "book", (0.3, 0.2, 0.3))
    for across in (-0.5, 0.5) if bed.box.width > 1.25 else (0.0,):
        f.on_top(bed, "pillow", (0.75, 0.35, 0.55), spot=(across, -0.72), yaw=0.0, uneven=0.06)
    return bed


def kids(f: Furnisher) -> None:
    """A narrow bed, a desk, low shelves and toys on the floor."""
    _bed(f, (1.1, 1.5, 2.2))
    _work_place(f)
    f.wall("wardrobe", (1.2, 2.2, 0.7), (0.9, 2.2, 0.7), front=0.55)
    shelf = f.wall("shelf", (1.2, 1.6, 0.5), front=0.4)
    f.on_top(shelf, "toy", SMALL)
    f.on_top(shelf, "box", SMALL)
    _floor_rug(f)
    for _ in range(int(f.rng.integers(3, 6))):
        f.on_floor("toy", (0.5, 0.6, 0.5), near_wall=False)
    f.wall("box", (0.6, 0.5, 0.5))
    for _ in range(3):
        f.hang("picture", 1.4, (0.7, 0.7, 0.1))


def study(f: Furnisher) -> None:
    """A desk with computer, walls of books, a place to read."""
    _work_place(f)
    for _ in range(2 + f.chance(0.4)):
        shelf = f.wall("bookshelf", (1.2, 2.4, 0.45), (0.8, 2.4, 0.4), (2.2, 2.4, 0.5), front=0.45)
        f.on_top(shelf, "box" if f.chance(0.5) else "vase", SMALL)
    if f.board.room.inner.area > 9:
        f.wall("armchair" if f.chance(0.6) else "sofa", (1.6, 1.2, 0.95), (1.0, 1.2, 0.95), front=0.4)
    f.on_floor("lamp", (0.5, 2.0, 0.5))
    _floor_rug(f)
    f.on_floor("plant", (0.6, 1.6, 0.6))
    f.wall("trash bin", (0.4, 0.5, 0.4))
    f.on_floor("bag", (0.5, 0.5, 0.5))
    for _ in range(2):
        f.hang("picture", 1.55, (0.9, 0.9, 0.1))
    f.hang("clock", 1.85, (0.4, 0.4, 0.1))


def _work_place(f: Furnisher) -> None:
    """A desk with what stands on it, and its chair."""
    desk = f.wall("desk", (1.8, 0.95, 0.85), (1.3, 0.95, 0.75), (1.0, 0.95, 0.65), front=0.75)
    if desk is None:
        return
    f.on_top(desk, "computer", (0.75, 0.65, 0.45), spot=(0.0, -0.2), yaw=0.0)
    f.on_top(desk, "table lamp", (0.35, 0.7, 0.35), spot=(0.9, -0.5))
    f.on_top(desk, "book", SMALL, spot=(-0.8, 0.2))
    f.on_top(desk, "bottle", SMALL)
    chair = f.facing(desk, "office chair", float(f.rng.normal(0, 0.06)), 0.04, (0.75, 1.35, 0.75), wobble=0.25)
    if chair is None:
        f.facing(desk, "chair", 0.0, 0.04, (0.6, 1.2, 0.62), wobble=0.15)


def _floor_rug(f: Furnisher) -> None:
    inner = f.board.room.inner
    x, z = (inner.x0 + inner.x1) / 2, (inner.z0 + inner.z1) / 2
    f.rug(x, z, float(f.rng.integers(2)) * np.pi / 2, (min(2.2, inner.width - 0.6), 0.04, min(2.2, inner.depth - 0.6)))


def hall(f: Furnisher) -> None:
    """Where one comes in: coats, shoes, a mirror, a place to put the keys."""
    cupboard = f.wall("dresser", (1.2, 1.0, 0.42), (0.8, 1.0, 0.4), front=0.4)
    if cupboard is not None:
        f.hang_above(cupboard, "mirror", (0.9, 1.1, 0.15), 0.15, 1.55)
        f.on_top(cupboard, "bowl", SMALL)
        f.on_top(cupboard, "table lamp" if f.chance(0.4) else "vase", SMALL)
    else:
        f.hang("mirror", 1.5, (0.7, 1.4, 0.12))
    f.wall("wardrobe", (1.5, 2.4, 0.6), (0.9, 2.4, 0.6), front=0.45)
    f.wall("shelf", (0.9, 1.9, 0.35), front=0.3)
    for _ in range(3):
        f.on_floor("shoes", (0.4, 0.35, 0.4))
    f.on_floor("bag", (0.9, 0.75, 0.45))
    clothes = f.pick("clothes", ANY)
    if clothes is not None and clothes.size[1] > 0.5:
        f.board.against_wall(clothes, f.rng, base=max(0.0, 1.75 - clothes.size[1]) if clothes.size[1] < 1.4 else 0.0)
    inner = f.board.room.inner
    long = inner.width >= inner.depth
    x, z = (inner.x0 + inner.x1) / 2, (inner.z0 + inner.z1) / 2
    f.rug(x, z, 0.0 if long else np.pi / 2, (2.2, 0.04, 0.9))
    for _ in range(3):
        f.hang("picture", 1.55, (0.8, 0.8, 0.1))
    f.on_floor("plant", (0.5, 1.4, 0.5))
