"""Bring a scan into the world frame: which axis is up, which unit it is measured in."""

from __future__ import annotations

import numpy as np

from sim_envs.errors import UserError, unknown

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
UP_AXES = ("y", "z", "x", "-y", "-z", "-x")

_MAX_EXTENT_M = 1000.0
_DOUBTFUL_EXTENT_M = 100.0
_SMALL_EXTENT_M = 0.5


def to_y_up(up: str) -> np.ndarray:
    """Return the (3, 3) rotation that takes the axis ``up`` to +Y.

    Raises:
        UserError: ``up`` is none of :data:`UP_AXES`.
    """
    rotations = {
        "y": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "-y": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
        "z": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
        "-z": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        "x": [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
        "-x": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
    }
    axis = up.strip().lower().removeprefix("+")
    if axis not in rotations:
        raise unknown("up axis", up, UP_AXES, hint="Known: " + ", ".join(UP_AXES) + ".")
    return np.array(rotations[axis], np.float64)


def metres_per(unit: str) -> float:
    """Return the length of a unit in metres.

    Raises:
        UserError: it is none of :data:`UNITS`.
    """
    if unit.strip().lower() not in UNITS:
        raise unknown("unit", unit, UNITS, hint="Known: " + ", ".join(UNITS) + ".")
    return UNITS[unit.strip().lower()]


def detect_up(vertices: np.ndarray, faces: np.ndarray) -> str:
    """Return the up axis of an indoor scan, ``y`` unless another one is clearly it.

    Rooms are wider than high, and floor, ceiling and table tops make the vertical the direction that most
    surface faces. Only where both signs point to the same axis, and by a margin, is it taken. Furniture
    stands below the middle of a room, which tells up from down.

    Args:
        vertices: (V, 3), any unit.
        faces: (F, 3) without degenerate ones.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    double_areas = np.linalg.norm(normals, axis=1)
    facing = np.abs(normals) > np.cos(np.radians(15)) * double_areas[:, None]
    area = (facing * double_areas[:, None]).sum(axis=0)
    centres = (a + b + c) / 3
    order = np.argsort(centres, axis=0)
    low, high = (_weighted_quantile(centres, double_areas, order, q) for q in (0.005, 0.995))
    extent = np.maximum(high - low, 1e-12)
    axis = int(np.argmax(area))
    if axis == 1 or area[axis] < 1.3 * area[1] or extent[axis] > 0.8 * extent[1]:
        return "y"
    mean = (np.clip(centres[:, axis], low[axis], high[axis]) * double_areas).sum() / double_areas.sum()
    upside_down = (mean - low[axis]) / extent[axis] > 0.55
    return ("-" if upside_down else "") + "xyz"[axis]


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, order: np.ndarray, q: float) -> np.ndarray:
    """Return the q-quantile of every column of (N, 3) values under (N,) weights."""
    out = np.empty(values.shape[1])
    for i in range(values.shape[1]):
        cumulative = np.cumsum(weights[order[:, i]])
        at = int(np.searchsorted(cumulative, q * cumulative[-1]))
        out[i] = values[order[min(at, len(values) - 1), i], i]
    return out


def check_extent(extent_m: np.ndarray, unit: str) -> list[str]:
    """Return hints where the size of a space in metres makes its unit doubtful.

    Raises:
        UserError: no space is that large; the unit to try is named.
    """
    longest = float(extent_m.max())
    size = " × ".join(f"{side:.3g}" for side in extent_m)
    if longest > _MAX_EXTENT_M:
        better = [name for name in ("cm", "mm") if longest / metres_per(unit) * UNITS[name] <= _MAX_EXTENT_M / 5]
        advice = " or ".join(f"--unit {name}" for name in reversed(better)) or "check its coordinates"
        raise UserError(f"The scan measures {size} m if its unit is '{unit}'. That is no indoor space: try {advice}.")
    if longest > _DOUBTFUL_EXTENT_M:
        return [f"the scan measures {size} m; if that is too large, import it again with --unit cm or --unit mm"]
    if longest < _SMALL_EXTENT_M:
        return [f"the scan measures only {size} m; if that is too small, import it again with another --unit"]
    return []
