"""The frames of a recording in Rerun: camera paths by split, and every modality in the moving camera's image plane.

Timelines: ``frame`` runs through all frames that are shown, and each trajectory has one of its own, which counts
its steps and shows nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import rerun as rr

from sim_envs.exports.frames import camera_of
from sim_envs.exports.pictures import png
from sim_envs.modalities import MODALITIES, id_colours
from sim_envs.recordings.reader import Recording
from sim_envs.trajectories import SPLITS

CAMERA = "world/camera"
PATHS = "world/paths"
TIMELINE = "frame"
SPLIT_COLOURS = {"train": (66, 133, 244), "val": (251, 188, 4), "test": (234, 67, 53)}
_PATH_RADIUS_M = 0.01
_IMAGE_PLANE_M = 0.6


def frames_to_show(recording: Recording, limit: int) -> np.ndarray:
    """Choose valid frames: all of them, or whole trajectories spread evenly over each split.

    Where single trajectories are longer than that, every so many frames of them.

    Args:
        recording: to choose from.
        limit: how many frames are wanted at most.

    Returns:
        (M,) int64, ascending; M ≤ limit.
    """
    valid = recording.indices()
    trajectory, split = recording.trajectory_ids[valid], recording.frames["split"].to_numpy()[valid]
    share = -(-len(valid) // limit)
    kept = [ids[::share] for name in SPLITS if len(ids := np.unique(trajectory[split == name]))]
    if share > 1:
        valid = valid[np.isin(trajectory, np.concatenate(kept))]
    return valid[:: max(1, -(-len(valid) // limit))]


def log_paths(stream: rr.RecordingStream, recording: Recording) -> None:
    """Log where the camera went, all trajectories at all times, coloured by split."""
    positions, trajectory = recording.poses[:, :3, 3], recording.trajectory_ids
    for split in SPLITS:
        valid = recording.indices(split)
        ids = np.unique(trajectory[valid])
        if len(ids):
            strips = [positions[valid[trajectory[valid] == number]] for number in ids]
            labels = [f"{split}, trajectory {number}" for number in ids]
            stream.log(
                f"{PATHS}/{split}",
                rr.LineStrips3D(
                    strips, colors=SPLIT_COLOURS[split], radii=_PATH_RADIUS_M, labels=labels, show_labels=False
                ),
                static=True,
            )


def log_frames(
    stream: rr.RecordingStream, recording: Recording, frames: np.ndarray, progress: Callable[[int, int], None]
) -> None:
    """Log the camera and what it sees, frame by frame; a lens with distortion is drawn as a pinhole."""
    camera = camera_of(recording)
    pinhole = rr.Pinhole(
        image_from_camera=[[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]],
        resolution=[camera.width, camera.height],
        camera_xyz=rr.ViewCoordinates.RUB,
        image_plane_distance=_IMAGE_PLANE_M,
    )
    stream.log(CAMERA, pinhole, static=True)
    for name, labels in _names(recording, frames).items():
        colours = id_colours(max(labels, default=0) + 1)
        described = [rr.AnnotationInfo(id=i, label=label, color=colours[i]) for i, label in labels.items()]
        stream.log(f"{CAMERA}/{name}", rr.AnnotationContext(described), static=True)
    poses, steps, splits = recording.poses, recording.frames["step"], recording.frames["split"]
    for done, number in enumerate(frames.tolist(), start=1):
        stream.reset_time()
        stream.set_time(TIMELINE, sequence=number)
        timeline = f"trajectory {recording.trajectory_ids[number]:03d}, {splits[number]}"
        stream.set_time(timeline, sequence=int(steps[number]))
        stream.log(CAMERA, rr.Transform3D(translation=poses[number, :3, 3], mat3x3=poses[number, :3, :3]))
        for name in recording.modalities:
            stream.log(f"{CAMERA}/{name}", shown(name, np.asarray(recording.array(name)[number])))
        progress(done, len(frames))
    stream.reset_time()


def shown(name: str, values: np.ndarray) -> Any:
    """Return one stored frame as what Rerun shows it by, without loss.

    Args:
        name: a modality.
        values: (H, W[, 3]) as stored.
    """
    if not MODALITIES[name].sensed:
        return rr.SegmentationImage(values)
    if name == "depth":
        return rr.EncodedDepthImage(png(values), media_type="image/png", meter=1000.0)
    if values.ndim == 2:
        return rr.Image(values)
    return rr.EncodedImage(contents=png(values), media_type="image/png")


def _names(recording: Recording, frames: np.ndarray) -> dict[str, dict[int, str]]:
    """Return what the ids of the labels are called: modality → id → name; an instance by category and number."""
    categories = {0: "unlabelled", **dict(enumerate(recording.meta.categories, start=1))}
    names = {"semantic": categories, "instance": {0: "none"}}
    if not {"semantic", "instance"} <= set(recording.modalities):
        return {name: names[name] for name in ("semantic",) if name in recording.modalities}
    for number in frames.tolist():
        instance, first = np.unique(recording.array("instance")[number], return_index=True)
        semantic = recording.array("semantic")[number].reshape(-1)[first]
        for i, category in zip(instance.tolist(), semantic.tolist(), strict=True):
            names["instance"].setdefault(i, f"{categories[category]} {i}")
    return names
