"""Trajectories over habitat-sim's navigation mesh: shortest paths between random points of the floor.

What the camera does on its way (its height, where it looks, which views are worth keeping, that test views keep
away from train views) is the same as on our own walks, so that the two differ in where they go alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.trajectories import Trajectory
from sim_envs.trajectories.gaze import Programme, walking
from sim_envs.trajectories.habitat.navigation import Island, Navigation, navigation, no_floor
from sim_envs.trajectories.navigable import DEVICE_HEIGHT, MIN_AREA, RADIUS, TALL_HEIGHT
from sim_envs.trajectories.plan import HEIGHT_RANGE, LOW_HEIGHT, STEP_RANGE, film, min_hits_of
from sim_envs.trajectories.views import Scene

_NEAR_LARGEST = 0.3  # islands with this share of the largest compete: not the roof, not the table
UP = np.array([0.0, 1.0, 0.0])
_ABOVE = 0.2  # metres above the navigation mesh from where the floor is looked for


@dataclass(frozen=True, eq=False)
class NavmeshFloor:
    """Walks over one island of the navigation mesh; a :class:`~sim_envs.trajectories.plan.Terrain`."""

    mesh: Navigation
    island: Island
    drop: float
    top: float
    min_hits: float
    obedience: float = 0.35

    @classmethod
    def of(cls, mesh: Navigation, scene: Scene, rig: Rig, top: float) -> NavmeshFloor | None:
        """Choose the floor among the islands, or None where there is less than 1 m² of it.

        Of the islands with at least 0.3 of the largest area, one with a ceiling wins over one without, then the
        lowest: the top of the ceiling is an island too.

        Args:
            top: the highest the sensor may be, metres above the floor.
        """
        largest = max((island.area_m2 for island in mesh.islands), default=0.0)
        wide = [i for i in mesh.islands if i.area_m2 >= max(MIN_AREA, _NEAR_LARGEST * largest)]
        if not wide:
            return None
        floor = min(wide, key=lambda i: (not _has_ceiling(i, scene), float(np.median(i.points[:, 1]))))
        eyes = floor.points + 1.2 * UP
        return cls(mesh, floor, _drop(floor, scene), top, min_hits_of(_has_ceiling(floor, scene), scene, rig, eyes))

    def route(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, Programme]:
        """Walk shortest paths at a sensor height of 0.6 m to ``top``, in steps of 0.12 m to 0.38 m."""
        height = rng.uniform(HEIGHT_RANGE[0], self.top)
        step = rng.uniform(*STEP_RANGE)
        start = rng.uniform(0, step)
        corners = self.mesh.walk(self.island.index, start + step * count, int(rng.integers(2**31)))
        positions = along(corners, start + step * np.arange(count)) + (height - self.drop) * UP
        return positions, walking(positions, height, rng)


def plan_on_navmesh(space: Space, rig: Rig, counts: Mapping[str, tuple[int, int]], seed: int) -> list[Trajectory]:
    """Return trajectories over habitat-sim's navigation mesh of a space; see :func:`.plan.plan_trajectories`.

    Raises:
        UserError: there is no habitat-sim, or no floor.
    """
    scene = Scene.of(space)
    for height, top in ((TALL_HEIGHT, HEIGHT_RANGE[1]), (DEVICE_HEIGHT, LOW_HEIGHT)):
        with navigation(space, RADIUS, height) as mesh:
            floor = NavmeshFloor.of(mesh, scene, rig, top)
            if floor is not None:
                return film(space.id, scene, rig, floor, counts, seed)
    raise no_floor(space, MIN_AREA)


def along(corners: np.ndarray, metres: np.ndarray) -> np.ndarray:
    """Return (M, 3) points on a path of (N, 3) corners, at (M,) distances from its start along it."""
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    return np.stack([np.interp(metres, walked, corners[:, i]) for i in range(3)], axis=1)


def _has_ceiling(island: Island, scene: Scene) -> bool:
    distance, _ = scene.look(island.points + _ABOVE * UP, np.tile(UP, (len(island.points), 1)))
    return bool(np.isfinite(distance).mean() > 0.5)


def _drop(island: Island, scene: Scene) -> float:
    """Return how far the navigation mesh, which lies on voxels, is above the floor: the median, metres."""
    distance, _ = scene.look(island.points + _ABOVE * UP, np.tile(-UP, (len(island.points), 1)))
    below = distance[np.isfinite(distance)] - _ABOVE
    return float(np.median(below)) if len(below) else 0.0
