"""What is to be rendered: trajectories one after the other, kept so that continuing needs no planning."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim_envs.storage import write_whole
from sim_envs.trajectories import Trajectory

PLAN_FILE = "plan.npz"


@dataclass(frozen=True, eq=False)
class Job:
    """One trajectory to render: its id, the number of its first frame, its poses (N, 4, 4), the seed of its noise."""

    trajectory: int
    start: int
    camera_to_world: np.ndarray
    seed: int = 0


def jobs_of(trajectories: Sequence[Trajectory], seed: int = 0) -> list[Job]:
    """Lay trajectories one after the other; the seed is that of their noise."""
    lengths = [len(trajectory.camera_to_world) for trajectory in trajectories]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return [Job(t.id, int(start), t.camera_to_world, seed) for t, start in zip(trajectories, starts, strict=True)]


def save_plan(folder: Path, trajectories: Sequence[Trajectory], libraries: dict[str, str]) -> None:
    """Write the poses, so that continuing needs no planning."""
    arrays = {
        "poses": np.concatenate([t.camera_to_world for t in trajectories]).astype(np.float64),
        "ids": np.array([t.id for t in trajectories]),
        "lengths": np.array([len(t.camera_to_world) for t in trajectories]),
        "splits": np.array([t.split for t in trajectories]),
        "libraries": np.array(json.dumps(libraries, sort_keys=True)),
    }

    def write(path: Path) -> None:
        with path.open("wb") as file:  # np.savez would append a suffix to a name
            np.savez(file, **arrays)

    write_whole(folder / PLAN_FILE, write)


def load_plan(folder: Path, libraries: dict[str, str]) -> list[Trajectory] | None:
    """Return the poses of an unfinished recording; None when there are none, or other libraries made them."""
    try:
        with np.load(folder / PLAN_FILE, allow_pickle=False) as plan:
            if plan["libraries"].item() != json.dumps(libraries, sort_keys=True):
                return None
            poses = np.split(plan["poses"], np.cumsum(plan["lengths"])[:-1])
            return [
                Trajectory(int(i), str(split), pose)
                for i, split, pose in zip(plan["ids"], plan["splits"], poses, strict=True)
            ]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
