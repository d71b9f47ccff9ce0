"""Motion blur: where the camera is while the shutter is open, and the mean of what it sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from sim_envs.rig import Rig
from sim_envs.sensors.noise import to_light

MAX_VIEWS = 33


def blurred_light(
    frame: dict[str, np.ndarray],
    step: int,
    camera_to_world: np.ndarray,
    rig: Rig,
    render: Callable[[np.ndarray], dict[str, np.ndarray]],
) -> np.ndarray:
    """Return (H, W, 3) float32: the mean light of views spread over the time the shutter is open.

    That time lies around the moment of the frame, so that its depth and labels, which are not blurred, fit the
    middle of the blur. There is about one view a pixel of movement, ``MAX_VIEWS`` at most; one that stands still
    sees exactly what is in the frame.

    Args:
        frame: seen at the moment itself.
        step: its number in the trajectory.
        camera_to_world: (N, 4, 4), the trajectory.
        rig: whose noise says how long the shutter is open.
        render: what gives the other views.
    """
    light = to_light(frame["rgb"])
    poses = list(views_while_open(frame["depth"], step, camera_to_world, rig))
    total = light.copy()
    for pose in poses:
        total += to_light(render(pose)["rgb"])
    return total / np.float32(len(poses) + 1)


def views_while_open(depth_mm: np.ndarray, step: int, camera_to_world: np.ndarray, rig: Rig) -> Iterator[np.ndarray]:
    """Yield the (4, 4) poses beside the frame's own, as many before it as after it, evenly in time."""
    half = rig.noise.shutter / 2
    first, last = (pose_at(camera_to_world, step + time) for time in (-half, half))
    # Less than a hundredth of a pixel is rounding, or as good as none.
    pairs = min(int(np.ceil((_movement(first, last, depth_mm, rig) - 0.01) / 2)), (MAX_VIEWS - 1) // 2)
    count = 2 * pairs + 1
    for k in range(count):
        if k != pairs:
            yield pose_at(camera_to_world, step + half * (2 * k + 1 - count) / count)


def pose_at(camera_to_world: np.ndarray, time: float) -> np.ndarray:
    """Return the (4, 4) pose between two frames, at a time counted in frames.

    The camera moves and turns evenly from each frame to the next, and goes on as it did beyond the first and last.

    Args:
        camera_to_world: (N, 4, 4).
        time: 0 is the first frame, N − 1 the last.
    """
    if len(camera_to_world) == 1:
        return camera_to_world[0]
    before = int(np.clip(np.floor(time), 0, len(camera_to_world) - 2))
    start, end, share = camera_to_world[before], camera_to_world[before + 1], time - before
    turn = Rotation.from_matrix(start[:3, :3].T @ end[:3, :3]).as_rotvec()
    pose = np.eye(4)
    pose[:3, :3] = start[:3, :3] @ Rotation.from_rotvec(share * turn).as_matrix()
    pose[:3, 3] = (1 - share) * start[:3, 3] + share * end[:3, 3]
    return pose


def _movement(first: np.ndarray, last: np.ndarray, depth_mm: np.ndarray, rig: Rig) -> float:
    """Return about how many pixels the middle of the picture moves by between two poses."""
    chord = float(np.linalg.norm(last[:3, :3] - first[:3, :3]) / np.sqrt(8))
    angle = 2 * float(np.arcsin(min(chord, 1.0)))
    metres = float(np.linalg.norm(last[:3, 3] - first[:3, 3]))
    seen = depth_mm[depth_mm > 0]
    distance = float(np.median(seen)) / 1000 if len(seen) else np.inf
    return rig.focal * (angle + metres / distance)
