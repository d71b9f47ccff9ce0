"""Living and dining rooms: where people sit together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim_envs.spaces.builtin.floorplan import Side
from sim_envs.spaces.builtin.furnishing import SMALL, Furnisher, Size
from sim_envs.spaces.builtin.placement import Box, Piece, box_of, in_front


def living(f: Furnisher) -> None:
    """Sofa towards the television with table and rug between; shelves, a reading corner, plants."""
    sofa = _television_and_sofa(f)
    if sofa is not None:
        _sitting_corner(f, sofa)
    for _ in range(1 + f.chance(0.5)):
        shelf = f.wall("bookshelf", (1.4, 2.4, 0.5), (0.9, 2.4, 0.5), (2.6, 2.4, 0.6), front=0.5)
        f.on_top(shelf, "vase" if f.chance(0.5) else "box", SMALL)
    if f.board.room.inner.area > 19:
        dining_group(f, 4, far_from_pieces(f))
    dresser = f.wall("dresser", (1.5, 1.1, 0.55), front=0.5) if f.chance(0.5) else None
    f.on_top(dresser, "vase", SMALL)
    f.on_top(dresser, "picture" if f.chance(0.2) else "book", SMALL)
    f.on_floor("plant", (0.7, 1.8, 0.7))
    if sofa is not None:
        f.hang_above(sofa, "picture", (1.4, 0.9, 0.1), 0.15, 1.6)
    for _ in range(2):
        f.hang("picture", 1.6, (0.9, 0.9, 0.1))
    if f.chance(0.6):
        f.hang("clock", 1.9, (0.5, 0.8, 0.2))
    f.on_floor("toy" if f.chance(0.5) else "bag", SMALL)


def _television_and_sofa(f: Furnisher) -> Piece | None:
    """Set a television to a wall and a sofa right across, 1.5 to 3.3 m away; return the sofa."""
    board, rng = f.board, f.rng
    for size in ((2.6, 1.2, 1.15), (2.1, 1.2, 1.0), (1.7, 1.2, 0.95)):
        stand = f.pick("tv stand", (min(2.0, size[0]), 0.7, 0.55))
        sofa = f.pick("sofa", size)
        if stand is None or sofa is None:
            continue
        options: list[tuple[float, Side, float, float]] = []
        for side in board.sides:
            across = board.room.inner.depth if side.index % 2 == 0 else board.room.inner.width
            reach = across - stand.size[2] - sofa.size[2] - 0.06
            half = max(stand.size[0], sofa.size[0]) / 2 + 0.05
            for s in np.arange(half, side.length - half + 1e-6, 0.15).tolist():
                off_centre = abs(s - side.length / 2) / side.length
                for view in {round(min(reach, 3.3), 2): 0, 2.6: 1, 2.1: 2}:
                    if 1.5 <= view <= reach + 1e-6:
                        free_back = 0.0 if reach - view < 0.05 else 0.6 if reach - view > 0.7 else 3.0
                        options.append((off_centre + free_back + 0.4 * float(rng.random()), side, s, view))
        for _, side, s, view in sorted(options, key=lambda option: option[0])[:120]:
            tv_box = box_of(stand, *side.at(s, stand.size[2] / 2 + 0.02), side.yaw)
            off = stand.size[2] + 0.02 + view + sofa.size[2] / 2
            sofa_box = box_of(sofa, *side.at(s, off), side.yaw + np.pi + float(rng.normal(0, 0.01)))
            if board.clear(tv_box) and board.clear(sofa_box) and board.walkable([tv_box, sofa_box]):
                placed_stand, placed_sofa = board.add(stand, tv_box), board.add(sofa, sofa_box)
                board.reserved.append(in_front(tv_box, view))
                f.on_top(placed_stand, "tv", (stand.size[0] - 0.03, 1.0, 0.4), spot=(0.0, 0.0), yaw=0.0)
                return placed_sofa
    sofa_piece = f.wall("sofa", (2.2, 1.2, 1.0), (1.7, 1.2, 1.0), front=0.5)
    stand_piece = f.wall("tv stand", (1.6, 0.7, 0.5), (1.1, 0.7, 0.5), front=0.5)
    if stand_piece is not None:
        f.on_top(stand_piece, "tv", (stand_piece.box.width - 0.03, 0.8, 0.4), spot=(0.0, 0.0), yaw=0.0)
    return sofa_piece


def _sitting_corner(f: Furnisher, sofa: Piece) -> None:
    """Add what stands around a sofa."""
    board = f.board
    table = f.pick("coffee table", (1.3, 0.6, 0.8))
    if table is not None:
        x, z = sofa.box.point(float(f.rng.normal(0, 0.05)), sofa.box.depth / 2 + 0.38 + table.size[2] / 2)
        piece = board.try_at(table, box_of(table, x, z, sofa.box.yaw + float(f.rng.normal(0, 0.03))), in_reserved=True)
        f.on_top(piece, "book", SMALL)
        f.on_top(piece, "bowl" if f.chance(0.6) else "vase", SMALL)
        f.on_top(piece, "bottle", SMALL)
    x, z = sofa.box.point(0.0, sofa.box.depth / 2 + 0.75)
    f.rug(x, z, sofa.box.yaw, (2.6, 0.04, 1.9))
    armchair = f.pick("armchair", (1.0, 1.2, 1.0))
    if armchair is not None:
        for sign in (1, -1) if f.chance(0.5) else (-1, 1):
            beside = sign * (sofa.box.width / 2 + armchair.size[0] / 2 + 0.05)
            x, z = sofa.box.point(beside, sofa.box.depth / 2 + 0.75)
            turn = sofa.box.yaw - sign * np.pi / 2 + float(f.rng.normal(0, 0.15))
            if board.try_at(armchair, box_of(armchair, x, z, turn), in_reserved=True):
                break
        else:
            f.wall("armchair", (1.0, 1.2, 1.0), front=0.4)
    lamp = f.pick("lamp", (0.6, 2.0, 0.6))
    if lamp is not None:
        for sign in (1, -1):
            x, z = sofa.box.point(sign * (sofa.box.width / 2 + lamp.size[0] / 2 + 0.06), -0.1)
            if board.try_at(lamp, box_of(lamp, x, z, sofa.box.yaw), in_reserved=True):
                break
        else:
            f.on_floor("lamp", (0.6, 2.0, 0.6))
    for across in (-0.6, 0.6):
        f.on_top(sofa, "pillow", (0.55, 0.5, 0.4), spot=(across, 0.0), uneven=0.12)


def dining(f: Furnisher) -> None:
    """A large table in the middle, a sideboard, pictures."""
    table = dining_group(f, 6 if f.chance(0.6) else 4, _central(f))
    if table is not None:
        f.rug(table.box.x, table.box.z, table.box.yaw, (table.box.width + 1.2, 0.04, table.box.depth + 1.2))
    dresser = f.wall("dresser", (1.6, 1.1, 0.5), (1.0, 1.1, 0.5), front=0.45)
    f.on_top(dresser, "vase", SMALL)
    f.on_top(dresser, "bowl", SMALL)
    f.on_top(dresser, "table lamp", SMALL)
    if f.chance(0.7):
        f.wall("shelf", (1.2, 2.0, 0.45), front=0.4)
    f.on_floor("plant", (0.7, 1.8, 0.7))
    for _ in range(3):
        f.hang("picture", 1.55, (1.0, 0.9, 0.1))
    f.hang("clock", 1.9, (0.5, 0.8, 0.2))


def dining_group(f: Furnisher, most: int, score: Callable[[Box], float]) -> Piece | None:
    sizes: tuple[Size, ...] = ((2.0, 0.85, 1.0), (1.4, 0.85, 0.9), (1.0, 0.85, 0.8))
    table = f.free_standing("dining table", sizes, 0.6, score)
    if table is None:
        # In a small room the table goes to the wall, with chairs on the sides left.
        table = f.wall("dining table", (1.2, 0.85, 0.8), (0.9, 0.85, 0.7), front=0.6)
    if table is None:
        return None
    f.gather(table, most)
    f.on_top(table, "bowl" if f.chance(0.5) else "vase", SMALL, spot=(0.0, 0.0))
    f.on_top(table, "bottle", SMALL)
    return table


def far_from_pieces(f: Furnisher) -> Callable[[Box], float]:
    return lambda box: (
        -min((float(np.hypot(box.x - p.box.x, box.z - p.box.z)) for p in f.board.pieces if p.box.low < 1), default=0.0)
    )


def _central(f: Furnisher) -> Callable[[Box], float]:
    inner = f.board.room.inner
    x, z = (inner.x0 + inner.x1) / 2, (inner.z0 + inner.z1) / 2
    return lambda box: float(np.hypot(box.x - x, box.z - z))
