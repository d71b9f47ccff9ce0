"""7-Scenes (Microsoft Research): Kinect frames with poses, ``frame-XXXXXX.color.png``, ``.depth.png``, ``.pose.txt``.

Poses are camera-to-world with OpenCV axes, metres, in a world of no particular direction. Depth is in millimetres,
65535 = invalid. All cameras have the same nominal intrinsics: focal length 585, principal point (320, 240), and
colour and depth are not registered to each other by the data set; without a calibration they are taken to be one
camera, as its users do. A scene's folder with ``seq-01``, ``seq-02`` … is read as one capture, in that order.

The layout of tsdf-fusion-python is the same with ``camera-intrinsics.txt`` (3 × 3, pixels) and JPEG colour. In place of
``.pose.txt`` files there may be a ``transforms.json`` with ``frames[]`` of ``color``, ``depth`` and
``camera_to_world`` (poses of the depth camera), ``convention``, ``world_to_yup``, ``K_depth`` and
``color_camera_estimate`` (``K_color``, ``k1``, ``depth_to_color``).
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.captures.camera import Camera
from sim_envs.captures.sequence import (
    OPENCV_TO_OPENGL,
    RawFrame,
    RawSequence,
    missing_files,
    opengl_pose,
    picture_size,
    read_depth,
    read_matrix,
    read_picture,
    size_of,
)
from sim_envs.errors import UserError
from sim_envs.trajectories.pose_files import read_poses, rigid_pose

FOCAL, CENTRE = 585.0, (320.0, 240.0)
INVALID = 65535
_COLOUR = (".color.png", ".color.jpg")
_ONE_CAMERA = "the files hold no colour calibration: colour and depth are taken to be registered to each other"


def read_seven_scenes(path: Path) -> RawSequence:
    """Read a sequence, or a scene with several; see the module."""
    if not path.is_dir():
        raise UserError(f"{path} is not a folder. 7-Scenes data is a folder of frame-000000.color.png and its kin.")
    if (path / "transforms.json").is_file():
        return _with_transforms(path)
    folders = sorted(path.glob("seq-*")) if not _colour_files(path) else [path]
    pictures = [picture for folder in folders for picture in _colour_files(folder)]
    if not pictures:
        raise UserError(
            f"{path} holds no frame-XXXXXX.color.png (nor .jpg), and no seq-XX with any. Unpack the seq-XX.zip of the"
            " scene first."
        )
    companions = {picture: (_beside(picture, ".depth.png"), _beside(picture, ".pose.txt")) for picture in pictures}
    missing = [str(f.relative_to(path)) for files in companions.values() for f in files if not f.is_file()]
    if missing:
        raise missing_files("files", path, missing)
    frames, lost = [], 0
    for picture, (depth, pose_file) in companions.items():
        pose = read_matrix(pose_file, 4)
        if not np.isfinite(pose).all():
            lost += 1
            continue
        frames.append(
            RawFrame(
                name=_stem(picture).relative_to(path).as_posix(),
                camera_to_world=opengl_pose(pose_file, "the pose", pose),
                load=partial(_load, picture, depth),
                size=size_of(picture, depth),
            )
        )
    return RawSequence(
        frames=tuple(frames),
        colour=_nominal(path, picture_size(pictures[0])),
        left_out={"no pose": lost},
        files=tuple(f for f in (path / "camera-intrinsics.txt",) if f.is_file()),
        notes=(_ONE_CAMERA,),
    )


def _with_transforms(path: Path) -> RawSequence:
    """Read the poses, files and calibration that one ``transforms.json`` names."""
    file = path / "transforms.json"
    poses = read_poses(file)  # upright if world_to_yup is there, and refused if it is no such file
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    pairs = []
    for i, frame in enumerate(data["frames"]):
        if not {"color", "depth"} <= frame.keys():
            raise UserError(f"{file}: frame {i} does not name its color and depth. Is this --format nerfstudio?")
        pairs.append((path / frame["color"], path / frame["depth"]))
    missing = [f.name for pair in pairs for f in pair if not f.is_file()]
    if missing:
        raise missing_files("files", path, missing)
    depth_size, colour_size = picture_size(pairs[0][1]), picture_size(pairs[0][0])
    depth = _matrix_camera(data["K_depth"], depth_size) if "K_depth" in data else _nominal(path, depth_size)
    colour, registered, move = depth, True, np.eye(4)
    if estimate := data.get("color_camera_estimate"):
        colour = _matrix_camera(estimate["K_color"], colour_size, (estimate.get("k1", 0.0), 0.0, 0.0, 0.0))
        registered, move = False, rigid_pose(file, "depth_to_color", np.array(estimate["depth_to_color"], np.float64))
    # Points go colour camera → depth camera → world; both steps with OpenCV axes inside.
    colour_to_depth = OPENCV_TO_OPENGL @ np.linalg.inv(move) @ OPENCV_TO_OPENGL
    return RawSequence(
        frames=tuple(
            RawFrame(_stem(c).name, pose @ colour_to_depth, partial(_load, c, d), size_of(c, d))
            for (c, d), pose in zip(pairs, poses, strict=True)
        ),
        colour=colour,
        depth=None if registered else depth,
        depth_to_colour=move,
        world_to_yup=np.eye(4) if "world_to_yup" in data else None,
        files=(file,),
        notes=(_ONE_CAMERA,) if registered else (),
    )


def _load(colour: Path, depth: Path) -> tuple[np.ndarray, np.ndarray]:
    return read_picture(colour), read_depth(depth, 1000, INVALID)


def _colour_files(folder: Path) -> list[Path]:
    return sorted(file for end in _COLOUR for file in folder.glob(f"frame-*{end}"))


def _beside(picture: Path, end: str) -> Path:
    return picture.with_name(_stem(picture).name + end)


def _stem(picture: Path) -> Path:
    """Return the path without ``.color.png``."""
    return picture.with_name(picture.name.partition(".color")[0])


def _nominal(path: Path, size: tuple[int, int]) -> Camera:
    """Return the camera of ``camera-intrinsics.txt``, or the data set's nominal one."""
    file = path / "camera-intrinsics.txt"
    if file.is_file():
        return Camera.opencv(size, read_matrix(file, 3))
    if size != (640, 480):
        raise UserError(
            f"{path}: pictures of {size[0]} × {size[1]} pixels are not those of 7-Scenes (640 × 480), so their "
            "intrinsics are not known: put a 3 × 3 camera-intrinsics.txt beside them."
        )
    return Camera.opencv(size, np.array([[FOCAL, 0, CENTRE[0]], [0, FOCAL, CENTRE[1]], [0, 0, 1]]))


def _matrix_camera(matrix: Any, size: tuple[int, int], distortion: tuple[float, ...] = ()) -> Camera:
    return Camera.opencv(size, np.array(matrix, np.float64), distortion)
