"""Put pieces into a room: what fits where, what stays clear, and whether one can still walk about."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from sim_envs.spaces.builtin.floorplan import FloorPlan, Opening, Side
from sim_envs.spaces.furniture.model import FurnitureModel

WALKER_RADIUS = 0.25
DOOR_ZONE = 0.85
"""Depth of the floor kept clear on both sides of a door, metres."""

_CELL = 0.05
_CLEARANCE = 0.03  # beyond the walker's radius: what the grid may round away
_HEAD = 1.8
_ON_FLOOR = 0.05


@dataclass(frozen=True)
class Box:
    """A box turned about the vertical: a footprint and an interval of heights, metres.

    Attributes:
        x, z: middle of the footprint.
        yaw: turn about +Y, radians; at 0 the front faces +z.
        width, depth: of the footprint, before the turn along x and z.
        low, high: heights.
    """

    x: float
    z: float
    yaw: float
    width: float
    depth: float
    low: float
    high: float

    @cached_property
    def corners(self) -> np.ndarray:
        """(4, 2) corners of the footprint (x, z), in order."""
        local = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (self.width / 2, self.depth / 2)
        return local @ self.axes + (self.x, self.z)

    @cached_property
    def axes(self) -> np.ndarray:
        """(2, 2) directions (x, z) of the footprint's width and depth."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([[cos, -sin], [sin, cos]])

    @cached_property
    def reach(self) -> float:
        """Half the diagonal of the footprint."""
        return 0.5 * math.hypot(self.width, self.depth)

    def point(self, x: float, z: float) -> tuple[float, float]:
        """Return the world (x, z) of a point given in the box's own frame."""
        p = np.array([x, z]) @ self.axes
        return self.x + float(p[0]), self.z + float(p[1])

    def overlaps(self, other: Box, gap: float = 0.0) -> bool:
        """Whether the two come closer than ``gap`` in the plane while sharing heights (separating axes)."""
        if self.low >= other.high - 1e-6 or other.low >= self.high - 1e-6:
            return False
        dx, dz = other.x - self.x, other.z - self.z
        if math.hypot(dx, dz) > self.reach + other.reach + gap:
            return False
        for one, two in ((self, other), (other, self)):
            # Along an axis of ``one``: the distance of the middles against the two half extents.
            cos, sin = math.cos(one.yaw), math.sin(one.yaw)
            turn = two.yaw - one.yaw
            c, s = abs(math.cos(turn)), abs(math.sin(turn))
            if abs(dx * cos - dz * sin) >= (one.width + two.width * c + two.depth * s) / 2 + gap - 1e-9:
                return False
            if abs(dx * sin + dz * cos) >= (one.depth + two.width * s + two.depth * c) / 2 + gap - 1e-9:
                return False
        return True


@dataclass(frozen=True, eq=False)
class Piece:
    """A furniture model at its place.

    Attributes:
        box: bounding box in the world.
        room: index in the plan.
        host: the piece it stands or lies on, if any.
    """

    model: FurnitureModel
    box: Box
    room: int
    host: Piece | None = None

    @property
    def category(self) -> str:
        return self.model.category


def box_of(model: FurnitureModel, x: float, z: float, yaw: float, base: float = 0.0) -> Box:
    """Return the box a model fills when its footprint is centred on (x, z)."""
    width, height, depth = model.size
    return Box(x, z, yaw, width, depth, base, base + height)


