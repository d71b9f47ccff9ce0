"""nerfstudio: ``transforms.json`` with pictures and depth, as its data parser reads them.

Intrinsics (``fl_x``, ``fl_y``, ``cx``, ``cy``, ``w``, ``h``, ``k1`` … ``p2``) stand at the top or in each frame; pixel
centres lie at +0.5. Each frame has ``file_path``, ``depth_file_path`` and ``transform_matrix``, a camera-to-world with
OpenGL axes. Depth is a 16-bit PNG or a ``.npy``, in units of 1 mm, or of ``depth_unit_scale_factor`` metres where
the file has that key; it is registered to colour, at any size. Positions are taken for metres.

Frames are taken in the order of their names, as that parser takes them. Which way is up such a file does not say; a
4×4 ``world_to_yup`` at its top, if it is there, does.
"""

from __future__ import annotations

import json
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.captures.camera import Camera
from sim_envs.captures.sequence import (
    RawFrame,
    RawSequence,
    missing_files,
    picture_size,
    read_depth,
    read_picture,
    size_of,
)
from sim_envs.errors import UserError
from sim_envs.trajectories.pose_files import read_poses

UNIT_M = 0.001
_PERSPECTIVE = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE")
_LENS = ("k1", "k2", "p1", "p2", "k3")


def read_nerfstudio(path: Path) -> RawSequence:
    """Read a ``transforms.json``, or the folder that holds it; see the module."""
    file = path / "transforms.json" if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"{path} holds no transforms.json.")
    poses = read_poses(file)  # refuses what is no such file
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    frames = data["frames"]
    pairs = [_pair(file, i, frame) for i, frame in enumerate(frames)]
    missing = [_name(file, f) for pair in pairs for f in pair if not f.is_file()]
    if missing:
        raise missing_files("files", file.parent, missing)
    in_time = sorted(range(len(frames)), key=lambda i: _by_numbers(_name(file, pairs[i][0])))
    unit = float(data.get("depth_unit_scale_factor", UNIT_M))
    cameras = [_camera(file, i, data | frame, pairs[i][0]) for i, frame in enumerate(frames)]
    common = _common(file, cameras)
    return RawSequence(
        frames=tuple(
            RawFrame(
                name=_name(file, pairs[i][0]),
                camera_to_world=poses[i],
                load=partial(_load, *pairs[i], unit),
                size=size_of(*pairs[i]),
                colour=None if cameras[i] == common else cameras[i],
            )
            for i in in_time
        ),
        colour=common,
        world_to_yup=np.eye(4) if "world_to_yup" in data else None,
        files=(file,),
    )


def _pair(file: Path, number: int, frame: dict[str, Any]) -> tuple[Path, Path]:
    """Return the colour and the depth file of a frame."""
    if "file_path" not in frame:
        hint = " This looks like --format 7scenes." if "color" in frame else ""
        raise UserError(f"{file}: frame {number} has no file_path.{hint}")
    if "depth_file_path" not in frame:
        raise UserError(f"{file}: frame {number} has no depth_file_path. A capture needs the depth of every picture.")
    return file.parent / str(frame["file_path"]), file.parent / str(frame["depth_file_path"])


def _name(file: Path, picture: Path) -> str:
    return Path(os.path.relpath(picture, file.parent)).as_posix()


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts 9.png before 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _camera(file: Path, number: int, values: dict[str, Any], picture: Path) -> Camera:
    """Return the camera of a frame from its own values and those at the top of the file."""
    model = str(values.get("camera_model", "OPENCV"))
    if model not in _PERSPECTIVE:
        raise UserError(f"{file}: frame {number} has a {model} camera; known are {', '.join(_PERSPECTIVE)}.")
    if "w" in values and "h" in values:
        width, height = int(values["w"]), int(values["h"])
    else:
        width, height = picture_size(picture)
    try:
        if "fl_x" in values:
            fx = float(values["fl_x"])
        else:
            fx = 0.5 * width / float(np.tan(float(values["camera_angle_x"]) / 2))
        lens = tuple(float(values.get(name, 0.0)) for name in _LENS)
        fy, cx, cy = (
            float(values.get(name, otherwise))
            for name, otherwise in (("fl_y", fx), ("cx", width / 2), ("cy", height / 2))
        )
        beyond = float(values.get("k4", 0.0))
    except KeyError:
        raise UserError(f"{file}: frame {number} has neither fl_x nor camera_angle_x, its own or at the top.") from None
    except (TypeError, ValueError):
        raise UserError(f"{file}: frame {number} has intrinsics that are no numbers.") from None
    if beyond:
        raise UserError(f"{file}: frame {number} has k4 = {beyond:g}; distortion is read up to k3.")
    return Camera(width, height, fx, fy, cx, cy, lens if any(lens) else ())


def _common(file: Path, cameras: list[Camera]) -> Camera:
    """Return the camera that all frames are brought to: theirs, or the one that sees least, so that all fill it.

    Raises:
        UserError: frames differ in size.
    """
    sizes = {(camera.width, camera.height) for camera in cameras}
    if len(sizes) > 1:
        found = ", ".join(f"{w} × {h}" for w, h in sorted(sizes))
        raise UserError(f"{file}: its pictures differ in size ({found}). Make one capture of each size.")
    return max(cameras, key=lambda camera: camera.fx)


def _load(colour: Path, depth: Path, unit_m: float) -> tuple[np.ndarray, np.ndarray]:
    return read_picture(colour), _depth(depth, unit_m)


def _depth(path: Path, unit_m: float) -> np.ndarray:
    if path.suffix.lower() != ".npy":
        return read_depth(path, 1 / unit_m)
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is damaged: {str(error)[:120]}") from None
    if values.squeeze().ndim != 2:
        raise UserError(f"{path} has an array of shape {values.shape}; a depth picture has rows and columns.")
    return np.ascontiguousarray(values.squeeze(), np.float32) * np.float32(unit_m)
