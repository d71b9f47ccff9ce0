"""Bring a scan into the world frame: which axis is up, which unit it is measured in."""

from __future__ import annotations

import numpy as np

from sim_envs.errors import UserError
from sim_envs.triangles import blocks, face_crosses

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
UP_AXES = ("y", "z", "x", "-y", "-z", "-x")

_ROOM_HEIGHT_M = (1.7, 3.6)
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
        raise UserError(f"Unknown up axis '{up}'. Known: {', '.join(UP_AXES)}.")
    return np.array(rotations[axis], np.float64)


def metres_per(unit: str) -> float:
    """Return the length of a unit in metres.

    Raises:
        UserError: it is none of :data:`UNITS`.
    """
    if unit.strip().lower() not in UNITS:
        raise UserError(f"Unknown unit '{unit}'. Known: {', '.join(UNITS)}.")
    return UNITS[unit.strip().lower()]


def up_of_floor(vertices: np.ndarray, faces: np.ndarray, is_floor: np.ndarray) -> str | None:
    """Return the up axis that a labelled floor gives, or None where it has no clear direction.

    Args:
        vertices: (V, 3), any unit.
        faces: (F, 3).
        is_floor: (F,) bool.
    """
    facing, area, centres = _facing(vertices, faces)
    if not is_floor.any() or is_floor.all():
        return None
    share = facing[is_floor].T @ area[is_floor] / area[is_floor].sum()
    axis = int(np.argmax(share))
    if share[axis] < 0.6:
        return None
    level = np.average(centres[is_floor, axis], weights=area[is_floor])
    rest = np.average(centres[~is_floor, axis], weights=area[~is_floor])
    return ("-" if rest < level else "") + "xyz"[axis]


def up_of_shape(vertices_m: np.ndarray, faces: np.ndarray) -> str:
    """Return the up axis that the shape of an unlabelled scan gives: ``y`` unless another one is clearly it.

    An axis is clearly up if the scan is as high along it as rooms are, has about as much floor and ceiling as
    walls, and either is twice as wide as that (a flat) or would be too high with y up (a room on its side).
    Furniture stands below the middle, which tells up from down.

    Args:
        vertices_m: (V, 3), metres.
        faces: (F, 3).
    """
    facing, area, centres = _facing(vertices_m, faces)
    order = np.argsort(centres, axis=0)
    low, high = (_weighted_quantile(centres, area, order, q) for q in (0.002, 0.998))
    extent = high - low
    axis = int(np.argmin(extent))
    others = np.delete(extent, axis)
    per_axis = facing.T @ area
    is_room = _ROOM_HEIGHT_M[0] <= extent[axis] <= _ROOM_HEIGHT_M[1] < extent[1]
    is_flat = _ROOM_HEIGHT_M[0] <= extent[axis] and (extent[axis] <= 0.55 * others).all()
    clear = is_flat or (is_room and (extent[axis] <= 0.8 * others).all())
    if not clear or per_axis[axis] < 0.75 * per_axis.max():
        return "y"
    mean = (np.clip(centres[:, axis], low[axis], high[axis]) * area).sum() / area.sum()
    upside_down = axis != 1 and (mean - low[axis]) / extent[axis] > 0.55
    return ("-" if upside_down else "") + "xyz"[axis]


def _facing(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (F, 3) whether each face is within 15° of facing each axis, (F,) areas and (F, 3) centres."""
    facing, area, centres = np.empty(faces.shape, bool), np.empty(len(faces)), np.empty(faces.shape)
    for part in blocks(len(faces)):
        cross, double_area = face_crosses(vertices, faces[part])
        facing[part] = np.abs(cross) > np.cos(np.radians(15)) * double_area
        area[part] = double_area[:, 0] / 2
        a, b, c = (vertices[faces[part, i]] for i in range(3))
        centres[part] = (a + b + c) / 3
    return facing, area, centres


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
    size = " × ".join(f"{side:.3g}" if side < 100 else f"{side:.0f}" for side in extent_m)
    if longest > _MAX_EXTENT_M:
        better = [name for name in ("cm", "mm") if longest / metres_per(unit) * UNITS[name] <= _MAX_EXTENT_M / 5]
        advice = " or ".join(f"--unit {name}" for name in reversed(better)) or "check its coordinates"
        raise UserError(f"The scan measures {size} m if its unit is '{unit}'. That is no indoor space: try {advice}.")
    if longest > _DOUBTFUL_EXTENT_M:
        return [f"the scan measures {size} m; if that is too large, import it again with --unit cm or --unit mm"]
    if longest < _SMALL_EXTENT_M:
        return [f"the scan measures only {size} m; if that is too small, import it again with another --unit"]
    return []