class Board:
    """The pieces of one room, and the rules for adding another.

    Args:
        plan: the flat.
        room: index of the room.
        fixed: boxes that are there already, such as open door leaves.
    """

    def __init__(self, plan: FloorPlan, room: int, fixed: Sequence[Box] = ()) -> None:
        self.index = room
        self.height = plan.height
        self.room = plan.rooms[room]
        self.sides = self.room.sides
        self.pieces: list[Piece] = []
        self.reserved: list[Box] = []
        self.fixed = tuple(fixed)
        holes = plan.holes(room)
        self.windows = [(self.sides[i], o) for i, o in holes if o.kind == "window"]
        self.doors = [(self.sides[i], o) for i, o in holes if o.kind != "window"]
        self._doorways = [zone(side, o, DOOR_ZONE, 0.08) for side, o in self.doors]
        self._panes = [zone(side, o, 0.3, 0.06) for side, o in self.windows]
        self._anchors = [side.at(_middle(side, o), 0.4) for side, o in self.doors]

    def clear(
        self,
        box: Box,
        gap: float = 0.015,
        at_window: bool = False,
        in_reserved: bool = False,
        above: Sequence[Piece] = (),
    ) -> bool:
        """Whether a box fits: inside the room, clear of pieces, doorways, windows and reserved floor.

        Args:
            gap: distance kept from other pieces, metres.
            at_window: it may stand in front of a window (a curtain does).
            in_reserved: it may stand on floor reserved for using another piece (a chair at a desk does).
            above: pieces it may touch (what it lies on).
        """
        inner = self.room.inner
        low, high = box.corners.min(axis=0), box.corners.max(axis=0)
        edge = 1e-6
        if low[0] < inner.x0 - edge or low[1] < inner.z0 - edge or high[0] > inner.x1 + edge:
            return False
        if high[1] > inner.z1 + edge or box.high > self.height + edge:
            return False
        if any(box.overlaps(other) for other in self._doorways):
            return False
        if not at_window and any(box.overlaps(other) for other in self._panes):
            return False
        if not in_reserved and any(box.overlaps(other) for other in self.reserved):
            return False
        if any(box.overlaps(other, gap) for other in self.fixed):
            return False
        return not any(box.overlaps(p.box, gap) for p in self.pieces if p not in above and p.category != "rug")

    def walkable(self, extra: Sequence[Box] = ()) -> bool:
        """Whether a walker still gets from door to door and to most of the free floor with ``extra`` added."""
        boxes = [p.box for p in self.pieces if p.category != "rug"]
        blocking = [b for b in (*boxes, *self.fixed, *extra) if b.low < _HEAD and b.high > _ON_FLOOR]
        inner = self.room.inner
        free = free_floor((inner.x0, inner.z0, inner.x1, inner.z1), blocking, WALKER_RADIUS + _CLEARANCE)
        regions, count = ndimage.label(free)
        if not count:
            return False
        places = [(int((x - inner.x0) / _CELL), int((z - inner.z0) / _CELL)) for x, z in self._anchors]
        inside = [regions[min(i, free.shape[0] - 1), min(j, free.shape[1] - 1)] for i, j in places]
        if not inside or min(inside) == 0 or len({int(r) for r in inside}) > 1:
            return False
        return bool((regions == inside[0]).sum() >= 0.8 * free.sum())

    def add(self, model: FurnitureModel, box: Box, host: Piece | None = None) -> Piece:
        """Put a piece down where :meth:`clear` said it fits."""
        piece = Piece(model, box, self.index, host)
        self.pieces.append(piece)
        return piece

    def try_at(self, model: FurnitureModel, box: Box, **rules: bool | float) -> Piece | None:
        """Put a piece there if it fits and leaves the room walkable."""
        if not self.clear(box, **rules):  # type: ignore[arg-type]
            return None
        stands = box.low < _HEAD and box.high > _ON_FLOOR and model.category != "rug"
        if stands and not self.walkable([box]):
            return None
        return self.add(model, box)

    def against_wall(
        self,
        model: FurnitureModel,
        rng: np.random.Generator,
        base: float = 0.0,
        front: float = 0.0,
        sides: Sequence[int] | None = None,
        score: Callable[[Side, float, Box], float] | None = None,
        snug: bool = False,
    ) -> Piece | None:
        """Put a piece with its back to a wall, at the best place (or any) that is free.

        Args:
            base: height of its underside, metres.
            front: depth of floor reserved in front of it, metres; as wide as the piece.
            sides: indices of the walls to try; default all.
            score: (wall, position along it, box) → lower is better; default random.
            snug: exactly straight and touching, as cupboards in a row.
        """
        options = []
        width, height, depth = model.size
        for side, s in self._spots(width, sides):
            yaw = side.yaw + (0.0 if snug or base > 0 else float(rng.normal(0.0, 0.008)))
            # A slightly turned piece reaches further back: stand it off by what its corner needs.
            back = 0.003 if snug or base > 0 else 0.02 + 0.5 * width * abs(math.sin(yaw - side.yaw))
            x, z = side.at(s, depth / 2 + back)
            box = Box(x, z, yaw, width, depth, base, base + height)
            options.append((rng.random() if score is None else score(side, s, box) + 0.05 * rng.random(), box))
        for _, box in sorted(options, key=lambda option: option[0]):
            if not self.clear(box, gap=0.0 if snug else 0.015, at_window=model.category == "curtain"):
                continue
            kept = in_front(box, front) if front else None
            if kept is not None and not self._usable(kept):
                continue
            piece = self.try_at(model, box, gap=0.0 if snug else 0.015)
            if piece is not None:
                if kept is not None:
                    self.reserved.append(kept)
                return piece
        return None

    def _usable(self, kept: Box) -> bool:
        """Whether floor in front of a piece is free, inside the room, and not another piece's."""
        inner = self.room.inner
        low, high = kept.corners.min(axis=0), kept.corners.max(axis=0)
        inside = low[0] > inner.x0 - 0.05 and low[1] > inner.z0 - 0.05
        inside = inside and high[0] < inner.x1 + 0.05 and high[1] < inner.z1 + 0.05
        return bool(inside) and not any(
            kept.overlaps(other) for other in (*self.fixed, *(p.box for p in self.pieces if p.category != "rug"))
        )

    def _spots(self, width: float, sides: Sequence[int] | None) -> Iterator[tuple[Side, float]]:
        for side in self.sides if sides is None else [self.sides[i] for i in sides]:
            low, high = width / 2 + 0.03, side.length - width / 2 - 0.03
            if high >= low:
                for s in np.linspace(low, high, max(2, int((high - low) / 0.12) + 1)):
                    yield side, float(s)


