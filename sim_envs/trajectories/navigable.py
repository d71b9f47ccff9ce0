"""Find the floor a small device can reach, from geometry alone.

The device is a cylinder of 0.2 m radius and 1.5 m height. A place is free when the floor lies beneath it and no
geometry stands within the radius between 0.05 m and 1.5 m above that floor: rugs and thresholds do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sim_envs.engines.geometry import RayCaster
from sim_envs.space import Space
from sim_envs.trajectories.raster import draw_slab

CELL = 0.05
RADIUS = 0.20
DEVICE_HEIGHT = 1.5
TALL_HEIGHT = 1.85  # what a sensor at 1.7 m needs, with 0.15 m of air above it
STEP_OVER = 0.05
MIN_AREA = 1.0  # m²; less is a niche, not a floor to walk on

_FINE = 3  # the obstacles are drawn this many times finer than the map; odd, so that cell centres coincide
_SMALLEST_SHARE = 0.05  # of the widest level surface; less is a shelf, not a floor
_FLOOR_SAG = 0.10  # a scanned floor may lie this far below its median height
_HOLE_CELLS = 3  # holes of a scanned floor narrower than twice this many cells are taken for floor
_NEAR_BEST = 0.3  # the lowest floor with this share of the largest free area wins: not the roof, not the table


@dataclass(frozen=True, eq=False)
class NavigableMap:
    """Where the device can stand; one connected piece.

    Attributes:
        free: (X, Z) bool; the cells the device's axis may stand in.
        free_tall: (X, Z) bool; those of them where there is air up to 1.85 m, one connected piece.
        clearance: (X, Z) float32, metres from the cell's centre to what stands between 0.05 m and 1.5 m.
        origin: (2,) float64, world x and z of the outer corner of cell (0, 0).
        cell: side of a cell, metres.
        floor_y: height of the floor, metres.
        has_ceiling: whether most of the floor lies under something.
    """

    free: np.ndarray
    free_tall: np.ndarray
    clearance: np.ndarray
    origin: np.ndarray
    cell: float
    floor_y: float
    has_ceiling: bool

    @property
    def area_m2(self) -> float:
        """Area the device's axis can reach."""
        return float(self.free.sum()) * self.cell**2

    def to_world(self, cells: np.ndarray, height: float = 0.0) -> np.ndarray:
        """Return (N, 3) world points ``height`` above the floor for (N, 2) cell coordinates (whole = centre)."""
        xz = self.origin + (np.asarray(cells, np.float64) + 0.5) * self.cell
        return np.stack([xz[:, 0], np.full(len(xz), self.floor_y + height), xz[:, 1]], axis=1)

    def is_free(self, points: np.ndarray) -> np.ndarray:
        """Return (N,) bool: whether (N, 3) world points lie over a free cell."""
        cells = np.floor((points[:, [0, 2]] - self.origin) / self.cell).astype(int)
        inside = ((cells >= 0) & (cells < self.free.shape)).all(axis=1)
        return inside & self.free[tuple(np.where(inside[:, None], cells, 0).T)]


def navigable_map(space: Space, caster: RayCaster) -> NavigableMap | None:
    """Return the largest connected free floor, or None where there is less than 1 m² of it.

    Of several level surfaces (storeys, the ground outside, a table top, a roof) those with at least 0.3 of the
    largest free area compete: one with a ceiling wins over one without, then the lowest.

    Args:
        caster: of the same space.
    """
    triangles = space.vertices[space.faces]
    maps = [_map_at(triangles, space.bounds, floor_y, caster) for floor_y in floor_heights(triangles)]
    best = max((m.area_m2 for m in maps), default=0.0)
    wide = [m for m in maps if m.area_m2 >= max(MIN_AREA, _NEAR_BEST * best)]
    return min(wide, key=lambda m: (not m.has_ceiling, m.floor_y)) if wide else None


def floor_heights(triangles: np.ndarray) -> list[float]:
    """Return heights at which wide level surfaces lie, lowest first, metres.

    Both sides of a face count, since scans differ in their winding; what cannot be walked on falls out later.
    """
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]).astype(np.float64)
    twice_area = np.linalg.norm(cross, axis=1)
    level = np.abs(cross[:, 1]) > 0.9 * np.maximum(twice_area, 1e-12)
    height = triangles[level].mean(axis=1)[:, 1].astype(np.float64)
    area = 0.5 * twice_area[level]
    if not len(height):
        return []
    bins = np.floor((height - height.min()) / 0.05).astype(int)
    histogram = np.bincount(bins, weights=area)
    around = 3 * ndimage.uniform_filter1d(histogram, 3, mode="constant")
    wide = around > max(MIN_AREA / 2, _SMALLEST_SHARE * around.max())
    peaks = (histogram == ndimage.maximum_filter1d(histogram, 3, mode="constant")) & wide
    found = []
    for peak in np.flatnonzero(peaks & (histogram > 0)):
        near = np.abs(bins - peak) <= 1
        order = np.argsort(height[near], kind="stable")
        cumulative = np.cumsum(area[near][order])
        found.append(float(height[near][order][np.searchsorted(cumulative, cumulative[-1] / 2)]))
    return found


