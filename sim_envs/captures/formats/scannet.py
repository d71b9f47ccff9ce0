"""ScanNet (Dai et al., CVPR 2017): a ``.sens`` file, or the folders that its SensReader exports.

Exported are ``color/0.jpg``, ``depth/0.png`` (16 bits, millimetres), ``pose/0.txt`` (camera-to-world, OpenCV axes,
metres, Z up) and ``intrinsic/intrinsic_color.txt``, ``intrinsic_depth.txt``, ``extrinsic_color.txt``,
``extrinsic_depth.txt`` (4 × 4 each). Frames whose tracking was lost have a pose of −inf; they are left out. Colour and
depth differ in size and lens, so depth is registered to colour with these matrices.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from sim_envs.captures.camera import Camera
from sim_envs.captures.formats.sens import Sens, read_sens
from sim_envs.captures.sequence import (
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
from sim_envs.spaces.scans.orientation import to_y_up
from sim_envs.trajectories.pose_files import rigid_pose

_MATRICES = ("intrinsic_color", "intrinsic_depth")
_OPTIONAL = ("extrinsic_color", "extrinsic_depth")
_LAYOUT = "Export it with ScanNet's SensReader (color, depth, pose, intrinsic), or name the .sens file."


def read_scannet(path: Path) -> RawSequence:
    """Read a ``.sens`` file, a folder with one, or exported folders; see the module."""
    if path.is_file():
        return _of_sens(path)
    if (path / "color").is_dir():
        return _of_folders(path)
    files = sorted(path.glob("*.sens"))
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise UserError(f"{path} has no folder 'color' and not exactly one .sens file (found: {found}). {_LAYOUT}")
    return _of_sens(files[0])


def _of_folders(path: Path) -> RawSequence:
    matrices = {name: path / "intrinsic" / f"{name}.txt" for name in (*_MATRICES, *_OPTIONAL)}
    absent = [str(matrices[name].relative_to(path)) for name in _MATRICES if not matrices[name].is_file()]
    if absent:
        raise missing_files("intrinsics", path, absent, _LAYOUT)
    found = [p for p in (path / "color").iterdir() if p.stem.isdecimal() and p.suffix.lower() in (".jpg", ".png")]
    pictures = sorted(found, key=lambda p: int(p.stem))
    if not pictures:
        raise UserError(f"{path / 'color'} holds no 0.jpg, 1.jpg … {_LAYOUT}")
    companions = {p: (path / "depth" / f"{p.stem}.png", path / "pose" / f"{p.stem}.txt") for p in pictures}
    missing = [str(f.relative_to(path)) for files in companions.values() for f in files if not f.is_file()]
    if missing:
        raise missing_files("files", path, missing, _LAYOUT)
    frames, lost = [], 0
    for picture, (depth, pose_file) in companions.items():
        pose = read_matrix(pose_file, 4)
        if not np.isfinite(pose).all():
            lost += 1
            continue
        frames.append(
            RawFrame(
                name=picture.stem,
                camera_to_world=opengl_pose(pose_file, "the pose", pose),
                load=partial(_load, picture, depth),
                size=size_of(picture, depth),
            )
        )
    colour, depth_camera = (read_matrix(matrices[name], 4) for name in _MATRICES)
    extrinsic = [
        rigid_pose(matrices[name], "the matrix", read_matrix(matrices[name], 4))
        if matrices[name].is_file()
        else np.eye(4)
        for name in _OPTIONAL
    ]
    return _sequence(
        frames,
        Camera.opencv(picture_size(pictures[0]), colour),
        Camera.opencv(picture_size(companions[pictures[0]][0]), depth_camera),
        depth_to_colour=np.linalg.inv(extrinsic[0]) @ extrinsic[1],
        lost=lost,
        files=tuple(file for file in matrices.values() if file.is_file()),
    )


def _of_sens(path: Path) -> RawSequence:
    sens: Sens = read_sens(path)
    frames, lost = [], 0
    for number, frame in enumerate(sens.frames):
        if not np.isfinite(frame.camera_to_world).all():
            lost += 1
            continue
        frames.append(
            RawFrame(
                name=str(number),
                camera_to_world=opengl_pose(path, f"the pose of frame {number}", frame.camera_to_world),
                load=partial(sens.load, number),
                size=frame.colour_bytes + frame.depth_bytes,
                timestamp=frame.timestamp_us / 1e6,
            )
        )
    return _sequence(
        frames,
        Camera.opencv(sens.colour_size, sens.intrinsic_colour),
        Camera.opencv(sens.depth_size, sens.intrinsic_depth),
        depth_to_colour=np.linalg.inv(rigid_pose(path, "extrinsic_color", sens.extrinsic_colour))
        @ rigid_pose(path, "extrinsic_depth", sens.extrinsic_depth),
        lost=lost,
        files=(),
    )


def _sequence(
    frames: list[RawFrame],
    colour: Camera,
    depth: Camera,
    depth_to_colour: np.ndarray,
    lost: int,
    files: tuple[Path, ...],
) -> RawSequence:
    to_yup = np.eye(4)
    to_yup[:3, :3] = to_y_up("z")
    return RawSequence(
        frames=tuple(frames),
        colour=colour,
        depth=depth,
        depth_to_colour=depth_to_colour,
        world_to_yup=to_yup,
        left_out={"no pose (tracking was lost)": lost},
        files=files,
    )


def _load(colour: Path, depth: Path) -> tuple[np.ndarray, np.ndarray]:
    return read_picture(colour), read_depth(depth, 1000)
