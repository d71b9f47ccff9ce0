"""Trajectories: where a device walks and looks, planned from geometry alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SPLITS = ("train", "val", "test")

PLANNER_VERSION = 1
"""Raised when the same seed would give other trajectories; part of what a recording is named by."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """An ordered list of camera poses; the unit of splitting and of statistics.

    Attributes:
        id: unique in its recording, from 0.
        split: ``train`` (in a test space: the pre-training pool), ``val`` or ``test``.
        camera_to_world: (N, 4, 4) float64, OpenGL camera (x right, y up, looks along −z), world Y up, metres.
    """

    id: int
    split: str
    camera_to_world: np.ndarray
