"""habitat-sim's navigation mesh of a space: sampling, shortest paths and followers, asked of its worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.habitat.interpreter import habitat_python, habitat_versions
from sim_envs.habitat.process import Worker
from sim_envs.habitat.scene_files import STAGE_CONFIG, scene_files
from sim_envs.space import Space

_WORKER = Path(__file__).with_name("worker.py")
_FOLLOW_SECONDS = 600.0


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

    def path(self, start: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, float] | None:
        """Return the (N, 3) corners of the shortest path and its length in metres, or None where there is none."""
        found = self._worker.ask({"do": "path", "start": start.tolist(), "goal": goal.tolist()})
        return None if found is None else (np.array(found["points"]), float(found["distance"]))

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
def navigation(space: Space, radius: float | None, height: float | None) -> Iterator[Navigation]:
    """Build the navigation mesh of a space for an agent of a radius and a height, and close it at the end.

    Args:
        radius, height: metres; None means habitat-lab's default.

    Raises:
        UserError: there is no habitat-sim, or it fails; the message holds its last output.
    """
    folder, python = scene_files(space), habitat_python()
    opening = {"do": "open", "stage": str(folder / STAGE_CONFIG), "radius": radius, "height": height}
    worker = Worker(_WORKER, python, opening, name="The navigation worker", folder=folder)
    try:
        yield Navigation(worker, python)
    finally:
        worker.close()


def lab_navigation(space: Space) -> AbstractContextManager[Navigation]:
    """Build the navigation mesh of a space for the agent of habitat-lab's default configuration."""
    return navigation(space, None, None)


def libraries() -> dict[str, str]:
    """Return name → version of what trajectories from habitat are made with, besides this package."""
    return {"habitat-sim": habitat_versions().habitat_sim}


def no_floor(space: Space, area_m2: float) -> UserError:
    """Return the error for a space whose navigation mesh is too small."""
    return UserError(
        f"habitat-sim finds less than {area_m2:g} m² of connected floor in {space.id}. Use hand-held trajectories, or "
        "a file of poses. If it should have a floor, check its up axis and unit."
    )
