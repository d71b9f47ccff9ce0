"""Flat surfaces that are given by the lines around them: closed loops, holes cut out, triangles."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from sim_envs.errors import UserError

LEAST_AREA_M2 = 1e-8
"""Shapes and triangles below this, the square of a tenth of a millimetre, are what rounding leaves, not surfaces."""


def closed_loops(lines: Sequence[tuple[int, int]]) -> list[list[int]] | None:
    """Order the ends of lines into closed loops, each junction once; None where lines are left over.

    Args:
        lines: the two junctions that each line joins. Loops may touch in a junction.
    """
    at = defaultdict(list)
    for number, ends in enumerate(lines):
        for junction in ends:
            at[junction].append(number)
    unused, loops = set(range(len(lines))), []
    while unused:
        path = [lines[min(unused)][0]]
        while following := [number for number in at[path[-1]] if number in unused]:
            unused.remove(following[0])
            start, end = lines[following[0]]
            junction = end if path[-1] == start else start
            if junction in path:
                closes = path.index(junction)
                loops.append(path[closes:])
                del path[closes + 1 :]
            else:
                path.append(junction)
        if len(path) > 1:
            return None
    return loops


@dataclass(frozen=True, eq=False)
class Frame:
    """A plane with coordinates of its own.

    Attributes:
        axes: (2, 3) orthonormal, counter-clockwise as seen from where the normal points.
        normal: (3,) of unit length.
        offset: ``normal · x`` of the points of the plane.
    """

    axes: np.ndarray
    normal: np.ndarray
    offset: float

    @classmethod
    def of(cls, loops: Iterable[np.ndarray], towards: np.ndarray) -> Frame | None:
        """Return the plane of the largest of some loops, or None where they enclose no area.

        Args:
            loops: (N, 3) points each.
            towards: (3,) the side that the normal points to.
        """
        areas = [(_area_vector(points), points) for points in loops]
        area, points = max(areas, key=lambda pair: float(np.linalg.norm(pair[0])))
        size = float(np.linalg.norm(area))
        if size < LEAST_AREA_M2:
            return None
        normal = area / size if area @ towards >= 0 else -area / size
        first = np.cross(np.eye(3)[np.abs(normal).argmin()], normal)
        first /= np.linalg.norm(first)
        return cls(np.array([first, np.cross(normal, first)]), normal, float((points @ normal).mean()))

    def flat(self, points: np.ndarray) -> np.ndarray:
        """Return (N, 2) coordinates of (N, 3) points."""
        return points @ self.axes.T

    def holds(self, points: np.ndarray, tolerance_m: float) -> bool:
        """Say whether all points lie in the plane."""
        return bool((np.abs(points @ self.normal - self.offset) <= tolerance_m).all())


def area_within(loops: Iterable[np.ndarray]) -> Any:
    """Return the shape that (N, 2) loops enclose: loops within loops are holes, crossings are sorted out."""
    shapely = _shapely()
    shapes = [shapely.make_valid(shapely.Polygon(loop)) for loop in loops if len(loop) > 2]
    return reduce(shapely.symmetric_difference, shapes, shapely.MultiPolygon())


def crosses_itself(loop: np.ndarray) -> bool:
    """Say whether an (N, 2) loop is no simple polygon."""
    shapely = _shapely()
    return not shapely.is_valid(shapely.Polygon(loop))


def triangulate(shape: Any, frame: Frame, corners: np.ndarray) -> np.ndarray:
    """Return (T, 3, 3) triangles that fill a shape, counter-clockwise as seen from where the normal points.

    Args:
        shape: in the coordinates of the frame.
        corners: (N, 3) points that triangles end in exactly, so that neighbouring surfaces meet without a gap.
    """
    shapely = _shapely()
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area >= LEAST_AREA_M2]
    filled = shapely.get_parts(shapely.constrained_delaunay_triangles(shapely.MultiPolygon(parts)))
    flat = shapely.get_coordinates(filled).reshape(-1, 4, 2)[:, :3]
    sides = flat[:, 1:] - flat[:, :1]
    turn = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
    flat[turn < 0] = flat[turn < 0, ::-1]
    flat = flat[np.abs(turn) >= LEAST_AREA_M2]
    lifted = flat @ frame.axes + frame.offset * frame.normal
    exact = {(x, y): corner for (x, y), corner in zip(frame.flat(corners).tolist(), corners, strict=True)}
    for index, place in enumerate(flat.reshape(-1, 2).tolist()):
        if (corner := exact.get((place[0], place[1]))) is not None:
            lifted[index // 3, index % 3] = corner
    return lifted


def _area_vector(points: np.ndarray) -> np.ndarray:
    spokes = points - points[0]
    return np.cross(spokes[:-1], spokes[1:]).sum(axis=0) / 2


def _shapely() -> Any:
    try:
        return importlib.import_module("shapely")
    except ImportError as error:
        raise UserError(
            f"This format is read with the package shapely, which does not load ({error}): "
            "pip install 'tst-bench[scans]'."
        ) from error