def zone(side: Side, opening: Opening, depth: float, margin: float) -> Box:
    """Return the space in front of an opening: ``depth`` into the room, ``margin`` wider on both sides."""
    x, z = side.at(_middle(side, opening), depth / 2)
    return Box(x, z, side.yaw, opening.width + 2 * margin, depth, opening.sill, opening.top)


def span_on(side: Side, opening: Opening) -> tuple[float, float]:
    """Return where an opening begins and ends along a wall, metres from the wall's start."""
    start = side.start[0] if side.index % 2 == 0 else side.start[1]
    return opening.low - start, opening.high - start


def _middle(side: Side, opening: Opening) -> float:
    return sum(span_on(side, opening)) / 2


def in_front(box: Box, depth: float) -> Box:
    """Return the floor in front of a box, from 5 cm up to a person's height."""
    x, z = box.point(0.0, (box.depth + depth) / 2)
    return Box(x, z, box.yaw, box.width, depth, _ON_FLOOR, _HEAD)


def free_floor(
    bounds: tuple[float, float, float, float], boxes: Sequence[Box], radius: float, cell: float = _CELL
) -> np.ndarray:
    """Return the (nx, nz) cells where the middle of a disc of ``radius`` metres may be.

    Args:
        bounds: x0, z0, x1, z1 of the floor; its edge is a wall.
        boxes: what stands on it.
    """
    x0, z0, x1, z1 = bounds
    shape = (int(np.ceil((x1 - x0) / cell)), int(np.ceil((z1 - z0) / cell)))
    open_floor = np.ones((shape[0] + 2, shape[1] + 2), bool)
    open_floor[[0, -1]] = False
    open_floor[:, [0, -1]] = False
    x = x0 + (np.arange(shape[0]) + 0.5) * cell
    z = z0 + (np.arange(shape[1]) + 0.5) * cell
    for box in boxes:
        low, high = box.corners.min(axis=0), box.corners.max(axis=0)
        i0, i1 = np.searchsorted(x, [low[0] - cell, high[0] + cell])
        j0, j1 = np.searchsorted(z, [low[1] - cell, high[1] + cell])
        offset = np.stack(np.meshgrid(x[i0:i1] - box.x, z[j0:j1] - box.z, indexing="ij"), axis=-1) @ box.axes.T
        covered = (np.abs(offset) <= (box.width / 2 + cell / 4, box.depth / 2 + cell / 4)).all(axis=-1)
        open_floor[i0 + 1 : i1 + 1, j0 + 1 : j1 + 1] &= ~covered
    distance = ndimage.distance_transform_edt(open_floor) * cell
    return distance[1:-1, 1:-1] > radius
