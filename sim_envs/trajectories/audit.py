"""Measure how far validation and test views are from the views a model may pre-train on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from sim_envs.trajectories import Trajectory

NEAR_METRES = 0.05
NEAR_DEGREES = 5.0
QUANTILES = (0, 1, 5, 25, 50, 75, 95)


def audit_splits(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """Compare each ``val`` and ``test`` view with the ``train`` views.

    A view is a near-duplicate when some train view lies within 0.05 m and 5° of it.

    Returns:
        JSON-like. ``near_duplicate``: the two limits; ``train``: its number of views; ``val`` and ``test``:
        ``views``, ``near_duplicates``, and the quantiles (percent as a string → value) ``translation_m`` to the
        nearest train view and ``angle_deg`` of the rotation to that same view (empty without views on both
        sides); ``passed``: whether there is no near-duplicate in either.
    """
    poses = {split: _poses(trajectories, split) for split in ("train", "val", "test")}
    report: dict[str, Any] = {
        "near_duplicate": {"translation_m": NEAR_METRES, "angle_deg": NEAR_DEGREES},
        "train": {"views": len(poses["train"])},
    }
    for split in ("val", "test"):
        report[split] = _compare(poses[split], poses["train"])
    report["passed"] = report["val"]["near_duplicates"] == report["test"]["near_duplicates"] == 0
    return report


def near_duplicates(views: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return (N,) bool: whether a view has a train view within both limits.

    Args:
        views: (N, 4, 4) camera-to-world.
        train: (M, 4, 4) camera-to-world.
    """
    found = np.zeros(len(views), bool)
    if not len(views) or not len(train):
        return found
    close = cKDTree(train[:, :3, 3]).query_ball_point(views[:, :3, 3], NEAR_METRES)
    for i, neighbours in enumerate(close):
        if neighbours:
            angles = angle_between(views[i : i + 1, :3, :3], train[neighbours, :3, :3])
            found[i] = bool((angles <= NEAR_DEGREES).any())
    return found


def angle_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angle in degrees of the rotation from (..., 3, 3) ``a`` to ``b``."""
    # The chord |a − b| = √8 · sin(angle / 2) stays exact for small angles; the arc cosine of the trace does not.
    chord = np.linalg.norm(a - b, axis=(-2, -1)) / np.sqrt(8)
    return np.degrees(2 * np.arcsin(np.clip(chord, 0, 1)))


def _poses(trajectories: Sequence[Trajectory], split: str) -> np.ndarray:
    return np.concatenate([np.zeros((0, 4, 4)), *(t.camera_to_world for t in trajectories if t.split == split)])


def _compare(views: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    if not len(views) or not len(train):
        return {"views": len(views), "near_duplicates": 0, "translation_m": {}, "angle_deg": {}}
    distance, nearest = cKDTree(train[:, :3, 3]).query(views[:, :3, 3])
    angle = angle_between(views[:, :3, :3], train[nearest, :3, :3])
    return {
        "views": len(views),
        "near_duplicates": int(near_duplicates(views, train).sum()),
        "translation_m": _quantiles(distance),
        "angle_deg": _quantiles(angle),
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {str(q): round(float(np.percentile(values, q)), 4) for q in QUANTILES}
