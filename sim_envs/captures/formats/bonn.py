"""Bonn RGB-D Dynamic (Palazzolo et al., IROS 2019): the files of TUM RGB-D, with a calibration of its own.

The poses of ``groundtruth.txt`` are those of the markers on the device. As the data set's
``compute_global_transformation.py`` has it, the camera (OpenCV axes) stands at T_ros · T_marker · T_ros · T_m in the
world of the ground truth, which has Y up. The published T_m carries a uniform scale of 1.059 from fitting the
scanned point cloud; it is left out, since poses and depths are in metres each, and a camera is rigid.

Depth is registered to colour, 5000 units a metre. Pictures have the distortion of the lens; both are undistorted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim_envs.captures.camera import Camera
from sim_envs.captures.formats.tum import LISTS, associate, check_size
from sim_envs.captures.sequence import RawSequence, opengl_pose

INTRINSICS = np.array([[542.822841, 0, 315.593520], [0, 542.576870, 237.756098], [0, 0, 1]])
DISTORTION = (0.039903, -0.099343, -0.000730, -0.000144, 0.0)
T_ROS = np.array([[-1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
T_M = np.array(
    [
        [1.0157, 0.1828, -0.2389, 0.0113],
        [0.0009, -0.8431, -0.6413, -0.0098],
        [-0.3009, 0.6147, -0.8085, 0.0111],
        [0, 0, 0, 1],
    ]
)
_SIZE = (640, 480)


def read_bonn(path: Path) -> RawSequence:
    """Read one sequence; see the module."""
    moments, left_out = associate(path)
    check_size(moments[0].colour, _SIZE)
    camera_to_marker = rigid_part(T_M)
    frames = []
    for moment in moments:
        pose = T_ROS @ moment.camera_to_world @ T_ROS @ camera_to_marker
        frames.append(moment.frame(opengl_pose(path / LISTS[2], f"the pose at {moment.time:.6f}", pose)))
    return RawSequence(
        frames=tuple(frames),
        colour=Camera.opencv(_SIZE, INTRINSICS, DISTORTION),
        world_to_yup=np.eye(4),
        left_out=left_out,
        files=tuple(path / name for name in LISTS),
    )


def rigid_part(similarity: np.ndarray) -> np.ndarray:
    """Return a (4, 4) similarity without its scale, its rotation made orthonormal."""
    u, _, vt = np.linalg.svd(similarity[:3, :3])
    rigid = similarity.copy()
    rigid[:3, :3] = u @ vt
    return rigid
