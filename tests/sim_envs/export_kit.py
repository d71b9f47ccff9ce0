"""What the tests of exports share: a labelled room of boxes, and its recording with a frame that is not valid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from sim_envs.generate import record
from sim_envs.recordings.reader import Recording
from sim_envs.space import Space
from sim_envs.trajectories.plan import plan_trajectories
from tests.sim_envs.recording_kit import recipe, room

CATEGORIES = ("wall", "office chair", "gizmo")
SPLITS = {"train": (2, 4), "val": (1, 4), "test": (1, 4)}
INVALID = 5  # the number of the frame that looks at nothing


def labelled_room(labels: bool = True) -> Space:
    """Return the furnished room with three categories, one of them unknown to NYU40."""
    plain = room(labels)
    category = np.arange(len(plain.instance_category)) % len(CATEGORIES) + 1
    category[0] = 0
    return replace(plain, id="scan/room", categories=CATEGORIES, instance_category=category.astype(np.uint16))


def record_room(home: Path, labels: bool = True, **changes: object) -> Recording:
    """Record 16 frames of 48 × 32 pixels, of which one is not valid."""
    space = labelled_room(labels)
    wanted = recipe(space=space.id, width=48, height=32, hfov=70.0, splits=SPLITS, **changes)
    trajectories = plan_trajectories(space, wanted.rig(), "auto", wanted.splits, wanted.seed)
    poses = np.concatenate([trajectory.camera_to_world for trajectory in trajectories])
    poses[INVALID, :3, 3] = (0, 500, 0)
    file = home / "poses.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(file, poses.reshape(-1, 16), fmt="%.17g")
    recording = record(space, wanted.model_copy(update={"trajectories": str(file)}), home=home)
    assert INVALID not in recording.indices()
    return recording
