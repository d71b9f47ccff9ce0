"""A tiny download of Structured3D, written as ``data_organization.md`` of its repository says.

Two rooms with a wall of 120 mm between them, a door in that wall (down to the floor) and a window in the outer wall of
the first room, 240 mm thick. As in the data set, doors and windows are tunnels: sill, lintel and two jambs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

HEIGHT = 2800
ROOMS = ((0, 0, 4000, 3000), (4120, 0, 7120, 3000))
"""x and y from, x and y to, in millimetres."""
DOOR = (1000, 1900, 0, 2100)
"""y from, to, z from, to; in the walls at x = 4000 and x = 4120."""
WINDOW = (1000, 2200, 900, 2100)
"""y from, to, z from, to; in the walls at x = 0 and x = -240."""

Loop = list[tuple[float, float, float]]


class Drawing:
    """Junctions, lines and planes as they are added; what was there before is used again."""

    def __init__(self) -> None:
        self.junctions: dict[tuple[float, float, float], int] = {}
        self.lines: dict[tuple[int, int], int] = {}
        self.planes: list[tuple[str, tuple[float, float, float], set[int]]] = []
        self.semantics: list[tuple[str, list[int]]] = []

    def plane(self, kind: str, normal: tuple[float, float, float], *loops: Loop) -> int:
        """Add a plane with its outline, and the outlines of holes in it."""
        around = set()
        for loop in loops:
            numbers = [self.junctions.setdefault(point, len(self.junctions)) for point in loop]
            for start, end in zip(numbers, [*numbers[1:], numbers[0]], strict=True):
                ends = (min(start, end), max(start, end))
                around.add(self.lines.setdefault(ends, len(self.lines)))
        self.planes.append((kind, normal, around))
        return len(self.planes) - 1

    def annotation(self) -> dict[str, Any]:
        """Return what annotation_3d.json holds."""
        points = np.array(list(self.junctions), float)
        across = [points[end] - points[start] for start, end in self.lines]
        starts = [points[start].tolist() for start, _ in self.lines]
        directions = [(vector / np.linalg.norm(vector)).tolist() for vector in across]
        lines = [
            {"ID": number, "point": point, "direction": direction}
            for number, (point, direction) in enumerate(zip(starts, directions, strict=True))
        ]
        planes = [
            {"ID": number, "type": kind, "normal": list(normal), "offset": self._offset(normal, around, points)}
            for number, (kind, normal, around) in enumerate(self.planes)
        ]
        return {
            "junctions": [{"ID": number, "coordinate": list(point)} for point, number in self.junctions.items()],
            "lines": lines,
            "planes": planes,
            "semantics": [
                {"ID": number, "type": kind, "planeID": ids} for number, (kind, ids) in enumerate(self.semantics)
            ],
            "planeLineMatrix": [[int(line in around) for line in range(len(lines))] for _, _, around in self.planes],
            "lineJunctionMatrix": [[int(j in ends) for j in range(len(points))] for ends in self.lines],
            "cuboids": [{"ID": 0, "planeID": self.semantics[0][1]}],
            "manhattan": [{"ID": 0, "planeID": self.semantics[0][1]}],
        }

    def _offset(self, normal: tuple[float, float, float], around: set[int], points: np.ndarray) -> float:
        start, _ = list(self.lines)[min(around)]
        return float(-np.dot(normal, points[start]))


def across_x(x: float, y0: float, y1: float, z0: float, z1: float) -> Loop:
    """Return a rectangle at one x."""
    return [(x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)]


def across_y(y: float, x0: float, x1: float, z0: float, z1: float) -> Loop:
    """Return a rectangle at one y."""
    return [(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)]


def level(z: float, x0: float, y0: float, x1: float, y1: float) -> Loop:
    """Return a horizontal rectangle."""
    return [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]


def add_room(drawing: Drawing, kind: str, box: tuple[int, int, int, int], holes: dict[int, list[Loop]]) -> None:
    """Add a room; ``holes`` are those of its walls at one x."""
    x0, y0, x1, y1 = box
    planes = [
        drawing.plane("floor", (0, 0, 1), level(0, *box)),
        drawing.plane("ceiling", (0, 0, -1), level(HEIGHT, *box)),
        drawing.plane("wall", (1, 0, 0), across_x(x0, y0, y1, 0, HEIGHT), *holes.get(x0, [])),
        drawing.plane("wall", (-1, 0, 0), across_x(x1, y0, y1, 0, HEIGHT), *holes.get(x1, [])),
        drawing.plane("wall", (0, 1, 0), across_y(y0, x0, x1, 0, HEIGHT)),
        drawing.plane("wall", (0, -1, 0), across_y(y1, x0, x1, 0, HEIGHT)),
    ]
    drawing.semantics.append((kind, planes))


def add_tunnel(drawing: Drawing, kind: str, x0: float, x1: float, y0: float, y1: float, z0: float, z1: float) -> None:
    """Add a door or window through a wall between two x."""
    planes = [
        drawing.plane("floor", (0, 0, 1), level(z0, x0, y0, x1, y1)),
        drawing.plane("ceiling", (0, 0, -1), level(z1, x0, y0, x1, y1)),
        drawing.plane("wall", (0, 1, 0), across_y(y0, x0, x1, z0, z1)),
        drawing.plane("wall", (0, -1, 0), across_y(y1, x0, x1, z0, z1)),
    ]
    drawing.semantics.append((kind, planes))


def flat() -> Drawing:
    """Return the two rooms."""
    drawing = Drawing()
    add_room(
        drawing,
        "living room",
        ROOMS[0],
        {0: [across_x(0, *WINDOW)], 4000: [across_x(4000, *DOOR)]},
    )
    add_room(drawing, "bedroom", ROOMS[1], {4120: [across_x(4120, *DOOR)]})
    add_tunnel(drawing, "door", 4000, 4120, *DOOR)
    add_tunnel(drawing, "window", -240, 0, *WINDOW)
    outside = [
        drawing.plane("wall", (-1, 0, 0), across_x(-240, -240, 3240, 0, HEIGHT), across_x(-240, *WINDOW)),
        drawing.plane("wall", (1, 0, 0), across_x(7360, -240, 3240, 0, HEIGHT)),
        drawing.plane("wall", (0, -1, 0), across_y(-240, -240, 7360, 0, HEIGHT)),
        drawing.plane("wall", (0, 1, 0), across_y(3240, -240, 7360, 0, HEIGHT)),
    ]
    drawing.semantics.append(("outwall", outside))
    return drawing


def write_annotation(root: Path, annotation: dict[str, Any], scene: str = "scene_00000") -> Path:
    """Write one scene of a download."""
    path = root / scene / "annotation_3d.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(annotation))
    return path
