"""Find which way is up where a source does not say it: from how people hold cameras."""

from __future__ import annotations

import numpy as np

_PREFER_MEAN = 0.01
_DOUBTFUL_DEG = 60.0
_LITTLE_TURNING = 0.1  # of the right-hand axes' squares, along their second direction


def up_of_cameras(camera_to_world: np.ndarray) -> np.ndarray:
    """Estimate the up direction of a world from the cameras in it.

    People tilt cameras up and down and turn them round, but rarely roll them: the cameras' right-hand axes are
    level, so up is the direction most nearly square to all of them, on the side of the cameras' mean up. Where the
    cameras all look one way that leaves it open; there the mean up decides. On the 200 frames of RedKitchen,
    whose cameras look down by 25° on average, this is off by 1.8° and the mean up by 24.8°; on its quarters, which
    turn less, by 7° to 13°; on the poses of TUM's freiburg1_xyz, which look down at one desk, by 29°.

    Args:
        camera_to_world: (N, 4, 4), OpenGL axes.

    Returns:
        (3,) unit vector.
    """
    right, up = camera_to_world[:, :3, 0], camera_to_world[:, :3, 1]
    mean = up.mean(axis=0)
    mean /= max(float(np.linalg.norm(mean)), 1e-9)
    squareness = right.T @ right / len(right) + _PREFER_MEAN * (np.eye(3) - np.outer(mean, mean))
    found: np.ndarray = np.linalg.eigh(squareness)[1][:, 0]
    return found if found @ mean >= 0 else -found


def turn_little(camera_to_world: np.ndarray) -> bool:
    """Return whether cameras turn so little that :func:`up_of_cameras` may be off by 10° and more."""
    right = camera_to_world[:, :3, 0]
    return bool(np.linalg.eigvalsh(right.T @ right / len(right))[1] < _LITTLE_TURNING)


def turned_upright(up: np.ndarray) -> np.ndarray:
    """Return the (4, 4) shortest rotation that takes the unit vector ``up`` to +Y."""
    axis, cosine = np.cross(up, [0.0, 1.0, 0.0]), float(up[1])
    matrix = np.eye(4)
    if cosine < -1 + 1e-9:
        matrix[:3, :3] = np.diag([1.0, -1.0, -1.0])
        return matrix
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    matrix[:3, :3] = np.eye(3) + cross + cross @ cross / (1 + cosine)
    return matrix


def lying_cameras(camera_to_world: np.ndarray) -> str:
    """Return a hint where most cameras lie on their side or stand on their head in a Y-up world, or ``""``."""
    tilt = np.degrees(np.arccos(np.clip(camera_to_world[:, 1, 1], -1, 1)))
    if np.median(tilt) <= _DOUBTFUL_DEG:
        return ""
    return (
        f"half of the cameras are tilted by {np.median(tilt):.0f}° or more against what is taken for up; if pictures "
        "are not meant to lie on their side, import again with another --up"
    )
