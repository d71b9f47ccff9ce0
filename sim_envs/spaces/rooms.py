"""What belongs into a living room, a kitchen, a bedroom …, and where people put it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim_envs.spaces.floorplan import Side
from sim_envs.spaces.furnishing import ANY, Furnisher, Size
from sim_envs.spaces.placement import Box, Piece, box_of, in_front

SMALL: Size = (0.35, 0.4, 0.35)
_NEEDED = {"refrigerator", "sink", "stove"}
_UNIT_SIZES: dict[str, Size] = {
    "refrigerator": (0.95, 2.1, 0.8),
    "kitchen cabinet": (0.8, 1.0, 0.7),
    "sink": (1.1, 1.3, 0.7),
    "stove": (0.8, 1.1, 0.7),
    "counter": (1.4, 1.1, 0.85),
}


def furnish(f: Furnisher, use: str) -> None:
    """Furnish a room for its use, large things first."""
    f.light_ceiling()
    f.dress_windows(curtains=use not in ("bathroom", "kitchen"))
    PROGRAMMES[use](f)


def living(f: Furnisher) -> None:
    """Sofa towards the television with table and rug between; shelves, a reading corner, plants."""
    sofa = _television_and_sofa(f)
    if sofa is not None:
        _sitting_corner(f, sofa)
    for _ in range(1 + f.chance(0.5)):
        shelf = f.wall("bookshelf", (1.4, 2.3, 0.5), (0.9, 2.3, 0.5), front=0.5)
        f.on_top(shelf, "vase" if f.chance(0.5) else "box", SMALL)
    if f.board.room.inner.area > 19:
        _dining_group(f, 4, _far_from_pieces(f))
    dresser = f.wall("dresser", (1.5, 1.1, 0.55), front=0.5) if f.chance(0.5) else None
    f.on_top(dresser, "vase", SMALL)
    f.on_top(dresser, "picture" if f.chance(0.2) else "book", SMALL)
    f.on_floor("plant", (0.7, 1.8, 0.7))
    if sofa is not None:
        f.hang_above(sofa, "picture", (1.4, 0.9, 0.1), 0.15, 1.6)
    for _ in range(2):
        f.hang("picture", 1.6, (0.9, 0.9, 0.1))
    if f.chance(0.6):
        f.hang("clock", 1.9, (0.5, 0.5, 0.15))
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


def _dining_group(f: Furnisher, most: int, score: Callable[[Box], float]) -> Piece | None:
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


def _far_from_pieces(f: Furnisher) -> Callable[[Box], float]:
    return lambda box: (
        -min((float(np.hypot(box.x - p.box.x, box.z - p.box.z)) for p in f.board.pieces if p.box.low < 1), default=0.0)
    )


def _central(f: Furnisher) -> Callable[[Box], float]:
    inner = f.board.room.inner
    x, z = (inner.x0 + inner.x1) / 2, (inner.z0 + inner.z1) / 2
    return lambda box: float(np.hypot(box.x - x, box.z - z))


def dining(f: Furnisher) -> None:
    """A large table in the middle, a sideboard, pictures."""
    table = _dining_group(f, 6 if f.chance(0.6) else 4, _central(f))
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
    f.hang("clock", 1.9, (0.5, 0.5, 0.15))


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
    _dining_group(f, 4, _far_from_pieces(f))
    f.wall("trash bin", (0.45, 0.8, 0.45))
    f.hang("clock", 1.85, (0.45, 0.45, 0.15))
    f.hang("towel", 1.2, (0.6, 0.9, 0.2))
    if f.chance(0.6):
        f.wall("shelf", (0.9, 2.0, 0.4), front=0.3)
    f.hang("picture", 1.6, (0.6, 0.7, 0.1))
    f.on_floor("box", (0.45, 0.4, 0.4))


def _kitchen_run(f: Furnisher) -> list[Piece]:
    """Set units side by side along the wall with most room, going on around the corner where it ends."""
    board = f.board
    order = ["refrigerator", "kitchen cabinet", "sink", "kitchen cabinet", "stove", "kitchen cabinet", "counter"]
    if f.chance(0.5):
        order = ["refrigerator", "stove", "kitchen cabinet", "sink", "kitchen cabinet", "counter"]
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
        shelf = f.wall("bookshelf", (1.2, 2.3, 0.45), (0.8, 2.3, 0.4), front=0.45)
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


def bathroom(f: Furnisher) -> None:
    """A tub or shower in a corner, washbasin with mirror, toilet, washing machine, towels."""

    def corner(side: Side, s: float, box: Box) -> float:
        return min(s, side.length - s)

    wants_tub = f.chance(0.55)
    tub = f.wall("bathtub", (1.9, 0.9, 0.95), score=corner, front=0.4) if wants_tub else None
    if tub is None or f.board.room.inner.area > 7:
        f.wall("shower", (1.1, 2.3, 1.1), (0.95, 2.3, 0.95), score=corner, front=0.4)
    basin_model = f.pick("washbasin", (1.2, 1.1, 0.65))
    basin = None
    if basin_model is not None:
        base = max(0.0, 0.86 - basin_model.size[1]) if basin_model.size[1] < 0.6 else 0.0
        basin = f.board.against_wall(basin_model, f.rng, base=base, front=0.6)
    if basin is not None:
        if f.hang_above(basin, "mirror", (basin.box.width + 0.1, 1.0, 0.2), 0.1, 1.6) is None:
            f.hang("mirror", 1.6, (0.7, 0.9, 0.2))
        f.on_top(basin, "bottle", (0.12, 0.3, 0.12), spot=(0.9, -0.8), uneven=0.03)
    f.wall("toilet", (0.5, 1.2, 0.8), front=0.55)
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
    f.on_floor("bag", (0.5, 0.6, 0.4))
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


PROGRAMMES: dict[str, Callable[[Furnisher], None]] = {
    "living": living,
    "dining": dining,
    "kitchen": kitchen,
    "bedroom": bedroom,
    "kids": kids,
    "study": study,
    "bathroom": bathroom,
    "hall": hall,
}
