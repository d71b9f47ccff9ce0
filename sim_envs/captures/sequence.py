"""What a reader of a capture format returns: frames that can be decoded, where they were taken, with which cameras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from sim_envs.captures.camera import Camera
from sim_envs.errors import UserError
from sim_envs.trajectories.pose_files import rigid_pose

OPENCV_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""Turns camera axes: a camera-to-world for OpenCV's axes times this is one for OpenGL's, and back."""


@dataclass(frozen=True, eq=False)
class RawFrame:
    """One picture with its depth, not yet decoded.

    Attributes:
        name: unique in its sequence; for messages and provenance.
        camera_to_world: (4, 4) float64 of the *colour* camera, OpenGL axes, in the world of the source, metres.
        load: decodes; returns rgb (h, w, 3) uint8 and depth (h', w') float32, planar metres, 0 = none.
        size: bytes of its files: changed pictures are told from those already imported.
        timestamp: seconds, or NaN.
        colour: its own intrinsics where they differ from frame to frame.
    """

    name: str
    camera_to_world: np.ndarray
    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    size: int
    timestamp: float = float("nan")
    colour: Camera | None = None


@dataclass(frozen=True, eq=False)
class RawSequence:
    """A capture as its files say it.

    Attributes:
        frames: in the order of time.
        colour: the colour camera.
        depth: the depth camera, or None where depth is given in the colour camera already (at any size).
        depth_to_colour: (4, 4), OpenCV axes: takes points of the depth camera's frame to the colour camera's.
        world_to_yup: (4, 4) rigid, takes the world of the source to one with Y up; None where the format does not
            say what is up.
        left_out: why frames could not be used → how many.
        files: what was read beside the pictures.
        notes: what a user should know of how the files were understood.
    """

    frames: tuple[RawFrame, ...]
    colour: Camera
    depth: Camera | None = None
    depth_to_colour: np.ndarray = field(default_factory=lambda: np.eye(4))
    world_to_yup: np.ndarray | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def opengl_pose(path: Path, name: str, camera_to_world: np.ndarray) -> np.ndarray:
    """Turn an OpenCV camera-to-world into an OpenGL one, made exactly rigid.

    Raises:
        UserError: it is not rigid within 1e-2.
    """
    return rigid_pose(path, name, camera_to_world) @ OPENCV_TO_OPENGL


def read_matrix(path: Path, rows: int) -> np.ndarray:
    """Read a square matrix of white-space separated numbers.

    Raises:
        UserError: no such file, or not ``rows`` × ``rows`` numbers.
    """
    try:
        values = np.array(path.read_text(encoding="utf-8").replace(",", " ").split(), np.float64)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"Cannot read {rows} × {rows} numbers from {path}: {error}") from None
    if values.size != rows * rows:
        raise UserError(f"{path} holds {values.size} numbers, not {rows} × {rows}.")
    return values.reshape(rows, rows)


def read_picture(path: Path) -> np.ndarray:
    """Return (h, w, 3) uint8 RGB of an image file.

    Raises:
        UserError: missing or damaged.
    """
    return decode_picture(_read(path), str(path))


def decode_picture(data: bytes, name: str) -> np.ndarray:
    """Return (h, w, 3) uint8 RGB of an encoded image.

    Raises:
        UserError: damaged.
    """
    return cv2.cvtColor(_decode(data, name, cv2.IMREAD_COLOR_BGR), cv2.COLOR_BGR2RGB)


def read_depth(path: Path, units_per_metre: float, invalid: int = 0) -> np.ndarray:
    """Return (h, w) float32 metres of a 16-bit image, 0 where it is 0 or ``invalid``.

    Raises:
        UserError: missing, damaged, or not one channel of 16 bits.
    """
    raw = _decode(_read(path), str(path), cv2.IMREAD_UNCHANGED)
    if raw.dtype != np.uint16 or raw.ndim != 2:
        raise UserError(f"{path} is {raw.dtype}{raw.shape}: a depth picture has one channel of 16 bits.")
    return scaled_depth(raw, units_per_metre, invalid)


def scaled_depth(raw: np.ndarray, units_per_metre: float, invalid: int = 0) -> np.ndarray:
    """Return float32 metres of whole-number depth, 0 where it is 0 or ``invalid``."""
    metres = raw.astype(np.float32) / np.float32(units_per_metre)
    if invalid:
        metres[raw == invalid] = 0
    return metres


def picture_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of an image file.

    Raises:
        UserError: missing or damaged.
    """
    height, width = _decode(_read(path), str(path), cv2.IMREAD_UNCHANGED).shape[:2]
    return width, height


def size_of(*paths: Path) -> int:
    """Return the bytes of some files."""
    return sum(path.stat().st_size for path in paths)


def missing_files(what: str, folder: Path, missing: list[str], hint: str = "") -> UserError:
    """Return the error that names files which are not there."""
    shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return UserError(f"{folder}: {len(missing)} {what} missing: {shown}.{' ' + hint if hint else ''}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None


def _decode(data: bytes, name: str, how: int) -> np.ndarray:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), how) if data else None
    if decoded is None:
        raise UserError(f"{name} is damaged: it cannot be decoded as an image.")
    return decoded
