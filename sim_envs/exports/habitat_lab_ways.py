"""Where trajectories lead over the floor: by habitat-sim's navigation mesh, or by our own floor plan without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim_envs.errors import UserError
from sim_envs.habitat.interpreter import habitat_python, habitat_versions
from sim_envs.space import Space
from sim_envs.trajectories.geodesic import Floorplan, length
from sim_envs.trajectories.habitat.navigation import (
    LAB_CELL_HEIGHT,
    UP,
    Island,
    Navigation,
    floor_island,
    lab_navigation,
)
from sim_envs.trajectories.navigable import MIN_AREA, navigable_map
from sim_envs.trajectories.views import Scene

FAR_FROM_FLOOR = 0.5  # metres; a camera that is farther from any free floor has none below it


class Ways(Protocol):
    """Shortest ways over the floor of one space, for an agent of habitat-lab."""

    @property
    def source(self) -> str:
        """What found them."""

    def below(self, points: np.ndarray) -> np.ndarray:
        """Return the (N, 3) places of an agent's feet below (N, 3) points; NaN where there is no floor."""

    def ways(self, start: np.ndarray, goals: np.ndarray) -> list[np.ndarray | None]:
        """Return the (N, 3) corners of the shortest way from a place to each of (G, 3) others; None: no way."""


@contextmanager
def ways_over(space: Space) -> Iterator[Ways]:
    """Find the floor of a space: with habitat-sim where there is one.

    habitat-lab measures success from an agent, which stands on the navigation mesh, to the goal as it is written;
    the mesh lies on voxels up to 0.2 m above the floor. habitat-sim says where; without it, the height is worked
    out, which is right for level floors.

    Raises:
        UserError: there is no floor.
    """
    try:
        habitat_python()
    except UserError:
        yield OwnWays.of(space)
        return
    with lab_navigation(space, LAB_CELL_HEIGHT) as mesh:
        floor = floor_island(mesh, Scene.of(space))
        if floor is None:
            raise _no_floor(space)
        yield HabitatWays(mesh, floor)


@dataclass(frozen=True, eq=False)
class HabitatWays:
    """Ways over the navigation mesh that habitat-lab would compute for its agent; see :class:`Ways`."""

    mesh: Navigation
    floor: Island

    @property
    def source(self) -> str:
        return f"the navigation mesh of habitat-sim {habitat_versions().habitat_sim}"

    def below(self, points: np.ndarray) -> np.ndarray:
        heights = np.median(self.floor.points[:, 1])
        feet = points * [1, 0, 1] + heights * UP
        found = self.mesh.snap(feet, self.floor.index)
        return np.where((np.linalg.norm(found - feet, axis=1) <= FAR_FROM_FLOOR)[:, None], found, np.nan)

    def ways(self, start: np.ndarray, goals: np.ndarray) -> list[np.ndarray | None]:
        return self.mesh.ways(start, goals)


@dataclass(frozen=True, eq=False)
class OwnWays:
    """Ways over our own floor plan, at the height of habitat-lab's navigation mesh; see :class:`Ways`."""

    plan: Floorplan
    lift: float

    @classmethod
    def of(cls, space: Space) -> OwnWays:
        """Find the floor of a space, or raise UserError where it has none."""
        ground = navigable_map(space, Scene.of(space).caster)
        if ground is None:
            raise _no_floor(space)
        return cls(Floorplan.of(ground), mesh_height(ground.floor_y, float(space.bounds[0, 1])) - ground.floor_y)

    @property
    def source(self) -> str:
        return "our own floor plan, since no habitat-sim was found"

    def below(self, points: np.ndarray) -> np.ndarray:
        cells, metres = self.plan.nearest(points)
        feet = self.plan.ground.to_world(self.plan.graph.cells[cells], self.lift)
        return np.where((metres <= FAR_FROM_FLOOR)[:, None], feet, np.nan)

    def ways(self, start: np.ndarray, goals: np.ndarray) -> list[np.ndarray | None]:
        cells, _ = self.plan.nearest(np.concatenate([start[None], goals]))
        found = self.plan.ways(int(cells[0]), cells[1:])
        return [None if way is None else way + self.lift * UP for way in found]


def mesh_height(floor_y: float, lowest_y: float) -> float:
    """Return the height at which habitat-lab's navigation mesh lies over a level floor, metres.

    Recast fills the voxel that holds the floor, counted from the lowest vertex of the scene, and the mesh lies on it.
    """
    voxels = np.floor((floor_y - lowest_y) / LAB_CELL_HEIGHT + 1e-4) + 1
    return float(lowest_y + voxels * LAB_CELL_HEIGHT)


def _no_floor(space: Space) -> UserError:
    return UserError(f"{space.id} has less than {MIN_AREA:g} m² of connected free floor: nothing to navigate on.")


def longest(ways: list[np.ndarray | None]) -> np.ndarray | None:
    """Return the longest of some ways, None where there is none."""
    return max((way for way in ways if way is not None), key=length, default=None)
