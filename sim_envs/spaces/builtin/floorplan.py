"""The plan of a flat: rooms of different use, the doors that join them, the windows that light them.

Plans lie in the world's x–z plane, metres. Room outlines run along the middle of the walls; what can be walked
on is the outline shrunk by half a wall (:attr:`Room.inner`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DOOR_HEIGHT = 2.05
FRAME = 0.03
"""Thickness of the lining of a door or window opening, metres."""

OUTSIDE = -1


@dataclass(frozen=True)
class Rect:
    """An axis-aligned rectangle in the x–z plane, metres."""

    x0: float
    z0: float
    x1: float
    z1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def depth(self) -> float:
        return self.z1 - self.z0

    @property
    def area(self) -> float:
        return self.width * self.depth

    def shrunk(self, by: float) -> Rect:
        """Return the rectangle with every side moved inwards."""
        return Rect(self.x0 + by, self.z0 + by, self.x1 - by, self.z1 - by)


@dataclass(frozen=True)
class Side:
    """One wall of a room, seen from inside.

    ``at(s, d)`` is the point ``s`` metres along the wall and ``d`` metres into the room.

    Attributes:
        index: 0…3, for the walls at lowest z, highest x, highest z, lowest x.
        start: (x, z) of the corner where ``s`` is 0.
        along, inward: unit vectors (x, z).
        length: metres.
    """

    index: int
    start: tuple[float, float]
    along: tuple[float, float]
    inward: tuple[float, float]
    length: float

    def at(self, s: float, d: float = 0.0) -> tuple[float, float]:
        """Return (x, z)."""
        return (
            self.start[0] + s * self.along[0] + d * self.inward[0],
            self.start[1] + s * self.along[1] + d * self.inward[1],
        )

    @property
    def yaw(self) -> float:
        """Turn about +Y, radians, that makes a piece facing +z face into the room."""
        return float(np.arctan2(self.inward[0], self.inward[1]))


@dataclass(frozen=True)
class Opening:
    """A hole in a wall.

    Attributes:
        kind: ``door``, ``entrance`` (a closed door to the stairwell), ``passage`` (no leaf) or ``window``.
        rooms: the rooms it joins; the second is ``OUTSIDE`` for windows and the entrance.
        side: index of the wall of the first room it is in (see :class:`Side`).
        low, high: extent along the world axis (x for walls 0 and 2, z for 1 and 3), metres.
        sill, top: extent in height, metres.
    """

    kind: str
    rooms: tuple[int, int]
    side: int
    low: float
    high: float
    sill: float
    top: float

    @property
    def width(self) -> float:
        return self.high - self.low


@dataclass(frozen=True)
class Room:
    """One room.

    Attributes:
        name: unique in the flat, e.g. ``bedroom``.
        use: what it is for: one of :data:`sim_envs.spaces.builtin.plan_drawing.USES`.
        outline: along the middle of the walls.
        inner: between the wall surfaces.
    """

    name: str
    use: str
    outline: Rect
    inner: Rect

    @property
    def sides(self) -> tuple[Side, ...]:
        """The four walls in the order of :class:`Side`."""
        r = self.inner
        return (
            Side(0, (r.x0, r.z0), (1.0, 0.0), (0.0, 1.0), r.width),
            Side(1, (r.x1, r.z0), (0.0, 1.0), (-1.0, 0.0), r.depth),
            Side(2, (r.x0, r.z1), (1.0, 0.0), (0.0, -1.0), r.width),
            Side(3, (r.x0, r.z0), (0.0, 1.0), (1.0, 0.0), r.depth),
        )


@dataclass(frozen=True)
class FloorPlan:
    """A flat before it is furnished.

    Attributes:
        rooms: three to six.
        openings: doors, passages, the entrance and windows.
        height: floor to ceiling, metres.
        wall: thickness of all walls, metres.
    """

    rooms: tuple[Room, ...]
    openings: tuple[Opening, ...]
    height: float
    wall: float

    @property
    def area(self) -> float:
        """Square metres between the walls."""
        return sum(room.inner.area for room in self.rooms)

    def holes(self, room: int) -> list[tuple[int, Opening]]:
        """Return the openings of a room with the index of the wall each is in."""
        found = []
        for opening in self.openings:
            if opening.rooms[0] == room:
                found.append((opening.side, opening))
            elif opening.rooms[1] == room:
                found.append(((opening.side + 2) % 4, opening))
        return found
