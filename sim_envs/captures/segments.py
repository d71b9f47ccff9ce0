"""Cut what a device recorded into splits: contiguous segments, with the views between them left out that repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim_envs.captures.capture import Capture
from sim_envs.errors import UserError
from sim_envs.trajectories import SPLITS, Trajectory
from sim_envs.trajectories.audit import near_duplicates

Splits = Mapping[str, tuple[int, int]]
LEAST_TEST = 0.25
_SHRINK = 0.97


def recorded_trajectories(capture: Capture, splits: Splits) -> list[Trajectory]:
    """Cut the poses of a capture into the trajectories asked for.

    The last frames are ``test``, those before them ``val``, and ``train`` begins at the first. Train views within
    0.05 m and 5° of a val or test view are left out, wherever in the sequence they are, so what a model is tested on
    is no near-copy of what it may see; what is left over lies between train and the others. With n times more
    frames than asked for, every n-th is used, if that leaves enough.

    Args:
        splits: split → (trajectories, frames of each).

    Raises:
        UserError: the capture has not that many frames, or not that many apart from each other.
    """
    cut = _cut(capture.camera_to_world, splits)
    if cut is None:
        asked = ", ".join(f"{split} {n} × {frames}" for split, (n, frames) in splits.items())
        able = fitting_splits(capture, splits)
        fit = ", ".join(f"{split} {n} × {frames}" for split, (n, frames) in able.items())
        raise UserError(
            f"{capture.id} has {len(capture)} frames, too few for what is asked for ({asked}) once train views "
            f"within 0.05 m and 5° of the others are left out. There is room for {fit}: "
            f"{sum(n * frames for n, frames in able.values())} frames."
        )
    trajectories: list[Trajectory] = []
    for split in SPLITS:
        number, frames = splits.get(split, (0, 1))
        for rows in cut.parts[split].reshape(number, frames):
            trajectories.append(Trajectory(len(trajectories), split, capture.camera_to_world[rows].copy()))
    return trajectories


def fitting_splits(capture: Capture, splits: Splits) -> dict[str, tuple[int, int]]:
    """Return the splits asked for, or, where the capture is too short for them, the largest with the same shares.

    Trajectories become fewer rather than much shorter. ``test`` keeps a quarter of the frames, if it was to have as
    many: what scores and their intervals come from runs out first.

    Raises:
        UserError: there is not even one frame for each.
    """
    wanted = {split: (n, frames) for split, (n, frames) in splits.items() if n}
    total, share = sum(n * frames for n, frames in wanted.values()), 1.0
    while True:
        fitted = {
            split: _scaled(n, frames, share if split != "test" else _test_share(n * frames, total, share))
            for split, (n, frames) in wanted.items()
        }
        if _cut(capture.camera_to_world, fitted) is not None:
            return fitted
        if all(size == (1, 1) for size in fitted.values()):
            raise UserError(
                f"{capture.id} ({len(capture)} frames) cannot be cut into {', '.join(wanted)}: its views repeat each "
                "other within 0.05 m and 5°. Record more of the place."
            )
        share *= _SHRINK


def repeated_views(capture: Capture, splits: Splits) -> int:
    """Return how many frames are kept from ``train`` because val or test has a view like them."""
    cut = _cut(capture.camera_to_world, splits)
    return 0 if cut is None else cut.repeats


@dataclass(frozen=True, eq=False)
class _Cut:
    """Numbers of the frames of each split, and how many were left out of train for being near-duplicates."""

    parts: dict[str, np.ndarray]
    repeats: int


def _cut(poses: np.ndarray, splits: Splits) -> _Cut | None:
    """Return which frames each split has, spread as far as possible, or None where there are too few."""
    sizes = {split: int(np.prod(splits.get(split, (0, 0)))) for split in SPLITS}
    held_out = sizes["val"] + sizes["test"]
    for step in range(max(len(poses) // max(sum(sizes.values()), 1), 1), 0, -1):
        used = np.arange(len(poses))[::step]
        if sum(sizes.values()) > len(used):
            return None
        ahead, last = used[: len(used) - held_out], used[len(used) - held_out :]
        repeats = near_duplicates(poses[ahead], poses[last])
        train = ahead[~repeats]
        if len(train) >= sizes["train"]:
            parts = {"train": train[: sizes["train"]], "val": last[: sizes["val"]], "test": last[sizes["val"] :]}
            return _Cut(parts, int(repeats.sum()))
    return None


def _test_share(test: int, total: int, share: float) -> float:
    """Return the share of ``test`` frames to keep where ``share`` of all ``total`` frames are kept."""
    return min(1.0, max(share, LEAST_TEST * share * total / test))


def _scaled(number: int, frames: int, share: float) -> tuple[int, int]:
    """Return a smaller (trajectories, frames of each) of about ``share`` as many frames."""
    total = max(1, int(number * frames * share))
    fewer = min(number, max(1, round(total / frames)))
    return fewer, min(frames, max(1, total // fewer))
