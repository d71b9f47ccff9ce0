"""Read camera poses from a file: nerfstudio ``transforms.json`` and its kin, or one 4×4 matrix per line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.trajectories import SPLITS, Trajectory

RIGID_TOLERANCE = 1e-2
_OPENCV_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
_FORMATS = (
    "Known are a transforms.json (frames[].transform_matrix, OpenGL; or frames[].camera_to_world with "
    "'convention' naming opencv or opengl) and text with the 16 numbers of a 4×4 camera-to-world per line."
)


def read_poses(path: Path) -> np.ndarray:
    """Return the poses of a file, in its order.

    A ``.json`` file holds ``frames``, each with ``transform_matrix`` (nerfstudio: camera-to-world, OpenGL axes) or
    with ``camera_to_world``, whose axes the top-level text ``convention`` names (``opencv`` or ``opengl``). An
    optional top-level 4×4 ``world_to_yup`` takes its world to the space's; without it the poses are taken to be
    in the space's world already. Any other file is text: 16 numbers per line, row by row, OpenGL camera-to-world
    in the space's world; ``#`` starts a comment.

    Returns:
        (N, 4, 4) float64 camera-to-world, OpenGL, Y up; rotations made exactly orthonormal.

    Raises:
        UserError: no such file; not one of the formats; a matrix that is not rigid within 1e-2.
    """
    if not path.is_file():
        raise UserError(f"No pose file at {path}. {_FORMATS}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read the pose file {path}: {error}. {_FORMATS}") from error
    named = _from_json(path, text) if path.suffix.lower() == ".json" else _from_text(path, text)
    if not named:
        raise UserError(f"The pose file {path} holds no pose. {_FORMATS}")
    return np.stack([rigid_pose(path, name, matrix) for name, matrix in named])


def plan_from_poses(space: Space, path: Path, counts: Mapping[str, tuple[int, int]]) -> list[Trajectory]:
    """Return the trajectories of a file of poses; see :func:`read_poses` and :func:`cut_poses`."""
    return cut_poses(read_poses(path), counts, path)


def cut_poses(poses: np.ndarray, counts: Mapping[str, tuple[int, int]], path: Path) -> list[Trajectory]:
    """Cut an ordered list of poses into trajectories, each split one contiguous part of it.

    With n times more poses than asked for, every n-th is used; what is left over lies between the splits.

    Args:
        poses: (N, 4, 4).
        counts: split → (trajectories, frames of each).
        path: where the poses are from, for the message.

    Raises:
        UserError: fewer poses than asked for.
    """
    wanted = sum(number * frames for number, frames in counts.values())
    if len(poses) < wanted:
        asked = ", ".join(f"{split} {n}×{frames}" for split, (n, frames) in counts.items())
        raise UserError(f"{path} holds {len(poses)} poses, but {wanted} are asked for ({asked}). Ask for fewer frames.")
    poses = poses[:: len(poses) // max(wanted, 1)] if wanted else poses[:0]
    splits = [split for split in SPLITS if np.prod(counts.get(split, (0, 0))) > 0]
    gap = (len(poses) - wanted) // max(len(splits) - 1, 1)
    trajectories: list[Trajectory] = []
    start = 0
    for split in splits:
        number, frames = counts[split]
        for _ in range(number):
            trajectories.append(Trajectory(len(trajectories), split, poses[start : start + frames].copy()))
            start += frames
        start += gap
    return trajectories


def _from_json(path: Path, text: str) -> list[tuple[str, np.ndarray]]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"The pose file {path} is not valid JSON ({error}). {_FORMATS}") from error
    frames = data.get("frames") if isinstance(data, dict) else None
    if not isinstance(frames, list):
        raise UserError(f"The pose file {path} has no list 'frames'. {_FORMATS}")
    to_yup = np.eye(4)
    if "world_to_yup" in data:
        to_yup = rigid_pose(path, "world_to_yup", _matrix(path, "world_to_yup", data["world_to_yup"]))
    named = []
    for i, frame in enumerate(frames):
        name = f"frame {i}"
        if not isinstance(frame, dict):
            raise UserError(f"{path}: {name} is not an object. {_FORMATS}")
        if "transform_matrix" in frame:
            named.append((name, to_yup @ _matrix(path, name, frame["transform_matrix"])))
        elif "camera_to_world" in frame:
            pose = _matrix(path, name, frame["camera_to_world"]) @ _axes(path, data)
            named.append((name, to_yup @ pose))
        else:
            raise UserError(f"{path}: {name} has neither 'transform_matrix' nor 'camera_to_world'.")
    return named


def _axes(path: Path, data: dict[str, Any]) -> np.ndarray:
    """Return what turns OpenGL camera axes into the file's."""
    convention = str(data.get("convention", "")).lower()
    opencv, opengl = "opencv" in convention, "opengl" in convention
    if opencv == opengl:
        raise UserError(f"{path}: 'convention' must name the camera axes of camera_to_world: opencv or opengl.")
    return _OPENCV_TO_OPENGL if opencv else np.eye(4)


def _from_text(path: Path, text: str) -> list[tuple[str, np.ndarray]]:
    named = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].replace(",", " ").split()
        if words:
            named.append((f"line {number}", _matrix(path, f"line {number}", words)))
    return named


def _matrix(path: Path, name: str, values: Any) -> np.ndarray:
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError(f"{path}: {name} holds something that is not a number. {_FORMATS}") from None
    if matrix.size == 12 and matrix.shape == (3, 4):
        matrix = np.vstack([matrix, [0, 0, 0, 1]])
    if matrix.size != 16:
        raise UserError(f"{path}: {name} has {matrix.size} numbers, not the 16 of a 4×4 matrix. {_FORMATS}")
    return matrix.reshape(4, 4)


def rigid_pose(path: Path, name: str, matrix: np.ndarray) -> np.ndarray:
    """Return the matrix with its rotation replaced by the nearest exact one."""
    advice = "Camera poses must be rotation and translation only, without scale or mirror."
    if not np.isfinite(matrix).all():
        raise UserError(f"{path}: {name} has values that are not finite.")
    if np.abs(matrix[3] - [0, 0, 0, 1]).max() > 1e-6:
        raise UserError(f"{path}: {name} has {matrix[3].tolist()} as its last row, not 0 0 0 1.")
    rotation = matrix[:3, :3]
    error = float(np.abs(rotation.T @ rotation - np.eye(3)).max())
    if error > RIGID_TOLERANCE or np.linalg.det(rotation) < 0:
        kind = "is mirrored" if error <= RIGID_TOLERANCE else f"is off orthonormal by {error:.2g}"
        raise UserError(f"{path}: {name} is not rigid (its rotation {kind}; allowed {RIGID_TOLERANCE:g}). {advice}")
    u, _, vt = np.linalg.svd(rotation)
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = u @ vt, matrix[:3, 3]
    return rigid
