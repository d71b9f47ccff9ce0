"""Trajectories over habitat-sim's navigation mesh: shortest paths between random points of the floor.

What the camera does on its way (its height, where it looks, which views are worth keeping, that test views keep
away from train views) is the same as on our own walks, so that the two differ in where they go alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim_envs.errors import UserError
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.trajectories import Trajectory
from sim_envs.trajectories.gaze import Programme, walking
from sim_envs.trajectories.habitat.navigation import (
    ABOVE,
    UP,
    Island,
    Navigation,
    floor_island,
    has_ceiling,
    navigation,
)
from sim_envs.trajectories.navigable import DEVICE_HEIGHT, MIN_AREA, RADIUS, TALL_HEIGHT
from sim_envs.trajectories.plan import HEIGHT_RANGE, LOW_HEIGHT, STEP_RANGE, film, min_hits_of
from sim_envs.trajectories.views import Scene


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
        """Find the floor among the islands, or None where there is less than 1 m² of it.

        Args:
            top: the highest the sensor may be, metres above the floor.
        """
        floor = floor_island(mesh, scene)
        if floor is None:
            return None
        min_hits = min_hits_of(has_ceiling(floor, scene), scene, rig, floor.points + 1.2 * UP)
        return cls(mesh, floor, _drop(floor, scene), top, min_hits)

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
    raise UserError(
        f"habitat-sim finds less than {MIN_AREA:g} m² of connected floor in {space.id}. Use hand-held trajectories, or "
        "a file of poses. If it should have a floor, check its up axis and unit."
    )


def along(corners: np.ndarray, metres: np.ndarray) -> np.ndarray:
    """Return (M, 3) points on a path of (N, 3) corners, at (M,) distances from its start along it."""
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    return np.stack([np.interp(metres, walked, corners[:, i]) for i in range(3)], axis=1)


def _drop(island: Island, scene: Scene) -> float:
    """Return how far the navigation mesh, which lies on voxels, is above the floor: the median, metres."""
    distance, _ = scene.look(island.points + ABOVE * UP, np.tile(-UP, (len(island.points), 1)))
    below = distance[np.isfinite(distance)] - ABOVE
    return float(np.median(below)) if len(below) else 0.0
