"""Recordings for place recognition that are nothing but poses, trajectories and splits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation


def poses(positions: np.ndarray, turns: Rotation) -> np.ndarray:
    """(N, 3) metres and N rotations → (N, 4, 4) camera-to-world."""
    found = np.tile(np.eye(4), (len(positions), 1, 1))
    found[:, :3, :3] = turns.as_matrix()
    found[:, :3, 3] = positions
    return found


def recording(
    camera_to_world: np.ndarray,
    trajectory: np.ndarray,
    split: str | list[str] = "test",
    valid: bool | list[bool] = True,
) -> SimpleNamespace:
    """A recording whose frames are pictures of their own number."""
    count = len(camera_to_world)
    rgb = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 2, 2, 3))
    return SimpleNamespace(
        poses=camera_to_world,
        trajectory_ids=np.asarray(trajectory, np.int64),
        frames=pd.DataFrame({"split": split, "valid": valid}, index=range(count)),
        array={"rgb": rgb}.__getitem__,
        meta=SimpleNamespace(categories=()),
    )


def walks(rng: np.random.Generator, count: int = 40, size_m: float = 3.0) -> Any:
    """Frames of 4 trajectories at random places and turns (mostly about the vertical) in a small room."""
    turns = Rotation.from_euler("YXZ", rng.uniform([-180, -20, -5], [180, 20, 5], (count, 3)), degrees=True)
    return recording(poses(rng.uniform(0, size_m, (count, 3)), turns), rng.integers(0, 4, count))
