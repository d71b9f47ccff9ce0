"""habitat-sim's navigation mesh of a space: sampling, shortest paths and followers, asked of its worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim_envs.habitat.interpreter import habitat_python, habitat_versions
from sim_envs.habitat.process import Worker
from sim_envs.habitat.scene_files import STAGE_CONFIG, scene_files
from sim_envs.space import Space
from sim_envs.trajectories.navigable import MIN_AREA
from sim_envs.trajectories.views import Scene

_WORKER = Path(__file__).with_name("worker.py")
_FOLLOW_SECONDS = 600.0
LAB_CELL_HEIGHT = 0.2  # metres; habitat-lab's meshes lie up to this much above the floor
FINE_CELL_HEIGHT = 0.05
UP = np.array([0.0, 1.0, 0.0])
ABOVE = 0.2  # metres above the mesh from where floor and ceiling are looked for
_NEAR_LARGEST = 0.3  # islands with this share of the largest compete: not the roof, not the table


@dataclass(frozen=True, eq=False)
class Island:
    """A connected piece of the navigation mesh.

    Attributes:
        index: its number.
        area_m2: of its polygons.
        points: (N, 3) on it, at random.
    """

    index: int
    area_m2: float
    points: np.ndarray


@dataclass(frozen=True)
class LabSettings:
    """The agent of habitat-lab, and whether habitat-lab is there.

    Attributes:
        version: of habitat-lab; None where the interpreter has none.
        sensor_height: of the camera above the agent's feet, metres.
    """

    version: str | None
    sensor_height: float


@dataclass(frozen=True, eq=False)
class Walk:
    """An agent on its way.

    Attributes:
        positions: (N, 3) of its feet, after 0, 1, 2 … actions.
        rotations: (N, 4) quaternions x, y, z, w, agent to world.
        left: metres of way left to the goal at the end; None where there is no way.
        snapped: metres from where it was to start to the navigation mesh; None where there is none near.
    """

    positions: np.ndarray
    rotations: np.ndarray
    left: float | None
    snapped: float | None


class Navigation:
    """The navigation mesh of one space for an agent of one size."""

    def __init__(self, worker: Worker, python: str) -> None:
        self.python = python
        self._worker = worker
        opened = worker.opened
        self.islands = [Island(i["index"], i["area"], np.array(i["points"])) for i in opened["islands"]]
        self.lab = LabSettings(opened["lab"], opened["sensor_height"])

    def walk(self, island: int, length: float, seed: int) -> np.ndarray:
        """Return (N, 3) corners of shortest paths strung together, at least ``length`` metres in all."""
        return np.array(self._worker.ask({"do": "walk", "island": island, "seed": seed, "length": length}))

    def snap(self, points: np.ndarray, island: int) -> np.ndarray:
        """Return the (N, 3) points of an island nearest to (N, 3) points; NaN where there is none near."""
        found = self._worker.ask({"do": "snap", "points": points.tolist(), "island": island})
        return np.array([[np.nan] * 3 if point is None else point for point in found])

    def ways(self, start: np.ndarray, goals: np.ndarray) -> list[np.ndarray | None]:
        """Return the (N, 3) corners of the shortest path from a point of the mesh to each of (G, 3) others."""
        found = self._worker.ask({"do": "ways", "start": start.tolist(), "goals": goals.tolist()})
        return [None if way is None else np.array(way["points"]) for way in found]

    def follow(self, start: np.ndarray, rotation: np.ndarray, goals: np.ndarray, radius: float, steps: int) -> Walk:
        """Let an agent take the shortest way to the nearest of (G, 3) goals, until it is within ``radius`` of it.

        Args:
            start: (3,) where its feet are.
            rotation: (4,) quaternion x, y, z, w, agent to world.
            steps: actions after which it gives up.
        """
        request = {
            "do": "follow",
            "start": start.tolist(),
            "rotation": rotation.tolist(),
            "goals": goals.tolist(),
            "radius": radius,
            "steps": steps,
        }
        answer = self._worker.ask(request, _FOLLOW_SECONDS)
        poses = np.array(answer["poses"], np.float64).reshape(-1, 7)
        return Walk(poses[:, :3], poses[:, 3:], answer["left"], answer["snapped"])


@contextmanager
def navigation(
    space: Space, radius: float | None, height: float | None, cell_height: float = FINE_CELL_HEIGHT
) -> Iterator[Navigation]:
    """Build the navigation mesh of a space for an agent of a radius and a height, and close it at the end.

    Args:
        radius, height: metres; None means habitat-lab's default.
        cell_height: of the voxels, metres; the mesh lies on top of them.

    Raises:
        UserError: there is no habitat-sim, or it fails; the message holds its last output.
    """
    folder, python = scene_files(space), habitat_python()
    opening = {
        "do": "open",
        "stage": str(folder / STAGE_CONFIG),
        "radius": radius,
        "height": height,
        "cell_height": cell_height,
    }
    worker = Worker(_WORKER, python, opening, name="The navigation worker", folder=folder)
    try:
        yield Navigation(worker, python)
    finally:
        worker.close()


def lab_navigation(space: Space, cell_height: float = FINE_CELL_HEIGHT) -> AbstractContextManager[Navigation]:
    """Build the navigation mesh of a space for the agent of habitat-lab's default configuration."""
    return navigation(space, None, None, cell_height)


def floor_island(mesh: Navigation, scene: Scene) -> Island | None:
    """Return the floor among the islands, or None where there is less than 1 m² of it.

    Of the islands with at least 0.3 of the largest area, one with a ceiling wins over one without, then the lowest:
    the top of the ceiling is an island too.
    """
    largest = max((island.area_m2 for island in mesh.islands), default=0.0)
    wide = [i for i in mesh.islands if i.area_m2 >= max(MIN_AREA, _NEAR_LARGEST * largest)]
    return min(wide, key=lambda i: (not has_ceiling(i, scene), float(np.median(i.points[:, 1]))), default=None)


def has_ceiling(island: Island, scene: Scene) -> bool:
    """Return whether most of an island lies under something."""
    distance, _ = scene.look(island.points + ABOVE * UP, np.tile(UP, (len(island.points), 1)))
    return bool(np.isfinite(distance).mean() > 0.5)


def libraries() -> dict[str, str]:
    """Return name → version of what trajectories from habitat are made with, besides this package."""
    return {"habitat-sim": habitat_versions().habitat_sim}
