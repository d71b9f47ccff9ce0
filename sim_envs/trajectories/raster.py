"""Draw the part of a mesh that lies between two heights onto a floor plan."""

from __future__ import annotations

import cv2
import numpy as np

from sim_envs.triangles import blocks

_SHIFT = 4  # cv2 takes polygon corners as fixed-point numbers with this many fractional bits


def slab_corners(triangles: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners that span each triangle's part within ``low`` ≤ y ≤ ``high``.

    They are the triangle's own corners within the slab and where its edges cross the two limits; the part is
    their convex hull.

    Args:
        triangles: (F, 3, 3) metres.

    Returns:
        corners: (F, 9, 3); valid: (F, 9) bool, which of them exist.
    """
    y = triangles[..., 1]
    corners, valid = [triangles], [(y >= low) & (y <= high)]
    ahead = np.roll(triangles, -1, axis=1)
    rise = ahead[..., 1] - y
    for level in (low, high):
        with np.errstate(divide="ignore", invalid="ignore"):
            along = (level - y) / rise
        crosses = np.isfinite(along) & (along >= 0) & (along <= 1)
        corners.append(triangles + np.where(crosses, along, 0.0)[..., None] * (ahead - triangles))
        valid.append(crosses)
    return np.concatenate(corners, axis=1), np.concatenate(valid, axis=1)


def draw_slab(
    triangles: np.ndarray, low: float, high: float, origin: np.ndarray, cell: float, shape: tuple[int, int]
) -> np.ndarray:
    """Mark the cells of a plan that hold geometry between two heights.

    Args:
        triangles: (F, 3, 3) metres, world Y up.
        low, high: metres.
        origin: (2,) x and z of the outer corner of cell (0, 0).
        cell: side of a cell, metres.
        shape: cells along x and along z.

    Returns:
        ``shape`` bool; every point of the geometry lies within a cell's diagonal of a marked centre.
    """
    image = np.zeros(shape, np.uint8)
    for part in blocks(len(triangles)):
        y0, y1, y2 = triangles[part, :, 1].T
        reaching = (np.maximum(np.maximum(y0, y1), y2) >= low) & (np.minimum(np.minimum(y0, y1), y2) <= high)
        _draw(image, triangles[part][reaching].astype(np.float64), low, high, origin, cell)
    return image.astype(bool)


def _draw(image: np.ndarray, triangles: np.ndarray, low: float, high: float, origin: np.ndarray, cell: float) -> None:
    """Draw triangles that reach into the slab; arguments as in :func:`draw_slab`."""
    corners, valid = slab_corners(triangles, low, high)
    plan = (corners[..., [2, 0]] - origin[::-1]) / cell - 0.5  # cv2 wants column (z) before row (x)
    some = np.broadcast_to(valid[..., None], plan.shape)
    extent = plan.max(axis=1, where=some, initial=-np.inf) - plan.min(axis=1, where=some, initial=np.inf)
    small = extent.max(axis=1) < 1
    dots = np.rint(plan[small][valid[small]]).astype(int)
    dots = dots[((dots >= 0) & (dots < np.array(image.shape)[::-1])).all(axis=1)]
    image[dots[:, 1], dots[:, 0]] = 1
    large = ~small & valid.any(axis=1)
    fixed = np.rint(plan[large] * (1 << _SHIFT)).astype(np.int32)
    for polygon, exists in zip(fixed, valid[large], strict=True):
        cv2.fillConvexPoly(image, cv2.convexHull(polygon[exists]), 1, lineType=cv2.LINE_8, shift=_SHIFT)