def _map_at(triangles: np.ndarray, bounds: np.ndarray, floor_y: float, caster: RayCaster) -> NavigableMap:
    """Return the map over one floor height; it may be empty."""
    origin = bounds[0, [0, 2]].astype(np.float64) - CELL
    size = np.ceil((bounds[1, [0, 2]] + CELL - origin) / CELL).astype(int)
    shape = (int(size[0]), int(size[1]))
    clearance = _clearance(triangles, floor_y + STEP_OVER, floor_y + DEVICE_HEIGHT, origin, shape)
    overhead = _clearance(triangles, floor_y + DEVICE_HEIGHT, floor_y + TALL_HEIGHT, origin, shape)

    centres = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).reshape(-1, 2)
    xz = origin + (centres + 0.5) * CELL
    start = np.stack([xz[:, 0], np.full(len(xz), floor_y + STEP_OVER), xz[:, 1]], axis=1)
    below, _ = caster.cast(start, np.tile([0.0, -1.0, 0.0], (len(start), 1)))
    disk = _disk(_HOLE_CELLS)
    floor = _close((below <= STEP_OVER + _FLOOR_SAG).reshape(shape), disk)

    standing = floor & (clearance >= RADIUS + 0.5 * CELL / _FINE)
    inside, has_ceiling = _inside(standing, start, caster, disk)
    free = _largest_piece(standing & inside)
    tall = _largest_piece(free & (overhead >= RADIUS + 0.5 * CELL / _FINE))
    return NavigableMap(free, tall, clearance, origin, CELL, floor_y, has_ceiling)


def _clearance(
    triangles: np.ndarray, low: float, high: float, origin: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Return the distance from each cell's centre to what lies between two heights, metres."""
    fine = (shape[0] * _FINE, shape[1] * _FINE)
    taken = draw_slab(triangles, low, high, origin, CELL / _FINE, fine)
    if not taken.any():
        return np.full(shape, np.inf, np.float32)
    distance = ndimage.distance_transform_edt(~taken) * (CELL / _FINE)
    return distance[_FINE // 2 :: _FINE, _FINE // 2 :: _FINE].astype(np.float32)


def _inside(standing: np.ndarray, start: np.ndarray, caster: RayCaster, disk: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return which standing cells are indoors, and whether those have a ceiling.

    They have one when most cells with geometry in at least half of all level directions lie under something.
    Then the ceiling decides; in a scan without one, geometry in at least a quarter of the level directions does:
    that leaves out roofs and bare ground.
    """
    indices = np.flatnonzero(standing)
    origins = start[indices] + [0.0, 1.0 - STEP_OVER, 0.0]
    angles = np.arange(32) * (2 * np.pi / 32)
    around = np.stack([np.cos(angles), np.zeros(32), np.sin(angles)], axis=1)
    level, _ = caster.cast(np.repeat(origins, 32, axis=0), np.tile(around, (len(indices), 1)))
    enclosed = np.isfinite(level).reshape(-1, 32).mean(axis=1)
    above, _ = caster.cast(origins, np.tile([0.0, 1.0, 0.0], (len(indices), 1)))
    covered = np.isfinite(above)
    within = covered[enclosed >= 0.5]
    has_ceiling = bool(len(within)) and bool(within.mean() >= 0.5)
    inside = np.zeros(standing.size, bool)
    inside[indices] = covered if has_ceiling else enclosed >= 0.25
    inside = inside.reshape(standing.shape)
    return (_close(inside, disk) & standing if has_ceiling else inside), has_ceiling


def _disk(radius: int) -> np.ndarray:
    offsets = np.arange(-radius, radius + 1)
    return offsets[:, None] ** 2 + offsets[None, :] ** 2 <= radius**2 + 1


def _close(mask: np.ndarray, disk: np.ndarray) -> np.ndarray:
    """Fill gaps narrower than the disk, also at the border of the grid."""
    margin = len(disk)
    closed = ndimage.binary_closing(np.pad(mask, margin), disk)
    return closed[margin:-margin, margin:-margin]


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()
