"""Find the air a hand-held camera can move through where there is no floor to walk on: partial scans, objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from sim_envs.space import Space
from sim_envs.trajectories.views import Scene

KEEP_AWAY = 0.3
_OBJECT = 2.0  # metres; what is smaller in every direction is seen from outside its bounds
_DIRECTIONS = 96
_SPACING = 0.06
_SIGHT = 0.6


@dataclass(frozen=True, eq=False)
class FlightVolume:
    """Air from which the front of the geometry is seen; one connected piece.

    Attributes:
        free: (X, Y, Z) bool.
        clearance: (X, Y, Z) float32, metres to the nearest geometry, a lower bound.
        towards: (X, Y, Z, 3) float32 unit vectors to where most of the geometry is.
        origin: (3,) outer corner of voxel (0, 0, 0), metres.
        cell: side of a voxel, metres.
        closed: whether geometry lies all around.
    """

    free: np.ndarray
    clearance: np.ndarray
    towards: np.ndarray
    origin: np.ndarray
    cell: float
    closed: bool

    def to_world(self, cells: np.ndarray) -> np.ndarray:
        """Return (N, 3) world points for (N, 3) voxel coordinates (whole = centre)."""
        return np.asarray(self.origin + (cells + 0.5) * self.cell)


def flight_volume(space: Space, scene: Scene) -> FlightVolume | None:
    """Return the largest connected piece of air to film from, or None where there is none.

    It keeps 0.3 m from geometry and within the bounds of the space; where geometry does not lie all around, up to
    0.5 m beyond them (1 m for an object of less than 2 m), because the person who scanned it stood there. A voxel
    counts when it sees at least 0.6 as much of the geometry as the better ones do and, if the mesh has
    consistent front sides, mostly front sides: that leaves out the air behind a scanned wall.
    """
    extent = float(np.ptp(space.bounds, axis=0).max())
    margin = 1.0 if extent < _OBJECT else 0.5
    cell = float(np.clip((extent + 2 * margin) / 28, 0.08, 0.15))
    origin = space.bounds[0].astype(np.float64) - margin
    size = np.ceil((space.bounds[1] + margin - origin) / cell).astype(int)
    shape = (int(size[0]), int(size[1]), int(size[2]))
    centres = origin + (np.indices(shape).reshape(3, -1).T + 0.5) * cell

    points = surface_points(space.vertices[space.faces], _SPACING)
    clearance = cKDTree(points).query(centres)[0] - _SPACING / np.sqrt(3)
    candidates = np.flatnonzero(clearance >= KEEP_AWAY + cell * np.sqrt(3) / 2)
    if not len(candidates):
        return None
    hits, front, sight, towards = _sight(scene, centres[candidates])
    closed = bool((hits >= 0.95).mean() >= 0.25)
    keep = hits >= 0.9 if closed else (sight > 0) & (sight >= _SIGHT * np.quantile(sight, 0.95))
    if (keep & (front >= 0.8)).any():
        keep &= front >= 0.8
    free = np.zeros(len(centres), bool)
    free[candidates[keep]] = True
    pieces, count = ndimage.label(free.reshape(shape))
    if count == 0:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    if sizes.max() < 8:
        return None
    everywhere = np.zeros((len(centres), 3), np.float32)
    everywhere[candidates] = towards
    return FlightVolume(
        pieces == sizes.argmax(),
        clearance.reshape(shape).astype(np.float32),
        everywhere.reshape(*shape, 3),
        origin,
        cell,
        closed,
    )


def surface_points(triangles: np.ndarray, spacing: float) -> np.ndarray:
    """Return (N, 3) points such that all of the surface lies within spacing/√3 of one of them.

    Splits the longest edge of each triangle until none is longer than ``spacing``.
    """
    done = []
    todo = triangles.astype(np.float64)
    while len(todo):
        edges = np.stack([np.linalg.norm(todo[:, k - 2] - todo[:, k], axis=1) for k in range(3)], axis=1)
        longest = edges.argmax(axis=1)
        small = edges.max(axis=1) <= spacing
        done.append(todo[small].reshape(-1, 3))
        todo, longest = todo[~small], longest[~small]
        rows = np.arange(len(todo))
        a, b, c = (todo[rows, (longest + k) % 3] for k in range(3))
        middle = 0.5 * (a + b)
        todo = np.concatenate([np.stack([a, middle, c], axis=1), np.stack([middle, b, c], axis=1)])
    points = np.concatenate(done)
    index = np.zeros(len(points), np.int64)
    for along in points.T:
        cell = np.floor((along - along.min()) / (0.1 * spacing)).astype(np.int64)
        index = index * (cell.max() + 1) + cell
    _, first = np.unique(index, return_index=True)
    return np.asarray(points[np.sort(first)])


def _sight(scene: Scene, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what each of (N, 3) points sees.

    Returns:
        hits: (N,) share of directions that meet something.
        front: (N,) share of those that meet a front side.
        sight: (N,) share that meet something among the directions within 45° of ``towards``.
        towards: (N, 3) unit vector to where most of the geometry is.
    """
    i = np.arange(_DIRECTIONS) + 0.5
    y = 1 - 2 * i / _DIRECTIONS
    angle = np.pi * (1 + np.sqrt(5)) * i
    sphere = np.stack([np.cos(angle) * np.sqrt(1 - y**2), y, np.sin(angle) * np.sqrt(1 - y**2)], axis=1)
    results = []
    for block in np.array_split(centres, 1 + len(centres) // 20000):
        around = np.broadcast_to(sphere, (len(block), *sphere.shape))
        distance, normals = scene.look(block[:, None], around)
        met = np.isfinite(distance)
        fronts = met & (np.einsum("nrk,rk->nr", normals, sphere) < 0)
        mean = met @ sphere
        towards = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        cone = towards @ sphere.T > np.cos(np.pi / 4)
        sight = (met & cone).sum(axis=1) / np.maximum(cone.sum(axis=1), 1)
        front = fronts.sum(axis=1) / np.maximum(met.sum(axis=1), 1)
        results.append((met.mean(axis=1), front, sight, towards))
    hits, front, sight, towards = (np.concatenate(parts) for parts in zip(*results, strict=True))
    return hits, front, sight, towards
